"""The way of a tip to the police as its page shows it: terms, documents, and the forms of the next steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from flask import request, url_for

from app.console import queries
from app.console.views import chinese
from app.console.views.actions import form_of
from app.console.views.fields import LONGEST_REASON, Field, FormState, evidence, text
from app.console.views.files import officers_files
from app.foundation import clock
from app.foundation.permissions import Actor, Permission
from app.workflow import police
from app.workflow.models import Handling, PoliceTransfer
from app.workflow.states import (
    OBLIGATORY_DOCUMENTS,
    POLICE_ACTION_TEXTS,
    POLICE_DOCUMENT_TEXTS,
    POLICE_ENDED,
    POLICE_STATE_TEXTS,
    PoliceAction,
    PoliceDocument,
    PoliceState,
    Transition,
)

PROPOSE: Final = "propose_police"
_NEXT: Final[Mapping[PoliceAction, str]] = {
    PoliceAction.DECLINE: "不予移送的，应当记明理由；线索继续由承办单位办理。",
    PoliceAction.SEND: "逐项上传移送材料；移送书可先在本页下载。送达后登记公安机关回执。",
    PoliceAction.NOTE_FILING: "公安机关立案后，三日内移交涉案物品和有关材料。",
    PoliceAction.NOTE_REFUSAL: "自接到不予立案通知书之日起三日内可以提请复议。",
    PoliceAction.ASK_RECONSIDERATION: "提请作出决定的公安机关复议；对复议决定仍有异议的，建议人民检察院监督。",
    PoliceAction.NOTE_UPHELD: "登记后移送终结，线索按核查结论办理。",
}


def panel(actor: Actor, handling: Handling, state: FormState) -> dict[str, Any] | None:
    """The panel of one tip; none where nothing was proposed and this person may propose nothing."""
    ways = police.transfers_of(actor, handling.tip_id)
    proposing = police.can_propose(actor, handling)
    if not ways and not proposing:
        return None
    return {
        "ways": [_way(actor, one, state) for one in reversed(ways)],
        "proposing": _proposal(handling.tip_id, state) if proposing else None,
    }


def forms_of(shown: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Every form of the panel."""
    if shown is None:
        return []
    return [*(form for way in shown["ways"] for form in way["actions"]), *filter(None, [shown["proposing"]])]


def _way(actor: Actor, row: PoliceTransfer, state: FormState) -> dict[str, Any]:
    reached = PoliceState(row.state)
    actions = [_step(row, one, state) for one in police.available_steps(actor, row)]
    return {
        "state_text": POLICE_STATE_TEXTS[reached],
        "tone": "end" if reached in POLICE_ENDED else "run",
        "version": row.version,
        "pairs": _pairs(row),
        "reason": row.reason,
        "documents": _documents(actor, row),
        "actions": actions,
    }


def _pairs(row: PoliceTransfer) -> list[tuple[str, Any]]:
    told = [
        ("专案组人员", "、".join(row.officers)),
        ("提请时间", _moment(row.proposed_at)),
        ("负责人决定期限", chinese.day(row.decide_by) if row.state == PoliceState.PROPOSED else None),
        ("决定", row.decision),
        ("送达期限", _moment(row.send_by) if row.state == PoliceState.APPROVED else None),
        ("送达时间", _moment(row.sent_at)),
        ("公安机关决定日期", chinese.day(row.police_decided_on) if row.police_decided_on else None),
        ("接到不予立案通知书日期", chinese.day(row.police_notified_on) if row.police_notified_on else None),
        ("公安机关理由", row.police_reason),
        (
            "提请复议期限",
            chinese.day(row.reconsider_by) if row.reconsider_by and row.state == PoliceState.REFUSED else None,
        ),
    ]
    return [(label, value) for label, value in told if value]


def _moment(at: Any) -> str | None:
    return chinese.moment(clock.beijing(at)) if at else None


def _documents(actor: Actor, row: PoliceTransfer) -> list[dict[str, Any]]:
    """The list of documents that went along, each openable by who may open evidence."""
    stored = queries.files_by_id([UUID(file_id) for file_id in row.documents.values()])
    href = None
    if actor.may(Permission.EVIDENCE_READ):

        def href(file_id: UUID) -> str:
            return url_for("console.download_police_document", tip_id=row.tip_id, transfer_id=row.id, file_id=file_id)

    kinds = {UUID(file_id): POLICE_DOCUMENT_TEXTS[PoliceDocument(code)] for code, file_id in row.documents.items()}
    files = zip(officers_files(stored, href), stored, strict=True)
    return [file | {"name": f"{kinds[one.id]}（{file['name']}）"} for file, one in files]


def _step(row: PoliceTransfer, step: Transition, state: FormState) -> dict[str, Any]:
    action = PoliceAction(step.action)
    fields = [field for name in step.needs for field in _FIELDS[name]()]
    url = url_for("console.act_on_police_transfer", tip_id=row.tip_id, transfer_id=row.id)
    form = form_of(f"police_{action}", POLICE_ACTION_TEXTS[action], fields, _NEXT[action], state)
    return form | {"url": url, "irreversible": step.irreversible}


def _proposal(tip_id: UUID, state: FormState) -> dict[str, Any]:
    fields = [
        text("officers", "专案组人员", 500, hint="两名以上行政执法人员，每行一人，写明姓名和执法证号", rows=2),
        text("reason", "涉嫌犯罪的事实和理由", LONGEST_REASON, hint="不要写举报人的任何信息"),
    ]
    described = "提请后由市级负责人三日内决定，决定前线索不能办结；批准的，二十四小时内送达公安机关。"
    url = url_for("console.propose_police_transfer", tip_id=tip_id)
    return form_of(PROPOSE, "提请移送公安机关", fields, described, state) | {"url": url}


def _document_fields() -> list[Field]:
    return [
        evidence()
        | {
            "name": f"document-{code.value}",
            "label": wording,
            "required": code in OBLIGATORY_DOCUMENTS,
            "multiple": False,
            "hint": "",
        }
        for code, wording in POLICE_DOCUMENT_TEXTS.items()
    ]


def documents_sent() -> dict[str, str]:
    """Code → name of the form's file field, for each document that was chosen."""
    fields = {code.value: f"document-{code.value}" for code in PoliceDocument}
    return {code: name for code, name in fields.items() if any(one.filename for one in request.files.getlist(name))}


_FIELDS: Final = {
    "reason": lambda: [text("reason", "理由", LONGEST_REASON)],
    "decided_on": lambda: [{"name": "decided_on", "label": "公安机关决定日期", "kind": "date", "required": True}],
    "notified_on": lambda: [
        {"name": "notified_on", "label": "接到不予立案通知书日期", "kind": "date", "required": True}
    ],
    "documents": _document_fields,
}
