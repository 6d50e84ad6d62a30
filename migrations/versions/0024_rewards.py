"""Rewards: dated rules and budgets, one reward a tip with its shares, payments and history

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

ROLE = "shudi_app"
# Rewards are the city's alone: no district sees who is rewarded for what.
OPEN = "(SELECT current_setting('shudi.wall', true)) = 'open'"
TABLES = ("rewards", "reward_shares", "reward_payments", "reward_events")
WRITTEN_ONCE = ("reward_rules", "reward_budgets", "reward_payments", "reward_events")


def upgrade() -> None:
    op.create_table(
        "reward_rules",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("rules", postgresql.JSONB(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reward_rules")),
    )
    op.create_index("ix_reward_rules_valid_from", "reward_rules", ["valid_from", "id"], unique=False)
    op.create_table(
        "reward_budgets",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("yuan", sa.Numeric(18, 2), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("yuan >= 0", name=op.f("ck_reward_budgets_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reward_budgets")),
    )
    op.create_index("ix_reward_budgets_year", "reward_budgets", ["year", "id"], unique=False)
    op.create_table(
        "rewards",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tip_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decide_by", sa.Date(), nullable=True),
        sa.Column("claimed_with_code", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("answers", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("findings", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.Column("yuan", sa.Numeric(18, 2), nullable=True),
        sa.Column("opinion", sa.Text(), nullable=True),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("collect_by", sa.Date(), nullable=True),
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> proposed_by", name=op.f("ck_rewards_two_people")),
        sa.CheckConstraint("yuan > 0", name=op.f("ck_rewards_positive")),
        sa.ForeignKeyConstraint(["tip_id"], ["tips.id"], name=op.f("fk_rewards_tip_id_tips")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rewards")),
        sa.UniqueConstraint("tip_id", name=op.f("uq_rewards_tip_id")),
    )
    op.create_index("ix_rewards_queue", "rewards", ["opened_at", "id"], unique=False)
    op.create_index(
        "ix_rewards_collect_by", "rewards", ["collect_by"], unique=False, postgresql_where=sa.text("state = 'granted'")
    )
    op.create_table(
        "reward_shares",
        sa.Column("tip_id", sa.Uuid(), nullable=False),
        sa.Column("reward_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("yuan", sa.Numeric(18, 2), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sealed_payee", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("yuan > 0", name=op.f("ck_reward_shares_positive")),
        sa.ForeignKeyConstraint(["reward_id"], ["rewards.id"], name=op.f("fk_reward_shares_reward_id_rewards")),
        sa.ForeignKeyConstraint(["tip_id"], ["tips.id"], name=op.f("fk_reward_shares_tip_id_tips")),
        sa.PrimaryKeyConstraint("tip_id", name=op.f("pk_reward_shares")),
    )
    op.create_index("ix_reward_shares_reward", "reward_shares", ["reward_id", "position"], unique=False)
    op.create_table(
        "reward_payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reward_id", sa.Uuid(), nullable=False),
        sa.Column("tip_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("yuan", sa.Numeric(18, 2), nullable=False),
        sa.Column("voucher_number", sa.Text(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("yuan > 0", name=op.f("ck_reward_payments_positive")),
        sa.ForeignKeyConstraint(["reward_id"], ["rewards.id"], name=op.f("fk_reward_payments_reward_id_rewards")),
        sa.ForeignKeyConstraint(["tip_id"], ["tips.id"], name=op.f("fk_reward_payments_tip_id_tips")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reward_payments")),
        sa.UniqueConstraint("tip_id", name=op.f("uq_reward_payments_tip_id")),
    )
    op.create_index("ix_reward_payments_year", "reward_payments", ["year", "recorded_at", "id"], unique=False)
    op.create_table(
        "reward_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reward_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("actor_role", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["reward_id"], ["rewards.id"], name=op.f("fk_reward_events_reward_id_rewards")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reward_events")),
    )
    op.create_index("ix_reward_events_reward", "reward_events", ["reward_id", "version"], unique=False)
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY wall ON {table} TO {ROLE} USING ({OPEN}) WITH CHECK ({OPEN})")
    for table in WRITTEN_ONCE:
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM {ROLE}")
    op.execute(f"REVOKE DELETE ON rewards FROM {ROLE}")


def downgrade() -> None:
    for table in ("reward_events", "reward_payments", "reward_shares", "rewards", "reward_budgets", "reward_rules"):
        op.drop_table(table)
