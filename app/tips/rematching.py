"""Finding the districts of open tips anew when the division list has changed. What was said and done stays as it is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from app.foundation import clock
from app.foundation.database import db, new_id
from app.geo import current
from app.geo import service as geo
from app.geo.normalise import normalise
from app.outbox import service as outbox
from app.tips.accused import accused_of
from app.tips.models import Tip, TipJurisdiction, TipSubject
from app.tips.queries import NEWEST_FIRST, latest_jurisdiction
from app.workflow import service as workflow
from app.workflow.models import Handling
from app.workflow.proposals import renew_proposal
from app.workflow.states import OPEN_STATUSES, Status

REMATCH: Final = "tips.rematch"
_AT_ONCE: Final = 50
_WORKED_ON: Final = sorted(OPEN_STATUSES - {Status.TRANSFERRED, Status.CONCLUDED, Status.REPLIED})


def queue(codes: Collection[str], names: Collection[str]) -> list[str]:
    """Leave messages for the open tips that these codes or names concern; returns their receipt numbers."""
    affected = list(_affected(codes, [normalise(name)[0] for name in names]))
    for begin in range(0, len(affected), _AT_ONCE):
        outbox.leave(REMATCH, tip_ids=[str(tip_id) for tip_id, _ in affected[begin : begin + _AT_ONCE]])
    return [number for _, number in affected]


def _affected(codes: Collection[str], names: Sequence[str]) -> Iterator[tuple[UUID, str]]:
    newest = (
        select(TipJurisdiction.decision)
        .where(TipJurisdiction.tip_id == Tip.id)
        .order_by(*NEWEST_FIRST)
        .limit(1)
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(Tip.id, Tip.receipt_number, TipSubject.registered_address, TipSubject.operating_address, newest)
        .join(Handling, Handling.tip_id == Tip.id)
        .join(TipSubject, TipSubject.tip_id == Tip.id)
        .where(Handling.status.in_(_WORKED_ON))
        .order_by(Tip.registered_at, Tip.id)
        .execution_options(yield_per=500)
    )
    changed = set(codes)
    for tip_id, number, registered, operating, decision in rows:
        text = normalise(f"{registered or ''} {operating or ''}")[0]
        if not changed.isdisjoint(_codes_of(decision or {})) or any(name in text for name in names):
            yield tip_id, number


def _codes_of(decision: dict[str, Any]) -> Iterator[str]:
    """Every division that a stored decision speaks of."""
    yield from filter(None, (decision.get("lead"), decision.get("arbiter"), *decision.get("cooperating", ())))
    for source in decision.get("sources", {}).values():
        yield from filter(None, (source[level] for level in ("prefecture", "county", "township")))
        yield from (one["code"] for one in source["alternatives"])
        yield from (one["means"] for one in source["evidence"])


def rematch(tip_id: UUID) -> bool:
    """Decide anew on one tip with today's list; a new row only where the answer differs. Returns whether it does.

    While the city holds the tip its queue shows the new proposal; a unit that has it keeps it until somebody moves it.
    """
    current.look_now()
    workflow.lock_for_reassignment(tip_id)
    decision = geo.find_jurisdiction(accused_of(tip_id), geo.region_code())
    if _gist(latest_jurisdiction(tip_id).decision) == _gist(decision.to_dict()):
        return False
    db.session.add(
        TipJurisdiction(
            id=new_id(),
            tip_id=tip_id,
            decided_at=clock.now(),
            lead=decision.lead,
            dispute=decision.dispute,
            needs_review=decision.needs_review,
            decision=decision.to_dict(),
        )
    )
    db.session.flush()
    renew_proposal(workflow.Opening(tip_id, decision.lead, decision.dispute, decision.needs_review))
    return True


def _gist(decision: dict[str, Any]) -> dict[str, Any]:
    """What of a decision somebody would act on; a confidence in its third digit is no news."""
    levels = ("province", "prefecture", "county", "township", "status")
    sources = {name: [source[level] for level in levels] for name, source in decision["sources"].items()}
    told = ("lead", "cooperating", "arbiter", "dispute_reasons", "needs_review", "rule", "outcome")
    return {name: decision.get(name) for name in told} | {"sources": sources}
