"""The office's own Word templates as the page shows them and its forms send them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import url_for

from app.cases import office_settings, own_templates
from app.cases.document_kinds import KIND_TEXTS, NEEDED, PLACES
from app.cases.document_models import DocumentTemplate
from app.console.views.case_actions import words_of
from app.console.views.case_ledger import told_problem
from app.foundation import clock
from app.foundation.permissions import Actor


def kind_text(kind: str) -> str:
    """A kind as the office says it."""
    return KIND_TEXTS.get(kind, kind)


def templates_view(actor: Actor, problem: Mapping[str, Any] | None) -> dict[str, Any]:
    """Every kind with its template in force, its places, its versions and what this person may do."""
    by_kind: dict[str, list[DocumentTemplate]] = {}
    for row in own_templates.versions():
        by_kind.setdefault(row.kind, []).append(row)
    may_set = office_settings.may_set(actor)
    return {
        "kinds": [_kind(kind, by_kind.get(kind, []), may_set=may_set) for kind in KIND_TEXTS],
        "problem": told_problem(problem),
    }


def _kind(kind: str, rows: list[DocumentTemplate], *, may_set: bool) -> dict[str, Any]:
    own = rows[0] if rows and rows[0].in_use else None
    return {
        "kind": kind,
        "label": KIND_TEXTS[kind],
        "state": {"text": f"自有模板第 {own.version} 版", "tone": "done"}
        if own
        else {"text": "系统模板", "tone": "run"},
        "places": [(f"{{{{ {name} }}}}", text, name in NEEDED[kind]) for name, text in PLACES[kind].items()],
        "versions": [_version(row) for row in rows],
        "file_url": url_for("console.fetch_document_template", kind=kind),
        "set_url": url_for("console.set_document_template", kind=kind) if may_set else None,
        "note": words_of("note", "版本说明", 200, hint="如修改依据、修改内容"),
        "withdrawable": may_set and own is not None,
    }


def _version(row: DocumentTemplate) -> dict[str, Any]:
    return {
        "version": row.version,
        "in_use": row.in_use,
        "note": row.note,
        "by": row.set_by_name,
        "at": clock.beijing(row.set_at),
        "href": url_for("console.fetch_template_version", kind=row.kind, version=row.version),
    }
