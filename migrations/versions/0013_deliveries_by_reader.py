"""Find a reader's newest digest without reading all that were ever sent: it is asked for each reader at every look."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX deliveries_address ON monitor.deliveries (address, window_until)")
