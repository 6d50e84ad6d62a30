"""How many tips a cluster holds and when the latest came, and what an officer decided about a link

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

DECIDED = "(decided_by IS NULL) = (reason IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL)"


def upgrade() -> None:
    op.add_column("tip_clusters", sa.Column("last_registered_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tip_clusters", sa.Column("size", sa.Integer(), nullable=True))
    op.execute(
        "UPDATE tip_clusters c SET size = counted.size, last_registered_at = counted.last FROM "
        "(SELECT cluster_id, count(*) AS size, max(registered_at) AS last FROM tip_links GROUP BY cluster_id) counted "
        "WHERE counted.cluster_id = c.id"
    )
    op.execute("UPDATE tip_clusters SET size = 0, last_registered_at = first_registered_at WHERE size IS NULL")
    op.alter_column("tip_clusters", "last_registered_at", nullable=False)
    op.alter_column("tip_clusters", "size", nullable=False)
    op.create_index(
        "ix_tip_clusters_fed", "tip_clusters", ["last_registered_at", "id"], unique=False,
        postgresql_where=sa.text("size > 1"),
    )
    op.add_column("tip_links", sa.Column("decided_by", sa.Uuid(), nullable=True))
    op.add_column("tip_links", sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tip_links", sa.Column("reason", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_tip_links_decided_with_a_reason"), "tip_links", DECIDED)


def downgrade() -> None:
    op.drop_constraint(op.f("ck_tip_links_decided_with_a_reason"), "tip_links", type_="check")
    for name in ("reason", "decided_at", "decided_by"):
        op.drop_column("tip_links", name)
    op.drop_index("ix_tip_clusters_fed", table_name="tip_clusters", postgresql_where=sa.text("size > 1"))
    op.drop_column("tip_clusters", "size")
    op.drop_column("tip_clusters", "last_registered_at")
