"""Long lists that a job writes out, with how far it is and the file for some days

Revision ID: 0042
Revises: 0041
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

ROLE = "shudi_app"
OPEN = "(SELECT current_setting('shudi.wall', true)) = 'open'"
UNITS = "(SELECT string_to_array(nullif(current_setting('shudi.wall', true), 'open'), ','))::int[]"
WALL = f"{OPEN} OR unit_id = ANY ({UNITS})"
UNDER_WAY = "state IN ('queued','running')"


def upgrade() -> None:
    op.create_table(
        "list_exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wanted", postgresql.JSONB(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("whole", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rows", sa.Integer(), server_default="0", nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued','running','done','failed')", name=op.f("ck_list_exports_known_state")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_list_exports_account_id_accounts")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_list_exports_unit_id_units")),
        sa.ForeignKeyConstraint(["file_id"], ["stored_files.id"], name=op.f("fk_list_exports_file_id_stored_files")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_list_exports")),
    )
    op.create_index("ix_list_exports_account", "list_exports", ["account_id", "asked_at"], unique=False)
    op.create_index(
        "uq_list_exports_under_way", "list_exports", ["account_id"], unique=True, postgresql_where=sa.text(UNDER_WAY)
    )
    op.create_index(
        "ix_list_exports_kept", "list_exports", ["ended_at"], unique=False,
        postgresql_where=sa.text("file_id IS NOT NULL"),
    )  # fmt: skip
    op.execute("ALTER TABLE list_exports ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY wall ON list_exports TO {ROLE} USING ({WALL}) WITH CHECK ({WALL})")
    op.execute(f"REVOKE DELETE ON list_exports FROM {ROLE}")


def downgrade() -> None:
    op.drop_table("list_exports")
