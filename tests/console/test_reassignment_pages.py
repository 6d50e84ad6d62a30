"""The reassignment desk: applying with files in one form, three people, stations, evidence within sight alone."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests import factories, rows
from tests.console.office import Officer, csrf_token, version_of
from tests.files import samples

REASON = "登记地已变更至天山区，附登记信息。<b>请核</b>"


def apply_for(person: Officer, tip_id: UUID, files: list[tuple[bytes, str]], **fields: Any) -> TestResponse:
    page = person.text(f"/tips/{tip_id}")
    data = {
        "csrf_token": csrf_token(page),
        "action": "apply",
        "expected_version": version_of(page),
        "to_division": "650102",
        "ground": "registered_elsewhere",
        "reason": REASON,
        "evidence": [(io.BytesIO(content), name) for content, name in files],
    }
    return person.open(f"/tips/{tip_id}/reassignments", method="POST", data=data | fields)


def step(person: Officer, path: str, action: str, **fields: Any) -> TestResponse:
    page = person.text(path)
    data = {"csrf_token": csrf_token(page), "action": action, "expected_version": version_of(page), **fields}
    return person.open(f"{path}/actions", method="POST", data=data)


@pytest.fixture
def applied(officer: Callable[[str], Officer], tip_in_district: UUID) -> str:
    """The address of a request with two files."""
    files = [(samples.pdf(), "登记信息.pdf"), (samples.png(5, 4), "门头.png")]
    answer = apply_for(officer("district.650104"), tip_in_district, files)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return answer.headers["Location"]


def test_a_desk_with_more_cards_asks_the_database_no_more_often(
    officer: Callable[[str], Officer], client: FlaskClient, applied: str
) -> None:
    handler, reviewer = officer("district.650104"), officer("city.reviewer")

    def statements() -> int:
        """The fewest of three looks: what a process asks anew every few seconds is no matter of the cards."""
        looks = []
        for _ in range(3):
            with rows.asked() as sent:
                assert "登记信息.pdf" in reviewer.text("/reassignments")
            looks.append(len(sent))
        return min(looks)

    with_one = statements()
    for _ in range(2):
        answer = apply_for(handler, factories.verifying_tip(client), [(samples.pdf(), "登记信息.pdf")])
        assert answer.status_code == 303
    assert statements() == with_one


def test_each_card_has_forms_of_its_own(officer: Callable[[str], Officer], client: FlaskClient, applied: str) -> None:
    other = apply_for(officer("district.650104"), factories.verifying_tip(client), [(samples.pdf(), "登记信息.pdf")])
    page = officer("city.reviewer").text("/reassignments")
    cards = {card.split('"')[0]: card for card in page.split('<a class="row-link" href="')[1:]}
    assert cards.keys() == {applied, other.headers["Location"]}
    for path, card in cards.items():
        forms = re.findall(r' action="([^"]*/actions)"', card)
        assert len(forms) > 1
        assert set(forms) == {f"{path}/actions"}
    for attribute in ("id", "data-draft"):  # what a label points to, and what a kept text belongs to
        named = re.findall(rf' {attribute}="([^"]*)"', page)
        assert len(named) == len(set(named)) > 1, attribute


def test_files_and_request_travel_in_one_form(officer: Callable[[str], Officer], applied: str) -> None:
    page = officer("district.650104").text(applied)
    assert "登记信息.pdf" in page
    assert "门头.png" in page
    assert "&lt;b&gt;请核&lt;/b&gt;" in page
    assert re.search(r"<strong>新市区</strong>.*<strong>天山区</strong>", page, re.DOTALL)
    assert rows.scalar("SELECT count(*) FROM stored_files WHERE claimed_at IS NOT NULL") == 2


def test_a_request_without_files_keeps_the_text_and_leaves_nothing(
    officer: Callable[[str], Officer], tip_in_district: UUID
) -> None:
    before = rows.row_counts()
    person = officer("district.650104")
    signed_in = rows.growth(before)
    answer = apply_for(person, tip_in_district, [])
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "申请属地调整须至少附一份佐证材料" in page
    form = page.split('value="apply"')[1].split("</form>")[0]
    assert "&lt;b&gt;请核&lt;/b&gt;" in form
    assert '<option value="650102" selected>' in form
    assert '<option value="registered_elsewhere" selected>' in form
    assert rows.growth(before) == signed_in


def test_a_refused_file_keeps_the_text_and_leaves_no_row(
    officer: Callable[[str], Officer], tip_in_district: UUID
) -> None:
    person = officer("district.650104")
    answer = apply_for(person, tip_in_district, [(samples.png(), "门头.png"), (b"<html>", "说明.png")])
    page = answer.get_data(as_text=True)
    assert answer.status_code == 415
    assert "&lt;b&gt;请核&lt;/b&gt;" in page.split('value="apply"')[1]
    assert rows.scalar("SELECT count(*) FROM stored_files") == 0
    assert rows.scalar("SELECT count(*) FROM reassignments") == 0


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"to_division": "650104"}, "目标单位就是当前承办单位"),
        ({"to_division": "abc"}, "应为六位或九位行政区划代码"),
        ({"ground": "because"}, "未知的调整事由"),
        ({"reason": ""}, "情况说明"),
    ],
)
def test_a_faulty_request_is_explained_on_the_page(
    officer: Callable[[str], Officer], tip_in_district: UUID, fields: dict[str, str], told: str
) -> None:
    answer = apply_for(officer("district.650104"), tip_in_district, [(samples.pdf(), "a.pdf")], **fields)
    assert answer.status_code == 422
    assert told in answer.get_data(as_text=True)
    assert rows.scalar("SELECT count(*) FROM reassignments") == 0


def test_a_second_request_is_refused(officer: Callable[[str], Officer], applied: str, tip_in_district: UUID) -> None:
    person = officer("district.650104")
    data = {
        "csrf_token": person.token(f"/tips/{tip_in_district}"),
        "expected_version": rows.scalar("SELECT version FROM handlings"),
        "to_division": "650102",
        "ground": "moved",
        "reason": "再次申请",
        "evidence": (io.BytesIO(samples.pdf()), "a.pdf"),
    }
    answer = person.open(f"/tips/{tip_in_district}/reassignments", method="POST", data=data)
    assert answer.status_code == 409
    assert "已有未办结的属地调整申请" in answer.get_data(as_text=True)
    assert "再次申请" in answer.get_data(as_text=True)


def test_three_people_move_a_tip(
    officer: Callable[[str], Officer], applied: str, tip_in_district: UUID, client: FlaskClient
) -> None:
    reviewer, adjuster, taker = officer("city.reviewer"), officer("city.adjuster"), officer("district.650102")
    assert taker.get(applied).status_code == 404, "not yet the new unit's"
    assert step(reviewer, applied, "approve", reason="同意。").status_code == 303
    assert step(adjuster, applied, "adjust").headers["Location"] == applied
    assert step(taker, applied, "confirm").status_code == 303
    page = taker.text(applied)
    assert page.count('class="passed"') == 4
    assert "核查中" in taker.text(f"/tips/{tip_in_district}")
    giver = officer("district.650104")
    assert giver.get(f"/tips/{tip_in_district}").status_code == 404
    own_record = giver.text(applied)
    assert "已调出本单位" in own_record
    assert "瑞丰源" not in own_record
    assert "查看线索" not in own_record


def test_the_applicant_reviews_nothing_of_his_own(officer: Callable[[str], Officer], tip_in_district: UUID) -> None:
    person = officer("city.reviewer")
    path = apply_for(person, tip_in_district, [(samples.pdf(), "a.pdf")]).headers["Location"]
    page = person.text(path)
    assert "审核同意" not in page
    data = {"csrf_token": csrf_token(page), "action": "approve", "expected_version": "1", "reason": "自己同意"}
    answer = person.open(f"{path}/actions", method="POST", data=data)
    assert answer.status_code == 403
    assert "申请、审核、调整须由三名不同人员办理" in answer.get_data(as_text=True)
    assert "自己同意" in answer.get_data(as_text=True)


def test_a_returned_request_is_sent_again_with_more_evidence(officer: Callable[[str], Officer], applied: str) -> None:
    assert step(officer("city.reviewer"), applied, "return_for_evidence", reason="请附租赁合同。").status_code == 303
    person = officer("district.650104")
    assert "退回补证" in person.text(applied)
    assert "补证期限" in person.text(applied)
    more = {"reason": "已补充。", "evidence": (io.BytesIO(samples.pdf()), "租赁合同.pdf")}
    assert step(person, applied, "resubmit", **more).status_code == 303
    page = person.text(applied)
    assert "租赁合同.pdf" in page
    assert "3 份" in page


def test_who_has_withdrawn_a_request_reads_that_another_stops_no_clock(
    officer: Callable[[str], Officer], tip_in_district: UUID
) -> None:
    person = officer("district.650104")
    assert "提交后核查计时暂停" in person.text(f"/tips/{tip_in_district}")
    asked = apply_for(person, tip_in_district, [(samples.pdf(), "登记信息.pdf")]).headers["Location"]
    assert step(person, asked, "cancel").status_code == 303
    assert "再次申请的，核查计时不暂停" in person.text(f"/tips/{tip_in_district}")
    assert apply_for(person, tip_in_district, [(samples.pdf(), "登记信息.pdf")]).status_code == 303
    shown = person.text(f"/tips/{tip_in_district}")
    assert "计时暂停" not in shown
    assert "属地调整中" in shown.split('class="summary-state"')[1].split("</p>")[0]


def test_a_stale_review_keeps_its_reason(officer: Callable[[str], Officer], applied: str) -> None:
    first, second = officer("city.reviewer"), officer("city.reviewer2")
    page = second.text(applied)
    step(first, applied, "return_for_evidence", reason="请补充。")
    data = {"csrf_token": csrf_token(page), "action": "approve", "expected_version": "1", "reason": "证据充分，同意。"}
    answer = second.open(f"{applied}/actions", method="POST", data=data)
    told = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "测试市级审核人" in told.split("已有更新")[1]
    assert re.search(r"待审核</td><td>退回补证", told)
    assert "证据充分，同意。" in told.split("您刚才填写的内容")[1]


def test_evidence_is_opened_within_sight_and_remembered(officer: Callable[[str], Officer], applied: str) -> None:
    reviewer = officer("city.reviewer")
    link = re.search(rf'href="({applied}/files/[^"]+)"', reviewer.text(applied))
    assert link
    assert reviewer.get(link[1]).data == samples.pdf()
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'files.download'") == 1
    assert officer("district.650102").get(link[1]).status_code == 404
    assert officer("auditor").get(link[1]).status_code == 403


def test_the_desk_is_filtered_and_shows_no_others(app: Flask, officer: Callable[[str], Officer], applied: str) -> None:
    reviewer = officer("city.reviewer")
    assert reviewer.text("/reassignments?status=applied").count('class="row-link"') == 1
    assert "没有调整申请" in reviewer.text("/reassignments?status=rejected")
    assert "没有调整申请" in officer("district.650105").text("/reassignments")
    assert applied in reviewer.text("/"), "it waits on the home page"


def test_a_request_is_a_card_on_which_it_is_reviewed_and_adjusted(
    officer: Callable[[str], Officer], applied: str
) -> None:
    reviewer, adjuster = officer("city.reviewer"), officer("city.adjuster")
    card = reviewer.text("/reassignments?mine=true").split("<article")[1]
    assert "登记信息.pdf" in card
    assert "注册地在其他区县" in card
    assert 'value="approve"' in card
    assert 'value="adjust"' not in card
    assert "<article" not in adjuster.text("/reassignments?mine=true"), "it is not the adjuster's turn"
    given = {"action": "approve", "expected_version": "1", "reason": "登记信息可以证明"}
    assert reviewer.post(f"{applied}/actions", seen="/reassignments", **given).status_code == 303
    assert "<article" not in reviewer.text("/reassignments?mine=true")
    assert 'value="adjust"' in adjuster.text("/reassignments?mine=true")


def test_the_queue_marks_a_tip_that_is_moving_for_both_districts(
    officer: Callable[[str], Officer], applied: str
) -> None:
    assert "属地调整中" in officer("district.650104").text("/tips").split("<tbody>")[1]
    assert step(officer("city.reviewer"), applied, "approve", reason="同意。").status_code == 303
    assert step(officer("city.adjuster"), applied, "adjust", reason="调整。").status_code == 303
    assert "属地调整中" in officer("district.650102").text("/tips").split("<tbody>")[1]


def test_bounces_are_counted_by_pair_of_places(officer: Callable[[str], Officer], applied: str) -> None:
    reviewer = officer("city.reviewer")
    row = reviewer.text("/reassignments/statistics").split("<tbody>")[1].split("</tr>")[0]
    assert re.findall(r">([^<>\n]+)</td>", row) == ["新市区处置非法集资办公室（演示）", "天山区", "1", "0", "0", "1"]
    assert "这段时间没有调整申请" in reviewer.text("/reassignments/statistics?since=2025-01-01&until=2025-12-31")
    assert "新市区" not in officer("district.650105").text("/reassignments/statistics").split('aria-label="统计"')[1]
    assert reviewer.get("/reassignments/statistics?since=never").status_code == 422


def test_home_leads_to_what_waits_for_me_and_to_what_is_due(officer: Callable[[str], Officer], applied: str) -> None:
    reviewer = officer("city.reviewer")
    home = reviewer.text("/")
    waiting = home.split('href="/reassignments?mine=true"')[1].split("</a>")[0]
    assert '<span class="counter-number">1</span>' in waiting
    for href in ("/tips?due=2026-03-02", "/tips?overdue=true", "/tips?supervised=true"):
        assert f'href="{href}"' in home
        assert reviewer.get(href).status_code == 200
