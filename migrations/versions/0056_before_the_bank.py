"""Nobody verifies what he had a part in, and a claim is not corrected while the bank has it on a list

Who entered a claim before its last correction is kept from now on. Of batches that are there nobody knows whether
their list has left: they count as sent, so that the bank's answer comes first.

Revision ID: 0056
Revises: 0055
"""

from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None

STATES = ("sent", "paid", "failed", "returned")


def upgrade() -> None:
    # Each of these is done in a moment, and holds no lock while the next one waits for its own.
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE case_claims ADD COLUMN IF NOT EXISTS also_entered_by uuid[] NOT NULL DEFAULT '{}'")
        op.execute(
            "ALTER TABLE case_batches ADD COLUMN IF NOT EXISTS withdrawn integer NOT NULL DEFAULT 0, "
            "ADD COLUMN IF NOT EXISTS listed_at timestamptz"
        )
        op.execute(_counting((*STATES, "withdrawn")))
        op.execute("UPDATE case_batches SET listed_at = made_at WHERE listed_at IS NULL")


def downgrade() -> None:
    op.execute("UPDATE case_payments SET state = 'failed' WHERE state = 'withdrawn'")
    op.execute(_counting(STATES))
    op.execute("ALTER TABLE case_batches DROP COLUMN listed_at, DROP COLUMN withdrawn")
    op.execute("ALTER TABLE case_claims DROP COLUMN also_entered_by")


def _counting(states: tuple[str, ...]) -> str:
    """What the triggers of payments add to their batch: how many stand in each state, and what was paid."""
    sums = {state: f"coalesce(sum(sign) FILTER (WHERE state = '{state}'), 0)" for state in states}
    sums["paid_yuan"] = "coalesce(sum(sign * yuan) FILTER (WHERE state = 'paid'), 0)"
    counted = ", ".join(f"{how} AS {name}" for name, how in sums.items())
    changed = ", ".join(f"{name} = b.{name} + n.{name}" for name in sums)
    any_ = " OR ".join(f"n.{name} <> 0" for name in sums)

    def add(rows: str) -> str:
        return (
            f"UPDATE case_batches b SET {changed} FROM (SELECT batch_id, {counted} FROM ({rows}) r GROUP BY batch_id) n "
            f"WHERE b.id = n.batch_id AND ({any_});"
        )

    written, before = (
        f"SELECT {sign} AS sign, batch_id, state, yuan FROM {rows}" for sign, rows in ((1, "new_rows"), (-1, "old_rows"))
    )
    return f"""
CREATE OR REPLACE FUNCTION case_payments_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN {add(written)}
    ELSIF TG_OP = 'DELETE' THEN {add(before)}
    ELSE {add(f"{written} UNION ALL {before}")}
    END IF;
    RETURN NULL;
END $$"""
