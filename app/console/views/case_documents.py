"""The documents of a case as pages show them and forms send them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import url_for

from app.cases import documents, policy
from app.cases.document_kinds import KIND_TEXTS
from app.cases.document_models import CaseDocument
from app.cases.models import FundraisingCase
from app.console.forms import typed_fields
from app.console.views.case_actions import day, with_typed, words_of
from app.console.views.case_ledger import told_problem
from app.console.views.fields import Field, options, select, text
from app.foundation import clock
from app.foundation.permissions import Actor


def documents_view(actor: Actor, case: FundraisingCase, problem: Mapping[str, Any] | None) -> dict[str, Any]:
    """The documents of a case with every version, and the form of a further one."""
    form = {
        "name": "make_document",
        "label": "制作文书",
        "url": url_for("console.make_case_document", case_id=case.id),
        "needs": [
            select("kind", "文书种类", options(KIND_TEXTS)),
            *_written(),
        ],
        "description": "按本单位当年顺序编号。",
        "confirm": "文书制作后编号不能收回，更正另出新版。确定制作？",
        "tone": "plain",
    }
    return {
        "case_no": case.case_no,
        "case_url": url_for("console.show_case", case_id=case.id),
        "list_url": url_for("console.list_cases"),
        "lines": _lines(actor, case, problem),
        "form": with_typed(form, problem) if policy.can_change(actor, case) else None,
        "action_url": url_for("console.make_case_document", case_id=case.id),
        "problem": told_problem(problem),
    }


def _written() -> list[Field]:
    return [
        day("month", "报送月份", required=False, hint="报送表填写：选择该月任意一天"),
        words_of("recipient", "主送单位", 200, required=False, hint="函件填写"),
        text("text", "正文", 5000, required=False, hint="函件填写；不得出现举报人信息", rows=6),
    ]


def _lines(actor: Actor, case: FundraisingCase, problem: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Every version, and on the newest of each document of the own unit the form of a further one."""
    seen: set[tuple[int, int, int]] = set()
    lines = []
    for one in documents.documents_of(actor, case.id):
        number = (one.unit_id, one.year, one.number)
        newest = number not in seen
        seen.add(number)
        revises = newest and one.unit_id == actor.unit_id and policy.can_change(actor, case)
        form = with_typed(_revising(case, one), problem) if revises else None
        lines.append(_document(case, one) | {"form": form})
    return lines


def _revising(case: FundraisingCase, one: CaseDocument) -> dict[str, Any]:
    return {
        "name": f"revise-{one.id}",
        "label": "更正，另出新版",
        "url": url_for("console.revise_case_document", case_id=case.id, document_id=one.id),
        "needs": [*_written(), text("reason", "更正理由", 500, rows=2)],
        "description": "编号不变，原版保留。",
        "confirm": "确定另出新版？",
        "tone": "plain",
    }


def _document(case: FundraisingCase, one: CaseDocument) -> dict[str, Any]:
    def href(ending: str) -> str:
        where: dict[str, Any] = {"case_id": case.id, "document_id": one.id}
        return url_for("console.download_case_document", **where, format=ending)

    return {
        "title": one.title,
        "number": f"〔{one.year}〕{one.number}号",
        "version": one.version,
        "reason": one.reason,
        "template": one.template_version,
        "by": one.made_by_name,
        "at": clock.beijing(one.made_at),
        "word": href("docx"),
        "pdf": href("pdf"),
    }


def typed_document() -> dict[str, Any]:
    """What the form of a document says; the month is its first day."""
    typed: dict[str, Any] = typed_fields("kind", "month", "recipient", "text", "reason")
    if len(typed.get("month", "")) == len("2026-01-01"):
        typed["month"] = typed["month"][:8] + "01"
    return typed
