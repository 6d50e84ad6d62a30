"""Units as lines of a tree, one unit with its forms, and the functional zones with who takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import url_for

from app.audit.queries import changed_at_number, changes_of
from app.console import queries
from app.console.views.actions import form_of
from app.console.views.changes import change_lines
from app.console.views.fields import Field, FormState, options, select, text
from app.console.views.jurisdiction import place_name
from app.foundation.permissions import Actor, Permission
from app.geo.divisions import divisions
from app.geo.queries import zones_without_agreement
from app.geo.service import region_code
from app.identity.models import Unit
from app.identity.queries import active_units, handling_unit_of
from app.identity.units import KIND_TEXTS

_LONGEST_REASON: Final = 500


def lines(tree: Sequence[tuple[int, Unit]]) -> list[dict[str, Any]]:
    """One line a unit, ``depth`` levels below the top."""
    return [
        {
            "href": url_for("console.show_unit", unit_id=unit.id),
            "name": unit.name,
            "depth": min(depth, 4),
            "kind": KIND_TEXTS[unit.kind],
            "place": divisions().name(unit.division_code) or "",
            "division": unit.division_code,
            "phone": unit.phone,
            "active": unit.active,
        }
        for depth, unit in tree
    ]


def zones() -> list[dict[str, str]]:
    """Functional zones with who takes their tips; those that nothing was agreed about come first."""
    open_ones = [{"name": zone.name, "taker": ""} for zone in zones_without_agreement(region_code())]
    noted = [
        {"name": zone.name, "taker": _taker(zone.division_code, xpcc=zone.xpcc)} for zone in queries.agreed_zones()
    ]
    return sorted([*open_ones, *noted], key=lambda zone: (zone["taker"] != "", zone["name"]))


def _taker(division: str | None, *, xpcc: bool) -> str:
    if xpcc:
        return "新疆生产建设兵团"
    unit = handling_unit_of(division) if division else None
    return f"{place_name(division)}（{unit.name}）" if division and unit else place_name(division) if division else ""


def adding(actor: Actor, state: FormState) -> list[dict[str, Any]]:
    """The form for a new unit, for who keeps units."""
    if not actor.may(Permission.UNIT_MANAGE):
        return []
    fields = [select("kind", "单位类别", options(KIND_TEXTS)), *_fields(None)]
    described = "新增后即可为单位创建账号；该区划的线索由本单位承办。"
    form = form_of("add_unit", "新增单位", fields, described, state)
    return [form | {"url": url_for("console.add_unit")}]


def _fields(unit: Unit | None) -> list[Field]:
    above = [one for one in active_units() if unit is None or one.id != unit.id]
    parent = next((one.division_code for one in above if unit and one.id == unit.parent_id), None)
    below: Field = select(
        "parent",
        "上级单位",
        [{"value": one.division_code, "label": one.name} for one in above],
        value=parent,
        hint="不选的，按行政区划自动确定",
    )
    return [
        _line("name", "单位名称", 100, unit.name if unit else ""),
        _line("division", "区划代码", 9, unit.division_code if unit else "", hint="六位；乡镇（街道）为九位"),
        below | {"required": False},
        _line("phone", "办公电话", 60, unit.phone if unit else "") | {"required": False},
        _line("email", "办公邮箱", 254, unit.email if unit else "") | {"required": False},
    ]


def _line(name: str, label: str, longest: int, value: str, *, hint: str = "") -> Field:
    asked: Field = {"name": name, "label": label, "kind": "text", "required": True, "max_length": longest}
    return asked | {"value": value, "hint": hint, "autocomplete": "off"}


def detail(unit: Unit, held: Mapping[str, int], state: FormState, *, keeps: bool) -> dict[str, Any]:
    """One unit; ``held``: what is open with it."""
    parent = queries.unit_names({unit.parent_id}).get(unit.parent_id, "")
    return {
        "name": unit.name,
        "active": unit.active,
        "version": changed_at_number("unit", unit.id),
        "facts": [
            ("单位类别", KIND_TEXTS[unit.kind]),
            ("区划", f"{divisions().full_name(unit.division_code)}（{unit.division_code}）"),
            ("上级单位", parent),
            ("办公电话", unit.phone),
            ("办公邮箱", unit.email),
            *((label, f"{count} 项") for label, count in held.items()),
        ],
        "forms": _forms(unit, held, state) if keeps else [],
        "changes": change_lines(changes_of("unit", [unit.id])) if keeps else None,
        "people_url": url_for("console.list_accounts", unit=unit.id) if keeps else None,
    }


def _forms(unit: Unit, held: Mapping[str, int], state: FormState) -> list[dict[str, Any]]:
    described = "区划代码改变的，今后该区划的线索由本单位承办，在办线索不移动。"
    why = text("reason", "理由", _LONGEST_REASON, rows=2)
    found = [_form("change_unit", "修改单位", [*_fields(unit), why], described, state, unit)]
    if not unit.active:
        described = "恢复后，该区划的新线索由本单位承办。"
        return [*found, _form("reactivate_unit", "恢复使用", [why], described, state, unit)]
    left = "、".join(f"{label} {count} 项" for label, count in held.items())
    described = f"尚有{left}，全部移交、调整后才能停用。" if left else "停用后，该区划由上级单位承办。"
    off = _form("deactivate_unit", "停用单位", [why], described, state, unit)
    return [*found, off | {"tone": "danger", "confirm": f"停用{unit.name}。确认？"}]


def _form(name: str, label: str, fields: list[Field], described: str, state: FormState, unit: Unit) -> dict[str, Any]:
    return form_of(name, label, fields, described, state) | {"url": url_for(f"console.{name}", unit_id=unit.id)}
