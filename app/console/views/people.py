"""Acting roles, people who stand aside, and hand-over as tables and forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import request, url_for

from app.console import queries
from app.console.views import chinese
from app.console.views.actions import form_of
from app.console.views.fields import Field, FormState, select, text
from app.foundation import clock
from app.foundation.permissions import DELEGABLE_ROLES, Actor, Permission, Role
from app.identity import delegation
from app.workflow import exclusions

_LONGEST: Final = 500


def _page(title: str, lead: str, columns: list[str], rows: list[Any], forms: list[Any], empty: str) -> dict[str, Any]:
    return {"title": title, "lead": lead, "columns": columns, "rows": rows, "forms": forms, "empty_text": empty}


def _delegations(actor: Actor, state: FormState) -> dict[str, Any]:
    found = delegation.delegations(actor)
    names = queries.account_names({one for row in found for one in (row.from_account_id, row.to_account_id)})
    today = clock.today()
    rows = [
        {
            "cells": [
                names.get(row.from_account_id, ""),
                names.get(row.to_account_id, ""),
                Role(row.role).text,
                f"{chinese.day(row.starts_on)} 至 {chinese.day(row.ends_on)}",
                "正在代行" if row.starts_on <= today else "尚未开始",
                row.reason,
            ],
            "end_url": url_for("console.end_delegation", delegation_id=row.id),
            "end_label": "提前结束",
        }
        for row in found
    ]
    lead = "不在岗时由本单位同事代行职责。代行人有两个岗位，但申请、审核、调整仍须由三个不同的人办理。"
    columns = ["委托人", "代行人", "代行岗位", "起止日期", "状态", "事由"]
    return _page(
        "代行职责", lead, columns, rows, _delegation_forms(actor, state), "出差、休假前可以登记，到期自动结束。"
    )


def _delegation_forms(actor: Actor, state: FormState) -> list[dict[str, Any]]:
    grants = actor.may(Permission.ROLE_GRANT)
    if not grants and actor.role not in DELEGABLE_ROLES:
        return []
    fields: list[Field] = [_colleague("to", "代行人", actor)]
    if grants:
        fields = [_username("from", "委托人（用户名）"), _username("to", "代行人（用户名）")]
    fields += [_day("starts_on", "开始日期"), _day("ends_on", "结束日期"), text("reason", "事由", _LONGEST, rows=2)]
    described = "代行期间双方均可办理，谁办理记谁的名字；一次最长九十二天。"
    form = form_of("delegate", "登记代行", fields, described, state)
    return [form | {"url": url_for("console.delegate")}]


def _colleague(name: str, label: str, actor: Actor) -> Field:
    known = queries.colleagues(actor, DELEGABLE_ROLES)
    choices = [
        {"value": one.username, "label": f"{one.display_name}（{one.granted_role.text}，{one.username}）"}
        for one in known
    ]
    return select(name, label, choices, hint="本单位的同事" if choices else "本单位没有可以代行的同事")


def _username(name: str, label: str) -> Field:
    return {"name": name, "label": label, "kind": "text", "required": True, "max_length": 64, "autocomplete": "off"}


def _day(name: str, label: str) -> Field:
    return {"name": name, "label": label, "kind": "date", "required": True, "value": clock.today().isoformat()}


def _exclusions(actor: Actor, state: FormState) -> dict[str, Any]:
    leads = actor.may(Permission.TIP_LEAD)
    found = exclusions.exclusions_of(actor)
    names = queries.account_names({one for row in found for one in (row.account_id, row.recorded_by)})
    numbers = queries.receipt_numbers(actor, {row.tip_id for row in found if row.tip_id})
    rows = [
        {
            "cells": [
                names.get(row.account_id, ""),
                f"线索 {numbers.get(row.tip_id, '（不在辖区内）')}" if row.tip_id else f"涉及“{row.company}”的全部线索",
                row.reason,
                chinese.moment(clock.beijing(row.recorded_at)),
                names.get(row.recorded_by, "系统"),
            ],
            "end_url": url_for("console.end_exclusion", exclusion_id=row.id)
            if exclusions.can_end(actor, row)
            else None,
            "end_label": "解除回避",
        }
        for row in found
    ]
    lead = (
        "与线索有利害关系的人员应当回避，回避后不能查看、不能办理有关线索。本人可以申请，他人的回避由市级负责人决定。"
    )
    columns = ["回避人", "回避范围", "理由", "登记时间", "登记人"]
    return _page(
        "回避登记", lead, columns, rows, [_exclusion_form(leads, state)], "与被举报对象有利害关系的，请主动登记。"
    )


def _exclusion_form(leads: bool, state: FormState) -> dict[str, Any]:
    number = {
        "name": "receipt_number",
        "label": "受理编号",
        "kind": "text",
        "max_length": 40,
        "value": request.args.get("tip", "")[:40],
    }
    company = {"name": "company", "label": "企业名称或者信用代码", "kind": "text", "max_length": 200}
    fields: list[Field] = [
        number | {"hint": "只回避一件线索的填这里"},
        company | {"hint": "回避涉及一家企业的全部线索的填这里；两项只填一项"},
        text("reason", "理由", _LONGEST, rows=2),
    ]
    if leads:
        other = {"name": "account", "label": "回避人（用户名）", "kind": "text", "max_length": 64}
        fields.insert(0, other | {"hint": "不填为本人", "autocomplete": "off"})
    form = form_of("exclude", "登记回避", fields, "登记后立即生效；由市级负责人解除，本人的除外。", state)
    return form | {"url": url_for("console.exclude")}


def _hand_over(_actor: Actor, state: FormState) -> dict[str, Any]:
    fields = [_username("from", "离任者（用户名）"), _username("to", "接任者（用户名）")]
    described = "接任者须为本单位同一岗位的同事。先显示将移交的事项，确认后才办理。"
    form = form_of("hand_over", "办理移交", fields, described, state) | {"url": url_for("console.preview_hand_over")}
    lead = "人员离任、调岗时，把名下未办结的事项移交给接任者，并停用账号。线索属于单位，不随人移动。"
    return _page("离任移交", lead, [], [], [form], "")


VIEWS: Final[Mapping[str, Callable[[Actor, FormState], dict[str, Any]]]] = {
    "delegations": _delegations,
    "exclusions": _exclusions,
    "hand_over": _hand_over,
}
