"""Acting roles, stepping aside and hand-over at the console; and the registers of what needs a watchful eye."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from tests import factories, rows
from tests.console.office import Officer


def test_a_colleague_acts_for_some_days_and_not_longer(officer: Callable[[str], Officer], tip_id: UUID) -> None:
    reviewer, adjuster = officer("city.reviewer"), officer("city.adjuster")
    assert 'value="accept"' not in adjuster.text(f"/tips/{tip_id}")
    given = {"to": "city.adjuster", "starts_on": "2026-03-02", "ends_on": "2026-03-03", "reason": "出差"}
    assert reviewer.post("/delegations", seen="/delegations", action="delegate", **given).status_code == 303
    assert 'value="accept"' in officer("city.adjuster").text(f"/tips/{tip_id}")
    page = reviewer.text("/delegations")
    assert "正在代行" in page
    end = re.search(r'action="(/delegations/[^"]+/end)"', page)
    assert end
    assert officer("city.leader").post(end[1]).status_code == 404
    assert reviewer.post(end[1]).status_code == 303
    assert 'value="accept"' not in officer("city.adjuster").text(f"/tips/{tip_id}")


def test_delegations_that_cannot_be_are_refused_on_the_page(officer: Callable[[str], Officer]) -> None:
    reviewer = officer("city.reviewer")
    days = {"starts_on": "2026-03-02", "ends_on": "2026-03-03", "reason": "出差<b>"}
    for given, told in (
        (days | {"to": "district.650104"}, "须委托本单位的另一名同事"),
        (days | {"to": "nobody"}, "没有这个在用账号"),
        (days | {"to": "city.adjuster", "ends_on": "2026-03-01"}, "起止日期应自今天起"),
        (days | {"to": "city.adjuster", "from": "city.leader"}, "只能委托本人的职责"),
    ):
        answer = reviewer.post("/delegations", seen="/delegations", action="delegate", **given)
        page = answer.get_data(as_text=True)
        assert answer.status_code in {403, 422}
        assert told in page
        assert "出差&lt;b&gt;" in page, "what was typed is still there"
    assert "登记代行" not in officer("auditor").text("/delegations")


def test_who_stands_aside_cannot_handle_until_the_leader_ends_it(
    officer: Callable[[str], Officer], client: FlaskClient
) -> None:
    number = factories.file_tip(client)["receipt_number"]
    tip_id = factories.tip_id_of(number)
    reviewer, leader = officer("city.reviewer"), officer("city.leader")
    given = {"action": "exclude", "receipt_number": number, "reason": "亲属任职"}
    assert reviewer.post("/exclusions", seen="/exclusions", **given).status_code == 303
    refused = reviewer.get(f"/tips/{tip_id}")
    assert refused.status_code == 403
    for told in ("您已对该线索回避，不能查看，也不能办理", "请联系市级负责人解除回避"):
        assert told in refused.get_data(as_text=True)
    assert reviewer.post("/exclusions", seen="/exclusions", **given).status_code == 409
    both = given | {"company": "某公司"}
    assert reviewer.post("/exclusions", seen="/exclusions", **both).status_code == 422
    other = given | {"account": "city.reviewer2", "receipt_number": "", "company": "乌鲁木齐瑞丰源投资咨询有限公司"}
    assert reviewer.post("/exclusions", seen="/exclusions", **other).status_code == 403
    assert leader.post("/exclusions", seen="/exclusions", **other).status_code == 303
    assert officer("city.reviewer2").get(f"/tips/{tip_id}").status_code == 403
    page = leader.text("/exclusions")
    assert number in page
    for end in re.findall(r'action="(/exclusions/[^"]+/end)"', page):
        assert reviewer.post(end).status_code == 403
        assert leader.post(end).status_code == 303
    assert 'value="accept"' in reviewer.text(f"/tips/{tip_id}")
    own = given | {"reason": "本人亲属任职"}
    assert leader.post("/exclusions", seen="/exclusions", **own).status_code == 303
    page = leader.text("/exclusions")
    assert "本人亲属任职" in page
    assert '/end"' not in page, "nobody ends the own"


def test_a_district_cannot_name_another_districts_tip(officer: Callable[[str], Officer], tip_in_district: UUID) -> None:
    number = rows.scalar("SELECT receipt_number FROM tips WHERE id = :id", id=tip_in_district)
    stranger = officer("district.650102")
    answer = stranger.post("/exclusions", seen="/exclusions", action="exclude", receipt_number=number, reason="回避")
    assert answer.status_code == 422
    assert "没有这个受理编号的线索" in answer.get_data(as_text=True)


def test_a_leavers_open_items_are_shown_and_handed_over(
    officer: Callable[[str], Officer], client: FlaskClient, tip_in_district: UUID
) -> None:
    with_request = factories.actor("city.reviewer")
    headers = factories.office_headers("city.reviewer")
    evidence = factories.upload(client, headers).get_json()["id"]
    version = rows.scalar("SELECT version FROM handlings WHERE tip_id = :id", id=tip_in_district)
    body = {
        "to_division": "650102", "ground": "moved", "reason": "已迁出", "evidence": [evidence],
        "expected_version": version,
    }  # fmt: skip
    path = f"/api/v1/office/tips/{tip_in_district}/reassignments"
    assert client.post(path, json=body, headers=headers).status_code == 201
    admin = officer("sysadmin")
    named = {"action": "hand_over", "from": "city.reviewer", "to": "city.reviewer2"}
    page = admin.post("/hand-over/preview", seen="/hand-over", **named).get_data(as_text=True)
    assert "1 件" in page
    assert rows.scalar("SELECT active FROM accounts WHERE username = 'city.reviewer'")
    assert admin.post("/hand-over", seen="/hand-over", **named).status_code == 303
    assert not rows.scalar("SELECT active FROM accounts WHERE username = 'city.reviewer'")
    moved = rows.scalar("SELECT count(*) FROM reassignments WHERE applicant_id <> :id", id=with_request.account_id)
    assert moved == 1
    wrong = admin.post("/hand-over/preview", seen="/hand-over", **named | {"from": "city.adjuster"})
    assert wrong.status_code == 422
    assert officer("city.reviewer2").post("/hand-over", **named).status_code == 403


def test_supervised_tips_have_a_register_with_their_record(
    officer: Callable[[str], Officer], tip_in_district: UUID
) -> None:
    reviewer = officer("city.reviewer")
    assert reviewer.act(tip_in_district, "supervise", kind="listed", reason="群众反映强烈").status_code == 303
    for person in (reviewer, officer("district.650104")):
        page = person.text("/supervisions")
        assert "挂牌督办" in page
        assert "群众反映强烈" in page
    assert "群众反映强烈" not in officer("district.650102").text("/supervisions")
    assert "群众反映强烈" in reviewer.text("/supervisions?all=true")


def test_disputes_wait_with_evidence_rule_and_precedent(officer: Callable[[str], Officer], client: FlaskClient) -> None:
    first, second = (factories.tip_id_of(factories.file_tip(client)["receipt_number"]) for _ in range(2))
    reviewer = officer("city.reviewer")
    with rows.asked() as sent:
        page = reviewer.text("/disputes")
    assert page.count("去受理") == 2
    assert len([one for one in sent if "FROM tip_jurisdictions" in one]) == 1
    assert "登记地与经营地不在同一区县" in page
    assert "第二十条" in page
    assert reviewer.act(first, "accept").status_code == 303
    assert reviewer.act(first, "assign", division="650102").status_code == 303
    factories.deliver()
    page = reviewer.text("/disputes")
    assert str(first) not in page
    assert "属地先例：" in page
    assert "属地先例：" in reviewer.text(f"/tips/{second}")


@pytest.mark.parametrize("path", ["/supervisions?all=maybe", "/police?cursor=nonsense", "/disputes?x=1"])
def test_an_address_that_makes_no_sense_is_told_so(officer: Callable[[str], Officer], path: str) -> None:
    assert officer("city.reviewer").get(path).status_code == 422
