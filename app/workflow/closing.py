"""The ends of a handling that are no conclusion, and the way back from them: reject, merge, reopen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import Conflict, InvalidInput
from app.foundation.permissions import Actor
from app.workflow import clocks, limits, supervision
from app.workflow.models import Handling
from app.workflow.states import OPEN_STATUSES, UNDER_WAY, Done


def reject(_actor: Actor, _handling: Handling, given: Mapping[str, Any]) -> Done:
    """Not accept a tip, with a listed reason and the right route, which the reporter reads (潍坊市12345条例 19)."""
    if given["reason_code"] not in limits.reasons(limits.REJECTION):
        raise InvalidInput(errors={"reason_code": ["未知的不予受理理由"]})
    return Done(details={"reason_code": given["reason_code"], "route": given["route"]})


def merge(handling: Handling, given: Mapping[str, Any]) -> Handling:
    """Let a tip follow the main tip about the same matter, which is returned, locked; what follows the tip goes along.

    A merged tip lies where its main tip lies: the unit that handles the matter sees everything said about it.

    Raises:
        InvalidInput: the main tip is unknown, settled, or this tip itself. Conflict: somebody moves the main tip now.
    """
    main = _main_tip(given["into"])
    if main is None or main.tip_id == handling.tip_id or main.status not in OPEN_STATUSES:
        raise InvalidInput(errors={"into": ["主件不存在、已办结或就是本件"]})
    handling.merged_into, handling.unit_id, handling.division_code = main.tip_id, main.unit_id, main.division_code
    db.session.execute(
        update(Handling)
        .where(Handling.merged_into == handling.tip_id)
        .values(merged_into=main.tip_id, unit_id=main.unit_id, division_code=main.division_code)
        .execution_options(synchronize_session=False)
    )
    return main


def hurry_along(main: Handling, merged: Handling) -> bool:
    """Let the main tip be as pressing as what was merged into it; return whether its limits were halved for that.

    The matter is one (domain §9.1: P1 or a risk to stability halves the limits); of a settled one no limit is left.
    """
    was_urgent = clocks.is_urgent(main)
    main.priority = min(main.priority, merged.priority)
    main.stability_risk = main.stability_risk or merged.stability_risk
    if was_urgent or not clocks.is_urgent(main) or main.status not in UNDER_WAY:
        return False
    supervision.hurry(main)
    return True


def _main_tip(tip_id: UUID) -> Handling | None:
    """The tip that leads ``tip_id``, locked: two tips that are merged into each other at once must not form a ring."""
    found = None
    wanted: UUID | None = tip_id
    try:
        while wanted is not None:
            row = select(Handling).where(Handling.tip_id == wanted).with_for_update(nowait=True)
            found = db.session.scalar(row.execution_options(populate_existing=True))
            wanted = found.merged_into if found else None
    except OperationalError as fault:
        raise Conflict("主件正在被他人办理，请稍后再试", code="main_tip_busy") from fault
    return found


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
