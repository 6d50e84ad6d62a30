"""Acting for absent colleagues, stepping aside, the way to the police, automatic dispatch

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ROLE = "shudi_app"
OPEN = "(SELECT current_setting('shudi.wall', true)) = 'open'"
SEEN = "EXISTS (SELECT 1 FROM handlings h WHERE h.tip_id = {table}.tip_id)"
POLICIES = {
    # A company's exclusion holds an account and a name, nothing of a tip.
    "exclusions": f"{OPEN} OR tip_id IS NULL OR " + SEEN.format(table="exclusions"),
    "police_transfers": f"{OPEN} OR " + SEEN.format(table="police_transfers"),
}


def upgrade() -> None:
    op.create_table(
        "delegations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("from_account_id", sa.Uuid(), nullable=False),
        sa.Column("to_account_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("granted_by", sa.Uuid(), nullable=True),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("starts_on <= ends_on", name=op.f("ck_delegations_in_order")),
        sa.CheckConstraint("from_account_id <> to_account_id", name=op.f("ck_delegations_two_people")),
        sa.ForeignKeyConstraint(["from_account_id"], ["accounts.id"], name=op.f("fk_delegations_from_account_id_accounts")),
        sa.ForeignKeyConstraint(["to_account_id"], ["accounts.id"], name=op.f("fk_delegations_to_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegations")),
    )
    op.create_index(
        "ix_delegations_to", "delegations", ["to_account_id", "ends_on"], unique=False, postgresql_where="ended_at IS NULL"
    )
    op.create_table(
        "exclusions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("tip_id", sa.Uuid(), nullable=True),
        sa.Column("company", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(tip_id IS NULL) <> (company IS NULL)", name=op.f("ck_exclusions_tip_or_company")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_exclusions_account_id_accounts")),
        sa.ForeignKeyConstraint(["tip_id"], ["handlings.tip_id"], name=op.f("fk_exclusions_tip_id_handlings")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exclusions")),
    )
    op.create_index(
        "ix_exclusions_account", "exclusions", ["account_id"], unique=False, postgresql_where="ended_at IS NULL"
    )
    op.create_table(
        "police_transfers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tip_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("officers", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decide_by", sa.Date(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("send_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("documents", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("police_decided_on", sa.Date(), nullable=True),
        sa.Column("police_reason", sa.Text(), nullable=True),
        sa.Column("reconsider_by", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["tip_id"], ["handlings.tip_id"], name=op.f("fk_police_transfers_tip_id_handlings")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_police_transfers")),
    )
    op.create_index("ix_police_transfers_tip", "police_transfers", ["tip_id", "proposed_at"], unique=False)
    op.add_column("handlings", sa.Column("dispatched_automatically", sa.Boolean(), server_default="false", nullable=False))
    for table, condition in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY wall ON {table} TO {ROLE} USING ({condition}) WITH CHECK ({condition})")
    op.execute(f"REVOKE DELETE ON delegations, exclusions, police_transfers FROM {ROLE}")


def downgrade() -> None:
    op.drop_column("handlings", "dispatched_automatically")
    op.drop_index("ix_police_transfers_tip", table_name="police_transfers")
    op.drop_table("police_transfers")
    op.drop_index("ix_exclusions_account", table_name="exclusions")
    op.drop_table("exclusions")
    op.drop_index("ix_delegations_to", table_name="delegations")
    op.drop_table("delegations")
