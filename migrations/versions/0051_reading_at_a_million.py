"""Reading at a million tips: what has a deadline, what waits for the city's decision, which requests are open

Revision ID: 0051
Revises: 0050
"""

from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_handlings_with_deadline": "handlings (registered_at) WHERE due_on IS NOT NULL",
    "ix_handlings_to_decide": "handlings (registered_at, tip_id) "
    "WHERE (dispute OR needs_review) AND status IN ('registered', 'need_supplement', 'accepted')",
    "ix_reassignments_open": "reassignments (applied_at, id) "
    "WHERE status IN ('applied','returned_for_evidence','approved','adjusted')",
}


def upgrade() -> None:
    # Without locking the tables: the office works on. One that was interrupted is begun again.
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
