"""Spreadsheets that officers hand in, with what came of them

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

ROLE = "shudi_app"
OPEN = "(SELECT current_setting('shudi.wall', true)) = 'open'"
UNITS = "(SELECT string_to_array(nullif(current_setting('shudi.wall', true), 'open'), ','))::int[]"
FIGURES = ("last_heading_row", "rows", "created", "updated", "unchanged", "refused")


def upgrade() -> None:
    op.create_table(
        "case_imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("uploaded_by", sa.Uuid(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sheet", sa.Text(), server_default="", nullable=False),
        sa.Column("columns", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        *(sa.Column(name, sa.Integer(), server_default="0", nullable=False) for name in FIGURES),
        sa.Column("by_row", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("dry_run", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("faults", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("result_file_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["fundraising_cases.id"], name=op.f("fk_case_imports_case_id_fundraising_cases")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_case_imports_unit_id_units")),
        sa.ForeignKeyConstraint(["file_id"], ["stored_files.id"], name=op.f("fk_case_imports_file_id_stored_files")),
        sa.ForeignKeyConstraint(["result_file_id"], ["stored_files.id"], name=op.f("fk_case_imports_result_file_id_stored_files")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_imports")),
    )
    op.create_index("ix_case_imports_unit", "case_imports", ["unit_id", "uploaded_at"], unique=False)
    seen = f"{OPEN} OR unit_id = ANY ({UNITS})"
    op.execute("ALTER TABLE case_imports ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY wall ON case_imports TO {ROLE} USING ({seen}) WITH CHECK ({seen})")
    op.execute(f"REVOKE DELETE ON case_imports FROM {ROLE}")


def downgrade() -> None:
    op.drop_index("ix_case_imports_unit", table_name="case_imports")
    op.drop_table("case_imports")
