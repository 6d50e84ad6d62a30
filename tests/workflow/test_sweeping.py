"""The sweep: yellow at half, orange at a fifth left, red when over; each told once, also after a stop and twice at once."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, enter_wall, transaction
from app.identity.models import Account
from app.notifications import jobs as notification_jobs
from app.notifications.models import Notice
from app.outbox import service as outbox
from app.outbox.models import OutboxMessage
from app.workflow import jobs
from app.workflow.models import HandlingAlert
from tests import factories, rows
from tests.moments import morning_of
from tests.threads import at_once
from tests.workflow import office
from tests.workflow.office import HANDLER


def alerts(tip_id: UUID) -> list[tuple[str, date | None]]:
    found = select(HandlingAlert.kind, HandlingAlert.due_on).where(HandlingAlert.tip_id == tip_id)
    with transaction(OPEN_WALL):
        return [(kind, due) for kind, due in db.session.execute(found.order_by(HandlingAlert.at, HandlingAlert.id))]


def sweep(day: date) -> None:
    with office.on(day):
        jobs.sweep_clocks()


def deliver() -> None:
    """Run every message of the outbox."""
    with transaction(OPEN_WALL):
        waiting = db.session.scalars(select(OutboxMessage.id).where(OutboxMessage.done_at.is_(None))).all()
    for message in waiting:
        outbox.run_message(message)


def read_by(username: str) -> list[str]:
    with transaction(OPEN_WALL):
        return list(
            db.session.scalars(
                select(Notice.title)
                .join(Account, Account.id == Notice.account_id)
                .where(Account.username == username)
                .order_by(Notice.created_at)
            )
        )


VERIFYING = [  # fifteen working days from 2 March: eight used, three left, over
    (date(2026, 3, 11), 0, []),
    (date(2026, 3, 12), 1, ["yellow"]),
    (date(2026, 3, 17), 1, ["yellow"]),
    (date(2026, 3, 18), 2, ["yellow", "orange"]),
    (date(2026, 3, 23), 2, ["yellow", "orange"]),
    (date(2026, 3, 24), 3, ["yellow", "orange", "red"]),
]


def test_each_mark_comes_on_its_day_and_once(client: FlaskClient) -> None:
    tip_id = office.verifying(client)
    for day, mark, kinds in VERIFYING:
        for _ in range(2):
            sweep(day)
            assert office.handling(tip_id).mark == mark, day
            assert [kind for kind, _ in alerts(tip_id)] == kinds, day


def test_after_a_stop_the_present_mark_is_caught_up_once(client: FlaskClient) -> None:
    tip_id = office.verifying(client)
    sweep(date(2026, 3, 25))
    assert alerts(tip_id) == [("red", date(2026, 3, 23))]
    assert office.handling(tip_id).mark == 3


def test_the_overall_clock_warns_too(client: FlaskClient) -> None:
    tip_id = office.verifying(client)
    with office.on(date(2026, 3, 31)):
        office.do("city.leader", tip_id, "extend", reason="取证。")
    sweep(date(2026, 4, 1))  # 30 of 60 days
    overall = date(2026, 5, 1)
    assert ("yellow", overall) in alerts(tip_id)
    sweep(date(2026, 4, 19))
    assert ("orange", overall) in alerts(tip_id)
    sweep(date(2026, 5, 2))
    assert ("red", overall) in alerts(tip_id)


def test_a_stopped_clock_warns_nobody_and_a_step_begins_anew(client: FlaskClient) -> None:
    tip_id = office.verifying(client)
    request = office.apply(client, tip_id)
    sweep(date(2026, 3, 25))
    assert alerts(tip_id) == []
    with office.on(date(2026, 3, 25)):
        office.step(HANDLER, request, "cancel")
        office.do(HANDLER, tip_id, "submit_feedback", outcome="SUBSTANTIATED", text="属实。")
        assert office.handling(tip_id).mark == 0


def test_a_reporter_who_is_awaited_reddens_nothing(client: FlaskClient) -> None:
    tip_id = office.registered(client)
    office.do("city.reviewer", tip_id, "ask_supplement", text="请补充。")
    sweep(date(2026, 3, 30))
    assert alerts(tip_id) == []


def test_a_replied_tip_is_archived_when_its_thirty_days_are_over(client: FlaskClient) -> None:
    tip_id = office.verifying(client)
    office.do(HANDLER, tip_id, "submit_feedback", outcome="SUBSTANTIATED", text="属实。")
    office.do("city.reviewer", tip_id, "conclude")
    due = office.do(HANDLER, tip_id, "reply", text="已办结。").due_on
    assert due == date(2026, 4, 14)
    sweep(due)
    assert office.handling(tip_id).status == "replied"
    for _ in range(2):
        sweep(due + timedelta(days=1))
        assert office.handling(tip_id).status == "archived"
    assert alerts(tip_id) == []


def test_more_than_a_batch_is_swept(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.workflow import sweeping

    monkeypatch.setattr(sweeping, "_A_BATCH", 2)
    tips = [office.registered(client) for _ in range(5)]
    sweep(date(2026, 3, 20))
    assert [office.handling(tip_id).mark for tip_id in tips] == [3] * 5


def test_the_office_reads_how_pressing_a_tip_is(client: FlaskClient) -> None:
    tip_id = office.verifying(client)
    office.moved(client, tip_id, factories.TIANSHAN, HANDLER)
    office.do("city.reviewer", tip_id, "mark_urgent", reason="可能聚集。")
    office.do("city.reviewer", tip_id, "supervise", kind="listed", reason="多人举报。")
    sweep(date(2026, 3, 20))
    headers = factories.office_headers("city.leader")
    assert client.get(f"/api/v1/office/tips/{tip_id}", headers=headers).get_json()["handling"] == {
        "priority": "P4", "urgent": True, "mark": "red", "supervision": "listed", "moves": 1, "decided_by_city": True,
        "dispatched_automatically": False, "merged_into": None,
    }  # fmt: skip


class TestWhoIsTold:
    def test_red_reaches_handler_reviewer_and_leader(self, client: FlaskClient) -> None:
        office.verifying(client)
        deliver()
        before = {name: len(read_by(name)) for name in (HANDLER, "city.reviewer", "city.leader")}
        sweep(date(2026, 3, 12))
        deliver()
        assert [title.split("（")[0] for title in read_by(HANDLER)[before[HANDLER] :]] == ["黄色提醒：办理期限已过半"]
        assert len(read_by("city.reviewer")) == before["city.reviewer"]
        sweep(date(2026, 3, 24))
        deliver()
        for name in before:
            assert read_by(name)[-1].startswith("红色提醒：线索已超期"), name

    def test_what_binds_the_city_is_told_to_the_city_alone(self, client: FlaskClient) -> None:
        tip_id = office.assigned(client)
        office.do(HANDLER, tip_id, "request_return", reason="不属本区。")
        deliver()
        before = len(read_by(HANDLER))
        sweep(date(2026, 3, 5))
        deliver()
        assert len(read_by(HANDLER)) == before
        assert read_by("city.reviewer")[-1].startswith("红色提醒")

    def test_an_urgent_tip_reaches_the_leader_within_the_day(self, client: FlaskClient) -> None:
        """信访工作条例 Art. 25; the message leaves with the filing itself."""
        office.registered(client, conduct=factories.tip_body()["conduct"] | {"participants": 5000})
        deliver()
        assert [title.split("（")[0] for title in read_by("city.leader")] == ["紧急线索，请关注"]


class TestDigest:
    def test_each_circle_reads_one_digest_a_working_day(self, client: FlaskClient) -> None:
        office.verifying(client)
        office.registered(client)
        deliver()
        sweep(date(2026, 3, 13))  # the verification at half, the registration over
        before = {name: len(read_by(name)) for name in (HANDLER, "city.reviewer", "city.leader")}
        with office.on(date(2026, 3, 13)):
            for _ in range(2):
                notification_jobs.daily_digest()
        assert read_by(HANDLER)[before[HANDLER] :][0].startswith("今日提醒：期限过半 1 件，最急的一件")
        for name in ("city.reviewer", "city.leader"):
            assert read_by(name)[-1].startswith("今日提醒：已超期 1 件，最急的一件"), name
            assert len(read_by(name)) == before[name] + 1

    def test_not_before_nine_and_not_on_a_day_off(self, client: FlaskClient) -> None:
        office.registered(client)
        sweep(date(2026, 3, 20))
        before = read_by("city.reviewer")
        for moment in (morning_of(date(2026, 3, 21)), morning_of(date(2026, 3, 20)) - timedelta(hours=2)):
            with clock.stopped_at(moment):
                notification_jobs.daily_digest()
        assert read_by("city.reviewer") == before


def test_two_sweeps_at_once_warn_once(committed_app: Flask) -> None:
    client = committed_app.test_client()
    tips = [office.registered(client) for _ in range(4)]
    db.session.rollback()

    def run() -> None:
        enter_wall(OPEN_WALL)
        jobs.sweep_clocks()

    with office.on(date(2026, 3, 20)):
        at_once(committed_app, [run, run, run])
        jobs.sweep_clocks()
    assert rows.scalar("SELECT count(*) FROM handling_alerts") == len(tips)
    assert rows.scalar("SELECT count(*) FROM handlings WHERE mark = 3") == len(tips)


def test_the_jobs_are_periodic(app: Flask) -> None:
    periodic, every = (app.extensions[f"shudi_periodic_{name}"] for name in ("jobs", "intervals"))
    assert periodic["workflow-sweep"] is jobs.sweep_clocks
    assert periodic["notifications-digest"] is notification_jobs.daily_digest
    assert every.keys() == periodic.keys()
