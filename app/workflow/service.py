"""Commands on handlings. :func:`_write` is the one place where a status changes; :func:`act` the one way for people.

Order of the checks: scope → version the person saw → policy → table; then the row, its history, the audit row and the
outbox message together, in the caller's transaction.
"""

# long because the one writer of statuses and the one way to it are read together.
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, literal, select

from app.audit import service as audit
from app.foundation import clock
from app.foundation.database import Change, Row, db, insert_rows, new_id, read_object, read_rows, take_changes
from app.foundation.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    OutOfScope,
    StaleVersion,
    TransitionNotAllowed,
)
from app.foundation.permissions import PROGRAM, PUBLIC, Actor
from app.identity import queries as people
from app.outbox import service as outbox
from app.workflow import (
    clocks,
    closing,
    exclusions,
    extensions,
    limits,
    police,
    policy,
    returns,
    supervision,
    transfers,
)
from app.workflow.calendar import region_calendar
from app.workflow.models import Handling, HandlingEvent, Reassignment, ReassignmentEvent
from app.workflow.states import (
    ACTION_TEXTS,
    HANDLING,
    LOCKED_WHILE_REASSIGNING,
    OPEN_REASSIGNMENTS,
    UNDER_WAY,
    Action,
    AlertKind,
    Destination,
    Done,
    Outcome,
    ReassignmentStatus,
    Status,
    Transition,
    find,
)

HANDLING_CHANGED: Final = "notifications.handling_changed"
"""The outbox topic of every step; notifications answers it, workflow does not know how."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What intake tells about a new tip."""

    tip_id: UUID
    lead_division: str | None
    dispute: bool
    needs_review: bool
    amount_yuan: Decimal | None = None
    participants: int | None = None


# long because every column of the two rows is named once, on the hot path of filing.
def opening_rows(opening: Opening) -> list[Row]:
    """The rows that begin to handle a tip: registered, with the city, the acceptance clock running.

    They travel in the statement that files the tip. A calendar that does not reach far enough never refuses a tip: the
    clock then stays empty and shows as such.
    """
    moment = clock.now()
    priority = limits.priority_of(opening.amount_yuan, opening.participants)
    event_id = new_id()
    handling = {
        "tip_id": opening.tip_id,
        "status": Status.REGISTERED.value,
        "version": 1,
        "division_code": opening.lead_division,
        "dispute": opening.dispute,
        "needs_review": opening.needs_review,
        "registered_at": moment,
        "priority": priority,
        **clocks.first_columns(priority),
    }
    event = {
        "id": event_id,
        "tip_id": opening.tip_id,
        "version": 1,
        "at": moment,
        "actor_name": PUBLIC.name,
        "actor_role": "",
        "action": "register",
        "to_status": Status.REGISTERED.value,
    }
    message = outbox.message_row(HANDLING_CHANGED, tip_id=str(opening.tip_id), event_id=str(event_id))
    warning = supervision.first_alert(opening.tip_id, AlertKind.URGENT) if priority == "P1" else []
    return [Row(Handling, handling), Row(HandlingEvent, event), message, *warning]


def act(actor: Actor, tip_id: UUID, action: str, expected_version: int, given: Mapping[str, Any]) -> Handling:
    """Do ``action`` on a tip.

    Raises:
        OutOfScope: no such tip within sight.
        StaleVersion: somebody else was faster; ``extra`` says what changed.
        Forbidden: not this person's action.
        TransitionNotAllowed: the status does not allow it.
        InvalidInput: a needed field is missing. Conflict: an open reassignment locks the conclusion.
    """
    handling, perhaps_excluded = _locked(actor, tip_id)
    if handling.version != expected_version:
        raise StaleVersion(extra=what_changed(handling))
    if perhaps_excluded:
        exclusions.refuse_excluded(actor, tip_id)
    transition = _allowed(actor, handling, action)
    _check_needs(transition, given)
    if action in LOCKED_WHILE_REASSIGNING:
        _refuse_while_reassignment_open(handling)
    holder = handling.unit_id
    done = _EFFECTS.get(Action(action), _nothing)(actor, handling, given)
    rows = [
        row
        for deed in _accompaniments.get(Action(action), ())
        for row in deed(actor, handling, {**given, **done.details}) or ()
    ]
    target = done.target or (transition.targets[0] if transition.targets else handling.status)
    details = _told(given) | _stopped_clock(action, handling) | dict(done.details)
    _write(
        actor, handling, Action(action), Status(target),
        reason=given.get("reason") or "", held_by=holder, details=details, rows=rows,
    )  # fmt: skip
    return handling


Deed = Callable[[Actor, Handling, Mapping[str, Any]], Sequence[Row] | None]
_accompaniments: dict[Action, list[Deed]] = {}


def dispatch_automatically(tip_id: UUID, division: str, reason: str) -> bool:
    """Assign a clear tip in the program's own name, marked as such; return whether it still waited for it."""
    handling = lock_for_reassignment(tip_id)
    if handling.status != Status.ACCEPTED or handling.dispute or handling.needs_review or handling.delivered_on:
        return False
    handling.dispatched_automatically = True
    db.session.flush()
    act(PROGRAM, tip_id, Action.ASSIGN, handling.version, {"division": division, "reason": reason})
    return True


def accompanies(action: Action) -> Callable[[Deed], Deed]:
    """Register what a higher room does, or refuses, in the transaction of ``action``; it knows more than a tip's id.

    It is given what the officer gave and what the action decided. Rows that it returns (a message to leave) are written
    in the statement of the step itself.
    """

    def register(deed: Deed) -> Deed:
        _accompaniments.setdefault(action, []).append(deed)
        return deed

    return register


def locked(actor: Actor, tip_id: UUID) -> Handling:
    """The handling of a tip within sight, locked until the transaction ends; raise ``OutOfScope``."""
    return _locked(actor, tip_id)[0]


def _locked(actor: Actor, tip_id: UUID) -> tuple[Handling, bool]:
    """The same, and whether the actor may stand aside from it: one look at the database for both."""
    found = read_object(Handling, _locking(actor), tip_id=tip_id)
    if found is None:
        raise OutOfScope("未找到该线索", extra={"audit_object": ("tip", str(tip_id))})
    handling, (perhaps_excluded,) = found
    return handling, perhaps_excluded


@lru_cache(maxsize=256)
def _locking(actor: Actor) -> Select[Any]:
    """What :func:`_locked` asks for one person: to put it together anew costs as much as to ask it."""
    return (
        policy.visible_handlings(actor)
        .add_columns(exclusions.perhaps_excluded(actor, Handling.__table__.c.tip_id))
        .where(Handling.tip_id == bindparam("tip_id"))
        .with_for_update(of=Handling)
    )


def _allowed(actor: Actor, handling: Handling, action: str) -> Transition:
    rows = [row for row in HANDLING if row.action == action]
    about = {"audit_object": ("tip", str(handling.tip_id))}
    if not any(policy.can_move(actor, handling, row) for row in rows):
        raise Forbidden(f"您无权对该线索进行“{ACTION_TEXTS[Action(action)]}”操作", extra=about)
    transition = find(HANDLING, action, handling.status)
    if transition is None:
        status = Status(handling.status).text
        raise TransitionNotAllowed(f"线索处于“{status}”状态，不能{ACTION_TEXTS[Action(action)]}", extra=about)
    return transition


def _check_needs(transition: Transition, given: Mapping[str, Any]) -> None:
    missing = [name for name in transition.needs if given.get(name) in (None, "")]
    if missing:
        raise InvalidInput(errors={name: ["此项必填"] for name in missing})


def _told(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in ("division", "outcome") if given.get(name)}


def _stopped_clock(action: str, handling: Handling) -> dict[str, Any]:
    """What must be remembered of the clock that an action stops."""
    if action != Action.ASK_SUPPLEMENT or handling.due_on is None:
        return {}
    return {"acceptance_due_on": handling.due_on.isoformat(), "acceptance_days_left": clocks.days_left(handling)}


# What an action does besides changing the status --------------------------------------------------------------------


def _nothing(_actor: Actor, _handling: Handling, _given: Mapping[str, Any]) -> Done:
    return Done()


def _accept(_actor: Actor, handling: Handling, _given: Mapping[str, Any]) -> Done:
    closing.accept(handling)
    return Done()


def _merge(actor: Actor, handling: Handling, given: Mapping[str, Any]) -> Done:
    main = closing.merge(handling, given)
    if closing.hurry_along(main, handling):
        reason = "并入的线索为一级优先或涉稳紧急，本件一并提级"
        _write(actor, main, Action.MARK_URGENT, Status(main.status), reason=reason, held_by=main.unit_id)
    return Done(details={"into": str(main.tip_id)})


def _assign(_actor: Actor, handling: Handling, given: Mapping[str, Any]) -> Done:
    unit = people.district_unit_of(given["division"])
    if unit is None:
        raise InvalidInput(errors={"division": ["该区划没有可交办的承办单位"]})
    left = returns.desk_before(handling)
    handling.unit_id = unit.id
    handling.division_code = unit.division_code
    straight = handling.version <= _ACCEPTED_VERSION  # no step since in which a unit could have given it back
    handling.decided_by_city = not straight and returns.asked_before(handling.tip_id, unit.id)
    _delivered(handling)
    return Done(details=left)


_ACCEPTED_VERSION: Final = 2


def _delivered(handling: Handling) -> None:
    """A unit begins afresh: its own window for a return, its own verification clock and extension."""
    handling.delivered_on = clock.today()
    handling.kept_days = None
    handling.verification_extended = False


def _confirm_reassignment(actor: Actor, handling: Handling, _given: Mapping[str, Any]) -> Done:
    if not handling.decided_by_city:  # an adjusted request has decided it
        return Done()
    request = open_reassignment_of(handling.tip_id)
    if request is not None and request.status == ReassignmentStatus.ADJUSTED:
        from app.workflow import reassignment  # the two modules call each other for this one shared step

        reassignment.mark_confirmed(actor, request)
    return Done()


def _record_receipt(actor: Actor, handling: Handling, given: Mapping[str, Any]) -> Done:
    _confirm_reassignment(actor, handling, given)
    return transfers.record_receipt(actor, handling, given)


def _submit_feedback(actor: Actor, handling: Handling, given: Mapping[str, Any]) -> Done:
    if given["outcome"] not in list(Outcome):
        raise InvalidInput(errors={"outcome": ["未知的核查结论"]})
    handling.outcome, handling.feedback, handling.feedback_by = given["outcome"], given["text"], actor.account_id
    return Done()


def _conclude(_actor: Actor, handling: Handling, _given: Mapping[str, Any]) -> Done:
    police.refuse_undecided(handling)
    return Done()


def _refuse_while_reassignment_open(handling: Handling) -> None:
    if read_rows(_WAITING_REQUEST, tip_id=handling.tip_id):
        raise Conflict("该线索有未办结的属地调整申请，待申请办结或撤回后再办理", code="reassignment_open")


_WAITING_REQUEST: Final = select(Reassignment.id).where(
    Reassignment.tip_id == bindparam("tip_id"), Reassignment.status.in_([literal(one) for one in OPEN_REASSIGNMENTS])
)


def _reply(_actor: Actor, handling: Handling, given: Mapping[str, Any]) -> Done:
    handling.reply = given["text"]
    return Done()


_EFFECTS: Final[Mapping[Action, Callable[[Actor, Handling, Mapping[str, Any]], Done]]] = {
    Action.ACCEPT: _accept,
    Action.ASSIGN: _assign,
    Action.RECALL: returns.recall,
    Action.SIGN_FOR: _confirm_reassignment,
    Action.SUBMIT_FEEDBACK: _submit_feedback,
    Action.CONCLUDE: _conclude,
    Action.REPLY: _reply,
    Action.REJECT: closing.reject,
    Action.MERGE: _merge,
    Action.REOPEN: closing.reopen,
    Action.REQUEST_RETURN: returns.request,
    Action.DECIDE_RETURN: returns.decide,
    Action.EXTEND: extensions.extend,
    Action.TRANSFER: transfers.transfer,
    Action.RECORD_RECEIPT: _record_receipt,
    Action.SUPERVISE: supervision.supervise,
    Action.MARK_URGENT: supervision.mark_urgent,
}


def _role_of(actor: Actor, action: Action) -> str:
    """The role in which the person did it: the own one, or that of an absent colleague."""
    role = actor.role_for(next((row.permission for row in HANDLING if row.action == action), None))
    return role.value if role else ""


# The one writer -----------------------------------------------------------------------------------------------------


# long because a status, its history, its audit row and its message are one act and stand in one place.
def _write(
    actor: Actor,
    handling: Handling,
    action: Action,
    target: Status,
    *,
    held_by: int | None,
    reason: str = "",
    details: dict[str, Any] | None = None,
    rows: Sequence[Row] = (),
) -> None:
    """Change the status, and write history, audit row and outbox message with it. The only function that does.

    ``held_by`` is the unit that held the tip before: where another one does now, what was merged into it goes along.
    """
    source, moved = handling.status, held_by != handling.unit_id
    handling.status = target.value
    handling.version += 1
    if target.value != source or action is Action.REASSIGN:
        _start_clock(handling, target, details or {})
    event = {
        "id": new_id(),
        "tip_id": handling.tip_id,
        "version": handling.version,
        "at": clock.now(),
        "actor_id": actor.account_id,
        "actor_name": actor.name,
        "actor_role": _role_of(actor, action),
        "actor_unit_id": actor.unit_id,
        "action": action.value,
        "from_status": source,
        "to_status": target.value,
        "from_unit_id": held_by if moved else None,
        "to_unit_id": handling.unit_id,
        "reason": reason,
        "details": details or {},
    }
    logged = audit.event_row(
        actor,
        f"workflow.{action}",
        "tip",
        handling.tip_id,
        version=handling.version,
        from_status=source,
        to_status=target.value,
    )
    message = outbox.message_row(HANDLING_CHANGED, tip_id=str(handling.tip_id), event_id=str(event["id"]))
    changes = [_taken_off(handling), *([_followers_place(handling)] if moved else [])]
    insert_rows([Row(HandlingEvent, event), logged, message, *rows], changes=changes)


def _followers_place(handling: Handling) -> Change:
    """Let the tips merged into this one lie where it lies, so that its unit sees them; whoever moves it has its lock.

    One statement for a cluster of ten thousand: they have no step of their own, their history is that of the main tip.
    """
    place = {"unit_id": handling.unit_id, "division_code": handling.division_code}
    return Change(Handling, place, {"merged_into": handling.tip_id})


def _taken_off(handling: Handling) -> Change:
    """What was changed in a handling, to be written with its history; all else that waits is written first."""
    changed = take_changes(handling)
    db.session.flush()
    return Change(Handling, changed, {"tip_id": handling.tip_id})


def supplement_received(actor: Actor, tip_id: UUID, reason: str = "") -> bool:
    """Take a tip that waits for a supplement back to the desk; the acceptance clock goes on where it stopped.

    Returns whether the tip was waiting. Called when the reporter answered, and by the program when the term is over.
    """
    handling = lock_for_reassignment(tip_id)
    if find(HANDLING, Action.SUPPLEMENT_RECEIVED, handling.status) is None:
        return False
    asked = db.session.scalars(
        select(HandlingEvent)
        .where(HandlingEvent.tip_id == tip_id, HandlingEvent.action == Action.ASK_SUPPLEMENT.value)
        .order_by(HandlingEvent.version.desc())
        .limit(1)
    ).one()
    _write(actor, handling, Action.SUPPLEMENT_RECEIVED, Status.REGISTERED, held_by=handling.unit_id, reason=reason)
    if stopped := asked.details.get("acceptance_due_on"):
        due, asked_on = date.fromisoformat(stopped), clock.beijing(asked.at).date()
        most = limits.days_of(Status.REGISTERED, urgent=clocks.is_urgent(handling)) or 1
        left = asked.details.get("acceptance_days_left")  # of an earlier edition's step there is the day alone
        clocks.run(handling, min(left or max(region_calendar().count(asked_on, due), 1), most))
        if due < asked_on:
            handling.due_on, handling.clock_from = due, None
            clocks.set_next_mark(handling)
        db.session.flush()
    return True


def _start_clock(handling: Handling, target: Status, details: Mapping[str, Any]) -> None:
    clocks.enter(handling, target)
    if target is Status.TRANSFERRED and details.get("to") == Destination.POLICE:
        clocks.run(handling, limits.value(limits.POLICE_SENDING), natural=True)
    if target not in UNDER_WAY and handling.supervision:
        supervision.close_all(handling.tip_id)
        handling.supervision = None


def move_to_unit(actor: Actor, request: Reassignment) -> None:
    """Carry out an approved reassignment: the tip leaves the old unit and waits for the new one's signature."""
    handling = lock_for_reassignment(request.tip_id)
    if find(HANDLING, Action.REASSIGN, handling.status) is None:
        raise TransitionNotAllowed(f"线索处于“{Status(handling.status).text}”状态，不能调整属地")
    previous = handling.unit_id
    handling.unit_id = request.to_unit_id
    _delivered(handling)
    handling.decided_by_city = True
    handling.division_code = request.to_division
    handling.moves += 1
    handling.paused_on = None
    handling.outcome = handling.feedback = handling.feedback_by = None
    target, details = Status.ASSIGNED, {"request": str(request.id)}
    if request.transfer_to:
        transfers.record(actor, handling, Destination(request.transfer_to), request.reason)
        target, details = Status.TRANSFERRED, details | {"to": request.transfer_to}
    supervision.note_move(handling)
    _write(actor, handling, Action.REASSIGN, target, held_by=previous, reason=request.reason, details=details)


def note_recount(actor: Actor, handling: Handling, details: dict[str, Any]) -> None:
    """Keep in the history that the calendar changed and the clock was counted again (domain rule 9)."""
    status, reason = Status(handling.status), "工作日历已调整"
    _write(actor, handling, Action.RECOUNT, status, held_by=handling.unit_id, reason=reason, details=details)


def confirm_by_signature(actor: Actor, tip_id: UUID) -> None:
    """The new unit confirms a reassignment: that is its signature for the tip."""
    handling = lock_for_reassignment(tip_id)
    transition = find(HANDLING, Action.SIGN_FOR, handling.status)
    if transition is None:
        raise TransitionNotAllowed(f"线索处于“{Status(handling.status).text}”状态，不能签收")
    _write(actor, handling, Action.SIGN_FOR, Status.VERIFYING, held_by=handling.unit_id)


def lock_for_reassignment(tip_id: UUID) -> Handling:
    """The handling of a request whose scope was checked already, locked until the transaction ends."""
    db.session.flush()  # it is read anew: what this transaction has changed in it must be there
    return db.session.scalars(
        select(Handling).where(Handling.tip_id == tip_id).with_for_update().execution_options(populate_existing=True)
    ).one()


def open_reassignment_of(tip_id: UUID) -> Reassignment | None:
    """The open request of a tip; there is one at most."""
    return db.session.scalar(select(Reassignment).where(*_open_request(tip_id)))


def _open_request(tip_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return Reassignment.tip_id == tip_id, Reassignment.status.in_(OPEN_REASSIGNMENTS)


def what_changed(handling: Handling) -> dict[str, Any]:
    """What a person who was too late must know."""
    last = db.session.scalar(
        select(HandlingEvent)
        .where(HandlingEvent.tip_id == handling.tip_id)
        .order_by(HandlingEvent.version.desc())
        .limit(1)
    )
    return change_told(handling, last)


def change_told(changed: Handling | Reassignment, last: HandlingEvent | ReassignmentEvent | None) -> dict[str, Any]:
    """The present version and status, and the step that made them."""
    told: dict[str, Any] = {"current_version": changed.version, "current_status": changed.status}
    if last is not None:
        told["last_change"] = {
            "at": last.at.isoformat(),
            "by": last.actor_name,
            "action": last.action,
            "to_status": last.to_status,
        }
    return told
