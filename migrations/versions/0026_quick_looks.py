"""Look at the wall of what hangs on one tip by the function too: asking by code reads seven tables, mostly empty,
and each inline check made the executor prepare a scan of handlings

Revision ID: 0026
Revises: 0025
"""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

# Read by tip and never at large, so that a call for each row behind a closed wall costs little.
TABLES = ("tip_messages", "tip_ratings", "tip_withdrawals", "reissued_codes")
BEFORE = (
    "(SELECT current_setting('shudi.wall', true)) = 'open' "
    "OR EXISTS (SELECT 1 FROM handlings h WHERE h.tip_id = {table}.tip_id)"
)
AFTER = "current_setting('shudi.wall', true) = 'open' OR tip_within_wall(tip_id)"


def _put(condition: str) -> None:
    for table in TABLES:
        told = condition.format(table=table)
        op.execute(f"ALTER POLICY wall ON {table} USING ({told}) WITH CHECK ({told})")


def upgrade() -> None:
    _put(AFTER)


def downgrade() -> None:
    _put(BEFORE)
