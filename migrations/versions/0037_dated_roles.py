"""An account is made by one administrator and gets its role, for a time, from another: accounts without a role, dated roles

Revision ID: 0037
Revises: 0036
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("accounts", "role", nullable=True)
    op.add_column("accounts", sa.Column("role_from", sa.Date(), nullable=True))
    op.add_column("accounts", sa.Column("role_until", sa.Date(), nullable=True))
    op.create_check_constraint(op.f("ck_accounts_role_days_in_order"), "accounts", "role_from <= role_until")


def downgrade() -> None:
    # Who has no role opens nothing: so does a disabled account of the lowest role.
    op.execute("UPDATE accounts SET active = false, role = 'province_observer' WHERE role IS NULL")
    op.drop_constraint(op.f("ck_accounts_role_days_in_order"), "accounts")
    op.drop_column("accounts", "role_until")
    op.drop_column("accounts", "role_from")
    op.alter_column("accounts", "role", nullable=False)
