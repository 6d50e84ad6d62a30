"""The restitution ledger in depth: who claims (sealed) and who verified it, sources, assets, batches and payments

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

ROLE = "shudi_app"
OPEN = "(SELECT current_setting('shudi.wall', true)) = 'open'"
SHARE_KEYS = {"round_id": "case_rounds", "claim_id": "case_claims", "case_id": "fundraising_cases"}
TABLES = ("case_assets", "case_funds", "case_batches", "case_payments")


def _key(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def _yuan(name: str, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.Numeric(18, 2), nullable=nullable)


def _text(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=nullable)


def upgrade() -> None:
    _deepen_claims()
    # Looked up again for each of a million shares, the keys took most of the time of a round (see the model).
    for column, table in SHARE_KEYS.items():
        op.drop_constraint(op.f(f"fk_case_shares_{column}_{table}"), "case_shares", type_="foreignkey")
    op.drop_index("ix_case_shares_claim", table_name="case_shares")
    op.create_table(
        "case_assets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        _text("kind"), _text("description"), _text("place", True), _text("holder", True), _text("state"),
        _text("seized_by", True), sa.Column("seized_on", sa.Date(), nullable=True),
        _yuan("valuation_yuan"), sa.Column("valued_on", sa.Date(), nullable=True),
        _yuan("realised_yuan"), sa.Column("realised_on", sa.Date(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        _key("case_assets", "case_id", "fundraising_cases"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_assets")),
    )
    op.create_index("ix_case_assets_case", "case_assets", ["case_id"], unique=False)
    op.create_table(
        "case_funds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        _text("source"), _yuan("yuan", False), sa.Column("received_on", sa.Date(), nullable=False), _text("origin"),
        sa.Column("asset_id", sa.Uuid(), nullable=True),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        _text("entered_by_name"),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("yuan <> 0", name=op.f("ck_case_funds_not_nothing")),
        _key("case_funds", "case_id", "fundraising_cases"), _key("case_funds", "asset_id", "case_assets"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_funds")),
    )
    op.create_index("ix_case_funds_case", "case_funds", ["case_id"], unique=False)
    op.create_table(
        "case_batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        _yuan("total_yuan", False), _text("reason"), sa.Column("made_by", sa.Uuid(), nullable=True), _text("made_by_name"),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        _key("case_batches", "case_id", "fundraising_cases"), _key("case_batches", "round_id", "case_rounds"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_batches")),
        sa.UniqueConstraint("case_id", "number", name=op.f("uq_case_batches_case_id_number")),
    )
    _create_payments()
    op.add_column("case_imports", sa.Column("batch_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_case_imports_batch_id_case_batches"), "case_imports", "case_batches", ["batch_id"], ["id"])
    for table in TABLES:
        seen = f"{OPEN} OR EXISTS (SELECT 1 FROM fundraising_cases c WHERE c.id = {table}.case_id)"
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY wall ON {table} TO {ROLE} USING ({seen}) WITH CHECK ({seen})")
        op.execute(f"REVOKE DELETE ON {table} FROM {ROLE}")
    op.execute(f"REVOKE UPDATE ON case_funds FROM {ROLE}")


def _deepen_claims() -> None:
    op.execute(f"GRANT UPDATE ON case_claims TO {ROLE}")
    op.add_column("case_claims", _yuan("claimed_yuan"))
    op.execute("UPDATE case_claims SET claimed_yuan = verified_yuan")
    op.alter_column("case_claims", "claimed_yuan", nullable=False)
    op.alter_column("case_claims", "verified_yuan", nullable=True)
    for column in (
        sa.Column("verified_by", sa.Uuid(), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verify_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("sealed_person", sa.LargeBinary(), nullable=True),
        sa.Column("id_index", sa.LargeBinary(), nullable=True),
        sa.Column("phone_index", sa.LargeBinary(), nullable=True),
        sa.Column("query_number", sa.Text(), nullable=True),
        sa.Column("code_version", sa.Integer(), server_default="1", nullable=False),
    ):
        op.add_column("case_claims", column)
    op.execute(
        "UPDATE case_claims SET verified_at = entered_at, query_number = lpad((random() * 1e16)::bigint::text, 16, '0')"
    )
    op.alter_column("case_claims", "query_number", nullable=False)
    op.drop_constraint(op.f("ck_case_claims_positive"), "case_claims", type_="check")
    op.create_check_constraint(op.f("ck_case_claims_positive"), "case_claims", "claimed_yuan > 0")
    op.create_check_constraint(op.f("ck_case_claims_verified_not_negative"), "case_claims", "verified_yuan >= 0")
    op.create_unique_constraint(op.f("uq_case_claims_query_number"), "case_claims", ["query_number"])
    for name, column in (("person", "id_index"), ("phone", "phone_index")):
        op.create_index(
            f"ix_case_claims_{name}", "case_claims", [column], unique=False, postgresql_where=sa.text(f"{column} IS NOT NULL")
        )


def _create_payments() -> None:
    op.create_table(
        "case_payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        _yuan("yuan", False), _text("state"), sa.Column("settled_on", sa.Date(), nullable=True),
        sa.Column("reference", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True),
        _key("case_payments", "case_id", "fundraising_cases"), _key("case_payments", "round_id", "case_rounds"),
        _key("case_payments", "claim_id", "case_claims"), _key("case_payments", "batch_id", "case_batches"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_payments")),
        sa.UniqueConstraint("round_id", "claim_id", "attempt", name=op.f("uq_case_payments_round_id_claim_id_attempt")),
    )
    op.create_index(
        "uq_case_payments_one_held", "case_payments", ["round_id", "claim_id"], unique=True,
        postgresql_where=sa.text("state IN ('sent', 'paid')"),
    )
    for name in ("case", "batch", "claim"):
        op.create_index(f"ix_case_payments_{name}", "case_payments", [f"{name}_id"], unique=False)


def downgrade() -> None:
    op.drop_constraint(op.f("fk_case_imports_batch_id_case_batches"), "case_imports", type_="foreignkey")
    op.drop_column("case_imports", "batch_id")
    for name in ("claim", "batch", "case"):
        op.drop_index(f"ix_case_payments_{name}", table_name="case_payments")
    op.drop_index("uq_case_payments_one_held", table_name="case_payments")
    op.drop_table("case_payments")
    op.drop_table("case_batches")
    op.drop_index("ix_case_funds_case", table_name="case_funds")
    op.drop_table("case_funds")
    op.drop_index("ix_case_assets_case", table_name="case_assets")
    op.drop_table("case_assets")
    op.create_index("ix_case_shares_claim", "case_shares", ["claim_id"], unique=False)
    for column, table in SHARE_KEYS.items():
        op.create_foreign_key(op.f(f"fk_case_shares_{column}_{table}"), "case_shares", table, [column], ["id"])
    for name in ("phone", "person"):
        op.drop_index(f"ix_case_claims_{name}", table_name="case_claims")
    op.drop_constraint(op.f("uq_case_claims_query_number"), "case_claims", type_="unique")
    op.drop_constraint(op.f("ck_case_claims_verified_not_negative"), "case_claims", type_="check")
    op.drop_constraint(op.f("ck_case_claims_positive"), "case_claims", type_="check")
    # Claims that nobody verified did not exist before: they have no shares and go.
    op.execute("DELETE FROM case_claims WHERE NOT verified_yuan > 0 OR verified_yuan IS NULL")
    op.alter_column("case_claims", "verified_yuan", nullable=False)
    op.create_check_constraint(op.f("ck_case_claims_positive"), "case_claims", "verified_yuan > 0")
    for name in (
        "code_version", "query_number", "phone_index", "id_index", "sealed_person", "verify_reason", "verified_at",
        "verified_by", "claimed_yuan",
    ):
        op.drop_column("case_claims", name)
    op.execute(f"REVOKE UPDATE ON case_claims FROM {ROLE}")
