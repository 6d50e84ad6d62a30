"""Proposals to remove identities as lines; nobody is named, the receipt number leads to the tip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from flask import url_for

from app.console import queries
from app.foundation import clock
from app.tips.models import IdentityRemoval
from app.workflow.states import Status

DECISIONS: Final = {"remove": "清除", "keep": "保留"}


def tabs(*, decided: bool) -> list[dict[str, Any]]:
    """What waits, and what was decided."""
    return [
        {"label": "待确认", "href": url_for("console.list_removals"), "active": not decided},
        {"label": "已处理", "href": url_for("console.list_removals", all="true"), "active": decided},
    ]


def lines(found: Sequence[tuple[IdentityRemoval, str, str]]) -> list[dict[str, Any]]:
    """One line a proposal."""
    names = queries.account_names({row[0].decided_by for row in found})
    return [
        {
            "id": str(one.id),
            "href": url_for("console.show_tip", tip_id=one.tip_id),
            "receipt_number": number,
            "status": Status(status),
            "basis": one.basis,
            "proposed_at": clock.beijing(one.proposed_at),
            "decision": DECISIONS.get(one.decision or ""),
            "decided_at": clock.beijing(one.decided_at) if one.decided_at else None,
            "decided_by": names.get(one.decided_by, ""),
            "reason": one.reason,
        }
        for one, number, status in found
    ]
