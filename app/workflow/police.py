"""The way of a tip to the police: two officers propose, the head decides in three days, it leaves within 24 hours.

行政执法机关移送涉嫌犯罪案件的规定 (2020) Art. 5 (two officers, three days, 24 hours, a refusal with its reason),
6 (documents), 7 (receipt), 8 (the police decide, a refusal has a reason), 9 (reconsideration within three days of
receiving the refusal). The approval is the tip's own action ``transfer``, its receipt ``record_receipt``: there is one
way to change a tip, and none past a step of this one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from app.audit import service as audit
from app.files import service as files
from app.foundation import clock
from app.foundation.database import db, new_id
from app.foundation.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    OutOfScope,
    StaleVersion,
    TransitionNotAllowed,
)
from app.foundation.permissions import Actor, Permission
from app.outbox import service as outbox
from app.workflow import clocks, exclusions, limits, policy, queries
from app.workflow.models import Handling, PoliceTransfer
from app.workflow.states import (
    HANDLING,
    OBLIGATORY_DOCUMENTS,
    POLICE,
    POLICE_DOCUMENT_TEXTS,
    Action,
    PoliceAction,
    PoliceDocument,
    PoliceState,
    Status,
    Transition,
    find,
)

OPEN_REVIEW: Final = "rewards.open_review"
"""The outbox topic of a matter that may have been proved; rewards answers it, workflow does not know how."""
_LEAST_OFFICERS: Final = 2
_OPEN: Final = (PoliceState.PROPOSED, PoliceState.APPROVED, PoliceState.SENT, PoliceState.RECEIVED)
_TRANSFERABLE: Final = next(row.sources for row in HANDLING if row.action == Action.TRANSFER)


def propose(actor: Actor, tip_id: UUID, officers: Sequence[str], reason: str) -> PoliceTransfer:
    """Propose that a tip goes to the police, for whoever handles it; the head has three days from now.

    Raises:
        Forbidden: not the unit that holds it. TransitionNotAllowed: nobody handles it, or it is settled.
        InvalidInput: fewer than two officers. Conflict: it is on its way already.
    """
    queries.handling_for(actor, tip_id)
    handling = _locked_tip(tip_id)
    exclusions.refuse_excluded(actor, tip_id)
    if not may_propose(actor, handling):
        raise Forbidden("只有承办单位或市级审核人可以提请移送", extra={"audit_object": ("tip", str(tip_id))})
    if handling.status not in _TRANSFERABLE:
        raise TransitionNotAllowed(f"线索处于“{Status(handling.status).text}”状态，不能提请移送公安")
    names = [name.strip() for name in officers if name.strip()]
    if len(set(names)) < _LEAST_OFFICERS:
        raise InvalidInput(errors={"officers": ["应指定两名以上行政执法人员组成专案组"]})
    if latest(tip_id, *_OPEN) is not None:
        raise Conflict("该线索已提请移送公安", code="police_transfer_open")
    return _begin(actor, tip_id, names, reason)


def may_propose(actor: Actor, handling: Handling) -> bool:
    """Whether this person handles or reviews the tip."""
    own = actor.may(Permission.TIP_HANDLE) and handling.unit_id == actor.unit_id
    return own or actor.may(Permission.TIP_REVIEW)


def can_propose(actor: Actor, handling: Handling) -> bool:
    """Whether a page offers to propose it: allowed, somebody handles it, and it is not on its way yet."""
    if handling.status not in _TRANSFERABLE or not may_propose(actor, handling):
        return False
    return not exclusions.excluded(actor, handling.tip_id) and latest(handling.tip_id, *_OPEN) is None


def available_steps(actor: Actor, row: PoliceTransfer) -> list[Transition]:
    """The steps that this person could take now; pages make their forms of them."""
    if exclusions.excluded(actor, row.tip_id):
        return []
    return [one for one in POLICE if row.state in one.sources and one.permission and actor.may(one.permission)]


def _begin(actor: Actor, tip_id: UUID, officers: list[str], reason: str) -> PoliceTransfer:
    row = PoliceTransfer(
        id=new_id(),
        tip_id=tip_id,
        state=PoliceState.PROPOSED.value,
        version=1,
        officers=officers,
        reason=reason,
        proposed_by=actor.account_id,
        proposed_at=clock.now(),
        decide_by=clock.today() + timedelta(days=limits.value(limits.POLICE_DECISION)),
        documents={},
    )
    db.session.add(row)
    db.session.flush()
    _log(actor, row, "propose")
    return row


def approve(actor: Actor, tip_id: UUID, reason: str) -> None:
    """Note the head's approval, which is the tip's transfer; whoever proposed it does not approve it.

    Raises:
        Conflict: nobody proposed it: two officers and their report come before the head's decision (Art. 5).
        Forbidden: the same person proposed it.
    """
    row = latest(tip_id, PoliceState.PROPOSED)
    if row is None:
        told = "尚未提请移送公安：请先由承办单位或市级审核人指定两名以上行政执法人员并写明理由提请移送，再由负责人批准"
        raise Conflict(told, code="police_proposal_missing")
    if row.proposed_by == actor.account_id:
        raise Forbidden("提请人不能批准自己提请的移送", code="same_person")
    row.state = PoliceState.APPROVED.value
    row.decided_by, row.decided_at, row.decision = actor.account_id, clock.now(), reason
    row.send_by = clock.now() + timedelta(days=limits.value(limits.POLICE_SENDING))
    row.version += 1
    db.session.flush()


def note_receipt(tip_id: UUID) -> None:
    """Note that the police have signed for it; raise ``Conflict`` while it was not sent with its documents (Art. 6)."""
    row = latest(tip_id, PoliceState.APPROVED, PoliceState.SENT)
    if row is not None and row.state == PoliceState.APPROVED:
        listed = "、".join(POLICE_DOCUMENT_TEXTS[code] for code in OBLIGATORY_DOCUMENTS)
        told = f"尚未登记送达，不能登记回执：请先上传移送材料（{listed}）并登记送达"
        raise Conflict(told, code="police_not_sent")
    if row is not None:
        row.state = PoliceState.RECEIVED.value
        row.version += 1
        db.session.flush()


def refuse_undecided(handling: Handling) -> None:
    """Raise ``Conflict`` where a tip would be settled otherwise while a proposal waits for the head (Art. 5)."""
    if policy.waits_for_police_step(handling, PoliceState.PROPOSED):
        told = "该线索已提请移送公安，请先由市级负责人批准移送或者决定不予移送，再作其他处理"
        raise Conflict(told, code="police_undecided")


def act(
    actor: Actor, transfer_id: UUID, action: str, expected_version: int, given: Mapping[str, Any]
) -> PoliceTransfer:
    """Take one step. The same order of checks and the same refusals as for a tip."""
    row = _locked(actor, transfer_id)
    if row.version != expected_version:
        raise StaleVersion(extra={"current_version": row.version, "current_status": row.state})
    exclusions.refuse_excluded(actor, row.tip_id)
    rows = [one for one in POLICE if one.action == action]
    if not any(one.permission and actor.may(one.permission) for one in rows):
        raise Forbidden("您无权进行此操作", extra={"audit_object": ("police_transfer", str(row.id))})
    transition = find(POLICE, action, row.state)
    if transition is None:
        raise TransitionNotAllowed("移送所处的环节不允许此操作")
    missing = [name for name in transition.needs if not given.get(name)]
    if missing:
        raise InvalidInput(errors={name: ["此项必填"] for name in missing})
    _carry_out(actor, row, PoliceAction(action), given)
    row.state = transition.targets[0]
    row.version += 1
    db.session.flush()
    _log(actor, row, action)
    if action == PoliceAction.NOTE_FILING:
        outbox.leave(OPEN_REVIEW, tip_id=str(row.tip_id))
    return row


def _carry_out(actor: Actor, row: PoliceTransfer, action: PoliceAction, given: Mapping[str, Any]) -> None:
    match action:
        case PoliceAction.DECLINE:
            row.decided_by, row.decided_at, row.decision = actor.account_id, clock.now(), given["reason"]
        case PoliceAction.SEND:
            row.documents = _documents(actor, given["documents"])
            row.sent_at = clock.now()
            # The 24 hours are kept; for the receipt the tip waits as it would for any other authority's.
            clocks.enter(_locked_tip(row.tip_id), Status.TRANSFERRED)
        case PoliceAction.NOTE_REFUSAL | PoliceAction.NOTE_UPHELD | PoliceAction.NOTE_FILING:
            row.police_decided_on, row.police_reason = _decided_on(row, given["decided_on"]), given.get("reason")
            if action is PoliceAction.NOTE_REFUSAL:
                row.police_notified_on = _notified_on(row, given["notified_on"])
                days = limits.value(limits.POLICE_RECONSIDERATION)
                row.reconsider_by = row.police_notified_on + timedelta(days=days)
        case PoliceAction.ASK_RECONSIDERATION:
            if row.reconsider_by is None or clock.today() > row.reconsider_by:
                raise Conflict("已超过提请复议的期限", code="reconsideration_over")


def _documents(actor: Actor, given: Mapping[str, UUID]) -> dict[str, str]:
    """The list of Art. 6, complete, of files that this officer has brought; each is used once."""
    if unknown := set(given) - set(PoliceDocument):
        raise InvalidInput(errors={"documents": [f"未知的材料种类：{'、'.join(sorted(unknown))}"]})
    if lacking := [POLICE_DOCUMENT_TEXTS[code] for code in OBLIGATORY_DOCUMENTS if code not in given]:
        raise InvalidInput(errors={"documents": [f"移送材料不齐，缺少：{'、'.join(lacking)}"]})
    files.claim(list(given.values()), "office", uploaded_by=actor.account_id)
    return {code: str(file_id) for code, file_id in given.items()}


def _decided_on(row: PoliceTransfer, day: date) -> date:
    first = clock.beijing(row.decided_at or row.proposed_at).date()
    if not first <= day <= clock.today():
        raise InvalidInput(errors={"decided_on": ["日期应在批准移送之日至今天之间"]})
    return day


def _notified_on(row: PoliceTransfer, day: date) -> date:
    """The day on which the refusal arrived: reconsideration is asked for within days of that one (Art. 9)."""
    if row.police_decided_on is None or not row.police_decided_on <= day <= clock.today():
        raise InvalidInput(errors={"notified_on": ["日期应在公安机关决定日期至今天之间"]})
    return day


def _locked(actor: Actor, transfer_id: UUID) -> PoliceTransfer:
    tip_id = db.session.scalar(
        policy.visible_handlings(actor)
        .join(PoliceTransfer, PoliceTransfer.tip_id == Handling.tip_id)
        .with_only_columns(PoliceTransfer.tip_id)
        .where(PoliceTransfer.id == transfer_id)
    )
    if tip_id is None:
        raise OutOfScope("未找到该移送", extra={"audit_object": ("police_transfer", str(transfer_id))})
    _locked_tip(tip_id)
    return db.session.get_one(PoliceTransfer, transfer_id, populate_existing=True)


def _locked_tip(tip_id: UUID) -> Handling:
    """The tip first, as every step of it does: its lock guards its way to the police too."""
    row = select(Handling).where(Handling.tip_id == tip_id).with_for_update()
    return db.session.scalars(row.execution_options(populate_existing=True)).one()


def latest(tip_id: UUID, *states: PoliceState) -> PoliceTransfer | None:
    """The newest transfer of a tip in one of ``states``."""
    return db.session.scalar(
        select(PoliceTransfer)
        .where(PoliceTransfer.tip_id == tip_id, PoliceTransfer.state.in_([state.value for state in states]))
        .order_by(PoliceTransfer.proposed_at.desc(), PoliceTransfer.id.desc())
        .limit(1)
    )


def transfers_of(actor: Actor, tip_id: UUID) -> Sequence[PoliceTransfer]:
    """The transfers of a tip within sight, oldest first.

    Raises:
        OutOfScope: no such tip within sight. Forbidden: the officer stands aside (domain rule 13).
    """
    queries.handling_for(actor, tip_id)
    exclusions.refuse_excluded(actor, tip_id)
    return db.session.scalars(
        select(PoliceTransfer)
        .where(PoliceTransfer.tip_id == tip_id)
        .order_by(PoliceTransfer.proposed_at, PoliceTransfer.id)
    ).all()


def undecided_since(day: date) -> Sequence[PoliceTransfer]:
    """Proposals that the head should have decided before ``day``."""
    return db.session.scalars(
        select(PoliceTransfer).where(PoliceTransfer.state == PoliceState.PROPOSED.value, PoliceTransfer.decide_by < day)
    ).all()


def _log(actor: Actor, row: PoliceTransfer, action: str) -> None:
    audit.record(actor, f"police.{action}", "police_transfer", row.id, tip_id=str(row.tip_id), state=row.state)
