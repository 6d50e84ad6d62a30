"""The file of an import may be removed after its time; what came of it stays

Revision ID: 0039
Revises: 0038
"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("case_imports", "file_id", existing_type=sa.Uuid(), nullable=True)


def downgrade() -> None:
    op.execute("DELETE FROM case_imports WHERE file_id IS NULL")
    op.alter_column("case_imports", "file_id", existing_type=sa.Uuid(), nullable=False)
