"""Files are held until the virus scanner has seen them, where one is configured

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("stored_files", sa.Column("scan", sa.String(length=16), server_default="none", nullable=False))
    op.create_check_constraint(
        op.f("ck_stored_files_scan"), "stored_files", "scan IN ('none','waiting','clean','infected','failed')"
    )
    op.create_index(
        "ix_stored_files_unscanned", "stored_files", ["created_at"], postgresql_where="scan = 'waiting'"
    )


def downgrade() -> None:
    op.drop_index("ix_stored_files_unscanned", table_name="stored_files", postgresql_where="scan = 'waiting'")
    op.drop_constraint(op.f("ck_stored_files_scan"), "stored_files", type_="check")
    op.drop_column("stored_files", "scan")
