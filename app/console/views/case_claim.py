"""One claim, its slip and the lines of a round as pages show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import url_for

from app.cases import claims, policy, words
from app.cases.ledger_models import CaseClaim, DistributionRound
from app.cases.models import FundraisingCase
from app.cases.states import CaseStatus
from app.cases.views import claim_line
from app.console.forms import typed_fields
from app.console.views.case_actions import with_typed, words_of
from app.console.views.case_ledger import amount, told_problem, yuan_field
from app.console.views.fields import text
from app.foundation import clock
from app.foundation.permissions import Actor

_LONGEST: Final = 500
_PERSON: Final = {
    "name": ("姓名", 100),
    "id_number": ("证件号码", 30),
    "phone": ("联系电话", 20),
    "bank": ("开户银行", 100),
    "account": ("银行账号", 40),
    "account_name": ("户名", 100),
}
_FIELD_TEXTS: Final = {"claimed_yuan": "申报金额", "participant": "参与人信息"}
_TONES: Final = {"paid": "done", "failed": "urgent", "returned": "warn"}


def claim_view(
    actor: Actor, case: FundraisingCase, claim: CaseClaim, problem: Mapping[str, Any] | None
) -> dict[str, Any]:
    """One claim with what each round gave, what was corrected, and what this person may do."""
    where: dict[str, Any] = {"case_id": case.id, "claim_id": claim.id}
    masked, live = policy.sees_masked(actor), case.status != CaseStatus.CLOSED
    forms = [_changing(where)] if live and policy.can_report(actor, case) else []
    line = claim_line(actor, claim)
    person = line["participant"]
    return {
        "case_no": case.case_no,
        "claim": line,
        "pairs": [(label, person[name]) for name, (label, _) in _PERSON.items() if name in person],
        "states": words.CLAIM_STATE_TEXTS,
        "rounds": [_round_line(one) for one in claims.shares_and_payments(claim)],
        "corrections": [] if masked else [_correction(one) for one in claims.corrections_of(claim)],
        "forms": [with_typed(one, problem) for one in forms],
        "slip_url": url_for("console.print_claim_slip", **where) if policy.can_pay(actor, case) else None,
        "reason_field": words_of("reason", "发放用途", 200, hint="记入审计日志"),
        "action_url": url_for("console.change_claim", **where),
        "list_url": url_for("console.list_cases"),
        "case_url": url_for("console.show_case", case_id=case.id),
        "claims_url": url_for("console.list_claims", case_id=case.id),
        "problem": told_problem(problem),
    }


def _round_line(one: Mapping[str, Any]) -> dict[str, Any]:
    state = {"text": words.PAYMENT_STATE_TEXTS[one["state"]], "tone": _TONES.get(one["state"], "wait")}
    return {"round": one["round"], "yuan": one["yuan"], "state": state, "settled_on": one["settled_on"]}


def _correction(event: Any) -> dict[str, Any]:
    fields = "、".join(_FIELD_TEXTS.get(name, name) for name in event.details.get("fields", ()))
    if withdrawn := event.details.get("withdrawn_from"):
        fields += f"（撤出第 {'、'.join(map(str, withdrawn))} 批发放）"
    return {"at": clock.beijing(event.at), "by": event.actor_name, "fields": fields, "reason": event.reason}


def _changing(where: Mapping[str, Any]) -> dict[str, Any]:
    person = [words_of(name, label, longest, required=False) for name, (label, longest) in _PERSON.items()]
    return {
        "name": "change_claim",
        "label": "更正债权",
        "url": url_for("console.change_claim", **where),
        "needs": [
            yuan_field("claimed_yuan", "申报金额", required=False),
            *person,
            text("reason", "更正理由", _LONGEST, rows=2),
        ],
        "description": "只填写需要更正的栏目，留空的不变。更正后须由他人重新核实，核实前不发放："
        "已列入批次、清单尚未导出的撤出该批，核实后列入下一批；清单已导出的，须先登记银行处理结果。",
        "confirm": "更正后须重新核实。确定更正？",
        "tone": "plain",
    }


def typed_change() -> dict[str, Any]:
    """What the form of a correction says; an empty field changes nothing."""
    typed = typed_fields("reason", *_PERSON)
    person = {name: typed[name].strip() for name in _PERSON if typed.get(name, "").strip()}
    person |= {name: person[name].replace(" ", "") for name in ("id_number", "phone", "account") if name in person}
    body: dict[str, Any] = {"reason": typed.get("reason", "")}
    if person:
        body["participant"] = person
    if yuan := amount("claimed_yuan"):
        body["claimed_yuan"] = yuan
    return body


def _grouped(digits: str) -> str:
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def slip_view(actor: Actor, case: FundraisingCase, claim: CaseClaim, slip: Mapping[str, str]) -> dict[str, Any]:
    """The slip of a claim: number and code in groups that can be read out."""
    return {
        "case_no": case.case_no,
        "case_name": case.name,
        "claim_no": claim.claim_no,
        "number": _grouped(slip["query_number"]),
        "code": _grouped(slip["query_code"]),
        "unit": actor.unit_name,
        "day": clock.today(),
        "claim_url": url_for("console.show_claim", case_id=case.id, claim_id=claim.id),
        "list_url": url_for("console.list_cases"),
    }


def round_view(
    case: FundraisingCase, row: DistributionRound, found: Sequence[Mapping[str, Any]], limit: int
) -> dict[str, Any]:
    """A page of the lines of a round."""
    shown = found[:limit]
    more = shown[-1]["claim_no"] if len(found) > limit else None
    return {
        "case_no": case.case_no,
        "round": row,
        "source": words.SOURCE_TEXTS[row.source],
        "at": clock.beijing(row.computed_at),
        "lines": shown,
        "next_url": url_for("console.show_case_round", case_id=case.id, number=row.number, after=more)
        if more
        else None,
        "list_url": url_for("console.list_cases"),
        "case_url": url_for("console.show_case", case_id=case.id),
        "ledger_url": url_for("console.show_case_ledger", case_id=case.id),
    }
