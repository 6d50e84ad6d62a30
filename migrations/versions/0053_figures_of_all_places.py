"""How many came on each day over all places: a board of a year draws two of them day by day

Revision ID: 0053
Revises: 0052
"""

from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None

INDEX = "ix_tip_counts_intake_of_all"


def upgrade() -> None:
    # Without locking the table: counting goes on. One that was interrupted is begun again.
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")
        op.execute(
            f"CREATE INDEX CONCURRENTLY {INDEX} ON tip_counts (day) INCLUDE (number) "
            "WHERE grain = 'all-day' AND measure = 'intake'"
        )
        op.execute("SET lock_timeout = '5s'")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")
