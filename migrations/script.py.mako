"""${message}.

Rules for a migration:
- It runs in one transaction, under a lock timeout of 10 s: take heavy locks last and hold them shortly.
- The worker of the version before may still run beside it: add first, remove in a later release.
- An index on a large table is made CONCURRENTLY, in an autocommit block of its own.
- Tables of record keep their rows: no version is changed or removed, save by a recorded purge.
- A view of `research` keeps its name and columns; add with CREATE OR REPLACE, so that grants stay.
- It goes forward only; mend a mistake with the next one. The file's name is a sentence.
"""

from alembic import op

revision = "${up_revision}"
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
