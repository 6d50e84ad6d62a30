"""Tips about one subject are linked in the background: the first is marked, nobody else's tip is told of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from app.foundation import clock
from app.foundation.database import db
from app.tips import jobs, linking
from tests import factories, rows
from tests.enterprises import lists
from tests.moments import MONDAY_MORNING
from tests.threads import at_once
from tests.tips import reporters

NOBODY = {"kind": "unknown", "name": None, "contact": None, "registered_address": None, "operating_address": None}


def _file(client: FlaskClient, later: int = 0, **subject: Any) -> UUID:
    """File a tip ``later`` minutes after the first; without more it is about the company of the factories."""
    named = factories.tip_body()["subject"] | (NOBODY if subject else {}) | subject
    with clock.stopped_at(MONDAY_MORNING + timedelta(minutes=later)):
        return factories.tip_id_of(factories.file_tip(client, subject=named)["receipt_number"])


def _mark(client: FlaskClient, tip_id: UUID, username: str = "city.reviewer") -> Any:
    return reporters.office_sees(client, tip_id, username)["cluster"]


def test_filing_links_nothing_and_the_job_does(client: FlaskClient) -> None:
    first, second = _file(client), _file(client, 1)
    assert _mark(client, first) is None
    jobs.link_tips()
    marks = [_mark(client, tip_id) for tip_id in (first, second)]
    assert [(mark["count"], mark["first"]) for mark in marks] == [(2, True), (2, False)]
    assert marks[0]["id"] == marks[1]["id"]


def test_run_twice_it_is_linked_once(client: FlaskClient) -> None:
    tip_id = _file(client)
    _file(client, 1)
    jobs.link_tips()
    before = rows.dump()
    jobs.link_tips()
    assert rows.added(before, rows.dump()) == []
    assert _mark(client, tip_id)["count"] == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"uscc": "91650104MA00000001"}, {"uscc": "91650104ma0000 0001", "name": "写法不同的公司"}),
        ({"name": "瑞丰源投资咨询有限公司"}, {"name": "瑞丰源投资咨询"}),
        ({"name": "甲乙丙丁商贸", "contact": "0991-7654321"}, {"name": "戊己庚辛商贸", "contact": "（0991）7654321"}),
        ({"online_presence": ["https://www.rf.example/a"]}, {"online_presence": ["rf.example"]}),
        ({"online_presence": ["App：瑞丰宝"]}, {"online_presence": ["瑞丰宝"]}),
    ],
)
def test_what_links_two_tips(client: FlaskClient, one: dict[str, Any], other: dict[str, Any]) -> None:
    tips = [_file(client, **one), _file(client, 1, **other)]
    jobs.link_tips()
    assert [_mark(client, tip_id)["count"] for tip_id in tips] == [2, 2]


def test_one_telephone_does_not_make_one_of_two_companies(client: FlaskClient) -> None:
    codes = ["91650104MA00000001", "91650104MA00000002"]
    tips = [_file(client, n, uscc=code, contact="13912340000") for n, code in enumerate(codes)]
    jobs.link_tips()
    assert [_mark(client, tip_id) for tip_id in tips] == [None, None]


def test_a_tip_that_joins_two_clusters_makes_them_one(client: FlaskClient) -> None:
    first = _file(client, name="瑞丰源投资咨询")
    second = _file(client, 1, online_presence=["rf.example"])
    jobs.link_tips()
    assert _mark(client, first) is None
    third = _file(client, 2, name="瑞丰源投资咨询", online_presence=["rf.example"])
    jobs.link_tips()
    marks = [_mark(client, tip_id) for tip_id in (first, second, third)]
    assert [(mark["count"], mark["first"]) for mark in marks] == [(3, True), (3, False), (3, False)]
    assert rows.scalar("SELECT count(*) FROM tip_clusters") == 1


def test_the_first_is_the_first_by_the_servers_time_whoever_shows_first(client: FlaskClient) -> None:
    late = _file(client, 5)
    jobs.link_tips()
    early = _file(client, 0)
    jobs.link_tips()
    assert (_mark(client, late)["first"], _mark(client, early)["first"]) == (False, True)


def test_a_tip_that_names_nobody_is_looked_at_once_and_stays_alone(client: FlaskClient) -> None:
    tips = [_file(client, n, name="某投资公司") for n in range(2)]
    jobs.link_tips()
    assert [_mark(client, tip_id) for tip_id in tips] == [None, None]
    assert rows.scalar("SELECT count(*) FROM tip_links WHERE cluster_id IS NULL") == 2


def test_batches_go_on_until_everything_is_linked(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linking, "BATCH", 3)
    tips = [_file(client, n) for n in range(7)]
    jobs.link_tips()
    assert {_mark(client, tip_id)["count"] for tip_id in tips} == {7}


def test_two_runs_at_once_link_every_tip_once(committed_app: Flask) -> None:
    client = committed_app.test_client()
    with clock.stopped_at(MONDAY_MORNING):
        for _ in range(6):
            factories.file_tip(client)
    at_once(committed_app, [jobs.link_tips, jobs.link_tips, jobs.link_tips])
    assert rows.scalar("SELECT size FROM tip_clusters") == 6
    assert rows.scalar("SELECT count(*) FROM tip_links") == 6


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield seen
    event.remove(db.engine, "before_cursor_execute", note)


def test_statements_do_not_grow_with_the_tips(client: FlaskClient, app: Flask) -> None:
    counts = []
    for size in (4, 40):
        for n in range(size):
            _file(client, n)
        with counted_statements() as seen:
            jobs.link_tips()
        counts.append(len(seen))
    assert counts[1] <= counts[0] + 2


class TestWhoSeesWhat:
    def test_reporters_see_only_their_own(self, client: FlaskClient) -> None:
        alone = reporters.progress(
            client, factories.file_tip(client, subject={"kind": "unknown", "name": "独此一家商贸"})
        )
        receipt = factories.file_tip(client)
        _file(client)
        jobs.link_tips()
        shown = reporters.progress(client, receipt)
        assert shown.keys() == alone.keys()
        assert {name: shown[name] for name in shown if name != "steps"} == {
            name: alone[name] for name in alone if name != "steps"
        }

    def test_a_district_counts_its_own_tips_alone(self, client: FlaskClient) -> None:
        own = [factories.verifying_tip(client) for _ in range(2)]
        factories.verifying_tip(client, factories.TIANSHAN)
        _file(client)
        jobs.link_tips()
        assert _mark(client, own[0], "district.650104")["count"] == 2
        assert _mark(client, own[0])["count"] == 4
        district, city = (factories.office_headers(name) for name in ("district.650104", "city.reviewer"))
        lists = [
            client.get("/api/v1/office/clusters", headers=headers).get_json()["items"] for headers in (district, city)
        ]
        assert [[line["tips"] for line in lines] for lines in lists] == [[2], [4]]

    def test_one_alone_in_sight_has_no_mark(self, client: FlaskClient) -> None:
        own = factories.verifying_tip(client)
        factories.verifying_tip(client, factories.TIANSHAN)
        jobs.link_tips()
        assert _mark(client, own, "district.650104") is None
        headers = factories.office_headers("district.650104")
        assert client.get("/api/v1/office/clusters", headers=headers).get_json()["items"] == []

    def test_the_queue_shows_one_cluster_alone(self, client: FlaskClient) -> None:
        tips = {str(_file(client, n)) for n in range(3)}
        _file(client, name="另外一家商贸公司")
        jobs.link_tips()
        headers = factories.office_headers("city.reviewer")
        cluster = client.get("/api/v1/office/clusters", headers=headers).get_json()["items"][0]
        assert (cluster["tips"], cluster["last_hour"]) == (3, 3)
        page = client.get(f"/api/v1/office/tips?cluster={cluster['id']}", headers=headers).get_json()
        assert {item["id"] for item in page["items"]} == tips
        assert all(item["cluster"]["count"] == 3 for item in page["items"])

    def test_the_list_turns_its_pages(self, client: FlaskClient) -> None:
        for number, name in enumerate(("甲乙丙丁商贸", "戊己庚辛商贸", "子丑寅卯商贸")):
            for _ in range(2):
                _file(client, number, name=name)
        jobs.link_tips()
        headers = factories.office_headers("city.reviewer")
        first = client.get("/api/v1/office/clusters?limit=2", headers=headers).get_json()
        second = client.get(
            f"/api/v1/office/clusters?limit=2&cursor={first['next_cursor']}", headers=headers
        ).get_json()
        names = [line["subject_name"] for line in first["items"] + second["items"]]
        assert (names, second["next_cursor"]) == (["子丑寅卯商贸", "戊己庚辛商贸", "甲乙丙丁商贸"], None)


class TestCorrections:
    def _post(self, client: FlaskClient, tip_id: UUID, what: str, username: str = "city.reviewer", **body: Any) -> Any:
        headers = factories.office_headers(username)
        return client.post(f"/api/v1/office/tips/{tip_id}/{what}", json=body, headers=headers)

    def test_a_tip_taken_out_stays_out_and_the_next_is_first(self, client: FlaskClient) -> None:
        tips = [_file(client, n) for n in range(3)]
        jobs.link_tips()
        answer = self._post(client, tips[0], "detach", reason="名称相同，但不是同一家公司。")
        assert (answer.status_code, answer.get_json()["cluster"]) == (200, None)
        jobs.link_tips()
        assert _mark(client, tips[0]) is None
        assert [(_mark(client, tip)["count"], _mark(client, tip)["first"]) for tip in tips[1:]] == [
            (2, True),
            (2, False),
        ]
        assert rows.scalar("SELECT details->>'reason' FROM audit_events WHERE action = 'tips.detach'")
        again = self._post(client, tips[0], "detach", reason="再来一次")
        assert (again.status_code, again.get_json()["code"]) == (409, "not_linked")

    def test_a_tip_is_put_back_or_into_another_cluster(self, client: FlaskClient) -> None:
        tips = [_file(client), _file(client, 1), _file(client, 2, name="另外一家商贸公司")]
        jobs.link_tips()
        assert self._post(client, tips[2], "attach", to=str(tips[0]), reason="同一实际控制人。").status_code == 200
        assert {_mark(client, tip)["count"] for tip in tips} == {3}
        assert self._post(client, tips[2], "attach", to=str(tips[1]), reason="再来一次").status_code == 409

    @pytest.mark.parametrize("username", ["district.650104", "city.adjuster", "city.leader", "observer.650000"])
    def test_only_the_citys_reviewer_changes_a_cluster(self, client: FlaskClient, username: str) -> None:
        own = factories.verifying_tip(client)
        _file(client)
        jobs.link_tips()
        assert self._post(client, own, "detach", username, reason="理由").status_code == 403
        assert _mark(client, own)["count"] == 2

    @pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "长" * 501}])
    def test_no_reason_no_change(self, client: FlaskClient, body: dict[str, str]) -> None:
        tips = [_file(client, n) for n in range(2)]
        jobs.link_tips()
        assert self._post(client, tips[0], "detach", **body).status_code == 422
        assert _mark(client, tips[0])["count"] == 2

    def test_a_tip_of_the_last_seconds_waits_for_the_background(self, client: FlaskClient) -> None:
        assert self._post(client, _file(client), "detach", reason="理由").status_code == 404


class TestRegister:
    """What the register of enterprises knows joins tips that name one company differently."""

    def test_a_former_name_and_the_present_one_are_one_company(self, client: FlaskClient) -> None:
        code = lists.code(1)
        lists.known(lists.line("新疆旧风源投资咨询有限公司", uscc=code))
        lists.known(lists.line("新疆瑞丰源投资咨询有限公司", uscc=code), as_of=lists.NOVEMBER)
        names = ({"name": "新疆旧风源投资咨询有限公司"}, {"name": "新疆瑞丰源投资咨询有限公司"}, {"uscc": code})
        tips = [_file(client, n, **named) for n, named in enumerate(names)]
        jobs.link_tips()
        assert [(_mark(client, tip)["count"], _mark(client, tip)["first"]) for tip in tips] == [
            (3, True),
            (3, False),
            (3, False),
        ]

    def test_namesakes_are_not_told_apart_by_the_register(self, client: FlaskClient) -> None:
        name = "新疆瑞丰源投资咨询有限公司"
        lists.known(lists.line(name, uscc=lists.code(1)), lists.line(name, uscc=lists.code(2)))
        tips = [_file(client, 0, name=name), _file(client, 1, name=name, uscc=lists.code(2))]
        jobs.link_tips()
        assert [_mark(client, tip)["count"] for tip in tips] == [2, 2]
