"""Let feed readers in: a user's feeds have an address that stands for them, since a feed reader cannot sign in."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE monitor.users ADD COLUMN feed_token TEXT UNIQUE")
