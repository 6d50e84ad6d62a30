"""The tips that an officer entered, found by the officer

Revision ID: 0041
Revises: 0040
"""

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_assisted_filings_entered_by", "assisted_filings", ["entered_by"])


def downgrade() -> None:
    op.drop_index("ix_assisted_filings_entered_by", table_name="assisted_filings")
