"""The office's own Word templates of case documents, in versions

Revision ID: 0043
Revises: 0042
"""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

ROLE = "shudi_app"


def upgrade() -> None:
    op.create_table(
        "case_document_templates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("in_use", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("docx", sa.LargeBinary(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=True),
        sa.Column("set_by_name", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_document_templates")),
        sa.UniqueConstraint("kind", "version", name=op.f("uq_case_document_templates_kind_version")),
    )
    op.execute(f"REVOKE UPDATE, DELETE ON case_document_templates FROM {ROLE}")
    op.add_column("case_documents", sa.Column("template_version", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("case_documents", "template_version")
    op.drop_table("case_document_templates")
