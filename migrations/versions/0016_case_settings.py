"""Templates of plans by kind of case, and the share of legacy cases to resolve by year: dated rows of the office

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ROLE = "shudi_app"


def upgrade() -> None:
    op.create_table(
        "case_plan_templates",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("goal", sa.Text(), nullable=False),
        sa.Column("measures", postgresql.JSONB(), nullable=False),
        sa.Column("in_use", sa.Boolean(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_plan_templates")),
    )
    op.create_index(
        "ix_case_plan_templates_category", "case_plan_templates", ["category", "valid_from", "id"], unique=False
    )
    op.create_table(
        "case_year_targets",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("percent BETWEEN 0 AND 100", name=op.f("ck_case_year_targets_percent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_year_targets")),
    )
    op.create_index("ix_case_year_targets_year", "case_year_targets", ["year", "id"], unique=False)
    op.execute(f"REVOKE UPDATE, DELETE ON case_plan_templates, case_year_targets FROM {ROLE}")


def downgrade() -> None:
    op.drop_index("ix_case_year_targets_year", table_name="case_year_targets")
    op.drop_table("case_year_targets")
    op.drop_index("ix_case_plan_templates_category", table_name="case_plan_templates")
    op.drop_table("case_plan_templates")
