"""Reminders before and supervision after, each once, also after a stop; and who reads of what in a case."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.cases import jobs
from app.cases.models import CaseAlert
from app.cases.states import CASE_ALERT_TEXTS, CaseAction, CaseAlertKind
from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, transaction
from app.identity.models import Account
from app.notifications.case_news import CASE_ALERTS, CASE_STEPS
from app.notifications.models import Notice
from tests import factories
from tests.cases import office
from tests.moments import MONDAY_MORNING, morning_of


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.stopped_at(MONDAY_MORNING):
        yield


def sweep(day: date) -> None:
    """Two runs on one day, with everything delivered."""
    with clock.stopped_at(morning_of(day)):
        for _ in range(2):
            jobs.sweep_cases()
            factories.deliver()


def alerts() -> list[tuple[str, date]]:
    with transaction(OPEN_WALL):
        found = select(CaseAlert.kind, CaseAlert.due_on).order_by(CaseAlert.due_on, CaseAlert.kind)
        return [(kind, due) for kind, due in db.session.execute(found)]


def read_by(username: str) -> list[str]:
    with transaction(OPEN_WALL):
        return list(
            db.session.scalars(
                select(Notice.title)
                .join(Account, Account.id == Notice.account_id)
                .where(Account.username == username)
                .order_by(Notice.created_at, Notice.id)
            )
        )


def test_the_month_is_recalled_in_its_last_five_days_and_missed_after_it(client: FlaskClient) -> None:
    office.case(client)
    sweep(date(2026, 3, 26))
    assert alerts() == []
    sweep(date(2026, 3, 27))
    assert alerts() == [("progress_due", date(2026, 3, 31))]
    sweep(date(2026, 4, 1))
    assert alerts() == [("progress_due", date(2026, 3, 31)), ("progress_missed", date(2026, 3, 31))]
    assert read_by(office.HANDLER)[-2:] == [
        "本月尚未填报进展的案件 1 起，请于月末前填报，其中一起（乌非集〔2021〕7号）",
        "2026年3月逾期未填报进展的案件 1 起，已列入督办，请补报，其中一起（乌非集〔2021〕7号）",
    ]
    assert any("逾期未填报" in title for title in read_by(office.LEADER))
    assert not any("未填报" in title for title in read_by(office.OTHER))


def test_who_reported_is_not_recalled(client: FlaskClient) -> None:
    office.report(client, office.case(client))
    sweep(date(2026, 3, 31))
    sweep(date(2026, 4, 1))
    assert alerts() == []


def test_months_that_passed_while_the_program_stood_still_are_caught_up(client: FlaskClient) -> None:
    office.case(client)
    sweep(date(2026, 6, 10))
    assert alerts() == [
        ("progress_missed", date(2026, 3, 31)), ("progress_missed", date(2026, 4, 30)),
        ("progress_missed", date(2026, 5, 31)),
    ]  # fmt: skip
    assert sum("逾期未填报" in title for title in read_by(office.REVIEWER)) == 3


def test_a_unit_reads_one_notice_for_all_its_cases(client: FlaskClient) -> None:
    for number in range(3):
        office.case(client, case_no=f"乌非集〔2021〕{number}号")
    sweep(date(2026, 3, 31))
    assert sum("案件 3 起" in title for title in read_by(office.HANDLER)) == 1


def test_the_months_before_a_case_was_reopened_count_for_nothing(client: FlaskClient) -> None:
    stages = {"admin_stage": "admin_handled", "restitution_stage": "completed"}
    case_id = office.case(client, username=office.REVIEWER, stages=stages)
    office.act(client, office.LEADER, case_id, "close", reason="结案。")
    sweep(date(2026, 5, 2))
    assert alerts() == []
    with clock.stopped_at(morning_of(date(2026, 5, 4))):
        office.act(client, office.LEADER, case_id, "reopen", reason="发现新资产。")
    sweep(date(2026, 6, 1))
    assert alerts() == [("progress_missed", date(2026, 5, 31))]


def test_targets_and_measures_are_recalled_too(client: FlaskClient) -> None:
    case_id = office.case(client, facts=office.FACTS | {"target_on": "2026-03-20"})
    office.write_plan(client, case_id)
    sweep(MONDAY_MORNING.date())
    assert alerts() == [("target_near", date(2026, 3, 20))], "a plan that nobody approved binds nobody"
    office.decide_plan(client, case_id, 1)
    sweep(MONDAY_MORNING.date())
    assert ("measure_missed", date(2025, 9, 30)) in alerts()
    sweep(date(2026, 3, 21))
    assert ("target_missed", date(2026, 3, 20)) in alerts()


STEPS: list[tuple[str, dict[str, Any], str, str]] = [
    ("propose_stage", {"track": "admin_stage", "stage": "admin_accepted"}, office.REVIEWER, "案件阶段变更待确认"),
    ("propose_stage", {"track": "restitution_stage", "stage": "impossible"}, office.LEADER, "案件阶段变更待确认"),
]


@pytest.mark.parametrize(("action", "given", "reader", "title"), STEPS)
def test_whoever_confirms_hears_of_it(
    client: FlaskClient, action: str, given: dict[str, Any], reader: str, title: str
) -> None:
    case_id = office.case(client)
    answer = office.act(client, office.HANDLER, case_id, action, on="2026-02-01", reason="依文书。", **given)
    assert answer.status_code == 200, answer.get_json()
    factories.deliver()
    assert f"{title}（乌非集〔2021〕7号）" in read_by(reader)
    assert f"{title}（乌非集〔2021〕7号）" not in read_by(office.HANDLER)


def test_a_notice_of_a_case_leads_to_it(client: FlaskClient) -> None:
    case_id = office.case(client)
    factories.deliver()
    items = client.get("/api/v1/office/notices", headers=factories.office_headers(office.REVIEWER)).get_json()["items"]
    assert [(item["tip_id"], item["case_id"]) for item in items] == [(None, case_id)]


def test_the_tables_of_who_hears_of_what_are_complete() -> None:
    assert set(CaseAction) <= set(CASE_STEPS)
    assert set(CASE_ALERTS) == set(CaseAlertKind) == set(CASE_ALERT_TEXTS)
