"""Tips that officers enter for people who rang, wrote or came

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ROLE = "shudi_app"
OPEN = "(SELECT current_setting('shudi.wall', true)) = 'open'"
SEEN = f"{OPEN} OR EXISTS (SELECT 1 FROM handlings h WHERE h.tip_id = assisted_filings.tip_id)"


def upgrade() -> None:
    op.create_table(
        "assisted_filings",
        sa.Column("tip_id", sa.Uuid(), nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("source_number", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["entered_by"], ["accounts.id"], name=op.f("fk_assisted_filings_entered_by_accounts")),
        sa.ForeignKeyConstraint(["tip_id"], ["tips.id"], name=op.f("fk_assisted_filings_tip_id_tips")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_assisted_filings_unit_id_units")),
        sa.PrimaryKeyConstraint("tip_id", name=op.f("pk_assisted_filings")),
    )
    op.execute("ALTER TABLE assisted_filings ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY wall ON assisted_filings TO {ROLE} USING ({SEEN}) WITH CHECK ({SEEN})")
    op.execute(f"REVOKE UPDATE, DELETE ON assisted_filings FROM {ROLE}")


def downgrade() -> None:
    op.drop_table("assisted_filings")
