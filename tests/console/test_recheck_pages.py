"""Re-checks on the pages: who sees them, who decides, and what becomes of the tip."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from tests import rows
from tests.console.office import Officer
from tests.tips import reporters

SEE_THE_PAGE = {"city.reviewer", "city.reviewer2", "city.adjuster", "city.leader", "district.650104", "observer.650000"}


@pytest.fixture
def rated(client: FlaskClient) -> tuple[dict[str, Any], UUID]:
    """A tip that city.reviewer concluded and whose reporter is not content."""
    receipt, tip_id = reporters.replied_tip(client)
    assert reporters.call(client, "rating", receipt, score=1, comment="没有人联系我").status_code == 201
    return receipt, tip_id


def form_path(page: str) -> str:
    return page.split('action="/rechecks/')[1].split('"', maxsplit=1)[0]


@pytest.mark.parametrize("username", [*sorted(SEE_THE_PAGE), "district.650102", "auditor", "sysadmin"])
def test_whoever_sees_the_tip_sees_it_and_one_decides(
    officer: Callable[[str], Officer], rated: tuple[dict[str, Any], UUID], username: str
) -> None:
    answer = officer(username).get("/rechecks")
    if username in {"auditor", "sysadmin"}:
        assert answer.status_code == 403
        return
    page = answer.get_data(as_text=True)
    assert ("没有人联系我" in page) == (username in SEE_THE_PAGE - {"observer.650000"})
    assert ("＊＊＊" in page) == (username == "observer.650000")
    assert ('action="/rechecks/' in page) == (username == "city.reviewer2")
    assert ("本件由您办结" in page) == (username == "city.reviewer")


def test_a_decision_is_kept_shown_and_told(
    officer: Callable[[str], Officer], rated: tuple[dict[str, Any], UUID], client: FlaskClient
) -> None:
    person = officer("city.reviewer2")
    path = "/rechecks/" + form_path(person.text("/rechecks"))
    refused = person.post(path, seen="/rechecks", action=f"recheck-{path[-36:]}", note="未见异常", result="")
    assert refused.status_code == 422
    assert "未见异常</textarea>" in refused.get_data(as_text=True)
    assert person.post(path, seen="/rechecks", note="未见异常", result="upheld").status_code == 303
    assert "没有待复核的评价" in person.text("/rechecks")
    shown = person.text("/rechecks?all=true")
    assert "维持原处理" in shown
    assert "未见异常" in shown
    assert person.post(path, seen="/rechecks", note="再次", result="reopened").status_code == 409
    assert rows.scalar("SELECT details->>'result' FROM audit_events WHERE action = 'tips.close_recheck'") == "upheld"
    followed = client.post("/report/follow", data=reporters.codes_of(rated[0])).get_data(as_text=True)
    assert "市级已另行指定人员复核，维持原处理" in followed
    assert "未见异常" not in followed


def test_reopening_leads_back_to_the_tip(officer: Callable[[str], Officer], rated: tuple[dict[str, Any], UUID]) -> None:
    person = officer("city.reviewer2")
    path = "/rechecks/" + form_path(person.text("/rechecks"))
    answer = person.post(path, seen="/rechecks", note="遗漏一处经营场所", result="reopened")
    assert answer.headers["Location"] == f"/tips/{rated[1]}"
    assert rows.scalar("SELECT status FROM handlings WHERE tip_id = :id", id=rated[1]) == "accepted"
    assert "遗漏一处经营场所" in person.text(f"/tips/{rated[1]}")


def test_who_concluded_cannot_send_the_form(
    officer: Callable[[str], Officer], rated: tuple[dict[str, Any], UUID]
) -> None:
    path = "/rechecks/" + form_path(officer("city.reviewer2").text("/rechecks"))
    for username in ("city.reviewer", "city.leader", "district.650104"):
        answer = officer(username).post(path, seen="/rechecks", note="无误", result="upheld")
        assert answer.status_code == 403, username
    assert rows.scalar("SELECT count(*) FROM recheck_requests WHERE closed_at IS NOT NULL") == 0


@pytest.mark.parametrize(("username", "offered"), [("city.reviewer", True), ("district.650104", False)])
def test_the_navigation_leads_there(
    officer: Callable[[str], Officer], tip_in_district: UUID, username: str, offered: bool
) -> None:
    assert ('href="/rechecks"' in officer(username).text("/")) == offered
