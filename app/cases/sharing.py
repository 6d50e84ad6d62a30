"""How a round shares a sum among what each claim is still owed: one statement, exact, whatever the number of claims.

Decree 737 Art. 25 and 26: what was raised is returned in proportion. Shares are whole fen by the largest remainder:
every share is the exact one rounded down or up to a fen, nobody gets more than is still owed, and the shares add up to
the sum. Equal remainders go by the claim's id, so that the order in which claims are read changes nothing. PostgreSQL
counts with whole numbers of any length (``div`` and ``mod`` of numeric), so that nothing is rounded twice.
"""

from __future__ import annotations

from typing import Final

OWED: Final = """
SELECT c.id, ((c.verified_yuan - coalesce(s.given, 0)) * 100)::bigint AS fen
FROM case_claims c
LEFT JOIN (
    SELECT claim_id, sum(yuan) AS given FROM case_shares
    WHERE round_id IN (SELECT id FROM case_rounds WHERE case_id = %(case_id)s) GROUP BY claim_id
) s ON s.claim_id = c.id
WHERE c.case_id = %(case_id)s AND c.verified_at IS NOT NULL AND c.verified_yuan > coalesce(s.given, 0)
"""
"""What each verified claim of a case is still owed, in fen."""


OWED_IN_ALL: Final = f"SELECT coalesce(sum(fen), 0) FROM ({OWED}) owed"  # noqa: S608  # our own statement


def shares_of(owed: str) -> str:
    """A query (id, fen) that shares ``%(total)s`` fen among the rows (id, fen) of the query ``owed``."""
    return f"""
WITH owed AS MATERIALIZED ({owed}),
parts AS (
    SELECT id, div(%(total)s::numeric * fen, whole) AS part, mod(%(total)s::numeric * fen, whole) AS rest
    FROM owed, (SELECT sum(fen)::numeric AS whole FROM owed) w WHERE whole > 0
),
ranked AS (
    SELECT id, part, row_number() OVER (ORDER BY rest DESC, id) AS place, %(total)s - sum(part) OVER () AS left_over
    FROM parts
)
SELECT id, (part + CASE WHEN place <= left_over THEN 1 ELSE 0 END)::bigint AS fen FROM ranked
"""  # noqa: S608  # our own statement


STORE: Final = f"""
INSERT INTO case_shares (round_id, claim_id, case_id, yuan)
SELECT %(round_id)s, id, %(case_id)s, fen * 0.01 FROM ({shares_of(OWED)}) shared WHERE fen > 0 ORDER BY id
"""  # noqa: S608  # our own statement
