"""Nobody verifies a claim that he had a part in: who entered it before its last correction is kept from now on

Revision ID: 0055
Revises: 0054
"""

from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE case_claims ADD COLUMN also_entered_by uuid[] NOT NULL DEFAULT '{}'")


def downgrade() -> None:
    op.execute("ALTER TABLE case_claims DROP COLUMN also_entered_by")
