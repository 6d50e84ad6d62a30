"""What pages count again and again is counted from indexes alone, and a unit's tips are read by their deadline

Revision ID: 0054
Revises: 0053
"""

from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

LATE = "handlings (due_on) {} WHERE due_on IS NOT NULL"
TO_DECIDE = (
    "handlings (registered_at, tip_id) {} WHERE (dispute OR needs_review) "
    "AND status IN ('registered', 'need_supplement', 'accepted')"
)
MOVES = "reassignments (applied_at, id) {}"
OF_A_UNIT = "ix_handlings_unit_deadline"
BY_DEADLINE = (
    "handlings (unit_id, coalesce(due_on, '9999-12-31'::date), tip_id) INCLUDE (due_on, status) "
    "WHERE unit_id IS NOT NULL"
)
INDEXES = {
    "ix_handlings_division": ("handlings (division_code, registered_at, tip_id) {}", "INCLUDE (unit_id)"),
    "ix_handlings_priority": ("handlings (priority, registered_at, tip_id) {}", "INCLUDE (unit_id)"),
    "ix_handlings_due_on": (LATE, "INCLUDE (unit_id, paused_on)"),
    "ix_handlings_to_decide": (TO_DECIDE, "INCLUDE (unit_id, dispute)"),
    "ix_reassignments_queue": (MOVES, "INCLUDE (from_unit_id, to_unit_id, to_division, status, view_due_on)"),
}


def upgrade() -> None:
    for name, (of, included) in INDEXES.items():
        _replace(name, of.format(included))
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {OF_A_UNIT}")
        op.execute(f"CREATE INDEX CONCURRENTLY {OF_A_UNIT} ON {BY_DEADLINE}")
        op.execute("SET lock_timeout = '5s'")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {OF_A_UNIT}")
    for name, (of, _) in INDEXES.items():
        _replace(name, of.format(""))


def _replace(name: str, of: str) -> None:
    # Without locking the table, and never without one of the two. One that was interrupted is begun again.
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}_next")
        op.execute(f"CREATE INDEX CONCURRENTLY {name}_next ON {of}")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute(f"ALTER INDEX {name}_next RENAME TO {name}")
        op.execute("SET lock_timeout = '5s'")
