"""In-app notices: the own ones, read one by one or all at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from uuid import UUID

from flask.testing import FlaskClient

from app.foundation import clock
from tests import factories, rows
from tests.console.office import Officer


def test_a_step_is_announced_and_leads_to_its_tip(
    officer: Callable[[str], Officer], client: FlaskClient, tip_id: UUID
) -> None:
    factories.deliver()
    person = officer("city.reviewer")
    page = person.text("/notices")
    assert "新举报待受理" in page
    assert f'href="/tips/{tip_id}"' in page
    assert 'aria-label="站内消息，1 条未读"' in page


def test_a_notice_is_marked_read_by_a_form(officer: Callable[[str], Officer], tip_id: UUID) -> None:
    factories.deliver()
    person = officer("city.reviewer")
    path = person.text("/notices").split('action="/notices/')[2].split('"')[0]
    assert person.post(f"/notices/{path}").headers["Location"] == "/notices"
    assert "没有消息" in person.text("/notices?unread=true")
    assert "新举报待受理" in person.text("/notices")


def test_all_are_marked_read_at_once(officer: Callable[[str], Officer], client: FlaskClient) -> None:
    for _ in range(3):
        factories.file_tip(client)
    factories.deliver()
    person = officer("city.reviewer")
    assert 'aria-label="站内消息，3 条未读"' in person.text("/notices")
    assert person.post("/notices/read-all").status_code == 303
    assert 'aria-label="站内消息，0 条未读"' in person.text("/notices")


def test_a_colleagues_notice_is_not_mine(officer: Callable[[str], Officer], tip_id: UUID) -> None:
    factories.deliver()
    other = rows.scalar(
        "SELECT n.id FROM notices n JOIN accounts a ON a.id = account_id WHERE username = 'city.reviewer2'"
    )
    person = officer("city.reviewer")
    assert person.post(f"/notices/{other}/read").status_code == 404
    assert rows.scalar(f"SELECT read_at FROM notices WHERE id = '{other}'") is None


def undo(person: Officer, page: str) -> None:
    """Press the button of the toast that the page shows."""
    form = re.search(
        r'<div class="notice-toast toast-success".*?<form method="post" action="([^"]+)">(.*?)</form>', page, re.DOTALL
    )
    assert form
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form[2]))
    sent = {name: unescape(value) for name, value in fields.items()}
    assert person.open(form[1], method="POST", data=sent).status_code == 303


def test_what_was_marked_read_can_be_taken_back(officer: Callable[[str], Officer], client: FlaskClient) -> None:
    for _ in range(2):
        factories.file_tip(client)
    factories.deliver()
    person = officer("city.reviewer")
    path = person.text("/notices").split('action="/notices/')[2].split('"')[0]
    with clock.stopped_at(clock.now() - timedelta(hours=1)):
        person.post(f"/notices/{path}")
        person.text("/notices")
    person.post("/notices/read-all")
    undo(person, person.text("/notices"))
    assert 'aria-label="站内消息，1 条未读"' in person.text("/notices"), "what was read before stays read"
    assert person.post("/notices/unread", at="gestern").status_code == 422


def test_a_deleted_view_can_be_taken_back(officer: Callable[[str], Officer]) -> None:
    person = officer("city.reviewer")
    person.post("/tips/views", name="特急 & <急>", query="priority=P1&order=due")
    page = person.text("/tips?priority=P1&order=due")
    address = re.search(r'action="(/tips/views/[^"]+/remove)"', page)
    assert address
    person.post(address[1])
    page = person.text("/tips")
    assert "quick-own" not in page
    undo(person, page)
    kept = rows.scalar("SELECT name || '|' || query FROM saved_views")
    assert kept == "特急 & <急>|order=due&priority=P1"
