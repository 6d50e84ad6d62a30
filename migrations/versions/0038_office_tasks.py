"""Long work asked for at a page keeps its progress in a row; the audit log is found by deed, person and unit

Revision ID: 0038
Revises: 0037
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

FILTERS = {"action": None, "actor_id": "actor_id IS NOT NULL", "unit_id": "unit_id IS NOT NULL"}


def upgrade() -> None:
    op.create_table(
        "office_tasks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("whole", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("memory", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued','running','done','failed')", name=op.f("ck_office_tasks_known_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_tasks")),
    )
    op.create_index("ix_office_tasks_kind", "office_tasks", ["kind", "asked_at"])
    op.create_index(
        "uq_office_tasks_under_way", "office_tasks", ["kind"], unique=True,
        postgresql_where=sa.text("state IN ('queued','running')"),
    )
    with op.get_context().autocommit_block():
        for name, where in FILTERS.items():
            op.create_index(
                f"ix_audit_events_{name}", "audit_events", [name, "id"],
                postgresql_where=sa.text(where) if where else None,
                postgresql_concurrently=True, if_not_exists=True,
            )


def downgrade() -> None:
    for name in FILTERS:
        op.drop_index(f"ix_audit_events_{name}", table_name="audit_events")
    op.drop_table("office_tasks")
