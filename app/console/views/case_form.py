"""The form of a case: fields in the order of 案件基本信息登记表, amounts in 万元, places by their names.

What is typed becomes what the office API takes; the schema then says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from flask import request, url_for

from app.cases import words
from app.cases.models import FundraisingCase
from app.cases.states import RestitutionStage, Track
from app.console.forms import typed_fields
from app.console.views.fields import Field, divisions_of, options
from app.foundation.errors import InvalidInput
from app.foundation.permissions import Actor, Permission
from app.geo.address import match
from app.geo.divisions import divisions
from app.identity.models import Unit

_WAN: Final = 10000
_MONEY: Final = tuple(name for name in words.FACT_TEXTS if name.endswith("_yuan"))
_TICKS: Final = ("cross_province", "legacy")
_CHOICES: Final[Mapping[str, Mapping[str, str]]] = {
    "method": words.METHOD_TEXTS,
    "business_category": words.CATEGORY_TEXTS,
    "found_through": words.FOUND_TEXTS,
    "level": words.LEVEL_TEXTS,
    "stability_level": words.STABILITY_TEXTS,
}
_DAYS: Final = ("occurred_on", "target_on")
_HINTS: Final[Mapping[str, str]] = {
    "case_no": "同一编号只能登记一次；重新导入时按编号更新",
    "industry": "GB/T 4754 门类字母，或者门类加二至四位代码，如 J69",
    "category_detail": "如 P2P 网络借贷、私募基金、商品回购",
    "registered_place": "据此和案发地按条例第二十条研判属地",
    "lead_place": "跨省案件的牵头地区，如 甘肃省兰州市",
    "cooperating_places": "多个地区用顿号隔开",
    "outstanding_yuan": "返还比例按已清退 / 应清退自动计算，不能填写",
    "legacy": "按本市确定的年份标准认定",
}
_SECTIONS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("基本信息", ("case_no", "name", "industry", "method", "business_category", "category_detail", "found_through",
                  "level", "occurred_on")),
    ("地区", ("registered_place", "occurrence_place", "cross_province", "lead_place", "cooperating_places")),
    ("责任落实", ("sector_regulator", "responsible_person", "responsible_phone")),
    ("司法机关", ("police_unit", "police_case_no", "procuratorate", "procuratorate_case_no", "court", "court_case_no")),
    ("金额与人数", ("involved_yuan", "outstanding_yuan", "controlled_yuan", "realised_yuan", "returned_yuan",
                    "participants", "stability_level")),
    ("化解", ("legacy", "target_on")),
)  # fmt: skip
_BLANK_PARTIES: Final = 2


def case_form(
    actor: Actor, case: FundraisingCase | None, problem: Mapping[str, Any] | None, units: Iterable[Unit]
) -> dict[str, Any]:
    """The page of the form: of a new case, or of a case with what it holds; after a refusal with what was typed."""
    errors = _by_field((problem or {}).get("errors", {}))
    values = _typed_values() if request.method == "POST" else _values(case)
    sections = [
        {"title": title, "fields": [_field(name, values.get(name), errors) for name in names]}
        for title, names in _SECTIONS
    ]
    if case is None and actor.may(Permission.CASE_REVIEW):
        sections.append({"title": "属地与已处阶段（市级登记存量案件）", "fields": _city_fields(values, units, errors)})
    here = url_for("console.show_case", case_id=case.id) if case else url_for("console.list_cases")
    return {
        "title": "修改案件信息" if case else "登记案件",
        "crumbs": [{"label": "存量案件", "href": url_for("console.list_cases")}],
        "sections": sections,
        "parties": {"rows": _party_rows(case), "error": "；".join(errors.get("parties", []))},
        "kinds": options(words.PARTY_KIND_TEXTS),
        "roles": options(words.PARTY_ROLE_TEXTS),
        "version": request.form.get("expected_version") or (case.version if case else None),
        "action_url": request.path,
        "back_url": here,
        "problem": problem and {"title": problem["title"], "text": problem.get("detail"), "fields": _told(errors)},
    }


def _by_field(errors: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Messages by the field of the form: the schema names a path (``facts.parties.0.name``)."""
    found: dict[str, list[str]] = {}
    for path, texts in errors.items():
        parts = [part for part in path.split(".") if part not in {"facts", "stages"}]
        found.setdefault(parts[0] if parts else "facts", []).extend(texts)
    return found


def _told(errors: Mapping[str, list[str]]) -> list[dict[str, str]]:
    labels = {**words.FACT_TEXTS, "division": "负责区县", "facts": "表单", "expected_version": "表单"}
    labels |= {track.value: words.TRACK_TEXTS[track] for track in Track}
    return [{"label": labels.get(name, name), "text": "；".join(texts)} for name, texts in errors.items()]


def _typed_values() -> dict[str, Any]:
    return {name: request.form.get(name, "") for name in (*words.FACT_TEXTS, "division", *(t.value for t in Track))}


def _values(case: FundraisingCase | None) -> dict[str, Any]:
    if case is None:
        return {}
    values = {name: getattr(case, name) for name in words.FACT_TEXTS if name != "parties"}
    values |= {name: in_wan(values[name]) for name in _MONEY}
    values["lead_place"] = divisions().full_name(case.lead_place) if case.lead_place else None
    values["cooperating_places"] = "、".join(divisions().full_name(code) for code in case.cooperating_places)
    return values


def in_wan(yuan: Decimal | None) -> str:
    """Yuan as 万元 with every digit and no needless nought; an empty text for none."""
    if yuan is None:
        return ""
    text = f"{yuan / _WAN:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _field(name: str, value: Any, errors: Mapping[str, list[str]]) -> Field:
    asked: Field = {
        "name": name,
        "label": words.FACT_TEXTS[name] + ("（万元）" if name in _MONEY else ""),
        "kind": "text",
        "required": name in {"case_no", "name"},
        "hint": _HINTS.get(name, ""),
        "value": "" if value is None else str(value),
        "error": "；".join(errors.get(name, [])),
    }
    if name in _CHOICES:
        return asked | {"kind": "select", "options": options(_CHOICES[name])}
    if name in _TICKS:
        return asked | {"kind": "checkbox", "value": value in {True, "true"}}
    if name in _DAYS:
        return asked | {"kind": "date"}
    return asked | ({"inputmode": "decimal"} if name in _MONEY else {})


def _city_fields(values: Mapping[str, Any], units: Iterable[Unit], errors: Mapping[str, list[str]]) -> list[Field]:
    def field(name: str, label: str, choices: list[dict[str, str]], hint: str = "") -> Field:
        asked = {"name": name, "label": label, "kind": "select", "required": False, "options": choices, "hint": hint}
        return asked | {"value": values.get(name) or "", "error": "；".join(errors.get(name, []))}

    stages = [field(track.value, words.TRACK_TEXTS[track], options(_enterable(track))) for track in Track]
    return [field("division", "负责区县", divisions_of(units), "不选则按注册地、案发地研判"), *stages]


def _enterable(track: Track) -> dict[str, str]:
    return {stage: text for stage, text in words.STAGE_TEXTS[track].items() if stage != RestitutionStage.IMPOSSIBLE}


def _party_rows(case: FundraisingCase | None) -> list[dict[str, Any]]:
    if request.method == "POST":
        rows = _typed_parties(blank=True)
    else:
        rows = [dict(party) for party in case.parties] if case else []
    more = 3 if "more" in request.form else max(0, _BLANK_PARTIES - len(rows)) or 1
    return [*rows, *({"kind": "organization", "role": "fundraiser"} for _ in range(more))]


def _typed_parties(*, blank: bool = False) -> list[dict[str, Any]]:
    columns = [request.form.getlist(f"party_{name}") for name in ("kind", "role", "name", "uscc")]
    rows = [
        {"kind": kind, "role": role, "name": name.strip(), "uscc": uscc.strip() or None}
        for kind, role, name, uscc in zip(*columns, strict=False)
    ]
    return [row for row in rows if row["name"] or (blank and row["uscc"])]


def typed_registration(actor: Actor) -> dict[str, Any]:
    """What the form of a new case says, as the office API takes it; raise ``InvalidInput``."""
    typed = typed_fields("case_no", "name", "division", *(track.value for track in Track))
    stages = (
        {t.value: typed.pop(t.value) for t in Track if t.value in typed} if actor.may(Permission.CASE_REVIEW) else {}
    )
    return typed | {"stages": stages, "facts": {k: v for k, v in _typed_facts().items() if v is not None}}


def typed_change() -> dict[str, Any]:
    """What the form of a case says; a field left empty is emptied."""
    return typed_fields("case_no", "name") | {"facts": _typed_facts()}


def _typed_facts() -> dict[str, Any]:
    """Every fact of the form; raise ``InvalidInput`` for what no schema could name."""
    names = [name for name in words.FACT_TEXTS if name not in {"case_no", "name", "parties", *_TICKS}]
    typed = typed_fields(*names)
    facts: dict[str, Any] = {name: typed[name].strip() if name in typed else None for name in names}
    errors: dict[str, list[str]] = {}
    for name in _MONEY:
        facts[name] = _in_yuan(name, facts[name], errors)
    facts["lead_place"] = _place("lead_place", facts["lead_place"], errors)
    listed = [part for part in (facts["cooperating_places"] or "").replace("，", "、").split("、") if part.strip()]
    facts["cooperating_places"] = [_place("cooperating_places", part, errors) for part in listed]
    facts["participants"] = _whole(facts["participants"], errors)
    if errors:
        raise InvalidInput("请检查标出的字段", errors=errors)
    return facts | {name: request.form.get(name) == "true" for name in _TICKS} | {"parties": _typed_parties()}


def _in_yuan(name: str, wan: str | None, errors: dict[str, list[str]]) -> str | None:
    if wan is None:
        return None
    try:
        return f"{Decimal(wan.replace(',', '').replace('，', '')) * _WAN:f}"
    except InvalidOperation:
        errors[name] = ["应为以万元为单位的数字"]
        return None


def _whole(people: str | None, errors: dict[str, list[str]]) -> int | None:
    if people is None:
        return None
    if not people.isdecimal() or len(people) > 9:  # noqa: PLR2004  # more people than there are
        errors["participants"] = ["应为整数人数"]
        return None
    return int(people)


def _place(name: str, typed: str | None, errors: dict[str, list[str]]) -> str | None:
    """The code of a place that is named; raise nothing, note what cannot be read."""
    if typed is None:
        return None
    found = match(typed)
    code = found.county or found.prefecture or found.province
    if found.status == "ambiguous" or code is None:
        errors.setdefault(name, []).append(f"未能识别地区“{typed}”，请写全省、市名称")
    return code
