"""Re-checks as cards: what the reporter thinks of the handling, and the form of whoever decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import url_for

from app.console import queries
from app.console.views.actions import form_of, refused_form
from app.console.views.fields import FormState, options, select, text
from app.foundation import clock
from app.foundation.permissions import Actor, Permission
from app.tips import policy, rating
from app.tips.lines import lines_by_id
from app.tips.models import RecheckRequest
from app.workflow.disclosure import told
from app.workflow.exclusions import excluded_from
from app.workflow.states import Status

_LONGEST_NOTE: Final = 2000
_DESCRIBED: Final = "结果告知举报人，说明只在内部留存。选“重新办理”的，线索回到“已受理”，由市级重新交办。"


def cards(actor: Actor, found: Sequence[RecheckRequest], problem: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """One card a re-check."""
    tips = lines_by_id(actor, (one.tip_id for one in found))
    names = queries.account_names({person for one in found for person in (one.closed_by, one.concluded_by)})
    aside = excluded_from(actor, {one.tip_id for one in found})
    refused, errors = refused_form(problem)
    state = FormState(refused=refused, errors=errors)
    return [
        rating.recheck_line(actor, one)
        | {
            "href": url_for("console.show_tip", tip_id=one.tip_id),
            "subject_name": tips[one.tip_id].subject_name,
            "status": Status(tips[one.tip_id].status),
            "requested_at": clock.beijing(one.requested_at),
            **told(actor, {"concluded_by": names.get(one.concluded_by, "")}, ()),
            "closed": _closed(actor, one, names.get(one.closed_by, "")),
            "action": _decision(one, state) if one.closed_at is None and policy.can_recheck(actor, one) else None,
            "own": actor.may(Permission.TIP_REVIEW) and actor.account_id == one.concluded_by,
            "aside": one.tip_id in aside,
        }
        for one in found
    ]


def _closed(actor: Actor, one: RecheckRequest, name: str) -> dict[str, Any] | None:
    if one.closed_at is None:
        return None
    result = rating.RESULTS.get(one.result or "", "已复核")
    return {"at": clock.beijing(one.closed_at), "result": result, **told(actor, {"by": name}, ())}


def _decision(one: RecheckRequest, state: FormState) -> dict[str, Any]:
    needs = [
        select("result", "复核结果", options(rating.RESULTS)),
        text("note", "复核情况和理由", _LONGEST_NOTE),
    ]
    form = form_of(f"recheck-{one.id}", "作出复核结论", needs, _DESCRIBED, state)
    return form | {"irreversible": True, "url": url_for("console.close_recheck", request_id=one.id)}
