"""Stock cases with their three tracks, history, stage changes to confirm, and the tips that belong to them

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ROLE = "shudi_app"
OPEN = "(SELECT current_setting('shudi.wall', true)) = 'open'"
UNITS = "(SELECT string_to_array(nullif(current_setting('shudi.wall', true), 'open'), ','))::int[]"
SEEN = "EXISTS (SELECT 1 FROM fundraising_cases c WHERE c.id = {table}.case_id)"
FOLLOWERS = ("case_events", "case_stage_proposals", "case_tips")
POLICIES = {"fundraising_cases": f"{OPEN} OR unit_id = ANY ({UNITS})"} | {
    table: f"{OPEN} OR " + SEEN.format(table=table) for table in FOLLOWERS
}
OPTIONAL_TEXTS = (
    "industry", "method", "business_category", "category_detail", "found_through", "level", "registered_place",
    "occurrence_place", "lead_place", "sector_regulator", "responsible_person", "responsible_phone", "police_unit",
    "police_case_no", "procuratorate", "procuratorate_case_no", "court", "court_case_no", "stability_level",
)
AMOUNTS = ("involved_yuan", "outstanding_yuan", "controlled_yuan", "realised_yuan", "returned_yuan")
STAGES = ("admin_stage", "judicial_stage", "restitution_stage")


def upgrade() -> None:
    op.create_table(
        "fundraising_cases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_no", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in STAGES),
        sa.Column("stage_dates", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("division_code", sa.Text(), nullable=False),
        sa.Column("jurisdiction", postgresql.JSONB(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("parties", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=True) for name in OPTIONAL_TEXTS),
        sa.Column("cross_province", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("cooperating_places", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=True),
        *(sa.Column(name, sa.Numeric(18, 2), nullable=True) for name in AMOUNTS),
        sa.Column("participants", sa.Integer(), nullable=True),
        sa.Column("legacy", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("target_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "returned_yuan <= outstanding_yuan", name=op.f("ck_fundraising_cases_returned_within_due")
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_fundraising_cases_unit_id_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fundraising_cases")),
        sa.UniqueConstraint("case_no", name=op.f("uq_fundraising_cases_case_no")),
    )
    op.create_index("ix_fundraising_cases_register", "fundraising_cases", ["registered_at", "id"], unique=False)
    op.create_index("ix_fundraising_cases_unit", "fundraising_cases", ["unit_id", "registered_at"], unique=False)
    op.create_table(
        "case_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("actor_role", sa.Text(), nullable=False),
        sa.Column("actor_unit_id", sa.Integer(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=True),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("track", sa.Text(), nullable=True),
        sa.Column("from_stage", sa.Text(), nullable=True),
        sa.Column("to_stage", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("details", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["fundraising_cases.id"], name=op.f("fk_case_events_case_id_fundraising_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_events")),
    )
    op.create_index("ix_case_events_case", "case_events", ["case_id", "version"], unique=False)
    op.create_table(
        "case_stage_proposals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("track", sa.Text(), nullable=False),
        sa.Column("from_stage", sa.Text(), nullable=False),
        sa.Column("to_stage", sa.Text(), nullable=False),
        sa.Column("reached_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agreed", sa.Boolean(), nullable=True),
        sa.Column("decision", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["fundraising_cases.id"], name=op.f("fk_case_stage_proposals_case_id_fundraising_cases")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_stage_proposals")),
    )
    op.create_index(
        "uq_case_stage_proposals_one_open", "case_stage_proposals", ["case_id", "track"], unique=True,
        postgresql_where=sa.text("agreed IS NULL"),
    )
    op.create_table(
        "case_tips",
        sa.Column("tip_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("linked_by", sa.Uuid(), nullable=True),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["fundraising_cases.id"], name=op.f("fk_case_tips_case_id_fundraising_cases")),
        sa.ForeignKeyConstraint(["tip_id"], ["handlings.tip_id"], name=op.f("fk_case_tips_tip_id_handlings")),
        sa.PrimaryKeyConstraint("tip_id", name=op.f("pk_case_tips")),
    )
    op.create_index("ix_case_tips_case", "case_tips", ["case_id"], unique=False)
    for table, condition in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY wall ON {table} TO {ROLE} USING ({condition}) WITH CHECK ({condition})")
    op.execute(f"REVOKE DELETE ON fundraising_cases, case_stage_proposals, case_tips FROM {ROLE}")
    op.execute(f"REVOKE UPDATE ON case_tips FROM {ROLE}")
    op.execute(f"REVOKE UPDATE, DELETE ON case_events FROM {ROLE}")


def downgrade() -> None:
    op.drop_index("ix_case_tips_case", table_name="case_tips")
    op.drop_table("case_tips")
    op.drop_index("uq_case_stage_proposals_one_open", table_name="case_stage_proposals")
    op.drop_table("case_stage_proposals")
    op.drop_index("ix_case_events_case", table_name="case_events")
    op.drop_table("case_events")
    op.drop_index("ix_fundraising_cases_unit", table_name="fundraising_cases")
    op.drop_index("ix_fundraising_cases_register", table_name="fundraising_cases")
    op.drop_table("fundraising_cases")
