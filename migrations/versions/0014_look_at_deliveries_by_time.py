"""Find the newest editions, the deliveries of a window, and the last notice of a route without reading all there ever were."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX editions_until ON monitor.editions (window_until, edition_id)")
    op.execute(
        "CREATE INDEX deliveries_window ON monitor.deliveries (window_until) WHERE window_until IS NOT NULL"
    )
    op.execute(
        """
        CREATE INDEX deliveries_told ON monitor.deliveries (route, coalesce(ended_at, planned_at))
            WHERE notice_id IS NOT NULL AND state = 'sent'
        """
    )
