"""The restitution ledger, its claims and the documents of a case as pages show them and forms send them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from flask import url_for

from app.cases import claims, ledger, policy, tasks, words
from app.cases.ledger_models import CaseAsset, CaseClaim, CaseTask
from app.cases.models import FundraisingCase
from app.cases.states import CaseStatus, RestitutionStage
from app.cases.tasks import TaskKind
from app.cases.views import claim_line
from app.console.forms import typed_fields
from app.console.views import chinese
from app.console.views.case_actions import day, with_typed, words_of
from app.console.views.fields import Field, options, select, text
from app.foundation import clock
from app.foundation.permissions import Actor
from app.outbox.tasks import UNDER_WAY, TaskState

_Form = dict[str, Any]
_LONGEST: Final = 500
_ASSET: Final = (
    "kind", "description", "place", "holder", "state", "seized_by", "seized_on", "valuation_yuan", "valued_on",
    "realised_yuan", "realised_on",
)  # fmt: skip
_PERSON_TEXTS: Final = {
    "name": "姓名",
    "id_number": "证件号码",
    "phone": "联系电话",
    "bank": "开户银行",
    "account": "银行账号",
    "account_name": "户名",
}


def yuan_field(name: str, label: str, *, required: bool = True, hint: str = "", value: str = "") -> Field:
    """An amount in yuan to the fen."""
    asked = {"name": name, "label": f"{label}（元）", "kind": "text", "required": required, "inputmode": "decimal"}
    return asked | {"hint": hint, "value": value}


def ledger_view(actor: Actor, case: FundraisingCase, problem: Mapping[str, Any] | None) -> dict[str, Any]:
    """The page of a case's ledger."""
    told = ledger.summary(case)
    live = case.status != CaseStatus.CLOSED
    reports, pays = live and policy.can_report(actor, case), policy.can_pay(actor, case)
    here = url_for("console.show_case_ledger", case_id=case.id)
    forms = [with_typed(one, problem) for one in _forms(case, told)] if reports else []
    return {
        "case_no": case.case_no,
        "case_name": case.name if not policy.sees_masked(actor) else case.case_no,
        "case_url": url_for("console.show_case", case_id=case.id),
        "claims_url": url_for("console.list_claims", case_id=case.id),
        "list_url": url_for("console.list_cases"),
        "ledger": told,
        "sources": words.SOURCE_TEXTS,
        "kinds": words.ASSET_KIND_TEXTS,
        "states": words.ASSET_STATE_TEXTS,
        "payment_states": words.PAYMENT_STATE_TEXTS,
        "forms": forms,
        "assets": [_asset_line(case, asset, problem, editable=reports) for asset in told["assets"]],
        "rounds": [_round(case, one, problem, pays=pays) for one in told["rounds"]],
        "batches": [_batch(case, one, problem, pays=pays) for one in told["batches"]],
        "tasks": task_lines(actor, case),
        "tasks_url": url_for("console.follow_case_tasks", case_id=case.id),
        "action_url": here,
        "problem": told_problem(problem),
    }


def task_lines(actor: Actor, case: FundraisingCase) -> list[dict[str, Any]]:
    """The newest long work on a case, and the list that came of it for whoever pays."""
    pays = policy.can_pay(actor, case)
    return [_task(case, row, pays=pays) for row in tasks.tasks_of(case.id)]


def _task(case: FundraisingCase, row: CaseTask, *, pays: bool) -> dict[str, Any]:
    done = tasks.lines_done(row)
    fetched = pays and row.file_id is not None
    return {
        "label": _task_label(TaskKind(row.kind), row.given),
        "state": _TASK_STATES[TaskState(row.state)],
        "under_way": row.state in UNDER_WAY,
        "counts": row.kind == TaskKind.BANK_FILE,
        "done": done,
        "whole": row.whole,
        "share": min(done / row.whole, 1) if row.whole else 0,
        "problem": row.problem,
        "by": row.asked_by_name,
        "at": clock.beijing(row.asked_at),
        "href": url_for("console.fetch_case_bank_file", case_id=case.id, task_id=row.id) if fetched else None,
    }


def _task_label(kind: TaskKind, given: Mapping[str, Any]) -> str:
    match kind:
        case TaskKind.ROUND:
            return f"分配 {Decimal(given['total_yuan']):,} 元"
        case TaskKind.BATCH:
            return f"制作第 {given['round']} 轮发放批次"
        case TaskKind.BANK_FILE:
            return f"第 {given['batch']} 批代发清单"


_TASK_STATES: Final = {
    TaskState.QUEUED: {"text": "排队中", "tone": "run"},
    TaskState.RUNNING: {"text": "进行中", "tone": "run"},
    TaskState.DONE: {"text": "已完成", "tone": "done"},
    TaskState.FAILED: {"text": "未能完成", "tone": "urgent"},
}


def told_problem(problem: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A refusal above the page."""
    if problem is None:
        return None
    faults = [{"label": "表单", "text": "；".join(texts)} for texts in problem.get("errors", {}).values()]
    return {"title": problem["title"], "text": problem.get("detail"), "fields": faults}


def _forms(case: FundraisingCase, told: Mapping[str, Any]) -> list[_Form]:
    adding: _Form = {
        "name": "add_asset",
        "label": "登记资产",
        "url": url_for("console.add_case_asset", case_id=case.id),
        "needs": asset_fields(None),
        "tone": "plain",
    }
    sharing = [_sharing(case)] if case.restitution_stage == RestitutionStage.RETURNING else []
    return [_receiving(case, told["assets"]), adding, *sharing]


def _receiving(case: FundraisingCase, assets: Sequence[CaseAsset]) -> _Form:
    known = {str(one.id): f"{words.ASSET_KIND_TEXTS[one.kind]}：{one.description[:30]}" for one in assets}
    of_asset = select("asset_id", "对应资产", options(known)) | {"required": False}
    return {
        "name": "receive_fund",
        "label": "登记到账资金",
        "url": url_for("console.receive_case_fund", case_id=case.id),
        "needs": [
            select("source", "资金来源", options(words.SOURCE_TEXTS)),
            yuan_field("yuan", "金额", hint="冲正填负数，并写明原因"),
            day("received_on", "到账日期", value=clock.today().isoformat()),
            words_of("origin", "来源说明", _LONGEST),
            *([of_asset] if known else []),
        ],
        "confirm": "到账记录不能修改，更正须另行登记冲正。确定登记？",
        "tone": "plain",
    }


def _sharing(case: FundraisingCase) -> _Form:
    return {
        "name": "distribute",
        "label": "计算一轮分配",
        "url": url_for("console.distribute_case_round", case_id=case.id),
        "needs": [
            select("source", "资金来源", options(words.SOURCE_TEXTS)),
            yuan_field("total_yuan", "分配金额"),
        ],
        "description": "按各债权尚未清退的核定金额等比分配，精确到分，各份之和等于总额。",
        "confirm": "分配结果计算后不能更改。确定按该金额计算？",
        "tone": "plain",
    }


def asset_fields(asset: CaseAsset | None) -> list[Field]:
    """The fields of an asset, with what it holds."""

    def held(name: str) -> str:
        value = getattr(asset, name) if asset else None
        return "" if value is None else str(value)

    def line(name: str, label: str) -> Field:
        return words_of(name, label, 300, required=False) | {"value": held(name)}

    return [
        select("kind", "资产种类", options(words.ASSET_KIND_TEXTS), value=held("kind")),
        text("description", "资产说明", _LONGEST, rows=2) | {"value": held("description")},
        line("place", "所在地"),
        line("holder", "权利人、持有人"),
        select("state", "状态", options(words.ASSET_STATE_TEXTS), value=held("state") or "found"),
        line("seized_by", "查封（扣押、冻结）机关"),
        day("seized_on", "查封日期", required=False, value=held("seized_on")),
        yuan_field("valuation_yuan", "评估价值", required=False, value=held("valuation_yuan")),
        day("valued_on", "评估日期", required=False, value=held("valued_on")),
        yuan_field("realised_yuan", "变现金额", required=False, value=held("realised_yuan")),
        day("realised_on", "变现日期", required=False, value=held("realised_on")),
    ]


def typed_asset(*, whole: bool) -> dict[str, Any]:
    """What the form of an asset says; of a known asset an emptied field is emptied."""
    typed = typed_fields(*_ASSET)
    return {name: typed.get(name) for name in _ASSET if name in typed or not whole}


def _asset_line(
    case: FundraisingCase, asset: CaseAsset, problem: Mapping[str, Any] | None, *, editable: bool
) -> dict[str, Any]:
    form = {
        "name": f"change_asset-{asset.id}",
        "label": "更新",
        "url": url_for("console.change_case_asset", case_id=case.id, asset_id=asset.id),
        "needs": asset_fields(asset),
        "tone": "plain",
    }
    return {"asset": asset, "form": with_typed(form, problem) if editable else None}


def _round(case: FundraisingCase, one: Any, problem: Mapping[str, Any] | None, *, pays: bool) -> dict[str, Any]:
    number = one["number"]
    form = {
        "name": f"make_batch-{number}",
        "label": f"制作第 {number} 轮发放批次",
        "url": url_for("console.make_case_batch", case_id=case.id),
        "needs": [
            {"name": "round", "label": "", "kind": "hidden", "value": number},
            text("reason", "发放依据", _LONGEST, rows=2, hint="如清退公告、领导小组决定的名称和文号"),
        ],
        "confirm": "该轮尚未发放的款项将全部列入批次送银行。确定？",
        "tone": "plain",
    }
    shares_url = url_for("console.show_case_round", case_id=case.id, number=number)
    return {"round": one, "shares_url": shares_url, "form": with_typed(form, problem) if pays else None}


def _batch(case: FundraisingCase, one: Any, problem: Mapping[str, Any] | None, *, pays: bool) -> dict[str, Any]:
    number = one["number"]
    export = {
        "name": f"export_batch-{number}",
        "label": "导出银行代发清单",
        "description": "导出后视为已送银行：清单所列债权在登记银行处理结果前不能更正。",
        "url": url_for("console.export_case_batch", case_id=case.id, number=number),
        "needs": [
            select("format", "格式", options({"xlsx": "Excel", "csv": "CSV"}), value="xlsx"),
            text("reason", "导出用途", _LONGEST, rows=2, hint="清单含账号和证件号码，导出记入审计"),
        ],
        "tone": "plain",
    }
    return {
        "batch": one,
        "made_at": clock.beijing(one["made_at"]),
        "listed_at": one["listed_at"] and clock.beijing(one["listed_at"]),
        "export": with_typed(export, problem) if pays else None,
        "results_url": url_for("console.hand_in_results", case_id=case.id, number=number) if pays else None,
    }


# Claims ---------------------------------------------------------------------------------------------------------------


def claims_view(
    actor: Actor,
    case: FundraisingCase,
    found: Sequence[CaseClaim],
    limit: int,
    wanted: claims.ClaimFilter,
    problem: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The page of a case's claims, persons masked."""
    shown = found[:limit]
    following = shown[-1].claim_no if len(found) > limit else None
    state: dict[str, Any] = {"state": wanted.state} if wanted.state else {}
    return _claim_work(actor, case, problem) | {
        "case_no": case.case_no,
        "ledger_url": url_for("console.show_case_ledger", case_id=case.id),
        "list_url": url_for("console.list_cases"),
        "case_url": url_for("console.show_case", case_id=case.id),
        "search_url": url_for("console.find_claims", case_id=case.id),
        "wanted": wanted,
        "by_person": not policy.sees_masked(actor),
        "states": words.CLAIM_STATE_TEXTS,
        "claims": [claim_line(actor, one) | {"href": _claim_url(case, one)} for one in shown],
        "next_url": url_for("console.list_claims", case_id=case.id, after=following, **state) if following else None,
        "problem": told_problem(problem),
    }


def _claim_url(case: FundraisingCase, claim: CaseClaim) -> str:
    return url_for("console.show_claim", case_id=case.id, claim_id=claim.id)


def _claim_work(actor: Actor, case: FundraisingCase, problem: Mapping[str, Any] | None) -> dict[str, Any]:
    """What this person may do with the claims."""
    live = case.status != CaseStatus.CLOSED
    verifies, reports = live and policy.can_change(actor, case), live and policy.can_report(actor, case)
    return {
        "forms": [with_typed(one, problem) for one in _claim_forms(case)] if verifies else [],
        "hand_in_url": url_for("console.hand_in_claims", case_id=case.id) if reports else None,
        "open_form": with_typed(_opening(case), problem) if policy.can_pay(actor, case) else None,
        "action_url": url_for("console.verify_claims", case_id=case.id),
    }


def _claim_forms(case: FundraisingCase) -> list[_Form]:
    url = url_for("console.verify_claims", case_id=case.id)
    return [
        {
            "name": "verify_one",
            "label": "核定一笔债权",
            "url": url,
            "needs": [
                words_of("claim_no", "债权编号", 60),
                yuan_field("verified_yuan", "核定金额", hint="不予认定填 0"),
                text("reason", "理由", _LONGEST, required=False, rows=2, hint="与申报金额或原核定金额不同的须说明理由"),
            ],
            "description": "不能核实自己录入或更正的债权。",
            "tone": "plain",
        },
        {
            "name": "verify_all",
            "label": "待核实的按申报金额核定",
            "url": url,
            "needs": [],
            "description": "由他人录入和更正、尚待核实的债权按申报金额核定；更正后与原核定金额不同的除外，须逐笔核定。",
            "confirm": "请确认已逐笔核对债权凭证。确定按申报金额核定？",
            "tone": "danger",
        },
    ]


def _opening(case: FundraisingCase) -> _Form:
    return {
        "name": "open_person",
        "label": "查看完整信息",
        "url": url_for("console.open_participant", case_id=case.id),
        "needs": [
            words_of("claim_no", "债权编号", 60),
            text("reason", "查看理由", _LONGEST, rows=2, hint="查看人、时间和理由记入审计日志"),
        ],
        "tone": "plain",
    }


def typed_filter() -> claims.ClaimFilter:
    """How the form looks for claims; who claims travels in a form, never in an address."""
    typed = typed_fields("state", "claim_no", "id_number", "phone")
    return claims.ClaimFilter(**{name: value.strip() for name, value in typed.items()})


def amount(name: str) -> str | None:
    """An amount as typed, without separators."""
    typed: str | None = typed_fields(name).get(name)
    return typed.replace(",", "").strip() if typed else None


def opened_person(person: Mapping[str, str], claim_no: str, actor: Actor) -> dict[str, Any]:
    """Who claims, in clear, for this answer alone."""
    return {
        "claim_no": claim_no,
        "pairs": [(label, person.get(name)) for name, label in _PERSON_TEXTS.items()],
        "by": f"{actor.unit_name} {actor.name} {chinese.moment(clock.beijing(clock.now()))}",
    }
