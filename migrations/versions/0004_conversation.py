"""What is said after filing: messages, withdrawal, rating, re-check, new codes; and tips about the same subject

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ROLE = "shudi_app"
OPEN = "(SELECT current_setting('shudi.wall', true)) = 'open'"

# Rows that follow their handling: whoever sees the handling sees them.
FOLLOWERS = (
    "tip_messages",
    "tip_withdrawals",
    "tip_ratings",
    "recheck_requests",
    "reissued_codes",
    "tip_text_checks",
    "tip_links",
)
POLICIES = {
    table: f"{OPEN} OR EXISTS (SELECT 1 FROM handlings h WHERE h.tip_id = {table}.tip_id)" for table in FOLLOWERS
} | {
    "tip_clusters": f"{OPEN} OR EXISTS (SELECT 1 FROM tip_links l WHERE l.cluster_id = tip_clusters.id)",
    # Keys of subjects hold phones and accounts of every district; the program alone compares them.
    "subject_keys": OPEN,
}
WRITTEN_ONCE = ("tip_messages", "tip_withdrawals", "tip_ratings")
NEVER_DELETED = ("recheck_requests", "reissued_codes")


def upgrade() -> None:
    op.create_table(
        "recheck_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tip_id", sa.Uuid(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("concluded_by", sa.Uuid(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint("(closed_at IS NULL) = (note IS NULL)", name=op.f("ck_recheck_requests_closed_with_a_note")),
        sa.ForeignKeyConstraint(["tip_id"], ["tips.id"], name=op.f("fk_recheck_requests_tip_id_tips")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recheck_requests")),
        sa.UniqueConstraint("tip_id", name=op.f("uq_recheck_requests_tip_id")),
    )
    op.create_index("ix_recheck_requests_queue", "recheck_requests", ["requested_at", "id"], unique=False)
    op.create_table(
        "reissued_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tip_id", sa.Uuid(), nullable=False),
        sa.Column("code_digest", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_code", sa.LargeBinary(), nullable=True),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(way = 'officer') = (account_id IS NOT NULL)", name=op.f("ck_reissued_codes_officer_signs")
        ),
        sa.ForeignKeyConstraint(["tip_id"], ["tips.id"], name=op.f("fk_reissued_codes_tip_id_tips")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reissued_codes")),
    )
    op.create_index("ix_reissued_codes_tip", "reissued_codes", ["tip_id", "issued_at"], unique=False)
    op.create_table(
        "tip_clusters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_tip_id", sa.Uuid(), nullable=False),
        sa.Column("first_registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["first_tip_id"], ["tips.id"], name=op.f("fk_tip_clusters_first_tip_id_tips")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tip_clusters")),
    )
    op.create_table(
        "tip_messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tip_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("request_digest", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("(sender = 'office') = (account_id IS NOT NULL)", name=op.f("ck_tip_messages_office_signs")),
        sa.CheckConstraint(
            "kind IN ('message','supplement_request','supplement')", name=op.f("ck_tip_messages_known_kind")
        ),
        sa.CheckConstraint("sender IN ('office','reporter')", name=op.f("ck_tip_messages_known_sender")),
        sa.ForeignKeyConstraint(["tip_id"], ["tips.id"], name=op.f("fk_tip_messages_tip_id_tips")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tip_messages")),
        sa.UniqueConstraint("request_digest", name=op.f("uq_tip_messages_request_digest")),
    )
    op.create_index("ix_tip_messages_tip", "tip_messages", ["tip_id", "at"], unique=False)
    op.create_table(
        "tip_ratings",
        sa.Column("tip_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("score", sa.SmallInteger(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.CheckConstraint("score BETWEEN 1 AND 5", name=op.f("ck_tip_ratings_one_to_five")),
        sa.ForeignKeyConstraint(["tip_id"], ["tips.id"], name=op.f("fk_tip_ratings_tip_id_tips")),
        sa.PrimaryKeyConstraint("tip_id", name=op.f("pk_tip_ratings")),
    )
    op.create_table(
        "tip_text_checks",
        sa.Column("tip_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "verdict IN ('pass','review','risky','unchecked')", name=op.f("ck_tip_text_checks_known_verdict")
        ),
        sa.ForeignKeyConstraint(["tip_id"], ["tips.id"], name=op.f("fk_tip_text_checks_tip_id_tips")),
        sa.PrimaryKeyConstraint("tip_id", name=op.f("pk_tip_text_checks")),
    )
    op.create_table(
        "tip_withdrawals",
        sa.Column("tip_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["tip_id"], ["tips.id"], name=op.f("fk_tip_withdrawals_tip_id_tips")),
        sa.PrimaryKeyConstraint("tip_id", name=op.f("pk_tip_withdrawals")),
    )
    op.create_table(
        "subject_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("cluster_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('uscc','name','account','phone','person')", name=op.f("ck_subject_keys_known_kind")
        ),
        sa.ForeignKeyConstraint(
            ["cluster_id"], ["tip_clusters.id"], name=op.f("fk_subject_keys_cluster_id_tip_clusters")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subject_keys")),
        sa.UniqueConstraint("kind", "key", name=op.f("uq_subject_keys_kind_key")),
    )
    op.create_index("ix_subject_keys_cluster", "subject_keys", ["cluster_id"], unique=False)
    op.create_table(
        "tip_links",
        sa.Column("tip_id", sa.Uuid(), nullable=False),
        sa.Column("cluster_id", sa.Uuid(), nullable=True),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["cluster_id"], ["tip_clusters.id"], name=op.f("fk_tip_links_cluster_id_tip_clusters")),
        sa.ForeignKeyConstraint(["tip_id"], ["tips.id"], name=op.f("fk_tip_links_tip_id_tips")),
        sa.PrimaryKeyConstraint("tip_id", name=op.f("pk_tip_links")),
    )
    op.create_index("ix_tip_links_cluster", "tip_links", ["cluster_id", "registered_at"], unique=False)
    op.create_index("ix_tip_links_registered_at", "tip_links", ["registered_at"], unique=False)
    op.add_column("handlings", sa.Column("merged_into", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_handlings_merged_into",
        "handlings",
        ["merged_into"],
        unique=False,
        postgresql_where="merged_into IS NOT NULL",
    )
    op.create_foreign_key(
        op.f("fk_handlings_merged_into_handlings"), "handlings", "handlings", ["merged_into"], ["tip_id"]
    )
    op.add_column("tip_evidence", sa.Column("message_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_tip_evidence_message_id_tip_messages"), "tip_evidence", "tip_messages", ["message_id"], ["id"]
    )

    for table in WRITTEN_ONCE:
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM {ROLE}")
    for table in NEVER_DELETED:
        op.execute(f"REVOKE DELETE ON {table} FROM {ROLE}")
    for table, condition in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY wall ON {table} TO {ROLE} USING ({condition}) WITH CHECK ({condition})")


def downgrade() -> None:
    op.execute("DROP POLICY wall ON tip_clusters")  # it looks at tip_links
    op.drop_constraint(op.f("fk_tip_evidence_message_id_tip_messages"), "tip_evidence", type_="foreignkey")
    op.drop_column("tip_evidence", "message_id")
    op.drop_constraint(op.f("fk_handlings_merged_into_handlings"), "handlings", type_="foreignkey")
    op.drop_index("ix_handlings_merged_into", table_name="handlings", postgresql_where="merged_into IS NOT NULL")
    op.drop_column("handlings", "merged_into")
    op.drop_table("tip_links")
    op.drop_table("subject_keys")
    op.drop_table("tip_withdrawals")
    op.drop_table("tip_text_checks")
    op.drop_table("tip_ratings")
    op.drop_table("tip_messages")
    op.drop_table("tip_clusters")
    op.drop_table("reissued_codes")
    op.drop_table("recheck_requests")
