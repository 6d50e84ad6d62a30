"""The district wall in the database, what the program's role may do, and an audit log that nobody changes

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROLE = "shudi_app"
OPEN = "(SELECT current_setting('shudi.wall', true)) = 'open'"
UNITS = "(SELECT string_to_array(nullif(current_setting('shudi.wall', true), 'open'), ','))::int[]"

# Rows that follow their handling: whoever sees the handling sees them.
FOLLOWERS = {"tips": "id", "tip_subjects": "tip_id", "reporters": "tip_id", "tip_jurisdictions": "tip_id", "tip_evidence": "tip_id"}
POLICIES = {
    "handlings": f"{OPEN} OR unit_id = ANY ({UNITS})",
    "handling_events": f"{OPEN} OR actor_unit_id = ANY ({UNITS}) "
    "OR EXISTS (SELECT 1 FROM handlings h WHERE h.tip_id = handling_events.tip_id)",
    "reassignments": f"{OPEN} OR from_unit_id = ANY ({UNITS}) "
    f"OR (to_unit_id = ANY ({UNITS}) AND status IN ('adjusted', 'confirmed'))",
    "reassignment_events": f"{OPEN} OR EXISTS (SELECT 1 FROM reassignments r WHERE r.id = reassignment_id)",
} | {
    table: f"{OPEN} OR EXISTS (SELECT 1 FROM handlings h WHERE h.tip_id = {table}.{column})"
    for table, column in FOLLOWERS.items()
}

# A statement, its history and the audit log are written once.
WRITTEN_ONCE = ("tips", "tip_subjects", "tip_jurisdictions", "tip_evidence", "handling_events", "reassignment_events")

REFUSE_CHANGE = """
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.seq IS NULL AND
       to_jsonb(OLD) - '{seq,previous_digest,digest}'::text[] = to_jsonb(NEW) - '{seq,previous_digest,digest}'::text[] THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'audit rows are append-only';
END $$
"""


def upgrade() -> None:
    # Roles belong to the whole server: another database, or a second migration at this moment, may have made it.
    op.execute(
        f"DO $$ BEGIN CREATE ROLE {ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS; "
        "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
    op.execute(f"DO $$ BEGIN EXECUTE format('GRANT {ROLE} TO %I', session_user); END $$")
    op.execute(f"GRANT USAGE ON SCHEMA public TO {ROLE}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {ROLE}")
    op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {ROLE}")
    op.execute(f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {ROLE}")
    for table in WRITTEN_ONCE:
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM {ROLE}")
    op.execute(f"REVOKE DELETE ON handlings, reassignments FROM {ROLE}")
    op.execute(f"REVOKE UPDATE, DELETE ON audit_events FROM {ROLE}")
    op.execute(f"GRANT UPDATE (seq, previous_digest, digest) ON audit_events TO {ROLE}")
    for table, condition in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY wall ON {table} TO {ROLE} USING ({condition}) WITH CHECK ({condition})")
    op.execute(REFUSE_CHANGE)
    op.execute(
        "CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE ON audit_events "
        "FOR EACH ROW EXECUTE FUNCTION audit_refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER audit_events_never_emptied BEFORE TRUNCATE ON audit_events "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER audit_events_never_emptied ON audit_events")
    op.execute("DROP TRIGGER audit_events_append_only ON audit_events")
    op.execute("DROP FUNCTION audit_refuse_change()")
    for table in POLICIES:
        op.execute(f"DROP POLICY wall ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM {ROLE}")
    op.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {ROLE}")
    op.execute(f"REVOKE USAGE ON SCHEMA public FROM {ROLE}")
