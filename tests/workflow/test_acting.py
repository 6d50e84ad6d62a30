"""Acting for absent colleagues, and stepping aside (domain rules 11 and 13; questions for the customer, 10)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.errors import Conflict, Forbidden, InvalidInput, OutOfScope
from app.foundation.permissions import Permission, Role
from app.identity import delegation
from app.identity import queries as people
from app.identity.models import Account
from app.workflow import exclusions, handover, policy
from app.workflow.queries import history_of, reassignment_history
from tests import factories, rows
from tests.moments import MONDAY_MORNING
from tests.threads import twice_at_once
from tests.workflow import office
from tests.workflow.office import HANDLER
from tests.workflow.test_sweeping import deliver, read_by

MONDAY = MONDAY_MORNING.date()
WEEK = MONDAY + timedelta(days=6)


def delegated(absent: str, to: str, start: date = MONDAY, end: date = WEEK) -> Any:
    person = factories.actor(absent)
    with transaction(OPEN_WALL):
        return delegation.delegate(person, None, to, start, end, "外出学习。")


def refused(code: str) -> Any:
    return pytest.raises((Conflict, Forbidden), check=lambda error: error.code == code)


class TestDelegation:
    def test_a_colleague_acts_from_day_to_day(self, client: FlaskClient) -> None:
        delegated("city.leader", "city.reviewer", date(2026, 3, 3), date(2026, 3, 4))
        for day, acts in (
            (MONDAY, False),
            (date(2026, 3, 3), True),
            (date(2026, 3, 4), True),
            (date(2026, 3, 5), False),
        ):
            with office.on(day):
                assert factories.actor("city.reviewer").may(Permission.TIP_LEAD) is acts, day

    def test_the_history_says_in_which_role(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        delegated("city.leader", "city.reviewer")
        office.do("city.reviewer", tip_id, "extend", reason="取证。")
        assert history_of(tip_id)[-1].actor_role == Role.CITY_LEADER
        assert history_of(tip_id)[1].actor_role == Role.CITY_REVIEWER

    def test_notices_reach_who_acts(self, client: FlaskClient) -> None:
        delegated("city.leader", "city.adjuster")
        unit = factories.actor("city.leader").unit_id
        assert unit is not None
        told = {account.username for account in people.people_of(unit, [Role.CITY_LEADER])}
        assert told == {"city.leader", "city.adjuster"}

    def test_it_ends_early_and_with_the_account(self, client: FlaskClient) -> None:
        row = delegated("city.leader", "city.reviewer")
        with pytest.raises(OutOfScope):
            delegation.end(factories.actor("city.adjuster"), row.id)
        with transaction(OPEN_WALL):
            delegation.end(factories.actor("city.leader"), row.id)
        assert not factories.actor("city.reviewer").may(Permission.TIP_LEAD)
        with refused("delegation_over"):
            delegation.end(factories.actor("city.leader"), row.id)
        delegated("city.leader", "city.reviewer")
        with transaction(OPEN_WALL):
            db.session.scalars(select(Account).where(Account.username == "city.leader")).one().active = False
        assert not factories.actor("city.reviewer").may(Permission.TIP_LEAD)

    @pytest.mark.parametrize(
        ("absent", "to"),
        [
            ("city.leader", "city.leader"),  # oneself
            ("city.leader", HANDLER),  # another unit
            ("city.leader", "sysadmin"), ("city.leader", "auditor"),  # administrators see no business
            ("sysadmin", "city.reviewer"), ("secadmin", "city.reviewer"), ("auditor", "city.reviewer"),
            ("city.leader", "nobody"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_delegated(self, client: FlaskClient, absent: str, to: str) -> None:
        with pytest.raises(InvalidInput):
            delegated(absent, to)

    @pytest.mark.parametrize(
        ("start", "end"),
        [(MONDAY - timedelta(days=1), WEEK), (WEEK, MONDAY), (MONDAY, MONDAY + timedelta(days=92))],
    )
    def test_days_that_make_no_sense(self, client: FlaskClient, start: date, end: date) -> None:
        with pytest.raises(InvalidInput):
            delegated("city.leader", "city.reviewer", start, end)

    def test_others_are_delegated_by_the_security_administrator_alone(self, client: FlaskClient) -> None:
        body = {
            "from": "city.leader",
            "to": "city.reviewer",
            "starts_on": "2026-03-02",
            "ends_on": "2026-03-06",
            "reason": "病假",
        }
        answers = {
            name: client.post(
                "/api/v1/office/delegations", json=body, headers=factories.office_headers(name)
            ).status_code
            for name in ("city.reviewer", "sysadmin", "secadmin")
        }
        assert answers == {"city.reviewer": 403, "sysadmin": 403, "secadmin": 201}
        shown = client.get("/api/v1/office/delegations", headers=factories.office_headers("city.reviewer")).get_json()
        assert [item["role"] for item in shown["items"]] == ["city_leader"]
        stranger = client.get("/api/v1/office/delegations", headers=factories.office_headers(HANDLER)).get_json()
        assert stranger["items"] == []


class TestThreePeopleInTwoRoles:
    """Rule 11: who acts in two roles still cannot pass the own request."""

    def test_the_reviewer_who_acts_as_adjuster(self, client: FlaskClient) -> None:
        delegated("city.adjuster", "city.reviewer")
        request = office.apply(client, office.verifying(client))
        office.step("city.reviewer", request, "approve")
        with refused("same_person"):
            office.step("city.reviewer", request, "adjust")
        assert "adjust" not in _steps("city.reviewer", request)
        office.step("city.adjuster2", request, "adjust")

    def test_the_applicant_who_acts_as_reviewer_and_adjuster(self, client: FlaskClient) -> None:
        delegated("city.reviewer2", "city.adjuster")
        request = office.apply(client, office.verifying(client), username="city.adjuster")
        with refused("same_person"):
            office.step("city.adjuster", request, "approve")
        office.step("city.reviewer", request, "approve")
        with refused("same_person"):
            office.step("city.adjuster", request, "adjust")

    def test_a_part_of_a_review_is_a_review(self, client: FlaskClient) -> None:
        """One reviewer sends the request back, another approves: the first is still none to adjust it."""
        delegated("city.adjuster", "city.reviewer")
        request = office.apply(client, office.verifying(client))
        office.step("city.reviewer", request, "return_for_evidence")
        office.step(HANDLER, request, "resubmit")
        office.step("city.reviewer2", request, "approve")
        with refused("same_person"):
            office.step("city.reviewer", request, "adjust")

    def test_acting_for_one_role_is_enough_where_the_person_is_new(self, client: FlaskClient) -> None:
        delegated("city.adjuster", "city.reviewer")
        request = office.apply(client, office.verifying(client))
        office.step("city.reviewer2", request, "approve")
        assert office.step("city.reviewer", request, "adjust").status == "adjusted"
        assert reassignment_history(request.id)[-1].actor_role == Role.CITY_ADJUSTER


def _steps(username: str, request: Any) -> set[str]:
    person = factories.actor(username)
    return {row.action for row in policy.available_reassignment_actions(person, request)}


class TestStandingAside:
    def test_rule_13_a_conflicted_person_acts_on_nothing_of_the_tip(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client, reporter=factories.REPORTER)
        with transaction(OPEN_WALL):
            exclusions.exclude(factories.actor("city.leader"), HANDLER, "亲属持股。", tip_id=tip_id, company=None)
        with refused("excluded"):
            office.do(HANDLER, tip_id, "submit_feedback", outcome="UNSUBSTANTIATED", text="不实。")
        with refused("excluded"):
            office.apply(client, tip_id)
        person, found = factories.actor(HANDLER), office.handling(tip_id)
        assert policy.available_actions(person, found, None) == []
        assert not policy.can_apply(person, found)
        headers = factories.office_headers(HANDLER)
        assert (
            client.post(f"/api/v1/office/tips/{tip_id}/identity", json={"reason": "核实"}, headers=headers).status_code
            == 403
        )
        other = office.verifying(client)
        assert office.do(HANDLER, other, "submit_feedback", outcome="SUBSTANTIATED", text="属实。").version == 5

    def test_rule_13_nor_does_that_person_read_it_or_its_files(self, client: FlaskClient) -> None:
        file = factories.upload(client).get_json()["id"]
        tip_id = office.verifying(client, evidence=[file])
        request = office.apply(client, tip_id)
        path, headers = f"/api/v1/office/tips/{tip_id}", factories.office_headers(HANDLER)
        paths = [path, f"{path}/evidence/{file}", f"{path}/police-transfers"]
        paths.append(f"/api/v1/office/reassignments/{request.id}")
        assert {client.get(one, headers=headers).status_code for one in paths} == {200}
        with transaction(OPEN_WALL):
            exclusions.exclude(factories.actor("city.leader"), HANDLER, "亲属持股。", tip_id=tip_id, company=None)
        for one in paths:
            answer = client.get(one, headers=headers)
            assert (answer.status_code, answer.get_json()["code"]) == (403, "excluded"), one
            assert "您已对该线索回避" in answer.get_json()["detail"]
            assert "请联系市级负责人" in answer.get_json()["detail"], "it says whom to ask"
        assert client.get(path, headers=factories.office_headers("city.reviewer")).status_code == 200

    def test_nor_on_any_tip_about_a_company_whenever_it_comes(self, client: FlaskClient) -> None:
        with transaction(OPEN_WALL):
            exclusions.exclude(
                factories.actor("city.reviewer"),
                None,
                "曾任职。",
                tip_id=None,
                company="乌鲁木齐瑞丰源投资咨询有限公司",
            )
        tip_id = office.registered(client)
        with refused("excluded"):
            office.do("city.reviewer", tip_id, "accept")
        assert office.do("city.reviewer2", tip_id, "accept").status == "accepted"
        subject = factories.tip_body()["subject"] | {"name": "乌鲁木齐另一家商贸有限公司"}
        assert office.do("city.reviewer", office.registered(client, subject=subject), "accept").status == "accepted"

    def test_a_conflicted_reviewer_decides_on_no_request(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        request = office.apply(client, tip_id)
        with transaction(OPEN_WALL):
            exclusions.exclude(factories.actor("city.reviewer"), None, "亲属持股。", tip_id=tip_id, company=None)
        with refused("excluded"):
            office.step("city.reviewer", request, "approve")
        assert _steps("city.reviewer", request) == set()
        office.step("city.reviewer2", request, "approve")

    def test_of_others_the_leader_decides_and_alone_ends_it(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        body = {"account": HANDLER, "tip_id": str(tip_id), "reason": "亲属持股。"}
        asked = {
            name: client.post("/api/v1/office/exclusions", json=body, headers=factories.office_headers(name))
            for name in ("city.reviewer", "city.leader")
        }
        assert [answer.status_code for answer in asked.values()] == [403, 201]
        path = f"/api/v1/office/exclusions/{asked['city.leader'].get_json()['id']}/end"
        assert client.post(path, headers=factories.office_headers(HANDLER)).status_code == 403
        assert client.post(path, headers=factories.office_headers("city.leader")).status_code == 200
        assert office.do(HANDLER, tip_id, "submit_feedback", outcome="SUBSTANTIATED", text="属实。").version == 5

    def test_nobody_ends_the_own_not_even_the_leader(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        with transaction(OPEN_WALL):
            own = exclusions.exclude(factories.actor("city.leader"), None, "亲属持股。", tip_id=tip_id, company=None)
        path = f"/api/v1/office/exclusions/{own.id}/end"
        refused = client.post(path, headers=factories.office_headers("city.leader"))
        assert (refused.status_code, "另一位市级负责人" in refused.get_json()["detail"]) == (403, True)
        delegated("city.leader", "city.reviewer")
        assert client.post(path, headers=factories.office_headers("city.reviewer")).status_code == 200

    def test_a_tip_of_another_district_is_as_unknown_here_as_anywhere(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        body = {"tip_id": str(tip_id), "reason": "亲属持股。"}
        headers = factories.office_headers(office.OTHER)
        assert client.post("/api/v1/office/exclusions", json=body, headers=headers).status_code == 404

    @pytest.mark.parametrize("what", [{}, {"company": "  "}])
    def test_a_tip_or_a_company_is_named(self, client: FlaskClient, what: dict[str, Any]) -> None:
        with pytest.raises(InvalidInput):
            exclusions.exclude(factories.actor("city.reviewer"), None, "。", tip_id=None, company=what.get("company"))

    def test_sent_twice_it_is_recorded_once(self, committed_app: Flask) -> None:
        person = factories.actor("city.reviewer")

        def ask() -> None:
            exclusions.exclude(person, None, "曾任职。", tip_id=None, company="乌鲁木齐瑞丰源投资咨询有限公司")

        assert twice_at_once(committed_app, person.wall, ask) == ["done", "refused"]
        assert rows.scalar("SELECT count(*) FROM exclusions") == 1

    def test_beside_a_tip_a_blank_is_no_company(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        with transaction(OPEN_WALL):
            row = exclusions.exclude(factories.actor("city.reviewer"), None, "亲属。", tip_id=tip_id, company="  ")
        assert (row.tip_id, row.company) == (tip_id, None)


def test_who_handled_a_tip_and_came_to_the_city_concludes_it_not(client: FlaskClient) -> None:
    """Rule 13 counts persons: a new role does not make old work somebody else's."""
    tip_id = office.verifying(client)
    office.do(HANDLER, tip_id, "submit_feedback", outcome="SUBSTANTIATED", text="属实。")
    office.do("city.reviewer", tip_id, "rework", reason="不清。")
    with transaction(OPEN_WALL):
        steps = history_of(tip_id)
        office.handling(tip_id).feedback_by = steps[0].id  # a colleague hands in the second report
        mover = db.session.scalars(select(Account).where(Account.username == HANDLER)).one()
        home = mover.unit_id
        mover.role, mover.unit_id = Role.CITY_REVIEWER.value, factories.actor("city.reviewer").unit_id or home
    with transaction(OPEN_WALL):
        colleague = factories.actor("city.reviewer2")
        office.handling(tip_id).status = "feedback_submitted"
    with pytest.raises(Forbidden):
        office.do(HANDLER, tip_id, "conclude")
    assert colleague.role is Role.CITY_REVIEWER
    assert office.do("city.reviewer2", tip_id, "conclude").status == "concluded"


class TestHandOver:
    def test_open_items_go_to_the_successor_and_the_account_closes(self, client: FlaskClient) -> None:
        request = office.apply(client, office.verifying(client), username="city.reviewer")
        delegated("city.reviewer", "city.leader")
        office.step("city.leader", request, "return_for_evidence")
        deliver()
        headers = factories.office_headers("city.reviewer")
        unread = len(read_by("city.reviewer"))
        answer = client.application.test_cli_runner().invoke(
            args=["accounts", "hand-over", "--from", "city.reviewer", "--to", "city.reviewer2"]
        )
        assert answer.output == "已移交：属地调整申请 1 件，结束委托 1 项；账号 city.reviewer 已停用。\n"
        deliver()
        assert client.get("/api/v1/office/tips", headers=headers).status_code == 401
        assert not factories.actor("city.leader").may(Permission.TIP_TRIAGE)
        assert len(read_by("city.reviewer2")) >= unread > 0
        file = office.evidence(client, "city.reviewer2")
        office.step("city.reviewer2", request, "resubmit", evidence=[file])
        with refused("same_person"):
            office.step("city.reviewer2", request, "approve")

    @pytest.mark.parametrize(
        ("leaver", "to"),
        [
            ("city.reviewer", "city.leader"),
            ("city.reviewer", "city.reviewer"),
            ("nobody", "city.reviewer"),
            (HANDLER, office.OTHER),
        ],
    )
    def test_to_a_colleague_of_the_same_unit_and_role_alone(self, client: FlaskClient, leaver: str, to: str) -> None:
        with pytest.raises(InvalidInput):
            handover.hand_over(factories.actor("sysadmin"), leaver, to)

    def test_by_who_manages_accounts_alone(self, client: FlaskClient) -> None:
        with pytest.raises(Forbidden):
            handover.hand_over(factories.actor("city.leader"), "city.reviewer", "city.reviewer2")
