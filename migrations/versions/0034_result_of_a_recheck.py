"""What an independent re-check came to

Revision ID: 0034
Revises: 0033
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("recheck_requests", sa.Column("result", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_recheck_requests_known_result"),
        "recheck_requests",
        "result IS NULL OR result IN ('upheld','reopened') AND closed_at IS NOT NULL",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_recheck_requests_known_result"), "recheck_requests", type_="check")
    op.drop_column("recheck_requests", "result")
