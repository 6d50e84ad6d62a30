"""How each field that a move needs is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.files.formats import FORMATS
from app.files.service import LARGEST_FILE_BYTES
from app.identity.models import Unit
from app.workflow import limits
from app.workflow.states import (
    DESTINATION_TEXTS,
    EXTENSION_TEXTS,
    OUTCOME_TEXTS,
    SUPERVISION_TEXTS,
    Action,
    SupervisionKind,
)

Field = dict[str, Any]
LONGEST_REASON: Final = 2000
_LONGEST_TEXT: Final = 5000
_ACCEPTED_FILES: Final = ",".join(sorted({f".{extension}" for format_ in FORMATS for extension in format_.extensions}))


@dataclass(frozen=True, slots=True)
class FormState:
    """What the forms of a page know beyond the table.

    Attributes:
        units: units that a tip can go to.
        suggested_division: the leading place of the proposal.
        opens_case: the district found that a case was opened: concluding names it.
        refused: name of the action that was refused, its form stays open with what was typed.
        errors: messages by field of the refused form.
    """

    units: Iterable[Unit] = ()
    suggested_division: str | None = None
    refused: str | None = None
    errors: Mapping[str, list[str]] = field(default_factory=dict)
    opens_case: bool = False


def text(name: str, label: str, longest: int, *, required: bool = True, hint: str = "", rows: int = 4) -> Field:
    """Words of one's own."""
    asked = {"name": name, "label": label, "kind": "textarea", "required": required, "max_length": longest}
    return asked | {"hint": hint, "rows": rows}


def select(name: str, label: str, options: list[dict[str, str]], *, value: str | None = None, hint: str = "") -> Field:
    """A choice from a list."""
    asked = {"name": name, "label": label, "kind": "select", "required": True, "options": options}
    return asked | {"value": value, "hint": hint}


def options(texts: Mapping[Any, str]) -> list[dict[str, str]]:
    """Code → wording as choices."""
    return [{"value": str(value), "label": label} for value, label in texts.items()]


def divisions_of(units: Iterable[Unit]) -> list[dict[str, str]]:
    """Units as choices, by the division they answer for."""
    return [{"value": unit.division_code, "label": unit.name} for unit in units]


def evidence() -> Field:
    """Files that prove what a request says."""
    megabytes = LARGEST_FILE_BYTES // 1024 // 1024
    return {
        "name": "evidence",
        "label": "佐证材料",
        "kind": "file",
        "required": True,
        "multiple": True,
        "accept": _ACCEPTED_FILES,
        "max_bytes": LARGEST_FILE_BYTES,
        "hint": f"至少一份，如登记信息、租赁合同、现场照片；合计不超过 {megabytes} MB",
    }


def _division(_action: Action, state: FormState) -> Field:
    hint = "已按研判结果预选，请核对后交办"
    return select("division", "承办属地", divisions_of(state.units), value=state.suggested_division, hint=hint)


def _outcome(_action: Action, _state: FormState) -> Field:
    return select("outcome", "核查结论", options(OUTCOME_TEXTS))


_TEXTS: Final[Mapping[Action, tuple[str, str]]] = {
    Action.REPLY: ("答复内容", "举报人凭查询码看到这段话，不要写出举报内容和被举报人的详细情况"),
    Action.SUBMIT_FEEDBACK: ("核查情况", ""),
    Action.ASK_SUPPLEMENT: (
        "请举报人补充的内容",
        "举报人凭查询码看到这段话；并入本件的其他举报人也看到，有并案的，不要写出任何举报人的信息",
    ),
}


def _text(action: Action, _state: FormState) -> Field:
    label, hint = _TEXTS[action]
    return text("text", label, _LONGEST_TEXT, hint=hint, rows=6)


_TOLD: Final = {
    Action.REJECT: "举报人凭查询码看到这段话；并入本件的其他举报人也看到，不要写出任何举报人的信息",
    Action.EXTEND: "延长总期限的，举报人和并入本件的其他举报人凭查询码看到这段话，不要写出任何举报人的信息",
}
"""Where the reason is no word among officers."""


def _reason(action: Action, _state: FormState) -> Field:
    return text("reason", "理由", LONGEST_REASON, hint=_TOLD.get(action, ""))


def _agree(_action: Action, _state: FormState) -> Field:
    return select("agree", "审定意见", options({"true": "同意退回", "false": "不同意退回"}))


def _number(_action: Action, _state: FormState) -> Field:
    return {"name": "number", "label": "回执编号", "kind": "text", "required": True, "max_length": 100}


def _received_on(_action: Action, _state: FormState) -> Field:
    return {"name": "received_on", "label": "收到回执日期", "kind": "date", "required": True}


def _reason_code(_action: Action, _state: FormState) -> Field:
    return select("reason_code", "不予受理的理由", options(limits.reasons(limits.REJECTION)))


def _route(_action: Action, _state: FormState) -> Field:
    hint = "告诉举报人应向哪里反映，如信访、12315、公安机关；举报人凭查询码看到这段话"
    return text("route", "其他反映渠道", 500, hint=hint, rows=2)


def _into(_action: Action, _state: FormState) -> Field:
    asked = {"name": "into", "label": "并入哪一件（受理编号）", "kind": "text", "required": True, "max_length": 40}
    return asked | {"hint": "主件须尚未办结；并案后本件随主件办理", "inputmode": "numeric"}


def _kind(_action: Action, _state: FormState) -> Field:
    by_hand = {kind: wording for kind, wording in SUPERVISION_TEXTS.items() if kind is not SupervisionKind.LEADER}
    return select("kind", "督办方式", options(by_hand))


def _clock(_action: Action, _state: FormState) -> Field:
    return select("clock", "延长哪一项期限", options(EXTENSION_TEXTS), hint="每项期限只能延长一次，须告知举报人原因")


def _destination(_action: Action, _state: FormState) -> Field:
    return select(
        "to",
        "移送至",
        options(DESTINATION_TEXTS),
        hint="移送公安机关的，须先提请移送；移送其他地州市、外省的，经自治区转送",
    )


CASE_NUMBER: Final[Field] = {
    "name": "case_no",
    "label": "案件编号",
    "kind": "text",
    "required": False,
    "max_length": 60,
    "hint": "填已登记案件的编号则并入该案；填新编号或者不填则新建案件",
}
"""Asked for when a tip is concluded as a case: which one it joins or creates."""


FIELDS: Final[Mapping[str, Callable[[Action, FormState], Field]]] = {
    "division": _division,
    "outcome": _outcome,
    "text": _text,
    "reason": _reason,
    "agree": _agree,
    "number": _number,
    "received_on": _received_on,
    "reason_code": _reason_code,
    "route": _route,
    "into": _into,
    "kind": _kind,
    "clock": _clock,
    "to": _destination,
}
"""By the names in ``Transition.needs``."""
