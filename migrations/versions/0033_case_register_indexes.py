"""The register by district, and what tells that the statistics have to be counted anew, from an index alone

Revision ID: 0033
Revises: 0032
"""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_fundraising_cases_division", "fundraising_cases", ["division_code", "registered_at", "id", "unit_id"]
    )
    op.create_index("ix_fundraising_cases_version", "fundraising_cases", ["unit_id", "version"])


def downgrade() -> None:
    op.drop_index("ix_fundraising_cases_version", table_name="fundraising_cases")
    op.drop_index("ix_fundraising_cases_division", table_name="fundraising_cases")
