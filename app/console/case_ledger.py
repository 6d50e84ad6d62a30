"""The restitution ledger at the console: money in, assets, rounds, batches for the bank; forms lead to one page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from app.cases import funds, ledger, payments, queries, service, tasks
from app.cases.imports import ImportKind
from app.cases.ledger_schemas import (
    AddAssetBody,
    AssetBody,
    DistributeBody,
    ExportBatchBody,
    MakeBatchBody,
    ReceiveFundBody,
)
from app.cases.schemas import EntryBody
from app.console import forms
from app.console.blueprint import pages
from app.console.case_imports import hand_in
from app.console.cases import XLSX
from app.console.downloads import attachment
from app.console.refusals import on_refusal_show
from app.console.shell import done, rendered
from app.console.views import case_ledger as views
from app.files.http import download_response
from app.foundation.database import transaction
from app.foundation.errors import InvalidInput
from app.foundation.http import load, page
from app.foundation.permissions import Actor, Permission


@pages.get("/cases/<uuid:case_id>/ledger")
@page(permission=Permission.CASE_READ)
def show_case_ledger(actor: Actor, case_id: UUID) -> str:
    """What is claimed, what came in, what was shared out and paid."""
    return _ledger_page(actor, case_id)


def _ledger_page(actor: Actor, case_id: UUID, *, problem: dict[str, Any] | None = None) -> str:
    case = queries.case_for(actor, case_id)
    return rendered("console/cases/ledger.html", actor, **views.ledger_view(actor, case, problem))


@pages.post("/cases/<uuid:case_id>/ledger/funds")
@page(permission=Permission.SELF_USE, changes=True)
def receive_case_fund(actor: Actor, case_id: UUID) -> Response:
    """Enter money that came in, by its source."""
    on_refusal_show(_ledger_page, actor, case_id)
    given = forms.typed_fields("source", "received_on", "origin", "asset_id") | {"yuan": views.amount("yuan")}
    funds.receive_fund(actor, case_id, _entry(actor, case_id, ReceiveFundBody(), given))
    return done("到账资金已登记。", "console.show_case_ledger", case_id=case_id)


@pages.post("/cases/<uuid:case_id>/ledger/assets")
@page(permission=Permission.SELF_USE, changes=True)
def add_case_asset(actor: Actor, case_id: UUID) -> Response:
    """Enter an asset that was found or seized."""
    on_refusal_show(_ledger_page, actor, case_id)
    funds.add_asset(actor, case_id, _entry(actor, case_id, AddAssetBody(), views.typed_asset(whole=True)))
    return done("资产已登记。", "console.show_case_ledger", case_id=case_id)


@pages.post("/cases/<uuid:case_id>/ledger/assets/<uuid:asset_id>")
@page(permission=Permission.SELF_USE, changes=True)
def change_case_asset(actor: Actor, case_id: UUID, asset_id: UUID) -> Response:
    """Describe an asset as it stands now."""
    on_refusal_show(_ledger_page, actor, case_id)
    given = load(AssetBody(partial=True), views.typed_asset(whole=False))
    funds.change_asset(actor, case_id, asset_id, forms.seen_version(), given)
    return done("资产情况已更新。", "console.show_case_ledger", case_id=case_id)


@pages.post("/cases/<uuid:case_id>/ledger/rounds")
@page(permission=Permission.SELF_USE, changes=True)
def distribute_case_round(actor: Actor, case_id: UUID) -> Response:
    """Share a sum among the claims to the fen."""
    on_refusal_show(_ledger_page, actor, case_id)
    given = forms.typed_fields("source") | {"total_yuan": views.amount("total_yuan")}
    body = _entry(actor, case_id, DistributeBody(), given)
    if tasks.is_large(case_id):
        tasks.ask_for_round(actor, case_id, body["total_yuan"], body["source"])
        return done("债权较多，分配已交后台计算。", "console.show_case_ledger", case_id=case_id)
    row = ledger.distribute_round(actor, case_id, body["total_yuan"], body["source"])
    return done(f"第 {row.number} 轮分配已计算。", "console.show_case_ledger", case_id=case_id)


@pages.post("/cases/<uuid:case_id>/ledger/batches")
@page(permission=Permission.SELF_USE, changes=True)
def make_case_batch(actor: Actor, case_id: UUID) -> Response:
    """Put what is to be paid of a round into a batch for the bank."""
    on_refusal_show(_ledger_page, actor, case_id)
    typed = forms.typed_fields("round", "reason")
    body = _entry(actor, case_id, MakeBatchBody(), typed | {"round": _number(typed.get("round"))})
    if tasks.is_large(case_id):
        tasks.ask_for_batch(actor, case_id, body["round"], body["reason"])
        return done("债权较多，发放批次已交后台制作。", "console.show_case_ledger", case_id=case_id)
    batch = payments.make_batch(actor, case_id, body["round"], body["reason"])
    return done(f"第 {batch.number} 批发放清单已制作。", "console.show_case_ledger", case_id=case_id)


def _entry(actor: Actor, case_id: UUID, schema: EntryBody, given: dict[str, Any]) -> dict[str, Any]:
    """What a form enters, unless the case has moved since the page: going back and sending again enters nothing."""
    body: dict[str, Any] = load(schema, given | {"expected_version": forms.seen_version()})
    service.still_as_seen(actor, case_id, body.pop("expected_version"))
    return body


def _number(typed: str | None) -> int | None:
    return int(typed) if typed and typed.isascii() and typed.isdecimal() and len(typed) < 10 else None  # noqa: PLR2004  # no count of ours is longer


@pages.post("/cases/<uuid:case_id>/ledger/batches/<int:number>/export")
@page(permission=Permission.SELF_USE, changes=True)
def export_case_batch(actor: Actor, case_id: UUID, number: int) -> Response:
    """The list for the bank, with accounts in clear; the reason goes to the auditor."""
    on_refusal_show(_ledger_page, actor, case_id)
    body = load(ExportBatchBody(), forms.typed_fields("format", "reason"))
    batch = payments.batch_to_list(actor, case_id, number)
    if tasks.is_long(batch):
        tasks.ask_for_bank_file(actor, case_id, number, body["reason"])
        return done("清单较长，已交后台制作 CSV 文件。", "console.show_case_ledger", case_id=case_id)
    content = tasks.written_list(actor, batch, body["format"], body["reason"])
    media_type = XLSX if body["format"] == "xlsx" else "text/csv"
    return attachment(content, media_type, f"银行代发清单第{number}批.{body['format']}")


@pages.get("/cases/<uuid:case_id>/ledger/tasks")
@page(permission=Permission.CASE_READ)
def follow_case_tasks(actor: Actor, case_id: UUID) -> Response:
    """How far the long work is, for the page that asks each second; at its end the page is loaded anew."""
    case = queries.case_for(actor, case_id)
    lines = views.task_lines(actor, case)
    if not any(line["under_way"] for line in lines):
        return Response(status=204, headers={"HX-Refresh": "true"})
    return Response(rendered("console/cases/tasks.html", actor, tasks=lines, tasks_url=request.path))


@pages.get("/cases/<uuid:case_id>/ledger/tasks/<uuid:task_id>/file")
@page(permission=Permission.SELF_USE)
def fetch_case_bank_file(actor: Actor, case_id: UUID, task_id: UUID) -> Response:
    """The list for the bank that a task made, with accounts in clear; every look leaves an audit row."""
    with transaction():
        stored = tasks.bank_file_of(actor, case_id, task_id)
    return download_response(stored)


@pages.post("/cases/<uuid:case_id>/ledger/batches/<int:number>/results")
@page(permission=Permission.SELF_USE, changes=False)  # the bytes come first, then one transaction
def hand_in_results(actor: Actor, case_id: UUID, number: int) -> Response:
    """Hand in the bank's answers to a batch."""
    on_refusal_show(_ledger_page, actor, case_id)
    queries.case_for(actor, case_id)
    batch = payments.batch_of(case_id, number)
    if "file" not in request.files:
        raise InvalidInput(errors={"file": ["请选择银行回盘文件"]})
    return hand_in(actor, ImportKind.PAYMENT_RESULTS, case_id, batch.id)
