"""Amounts and people in bands, as reporters can tell them; and the removal of identities that are no longer needed

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ROLE = "shudi_app"
OPEN = "(SELECT current_setting('shudi.wall', true)) = 'open'"
SEEN = f"{OPEN} OR EXISTS (SELECT 1 FROM handlings h WHERE h.tip_id = identity_removals.tip_id)"


def upgrade() -> None:
    op.add_column("tips", sa.Column("amount_band", sa.Text(), nullable=True))
    op.add_column("tips", sa.Column("participants_band", sa.Text(), nullable=True))
    op.create_table(
        "identity_removals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tip_id", sa.Uuid(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("decision IN ('remove','keep')", name=op.f("ck_identity_removals_known_decision")),
        sa.CheckConstraint(
            "(decision IS NULL) = (decided_at IS NULL) AND (decision IS NULL) = (decided_by IS NULL)",
            name=op.f("ck_identity_removals_decided_by_a_person"),
        ),
        sa.ForeignKeyConstraint(["tip_id"], ["tips.id"], name=op.f("fk_identity_removals_tip_id_tips")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_removals")),
        sa.UniqueConstraint("tip_id", name=op.f("uq_identity_removals_tip_id")),
    )
    op.create_index("ix_identity_removals_queue", "identity_removals", ["proposed_at", "id"], unique=False)
    op.execute(f"REVOKE DELETE ON identity_removals FROM {ROLE}")
    op.execute("ALTER TABLE identity_removals ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY wall ON identity_removals TO {ROLE} USING ({SEEN}) WITH CHECK ({SEEN})")


def downgrade() -> None:
    op.drop_table("identity_removals")
    op.drop_column("tips", "participants_band")
    op.drop_column("tips", "amount_band")
