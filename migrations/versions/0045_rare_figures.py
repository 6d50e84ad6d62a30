"""The lists behind rare figures at a million tips: an index for each step, and a wall that asks no other table

Revision ID: 0045
Revises: 0044
"""

from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

OPEN = "(SELECT current_setting('shudi.wall', true)) = 'open'"
UNITS = "(SELECT string_to_array(nullif(current_setting('shudi.wall', true), 'open'), ','))::int[]"
# The lists themselves stand behind the wall of handlings; facts follow a tip that moves within a minute.
AFTER = f"{OPEN} OR unit_id = ANY ({UNITS})"
BEFORE = f"{OPEN} OR EXISTS (SELECT 1 FROM handlings h WHERE h.tip_id = tip_facts.tip_id)"
INDEXES = {
    f"ix_tip_facts_{step}": f"tip_facts ({step}_days, registered_on) WHERE {step}_days IS NOT NULL"
    for step in ("accept", "dispatch", "conclude")
} | {
    "ix_tip_counts_intake": "tip_counts (day) INCLUDE (unit_id, division_code, number) "
    "WHERE grain = 'day' AND measure = 'intake'"
}


def _put(condition: str) -> None:
    op.execute(f"ALTER POLICY wall ON tip_facts USING ({condition}) WITH CHECK ({condition})")


def upgrade() -> None:
    _put(AFTER)
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
    _put(BEFORE)
