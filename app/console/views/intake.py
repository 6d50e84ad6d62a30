"""The form for a tip that reached the office by telephone, letter or in person.

Fields bear the names that the API gives them (``tip.subject.name``), so that a fault of its schema finds its field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

from flask import url_for
from werkzeug.datastructures import MultiDict

from app.console.views.fields import Field, evidence, options
from app.foundation import clock
from app.foundation.permissions import Actor
from app.geo.divisions import divisions
from app.geo.service import region_code
from app.tips import dictionaries, schemas
from app.tips.assisted_filing import CHANNELS
from app.tips.lines import lines_by_id
from app.workflow.states import Status

_YES_NO: Final = {"true": True, "false": False}
_NAMING: Final = {"anonymous": "匿名", "named": "实名"}
_YES_NO_TEXTS: Final = {"true": "是", "false": "否"}


def _line(
    name: str, label: str, longest: int = 200, *, required: bool = False, kind: str = "text", **more: Any
) -> Field:
    return {"name": name, "label": label, "kind": kind, "max_length": longest, "required": required, **more}


def _area(name: str, label: str, longest: int, rows: int, hint: str = "") -> Field:
    return _line(name, label, longest, kind="textarea", rows=rows, hint=hint)


def _choice(name: str, label: str, texts: Mapping[Any, str], *, required: bool = False, hint: str = "") -> Field:
    return {
        "name": name,
        "label": label,
        "kind": "select",
        "options": options(texts),
        "required": required,
        "hint": hint,
    }


# long because every field of the form is named once, in the order in which an officer asks for it.
def _sections() -> list[tuple[str, list[Field]]]:
    districts = {division.code: division.name for division in divisions().children(region_code())}
    files = evidence() | {"label": "随附材料", "required": False, "hint": "来信扫描件、合同、收据等，可以不附"}
    return [
        ("来源", [
            _choice("channel", "登记渠道", CHANNELS, required=True),
            _line("received_on", "收到日期", kind="date", hint="来电、来信、来访的日期；登记时间由系统记录"),
            _line("source_number", "来源编号", 60, hint="来信编号、工单号等"),
        ]),
        ("被举报对象", [
            _choice("tip.subject.kind", "类别", schemas.SUBJECT_KINDS, required=True),
            _line("tip.subject.name", "名称或者姓名", hint="名称、网络账号、情况说明至少填一项"),
            _line("tip.subject.uscc", "统一社会信用代码", 40, hint="校验位不符也可以登记"),
            _line("tip.subject.registered_address", "登记地址（个人填住址）", 300),
            _line("tip.subject.operating_address", "经营或者活动地址", 300),
            _line("tip.subject.contact", "联系方式"),
            _area("tip.subject.online_presence", "网站、App、公众号、群名", 3000, 2, "一行一个"),
            _choice("tip.district_guess", "举报人认为的属地", districts, hint="不清楚的不选"),
        ]),
        ("举报内容", [
            _area("tip.conduct.description", "情况说明", 5000, 7, "按举报人原话记录"),
            _choice("tip.conduct.type", "行为类型", dictionaries.offered(dictionaries.CONDUCT)),
            _line("tip.conduct.promised_return", "承诺回报", 500),
            _choice("tip.conduct.ongoing", "是否仍在进行", _YES_NO_TEXTS),
            _line("tip.conduct.started_on", "开始时间", kind="date"),
            _choice("tip.conduct.amount_band", "金额（大约）", schemas.AMOUNT_BANDS),
            _line("tip.conduct.amount_yuan", "金额（元）", 20, inputmode="decimal"),
            _choice("tip.conduct.participants_band", "人数（大约）", schemas.PARTICIPANTS_BANDS),
            _line("tip.conduct.participants", "人数", 12, inputmode="numeric"),
            _line("tip.conduct.loss_yuan", "举报人损失（元）", 20, inputmode="decimal"),
            _choice("tip.relation", "举报人与此事的关系", dictionaries.offered(dictionaries.RELATION)),
            files,
        ]),
        ("举报人", [
            _choice("naming", "是否署名", _NAMING, required=True, hint="选匿名的，下面各项不保存"),
            _line("tip.reporter.name", "姓名", 100, autocomplete="off"),
            _line("tip.reporter.phone", "电话", 20, autocomplete="off", inputmode="tel"),
            _line("tip.reporter.email", "电子邮箱", 254, autocomplete="off", inputmode="email"),
            _choice("tip.reporter.reply_channel", "答复方式", schemas.REPLY_CHANNELS),
            _choice("tip.reporter.wants_reward", "是否申请奖励", _YES_NO_TEXTS),
            _line("tip.reporter.id_number", "身份证号", 20, autocomplete="off", hint="只有申请奖励时才需要"),
        ]),
    ]  # fmt: skip


def form_view(typed: MultiDict[str, str] | None, errors: Mapping[str, list[str]]) -> dict[str, Any]:
    """The form empty, or with what was typed and what is wrong with it."""
    given = typed if typed is not None else MultiDict({"received_on": clock.today().isoformat(), "naming": "anonymous"})
    sections = [
        {"title": title, "fields": [_filled(one, given, errors) for one in fields]} for title, fields in _sections()
    ]
    chosen = given.getlist("tip.conduct.publicity")
    return {
        "sections": sections,
        "publicity": [
            {"value": code, "label": text, "checked": code in chosen}
            for code, text in dictionaries.offered(dictionaries.PUBLICITY).items()
        ],
        "client_request_id": given.get("tip.client_request_id") or str(uuid4()),
    }


def _filled(one: Field, given: MultiDict[str, str], errors: Mapping[str, list[str]]) -> Field:
    told = "；".join(errors.get(one["name"], []))
    return one | {"value": "" if one["kind"] == "file" else given.get(one["name"], ""), "error": told}


def labelled(errors: Mapping[str, list[str]]) -> list[dict[str, str]]:
    """What is wrong, each beside the label of its field."""
    labels = {one["name"]: one["label"] for _, fields in _sections() for one in fields}
    return [{"label": labels.get(name, "表单"), "text": "；".join(texts)} for name, texts in errors.items()]


def body_of(given: MultiDict[str, str]) -> dict[str, Any]:
    """The body of ``POST /office/assisted-filings`` as the form says it; the schema judges it afterwards."""
    body: dict[str, Any] = {"tip": {"subject": {}, "conduct": {}, "reporter": {}}}
    names = [one["name"] for _, fields in _sections() for one in fields if one["kind"] != "file"]
    for name in ("tip.client_request_id", *names):
        if name != "naming":
            _put(body, name, _value(name, given.get(name, "").replace("\r\n", "\n").strip()))
    body["tip"]["conduct"]["publicity"] = given.getlist("tip.conduct.publicity")
    if given.get("naming") == "named":
        reporter = body["tip"]["reporter"]
        reporter |= {name: reporter[name] or "" for name in ("name", "phone")}
        reporter["wants_reward"] = reporter["wants_reward"] or False
    else:
        body["tip"]["reporter"] = None
    return body


def _value(name: str, text: str) -> Any:
    if name == "tip.subject.online_presence":
        return [line.strip() for line in text.splitlines() if line.strip()]
    if name in {"tip.conduct.ongoing", "tip.reporter.wants_reward"}:
        return _YES_NO.get(text)
    if name == "tip.conduct.participants" and text.isascii() and text.isdecimal():
        return int(text)
    return text or None


def _put(body: dict[str, Any], name: str, value: Any) -> None:
    *outer, inner = name.split(".")
    for part in outer:
        body = body[part]
    body[inner] = value


def entered_lines(actor: Actor, found: Sequence[Any]) -> list[dict[str, Any]]:
    """What an officer entered; status and address of a tip only where it is within sight."""
    seen = lines_by_id(actor, (row.id for row in found))
    return [
        {
            "receipt_number": row.receipt_number,
            "href": url_for("console.show_tip", tip_id=row.id) if row.id in seen else None,
            "status": Status(seen[row.id].status) if row.id in seen else None,
            "channel_text": CHANNELS.get(row.channel, row.channel),
            "received_on": row[0].received_on,
            "source_number": row[0].source_number,
            "registered_at": clock.beijing(row.registered_at),
        }
        for row in found
    ]
