"""Dated limits and reasons, clocks that can be counted again, returns, transfers, supervision and warnings

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ROLE = "shudi_app"
OPEN = "(SELECT current_setting('shudi.wall', true)) = 'open'"
UNITS = "(SELECT string_to_array(nullif(current_setting('shudi.wall', true), 'open'), ','))::int[]"
SEEN = "EXISTS (SELECT 1 FROM handlings h WHERE h.tip_id = {table}.tip_id)"
POLICIES = {
    # A unit keeps its own request also after the tip has left it.
    "return_requests": f"{OPEN} OR unit_id = ANY ({UNITS}) OR " + SEEN.format(table="return_requests"),
} | {table: f"{OPEN} OR " + SEEN.format(table=table) for table in ("transfers", "supervisions", "handling_alerts")}
APPEND_ONLY = ("workflow_limits", "workflow_reasons", "handling_alerts")
NEVER_DELETED = ("return_requests", "transfers", "supervisions")

BEFORE = (
    f"{OPEN} OR from_unit_id = ANY ({UNITS}) OR (to_unit_id = ANY ({UNITS}) AND status IN ('adjusted', 'confirmed'))"
)
# A target whose view was asked for sees the request, not the tip.
AFTER = (
    f"{OPEN} OR from_unit_id = ANY ({UNITS}) "
    f"OR (to_unit_id = ANY ({UNITS}) AND (status IN ('adjusted', 'confirmed') OR view_due_on IS NOT NULL))"
)


def upgrade() -> None:
    op.create_table(
        "workflow_limits",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflow_limits")),
    )
    op.create_index("ix_workflow_limits_name", "workflow_limits", ["name", "valid_from", "id"], unique=False)
    op.create_table(
        "workflow_reasons",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("in_use", sa.Boolean(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflow_reasons")),
    )
    op.create_index("ix_workflow_reasons_code", "workflow_reasons", ["kind", "code", "valid_from", "id"], unique=False)
    op.create_table(
        "handling_alerts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tip_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tip_id"], ["handlings.tip_id"], name=op.f("fk_handling_alerts_tip_id_handlings")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handling_alerts")),
        sa.UniqueConstraint(
            "tip_id",
            "kind",
            "due_on",
            name=op.f("uq_handling_alerts_tip_id_kind_due_on"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "return_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tip_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=False),
        sa.Column("days_left", sa.SmallInteger(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agreed", sa.Boolean(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["tip_id"], ["handlings.tip_id"], name=op.f("fk_return_requests_tip_id_handlings")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_return_requests_unit_id_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_requests")),
        sa.UniqueConstraint("tip_id", "unit_id", name=op.f("uq_return_requests_tip_id_unit_id")),
    )
    op.create_table(
        "supervisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tip_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["tip_id"], ["handlings.tip_id"], name=op.f("fk_supervisions_tip_id_handlings")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervisions")),
    )
    op.create_index(
        "ix_supervisions_open",
        "supervisions",
        ["kind", "opened_at"],
        unique=False,
        postgresql_where="closed_at IS NULL",
    )
    op.create_index("ix_supervisions_tip", "supervisions", ["tip_id", "opened_at"], unique=False)
    op.create_table(
        "transfers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tip_id", sa.Uuid(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("through_region", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("receipt_number", sa.Text(), nullable=True),
        sa.Column("received_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["tip_id"], ["handlings.tip_id"], name=op.f("fk_transfers_tip_id_handlings")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfers")),
    )
    op.create_index("ix_transfers_tip", "transfers", ["tip_id", "approved_at"], unique=False)
    op.add_column("handlings", sa.Column("priority", sa.Text(), server_default="P4", nullable=False))
    op.add_column("handlings", sa.Column("stability_risk", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("handlings", sa.Column("clock_from", sa.Date(), nullable=True))
    op.add_column("handlings", sa.Column("clock_days", sa.SmallInteger(), nullable=True))
    op.add_column("handlings", sa.Column("clock_natural", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("handlings", sa.Column("kept_days", sa.SmallInteger(), nullable=True))
    op.add_column("handlings", sa.Column("delivered_on", sa.Date(), nullable=True))
    op.add_column("handlings", sa.Column("verification_extended", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("handlings", sa.Column("overall_extended", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("handlings", sa.Column("decided_by_city", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("handlings", sa.Column("supervision", sa.Text(), nullable=True))
    op.add_column("handlings", sa.Column("mark", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("handlings", sa.Column("next_mark_on", sa.Date(), nullable=True))
    op.create_index(
        "ix_handlings_next_mark",
        "handlings",
        ["next_mark_on", "tip_id"],
        unique=False,
        postgresql_where="next_mark_on IS NOT NULL",
    )
    op.add_column("reassignments", sa.Column("clock_from", sa.Date(), nullable=True))
    op.add_column("reassignments", sa.Column("clock_days", sa.SmallInteger(), nullable=True))
    op.add_column("reassignments", sa.Column("again", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("reassignments", sa.Column("transfer_to", sa.Text(), nullable=True))
    op.add_column("reassignments", sa.Column("view_due_on", sa.Date(), nullable=True))
    op.add_column("reassignments", sa.Column("view_given_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("reassignments", sa.Column("view_agrees", sa.Boolean(), nullable=True))
    op.add_column("reassignments", sa.Column("view_text", sa.Text(), nullable=True))
    op.alter_column("reassignments", "to_unit_id", existing_type=sa.INTEGER(), nullable=True)
    for table, condition in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY wall ON {table} TO {ROLE} USING ({condition}) WITH CHECK ({condition})")
    op.execute(f"ALTER POLICY wall ON reassignments TO {ROLE} USING ({AFTER}) WITH CHECK ({AFTER})")
    for table in APPEND_ONLY:
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM {ROLE}")
    for table in NEVER_DELETED:
        op.execute(f"REVOKE DELETE ON {table} FROM {ROLE}")


def downgrade() -> None:
    op.execute(f"ALTER POLICY wall ON reassignments TO {ROLE} USING ({BEFORE}) WITH CHECK ({BEFORE})")
    op.alter_column("reassignments", "to_unit_id", existing_type=sa.INTEGER(), nullable=False)
    op.drop_column("reassignments", "view_text")
    op.drop_column("reassignments", "view_agrees")
    op.drop_column("reassignments", "view_given_at")
    op.drop_column("reassignments", "view_due_on")
    op.drop_column("reassignments", "transfer_to")
    op.drop_column("reassignments", "again")
    op.drop_column("reassignments", "clock_days")
    op.drop_column("reassignments", "clock_from")
    op.drop_index("ix_handlings_next_mark", table_name="handlings", postgresql_where="next_mark_on IS NOT NULL")
    op.drop_column("handlings", "next_mark_on")
    op.drop_column("handlings", "mark")
    op.drop_column("handlings", "supervision")
    op.drop_column("handlings", "decided_by_city")
    op.drop_column("handlings", "overall_extended")
    op.drop_column("handlings", "verification_extended")
    op.drop_column("handlings", "delivered_on")
    op.drop_column("handlings", "kept_days")
    op.drop_column("handlings", "clock_natural")
    op.drop_column("handlings", "clock_days")
    op.drop_column("handlings", "clock_from")
    op.drop_column("handlings", "stability_risk")
    op.drop_column("handlings", "priority")
    op.drop_index("ix_transfers_tip", table_name="transfers")
    op.drop_table("transfers")
    op.drop_index("ix_supervisions_tip", table_name="supervisions")
    op.drop_index("ix_supervisions_open", table_name="supervisions", postgresql_where="closed_at IS NULL")
    op.drop_table("supervisions")
    op.drop_table("return_requests")
    op.drop_table("handling_alerts")
    op.drop_index("ix_workflow_reasons_code", table_name="workflow_reasons")
    op.drop_table("workflow_reasons")
    op.drop_index("ix_workflow_limits_name", table_name="workflow_limits")
    op.drop_table("workflow_limits")
