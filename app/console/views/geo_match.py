"""One tried address as the page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request

from app.console.views.fields import Field
from app.console.views.jurisdiction import DISPUTE_SENTENCES, match_view, place_name
from app.geo.knowledge import Citation, Reading

_LONGEST_ADDRESS = 2000
_LONGEST_CODE = 40


def question(errors: Mapping[str, list[str]]) -> list[Field]:
    """The fields of the form, filled with what was typed."""
    first = request.method == "GET"
    asked: list[Field] = [
        {
            "name": "address",
            "label": "地址",
            "kind": "textarea",
            "required": True,
            "rows": 2,
            "max_length": _LONGEST_ADDRESS,
            "hint": "可粘贴任意写法：简称、旧名、繁体、全角、错别字",
        },
        {
            "name": "uscc",
            "label": "统一社会信用代码",
            "kind": "text",
            "max_length": _LONGEST_CODE,
            "hint": "地址不能确定区（县）时作为参考",
        },
        {"name": "own_city", "label": "按本市地址识别同名区（县）", "kind": "checkbox", "value": first},
    ]
    if first:
        return asked
    return [_with_typed(one, errors) for one in asked]


def _with_typed(one: Field, errors: Mapping[str, list[str]]) -> Field:
    return one | {"value": request.form.get(one["name"], ""), "error": "；".join(errors.get(one["name"], []))}


def answer_view(address: str, reading: Reading, citation: Citation | None) -> dict[str, Any]:
    """What the address says, what to look at closer, and the precedent of the same address."""
    match = reading.match.to_dict()
    return {
        "match": match_view(address, match),
        "confidence": match["confidence"],
        "levels": [
            (label, place_name(match[level]), match[level])
            for level, label in (("prefecture", "地（州、市）"), ("county", "区（县）"), ("township", "乡镇（街道）"))
            if match[level] and (level == "prefecture" or reading.match.district)
        ],
        "doubts": [DISPUTE_SENTENCES.get(reason, reason) for reason in reading.reasons],
        "precedent": _precedent(citation) if citation else None,
    }


def _precedent(citation: Citation) -> dict[str, Any]:
    cited = citation.precedent
    return {
        "pattern": cited.pattern,
        "place_name": place_name(cited.division),
        "decided_on": cited.decided_on,
        "reference": cited.reference,
    }
