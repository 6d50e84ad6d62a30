"""The ladder of notices: SMS, e-mail and the mini-program beside WeChat; officers' addresses; what waits on purpose

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

UNIQUE = ("person_index", "account_id")
CHECKS = {
    "known_channel": "channel IN ('wechat','sms','email','in_app')",
    "known_kind": "kind IN ('progress','digest','supervision','urgent')",
    "one_person": "account_id IS NULL OR (person_index IS NULL AND openid_index IS NULL)",
}


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("kind", sa.Text(), server_default="progress", nullable=False))
    op.add_column("deliveries", sa.Column("person_index", sa.LargeBinary(), nullable=True))
    op.add_column("deliveries", sa.Column("account_id", sa.Uuid(), nullable=True))
    op.add_column("deliveries", sa.Column("attempts_before", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("deliveries", sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("deliveries", sa.Column("read_at", sa.DateTime(timezone=True), nullable=True))
    op.alter_column("deliveries", "tip_id", existing_type=sa.Uuid(), nullable=True)
    op.alter_column("deliveries", "template_id", existing_type=sa.Text(), nullable=True)
    op.alter_column("deliveries", "openid_index", existing_type=sa.LargeBinary(), nullable=True)
    op.execute("UPDATE deliveries SET openid_index = NULL WHERE substring(openid_index FOR 10) = 'forgotten:'::bytea")
    op.execute("UPDATE deliveries SET person_index = openid_index")
    op.create_foreign_key(
        op.f("fk_deliveries_account_id_accounts"), "deliveries", "accounts", ["account_id"], ["id"]
    )
    for column in UNIQUE:
        op.create_unique_constraint(
            op.f(f"uq_deliveries_event_id_{column}_channel"), "deliveries", ["event_id", column, "channel"]
        )
    for name, condition in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_deliveries_{name}"), "deliveries", condition)
    op.create_index("ix_deliveries_created", "deliveries", ["created_at", "id"])
    op.create_index(
        "ix_deliveries_openid",
        "deliveries",
        ["openid_index", "created_at"],
        postgresql_where=sa.text("channel = 'in_app'"),
    )
    op.add_column("accounts", sa.Column("sealed_work_email", sa.LargeBinary(), nullable=True))
    op.add_column("accounts", sa.Column("sealed_work_mobile", sa.LargeBinary(), nullable=True))
    op.add_column("outbox_messages", sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("outbox_messages", "wanted_at")
    op.drop_column("accounts", "sealed_work_mobile")
    op.drop_column("accounts", "sealed_work_email")
    op.drop_index("ix_deliveries_openid", table_name="deliveries")
    op.drop_index("ix_deliveries_created", table_name="deliveries")
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_deliveries_{name}"), "deliveries", type_="check")
    for column in UNIQUE:
        op.drop_constraint(op.f(f"uq_deliveries_event_id_{column}_channel"), "deliveries", type_="unique")
    op.drop_constraint(op.f("fk_deliveries_account_id_accounts"), "deliveries", type_="foreignkey")
    op.execute("DELETE FROM deliveries WHERE channel <> 'wechat'")
    op.execute(
        "UPDATE deliveries SET openid_index = 'forgotten:'::bytea || decode(replace(id::text, '-', ''), 'hex') "
        "WHERE openid_index IS NULL"
    )
    op.alter_column("deliveries", "openid_index", existing_type=sa.LargeBinary(), nullable=False)
    op.alter_column("deliveries", "template_id", existing_type=sa.Text(), nullable=False)
    op.alter_column("deliveries", "tip_id", existing_type=sa.Uuid(), nullable=False)
    for column in ("read_at", "due_at", "attempts_before", "account_id", "person_index", "kind"):
        op.drop_column("deliveries", column)
