"""The refused attempts of the audit log are few among hundreds of thousands: an index of their own

Revision ID: 0048
Revises: 0047
"""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_audit_events_refused", "audit_events", ["id"],
            postgresql_where=sa.text("NOT succeeded"), postgresql_concurrently=True, if_not_exists=True,
        )


def downgrade() -> None:
    op.drop_index("ix_audit_events_refused", table_name="audit_events")
