"""Forms: no token no deed, nothing typed is lost by a refusal, and every deed ends in a page that can be loaded again."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories, rows
from tests.console.office import Officer, csrf_token

FEEDBACK = {"outcome": "SUBSTANTIATED", "text": "查明该公司以<script>alert(1)</script>名义吸收资金，“属实”。𠮷"}


def posting_rules(app: Flask) -> list[str]:
    return sorted(
        re.sub(r"<int:\w+>", "1", re.sub(r"<uuid:\w+>", str(uuid4()), rule.rule))
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or set()) and rule.endpoint.startswith("console.")
    )


def test_every_form_outside_the_api_is_the_consoles(app: Flask) -> None:
    """The check of the token hangs on the console's blueprint: no form may live elsewhere unnoticed.

    The public page sets no cookie that could be ridden on; each of its forms stands on what it carries itself.
    """
    endpoints = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if {"POST", "PUT", "PATCH", "DELETE"} & (rule.methods or set()) and not rule.rule.startswith("/api/")
    }
    assert endpoints
    assert all(endpoint.startswith(("console.", "public_pages.")) for endpoint in endpoints)


@pytest.mark.parametrize("token", [None, "", "forged", "IjEyMyI.aaaaaa.bbbbbb"])
def test_no_form_works_without_its_token(app: Flask, officer: Callable[[str], Officer], token: str | None) -> None:
    person = officer("city.reviewer")
    before = rows.row_counts()
    for path in posting_rules(app):
        data = {"reason": "内容"} | ({} if token is None else {"csrf_token": token})
        answer = person.open(path, method="POST", data=data)
        assert answer.status_code == 400, path
        assert "页面已过期" in answer.get_data(as_text=True)
        assert "内容" in answer.get_data(as_text=True), "what was typed is handed back"
    assert rows.growth(before) == {}


def test_the_cookie_opens_nothing_of_the_api(officer: Callable[[str], Officer], tip_id: UUID) -> None:
    """The API needs no token because it looks at bearer tokens alone."""
    person = officer("city.reviewer")
    assert person.get("/api/v1/office/tips").status_code == 401
    body = {"action": "accept", "expected_version": 1}
    assert person.open(f"/api/v1/office/tips/{tip_id}/actions", method="POST", json=body).status_code == 401


def test_an_action_ends_in_a_redirect_and_says_so_once(officer: Callable[[str], Officer], tip_id: UUID) -> None:
    person = officer("city.reviewer")
    answer = person.act(tip_id, "accept")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/tips/{tip_id}")
    assert "“受理”已办理。" in person.text(f"/tips/{tip_id}")
    assert "“受理”已办理。" not in person.text(f"/tips/{tip_id}")


def test_the_leading_district_is_offered_first(officer: Callable[[str], Officer], tip_id: UUID) -> None:
    person = officer("city.reviewer")
    person.act(tip_id, "accept")
    assert '<option value="650104" selected>' in person.text(f"/tips/{tip_id}")


def test_a_stale_form_shows_what_changed_and_keeps_the_text(
    officer: Callable[[str], Officer], tip_in_district: UUID, client: FlaskClient
) -> None:
    first, second = officer("district.650104"), officer("district.650104")
    page = second.text(f"/tips/{tip_in_district}")
    first.act(tip_in_district, "submit_feedback", outcome="UNSUBSTANTIATED", text="先到的反馈")
    factories.office_act(client, "city.reviewer", tip_in_district, "rework", reason="请补充。")
    data = {"csrf_token": csrf_token(page), "action": "submit_feedback", "expected_version": "4", **FEEDBACK}
    answer = second.open(f"/tips/{tip_in_district}/actions", method="POST", data=data)
    told = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "您办理期间，这件事项已有更新" in told
    assert re.search(r"第 4 版</td><td>第 6 版", told)
    assert re.search(r"核查中</td><td>退回重办", told)
    form = told.split('value="submit_feedback"')[1].split("</form>")[0]
    assert FEEDBACK["text"] in unescape(form)
    assert "<script>alert" not in told
    assert '<option value="SUBSTANTIATED" selected>' in form
    assert 'name="expected_version" value="6"' in form


def test_a_stale_form_whose_action_is_gone_hands_the_text_back(
    officer: Callable[[str], Officer], tip_in_district: UUID
) -> None:
    first, second = officer("district.650104"), officer("district.650104")
    page = second.text(f"/tips/{tip_in_district}")
    first.act(tip_in_district, "submit_feedback", outcome="UNSUBSTANTIATED", text="先到的反馈")
    data = {"csrf_token": csrf_token(page), "action": "submit_feedback", "expected_version": "4", **FEEDBACK}
    told = second.open(f"/tips/{tip_in_district}/actions", method="POST", data=data).get_data(as_text=True)
    assert FEEDBACK["text"] in unescape(told.split("您刚才填写的内容")[1])


def test_a_missing_field_is_marked_and_the_rest_is_kept(
    officer: Callable[[str], Officer], tip_in_district: UUID
) -> None:
    person = officer("district.650104")
    answer = person.act(tip_in_district, "submit_feedback", text=FEEDBACK["text"], outcome="")
    told = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "核查结论：此项必填" in told
    assert re.search(r"<details class=\"action[^>]+open", told), "the form stays open"
    assert FEEDBACK["text"] in unescape(told.split("<textarea", 1)[1])


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 30, "٣"])
def test_a_form_without_a_version_is_refused(officer: Callable[[str], Officer], tip_id: UUID, version: str) -> None:
    answer = officer("city.reviewer").act(tip_id, "accept", expected_version=version)
    assert answer.status_code == 422
    assert "请刷新后再办理" in answer.get_data(as_text=True)


@pytest.mark.parametrize("action", ["", "nothing", "reassign", "accept\x00"])
def test_an_unknown_action_is_refused_on_the_page(officer: Callable[[str], Officer], tip_id: UUID, action: str) -> None:
    answer = officer("city.reviewer").act(tip_id, action)
    assert answer.status_code == 422
    assert "属地研判" in answer.get_data(as_text=True)


def test_somebody_elses_action_is_refused_on_the_page(officer: Callable[[str], Officer], tip_id: UUID) -> None:
    person = officer("city.adjuster")
    data = {"csrf_token": person.token("/"), "action": "accept", "expected_version": "1", "reason": "越权的理由"}
    answer = person.open(f"/tips/{tip_id}/actions", method="POST", data=data)
    assert answer.status_code == 403
    assert "您无权对该线索进行“受理”操作" in answer.get_data(as_text=True)
    assert "越权的理由" in answer.get_data(as_text=True)


def test_an_action_on_another_districts_tip_is_the_404_page_with_the_text(
    officer: Callable[[str], Officer], tip_in_district: UUID
) -> None:
    person = officer("district.650102")
    data = {"csrf_token": person.token("/"), "action": "submit_feedback", "expected_version": "4", **FEEDBACK}
    answer = person.open(f"/tips/{tip_in_district}/actions", method="POST", data=data)
    assert answer.status_code == 404
    told = answer.get_data(as_text=True)
    assert "没有找到" in told
    assert FEEDBACK["text"] in unescape(told)
    assert "瑞丰源" not in told


def test_sent_twice_is_done_once(officer: Callable[[str], Officer], tip_id: UUID) -> None:
    person = officer("city.reviewer")
    page = person.text(f"/tips/{tip_id}")
    data = {"csrf_token": csrf_token(page), "action": "accept", "expected_version": "1"}
    answers = [person.open(f"/tips/{tip_id}/actions", method="POST", data=data).status_code for _ in range(2)]
    assert answers == [303, 409]
    assert person.text(f"/tips/{tip_id}").count("<strong>受理</strong>") == 1


def test_control_characters_are_refused_and_line_ends_are_plain(
    officer: Callable[[str], Officer], tip_in_district: UUID
) -> None:
    person = officer("district.650104")
    refused = person.act(tip_in_district, "submit_feedback", outcome="SUBSTANTIATED", text="坏\x00字符")
    assert refused.status_code == 422
    assert "控制字符" in refused.get_data(as_text=True)
    done = person.act(tip_in_district, "submit_feedback", outcome="SUBSTANTIATED", text="第一行\r\n第二行")
    assert done.status_code == 303
    assert rows.scalar("SELECT feedback FROM handlings") == "第一行\n第二行"


def test_the_longest_text_goes_through_and_one_more_does_not(
    officer: Callable[[str], Officer], tip_in_district: UUID
) -> None:
    person = officer("district.650104")
    over = person.act(tip_in_district, "submit_feedback", outcome="SUBSTANTIATED", text="长" * 5001)
    assert over.status_code == 422
    assert "长" * 5001 in over.get_data(as_text=True)
    fits = person.act(tip_in_district, "submit_feedback", outcome="SUBSTANTIATED", text="𠮷" * 5000)
    assert fits.status_code == 303


def test_the_reviewer_reads_the_feedback_before_concluding(
    officer: Callable[[str], Officer], tip_in_district: UUID
) -> None:
    officer("district.650104").act(tip_in_district, "submit_feedback", **FEEDBACK)
    reviewer = officer("city.reviewer")
    page = reviewer.text(f"/tips/{tip_in_district}")
    assert FEEDBACK["text"] in unescape(page.split("核查结论与答复")[1])
    assert reviewer.act(tip_in_district, "conclude", reason="同意办结。").status_code == 303
    assert reviewer.act(tip_in_district, "reply", text="已依法处理，感谢支持。").status_code == 303
    assert "已依法处理，感谢支持。" in reviewer.text(f"/tips/{tip_in_district}").split("核查结论与答复")[1]
