"""A batch over a million shares ended at the statement's time limit: it looked up four keys for each payment

What a payment belongs to is written by the statement that makes it, from the shares and the claims themselves, and
nothing of either is ever deleted. Sums by case are kept with the batch, so that nothing asks for payments by case.

Revision ID: 0049
Revises: 0048
"""

from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

KEYS = {
    "case_id": "fundraising_cases", "round_id": "case_rounds", "claim_id": "case_claims", "batch_id": "case_batches",
}  # fmt: skip


def upgrade() -> None:
    for column, target in KEYS.items():
        op.drop_constraint(op.f(f"fk_case_payments_{column}_{target}"), "case_payments", type_="foreignkey")
    op.drop_index("ix_case_payments_case", table_name="case_payments")


def downgrade() -> None:
    op.create_index("ix_case_payments_case", "case_payments", ["case_id"])
    for column, target in KEYS.items():
        op.create_foreign_key(op.f(f"fk_case_payments_{column}_{target}"), "case_payments", target, [column], ["id"])
