"""Notices of long work that has ended: a sheet taken in ends more than once, so that the row is no event of its own

Revision ID: 0050
Revises: 0049
"""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

# Notices of lists led to them by their event.
OF_LISTS = "tip_id IS NULL AND case_id IS NULL AND reassignment_id IS NULL AND run_of IS NULL"


def upgrade() -> None:
    op.add_column("notices", sa.Column("run_of", sa.Text(), nullable=True))
    op.add_column("notices", sa.Column("run_id", sa.Uuid(), nullable=True))
    op.execute(f"UPDATE notices SET run_of = 'list_exports', run_id = event_id WHERE {OF_LISTS}")


def downgrade() -> None:
    # The earlier program knows a notice of nothing as one of a list.
    op.execute(
        "DELETE FROM notices n USING notices later WHERE n.run_of = 'list_exports' AND later.run_id = n.run_id"
        " AND later.account_id = n.account_id AND later.id > n.id"
    )
    op.execute("UPDATE notices SET event_id = run_id WHERE run_of = 'list_exports'")
    op.execute("DELETE FROM notices WHERE run_of <> 'list_exports'")
    op.drop_column("notices", "run_id")
    op.drop_column("notices", "run_of")
