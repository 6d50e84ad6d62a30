"""Viewing copies of images: re-encoded, without what the camera noted

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ROLE = "shudi_app"


def upgrade() -> None:
    op.create_table(
        "file_copies",
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("size_name", sa.String(length=16), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("size_name IN ('view','thumbnail')", name=op.f("ck_file_copies_size_name")),
        sa.ForeignKeyConstraint(["file_id"], ["stored_files.id"], name=op.f("fk_file_copies_file_id_stored_files")),
        sa.PrimaryKeyConstraint("file_id", "size_name", name=op.f("pk_file_copies")),
        sa.UniqueConstraint("storage_key", name=op.f("uq_file_copies_storage_key")),
    )
    op.execute(f"REVOKE DELETE ON file_copies FROM {ROLE}")


def downgrade() -> None:
    op.drop_table("file_copies")
