"""The ends of a handling that are no conclusion, and the way back from them: reject, archive, reopen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from app.foundation import clock
from app.foundation.errors import InvalidInput
from app.foundation.permissions import Actor
from app.workflow import limits
from app.workflow.models import Handling
from app.workflow.states import Done


def reject(_actor: Actor, _handling: Handling, given: Mapping[str, Any]) -> Done:
    """Not accept a tip, with a listed reason and the right route, which the reporter reads (潍坊市12345条例 19)."""
    if given["reason_code"] not in limits.reasons(limits.REJECTION):
        raise InvalidInput(errors={"reason_code": ["未知的不予受理理由"]})
    return Done(details={"reason_code": given["reason_code"], "route": given["route"]})


def accept(handling: Handling) -> None:
    """Start the overall clock (信访工作条例 Art. 34)."""
    handling.accepted_at = clock.now()
    handling.overall_due_on = clock.today() + timedelta(days=limits.value(limits.OVERALL))


def reopen(_actor: Actor, handling: Handling, _given: Mapping[str, Any]) -> Done:
    """Begin again on new facts: fresh clocks, no unit yet; what was found and replied stays in the history."""
    before = {name: getattr(handling, name) for name in ("outcome", "feedback", "reply") if getattr(handling, name)}
    handling.outcome = handling.feedback = handling.feedback_by = handling.reply = None
    handling.unit_id = handling.delivered_on = handling.kept_days = handling.supervision = None
    handling.verification_extended = handling.overall_extended = handling.decided_by_city = False
    accept(handling)
    return Done(details={"before": before})
