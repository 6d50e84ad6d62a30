"""Views of the queue that officers named for themselves, and an index for the queue sorted by its limits

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ROLE = "shudi_app"
OPEN = "(SELECT current_setting('shudi.wall', true)) = 'open'"
UNITS = "(SELECT string_to_array(nullif(current_setting('shudi.wall', true), 'open'), ','))::int[]"
OWN = f"{OPEN} OR EXISTS (SELECT 1 FROM accounts a WHERE a.id = saved_views.account_id AND a.unit_id = ANY ({UNITS}))"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_handlings_deadline", "handlings", [sa.text("COALESCE(due_on, '9999-12-31'::date)"), "tip_id"],
            postgresql_concurrently=True, if_not_exists=True,
        )
    op.create_table(
        "saved_views",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(query) <= 2000", name=op.f("ck_saved_views_short_query")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_saved_views_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
        sa.UniqueConstraint("account_id", "name", name=op.f("uq_saved_views_account_id_name")),
    )
    op.execute("ALTER TABLE saved_views ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY wall ON saved_views TO {ROLE} USING ({OWN}) WITH CHECK ({OWN})")


def downgrade() -> None:
    op.drop_index("ix_handlings_deadline", table_name="handlings")
    op.drop_table("saved_views")
