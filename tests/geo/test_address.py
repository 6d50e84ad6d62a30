from __future__ import annotations

import csv
from pathlib import Path

import pytest

from app.geo.address import match
from app.geo.divisions import divisions
from app.geo.splits import splits

INVENTED = list(csv.DictReader((Path(__file__).parent / "data" / "invented_addresses.csv").open(encoding="utf-8")))


@pytest.mark.parametrize("row", INVENTED, ids=[f"{row['kind']}-{row['address']}" for row in INVENTED])
def test_invented_address(row):
    answer = match(row["address"], row["hint_code"] or None)
    assert answer.district == (row["expected"] or None)
    if row["kind"] in {"n_ambiguous", "n_contradiction"}:
        assert answer.status == "ambiguous"
        assert len(answer.alternatives) > 1


def test_evidence_says_which_characters_mean_what():
    text = "新疆乌鲁木齐市 新市区安宁渠镇四十户村"
    answer = match(text)
    assert [(e.text, e.means, e.how) for e in answer.evidence] == [
        ("新疆", "650000", "alias"),
        ("乌鲁木齐市", "650100", "name"),
        ("新市区", "650104", "name"),
        ("安宁渠镇", "650104100", "township"),
    ]
    assert all(text[e.start : e.end] == e.text for e in answer.evidence)
    assert answer.township == "650104100"


def test_evidence_points_into_the_text_as_it_was_typed():
    text = "烏魯木齊市　沙 依 巴 克 區１２號"
    answer = match(text)
    assert answer.county == "650103"
    assert [(e.text, text[e.start : e.end]) for e in answer.evidence] == [
        ("烏魯木齊市", "烏魯木齊市"),
        ("沙 依 巴 克 區", "沙 依 巴 克 區"),
    ]


def test_a_hint_that_decided_is_named_as_evidence():
    answer = match("鼓楼区榕树路3号", "350100")
    assert answer.county == "350102"
    assert ("hint", "350100") in {(e.how, e.means) for e in answer.evidence}
    assert answer.alternatives[0].code == "350102"
    assert len(answer.alternatives) > 1, "the others that bear the name stay visible"


def test_ambiguous_names_are_not_resolved_silently():
    answer = match("鼓楼区榕树路3号")
    assert (answer.status, answer.county) == ("ambiguous", None)
    assert {"350102", "320106", "410204", "320302"} <= {a.code for a in answer.alternatives}


def test_a_county_divided_since_gives_its_parts_and_the_township_decides():
    divided = match("山西省大同市南郊区稻香里3号")
    assert (divided.status, divided.county, divided.district) == ("ambiguous", None, None)
    assert {a.code for a in divided.alternatives} == {"140213", "140214"}
    assert match("浙江省杭州市江干区笕桥街道稻香里3号").county == "330102"


def test_a_divided_county_names_where_most_of_it_went_and_stays_ambiguous():
    divided = match("浙江省杭州市江干区稻香里3号")
    assert (divided.status, divided.county, divided.district) == ("ambiguous", "330102", None)
    assert [(a.code, a.score) for a in divided.alternatives] == [("330102", 0.85), ("330114", 0.15)]
    assert [(e.text, e.means, e.how) for e in divided.evidence[-2:]] == [
        ("江干区", "330102", "old_name"),
        ("江干区", "330114", "old_name"),
    ]


@pytest.mark.parametrize(
    ("text", "county"),
    [
        ("江干区下沙稻香街3号", "330114"),
        ("杭州市江干区经济技术开发区3号", "330114"),
        ("江干区丁桥镇稻香里3号", "330102"),
        ("江干区稻香里九堡家苑3号", "330102"),
        ("绍兴县孙端镇3号", "330602"),
    ],
)
def test_words_of_a_public_decision_tell_the_part(text, county):
    answer = match(text)
    assert (answer.status, answer.county) == ("matched", county)
    assert answer.evidence[-1].how == "township"


@pytest.mark.parametrize("text", ["江干区下沙路3号", "江干区九堡东路3号", "江干区稻香里在下沙与九堡之间"])
def test_a_road_leads_beyond_the_township_it_is_named_after(text):
    assert match(text).status == "ambiguous"


def test_a_code_goes_before_the_leading_candidate():
    assert match("江干区稻香里3号", None, "91330114MA1ABCDE0X").county == "330114"
    assert match("江干区稻香里3号", None, "91330106MA1ABCDE0X").status == "ambiguous", "the name binds"


def test_the_table_of_divided_counties_agrees_with_the_tree():
    for parts, split in splits().items():
        former = [row for row in divisions().history(split.name) if len(row.successor_codes) == len(parts)]
        assert any({int(code) for code in row.successor_codes} == parts for row in former), split.name
        assert split.main in parts
        for word, successor in split.words.items():
            elsewhere = {n.name for part in parts - {successor} for n in divisions().children(str(part))}
            assert not any(name.startswith(word) for name in elsewhere), word


@pytest.mark.parametrize(
    ("text", "county", "typed"),
    [
        ("乌鲁木齐市沙依克区青松巷1号", "650103", "沙依克区"),  # dropped
        ("乌鲁木齐市头屯区1号", "650106", "头屯区"),
        ("昌吉州吉木萨县1号", "652327", "吉木萨县"),
        ("乌鲁木齐市沙巴依克区青松巷1号", "650103", "沙巴依克区"),  # swapped
        ("乌鲁木齐市水沟磨区松涛路1号", "650105", "水沟磨区"),
        ("喀什地区麦提盖县1号", "653127", "麦提盖县"),
        ("乌鲁木齐市水魔沟区松涛路1号", "650105", "水魔沟区"),  # homophone
        ("乌市米冬区1号", "650109", "米冬区"),
        ("乌鲁木齐市达板城区1号", "650107", "达板城区"),
    ],
)
def test_a_name_with_one_character_dropped_swapped_or_of_the_same_sound(text, county, typed):
    answer = match(text, "650100")
    assert (answer.status, answer.county) == ("matched", county)
    assert (answer.evidence[-1].text, answer.evidence[-1].how) == (typed, "typo")
    assert answer.confidence < match(text.replace(typed, divisions().name(county)), "650100").confidence


@pytest.mark.parametrize(
    ("text", "county"),
    [
        ("乌市沙区青松巷1号", "650103"),
        ("乌市水区青松巷1号", "650105"),
        ("沙区青松巷1号", "650103"),
        ("昌吉州玛纳斯青松巷1号", "652324"),
        ("巴州库尔勒青松巷1号", "652801"),
        ("高新区飞翔路7号", "650104"),
        ("高新区（新市区）飞翔路7号", "650104"),
        ("经开区（头屯河区）飞翔路7号", "650106"),
    ],
)
def test_abbreviations_as_people_write_them(text, county):
    assert match(text, "650100").county == county


@pytest.mark.parametrize(
    ("text", "county"),
    [("新市区长春中路1号", "650104"), ("新市区北京南路1号", "650104"), ("水磨沟区南湖北路1号", "650105")],
)
def test_a_road_that_bears_another_places_name_does_not_mislead(text, county):
    answer = match(text, "650100")
    assert (answer.county, {e.text for e in answer.evidence if e.end}) == (county, {text[: text.index("区") + 1]})


def test_the_invented_addresses_cover_every_kind():
    assert len(INVENTED) >= 150
    assert len({(row["address"], row["hint_code"]) for row in INVENTED}) == len(INVENTED)
    kinds = {row["kind"] for row in INVENTED}
    assert kinds >= {
        "n_full", "n_county_first", "n_trap", "n_paren_zone", "n_split", "n_fullwidth", "n_oldname", "n_stem", "n_township",
        "n_village", "n_ambig_first", "n_local_abbr", "n_zone", "n_xpcc", "n_company", "n_road_only",
        "d_strip_trap", "d_abbrev", "d_typo", "d_trad", "d_fullwidth_space", "d_wrong_hint", "n_contradiction",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["克拉玛依东路30号", "乌鲁木齐市克拉玛依东路30号", "烏魯木齊市　克拉瑪依東路３０號"])
def test_a_road_with_a_name_from_elsewhere_is_no_answer_but_names_who_may_know(text):
    answer = match(text, "650100")
    assert (answer.status, answer.county) == ("unknown", None)
    assert answer.prefecture != "650200", "the road is named after 克拉玛依 and does not lie there"
    assert answer.confidence <= 0.6
    assert [a.code for a in answer.alternatives] == ["650105"], "a community there bears the name of the road"
    assert {(e.how, e.means) for e in answer.evidence} >= {("village", "650105")}


@pytest.mark.parametrize("text", ["昌吉路2号", "石河子路", "米东北路2号", "哈密路", "奎屯市场三楼"])
def test_a_road_that_nothing_is_known_about_is_no_answer(text):
    answer = match(text, "650100")
    assert (answer.status, answer.county, answer.prefecture) == ("unknown", None, None)


def test_a_candidate_by_the_name_of_a_road_yields_to_the_credit_code():
    assert match("乌鲁木齐市克拉玛依东路30号", "650100", "91650103MA1ABCDE0X").county == "650103"


def test_the_name_of_a_company_is_weak_evidence():
    answer = match("乌鲁木齐某某信息咨询有限公司", "650100")
    assert (answer.status, answer.county, answer.prefecture) == ("unknown", None, "650100")
    assert answer.confidence <= 0.4
    assert [a.code for a in answer.alternatives] == ["650100"], "the city, not the county that bears its name"


@pytest.mark.parametrize("hint", [None, "653100"])
def test_a_hint_that_decided_nothing_is_no_evidence(hint):
    answer = match("新市区长春中路2号", hint)
    assert answer.county == "650104", "保定's 新市区 is gone since 2015"
    assert "hint" not in {e.how for e in answer.evidence}
    assert "130602" in {a.code for a in answer.alternatives}


def test_former_names_carry_their_old_prefecture():
    answer = match("新疆昌吉州米泉市稻田路3号")
    assert (answer.county, answer.prefecture) == ("650109", "650100")
    assert answer.evidence[-1].how == "old_name"


def test_credit_code_settles_only_what_the_text_leaves_open():
    code = "91320106MA1ABCDE0X"
    assert match("鼓楼区榕树路3号", None, code).county == "320106"
    assert match("福州市鼓楼区榕树路3号", None, code).county == "350102"
    assert match("上海市某路3号", None, code).county is None


@pytest.mark.parametrize("hint", ["", "abc", "650104", "650104100", "65010", "９９９９９９", "999999", None])
def test_odd_hints_do_no_harm(hint):
    assert match("新疆乌鲁木齐市天山区青松巷1号", hint).county == "650102"


def test_the_hint_may_be_a_district_of_the_office():
    assert match("新市区红柳街6号", "650102").county == "650104"


BAD = [
    "", " ", "\n\t", "1", "13900000000", "a" * 10_000, "路" * 10_000, "乌" * 10_000, "😀😀😀",
    "<script>alert(1)</script>", "ئۈرۈمچى شەھىرى", "Ürümqi, Xinjiang", "Москва, Тверская улица 1",
    "\0\0\0", "天山\0区", "\ufeff", "\u200b\u200b", "区", "市", "县", "省市区县", "（）()[]【】",
    "'\"; DROP TABLE tips;--", "\ud800", "%s%n{0}", "市辖区", "公司", "喜洋洋商贸有限公司", "0" * 5000 + "区",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
@pytest.mark.parametrize("hint", [None, "650100"])
def test_bad_input_is_answered_as_unknown(text, hint):
    answer = match(text, hint)
    if text != "天山\0区":  # NUL bytes are taken out: what remains is a district's name
        assert (answer.status, answer.county) == ("unknown", None)
    answer.to_dict()


def test_none_is_no_address():
    assert match(None).status == "unknown"


def test_every_code_that_the_shipped_names_mean_is_current():
    from app.geo.gazetteer import gazetteer

    gaz, tree = gazetteer(), divisions()
    assert all(tree.is_current(str(r.code)) for readings in gaz.units for r in readings)
    assert all(tree.is_current(str(abs(code))) for code in gaz.town_codes)
