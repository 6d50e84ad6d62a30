"""The restitution ledger of a case: claims by number, rounds of distribution and the share of each claim

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ROLE = "shudi_app"
OPEN = "(SELECT current_setting('shudi.wall', true)) = 'open'"
TABLES = ("case_claims", "case_rounds", "case_shares")


def _of_a_case(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["case_id"], ["fundraising_cases.id"], name=op.f(f"fk_{table}_case_id_fundraising_cases")
    )


def upgrade() -> None:
    op.create_table(
        "case_claims",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("claim_no", sa.Text(), nullable=False),
        sa.Column("verified_yuan", sa.Numeric(18, 2), nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("verified_yuan > 0", name=op.f("ck_case_claims_positive")),
        _of_a_case("case_claims"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_claims")),
        sa.UniqueConstraint("case_id", "claim_no", name=op.f("uq_case_claims_case_id_claim_no")),
    )
    op.create_table(
        "case_rounds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("total_yuan", sa.Numeric(18, 2), nullable=False),
        sa.Column("computed_by", sa.Uuid(), nullable=True),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        _of_a_case("case_rounds"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_rounds")),
        sa.UniqueConstraint("case_id", "number", name=op.f("uq_case_rounds_case_id_number")),
    )
    op.create_table(
        "case_shares",
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("yuan", sa.Numeric(18, 2), nullable=False),
        sa.ForeignKeyConstraint(["round_id"], ["case_rounds.id"], name=op.f("fk_case_shares_round_id_case_rounds")),
        sa.ForeignKeyConstraint(["claim_id"], ["case_claims.id"], name=op.f("fk_case_shares_claim_id_case_claims")),
        _of_a_case("case_shares"),
        sa.PrimaryKeyConstraint("round_id", "claim_id", name=op.f("pk_case_shares")),
    )
    op.create_index("ix_case_shares_claim", "case_shares", ["claim_id"], unique=False)
    for table in TABLES:
        seen = f"{OPEN} OR EXISTS (SELECT 1 FROM fundraising_cases c WHERE c.id = {table}.case_id)"
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY wall ON {table} TO {ROLE} USING ({seen}) WITH CHECK ({seen})")
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM {ROLE}")


def downgrade() -> None:
    op.drop_index("ix_case_shares_claim", table_name="case_shares")
    for table in reversed(TABLES):
        op.drop_table(table)
