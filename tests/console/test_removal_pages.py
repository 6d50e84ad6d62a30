"""Removal of identities on the pages: proposed by the program, confirmed by the leader, step by step."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.foundation import clock
from app.tips import jobs
from tests import factories, rows
from tests.console.office import Officer

FILED = datetime(2022, 3, 7, 10, tzinfo=clock.BEIJING)
CONDUCT = factories.tip_body()["conduct"] | {"started_on": None}


@pytest.fixture
def proposals(client: FlaskClient) -> Iterator[list[UUID]]:
    """Three refused tips of named reporters, three years later: ids of the tips."""
    tips = []
    with clock.stopped_at(FILED):
        for _ in range(3):
            receipt = factories.file_tip(client, reporter=factories.REPORTER, conduct=CONDUCT)
            tips.append(factories.tip_id_of(receipt["receipt_number"]))
            given = {"reason_code": "CIVIL_DISPUTE", "reason": "属于民间借贷", "route": "人民法院"}
            assert factories.office_act(client, "city.reviewer", tips[-1], "reject", **given).status_code == 200
    with clock.stopped_at(FILED + timedelta(days=3 * 366)):
        jobs.propose_removals()
        yield tips


def chosen(page: str) -> list[str]:
    return re.findall(r'name="removal"[^>]* value="([^"]+)"', page)


@pytest.mark.usefixtures("proposals")
@pytest.mark.parametrize(
    "username", ["city.reviewer", "district.650104", "observer.650000", "auditor", "sysadmin", "secadmin"]
)
def test_it_is_the_leaders_page(officer: Callable[[str], Officer], username: str) -> None:
    person = officer(username)
    assert person.get("/removals").status_code == 403
    answer = person.post("/removals/decide", decision="remove", removal="x", sure="true", reason="期满")
    assert answer.status_code == 403
    assert 'href="/removals"' not in person.get("/", follow_redirects=True).get_data(as_text=True)


def test_what_was_confirmed_is_removed_and_nothing_else(
    officer: Callable[[str], Officer], proposals: list[UUID]
) -> None:
    person = officer("city.leader")
    page = person.text("/removals")
    ids = chosen(page)
    assert len(ids) == 3
    for secret in (factories.REPORTER["name"], factories.REPORTER["phone"]):
        assert str(secret) not in page
    asked = person.post("/removals/confirm", seen="/removals", decision="remove", removal=ids[:2])
    shown = asked.get_data(as_text=True)
    assert chosen(shown) == ids[:2]
    assert "不能恢复" in shown
    assert rows.scalar("SELECT count(*) FROM reporters") == 3
    sent = {"decision": "remove", "removal": ids[:2], "reason": "逐件核对无误"}
    unsure = person.post("/removals/decide", seen="/removals", **sent)
    assert (unsure.status_code, rows.scalar("SELECT count(*) FROM reporters")) == (422, 3)
    done = person.post("/removals/decide", seen="/removals", sure="true", **sent)
    assert "已清除 2 件" in done.get_data(as_text=True)
    again = person.post("/removals/decide", seen="/removals", sure="true", **sent)
    assert "未办成 2 件" in again.get_data(as_text=True)
    assert rows.scalar("SELECT count(*) FROM reporters") == 1
    assert rows.scalar("SELECT count(*) FROM tips WHERE real_name") == 3
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'tips.identity_remove'") == 2
    assert chosen(person.text("/removals")) == ids[2:]
    decided = person.text("/removals?all=true")
    assert decided.count("逐件核对无误") == 2
    assert f'href="/tips/{proposals[0]}"' in decided


@pytest.mark.usefixtures("proposals")
def test_one_that_is_kept_is_not_proposed_again(officer: Callable[[str], Officer]) -> None:
    person = officer("city.leader")
    (first, *_) = chosen(person.text("/removals"))
    sent = {"decision": "keep", "removal": first}
    assert person.post("/removals/decide", seen="/removals", **sent).status_code == 422  # why is not said
    kept = person.post("/removals/decide", seen="/removals", reason="涉及未结诉讼", **sent)
    assert "已保留 1 件" in kept.get_data(as_text=True)
    jobs.propose_removals()
    assert first not in chosen(person.text("/removals"))
    assert rows.scalar("SELECT count(*) FROM reporters") == 3
    assert rows.scalar("SELECT reason FROM identity_removals WHERE id = :id", id=first) == "涉及未结诉讼"


def test_a_tip_that_is_handled_again_keeps_its_reporter_and_the_others_go_on(
    officer: Callable[[str], Officer], proposals: list[UUID], client: FlaskClient
) -> None:
    person = officer("city.leader")
    ids = chosen(person.text("/removals"))
    answer = factories.office_act(client, "city.reviewer", proposals[1], "reopen", reason="有新线索")
    assert answer.status_code == 200, answer.get_json()
    assert len(chosen(person.text("/removals"))) == len(ids) - 1, "of a tip that is handled again nobody is asked"
    sent = {"decision": "remove", "removal": ids, "reason": "期满", "sure": "true"}
    done = person.post("/removals/decide", seen="/removals", **sent).get_data(as_text=True)
    assert "已清除 2 件，未办成 1 件" in done
    assert "已重新办理" in done
    assert rows.scalar("SELECT tip_id FROM reporters") == proposals[1]


@pytest.mark.usefixtures("proposals")
@pytest.mark.parametrize("given", [{}, {"removal": "no-id"}])
def test_nothing_chosen_or_nonsense_is_told(officer: Callable[[str], Officer], given: dict[str, str]) -> None:
    person = officer("city.leader")
    assert person.post("/removals/confirm", seen="/removals", decision="remove", **given).status_code == 422
    assert rows.scalar("SELECT count(*) FROM reporters") == 3
