"""A search may say how far back it reaches: hits that have a deadline lie in the last months

The new argument has a default, so that a program that still runs finds the function as it knows it.

Revision ID: 0052
Revises: 0051
"""

from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

ROLE = "shudi_app"
OPEN = "(SELECT current_setting('shudi.wall', true)) = 'open'"
UNITS = "(SELECT string_to_array(nullif(current_setting('shudi.wall', true), 'open'), ','))::int[]"
WALL = f"{OPEN} OR EXISTS (SELECT 1 FROM handlings h WHERE h.tip_id = g.tip_id AND h.unit_id = ANY ({UNITS}))"
OLDEST = "date_trunc('month', (SELECT min(g.registered_at) FROM tip_grams g) AT TIME ZONE 'UTC')"


def _function(parameter: str, first: str, bound: str) -> str:
    return f"""
CREATE FUNCTION search_tips(wanted int[], after_at timestamptz, after_id uuid, newest boolean, most int{parameter})
RETURNS TABLE (registered_at timestamptz, tip_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp
SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    first timestamp := {first};
    last timestamp := date_trunc('month', (SELECT max(g.registered_at) FROM tip_grams g) AT TIME ZONE 'UTC');
    month timestamp := CASE WHEN newest THEN last ELSE first END;
    step interval := CASE WHEN newest THEN interval '-1 month' ELSE interval '1 month' END;
    salt bigint;
    grams_of_month int[];
    found int;
BEGIN
    IF after_at IS NOT NULL THEN
        month := date_trunc('month', after_at AT TIME ZONE 'UTC');
        month := CASE WHEN newest THEN least(month, last) ELSE greatest(month, first) END;
    END IF;
    WHILE month BETWEEN first AND last AND most > 0 LOOP
        salt := (extract(year FROM month)::bigint * 12 + extract(month FROM month)::bigint) * 2654435761 & 4294967295;
        salt := CASE WHEN salt > 2147483647 THEN salt - 4294967296 ELSE salt END;
        grams_of_month := ARRAY (SELECT gram # salt::int FROM unnest(wanted) AS gram);
        IF newest THEN
            RETURN QUERY
            WITH hits AS MATERIALIZED (SELECT g.registered_at, g.tip_id FROM tip_grams g WHERE g.grams @> grams_of_month)
            SELECT g.registered_at, g.tip_id FROM hits g
            WHERE g.registered_at >= month AT TIME ZONE 'UTC' AND g.registered_at < (month + interval '1 month') AT TIME ZONE 'UTC'
              AND (after_at IS NULL OR (g.registered_at, g.tip_id) < (after_at, after_id)) AND ({WALL}){bound}
            ORDER BY g.registered_at DESC, g.tip_id DESC LIMIT most;
        ELSE
            RETURN QUERY
            WITH hits AS MATERIALIZED (SELECT g.registered_at, g.tip_id FROM tip_grams g WHERE g.grams @> grams_of_month)
            SELECT g.registered_at, g.tip_id FROM hits g
            WHERE g.registered_at >= month AT TIME ZONE 'UTC' AND g.registered_at < (month + interval '1 month') AT TIME ZONE 'UTC'
              AND (after_at IS NULL OR (g.registered_at, g.tip_id) > (after_at, after_id)) AND ({WALL}){bound}
            ORDER BY g.registered_at, g.tip_id LIMIT most;
        END IF;
        GET DIAGNOSTICS found = ROW_COUNT;
        most := most - found;
        month := month + step;
    END LOOP;
END $$
"""


BEFORE = _function("", OLDEST, "")
AFTER = _function(
    ", since timestamptz DEFAULT NULL",
    f"greatest({OLDEST}, date_trunc('month', since AT TIME ZONE 'UTC'))",
    "\n              AND (since IS NULL OR g.registered_at >= since)",
)


def _replaced(dropped: str, created: str) -> None:
    op.execute(f"DROP FUNCTION search_tips({dropped})")
    op.execute(created)
    op.execute("REVOKE ALL ON FUNCTION search_tips FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION search_tips TO {ROLE}")


def upgrade() -> None:
    _replaced("int[], timestamptz, uuid, boolean, int", AFTER)


def downgrade() -> None:
    _replaced("int[], timestamptz, uuid, boolean, int, timestamptz", BEFORE)
