"""Who reads what of a tip: what was reported and written about it, or the facts of its handling alone.

The region's observer supervises from above (domain.md §9.4: aggregates, the overdue list, masked cases; never what
leads to a reporter, who may well name himself in a statement, a message or a file). Whatever is not named here as a
fact of handling is hidden from whoever may not read the statement: a new field stays hidden until somebody names it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from app.foundation.permissions import Actor, Permission, Role
from app.workflow.models import HandlingEvent, ReassignmentEvent

HIDDEN: Final = "＊＊＊"
"""In the place of a name or of words that this person does not read."""
WHY_HIDDEN: Final = "自治区观察员仅查看办理进度，不查看举报内容"

LINE: Final = frozenset(
    (
        "tip_id", "receipt_number", "registered_at", "channel", "conduct_type", "status", "version", "division_code",
        "priority", "due_on", "overall_due_on", "paused_on", "clock_days", "dispute", "needs_review", "supervision",
        "moves",
    )
)  # fmt: skip
"""Facts of one tip in a list."""
STATEMENT: Final = frozenset(("channel", "conduct_type", "amount_band", "participants_band"))
"""What is a fact of handling in a statement: kind and size of the matter, from which priority and clocks follow."""
PLACE: Final = frozenset(("province", "prefecture", "county", "status", "confidence"))
"""Which district was found for an address, and how surely; nothing of the address itself."""
JURISDICTION: Final = frozenset(
    ("lead", "cooperating", "arbiter", "dispute", "dispute_reasons", "needs_review", "rule", "names")
)
MARKS: Final = frozenset(
    ("priority", "urgent", "mark", "supervision", "moves", "decided_by_city", "dispatched_automatically")
)
REQUEST: Final = frozenset(
    (
        "id", "tip_id", "status", "version", "from_division", "from_unit", "to_division", "to_unit", "transfer_to",
        "again", "ground", "applied_at", "due_at", "moves", "history", "available_actions", "due_on", "agrees",
    )
)  # fmt: skip
"""Facts of a request for reassignment, its own and those of the other district's view."""
REQUEST_SHOWN: Final = frozenset(
    (
        "id", "receipt_number", "from_name", "to_name", "ground_text", "status", "version", "applied_at", "clock",
        "moves", "href", "tip_href", "applicant_unit", "told", "agrees",
    )
)  # fmt: skip
"""The same in the words of a page."""
POLICE: Final = frozenset(
    (
        "id", "state", "version", "proposed_at", "decide_by", "decided_at", "send_by", "sent_at", "police_decided_on",
        "reconsider_by",
    )
)  # fmt: skip
RECHECK: Final = frozenset(("id", "tip_id", "receipt_number", "requested_at", "score", "closed_at", "result"))


def reads_statement(actor: Actor) -> bool:
    """Whether this person reads what was reported and written about tips within sight, and not their progress alone."""
    return actor.may(Permission.STATEMENT_READ)


def why_hidden(actor: Actor) -> str | None:
    """The sentence for a page or an answer that hides something; none for whoever reads all of a tip."""
    hides = actor.may(Permission.TIP_READ) and not reads_statement(actor)
    return WHY_HIDDEN if hides else None


def told(actor: Actor, whole: Mapping[str, Any], facts: Collection[str]) -> dict[str, Any]:
    """``whole`` as this person reads it: as it is, or with everything hidden that is not named in ``facts``."""
    if reads_statement(actor):
        return dict(whole)
    return {name: value if name in facts else _hidden(value) for name, value in whole.items()}


def _hidden(value: Any) -> Any:
    """Words become a visible mask, what holds several becomes empty, everything else nothing."""
    if isinstance(value, str):
        return HIDDEN if value else value
    return type(value)() if isinstance(value, list | dict) else None


class Step(NamedTuple):
    """One step without what was written in it: who by role and unit, when, from where to where."""

    at: datetime
    actor_name: str
    """The role's name; that of the program or of the public."""
    actor_role: str
    actor_unit_id: int | None
    action: str
    from_status: str | None
    to_status: str
    from_unit_id: int | None
    to_unit_id: int | None
    reason: str


Event = HandlingEvent | ReassignmentEvent


def steps(actor: Actor, history: Sequence[Event]) -> Sequence[Any]:
    """The steps of a tip or of a request as this person reads them."""
    return history if reads_statement(actor) else list(_masked(history))


def _masked(history: Iterable[Event]) -> Iterable[Step]:
    for event in history:
        yield Step(
            at=event.at,
            actor_name=Role(event.actor_role).text if event.actor_role else event.actor_name,
            actor_role=event.actor_role,
            actor_unit_id=event.actor_unit_id,
            action=event.action,
            from_status=event.from_status,
            to_status=event.to_status,
            from_unit_id=getattr(event, "from_unit_id", None),
            to_unit_id=getattr(event, "to_unit_id", None),
            reason=_hidden(event.reason),
        )
