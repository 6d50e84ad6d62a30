"""Looking at evidence in the page: pictures, pages of a PDF, recordings. Every look is audited and told on the page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, url_for

from app.audit import service as audit
from app.audit.queries import openings_of
from app.console import queries
from app.console.blueprint import pages
from app.console.shell import rendered
from app.console.views.files import reporters_files
from app.files import copies
from app.files.formats import FileKind
from app.files.http import picture_response, play_response
from app.files.models import CopySize, StoredFile
from app.foundation import clock
from app.foundation.database import transaction
from app.foundation.errors import NotFound
from app.foundation.http import page
from app.foundation.permissions import Actor, Permission
from app.tips.queries import WholeTip, whole_tip


@pages.get("/tips/<uuid:tip_id>/files/<uuid:file_id>/view")
@page(permission=Permission.EVIDENCE_READ)
def view_tip_file(actor: Actor, tip_id: UUID, file_id: UUID) -> str:
    """One file in the page, beside the others of its tip and who opened it."""
    found = whole_tip(actor, tip_id)
    stored = _one(found, file_id)
    return rendered("console/tips/evidence.html", actor, **_view(found, stored))


def _view(found: WholeTip, stored: StoredFile) -> dict[str, Any]:
    tip_id = found.tip.id
    shown = reporters_files(found.evidence, lambda one: url_for("console.view_tip_file", tip_id=tip_id, file_id=one))
    place = [one.id for one in found.evidence].index(stored.id)
    opened = openings_of("file", [stored.id])
    names = queries.unit_names({one.unit_id for one in opened})
    return {
        "receipt_number": found.tip.receipt_number,
        "tip_url": url_for("console.show_tip", tip_id=tip_id),
        "files": shown,
        "present": place,
        "kind": stored.kind.value,
        "ready": stored.kind not in {FileKind.IMAGE, FileKind.PDF} or copies.has_copies(stored.id),
        "picture_url": url_for("console.view_tip_picture", tip_id=tip_id, file_id=stored.id),
        "page_url": url_for("console.view_tip_page", tip_id=tip_id, file_id=stored.id, number=1),
        "play_url": url_for("console.play_tip_file", tip_id=tip_id, file_id=stored.id),
        "download_url": url_for("console.download_tip_file", tip_id=tip_id, file_id=stored.id),
        "opened": [
            {"name": one.actor_name, "unit": names.get(one.unit_id, ""), "at": clock.beijing(one.at)} for one in opened
        ],
    }


@pages.get("/tips/<uuid:tip_id>/files/<uuid:file_id>/picture")
@page(permission=Permission.EVIDENCE_READ)
def view_tip_picture(actor: Actor, tip_id: UUID, file_id: UUID) -> Response:
    """The clean copy of an image."""
    stored = _one(whole_tip(actor, tip_id), file_id)
    answer = picture_response(copies.copy_of(stored.id, CopySize.VIEW))
    _note(actor, tip_id, file_id, CopySize.VIEW.value)
    return answer


@pages.get("/tips/<uuid:tip_id>/files/<uuid:file_id>/pages/<int:number>")
@page(permission=Permission.EVIDENCE_READ)
def view_tip_page(actor: Actor, tip_id: UUID, file_id: UUID, number: int) -> Response:
    """One page of a PDF as a picture; ``X-Pages`` tells how many there are."""
    stored = _one(whole_tip(actor, tip_id), file_id)
    if stored.kind is not FileKind.PDF:
        raise NotFound("该文件不是 PDF")
    total = copies.pages_of(stored.id)
    if not 1 <= number <= total:
        raise NotFound("没有这一页")
    answer = picture_response(copies.copy_of(stored.id, CopySize.VIEW, number))
    answer.headers["X-Pages"] = str(total)
    _note(actor, tip_id, file_id, f"page {number}")
    return answer


@pages.get("/tips/<uuid:tip_id>/files/<uuid:file_id>/play")
@page(permission=Permission.EVIDENCE_READ)
def play_tip_file(actor: Actor, tip_id: UUID, file_id: UUID) -> Response:
    """A recording or a film, played in the page."""
    stored = _one(whole_tip(actor, tip_id), file_id)
    if stored.kind not in {FileKind.AUDIO, FileKind.VIDEO}:
        raise NotFound("该文件不是录音或者视频")
    answer = play_response(stored)
    _note(actor, tip_id, file_id, "played")
    return answer


def _one(found: WholeTip, file_id: UUID) -> StoredFile:
    stored = next((one for one in found.evidence if one.id == file_id), None)
    if stored is None:
        raise NotFound("未找到该文件")
    return stored


def _note(actor: Actor, tip_id: UUID, file_id: UUID, what: str) -> None:
    with transaction():
        audit.record(actor, "files.download", "file", file_id, tip_id=str(tip_id), what=what)
