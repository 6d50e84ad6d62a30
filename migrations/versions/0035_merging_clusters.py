"""Merging the tips of a cluster in the background

Revision ID: 0035
Revises: 0034
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

ROLE = "shudi_app"
OPEN = "(SELECT current_setting('shudi.wall', true)) = 'open'"


def upgrade() -> None:
    op.create_table(
        "cluster_merges",
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in ("id", "cluster_id", "into_tip_id", "ordered_by")),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("last_tip_id", sa.Uuid(), nullable=True),
        *(sa.Column(name, sa.Integer(), server_default="0", nullable=False) for name in ("merged", "refused")),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["cluster_id"], ["tip_clusters.id"], name=op.f("fk_cluster_merges_cluster_id_tip_clusters")
        ),
        sa.ForeignKeyConstraint(["into_tip_id"], ["tips.id"], name=op.f("fk_cluster_merges_into_tip_id_tips")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cluster_merges")),
    )
    op.create_index("ix_cluster_merges_cluster", "cluster_merges", ["cluster_id", "ordered_at"])
    op.execute("ALTER TABLE cluster_merges ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY wall ON cluster_merges TO {ROLE} USING ({OPEN}) WITH CHECK ({OPEN})")
    op.execute(f"REVOKE DELETE ON cluster_merges FROM {ROLE}")


def downgrade() -> None:
    op.drop_table("cluster_merges")
