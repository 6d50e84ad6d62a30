"""The audit log is found by the number of a thing without its kind, and by a rare kind; the common kind needs no index

Revision ID: 0046
Revises: 0045
"""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_audit_events_object_id", "audit_events", ["object_id", "object_type"],
            postgresql_concurrently=True, if_not_exists=True,
        )
        op.create_index(
            "ix_audit_events_rare", "audit_events", ["object_type", "id"],
            postgresql_where=sa.text("object_type <> 'tip'"), postgresql_concurrently=True, if_not_exists=True,
        )
        op.drop_index(
            "ix_audit_events_object", table_name="audit_events", postgresql_concurrently=True, if_exists=True
        )


def downgrade() -> None:
    op.create_index("ix_audit_events_object", "audit_events", ["object_type", "object_id"])
    op.drop_index("ix_audit_events_rare", table_name="audit_events")
    op.drop_index("ix_audit_events_object_id", table_name="audit_events")
