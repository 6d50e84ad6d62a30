"""Documents of a case from templates: numbered without gaps by unit and year, kept in versions, free of reporters.

A document is kept as the Word file that was made; a later correction is a further version under the same number. What
was written goes through the same look as every letter of a tip: nothing of those who reported the linked tips may leave
(条例 Art. 16; domain rule 16).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.audit import service as audit
from app.cases import follow_up, ledger, money, own_templates, policy, queries, service, words
from app.cases.document_kinds import KIND_TEXTS, LETTERS
from app.cases.document_models import CaseDocument, DocumentCounter
from app.cases.models import CaseTip, FundraisingCase
from app.cases.schemas import CaseFacts
from app.cases.states import Track
from app.files import word
from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, enter_wall, new_id
from app.foundation.errors import Forbidden, InvalidInput, NotFound
from app.foundation.permissions import Actor
from app.identity import queries as people
from app.tips.secrecy import refuse_exposure

MAKE_DOCUMENT: Final = "make_document"
_UNKNOWN: Final = "—"


def make_document(actor: Actor, case_id: UUID, given: Mapping[str, Any]) -> CaseDocument:
    """Make a document of a case under the next number of the unit and year.

    Raises:
        OutOfScope: no such case. Forbidden: not this person's to write.
        InvalidInput: something that the kind needs is missing.
        ReporterExposed: it would tell of a reporter.
    """
    case = _written_by(actor, case_id)
    year, number = clock.today().year, 0
    assert actor.unit_id is not None  # noqa: S101  # officers belong to a unit
    _check(given)
    number = _next_number(actor.unit_id, year)
    row = CaseDocument(
        id=new_id(), case_id=case.id, unit_id=actor.unit_id, year=year, number=number, version=1, kind=given["kind"],
        reason="", **_made(actor, case, given, year, number),
    )  # fmt: skip
    return _keep(actor, case, row)


def revise_document(
    actor: Actor, case_id: UUID, document_id: UUID, given: Mapping[str, Any], reason: str
) -> CaseDocument:
    """Make a further version under the same number; the earlier ones stay as they are.

    Raises:
        As :func:`make_document`; NotFound: no such document. Forbidden: of another unit.
    """
    case = _written_by(actor, case_id)
    before = document_of(actor, case_id, document_id)
    if before.unit_id != actor.unit_id:
        raise Forbidden("只能由制作该文书的单位修改", extra=service.about(case))
    given = {**given, "kind": before.kind}
    _check(given)
    latest = select(func.max(CaseDocument.version)).where(
        CaseDocument.unit_id == before.unit_id, CaseDocument.year == before.year, CaseDocument.number == before.number
    )
    row = CaseDocument(
        id=new_id(), case_id=case.id, unit_id=before.unit_id, year=before.year, number=before.number,
        version=(db.session.scalar(latest) or 0) + 1, kind=before.kind, reason=reason,
        **_made(actor, case, given, before.year, before.number),
    )  # fmt: skip
    return _keep(actor, case, row)


def _keep(actor: Actor, case: FundraisingCase, row: CaseDocument) -> CaseDocument:
    refuse_reporters(actor, case.id, word.text_of(row.docx))
    db.session.add(row)
    db.session.flush()
    told = {"kind": row.kind, "year": row.year, "number": row.number, "document_version": row.version}
    service.note(actor, case, MAKE_DOCUMENT, told, row.reason)
    return row


def _written_by(actor: Actor, case_id: UUID) -> FundraisingCase:
    case = service.locked(actor, case_id)
    if not policy.can_change(actor, case):
        raise Forbidden("您无权制作该案件的文书", extra=service.about(case))
    return case


def _check(given: Mapping[str, Any]) -> None:
    needed = {"recipient": "请填写主送单位", "text": "请填写正文"} if given["kind"] in LETTERS else {}
    if given["kind"] == "monthly_sheet":
        needed = {"month": "请选择月份"}
    missing = {name: [message] for name, message in needed.items() if not given.get(name)}
    if missing:
        raise InvalidInput(errors=missing)


def _next_number(unit_id: int, year: int) -> int:
    """The next number; a row lock lets two who ask at once wait for each other, a roll-back gives the number back."""
    counted = (
        insert(DocumentCounter)
        .values(unit_id=unit_id, year=year, last=1)
        .on_conflict_do_update(index_elements=["unit_id", "year"], set_={"last": DocumentCounter.__table__.c.last + 1})
        .returning(DocumentCounter.__table__.c.last)
    )
    return int(db.session.execute(counted).scalar_one())


def refuse_reporters(actor: Actor, case_id: UUID, text: str) -> None:
    """Raise ``ReporterExposed`` where ``text`` tells of whoever reported a tip of the case.

    Tips of other districts belong to the case too. The look goes over the wall, and nothing of it comes back but the
    refusal, which never says which tip, which kind of thing or which words.
    """
    enter_wall(OPEN_WALL)
    try:
        tip_ids = db.session.scalars(select(CaseTip.tip_id).where(CaseTip.case_id == case_id)).all()
        refuse_exposure(actor, ("case", case_id), tip_ids, text)
    finally:
        enter_wall(actor.wall)


# What is written ------------------------------------------------------------------------------------------------------


def _made(actor: Actor, case: FundraisingCase, given: Mapping[str, Any], year: int, number: int) -> dict[str, Any]:
    unit = people.units_by_id([actor.unit_id])[actor.unit_id] if actor.unit_id else None
    values = {
        **_common(case),
        **_OF_KIND[given["kind"]](actor, case, given),
        "number": f"〔{year}〕{number}号",
        "sender": unit.name if unit else "",
        "day": clock.day_text(clock.today()),
        "recipient": given.get("recipient") or "",
        "text": given.get("text") or "",
    }
    own = own_templates.in_force(given["kind"])
    docx = word.filled(own.docx if own else own_templates.seed(given["kind"]), values)
    return {
        "template_version": own.version if own else None,
        "title": KIND_TEXTS[given["kind"]],
        "docx": docx,
        "made_by": actor.account_id,
        "made_by_name": actor.name,
        "made_at": clock.now(),
    }


def _common(case: FundraisingCase) -> dict[str, Any]:
    stages = (f"{words.TRACK_TEXTS[track]}：{words.STAGE_TEXTS[track][getattr(case, track.value)]}" for track in Track)
    return {
        "case_no": case.case_no,
        "name": case.name,
        "stages": "，".join(stages),
        "accused": "、".join(party["name"] for party in case.parties) or _UNKNOWN,
        "registered_place": case.registered_place or _UNKNOWN,
        "occurrence_place": case.occurrence_place or _UNKNOWN,
        "contact": f"{case.responsible_person or _UNKNOWN} {case.responsible_phone or ''}".strip(),
    }


def _card(actor: Actor, case: FundraisingCase, _given: Mapping[str, Any]) -> dict[str, Any]:
    plan = next((one for one in reversed(follow_up.plans_of(actor, case)) if one.approved), None)
    figures = ledger.summary(case)
    ratio = figures["paid_ratio"]
    yuan = ("verified_yuan", "received_yuan", "distributed_yuan", "paid_yuan")
    return {
        "lines": [
            {"text": words.FACT_TEXTS[name], "value": _shown(name, getattr(case, name))}
            for name in words.FACT_TEXTS
            if name in CaseFacts().fields or name in {"case_no", "name"}
        ],
        "plan_number": plan.number if plan else 0,
        "goal": plan.goal if plan else "尚无经审批的处置方案。",
        "measures": [_dated(one) for one in plan.measures] if plan else [],
        "claims": figures["claims"],
        **{name: f"{figures[name]:,}" for name in yuan},
        "paid_ratio": _UNKNOWN if ratio is None else f"{ratio * 100:.2f}%",
    }


def _dated(measure: Mapping[str, Any]) -> dict[str, Any]:
    """A measure whose days are written as on paper."""
    days = {name: day for name in ("due_on", "done_on") if (day := measure.get(name))}
    return {**measure, **{name: clock.day_text(date.fromisoformat(day)) for name, day in days.items()}}


def _monthly(actor: Actor, case: FundraisingCase, given: Mapping[str, Any]) -> dict[str, Any]:
    month: date = given["month"]
    entry = next((one for one in follow_up.progress_of(actor, case) if one.month == month), None)
    if entry is None:
        raise InvalidInput(errors={"month": ["该月尚未填报进展"]})
    return {
        "month": f"{month.year}年{month.month}月",
        "lines": [
            {"text": text, "value": _shown(name, getattr(entry, name))} for name, text in _PROGRESS_TEXTS.items()
        ],
    }


def _letter(_actor: Actor, _case: FundraisingCase, _given: Mapping[str, Any]) -> dict[str, Any]:
    return {}


_OF_KIND: Final = {
    "case_card": _card, "monthly_sheet": _monthly, "supervision_letter": _letter, "cooperation_letter": _letter,
}  # fmt: skip
_PROGRESS_TEXTS: Final = {
    "situation": "案情",
    "people": "涉案人员",
    "proceedings": "起诉和审判工作进展",
    "recovered_yuan": "资产追缴（元）",
    "returned_yuan": "善后清退（元）",
    "petitions": "涉访维稳",
    "problems": "当前存在的主要问题",
    "movement": "与前期处置工作有何明显进展",
    "written_by_name": "填报人",
}
_CHOICES: Final[Mapping[str, Mapping[str, str]]] = {
    "method": words.METHOD_TEXTS,
    "business_category": words.CATEGORY_TEXTS,
    "found_through": words.FOUND_TEXTS,
    "level": words.LEVEL_TEXTS,
    "stability_level": words.STABILITY_TEXTS,
}


def _shown(name: str, value: Any) -> str:
    """A fact as it is written on paper."""
    if value is None or value == []:
        return _UNKNOWN
    if name in _CHOICES:
        return _CHOICES[name].get(value, value)
    if name == "parties":
        return "、".join(f"{one['name']}（{words.PARTY_ROLE_TEXTS[one['role']]}）" for one in value)
    return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, date):
        return clock.day_text(value)
    if isinstance(value, Decimal):
        return f"{value.quantize(money.FEN):,}"
    return "、".join(map(str, value)) if isinstance(value, list) else str(value)


# Reading --------------------------------------------------------------------------------------------------------------


def documents_of(actor: Actor, case_id: UUID) -> Sequence[CaseDocument]:
    """Every document of a case, newest first; none for whoever reads cases masked."""
    case = queries.case_for(actor, case_id)
    if policy.sees_masked(actor):
        return []
    newest = (CaseDocument.made_at.desc(), CaseDocument.version.desc())
    return db.session.scalars(select(CaseDocument).where(CaseDocument.case_id == case.id).order_by(*newest)).all()


def document_of(actor: Actor, case_id: UUID, document_id: UUID) -> CaseDocument:
    """One document of a case within sight; raise ``OutOfScope`` or ``NotFound``."""
    queries.case_for(actor, case_id)
    wanted = select(CaseDocument).where(CaseDocument.case_id == case_id, CaseDocument.id == document_id)
    row = db.session.scalar(wanted)
    if row is None or policy.sees_masked(actor):
        raise NotFound("该案件没有这份文书")
    return row


def note_download(actor: Actor, row: CaseDocument, file_format: str) -> None:
    """Tell the auditor that a document left."""
    audit.record(
        actor, "cases.download_document", "case", row.case_id,
        kind=row.kind, year=row.year, number=row.number, version=row.version, format=file_format,
    )  # fmt: skip
