"""The office's own knowledge about places, and imported division lists

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ROLE = "shudi_app"
WITHDRAWN_NEVER_DELETED = ("geo_zones", "geo_aliases", "geo_precedents", "geo_settings", "knowledge_versions")


def upgrade() -> None:
    op.create_table(
        "division_list_imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dated", sa.Date(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_division_list_imports")),
    )
    op.create_table(
        "geo_aliases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("division_code", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_geo_aliases")),
    )
    op.create_index(
        "uq_geo_aliases_text", "geo_aliases", ["text"], unique=True, postgresql_where=sa.text("withdrawn_at IS NULL")
    )
    op.create_table(
        "geo_precedents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("division_code", sa.Text(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("reference", sa.Text(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("tip_id", sa.Uuid(), nullable=True),
        sa.Column("tip_version", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_geo_precedents")),
        sa.UniqueConstraint("number", name=op.f("uq_geo_precedents_number")),
    )
    op.create_index("uq_geo_precedents_decision", "geo_precedents", ["tip_id", "tip_version"], unique=True)
    op.create_index(
        "uq_geo_precedents_pattern",
        "geo_precedents",
        ["pattern"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "geo_settings",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_geo_settings")),
    )
    op.create_table(
        "geo_zones",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("zone_id", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("aliases", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("division_code", sa.Text(), nullable=True),
        sa.Column("xpcc", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_geo_zones")),
    )
    op.create_index(
        "uq_geo_zones_name", "geo_zones", ["name"], unique=True, postgresql_where=sa.text("withdrawn_at IS NULL")
    )
    op.create_index(
        "uq_geo_zones_zone_id", "geo_zones", ["zone_id"], unique=True, postgresql_where=sa.text("withdrawn_at IS NULL")
    )
    op.create_table(
        "learnt_roads",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("division_code", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_learnt_roads")),
    )
    op.create_table(
        "knowledge_versions",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("token", sa.Uuid(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["division_list_imports.id"],
            name=op.f("fk_knowledge_versions_import_id_division_list_imports"),
        ),
        sa.PrimaryKeyConstraint("topic", name=op.f("pk_knowledge_versions")),
    )
    op.execute(f"REVOKE DELETE ON {', '.join(WITHDRAWN_NEVER_DELETED)} FROM {ROLE}")
    op.execute(f"REVOKE UPDATE, DELETE ON division_list_imports FROM {ROLE}")


def downgrade() -> None:
    op.drop_table("knowledge_versions")
    op.drop_table("learnt_roads")
    op.drop_table("geo_zones")
    op.drop_table("geo_settings")
    op.drop_table("geo_precedents")
    op.drop_table("geo_aliases")
    op.drop_table("division_list_imports")
