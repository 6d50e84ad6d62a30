"""Plans of cases with their versions, and the entries of progress of each month

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ROLE = "shudi_app"
OPEN = "(SELECT current_setting('shudi.wall', true)) = 'open'"
TABLES = ("case_plans", "case_progress")


def upgrade() -> None:
    op.create_table(
        "case_plans",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("goal", sa.Text(), nullable=False),
        sa.Column("measures", postgresql.JSONB(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("written_by", sa.Uuid(), nullable=True),
        sa.Column("written_by_name", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved", sa.Boolean(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["fundraising_cases.id"], name=op.f("fk_case_plans_case_id_fundraising_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_plans")),
        sa.UniqueConstraint("case_id", "number", name=op.f("uq_case_plans_case_id_number")),
    )
    op.create_index(
        "uq_case_plans_one_open", "case_plans", ["case_id"], unique=True, postgresql_where=sa.text("approved IS NULL")
    )
    op.create_table(
        "case_progress",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("situation", sa.Text(), nullable=False),
        sa.Column("people", sa.Text(), nullable=True),
        sa.Column("proceedings", sa.Text(), nullable=True),
        sa.Column("recovered_yuan", sa.Numeric(18, 2), nullable=True),
        sa.Column("returned_yuan", sa.Numeric(18, 2), nullable=True),
        sa.Column("petitions", sa.Text(), nullable=True),
        sa.Column("problems", sa.Text(), nullable=True),
        sa.Column("movement", sa.Text(), nullable=False),
        sa.Column("written_by", sa.Uuid(), nullable=True),
        sa.Column("written_by_name", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["fundraising_cases.id"], name=op.f("fk_case_progress_case_id_fundraising_cases")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_progress")),
    )
    op.create_index("ix_case_progress_case", "case_progress", ["case_id", "month"], unique=False)
    for table in TABLES:
        seen = f"{OPEN} OR EXISTS (SELECT 1 FROM fundraising_cases c WHERE c.id = {table}.case_id)"
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY wall ON {table} TO {ROLE} USING ({seen}) WITH CHECK ({seen})")
    op.execute(f"REVOKE DELETE ON case_plans FROM {ROLE}")
    op.execute(f"REVOKE UPDATE, DELETE ON case_progress FROM {ROLE}")


def downgrade() -> None:
    op.drop_index("ix_case_progress_case", table_name="case_progress")
    op.drop_table("case_progress")
    op.drop_index("uq_case_plans_one_open", table_name="case_plans")
    op.drop_table("case_plans")
