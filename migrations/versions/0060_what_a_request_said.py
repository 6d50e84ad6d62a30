"""What a request said is kept as a digest: another tip under the same request id is no repeat

Revision ID: 0060
Revises: 0059
"""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Empty in the rows that stand: of those any request under the same id is a repeat, as before.
    op.add_column("tips", sa.Column("request_body_digest", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("tips", "request_body_digest")
