"""Notices about cases, and the reminders and supervisions of a case, each once

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ROLE = "shudi_app"
OPEN = "(SELECT current_setting('shudi.wall', true)) = 'open'"
SEEN = f"{OPEN} OR EXISTS (SELECT 1 FROM fundraising_cases c WHERE c.id = case_alerts.case_id)"


def upgrade() -> None:
    op.add_column("notices", sa.Column("case_id", sa.Uuid(), nullable=True))
    op.alter_column("notices", "tip_id", existing_type=sa.Uuid(), nullable=True)
    op.create_table(
        "case_alerts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["fundraising_cases.id"], name=op.f("fk_case_alerts_case_id_fundraising_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_alerts")),
        sa.UniqueConstraint("case_id", "kind", "due_on", name=op.f("uq_case_alerts_case_id_kind_due_on")),
    )
    op.execute("ALTER TABLE case_alerts ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY wall ON case_alerts TO {ROLE} USING ({SEEN}) WITH CHECK ({SEEN})")
    op.execute(f"REVOKE UPDATE, DELETE ON case_alerts FROM {ROLE}")


def downgrade() -> None:
    op.drop_table("case_alerts")
    op.execute("DELETE FROM notices WHERE tip_id IS NULL")
    op.alter_column("notices", "tip_id", existing_type=sa.Uuid(), nullable=False)
    op.drop_column("notices", "case_id")
