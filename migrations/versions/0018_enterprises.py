"""The register of enterprises, every name that they bear or bore, and what later lists told otherwise

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ROLE = "shudi_app"
STATUSES = "'active','revoked','revoked_deregistered','deregistered','annulled','moved_out','dormant','other'"


def _of_an_enterprise(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["enterprise_id"], ["enterprises.id"], name=op.f(f"fk_{table}_enterprise_id_enterprises")
    )


def upgrade() -> None:
    op.create_table(
        "enterprises",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uscc", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("registered_address", sa.Text(), nullable=True),
        sa.Column("operating_address", sa.Text(), nullable=True),
        sa.Column("division_code", sa.Text(), nullable=True),
        sa.Column("business_type", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(f"status IN ({STATUSES})", name=op.f("ck_enterprises_known_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enterprises")),
    )
    op.create_index(
        "uq_enterprises_uscc", "enterprises", ["uscc"], unique=True, postgresql_ops={"uscc": "text_pattern_ops"}
    )
    op.create_index("ix_enterprises_changed", "enterprises", ["changed_at", "id"])
    op.create_index("ix_enterprises_division", "enterprises", ["division_code", "id"])
    op.create_table(
        "enterprise_names",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("enterprise_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("pairs", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        _of_an_enterprise("enterprise_names"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enterprise_names")),
    )
    op.create_index("uq_enterprise_names_enterprise_id_key", "enterprise_names", ["enterprise_id", "key"], unique=True)
    op.create_index("ix_enterprise_names_key", "enterprise_names", ["key"])
    op.create_index("ix_enterprise_names_pairs", "enterprise_names", ["pairs"], postgresql_using="gin")
    op.create_table(
        "enterprise_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("enterprise_id", sa.Uuid(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        _of_an_enterprise("enterprise_changes"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enterprise_changes")),
    )
    op.create_index("ix_enterprise_changes_enterprise", "enterprise_changes", ["enterprise_id", "id"])
    op.execute(f"REVOKE DELETE ON enterprises, enterprise_names FROM {ROLE}")
    op.execute(f"REVOKE UPDATE, DELETE ON enterprise_changes FROM {ROLE}")


def downgrade() -> None:
    op.drop_table("enterprise_changes")
    op.drop_table("enterprise_names")
    op.drop_table("enterprises")
