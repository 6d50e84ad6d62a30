"""The register of stock cases: list and sheet, a new case, one case with what can be done to it, corrections."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from flask import Response, request, url_for

from app.audit import service as audit
from app.cases import policy, queries, service, workbooks
from app.cases import views as case_views
from app.cases.overview_schemas import ListCasesQuery
from app.cases.schemas import ChangeCaseBody, RegisterCaseBody
from app.console import forms
from app.console import queries as console_queries
from app.console.blueprint import pages
from app.console.downloads import attachment
from app.console.refusals import on_refusal_show
from app.console.shell import done, rendered
from app.console.views import case_detail, case_form, case_list
from app.console.views.tip_list import paging
from app.foundation import clock
from app.foundation.database import transaction
from app.foundation.errors import Forbidden
from app.foundation.http import load, page
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission
from app.identity import queries as people

_A_PAGE: Final = 20
_FILTERS: Final = tuple(queries.CaseFilter.__dataclass_fields__)
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pages.get("/cases")
@page(permission=Permission.CASE_READ)
def list_cases(actor: Actor) -> str:
    """The register within this person's sight; its filters live in the address."""
    wanted, cursor = _asked()
    return rendered("console/cases/list.html", actor, **_register(actor, wanted, cursor))


def _asked() -> tuple[dict[str, Any], str | None]:
    query = load(ListCasesQuery(), {name: value for name, value in request.args.items() if value})
    return {name: query[name] for name in _FILTERS if query[name] is not None}, query["cursor"]


def _register(actor: Actor, wanted: dict[str, Any], cursor: str | None) -> dict[str, Any]:
    by_party = not policy.sees_masked(actor)
    found = queries.CaseFilter(**wanted)
    rows, total = queries.case_page(actor, found, from_cursor(cursor), _A_PAGE, by_party=by_party)
    shown = rows[:_A_PAGE]
    units = case_views.units_of(shown)
    following = to_cursor(shown[-1].registered_at, shown[-1].id) if len(rows) > len(shown) else None
    address = case_list.in_address(wanted)
    return {
        "filters": wanted,
        "selects": case_list.selects(wanted, case_list.district_choices(actor, console_queries.handling_units())),
        "checks": case_list.CHECKS,
        "quick": case_list.quick_filters(actor, wanted),
        "tabs": tabs(actor, "list"),
        "list_url": url_for("console.list_cases"),
        "new_url": url_for("console.ask_for_case") if policy.can_register(actor) else None,
        "import_url": url_for("console.list_case_imports") if policy.can_register(actor) else None,
        "export_url": url_for("console.export_cases", **address),
        "cases": [case_list.case_line(actor, case, units) for case in shown],
        "page": paging("console.list_cases", address, cursor, following, total),
    }


def tabs(actor: Actor, here: str) -> list[dict[str, Any]]:
    """The pages of the family."""
    named = [
        ("list", "案件台账", "console.list_cases"),
        ("board", "阶段看板", "console.show_case_board"),
        ("months", "月度填报", "console.show_case_months"),
        ("statistics", "统计分析", "console.show_case_statistics"),
        ("targets", "化解目标", "console.show_case_targets"),
        ("templates", "方案模板", "console.list_plan_templates"),
        ("documents", "文书模板", "console.list_document_templates"),
        ("imports", "导入台账", "console.list_case_imports"),
    ]
    masked = policy.sees_masked(actor)
    shown = {"templates": not masked, "documents": not masked, "imports": policy.can_register(actor)}
    return [
        {"label": label, "href": url_for(endpoint), "active": name == here}
        for name, label, endpoint in named
        if shown.get(name, True)
    ]


@pages.get("/cases/export")
@page(permission=Permission.CASE_READ)
def export_cases(actor: Actor) -> Response:
    """The register as a sheet, with the filters of the list; who took it is audited."""
    wanted, _ = _asked()
    found = queries.CaseFilter(**wanted)
    cases = queries.all_cases(actor, found, by_party=not policy.sees_masked(actor))
    rows = case_list.sheet_rows(actor, cases, people.every_unit())
    book = workbooks.register_book(actor, case_list.SHEET_HEADINGS, rows)
    with transaction():
        audit.record(actor, "cases.export", "register", "cases", filters=sorted(wanted))
    return attachment(book, XLSX, f"案件台账{clock.today():%Y%m%d}.xlsx")


@pages.get("/cases/new")
@page(permission=Permission.SELF_USE)
def ask_for_case(actor: Actor) -> str:
    """An empty form for a case."""
    return _form_page(actor, None)


@pages.post("/cases/new")
@page(permission=Permission.SELF_USE, changes=True)
def register_case(actor: Actor) -> Any:
    """Enter a case; a button of the form asks for another row of parties instead."""
    if "more" in request.form:
        return _form_page(actor, None)
    on_refusal_show(_form_page, actor, None)
    body = load(RegisterCaseBody(), case_form.typed_registration(actor))
    facts = body["facts"] | {"case_no": body["case_no"], "name": body["name"]}
    case = service.register(actor, facts, body["division"], body["stages"])
    return done("案件已登记。", "console.show_case", case_id=case.id)


@pages.get("/cases/<uuid:case_id>/edit")
@page(permission=Permission.SELF_USE)
def ask_for_change(actor: Actor, case_id: UUID) -> str:
    """The facts of a case in a form."""
    return _form_page(actor, case_id)


@pages.post("/cases/<uuid:case_id>/edit")
@page(permission=Permission.SELF_USE, changes=True)
def change_case(actor: Actor, case_id: UUID) -> Any:
    """Correct or complete facts; the history keeps what they were."""
    if "more" in request.form:
        return _form_page(actor, case_id)
    on_refusal_show(_form_page, actor, case_id)
    body = load(ChangeCaseBody(), case_form.typed_change() | {"expected_version": forms.seen_version()})
    named = {name: body[name] for name in ("case_no", "name") if name in body}
    service.change(actor, case_id, body["expected_version"], body["facts"] | named)
    return done("案件信息已更新。", "console.show_case", case_id=case_id)


def _form_page(actor: Actor, case_id: UUID | None, *, problem: dict[str, Any] | None = None) -> str:
    case = queries.case_for(actor, case_id) if case_id else None
    if not (policy.can_change(actor, case) if case else policy.can_register(actor)):
        raise Forbidden("您无权登记或者修改案件")
    view = case_form.case_form(actor, case, problem, console_queries.handling_units())
    return rendered("console/cases/form.html", actor, **view)


@pages.get("/cases/<uuid:case_id>")
@page(permission=Permission.CASE_READ)
def show_case(actor: Actor, case_id: UUID) -> str:
    """One case, with what can be done to it now."""
    return case_page(actor, case_id)


def case_page(actor: Actor, case_id: UUID, *, problem: dict[str, Any] | None = None) -> str:
    """The page of one case; after a refusal with the problem and what was typed."""
    case = queries.case_for(actor, case_id)
    return rendered("console/cases/detail.html", actor, **case_detail.case_view(actor, case, problem))
