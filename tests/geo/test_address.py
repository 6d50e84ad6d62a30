from __future__ import annotations

import csv
from pathlib import Path

import pytest

from app.geo.address import match
from app.geo.divisions import divisions

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
    divided = match("浙江省杭州市江干区稻香里3号")
    assert (divided.status, divided.county) == ("ambiguous", None)
    assert {a.code for a in divided.alternatives} == {"330102", "330114"}
    assert match("浙江省杭州市江干区笕桥街道稻香里3号").county == "330102"


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
