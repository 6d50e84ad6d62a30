"""Entries of a list of words have a place in their order

Revision ID: 0040
Revises: 0039
"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workflow_reasons", sa.Column("position", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("workflow_reasons", "position")
