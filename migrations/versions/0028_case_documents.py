"""Documents of cases in versions, and the last number of each unit and year

Revision ID: 0028
Revises: 0027
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

ROLE = "shudi_app"
OPEN = "(SELECT current_setting('shudi.wall', true)) = 'open'"
UNITS = "(SELECT string_to_array(nullif(current_setting('shudi.wall', true), 'open'), ','))::int[]"
WALLS = {
    "case_documents": f"{OPEN} OR EXISTS (SELECT 1 FROM fundraising_cases c WHERE c.id = case_documents.case_id)",
    "case_document_numbers": f"{OPEN} OR unit_id = ANY ({UNITS})",
}


def upgrade() -> None:
    op.create_table(
        "case_documents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("unit_id", "year", "number", "version")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("kind", "title", "reason")),
        sa.Column("docx", sa.LargeBinary(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("made_by_name", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["fundraising_cases.id"], name=op.f("fk_case_documents_case_id_fundraising_cases")
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_case_documents_unit_id_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_documents")),
        sa.UniqueConstraint(
            "unit_id", "year", "number", "version", name=op.f("uq_case_documents_unit_id_year_number_version")
        ),
    )
    op.create_index("ix_case_documents_case", "case_documents", ["case_id", "made_at"], unique=False)
    op.create_table(
        "case_document_numbers",
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("unit_id", "year", "last")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_case_document_numbers_unit_id_units")),
        sa.PrimaryKeyConstraint("unit_id", "year", name=op.f("pk_case_document_numbers")),
    )
    for table, seen in WALLS.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY wall ON {table} TO {ROLE} USING ({seen}) WITH CHECK ({seen})")
        op.execute(f"REVOKE DELETE ON {table} FROM {ROLE}")
    op.execute(f"REVOKE UPDATE ON case_documents FROM {ROLE}")


def downgrade() -> None:
    op.drop_table("case_document_numbers")
    op.drop_index("ix_case_documents_case", table_name="case_documents")
    op.drop_table("case_documents")
