"""Lengthening a clock: the verification once, and the overall limit once, by the leader, with a reason.

市场监督管理投诉举报处理暂行办法 Art. 23: 15 working days more; 信访工作条例 Art. 34: 30 days, and the person is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from app.foundation.errors import Conflict, InvalidInput
from app.foundation.permissions import Actor
from app.workflow import clocks, limits
from app.workflow.models import Handling
from app.workflow.states import EXTENSION_TEXTS, Done, Extension


def extend(_actor: Actor, handling: Handling, given: Mapping[str, Any]) -> Done:
    """Lengthen the verification or, once that was done, the overall limit; raise ``Conflict`` for a second time."""
    usual = Extension.OVERALL if handling.verification_extended else Extension.VERIFICATION
    kind = given.get("clock") or usual
    if kind not in list(Extension):
        raise InvalidInput(errors={"clock": [f"应为 {'、'.join(Extension)} 之一"]})
    due = _verification(handling) if kind == Extension.VERIFICATION else _overall(handling)
    return Done(details={"clock": str(kind), "due_on": due})


def _verification(handling: Handling) -> str:
    if handling.verification_extended:
        _refuse(Extension.VERIFICATION)
    handling.verification_extended = True
    more = limits.value(limits.VERIFICATION_EXTENSION)
    clocks.lengthen(handling, limits.shortened(more, urgent=clocks.is_urgent(handling)))
    return handling.due_on.isoformat() if handling.due_on else ""


def _overall(handling: Handling) -> str:
    if handling.overall_extended or handling.overall_due_on is None:
        _refuse(Extension.OVERALL)
    assert handling.overall_due_on is not None  # noqa: S101  # refused above
    handling.overall_extended = True
    handling.overall_due_on += timedelta(days=limits.value(limits.OVERALL_EXTENSION))
    clocks.set_next_mark(handling)
    return handling.overall_due_on.isoformat()


def _refuse(kind: Extension) -> None:
    raise Conflict(f"{EXTENSION_TEXTS[kind]}已延长过一次，不能再次延长", code="already_extended")
