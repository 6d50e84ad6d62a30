"""Evidence over HTTP for officers: the original to download, the clean copy to look at. Every look is audited."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from app.audit import service as audit
from app.files import copies
from app.files.drawing_program import MOST_PAGES
from app.files.http import download_response, picture_response
from app.files.models import CopySize, StoredFile
from app.foundation.database import transaction
from app.foundation.errors import NotFound, OutOfScope
from app.foundation.http import Audience, endpoint
from app.foundation.permissions import Actor, Permission
from app.tips.queries import whole_tip

office_api = APIBlueprint("office_evidence", __name__, url_prefix="/api/v1/office")

_PATH: Final = "/tips/<uuid:tip_id>/evidence/<uuid:file_id>"


@office_api.get(_PATH)
@endpoint(audience=Audience.OFFICER, permission=Permission.EVIDENCE_READ, changes=False)
def download_original(actor: Actor, tip_id: UUID, file_id: UUID) -> Response:
    """The original of one file, byte for byte, as an attachment."""
    answer = download_response(_evidence(actor, tip_id, file_id))
    _note(actor, tip_id, file_id, "original")
    return answer


@office_api.get(_PATH + "/view")
@endpoint(audience=Audience.OFFICER, permission=Permission.EVIDENCE_READ, changes=False)
def view_copy(actor: Actor, tip_id: UUID, file_id: UUID) -> Response:
    """The clean copy of an image."""
    return _copy(actor, tip_id, file_id, CopySize.VIEW)


@office_api.get(_PATH + "/thumbnail")
@endpoint(audience=Audience.OFFICER, permission=Permission.EVIDENCE_READ, changes=False)
def view_thumbnail(actor: Actor, tip_id: UUID, file_id: UUID) -> Response:
    """The small clean copy of an image."""
    return _copy(actor, tip_id, file_id, CopySize.THUMBNAIL)


@office_api.get(_PATH + "/pages/<int:number>")
@endpoint(audience=Audience.OFFICER, permission=Permission.EVIDENCE_READ, changes=False)
def view_page(actor: Actor, tip_id: UUID, file_id: UUID, number: int) -> Response:
    """The picture of one page of a PDF, from 1 on."""
    return _copy(actor, tip_id, file_id, CopySize.VIEW, number)


def _copy(actor: Actor, tip_id: UUID, file_id: UUID, size_name: CopySize, page: int = 1) -> Response:
    if page > MOST_PAGES:
        raise NotFound
    answer = picture_response(copies.copy_of(_evidence(actor, tip_id, file_id).id, size_name, page))
    _note(actor, tip_id, file_id, size_name.value, page)
    return answer


def _evidence(actor: Actor, tip_id: UUID, file_id: UUID) -> StoredFile:
    """The file of a tip within sight of ``actor``; raise ``OutOfScope``."""
    for stored in whole_tip(actor, tip_id).evidence:
        if stored.id == file_id:
            return stored
    raise OutOfScope("未找到该文件", extra={"audit_object": ("file", str(file_id))})


def _note(actor: Actor, tip_id: UUID, file_id: UUID, what: str, page: int = 1) -> None:
    with transaction():
        audit.record(actor, "files.download", "file", file_id, tip_id=str(tip_id), what=what, page=page)
