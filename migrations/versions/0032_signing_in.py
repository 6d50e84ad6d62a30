"""Signing in: failures counted by name, past passwords, recovery codes, where a session comes from, address ranges

Revision ID: 0032
Revises: 0031
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


# long because it makes four tables.
def upgrade() -> None:
    op.add_column("accounts", sa.Column("must_change_password", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("accounts", sa.Column("otp_step", sa.BigInteger(), nullable=True))
    op.drop_column("accounts", "locked_until")
    op.drop_column("accounts", "failed_attempts")
    op.add_column("staff_sessions", sa.Column("role", sa.Text(), nullable=True))
    op.add_column("staff_sessions", sa.Column("address", sa.Text(), server_default="", nullable=False))
    op.add_column("staff_sessions", sa.Column("agent", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "past_passwords",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_past_passwords_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_past_passwords")),
    )
    op.create_index(op.f("ix_past_passwords_account_id"), "past_passwords", ["account_id"])
    op.create_table(
        "recovery_codes",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_recovery_codes_account_id_accounts")),
        sa.PrimaryKeyConstraint("account_id", "digest", name=op.f("pk_recovery_codes")),
    )
    op.create_table(
        "sign_in_attempts",
        sa.Column("name_index", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.SmallInteger(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name_index", name=op.f("pk_sign_in_attempts")),
    )
    op.create_index(op.f("ix_sign_in_attempts_last_at"), "sign_in_attempts", ["last_at"])
    op.create_table(
        "address_ranges",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("networks", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_ranges")),
    )
    op.create_index("ix_address_ranges_role", "address_ranges", ["role", "starts_at"])


def downgrade() -> None:
    op.drop_table("address_ranges")
    op.drop_table("sign_in_attempts")
    op.drop_table("recovery_codes")
    op.drop_table("past_passwords")
    op.drop_column("staff_sessions", "agent")
    op.drop_column("staff_sessions", "address")
    op.drop_column("staff_sessions", "role")
    op.add_column("accounts", sa.Column("failed_attempts", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("accounts", sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True))
    op.drop_column("accounts", "otp_step")
    op.drop_column("accounts", "must_change_password")
