"""The days that two terms count from: a refusal of the police from its arrival, the other district's view from its asking

Revision ID: 0058
Revises: 0057
"""

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Empty in the rows that stand: their terms keep the ends that people were told.
    op.add_column("police_transfers", sa.Column("police_notified_on", sa.Date(), nullable=True))
    op.add_column("reassignments", sa.Column("view_asked_on", sa.Date(), nullable=True))
    op.add_column("reassignments", sa.Column("view_days", sa.SmallInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("reassignments", "view_days")
    op.drop_column("reassignments", "view_asked_on")
    op.drop_column("police_transfers", "police_notified_on")
