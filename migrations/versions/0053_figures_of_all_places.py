"""How many came on each day over all places, which a board of a year draws twice, and which tips are late

Revision ID: 0053
Revises: 0052
"""

from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_tip_counts_intake_of_all": "tip_counts (day) INCLUDE (number) WHERE grain = 'all-day' AND measure = 'intake'",
    "ix_tip_facts_late": "tip_facts (registered_on) WHERE NOT on_time",
}


def upgrade() -> None:
    # Without locking the tables: counting goes on. One that was interrupted is begun again.
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        for name, of in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {of}")
        op.execute("SET lock_timeout = '5s'")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name in INDEXES:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
