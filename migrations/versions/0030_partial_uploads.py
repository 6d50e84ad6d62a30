"""Uploads in parts, which a broken network only delays

Revision ID: 0030
Revises: 0029
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "partial_uploads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("sealed_name", sa.LargeBinary(), nullable=False),
        sa.Column("declared_type", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "size > 0 AND received BETWEEN 0 AND size", name=op.f("ck_partial_uploads_received_within_size")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partial_uploads")),
    )
    op.create_index("ix_partial_uploads_created_at", "partial_uploads", ["created_at"])
    op.create_table(
        "upload_parts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("at >= 0 AND size > 0", name=op.f("ck_upload_parts_some_bytes")),
        sa.ForeignKeyConstraint(
            ["upload_id"],
            ["partial_uploads.id"],
            name=op.f("fk_upload_parts_upload_id_partial_uploads"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload_parts")),
        sa.UniqueConstraint("upload_id", "at", name=op.f("uq_upload_parts_upload_id_at")),
        sa.UniqueConstraint("storage_key", name=op.f("uq_upload_parts_storage_key")),
    )


def downgrade() -> None:
    op.drop_table("upload_parts")
    op.drop_index("ix_partial_uploads_created_at", table_name="partial_uploads")
    op.drop_table("partial_uploads")
