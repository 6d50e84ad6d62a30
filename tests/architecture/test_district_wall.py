"""The law of the district wall (domain rule 14): in every list, by every id, in the database itself, and under load."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg.errors
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from app.foundation import clock
from app.foundation.database import APPLICATION_ROLE, db
from app.foundation.http import Audience, Policy
from tests import factories, rows
from tests.moments import MONDAY_MORNING
from tests.threads import at_once

FOLLOWING = ["tips", "tip_subjects", "reporters", "tip_jurisdictions", "tip_evidence"]
PROTECTED = ["handlings", "handling_events", "reassignments", "reassignment_events", *FOLLOWING]


def _apply(client: FlaskClient, tip_id: UUID, division: str, to: str) -> str:
    headers = factories.office_headers(f"district.{division}")
    evidence = factories.upload(client, headers).get_json()["id"]
    version = client.get(f"/api/v1/office/tips/{tip_id}", headers=headers).get_json()["version"]
    body = {
        "to_division": to,
        "ground": "moved",
        "reason": "已迁出。",
        "evidence": [evidence],
        "expected_version": version,
    }
    answer = client.post(f"/api/v1/office/tips/{tip_id}/reassignments", json=body, headers=headers)
    assert answer.status_code == 201, answer.get_json()
    request_id: str = answer.get_json()["id"]
    return request_id


def _whole_tip(client: FlaskClient, division: str, to: str) -> dict[str, Any]:
    """A named tip with evidence, held by ``division``, with a request to move it: a row in every protected table."""
    name = f"{division}的乌鲁木齐瑞丰源投资咨询有限公司"
    evidence = [factories.upload(client).get_json()["id"]]
    subject = factories.tip_body()["subject"] | {"name": name}
    receipt = factories.file_tip(client, reporter=factories.REPORTER, evidence=evidence, subject=subject)
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    for username, action, given in (
        ("city.reviewer", "accept", {}),
        ("city.reviewer", "assign", {"division": division}),
        (f"district.{division}", "sign_for", {}),
    ):
        assert factories.office_act(client, username, tip_id, action, **given).status_code == 200
    return {
        "id": tip_id, "receipt_number": receipt["receipt_number"], "name": name, "file": evidence[0],
        "request": _apply(client, tip_id, division, to),
    }  # fmt: skip


class TestOverHttp:
    def test_no_list_shows_another_districts_tip(self, app: Flask, client: FlaskClient) -> None:
        """Every reading route without an id in its path, those of later rooms included."""
        tip = _whole_tip(client, factories.XINSHI, factories.TIANSHAN)
        traces = [str(tip["id"]), tip["receipt_number"], tip["name"], tip["request"], tip["file"]]
        own, other = (factories.office_headers(f"district.{d}") for d in (factories.XINSHI, factories.SHUIMOGOU))
        lists = [
            rule.rule
            for rule in app.url_map.iter_rules()
            if "GET" in (rule.methods or set())
            and not rule.arguments
            and isinstance(policy := getattr(app.view_functions[rule.endpoint], "policy", None), Policy)
            and policy.audience is Audience.OFFICER
        ]
        assert {"/api/v1/office/tips", "/api/v1/office/reassignments", "/api/v1/office/audit"} <= set(lists)
        for path in lists:
            asked = {"format": "csv"} if path.endswith("/export") else {"limit": 100}
            answer = client.get(path, headers=other, query_string=asked)
            assert answer.status_code in {200, 403}, (path, answer.get_json())
            assert [trace for trace in traces if trace in answer.get_data(as_text=True)] == [], path
        assert str(tip["id"]) in client.get("/api/v1/office/tips", headers=own).get_data(as_text=True)

    @pytest.mark.parametrize("viewer", ["auditor", "sysadmin", "secadmin"])
    def test_administrators_see_no_tip_in_any_list(self, client: FlaskClient, viewer: str) -> None:
        tip = _whole_tip(client, factories.XINSHI, factories.TIANSHAN)
        headers = factories.office_headers(viewer)
        for path in ("tips", "reassignments"):
            assert client.get(f"/api/v1/office/{path}", headers=headers).status_code == 403
        assert client.get(f"/api/v1/office/tips/{tip['id']}", headers=headers).status_code == 403

    def test_a_target_sees_a_request_only_once_it_was_adjusted_towards_it(self, client: FlaskClient) -> None:
        tip = _whole_tip(client, factories.XINSHI, factories.TIANSHAN)
        target = factories.office_headers(f"district.{factories.TIANSHAN}")
        assert client.get("/api/v1/office/reassignments", headers=target).get_json()["items"] == []
        assert client.get(f"/api/v1/office/reassignments/{tip['request']}", headers=target).status_code == 404

    @pytest.mark.parametrize("q", ["瑞丰源", "receipt"])
    def test_searching_and_counting_find_nothing_either(self, client: FlaskClient, q: str) -> None:
        tip = _whole_tip(client, factories.XINSHI, factories.TIANSHAN)
        words = tip["receipt_number"] if q == "receipt" else q
        for division, expected in ((factories.XINSHI, 1), (factories.SHUIMOGOU, 0)):
            page = client.get(
                "/api/v1/office/tips",
                query_string={"q": words},
                headers=factories.office_headers(f"district.{division}"),
            ).get_json()
            assert (len(page["items"]), page["total_estimate"]) == (expected, expected)

    def test_an_id_of_another_district_is_as_unknown_as_one_that_does_not_exist(
        self, app: Flask, client: FlaskClient
    ) -> None:
        """Every route with a tip's or a request's id answers both alike, and leaves nothing but the auditor's row."""
        tip = _whole_tip(client, factories.XINSHI, factories.TIANSHAN)
        other = factories.office_headers(f"district.{factories.SHUIMOGOU}")
        evidence = [factories.upload(client, other).get_json()["id"]]
        bodies = {
            "tips/{}/actions": {"action": "sign_for", "expected_version": 1},
            "tips/{}/identity": {"reason": "核实"},
            "tips/{}/reassignments": {
                "to_division": factories.TIANSHAN, "ground": "moved", "reason": "理由", "evidence": evidence, "expected_version": 4,
            },
            "reassignments/{}/actions": {"action": "cancel", "expected_version": 1, "reason": "理由"},
            "tips/{}": None,
            "reassignments/{}": None,
        }  # fmt: skip
        before = rows.row_counts()
        for path, body in bodies.items():
            answers = []
            for thing in (tip["request"] if path.startswith("reassignments") else tip["id"], uuid4()):
                url = "/api/v1/office/" + path.format(thing)
                answer = client.post(url, json=body, headers=other) if body else client.get(url, headers=other)
                problem = answer.get_json()
                problem.pop("request_id")
                answers.append((answer.status_code, problem))
            assert answers[0] == answers[1], path
            assert answers[0][0] == 404, path
        assert rows.growth(before) == {"audit_events": 2 * len(bodies)}
        refused = rows.scalar(
            "SELECT count(*) FROM audit_events WHERE NOT succeeded AND details->>'code' = 'not_found'"
        )
        assert refused == 2 * len(bodies)


@pytest.fixture
def two_districts(committed_app: Flask) -> Iterator[dict[str, Any]]:
    with clock.stopped_at(MONDAY_MORNING):
        client = committed_app.test_client()
        tips = {
            factories.XINSHI: _whole_tip(client, factories.XINSHI, factories.SHUIMOGOU),
            factories.TIANSHAN: _whole_tip(client, factories.TIANSHAN, factories.SHUIMOGOU),
        }
        units = {
            code: rows.scalar("SELECT id FROM units WHERE division_code = :code", code=code)
            for code in (factories.XINSHI, factories.TIANSHAN, factories.SHUIMOGOU)
        }
        yield {"tips": tips, "units": units}


def _behind(wall: str | None) -> Connection:
    """A connection as the program's role, behind ``wall``; ``None`` leaves the setting untouched."""
    connection = db.engine.connect()
    if wall is not None:
        connection.execute(text("SELECT set_config('shudi.wall', :wall, true)"), {"wall": wall})
    return connection


_KEY = {"reassignment_events": "(SELECT tip_id FROM reassignments r WHERE r.id = reassignment_id)", "tips": "id"}


class TestInTheDatabase:
    def test_the_role_owns_nothing_and_bypasses_nothing(self, committed_app: Flask) -> None:
        with _behind("open") as connection:
            role = connection.execute(
                text("SELECT rolsuper, rolbypassrls, rolcreaterole, rolcanlogin FROM pg_roles WHERE rolname = :role"),
                {"role": APPLICATION_ROLE},
            ).one()
            owned = connection.scalar(text("SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole"))
            assert connection.scalar(text("SELECT current_user")) == APPLICATION_ROLE
        assert tuple(role) == (False, False, False, False)
        assert owned == 0

    def test_every_table_that_leads_to_a_tip_is_behind_the_wall(self, committed_app: Flask) -> None:
        """A new table with a foreign key to tips, handlings, reassignments or cases needs a policy of its own."""
        leading = {
            table.name
            for table in db.metadata.sorted_tables
            for key in table.foreign_keys
            if key.column.table.name in {"tips", "handlings", "reassignments", "fundraising_cases"}
        } | {"tips", "handlings", "fundraising_cases"}
        with _behind("open") as connection:
            secured = {
                name
                for (name,) in connection.execute(
                    text("SELECT relname FROM pg_class WHERE relrowsecurity AND relkind = 'r'")
                )
            }
        assert leading - secured == set()
        assert set(PROTECTED) <= secured

    def test_a_wall_of_one_unit_shows_that_units_rows_only(self, two_districts: dict[str, Any]) -> None:
        for table in PROTECTED:
            statement = text(f"SELECT DISTINCT {_KEY.get(table, 'tip_id')} FROM {table}")
            for code, tip in two_districts["tips"].items():
                with _behind(str(two_districts["units"][code])) as connection:
                    assert [found for (found,) in connection.execute(statement)] == [tip["id"]], table
            with _behind("open") as connection:
                assert len(list(connection.execute(statement))) == 2, table

    def test_without_a_wall_nothing_is_seen(self, two_districts: dict[str, Any]) -> None:
        for wall in (None, "", "0", "-1"):
            with _behind(wall) as connection:
                seen = {table: connection.scalar(text(f"SELECT count(*) FROM {table}")) for table in PROTECTED}
            assert seen == dict.fromkeys(PROTECTED, 0), wall

    def test_a_wall_of_two_units_shows_both(self, two_districts: dict[str, Any]) -> None:
        units = two_districts["units"]
        with _behind(f"{units[factories.XINSHI]},{units[factories.TIANSHAN]}") as connection:
            assert connection.scalar(text("SELECT count(*) FROM tips")) == 2

    def test_a_wall_that_is_no_list_of_units_opens_nothing(self, two_districts: dict[str, Any]) -> None:
        for wall in ("open,1", "OPEN", "1;DROP TABLE tips", "1 OR true", "{1}"):
            with _behind(wall) as connection:
                try:
                    assert connection.scalar(text("SELECT count(*) FROM tips")) == 0, wall
                except DBAPIError:
                    continue  # refused is as good as nothing seen

    def test_what_was_said_and_done_cannot_be_changed_or_deleted(self, two_districts: dict[str, Any]) -> None:
        written_once = [
            "tips",
            "tip_subjects",
            "tip_jurisdictions",
            "tip_evidence",
            "handling_events",
            "reassignment_events",
        ]
        statements = [f"TRUNCATE {table} CASCADE" for table in PROTECTED]
        statements += [f"DELETE FROM {table}" for table in [*written_once, "handlings", "reassignments"]]
        for table in written_once:
            column = "id" if table in {"tips", "reassignment_events", "handling_events"} else "tip_id"
            statements.append(f"UPDATE {table} SET {column} = {column}")
        for statement in statements:
            with _behind("open") as connection, pytest.raises(DBAPIError) as refused:
                connection.execute(text(statement))
            assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege), statement

    def test_the_role_cannot_tear_the_wall_down(self, committed_app: Flask) -> None:
        for statement in (
            "UPDATE alembic_version SET version_num = '0'",
            "ALTER TABLE tips DISABLE ROW LEVEL SECURITY",
            "DROP POLICY wall ON tips",
            "ALTER TABLE audit_events DISABLE TRIGGER ALL",
            "CREATE TABLE mine (id int)",
            "SET session_replication_role = replica",
        ):
            with _behind("open") as connection, pytest.raises(DBAPIError) as refused:
                connection.execute(text(statement))
            assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege), statement

    def test_a_district_cannot_push_a_tip_over_the_wall(self, two_districts: dict[str, Any]) -> None:
        """Also writing is checked: a row may not be moved to, or made for, a unit behind another wall."""
        units = two_districts["units"]
        with _behind(str(units[factories.XINSHI])) as connection, pytest.raises(DBAPIError, match="row-level security"):
            connection.execute(text("UPDATE handlings SET unit_id = :unit"), {"unit": units[factories.TIANSHAN]})


class TestUnderLoad:
    def test_sixty_four_people_through_one_pool_see_their_own(
        self, two_districts: dict[str, Any], committed_app: Flask
    ) -> None:
        """More requests at once than connections; each answer holds the rows of its own asker and no others."""
        viewers = [
            f"district.{factories.XINSHI}",
            f"district.{factories.TIANSHAN}",
            f"district.{factories.SHUIMOGOU}",
            "city.reviewer",
        ]
        headers = {viewer: factories.office_headers(viewer) for viewer in viewers}
        tips = {code: str(tip["id"]) for code, tip in two_districts["tips"].items()}
        expected = {
            viewers[0]: {tips[factories.XINSHI]},
            viewers[1]: {tips[factories.TIANSHAN]},
            viewers[2]: set(),
            viewers[3]: set(tips.values()),
        }

        def ask(viewer: str) -> list[set[str]]:
            client = committed_app.test_client()
            seen = []
            for _ in range(3):
                answer = client.get("/api/v1/office/tips", headers=headers[viewer])
                assert answer.status_code == 200, answer.get_json()
                seen.append({item["id"] for item in answer.get_json()["items"]})
            return seen

        asked = viewers * 16
        answers = at_once(committed_app, [lambda v=viewer: ask(v) for viewer in asked])
        assert all(seen == [expected[viewer]] * 3 for viewer, seen in zip(asked, answers, strict=True))

    def test_a_refused_request_leaves_its_connection_without_sight(
        self, two_districts: dict[str, Any], committed_app: Flask
    ) -> None:
        client = committed_app.test_client()
        city, other = (factories.office_headers(n) for n in ("city.reviewer", f"district.{factories.SHUIMOGOU}"))
        tip_id = two_districts["tips"][factories.XINSHI]["id"]
        for _ in range(20):
            assert client.get(f"/api/v1/office/tips/{tip_id}", headers=city).status_code == 200
            assert client.get(f"/api/v1/office/tips/{tip_id}", headers=other).status_code == 404
            assert client.get("/api/v1/nothing").status_code == 404
