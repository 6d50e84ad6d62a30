"""Rewards lapse too where one of several reporters has asked: the hourly look finds both states by one index

Revision ID: 0057
Revises: 0056
"""

from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None

NAME = "ix_rewards_collect_by"
STATES, BEFORE = "state IN ('granted', 'claimed')", "state = 'granted'"


def upgrade() -> None:
    _replace(STATES)


def downgrade() -> None:
    _replace(BEFORE)


def _replace(condition: str) -> None:
    # Without locking the table, and never without one of the two. One that was interrupted is begun again.
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}_next")
        op.execute(f"CREATE INDEX CONCURRENTLY {NAME}_next ON rewards (collect_by) WHERE {condition}")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}")
        op.execute(f"ALTER INDEX {NAME}_next RENAME TO {NAME}")
        op.execute("SET lock_timeout = '5s'")
