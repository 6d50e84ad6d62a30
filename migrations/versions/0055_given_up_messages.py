"""Failures of a message are counted apart from its leases, and messages that were given up without reading the others

Revision ID: 0055
Revises: 0054
"""

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

COUNTS = ("failures", "unfinished")
NAME = "ix_outbox_messages_given_up"


def upgrade() -> None:
    # Without locking the table. One that was interrupted is begun again.
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}")
        op.execute(
            f"CREATE INDEX CONCURRENTLY {NAME} ON outbox_messages (id) "
            "WHERE given_up_at IS NOT NULL AND done_at IS NULL"
        )
        op.execute("SET lock_timeout = '5s'")
    for name in COUNTS:
        op.add_column("outbox_messages", sa.Column(name, sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    for name in COUNTS:
        op.drop_column("outbox_messages", name)
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}")
