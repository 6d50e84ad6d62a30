"""The office's own Word templates at the console: which places there are, hand in, take out of use, fetch a version."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.cases import own_templates
from app.cases.documents_api import TemplateNoteBody
from app.console import forms
from app.console.blueprint import pages
from app.console.cases import DOCX, tabs
from app.console.downloads import attachment
from app.console.refusals import on_refusal_show
from app.console.shell import done, rendered
from app.console.views import case_document_templates as views
from app.files import service as files
from app.foundation.database import transaction
from app.foundation.errors import InvalidInput
from app.foundation.http import load, page
from app.foundation.permissions import Actor, Permission


@pages.get("/cases/document-templates")
@page(permission=Permission.CASE_READ)
def list_document_templates(actor: Actor) -> str:
    """What each kind of document is made from, with every version and the places of the kind."""
    return _templates_page(actor)


def _templates_page(actor: Actor, *, problem: dict[str, Any] | None = None) -> str:
    view = views.templates_view(actor, problem)
    return rendered("console/cases/document_templates.html", actor, tabs=tabs(actor, "documents"), **view)


@pages.post("/cases/document-templates/<kind>")
@page(permission=Permission.SELF_USE, changes=False)  # the bytes come first, then one transaction
def set_document_template(actor: Actor, kind: str) -> Response:
    """Let documents of a kind be made from this Word file, or (without one) from that of the program again."""
    on_refusal_show(_templates_page, actor)
    typed = forms.typed_fields("note", "action")
    note = load(TemplateNoteBody(), {"note": typed.get("note", "")})["note"]
    if typed.get("action", "").startswith("withdraw"):
        with transaction():
            own_templates.withdraw(actor, kind, note)
        return done("已恢复使用系统模板。", "console.list_document_templates")
    received = forms.receive_files(actor, "file")
    if len(received) != 1:
        raise InvalidInput(errors={"file": ["请选择一个 Word 文件（.docx）"]})
    content = files.content_received(received[0])
    with transaction():
        row = own_templates.set_template(actor, kind, content, note)
    return done(f"模板第 {row.version} 版已启用。", "console.list_document_templates")


@pages.get("/cases/document-templates/<kind>/file")
@page(permission=Permission.CASE_READ)
def fetch_document_template(_actor: Actor, kind: str) -> Response:
    """The Word file that documents of a kind are made from now."""
    return attachment(own_templates.content(kind, None), DOCX, f"{views.kind_text(kind)}（模板）.docx")


@pages.get("/cases/document-templates/<kind>/versions/<int:version>")
@page(permission=Permission.CASE_READ)
def fetch_template_version(_actor: Actor, kind: str, version: int) -> Response:
    """The Word file of one version."""
    return attachment(own_templates.content(kind, version), DOCX, f"{views.kind_text(kind)}（模板第{version}版）.docx")
