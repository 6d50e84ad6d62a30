"""The page of a case counts no claims, be they a million: what they come to stands with the case, and with the batch

A trigger adds what a statement has changed. What is there already is counted case by case, under the lock that every
writer of claims and payments takes first, so that the office works on. What assets come to is summed by the way: those
that were entered before the sums followed them counted from their next change on.

Revision ID: 0047
Revises: 0046
"""

from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

COLUMNS = {
    "fundraising_cases": {
        "claims": "integer", "claims_waiting": "integer", "claims_verified_yuan": "numeric(18, 2)",
    },
    "case_batches": {
        "sent": "integer", "paid": "integer", "failed": "integer", "returned": "integer", "paid_yuan": "numeric(18, 2)",
    },
}  # fmt: skip
# Of rows with their ``sign``: 1 for what a statement wrote, -1 for what was there before.
OF_CLAIMS = {
    "claims": "coalesce(sum(sign), 0)",
    "claims_waiting": "coalesce(sum(sign) FILTER (WHERE verified_at IS NULL), 0)",
    "claims_verified_yuan": "coalesce(sum(sign * verified_yuan), 0)",
}
OF_PAYMENTS = {
    **{state: f"coalesce(sum(sign) FILTER (WHERE state = '{state}'), 0)" for state in ("sent", "paid", "failed", "returned")},
    "paid_yuan": "coalesce(sum(sign * yuan) FILTER (WHERE state = 'paid'), 0)",
}
TRIGGERS = {
    "case_claims": ("fundraising_cases", "case_id", OF_CLAIMS, "verified_at, verified_yuan"),
    "case_payments": ("case_batches", "batch_id", OF_PAYMENTS, "state, yuan"),
}
EVENTS = {
    "INSERT": "REFERENCING NEW TABLE AS new_rows",
    "UPDATE": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "REFERENCING OLD TABLE AS old_rows",
}
CONTROLLED = "state IN ('seized', 'valued', 'realised')"


def upgrade() -> None:
    # Each of these is done in a moment, and holds no lock while the next one waits for its own.
    with op.get_context().autocommit_block():
        for table, columns in COLUMNS.items():
            added = ", ".join(f"ADD COLUMN IF NOT EXISTS {name} {kind} NOT NULL DEFAULT 0" for name, kind in columns.items())
            op.execute(f"ALTER TABLE {table} {added}")
        for table, (owner, key, sums, read) in TRIGGERS.items():
            op.execute(_function(table, owner, key, sums, read))
            for event, rows in EVENTS.items():
                op.execute(
                    f"CREATE OR REPLACE TRIGGER {table}_counted_on_{event.lower()} AFTER {event} ON {table} {rows} "
                    f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_counted()"
                )
    op.execute(_counting())


def _function(table: str, owner: str, key: str, sums: dict[str, str], read: str) -> str:
    written, before = (
        f"SELECT {sign} AS sign, {key}, {read} FROM {rows}" for sign, rows in ((1, "new_rows"), (-1, "old_rows"))
    )

    def add(rows: str) -> str:
        counted = ", ".join(f"{how} AS {name}" for name, how in sums.items())
        changed = ", ".join(f"{name} = t.{name} + n.{name}" for name in sums)
        any_ = " OR ".join(f"n.{name} <> 0" for name in sums)
        return (
            f"UPDATE {owner} t SET {changed} FROM (SELECT {key}, {counted} FROM ({rows}) r GROUP BY {key}) n "
            f"WHERE t.id = n.{key} AND ({any_});"
        )

    return f"""
CREATE OR REPLACE FUNCTION {table}_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN {add(written)}
    ELSIF TG_OP = 'DELETE' THEN {add(before)}
    ELSE {add(f"{written} UNION ALL {before}")}
    END IF;
    RETURN NULL;
END $$"""


def _counting() -> str:
    """Each statement of the loop sees what was committed before the case was locked; nobody writes until the end."""

    def counted(sums: dict[str, str], rows: str) -> str:
        return f"({', '.join(sums)}) = (SELECT {', '.join(sums.values())} FROM (SELECT 1 AS sign, * FROM {rows}) r)"

    return f"""
DO $$
DECLARE one uuid;
BEGIN
    FOR one IN SELECT id FROM fundraising_cases c WHERE EXISTS (SELECT 1 FROM case_claims WHERE case_id = c.id)
        OR EXISTS (SELECT 1 FROM case_assets WHERE case_id = c.id) ORDER BY id
    LOOP
        PERFORM 1 FROM fundraising_cases WHERE id = one FOR UPDATE;
        UPDATE fundraising_cases SET {counted(OF_CLAIMS, "case_claims WHERE case_id = one")} WHERE id = one;
        UPDATE case_batches b SET {counted(OF_PAYMENTS, "case_payments WHERE batch_id = b.id")} WHERE case_id = one;
        UPDATE fundraising_cases c SET controlled_yuan = a.controlled, realised_yuan = a.realised
        FROM (
            SELECT case_id,
                coalesce(sum(coalesce(valuation_yuan, realised_yuan, 0)) FILTER (WHERE {CONTROLLED}), 0) AS controlled,
                coalesce(sum(realised_yuan) FILTER (WHERE state = 'realised'), 0) AS realised
            FROM case_assets WHERE case_id = one GROUP BY case_id
        ) a WHERE c.id = a.case_id;
    END LOOP;
END $$"""


def downgrade() -> None:
    for table in TRIGGERS:
        for event in EVENTS:
            op.execute(f"DROP TRIGGER {table}_counted_on_{event.lower()} ON {table}")
        op.execute(f"DROP FUNCTION {table}_counted()")
    for table, columns in COLUMNS.items():
        for name in columns:
            op.drop_column(table, name)
