"""What must hold for every text, tried on texts made of real names, fragments of them and noise."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from app.geo.address import match
from app.geo.divisions import divisions
from app.geo.gazetteer import gazetteer
from app.geo.normalise import fold, normalise
from app.geo.reading import read_closely, resolve

INVENTED = list(csv.DictReader((Path(__file__).parent / "data" / "invented_addresses.csv").open(encoding="utf-8")))
HINTS = ["", "650100", "330100", "110000", "650000", "659001", "350102"]


@cache
def names() -> list[str]:
    rows = [division for code in ("650000", "330000", "110000", "440000") for division in divisions().children(code)]
    rows += [child for row in rows for child in divisions().children(row.code)]
    noise = [
        "路",
        "北路",
        "12号",
        "(",
        "）",
        " ",
        "　",
        "\0",
        "公司",
        "高新区",
        "经开区",
        "米泉市",
        "江干区",
        "烏魯木齊",
        "1",
        "a",
        "😀",
    ]
    return [*(row.name for row in rows), *(row.short_name for row in rows), "三坪农场", "新疆", "浙江省", *noise]


texts = st.one_of(
    st.text(max_size=60),
    st.lists(st.deferred(lambda: st.sampled_from(names())), max_size=8).map("".join),
    st.sampled_from([row["address"] for row in INVENTED]),
)
hints = st.sampled_from(HINTS)


@settings(max_examples=600, deadline=None)
@given(texts, hints)
def test_match_never_raises_and_its_parts_agree(text, hint):
    answer = match(text, hint)
    tree = divisions()
    for evidence in answer.evidence:
        assert 0 <= evidence.start <= evidence.end <= len(text)
        if evidence.end:
            assert text[evidence.start : evidence.end] == evidence.text
        assert evidence.how in {
            "name",
            "alias",
            "old_name",
            "zone",
            "township",
            "village",
            "hint",
            "uscc",
            "point",
            "typo",
        }
    told = [answer.province, answer.prefecture, answer.county, answer.township, *(a.code for a in answer.alternatives)]
    assert all(tree.is_current(code) for code in told if code)
    assert 0 <= answer.confidence <= 1
    assert [a.score for a in answer.alternatives] == sorted((a.score for a in answer.alternatives), reverse=True)
    if answer.county:
        leading = answer.status == "ambiguous" and answer.district is None and len(answer.alternatives) > 1
        assert answer.status == "matched" or leading, "a county of an ambiguous answer is its leading candidate"
        assert answer.province == tree.province_of(answer.county)
        assert answer.prefecture == tree.prefecture_of(answer.county)
        assert answer.alternatives[0].code == answer.county
        assert answer.township is None or tree.county_of(answer.township) == answer.county
    if answer.status == "unknown":
        assert answer.county is None


@settings(max_examples=600, deadline=None)
@given(texts, hints)
def test_the_quick_reading_is_the_close_reading(text, hint):
    gaz = gazetteer()
    plain, _ = normalise(text)
    number = int(hint or 0)
    assert resolve(plain, gaz, number) == read_closely(plain, gaz, number, gaz.find(plain))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([row for row in INVENTED if row["expected"] and not row["hint_code"]]), hints)
def test_a_hint_never_overrules_an_explicit_text(row, hint):
    assert match(row["address"], hint).district == row["expected"]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([row for row in INVENTED if row["expected"]]))
def test_the_full_official_prefix_never_spoils_a_right_answer(row):
    expected = row["expected"]
    assert match(row["address"], row["hint_code"]).district == expected
    above = divisions().full_name(divisions().get(expected).parent_code)
    for prefix in (above, divisions().full_name(expected)):
        assert match(prefix + row["address"], row["hint_code"]).district in {expected, None}


@settings(max_examples=400, deadline=None)
@given(texts)
def test_normalisation_maps_every_character_back(text):
    plain, positions = normalise(text)
    if positions is None:
        positions = list(range(len(plain) + 1))
    assert len(positions) == len(plain) + 1
    assert positions == sorted(positions)
    assert positions[-1] <= len(text)
    for char, place in zip(plain, positions, strict=False):
        assert char == fold(text[place])


@cache
def counties_of_xinjiang() -> list[tuple[str, str, str]]:
    """(prefecture's full name, county's name, code) of every county with a name of four characters or more."""
    found = []
    for prefecture in divisions().children("650000"):
        above = divisions().full_name(prefecture.code)
        below = divisions().children(prefecture.code)
        found += [(above, one.name, one.code) for one in below if one.level == 3 and len(one.name) >= 4]
    return found


@settings(max_examples=300, deadline=None)
@given(st.deferred(lambda: st.sampled_from(counties_of_xinjiang())), st.integers(0, 20), st.sampled_from("掉换错"))
def test_one_slip_in_a_county_name_never_leads_to_another_county(county, place, slip):
    above, name, code = county
    at = place % (len(name) - 2)  # the last characters tell what kind of unit it is
    if slip == "掉":
        typed = name[:at] + name[at + 1 :]
    elif slip == "换":
        typed = name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    else:
        typed = name[:at] + "囧" + name[at + 1 :]
    answer = match(f"{above}{typed}青松路1号")
    assert answer.county in (code, None)
    if typed != name and slip == "错":
        assert answer.county == code
        assert answer.evidence[-1].how == "typo"
