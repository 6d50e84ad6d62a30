"""Long work on a case is done by a job: large rounds, long lists for the bank

Revision ID: 0040
Revises: 0039
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

ROLE = "shudi_app"
OPEN = "(SELECT current_setting('shudi.wall', true)) = 'open'"
SEEN = f"{OPEN} OR EXISTS (SELECT 1 FROM fundraising_cases c WHERE c.id = case_tasks.case_id)"


def upgrade() -> None:
    op.create_table(
        "case_tasks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("given", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_by_name", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("whole", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["fundraising_cases.id"], name=op.f("fk_case_tasks_case_id_fundraising_cases")),
        sa.ForeignKeyConstraint(["file_id"], ["stored_files.id"], name=op.f("fk_case_tasks_file_id_stored_files")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_tasks")),
    )
    op.create_index("ix_case_tasks_case", "case_tasks", ["case_id", "asked_at"])
    op.create_index(
        "uq_case_tasks_under_way", "case_tasks", ["case_id"], unique=True,
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    op.execute("ALTER TABLE case_tasks ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY wall ON case_tasks TO {ROLE} USING ({SEEN}) WITH CHECK ({SEEN})")
    op.execute(f"REVOKE DELETE ON case_tasks FROM {ROLE}")


def downgrade() -> None:
    op.drop_table("case_tasks")
