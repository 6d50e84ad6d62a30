"""What the office knows about places, applied to what the matcher read."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.geo.address import match
from app.geo.divisions import divisions
from app.geo.jurisdiction import Accused, Jurisdiction, decide
from app.geo.knowledge import EMPTY, KnownPrecedent, KnownZone, LearntPlace, OfficeKnowledge
from app.geo.learning import learn
from app.geo.local_names import LocalText, local_part, pattern_of

TIANSHAN, SHAYIBAKE, XINSHI, SHUIMOGOU, TOUTUNHE, MIDONG = "650102", "650103", "650104", "650105", "650106", "650109"
DECIDED_ON = date(2026, 5, 1)
KNOWN = OfficeKnowledge(
    zones=[
        KnownZone(("甘泉堡", "甘泉堡工业园"), MIDONG, counties=frozenset([MIDONG])),
        KnownZone(("空港产业新城",)),
        KnownZone(("三坪农场",), TOUTUNHE),
        KnownZone(("红旗十三连",), xpcc=True),
    ],
    aliases={"红光山": SHUIMOGOU, "小西门": TIANSHAN, "老满城": SHAYIBAKE, "104大院": XINSHI},
    precedents=[
        KnownPrecedent("友好南路12号", SHAYIBAKE, DECIDED_ON, "属地先例第12号"),
        KnownPrecedent("长春中路1号", TIANSHAN, DECIDED_ON, "乌处非办函〔2026〕3号"),
    ],
    learnt={"友好南路": LearntPlace(SHAYIBAKE, 9, 9), "幸福花园": LearntPlace(TIANSHAN, 3, 3)},
)


def found(registered: str | None, operating: str | None = None, known: OfficeKnowledge = KNOWN) -> Jurisdiction:
    accused = Accused("organization", "某公司", registered_address=registered, operating_address=operating)
    return decide(accused, "650100", known)


@pytest.mark.parametrize(
    ("address", "lead", "marked", "how"),
    [
        ("红光山会展中心3楼", SHUIMOGOU, "红光山", "alias"),
        ("乌市　小西门十字", TIANSHAN, "小西门", "alias"),
        ("甘泉堡工业园３号", MIDONG, "甘泉堡工业园", "zone"),
        ("友好南路77号", SHAYIBAKE, "友好南路", "learnt"),
        ("乌鲁木齐市幸福花园3-2-101", TIANSHAN, "幸福花园", "learnt"),
    ],
)
def test_the_office_settles_what_the_text_leaves_open(address: str, lead: str, marked: str, how: str) -> None:
    assert found(address, known=EMPTY).lead != lead or how == "zone"
    decision = found(address)
    assert decision.lead == lead
    mark = next(e for e in decision.sources["registered"].evidence if e.how == how and e.means == lead)
    assert (mark.text, address[mark.start : mark.end], mark.means) == (marked, marked, lead)


@pytest.mark.parametrize(
    "address",
    [
        "红光山路1号",  # a road named after the place
        "小红光山广场",  # the middle of a longer name
        "2104大院",  # a part of a longer number
        "西安市红光山",  # another city
        "红光山小西门",  # two local names that contradict each other
        "友好南路幸福花园对面老满城小西门",
    ],
)
def test_local_names_stay_silent_where_they_do_not_fit(address: str) -> None:
    assert found(address).lead == found(address, known=EMPTY).lead


def test_an_agreed_zone_is_no_guess_any_more() -> None:
    before, after = found("三坪农场2连", known=EMPTY), found("三坪农场2连")
    assert "zone_without_agreed_unit" in before.dispute_reasons
    assert (after.lead, after.dispute_reasons, after.needs_review, after.outcome) == (TOUTUNHE, [], False, "assign")


def test_a_zone_that_nobody_agreed_on_is_said_so() -> None:
    decision = found("空港产业新城1号")
    assert decision.lead is None
    assert "zone_without_agreed_unit" in decision.dispute_reasons
    assert decision.needs_review
    in_a_district = found("新市区空港产业新城1号")
    assert in_a_district.lead == XINSHI
    assert "zone_without_agreed_unit" in in_a_district.dispute_reasons


def test_a_zone_of_the_corps_goes_to_the_corps() -> None:
    assert found("红旗十三连1号").outcome == "xpcc"


def test_an_explicit_district_outside_an_agreed_zone_is_a_dispute_and_stays() -> None:
    decision = found("天山区甘泉堡工业园3号")
    assert (decision.lead, decision.dispute) == (TIANSHAN, True)
    assert "zone_and_address_differ" in decision.dispute_reasons


@pytest.mark.parametrize("address", ["乌鲁木齐市友好南路12号世纪大厦", "友好南路１２号"])
def test_a_precedent_decides_where_the_address_tells_nothing_certain(address: str) -> None:
    decision = found(address)
    assert (decision.lead, decision.rule, decision.needs_review) == (SHAYIBAKE, "precedent", False)
    assert decision.sources["precedent"].evidence[-1].how == "precedent"
    assert "属地先例第12号（2026年5月1日决定）" in decision.explanation
    assert decision.to_dict()["precedent"]["decided_on"] == "2026-05-01"


def test_a_precedent_never_silently_overrides_an_explicit_address() -> None:
    decision = found("新市区长春中路1号")
    assert (decision.lead, decision.dispute, decision.rule) == (XINSHI, True, "unit_registered_place")
    assert "precedent_differs" in decision.dispute_reasons
    assert "乌处非办函〔2026〕3号（2026年5月1日决定）曾决定同一地址由天山区牵头" in decision.explanation


def test_a_precedent_that_agrees_is_cited_and_changes_nothing() -> None:
    decision, plain = found("天山区长春中路1号"), found("天山区长春中路1号", known=EMPTY)
    assert (decision.lead, decision.dispute_reasons) == (plain.lead, plain.dispute_reasons)
    assert "与乌处非办函〔2026〕3号" in decision.explanation


def test_a_precedent_about_the_operating_place_waits_for_an_unknown_registration() -> None:
    assert found(None, "友好南路12号").rule == "precedent"
    registered = found("天山区解放北路3号", "友好南路12号")
    assert (registered.lead, registered.citation) == (TIANSHAN, None)


@pytest.mark.parametrize("address", ["友好南路112号", "友好南路12", "西安市友好南路12号", "小友好南路12号"])
def test_a_precedent_is_about_one_address(address: str) -> None:
    assert found(address).citation is None


def test_learnt_roads_are_as_sure_as_they_are_many_and_always_looked_at() -> None:
    many, few = found("友好南路77号"), found("幸福花园1栋")
    assert many.sources["registered"].confidence > few.sources["registered"].confidence >= 0.8
    assert many.needs_review
    assert many.dispute_reasons == ["learnt_place"]


def test_learnt_roads_do_not_choose_between_named_districts() -> None:
    text = "乌鲁木齐市沙依巴克区天山区友好南路1号"
    assert found(text).lead == found(text, known=EMPTY).lead


def test_the_public_is_told_nothing_that_rests_on_other_tips() -> None:
    for address in ("友好南路12号", "友好南路77号", "新市区长春中路1号"):
        public = found(address, known=KNOWN.public)
        assert public.to_dict() == found(address, known=EMPTY).to_dict()
    assert found("红光山会展中心", known=KNOWN.public).lead == SHUIMOGOU


@pytest.mark.parametrize(
    ("address", "places", "pattern"),
    [
        ("新疆乌鲁木齐市新市区长春中路1号3栋", ["长春中路"], "长春中路1号"),
        ("乌市友好南路12号世纪广场B座", ["友好南路", "世纪广场"], "友好南路12号"),
        ("新市区北京南路 506 号美克大厦", ["北京南路", "美克大厦"], "北京南路506号"),
        ("位于北京南路", ["北京南路"], None),
        ("天山区解放北路与人民路交叉口", ["解放北路", "人民路"], None),
        ("我家住友好南路幸福小区3-2", ["友好南路", "幸福小区"], "友好南路幸福小区"),
        ("米东区甘泉堡工业园3号", ["甘泉堡工业园"], "甘泉堡工业园3号"),
        ("新市区", [], None),
        ("", [], None),
    ],
)
def test_what_an_address_names_below_its_district(address: str, places: list[str], pattern: str | None) -> None:
    read = match(address, "650100")
    assert [place.name for place in LocalText(address, read).places()] == places
    assert pattern_of(address, read) == pattern


def test_the_local_part_of_a_typed_pattern() -> None:
    assert local_part("乌鲁木齐市新市区长春中路1号", match("乌鲁木齐市新市区长春中路1号", "650100")) == "长春中路1号"
    assert local_part("新市区1号", match("新市区1号", "650100")) is None


def test_learning_wants_enough_tips_and_a_clear_majority() -> None:
    tips = [("乌鲁木齐市友好南路1号", SHAYIBAKE)] * 3 + [("北京南路9号", XINSHI)] * 8 + [("北京南路7号", SHAYIBAKE)] * 2
    tips += [("解放北路1号", TIANSHAN)] * 2
    tips += [
        ("新市区克拉玛依西路1号", SHAYIBAKE)
    ] * 5  # says another district than it ended in: no evidence of the road
    assert learn(tips) == {"友好南路": LearntPlace(SHAYIBAKE, 3, 3)}
    assert set(learn(tips, least_count=2, least_purity=0.8)) == {"友好南路", "北京南路", "解放北路"}


# Properties -----------------------------------------------------------------------------------------------------------

_PIECES = st.sampled_from(
    ["新疆", "乌鲁木齐市", "乌市", "新市区", "天山区", "高新区", "甘泉堡", "甘泉堡工业园", "三坪农场", "红光山", "小西门", "友好南路12号",
     "长春中路1号", "友好南路", "幸福花园", "空港产业新城", "红旗十三连", "西安市", "　", "１２号", "(", "）", "路", "街道", "😀", "\x00", "at 3"]
)  # fmt: skip
_TEXTS = st.one_of(st.lists(_PIECES, max_size=8).map("".join), st.text(max_size=80))


@given(_TEXTS, st.sampled_from(["650100", None, "610100"]))
@settings(max_examples=300, deadline=None)
@example("ﷺ友好南路12号", "650100")
def test_knowledge_never_raises_and_stays_inside_the_text(text: str, hint: str | None) -> None:
    reading = KNOWN.read(text, match(text, hint))
    citation = KNOWN.cite(text, match(text, hint))
    for answer in (reading.match, *([citation.match] if citation else [])):
        assert 0 <= answer.confidence <= 1
        for mark in answer.evidence:
            assert 0 <= mark.start <= mark.end <= len(text)
            if mark.end:
                assert text[mark.start : mark.end] == mark.text
        for code in (answer.province, answer.prefecture, answer.county, answer.township):
            assert code is None or divisions().is_current(code)


@given(_TEXTS)
@settings(max_examples=300, deadline=None)
def test_what_the_text_names_is_never_replaced(text: str) -> None:
    """Aliases, learnt roads and precedents only speak where the matcher found no county by name."""
    plain = match(text, "650100")
    known = OfficeKnowledge(aliases=KNOWN.aliases, precedents=KNOWN.precedents.values(), learnt=KNOWN.learnt)
    if plain.county:
        assert known.read(text, plain).match == plain
    if plain.county and plain.confidence >= 0.9 and text.strip():
        assert found(text, known=known).lead == plain.county


@given(_TEXTS)
@settings(max_examples=100, deadline=None)
def test_nothing_known_changes_nothing(text: str) -> None:
    assert EMPTY.read(text, match(text)).match == match(text)
    assert EMPTY.cite(text, match(text)) is None
