"""Dispatch without a person, where the office has switched it on: clear cases alone, each marked as the program's.

A tip with any flag (registered ≠ operating district, ambiguous or unknown address, zone without an agreed unit,
the reporter's guess contradicts …) waits for the reviewer, who sees the evidence, the rule and the precedents.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from app.foundation.database import Row
from app.foundation.permissions import Actor
from app.identity import queries as people
from app.outbox import service as outbox
from app.tips.models import TipJurisdiction
from app.tips.queries import latest_jurisdiction
from app.workflow import limits
from app.workflow import service as workflow
from app.workflow.models import Handling
from app.workflow.states import Action

DISPATCH: Final = "tips.dispatch"


@workflow.accompanies(Action.ACCEPT)
def consider(_actor: Actor, handling: Handling, _given: Mapping[str, Any]) -> list[Row]:
    """Leave a message about an accepted tip that nobody has to decide on."""
    if not limits.value(limits.AUTO_DISPATCH) or handling.dispute or handling.needs_review:
        return []
    return [outbox.message_row(DISPATCH, tip_id=str(handling.tip_id))]


def dispatch(tip_id: UUID) -> bool:
    """Assign a clear tip to the unit of its lead; return whether it was. One that somebody has assigned stays."""
    finding = latest_jurisdiction(tip_id)
    sure = _confidence(finding)
    clear = limits.value(limits.AUTO_DISPATCH) and not (finding.dispute or finding.needs_review)
    if not clear or finding.lead is None or sure < limits.value(limits.AUTO_DISPATCH_CONFIDENCE):
        return False
    unit = people.district_unit_of(finding.lead)
    if unit is None:
        return False
    reason = f"系统自动交办：{finding.decision['explanation']}（置信度 {sure}%）"
    return workflow.dispatch_automatically(tip_id, unit.division_code, reason)


def _confidence(finding: TipJurisdiction) -> int:
    """How sure the weakest source is, in percent, rounded down; nothing to go by is no confidence."""
    sources = [source["confidence"] for source in finding.decision["sources"].values()]
    return int(min(sources, default=0) * 100)
