"""The office's own Word templates, in versions: checked when they come in, used for every document from then on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select

from app.audit import service as audit
from app.cases import office_settings
from app.cases.document_kinds import KIND_TEXTS, NEEDED, PLACES
from app.cases.document_models import DocumentTemplate
from app.files import word
from app.files.word import UnusableTemplate
from app.foundation import clock
from app.foundation.database import db, new_id
from app.foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from app.foundation.permissions import Actor
from app.foundation.uniqueness import flush_unless_taken

LARGEST_BYTES: Final = 2 * 1024 * 1024
_SEEDS: Final = Path(__file__).parent / "document_templates"


def in_force(kind: str) -> DocumentTemplate | None:
    """The office's own template of a kind; none where the one of the program speaks."""
    newest = _newest(kind)
    return newest if newest is not None and newest.in_use else None


def seed(kind: str) -> Path:
    """The template that the program brings along."""
    return _SEEDS / f"{kind}.docx"


def _newest(kind: str) -> DocumentTemplate | None:
    wanted = select(DocumentTemplate).where(DocumentTemplate.kind == kind)
    return db.session.scalar(wanted.order_by(DocumentTemplate.version.desc()).limit(1))


def versions() -> Sequence[DocumentTemplate]:
    """Every version of every kind, the newest first."""
    order = (DocumentTemplate.kind, DocumentTemplate.version.desc())
    return db.session.scalars(select(DocumentTemplate).order_by(*order)).all()


def content(kind: str, version: int | None) -> bytes:
    """The Word file of a version, or (none) of the template in force; raise ``NotFound``."""
    _refuse_unknown(kind)
    if version is None:
        own = in_force(kind)
        return own.docx if own else seed(kind).read_bytes()
    wanted = select(DocumentTemplate).where(DocumentTemplate.kind == kind, DocumentTemplate.version == version)
    row = db.session.scalar(wanted)
    if row is None:
        raise NotFound("没有这一版模板")
    return row.docx


def set_template(actor: Actor, kind: str, docx: bytes, note: str) -> DocumentTemplate:
    """Let documents of a kind be made from this Word file from now on.

    Raises:
        Forbidden: neither the city's reviewer nor the leader. NotFound: no such kind.
        InvalidInput: it is no template, has places that nothing comes to, or lacks one that the kind needs.
    """
    _refuse(actor, kind)
    if faults := _faults(kind, docx):
        raise InvalidInput(errors={"file": faults})
    return _add(actor, kind, docx, note, in_use=True)


def withdraw(actor: Actor, kind: str, note: str) -> DocumentTemplate:
    """Go back to the template of the program. Conflict: no own one is in use."""
    _refuse(actor, kind)
    own = in_force(kind)
    if own is None:
        raise Conflict("该类文书没有使用自有模板", code="template_not_in_use")
    return _add(actor, kind, own.docx, note, in_use=False)


def _add(actor: Actor, kind: str, docx: bytes, note: str, *, in_use: bool) -> DocumentTemplate:
    latest = db.session.scalar(select(func.max(DocumentTemplate.version)).where(DocumentTemplate.kind == kind))
    row = DocumentTemplate(
        id=new_id(), kind=kind, version=(latest or 0) + 1, in_use=in_use, note=note, docx=docx,
        set_by=actor.account_id, set_by_name=actor.name, set_at=clock.now(),
    )  # fmt: skip
    db.session.add(row)
    flush_unless_taken(Conflict("该类文书的模板刚刚有人更新，请刷新后再试", code="template_just_set"))
    audit.record(
        actor, "cases.set_document_template", "document_template", kind,
        before=latest, after=row.version, in_use=in_use,
    )  # fmt: skip
    return row


def _refuse(actor: Actor, kind: str) -> None:
    if not office_settings.may_set(actor):
        raise Forbidden("文书模板由市级审核人、负责人维护")
    _refuse_unknown(kind)


def _refuse_unknown(kind: str) -> None:
    if kind not in KIND_TEXTS:
        raise NotFound("没有这类文书")


# Checking -------------------------------------------------------------------------------------------------------------


def _faults(kind: str, docx: bytes) -> list[str]:
    if len(docx) > LARGEST_BYTES:
        return ["模板不能超过 2 MB"]
    try:
        names = word.names_in(docx)
        word.text_of(word.filled(docx, _sample(kind))) if names <= PLACES[kind].keys() else None
    except UnusableTemplate as fault:
        return [str(fault)]
    except Exception:  # noqa: BLE001  # whatever else a foreign file does to the filling is told, and nothing is kept
        return ["按示例数据生成文书时出错，请检查循环和条件的写法"]
    unknown = sorted(names - PLACES[kind].keys())
    missing = [name for name in NEEDED[kind] if name not in names]
    return [f"没有“{name}”这个占位符" for name in unknown[:10]] + [
        f"缺少占位符 {{{{ {name} }}}}（{PLACES[kind][name]}）" for name in missing
    ]


def _sample(kind: str) -> Mapping[str, Any]:
    """Something for every place."""
    lines = [{"text": "栏目", "value": "内容"}]
    measures = [{"text": "措施", "owner": "责任人", "unit": "单位", "due_on": "2026-01-01", "done_on": None}]
    values: dict[str, Any] = dict.fromkeys(PLACES[kind], "示例")
    return values | {name: made for name, made in (("lines", lines), ("measures", measures)) if name in values}
