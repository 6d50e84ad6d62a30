"""Figures over a million tips within the blink of an eye: what is counted of each tip, and the counts by day and month

Revision ID: 0036
Revises: 0035
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

ROLE = "shudi_app"
OPEN = "(SELECT current_setting('shudi.wall', true)) = 'open'"
UNITS = "(SELECT string_to_array(nullif(current_setting('shudi.wall', true), 'open'), ','))::int[]"
WALLS = {
    "tip_facts": f"{OPEN} OR EXISTS (SELECT 1 FROM handlings h WHERE h.tip_id = tip_facts.tip_id)",
    "tip_counts": f"{OPEN} OR unit_id = ANY ({UNITS})",
}


def upgrade() -> None:
    op.create_table(
        "tip_facts",
        sa.Column("tip_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("registered_on", sa.Date(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("division_code", sa.Text(), nullable=True),
        sa.Column("conduct", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("accept_days", sa.SmallInteger(), nullable=True),
        sa.Column("dispatch_days", sa.SmallInteger(), nullable=True),
        sa.Column("conclude_days", sa.SmallInteger(), nullable=True),
        sa.Column("overall_due_on", sa.Date(), nullable=True),
        sa.Column("on_time", sa.Boolean(), nullable=True),
        sa.Column("matched", sa.Text(), nullable=False),
        sa.Column("corrected", sa.Boolean(), nullable=True),
        sa.Column("score", sa.SmallInteger(), nullable=True),
        sa.ForeignKeyConstraint(["tip_id"], ["tips.id"], name=op.f("fk_tip_facts_tip_id_tips")),
        sa.PrimaryKeyConstraint("tip_id", name=op.f("pk_tip_facts")),
    )
    op.create_index("ix_tip_facts_registered_on", "tip_facts", ["registered_on"], unique=False)
    partial = {
        "ix_tip_facts_undecided": (["overall_due_on"], "overall_due_on IS NOT NULL"),
        "ix_tip_facts_corrected": (["registered_on"], "corrected"),
        "ix_tip_facts_score": (["score", "registered_on"], "score IS NOT NULL"),
    }
    for name, (columns, condition) in partial.items():
        op.create_index(name, "tip_facts", columns, unique=False, postgresql_where=sa.text(condition))
    op.create_table(
        "tip_counts",
        sa.Column("grain", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("division_code", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "grain", "day", "unit_id", "division_code", "measure", "value", name=op.f("pk_tip_counts")
        ),
    )
    op.create_table(
        "statistics_state",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("counted_to", sa.Uuid(), nullable=True),
        sa.Column("seen", sa.Uuid(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statistics_state")),
    )
    op.create_index("ix_tip_ratings_at", "tip_ratings", ["at"], unique=False)
    for table, condition in WALLS.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY wall ON {table} TO {ROLE} USING ({condition}) WITH CHECK ({condition})")


def downgrade() -> None:
    op.drop_index("ix_tip_ratings_at", table_name="tip_ratings")
    for table in ("statistics_state", "tip_counts", "tip_facts"):
        op.drop_table(table)
