"""The proposal of Article 20 with its evidence on the address text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, NamedTuple

from app.geo.divisions import DivisionTree, divisions
from app.geo.service import region_code
from app.tips.models import Tip, TipSubject

DISPUTE_SENTENCES: Final[Mapping[str, str]] = {
    "registered_and_operating_differ": "登记地与经营地不在同一区县：登记地牵头，经营地配合，交办前须人工确认。",
    "uscc_and_address_differ": "统一社会信用代码中的登记机关与所填登记地址不在同一区县，请核对登记信息。",
    "point_and_address_differ": "举报位置与经营地址不在同一区县，请核实实际经营场所。",
    "guess_differs": "举报人所选区县与研判结果不同，以研判依据为准。",
    "ambiguous_address": "地址对应多个同名区县，不能自动确定，请结合其他材料判断。",
    "unknown_address": "地址没有写明区县，请联系举报人补充或者查询登记信息。",
    "point_near_border": "举报位置靠近区县边界，仅凭定位不能确定。",
    "zone_without_agreed_unit": "地址位于功能区，本市尚未约定由谁承办，请人工确定。",
    "zone_and_address_differ": "地址写明的区县与功能区的约定不一致，请核对实际所在地。",
    "precedent_differs": "地址写明的区县与以往的属地决定不一致，请对照该决定确认。",
    "learnt_place": "地址没有写明区县，研判结果由本办已办结线索推断，请核实。",
    "register_and_address_differ": "所填登记地址与市场主体登记信息不在同一区县，请以最新登记信息为准核对。",
    "company_deregistered": "市场主体登记信息显示该企业已注销或者被撤销登记，请核实责任主体后再交办。",
    "company_moved": "市场主体登记信息显示该企业已迁出，请核实现登记地后再交办。",
    "register_name_differs": "统一社会信用代码所属企业与所填名称不一致，请核对是哪一家。",
    "outside_region": "研判属地不在本市，应当移送有管辖权的地区或者机关。",
}
"""The stable codes of ``app/geo/jurisdiction.py`` as sentences that say what to do."""
_OTHER_DOUBT: Final = "研判结果存在其他疑点，请人工核对后再交办。"

_UNIT_LABELS: Final = {"registered": "登记地址", "operating": "经营地址"}
_PERSON_LABELS: Final = {"registered": "住所地", "operating": "经常居住地或活动地"}
_OTHER_LABELS: Final = {"register": "市场主体登记住所", "uscc": "统一社会信用代码", "point": "举报位置"}
_ORDER: Final = ("register", "registered", "operating", "uscc", "point")


def jurisdiction_view(decision: Mapping[str, Any], tip: Tip, subject: TipSubject) -> dict[str, Any]:
    """The panel of one tip; ``decision`` is the stored *Jurisdiction*."""
    texts = _texts(tip, subject) | {"register": decision.get("register", {}).get("address") or ""}
    return {
        "lead_name": place_name(decision["lead"]),
        "cooperating_names": [place_name(code) for code in decision["cooperating"]],
        "arbiter_name": place_name(decision["arbiter"]) if decision["dispute"] else "",
        "dispute": decision["dispute"],
        "dispute_reasons": [DISPUTE_SENTENCES.get(reason, _OTHER_DOUBT) for reason in decision["dispute_reasons"]],
        "needs_review": decision["needs_review"],
        "sentence": decision["explanation"],
        "sources": [
            (_labels(subject)[name], match_view(texts[name], decision["sources"][name]))
            for name in _ORDER
            if name in decision["sources"]
        ],
    }


def address_view(decision: Mapping[str, Any], name: str, text: str | None) -> dict[str, Any] | None:
    """One source of a decision, or nothing where the tip did not tell it."""
    match = decision["sources"].get(name)
    return match_view(text or "", match) if match and text else None


def match_view(text: str, match: Mapping[str, Any]) -> dict[str, Any]:
    """A *Match* with the names of its divisions; evidence keeps its place in ``text``."""
    open_between = ("county", "township") if match["status"] == "ambiguous" else ()  # a leading candidate is no answer
    levels = (level for level in ("township", "county", "prefecture", "province") if level not in open_between)
    lowest = next((match[level] for level in levels if match[level]), None)
    drawn, rest = _drawn(text, match["evidence"])
    return {
        "text": text,
        "status": match["status"],
        "confidence": match["confidence"],
        "place_name": place_name(lowest),
        "candidates": [_candidate(one["code"], one["score"]) for one in match["alternatives"]],
        "evidence": [_seen(one) for one in match["evidence"]],
        "drawn": drawn,
        "rest": rest,
    }


class _Candidate(NamedTuple):
    """A place that the address may mean, with its confidence, 0 to 1; hashable as evidence is."""

    name: str
    code: str
    score: float
    told: str
    """The confidence in per cent."""


def _candidate(code: str, score: float) -> _Candidate:
    return _Candidate(place_name(code) or code, code, score, f"{score:.0%}")


class _Evidence(NamedTuple):
    """What the matcher saw, how it knew it, and what that means; hashable, so that pages write it out once."""

    text: str
    """As it stands in the address; empty where it does not (hint, uscc, point)."""
    how: str
    means: str


def _seen(evidence: Mapping[str, Any]) -> _Evidence:
    return _Evidence(evidence["text"], evidence["how"], place_name(evidence["means"]) or evidence["means"])


def _drawn(text: str, evidence: Iterable[Mapping[str, Any]]) -> tuple[list[tuple[str, _Evidence]], str]:
    """The text cut where evidence lies: (each with what stands before it, the rest); of two that overlap the first."""
    found: list[tuple[str, _Evidence]] = []
    at = 0
    for one in sorted((one for one in evidence if one["end"]), key=itemgetter("start")):
        if one["start"] >= at:
            found.append((text[at : one["start"]], _seen(one)._replace(text=text[one["start"] : one["end"]])))
            at = one["end"]
    return found, text[at:]


def place_name(code: str | None) -> str:
    """A division with those above it; the own province is left out, as everybody here knows it."""
    return _place_name(divisions(), region_code(), code)


@lru_cache(maxsize=4096)
def _place_name(tree: DivisionTree, region: str, code: str | None) -> str:
    own, whole = tree.province_of(region), tree.full_name(code)
    return whole.removeprefix(tree.name(own)) if code != own else whole


def _labels(subject: TipSubject) -> dict[str, str]:
    return (_PERSON_LABELS if subject.kind == "individual" else _UNIT_LABELS) | _OTHER_LABELS


def _texts(tip: Tip, subject: TipSubject) -> dict[str, str]:
    return {
        "registered": subject.registered_address or "",
        "operating": subject.operating_address or "",
        "uscc": subject.uscc or "",
        "point": f"东经 {tip.longitude}，北纬 {tip.latitude}" if tip.longitude is not None else "",
    }
