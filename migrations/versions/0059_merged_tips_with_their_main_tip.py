"""A merged tip lies where its main tip lies, so that the unit that handles the matter sees it; the statistics know which
tips are merged, since of a unit they count nothing but what their reporters think of it

Revision ID: 0059
Revises: 0058
"""

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None

AT_ONCE = 2000
# The main tip is locked first, as by whoever moves it: what follows it is changed under its lock alone.
FOLLOW = """
    WITH wanted AS (
        SELECT f.tip_id, f.merged_into FROM handlings f JOIN handlings m ON m.tip_id = f.merged_into
        WHERE f.merged_into IS NOT NULL
          AND (f.unit_id, f.division_code) IS DISTINCT FROM (m.unit_id, m.division_code)
        ORDER BY f.merged_into, f.tip_id LIMIT :most
    ), mains AS (
        SELECT m.tip_id, m.unit_id, m.division_code FROM handlings m
        WHERE m.tip_id IN (SELECT merged_into FROM wanted) ORDER BY m.tip_id FOR NO KEY UPDATE
    )
    UPDATE handlings f SET unit_id = mains.unit_id, division_code = mains.division_code
    FROM wanted JOIN mains ON mains.tip_id = wanted.merged_into WHERE f.tip_id = wanted.tip_id
"""
LEAVE = """
    UPDATE handlings SET unit_id = NULL WHERE tip_id IN (
        SELECT tip_id FROM handlings WHERE merged_into IS NOT NULL AND unit_id IS NOT NULL LIMIT :most
    )
"""


def upgrade() -> None:
    op.execute("ALTER TABLE tip_facts ADD COLUMN IF NOT EXISTS merged boolean NOT NULL DEFAULT false")
    _in_parts(FOLLOW)


def downgrade() -> None:
    _in_parts(LEAVE)
    op.execute("ALTER TABLE tip_facts DROP COLUMN IF EXISTS merged")


def _in_parts(statement: str) -> None:
    """Some thousand rows in a transaction of their own: nobody waits long. What was interrupted is begun again."""
    with op.get_context().autocommit_block():
        while op.get_bind().execute(sa.text(statement), {"most": AT_ONCE}).rowcount:
            pass
