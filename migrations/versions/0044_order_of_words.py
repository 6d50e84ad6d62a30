"""Entries of a list of words have a place in their order

Revision ID: 0044
Revises: 0043
"""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workflow_reasons", sa.Column("position", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("workflow_reasons", "position")
