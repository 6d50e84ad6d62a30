"""The office's knowledge about places as lists and forms: functional zones, local names, precedents."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import request, url_for

from app.console import forms
from app.console.views import chinese
from app.console.views.fields import LONGEST_REASON, Field, text
from app.console.views.jurisdiction import place_name
from app.foundation import clock
from app.foundation.http import load
from app.foundation.permissions import Actor
from app.geo import maintenance, queries
from app.geo.current import citation
from app.geo.divisions import divisions
from app.geo.models import GeoAlias, GeoZone, Precedent
from app.geo.schemas import AddAliasBody, AddPrecedentBody, AddZoneBody
from app.geo.service import region_code

MODELS: Final[Mapping[str, type[GeoZone | GeoAlias | Precedent]]] = {
    "zones": GeoZone,
    "aliases": GeoAlias,
    "precedents": Precedent,
}
SINGULAR: Final = {"zones": "zone", "aliases": "alias", "precedents": "precedent"}
WORDS: Final[Mapping[str, dict[str, str]]] = {
    "zones": {
        "title": "功能区约定",
        "lead": "开发区、高新区、兵团单位由谁承办。未约定的功能区，线索不自动交办。",
        "what": "功能区",
        "empty_text": "登记约定后，写有该功能区的地址即按约定研判。",
    },
    "aliases": {
        "title": "本地别称",
        "lead": "群众对区（县）、乡镇的习惯叫法。只在地址未写明区（县）时使用。",
        "what": "别称",
        "empty_text": "登记后，只写了别称的地址也能研判。",
    },
    "precedents": {
        "title": "属地先例",
        "lead": "共同的上级对争议地址的决定。同一地址再次出现时引用；与地址写明的区（县）不一致的，只作提示。",
        "what": "地址",
        "empty_text": "对争议线索作出交办决定后自动形成，也可手工登记。",
    },
}
_SCHEMAS: Final = {"zones": AddZoneBody, "aliases": AddAliasBody, "precedents": AddPrecedentBody}
_FIELDS: Final = {
    "zones": ("zone_id", "name", "aliases", "taker", "note"),
    "aliases": ("text", "division", "note"),
    "precedents": ("address", "division", "decided_on", "reference", "note"),
}
_ADD: Final = {"zones": maintenance.add_zone, "aliases": maintenance.add_alias, "precedents": maintenance.add_precedent}
_XPCC, _NOBODY = "xpcc", "nobody"
_BETWEEN_NAMES: Final = re.compile(r"[、，,；;\n]+")


def typed(kind: str) -> dict[str, Any]:
    """What the form says, as the office API would take it; raise ``InvalidInput``."""
    given = forms.typed_fields(*_FIELDS[kind])
    if kind == "zones":
        taker = given.pop("taker", _NOBODY)
        given["aliases"] = [name.strip() for name in _BETWEEN_NAMES.split(given.get("aliases", "")) if name.strip()]
        given |= {"xpcc": taker == _XPCC, "division": None if taker in {_XPCC, _NOBODY} else taker}
    body: dict[str, Any] = load(_SCHEMAS[kind](), given)
    return body


def add(actor: Actor, kind: str) -> None:
    """Note what the form says."""
    _ADD[kind](actor, typed(kind))


@dataclass(frozen=True, slots=True)
class Forms:
    """Lines of one kind with their forms; ``refused`` names the form that stays open with what was typed."""

    kind: str
    may_change: bool
    refused: str | None
    errors: Mapping[str, list[str]]

    def adding(self) -> list[dict[str, Any]]:
        """The form for a new row; none for those who only read."""
        if not self.may_change:
            return []
        what = f"登记{WORDS[self.kind]['title']}"
        url = url_for("console.add_geo_knowledge", kind=self.kind)
        return [self._form("add", what, url, _fields(self.kind, None))]

    def line(self, row: Any) -> dict[str, Any]:
        """One row: its name, who takes it, and what can be done with it."""
        return {
            "name": _name(row),
            "also": "、".join(row.aliases) if isinstance(row, GeoZone) else "",
            "taker": _taker_text(row),
            "source": _source(row),
            "note": row.note,
            "version": row.version,
            "created_at": clock.beijing(row.created_at),
            "actions": self._changes(row) if self.may_change else [],
        }

    def _changes(self, row: Any) -> list[dict[str, Any]]:
        reason = text("reason", "撤销理由", LONGEST_REASON // 4, rows=2)
        url = url_for("console.withdraw_geo_knowledge", kind=self.kind, row_id=row.id)
        found = [self._form(f"withdraw-{row.id}", "撤销", url, [reason], tone="danger")]
        if isinstance(row, GeoZone):
            url = url_for("console.change_geo_zone", row_id=row.id)
            found.insert(0, self._form(f"change-{row.id}", "修改", url, _fields(self.kind, row)))
        return found

    def _form(self, name: str, label: str, url: str, fields: list[Field], tone: str = "plain") -> dict[str, Any]:
        open_ = name == self.refused
        return {
            "name": name,
            "label": label,
            "needs": [self._typed_again(one) for one in fields] if open_ else fields,
            "irreversible": False,
            "description": "",
            "tone": tone,
            "url": url,
            "open": open_,
        }

    def _typed_again(self, one: Field) -> Field:
        told = "；".join(self.errors.get(_ASKED_AS.get(one["name"]) or one["name"], []))
        return one | {"value": request.form.get(one["name"], ""), "error": told}


_ASKED_AS: Final[Mapping[str, str]] = {"taker": "division"}


def _name(row: Any) -> str:
    if isinstance(row, Precedent):
        return row.pattern
    return row.name if isinstance(row, GeoZone) else row.text


def _taker_text(row: Any) -> str:
    if isinstance(row, GeoZone) and not row.division_code:
        return "新疆生产建设兵团" if row.xpcc else "尚未约定"
    return place_name(row.division_code)


def _source(row: Any) -> str:
    if not isinstance(row, Precedent):
        return ""
    return f"{citation(row.reference, row.number)}，{chinese.day(row.decided_on)} 决定"


def _fields(kind: str, row: Any) -> list[Field]:
    note = _line("note", "备注", 500, required=False, value=row.note if row else "")
    if kind == "zones":
        return [*_zone_names(row), _taker(row), note]
    if kind == "aliases":
        return [_line("text", "别称", 50, hint="如“老满城”"), _division("所指区（县）"), note]
    return [
        _line("address", "地址", 300, hint="写到门牌号、小区或者楼宇；开头的省、市、区（县）不计入"),
        _division("决定由谁牵头"),
        {"name": "decided_on", "label": "决定日期", "kind": "date", "required": True},
        _line("reference", "文号", 100, required=False),
        note,
    ]


def _zone_names(row: GeoZone | None) -> list[Field]:
    names = [
        _line("name", "名称", 100, required=False, value=row.name if row else "", hint="选择名录中的功能区时可不填"),
        _line(
            "aliases", "其他叫法", 500, required=False, value="、".join(row.aliases if row else ()), hint="用顿号隔开"
        ),
    ]
    if row is not None:
        return names
    listed = queries.zones_without_agreement(region_code())
    choices = [{"value": zone.zone_id, "label": zone.name} for zone in listed]
    return [{"name": "zone_id", "label": "名录中的功能区", "kind": "select", "options": choices}, *names]


def _taker(row: GeoZone | None) -> Field:
    others = [{"value": _XPCC, "label": "新疆生产建设兵团"}, {"value": _NOBODY, "label": "尚未约定"}]
    now = None if row is None else _XPCC if row.xpcc else row.division_code or _NOBODY
    choices = [*_districts(), *others]
    if now and now not in {one["value"] for one in choices}:
        choices.append({"value": now, "label": place_name(now)})
    return {"name": "taker", "label": "由谁承办", "kind": "select", "required": True, "options": choices, "value": now}


def _division(label: str) -> Field:
    return {"name": "division", "label": label, "kind": "select", "required": True, "options": _districts()}


def _districts() -> list[dict[str, str]]:
    return [{"value": one.code, "label": one.name} for one in divisions().children(region_code())]


def _line(name: str, label: str, longest: int, *, required: bool = True, value: str = "", hint: str = "") -> Field:
    asked = {"name": name, "label": label, "kind": "text", "required": required, "max_length": longest}
    return asked | {"value": value, "hint": hint}
