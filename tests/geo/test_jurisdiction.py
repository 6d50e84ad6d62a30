from __future__ import annotations

import json
from datetime import date

import pytest

from app.geo.jurisdiction import Accused, decide
from app.geo.registered import RegisterEntry
from app.geo.uscc import check_digit


def code(region: str) -> str:
    body = f"91{region}MA7ABCDE1"
    return body + check_digit(body)


def unit(**facts: object):
    return decide(Accused("organization", **facts))


def test_a_units_registered_place_leads_and_other_places_cooperate():
    found = unit(registered_address="乌鲁木齐市新市区云杉街3号", operating_address="天山区青松巷1号")
    assert (found.lead, found.cooperating, found.arbiter) == ("650104", ["650102"], "650100")
    assert found.dispute
    assert found.dispute_reasons == ["registered_and_operating_differ"]
    assert found.needs_review
    assert (found.rule, found.outcome) == ("unit_registered_place", "assign")
    assert "由新市区牵头" in found.explanation
    assert "第二十条" in found.explanation
    assert "乌鲁木齐市处置非法集资牵头部门" in found.explanation


def test_one_clear_place_needs_nobody():
    found = unit(registered_address="新市区云杉街3号", operating_address="乌鲁木齐市新市区云帆路5号")
    assert (found.lead, found.dispute, found.needs_review) == ("650104", False, False)


def test_a_persons_domicile_leads():
    found = decide(Accused("individual", "张某", registered_address="米东区稻香街19号"))
    assert (found.lead, found.rule, found.needs_review) == ("650109", "individual_domicile", False)


def test_a_persons_residence_is_proposed_for_review():
    found = decide(Accused("individual", "张某", operating_address="米东区稻香街19号"))
    assert (found.lead, found.rule, found.needs_review) == ("650109", "individual_residence", True)


def test_the_credit_code_stands_in_for_a_missing_registered_address():
    found = unit(uscc=code("650105"), operating_address="天山区青松巷1号")
    assert (found.lead, found.cooperating) == ("650105", ["650102"])
    assert found.dispute_reasons == ["registered_and_operating_differ"]


def test_code_and_address_that_differ_are_reported():
    found = unit(uscc=code("650105"), registered_address="乌鲁木齐市天山区青松巷1号")
    assert found.lead == "650102"
    assert "uscc_and_address_differ" in found.dispute_reasons
    assert found.needs_review


def test_a_code_of_the_city_contradicts_no_district():
    assert not unit(uscc=code("650100"), registered_address="天山区青松巷1号").needs_review


def test_only_a_place_of_conduct_is_a_proposal():
    found = unit(operating_address="天山区青松巷1号")
    assert (found.lead, found.rule, found.needs_review) == ("650102", "place_of_conduct", True)


def test_a_point_far_from_the_address():
    place = {"longitude": 87.6, "latitude": 43.8, "datum": "gcj02"}
    found = unit(registered_address="米东区稻香街1号", operating_address="米东区稻香街1号", place=place)
    assert "point_and_address_differ" in found.dispute_reasons
    assert "650103" in found.cooperating


@pytest.mark.parametrize("place", [{}, {"longitude": "x", "latitude": 1}, {"longitude": None, "latitude": None}])
def test_a_broken_point_is_no_signal(place):
    assert unit(registered_address="天山区青松巷1号", place=place).lead == "650102"


def test_the_guess_is_the_weakest_signal():
    found = unit(registered_address="天山区青松巷1号", district_guess="650104")
    assert (found.lead, found.dispute_reasons) == ("650102", ["guess_differs"])
    assert not found.needs_review, "a wrong guess never delays"
    agreed = unit(registered_address="天山区青松巷1号", district_guess="650102")
    assert agreed.dispute_reasons == []


def test_nothing_but_a_guess():
    found = unit(district_guess="650104")
    assert (found.lead, found.needs_review, found.rule) == ("650104", True, "reporter_guess")


@pytest.mark.parametrize("guess", [None, "", "000000", "652303", "abc"])
def test_nothing_at_all(guess):
    found = decide(Accused(district_guess=guess))
    assert (found.lead, found.arbiter, found.outcome, found.needs_review) == (None, None, "unknown", True)


@pytest.mark.parametrize(
    ("address", "lead", "outcome"),
    [
        ("新疆昌吉州昌吉市榆林北巷5号", "652301", "other_prefecture"),
        ("上海市浦东新区海棠路1号", "310115", "other_province"),
        ("新疆石河子市白杨小区", "659001", "xpcc"),
        ("乌鲁木齐市头屯河区三坪农场一连", "650106", "xpcc"),
        ("浙江省杭州市江干区稻香里3号", None, "other_province"),
        ("乌鲁木齐市喜洋洋路8号", None, "unknown"),
    ],
)
def test_outcomes_beyond_the_city_are_no_errors(address, lead, outcome):
    found = unit(registered_address=address)
    assert (found.lead, found.outcome) == (lead, outcome)
    assert found.needs_review
    assert ("outside_region" in found.dispute_reasons) == (outcome not in {"assign", "unknown"})


def test_another_office_sees_the_same_place_as_its_own():
    accused = Accused("organization", registered_address="昌吉市榆林北巷5号")
    assert decide(accused, "652300").outcome == "assign"


def test_across_provinces_only_the_centre_decides():
    found = unit(registered_address="上海市浦东新区海棠路1号", operating_address="天山区青松巷1号")
    assert found.arbiter is None
    assert "联席会议" in found.explanation


def test_a_zone_needs_an_agreed_unit():
    found = unit(registered_address="高新区飞翔路7号")
    assert (found.lead, found.dispute_reasons) == ("650104", ["zone_without_agreed_unit"])


def test_an_unclear_address_is_said_to_be_unclear():
    divided = unit(registered_address="浙江省杭州市江干区稻香里3号")
    assert (divided.lead, divided.dispute_reasons[0]) == (None, "ambiguous_address"), (
        "a leading candidate is no district"
    )
    assert unit(registered_address="乌鲁木齐市喜洋洋路8号").dispute_reasons == ["unknown_address"]


def test_the_contract():
    found = unit(registered_address="新市区云杉街3号", operating_address="天山区青松巷1号", uscc=code("650104"))
    content = json.loads(json.dumps(found.to_dict(), ensure_ascii=False))
    assert set(content) == {
        "lead", "cooperating", "arbiter", "dispute", "dispute_reasons", "needs_review", "rule", "sources",
        "outcome", "explanation",
    }  # fmt: skip
    assert set(content["sources"]) == {"registered", "operating", "uscc"}
    assert set(content["sources"]["registered"]) == {
        "province", "prefecture", "county", "township", "status", "confidence", "alternatives", "evidence",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("克拉玛依东路30号", "不能确定属地区（县），可能为水磨沟区。"),
        ("鼓楼区榕树路3号", "不能确定属地区（县），可能为"),
        ("昌吉路2号", "不能确定属地区（县）。"),
    ],
)
def test_an_open_proposal_names_its_candidates_and_asks_a_person(address, said):
    found = unit(registered_address=address)
    assert (found.lead, found.needs_review, found.outcome) == (None, True, "unknown")
    assert said in found.explanation
    assert "请人工核对后分办" in found.explanation


# The register of enterprises -----------------------------------------------------------------------------------------


def entered(address: str | None = "新疆乌鲁木齐市新市区云杉街3号", **more: object) -> RegisterEntry:
    return RegisterEntry("云杉商务有限公司", code("650104"), address, date(2025, 10, 31), **more)


def test_the_register_fills_what_the_reporter_left_out():
    found = unit(name="云杉商务有限公司", register=entered())
    assert (found.lead, found.rule, found.needs_review) == ("650104", "unit_registered_place", False)
    assert (
        "登记地在新疆维吾尔自治区乌鲁木齐市新市区（市场主体登记信息，住所“新疆乌鲁木齐市新市区云杉街3号”，截至2025年10月31日）"
        in found.explanation
    )
    content = found.to_dict()
    assert content["sources"]["register"]["county"] == "650104"
    assert content["register"] == {
        "name": "云杉商务有限公司", "uscc": code("650104"), "address": "新疆乌鲁木齐市新市区云杉街3号",
        "as_of": "2025-10-31", "known_by": "code", "status": "active",
    }  # fmt: skip


def test_the_register_agrees_with_the_reporter():
    found = unit(registered_address="新市区云杉街3号", register=entered())
    assert (found.lead, found.dispute_reasons, found.needs_review) == ("650104", [], False)


def test_the_register_contradicts_the_reporter():
    found = unit(registered_address="天山区青松巷1号", register=entered())
    assert (found.lead, found.cooperating) == ("650104", ["650102"])
    assert found.dispute_reasons == ["register_and_address_differ"]
    assert (found.dispute, found.needs_review) == (True, True)
    assert "填写的登记地址与市场主体登记信息不一致" in found.explanation


def test_the_register_settles_an_unclear_address():
    found = unit(registered_address="乌鲁木齐市喜洋洋路8号", register=entered())
    assert (found.lead, found.dispute_reasons, found.needs_review) == ("650104", [], False)


def test_the_register_goes_before_the_digits_of_a_code():
    """A unit that moved inside the city keeps its code: the register's newer address is no contradiction of it."""
    found = unit(uscc=code("650105"), register=entered())
    assert (found.lead, found.cooperating, found.dispute_reasons) == ("650104", [], [])


def test_where_a_unit_acts_is_held_against_the_register():
    found = unit(operating_address="天山区青松巷1号", register=entered())
    assert (found.lead, found.cooperating) == ("650104", ["650102"])
    assert found.dispute_reasons == ["registered_and_operating_differ"]


def test_a_register_without_a_readable_address_leaves_everything_as_it_was():
    found = unit(registered_address="天山区青松巷1号", uscc=code("650105"), register=entered("喜洋洋路8号"))
    assert (found.lead, found.dispute_reasons) == ("650102", ["uscc_and_address_differ"])
    assert unit(registered_address="天山区青松巷1号", register=entered(None)).dispute_reasons == []


@pytest.mark.parametrize(
    ("standing", "reason", "said"),
    [
        ({"status": "deregistered", "is_gone": True}, "company_deregistered", "已注销"),
        ({"status": "moved_out", "has_moved": True}, "company_moved", "已迁出"),
    ],
)
def test_a_company_that_is_gone_is_nobodys_automatic_assignment(standing, reason, said):
    found = unit(registered_address="新市区云杉街3号", register=entered(**standing))
    assert (found.lead, found.dispute_reasons) == ("650104", [reason])
    assert (found.dispute, found.needs_review) == (True, True)
    assert said in found.explanation


def test_a_moved_company_is_where_the_reporter_says():
    found = unit(registered_address="天山区青松巷1号", register=entered(has_moved=True))
    assert found.lead == "650102"
    assert {"company_moved", "register_and_address_differ"} <= set(found.dispute_reasons)


def test_a_revoked_licence_is_no_dispute():
    assert not unit(register=entered(status="revoked")).needs_review


def test_code_and_name_of_two_companies_are_looked_at():
    found = unit(register=entered(name_differs=True))
    assert (found.dispute_reasons, found.dispute, found.needs_review) == (["register_name_differs"], False, True)


def test_what_the_register_knows_is_a_unit():
    assert decide(Accused("unknown", "云杉", register=entered())).rule == "unit_registered_place"


def test_a_register_elsewhere_is_an_outcome():
    assert unit(register=entered("浙江省杭州市西湖区云杉街3号")).outcome == "other_province"
