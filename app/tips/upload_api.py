"""Uploads in parts over HTTP, for the web page and slow networks. The one-file upload stays beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from apiflask import APIBlueprint
from flask import request

from app.files import partial
from app.files.http import read_out
from app.files.models import PartialUpload
from app.files.schemas import BeginUploadBody, PartialUploadView, PartQuery, UploadView
from app.files.service import ReceivedFile
from app.foundation.database import end_reading, transaction
from app.foundation.errors import DomainError, UnsupportedFile
from app.foundation.http import Audience, endpoint
from app.foundation.permissions import Actor, Permission
from app.tips.doors import admit

public_api = APIBlueprint("uploads", __name__, url_prefix="/api/v1")

_PATH: Final = "/uploads/partial"
_READ_AT_ONCE: Final = 64 * 1024


@public_api.post(_PATH)
@endpoint(
    audience=Audience.ANYONE,
    permission=Permission.PUBLIC_FILE,
    body=BeginUploadBody(),
    answer=PartialUploadView(),
    status=201,
)
def begin_upload(_actor: Actor, body: dict[str, Any]) -> PartialUpload:
    """Begin an upload in parts; its id is the only link to whoever sends it."""
    admit("uploads")
    return partial.begin(body["size"], body["name"], body["type"])


@public_api.get(_PATH + "/<uuid:upload_id>")
@endpoint(audience=Audience.ANYONE, permission=Permission.PUBLIC_READ, answer=PartialUploadView(), changes=False)
def upload_progress(_actor: Actor, upload_id: UUID) -> PartialUpload:
    """How far an upload has come, so that it can go on from there."""
    return partial.found(upload_id)


@public_api.put(_PATH + "/<uuid:upload_id>")
@endpoint(
    audience=Audience.ANYONE,
    permission=Permission.PUBLIC_FILE,
    query=PartQuery(),
    answer=PartialUploadView(),
    changes=False,
)
def take_part(_actor: Actor, upload_id: UUID, query: dict[str, Any]) -> PartialUpload:
    """Take the next bytes as they are (no multipart); 409 with ``received`` says where to go on."""
    try:
        upload = partial.found(upload_id)
        partial.refuse_elsewhere(upload, query["at"])
        end_reading()
        part = partial.keep_part(upload, query["at"], _body())
    except DomainError:
        read_out()
        raise
    try:
        with transaction():
            return partial.register_part(part)
    except DomainError:
        partial.drop_bytes([part.storage_key])
        raise


@public_api.post(_PATH + "/<uuid:upload_id>/complete")
@endpoint(audience=Audience.ANYONE, permission=Permission.PUBLIC_FILE, answer=UploadView(), status=201, changes=False)
def complete_upload(_actor: Actor, upload_id: UUID) -> Any:
    """Make one file of the parts; repeating it answers the same file (200)."""
    upload = partial.found(upload_id)
    if (done := partial.finished_file(upload)) is not None:
        return done, 200
    try:
        received = _assembled(upload)
    except DomainError:
        if (done := partial.completed_meanwhile(upload_id)) is None:
            raise
        return done, 200
    with transaction():
        stored, needless = partial.register_whole(upload_id, received)
    partial.drop_bytes(needless)
    return stored


def _assembled(upload: PartialUpload) -> ReceivedFile:
    """The whole from its parts; a content that is refused takes the parts with it."""
    upload_id, whole = upload.id, partial.whole_of(upload)
    end_reading()
    try:
        return partial.assemble(whole)
    except UnsupportedFile:
        with transaction():
            refused = partial.forget(upload_id)
        partial.drop_bytes(refused)
        raise


def _body() -> Iterator[bytes]:
    while piece := request.stream.read(_READ_AT_ONCE):
        yield piece
