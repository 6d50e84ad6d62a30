"""Networks by role as a table, a history and a form."""

from __future__ import annotations

from typing import Any, Final

from flask import request

from app.console import queries
from app.console.views.fields import options, select, text
from app.foundation import clock
from app.foundation.permissions import Actor, Role
from app.identity import address_ranges
from app.identity.models import AddressRange

_EVERYWHERE: Final = "不限"
_LONGEST: Final = 500
_LONGEST_LIST: Final = 5000


def ranges_view(actor: Actor, address: str | None, errors: dict[str, list[str]]) -> dict[str, Any]:
    """What holds now by role, every row, and the form; after a refusal with what was typed."""
    rows = address_ranges.history()
    names = queries.account_names({row.set_by for row in rows if row.set_by})
    return {
        "roles": [{"role": role.text, "networks": _listed(address_ranges.networks_of(role))} for role in Role],
        "rows": [_row(one, names) for one in rows],
        "fields": _fields(errors, bool(errors.get("even_without_me"))),
        "address": address,
        "own_role": actor.role.text if actor.role else "",
    }


def _listed(networks: Any) -> str:
    return "、".join(str(one) for one in networks) or _EVERYWHERE


def _row(one: AddressRange, names: Any) -> dict[str, Any]:
    return {
        "role": Role(one.role).text,
        "networks": _listed(one.networks),
        "starts_at": clock.beijing(one.starts_at),
        "future": one.starts_at > clock.now(),
        "reason": one.reason,
        "set_by": names.get(one.set_by, "系统"),
    }


def _fields(errors: dict[str, list[str]], warned: bool) -> list[dict[str, Any]]:
    roles = options({role.value: role.text for role in Role})
    hint = "每行一个，如 10.1.0.0/16 或者 10.1.2.3；不填为取消限制"
    fields = [
        select("role", "岗位", roles),
        text("networks", "允许的网段", _LONGEST_LIST, required=False, hint=hint),
        {"name": "starts_at", "label": "生效时间", "kind": "datetime-local", "hint": "北京时间；不填为立即生效"},
        text("reason", "理由", _LONGEST, rows=2),
    ]
    if warned:
        fields.append({"name": "even_without_me", "label": "我已知晓，本人将不能从当前地址登录", "kind": "checkbox"})
    return [
        one | {"value": request.form.get(one["name"], ""), "error": "；".join(errors.get(one["name"], []))}
        for one in fields
    ]
