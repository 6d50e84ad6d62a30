"""In-app notices: the own ones, read one by one or all at once."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from flask.testing import FlaskClient

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
