"""Copies of the pages of a PDF, beside those of images

Revision ID: 0031
Revises: 0030
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("file_copies", sa.Column("page", sa.SmallInteger(), server_default="1", nullable=False))
    op.drop_constraint(op.f("pk_file_copies"), "file_copies", type_="primary")
    op.create_primary_key(op.f("pk_file_copies"), "file_copies", ["file_id", "size_name", "page"])


def downgrade() -> None:
    op.execute("DELETE FROM file_copies WHERE page > 1")
    op.drop_constraint(op.f("pk_file_copies"), "file_copies", type_="primary")
    op.create_primary_key(op.f("pk_file_copies"), "file_copies", ["file_id", "size_name"])
    op.drop_column("file_copies", "page")
