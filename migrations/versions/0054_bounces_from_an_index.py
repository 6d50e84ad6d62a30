"""How often tips were asked to move in a year, counted from the index that the desk is read by

Revision ID: 0054
Revises: 0053
"""

from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

NAME = "ix_reassignments_queue"
WITH_PLACES = "reassignments (applied_at, id) INCLUDE (from_unit_id, to_division, status)"


def upgrade() -> None:
    _replace(WITH_PLACES)


def downgrade() -> None:
    _replace("reassignments (applied_at, id)")


def _replace(of: str) -> None:
    # Without locking the table, and never without one of the two. One that was interrupted is begun again.
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}_next")
        op.execute(f"CREATE INDEX CONCURRENTLY {NAME}_next ON {of}")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}")
        op.execute(f"ALTER INDEX {NAME}_next RENAME TO {NAME}")
        op.execute("SET lock_timeout = '5s'")
