"""What an officer sees of a tip: rows put into the shape of the office API and of the console."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.foundation import clock
from app.foundation.database import db
from app.foundation.permissions import Actor
from app.geo.divisions import divisions
from app.tips import clusters, policy, queries, text_check
from app.tips.lines import TipLine, progress_of
from app.tips.models import Tip, TipWithdrawal
from app.tips.progress import as_shown, messages_of
from app.tips.queries import WholeTip
from app.tips.schemas import AMOUNT_BANDS, PARTICIPANTS_BANDS, band_of
from app.tips.service import named
from app.workflow import disclosure
from app.workflow import policy as handling_policy
from app.workflow import queries as handling_queries
from app.workflow.clocks import is_urgent, left_to_show
from app.workflow.deadlines import end_of_day
from app.workflow.models import Handling
from app.workflow.service import open_reassignment_of
from app.workflow.states import ACTION_TEXTS, LIMITS, WITH_UNIT, Action, Status, Transition
from app.workflow.sweeping import MARKS


def line(tip: TipLine) -> dict[str, Any]:
    """One line of the queue."""
    runs_to = None if tip.paused_on else tip.due_on
    return {
        "id": tip.tip_id,
        "receipt_number": tip.receipt_number,
        "status": tip.status,
        "status_text": Status(tip.status).text,
        "version": tip.version,
        "division": tip.division_code,
        "division_name": divisions().name(tip.division_code) if tip.division_code else "",
        "subject_name": tip.subject_name,
        "registered_at": tip.registered_at,
        "due_at": end_of_day(runs_to) if runs_to else None,
        "overdue": runs_to is not None and runs_to < clock.today(),
        "dispute": tip.dispute,
        "needs_review": tip.needs_review,
    }


def of_tip(actor: Actor, tip_id: UUID) -> dict[str, Any]:
    """One tip within sight as this person reads it; raises as ``queries.whole_tip``."""
    if not disclosure.reads_statement(actor):
        return progress(actor, queries.tip_in_progress(actor, tip_id))
    return whole(actor, queries.whole_tip(actor, tip_id))


def progress(actor: Actor, found: WholeTip) -> dict[str, Any]:
    """One tip for who reads its progress alone: built of facts of handling, so that nothing new slips in."""
    handling = found.handling
    return line(progress_of(TipLine.of(found.tip, handling, found.subject))) | {
        "masked": disclosure.WHY_HIDDEN,
        "statement": disclosure.told(actor, _statement_facts(found.tip), disclosure.STATEMENT),
        "subject": {"name": disclosure.HIDDEN},
        "jurisdiction": _found_districts(found.jurisdiction.decision),
        "clocks": clocks(handling),
        "handling": disclosure.told(actor, marks_of(handling), disclosure.MARKS),
        "history": disclosure.steps(actor, handling_queries.history_of(handling.tip_id)),
        "outcome": handling.outcome,
        "available_actions": [],
    }


def _statement_facts(tip: Tip) -> dict[str, Any]:
    """Kind and size of the matter; a figure as the band that it lies in."""
    return {
        "channel": tip.channel,
        "conduct_type": tip.conduct_type,
        "amount_band": band_of(AMOUNT_BANDS, tip.amount_yuan) or tip.amount_band,
        "participants_band": band_of(PARTICIPANTS_BANDS, tip.participants) or tip.participants_band,
    }


def _found_districts(decision: dict[str, Any]) -> dict[str, Any]:
    sources = {
        name: {level: match[level] for level in match if level in disclosure.PLACE}
        for name, match in decision["sources"].items()
    }
    told = named(decision)
    return {name: told[name] for name in told if name in disclosure.JURISDICTION} | {"sources": sources}


def whole(actor: Actor, found: WholeTip) -> dict[str, Any]:
    """One tip with its clocks, history and what this person can do now."""
    handling = found.handling
    request = open_reassignment_of(handling.tip_id)
    return (
        line(TipLine.of(found.tip, handling, found.subject))
        | said_after_filing(handling)
        | {
            "cluster": clusters.marks_of(actor, [handling.tip_id]).get(handling.tip_id),
            "statement": found.tip,
            "subject": found.subject,
            "jurisdiction": named(found.jurisdiction.decision),
            "evidence": found.evidence,
            "text_flag": text_check.flag_of(handling.tip_id),
            "clocks": clocks(handling),
            "handling": marks_of(handling),
            "history": handling_queries.history_of(handling.tip_id),
            "outcome": handling.outcome,
            "feedback": handling.feedback,
            "reply": handling.reply,
            "available_actions": [
                action_view(row) for row in handling_policy.available_actions(actor, handling, request)
            ],
            "open_reassignment": request is not None,
            "can_apply_reassignment": (
                request is None and handling.status in WITH_UNIT and handling_policy.can_apply(actor, handling)
            ),
            "can_write_to_reporter": policy.can_write_to_reporter(actor, handling),
            "can_open_identity": found.tip.real_name and policy.can_open_identity(actor, handling),
        }
    )


def said_after_filing(handling: Handling) -> dict[str, Any]:
    """Messages and marks of the conversation."""
    return {
        "messages": [as_shown(*row) for row in messages_of(handling.tip_id)],
        "withdrawal": db.session.get(TipWithdrawal, handling.tip_id),
    }


def clocks(handling: Handling) -> Mapping[str, Any]:
    """The running limit of the present status, and the overall one."""
    limit = LIMITS.get(Status(handling.status))
    return {
        "name": limit.name if limit else None,
        "due_at": end_of_day(handling.due_on) if handling.due_on else None,
        "working_days_left": left_to_show(handling),
        "paused": handling.paused_on is not None,
        "overall_due_at": end_of_day(handling.overall_due_on) if handling.overall_due_on else None,
    }


def marks_of(handling: Handling) -> Mapping[str, Any]:
    """What a page shows beside the status."""
    mark = MARKS[handling.mark]
    return {
        "priority": handling.priority,
        "urgent": is_urgent(handling),
        "mark": mark.value if mark else None,
        "supervision": handling.supervision,
        "moves": handling.moves,
        "decided_by_city": handling.decided_by_city,
        "dispatched_automatically": handling.dispatched_automatically,
        "merged_into": handling.merged_into,
    }


def action_view(row: Transition) -> dict[str, Any]:
    """A row of the table as a button."""
    return {
        "action": row.action,
        "text": ACTION_TEXTS[Action(row.action)],
        "needs": list(row.needs),
        "irreversible": row.irreversible,
    }
