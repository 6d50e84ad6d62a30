"""Laws about the two tables of moves: each (status, action) pair is driven through the real service."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import DomainError, Forbidden, TransitionNotAllowed
from app.foundation.permissions import ROLE_PERMISSIONS, Actor, Permission, Role
from app.workflow import policy, reassignment, service
from app.workflow.models import Handling, Reassignment, ReturnRequest, Transfer
from app.workflow.queries import history_of, reassignment_history
from app.workflow.states import (
    ACTION_TEXTS,
    HANDLING,
    LIMITS,
    OPEN_REASSIGNMENTS,
    OPEN_STATUSES,
    PUBLIC_TEXTS,
    REASSIGNMENT,
    REASSIGNMENT_ACTION_TEXTS,
    REASSIGNMENT_TEXTS,
    STATUS_TEXTS,
    WITH_UNIT,
    Action,
    ReassignmentAction,
    ReassignmentStatus,
    Status,
    Transition,
    find,
)
from tests import factories

GIVEN: dict[str, Any] = {
    "division": factories.XINSHI,
    "outcome": "SUBSTANTIATED",
    "text": "办理情况。",
    "reason": "理由。",
    "reason_code": "NO_FACTS",
    "route": "12315",
    "agree": True,
    "to": "other_authority",
    "number": "1",
    "received_on": None,
    "kind": "urge",
}
"""Everything that any row needs, so that what is refused is refused for its status alone."""

PERSON_OF = {
    Permission.TIP_TRIAGE: "city.reviewer",
    Permission.TIP_HANDLE: f"district.{factories.XINSHI}",
    Permission.TIP_REVIEW: "city.reviewer",
    Permission.TIP_LEAD: "city.leader",
    Permission.TIP_REPLY: "city.reviewer",
    Permission.REASSIGNMENT_REVIEW: "city.reviewer",
    Permission.REASSIGNMENT_APPLY: f"district.{factories.XINSHI}",
    Permission.REASSIGNMENT_ADJUST: "city.adjuster",
    Permission.REASSIGNMENT_CONFIRM: f"district.{factories.TIANSHAN}",
}


def _targets(table: tuple[Transition, ...], start: str) -> set[str]:
    """Statuses that the rows lead to from ``start``."""
    reached, grew = {start}, True
    while grew:
        more = {t for row in table if row.sources & reached for t in row.targets} - reached
        grew = bool(more)
        reached |= more
    return reached


class TestTables:
    def test_every_status_and_action_is_named(self) -> None:
        assert set(STATUS_TEXTS) == set(PUBLIC_TEXTS) == set(Status)
        assert set(ACTION_TEXTS) == set(Action)
        assert set(REASSIGNMENT_TEXTS) == set(ReassignmentStatus)
        assert set(REASSIGNMENT_ACTION_TEXTS) == set(ReassignmentAction)

    def test_sources_and_targets_are_statuses(self) -> None:
        assert all(row.sources <= set(Status) and set(row.targets) <= set(Status) for row in HANDLING)
        assert all(row.sources and row.sources <= set(ReassignmentStatus) for row in REASSIGNMENT)
        assert all(set(row.targets) <= set(ReassignmentStatus) for row in REASSIGNMENT)

    def test_every_action_has_a_row(self) -> None:
        assert {row.action for row in HANDLING} == set(Action)
        assert {row.action for row in REASSIGNMENT} == set(ReassignmentAction) - {ReassignmentAction.APPLY}

    @pytest.mark.parametrize("table", [HANDLING, REASSIGNMENT])
    def test_no_pair_has_two_rows(self, table: tuple[Transition, ...]) -> None:
        pairs = [(row.action, status) for row in table for status in row.sources]
        assert len(pairs) == len(set(pairs))

    def test_every_permission_of_the_tables_belongs_to_a_role_and_changes_something(self) -> None:
        for row in [*HANDLING, *REASSIGNMENT]:
            if row.permission is None:
                continue
            assert not row.permission.reads_only
            assert any(row.permission in granted for granted in ROLE_PERMISSIONS.values())

    def test_every_status_is_reached(self) -> None:
        reached, grew = {str(Status.REGISTERED)}, True
        while grew:
            more = {t for row in HANDLING if row.sources & reached for t in row.targets} - reached
            grew, reached = bool(more), reached | more
        assert reached == set(Status)

    def test_ends_are_ends(self) -> None:
        """Nothing but a reopening leaves a rejected or archived tip, and nothing leaves a merged one."""
        ends = set(Status) - OPEN_STATUSES
        leaving = {(row.action, status) for row in HANDLING for status in row.sources & ends if row.targets}
        assert leaving == {(Action.REOPEN, Status.ARCHIVED), (Action.REOPEN, Status.REJECTED)}

    def test_a_request_that_is_closed_stays_closed(self) -> None:
        closed = set(ReassignmentStatus) - OPEN_REASSIGNMENTS
        assert [row.action for row in REASSIGNMENT if row.sources & closed] == []
        assert _targets(REASSIGNMENT, ReassignmentStatus.APPLIED) == set(ReassignmentStatus)

    def test_the_unit_that_holds_a_tip_can_always_be_changed(self) -> None:
        assert next(row for row in HANDLING if row.action == Action.REASSIGN).sources == WITH_UNIT

    def test_limits_are_those_of_the_office(self) -> None:
        """domain.md §9.1: accept 5, supplement 10, assign 2, sign 1, decide a return 2, verify 15 …"""
        assert {status.value: limit.working_days for status, limit in LIMITS.items()} == {
            "registered": 5, "need_supplement": 10, "accepted": 2, "assigned": 1, "return_requested": 2, "verifying": 15,
            "feedback_submitted": 3, "rework": 5, "transferred": 5, "concluded": 5, "replied": 30,
        }  # fmt: skip


@pytest.fixture
def people(session: Session) -> dict[str, Actor]:
    return {name: factories.actor(name) for name in {*PERSON_OF.values(), "observer.650000"}}


@pytest.fixture
def tip_id(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> UUID:
    other = factories.tip_id_of(factories.file_tip(client)["receipt_number"])
    monkeypatch.setitem(GIVEN, "into", other)
    monkeypatch.setitem(GIVEN, "received_on", clock.today())
    return factories.verifying_tip(client, factories.XINSHI, subject=factories.clear_subject())


def _put(tip_id: UUID, status: str) -> Handling:
    """Bring the handling into ``status`` past the service, so that pairs no edition reaches yet are tried too."""
    handling = service.lock_for_reassignment(tip_id)
    handling.status = status
    _forget_side_records(tip_id)
    if status == Status.RETURN_REQUESTED:
        db.session.merge(
            ReturnRequest(
                id=tip_id, tip_id=tip_id, unit_id=handling.unit_id, asked_by=tip_id, asked_at=clock.now(), reason="。",
                from_status="verifying",
            )
        )  # fmt: skip
    if status == Status.TRANSFERRED:
        db.session.merge(
            Transfer(
                id=tip_id,
                tip_id=tip_id,
                destination="other_authority",
                through_region=False,
                reason="。",
                approved_at=clock.now(),
            )
        )
    db.session.flush()
    return handling


def _forget_side_records(tip_id: UUID) -> None:
    """What an earlier status left beside the handling; the program itself is not allowed to delete it."""
    db.session.flush()
    role = db.session.scalar(text("SELECT current_user"))
    db.session.execute(text("RESET ROLE"))
    for record in (ReturnRequest, Transfer):
        db.session.execute(delete(record).where(record.tip_id == tip_id))
    db.session.execute(text(f"SET LOCAL ROLE {role}"))


class _Undone(Exception):
    pass


def _tried(act: Any) -> tuple[Any, DomainError | None]:
    """What ``act`` answers or raises; its effect is undone."""
    answer: Any = None
    refused: DomainError | None = None
    try:
        with db.session.begin_nested():
            try:
                answer = act()
            except DomainError as error:
                refused = error
            raise _Undone
    except _Undone:
        db.session.expire_all()
    return answer, refused


class TestHandling:
    def test_every_pair(self, tip_id: UUID, people: dict[str, Actor]) -> None:
        """Legal moves move; everything else raises."""
        for status in Status:
            version = _put(tip_id, status).version
            for action in Action:
                rows = [row for row in HANDLING if row.action == action]
                actor = people[PERSON_OF[rows[0].permission]] if rows[0].permission else people["city.reviewer"]
                row = find(HANDLING, action, status)
                moved: dict[str, Any] = {}

                def act(
                    actor: Actor = actor, action: Action = action, version: int = version, moved: dict[str, Any] = moved
                ) -> None:
                    handling = service.act(actor, tip_id, action, version, GIVEN)
                    last = history_of(tip_id)[-1]
                    moved.update(
                        status=handling.status,
                        version=handling.version,
                        told=(last.version, last.from_status, last.to_status),
                    )

                _, refused = _tried(act)
                where = (status.value, action.value)
                if rows[0].permission is None:
                    assert isinstance(refused, Forbidden), where
                elif row is None:
                    assert isinstance(refused, TransitionNotAllowed), where
                else:
                    assert refused is None, (where, refused)
                    assert moved["status"] in (row.targets or (status,)), where
                    assert moved["version"] == version + 1, where
                    assert moved["told"] == (version + 1, status, moved["status"]), where
                if not moved:
                    assert (
                        service.lock_for_reassignment(tip_id).status,
                        service.lock_for_reassignment(tip_id).version,
                    ) == (
                        status,
                        version,
                    )

    def test_nobody_without_the_permission_moves_anything(self, tip_id: UUID, session: Session) -> None:
        actors = [factories.actor(name) for name in ("observer.650000", "city.adjuster", "city.leader")]
        for row in HANDLING:
            if row.permission is None:
                continue
            for status in row.sources:
                version = _put(tip_id, status).version
                for actor in [a for a in actors if not a.may(row.permission)]:
                    _, refused = _tried(lambda a=actor, r=row, v=version: service.act(a, tip_id, r.action, v, GIVEN))
                    assert isinstance(refused, Forbidden), (actor.role, row.action, status)

    def test_buttons_are_exactly_what_the_service_lets_through(self, tip_id: UUID, people: dict[str, Actor]) -> None:
        """``available_actions`` shows a move if and only if the service would carry it out."""
        granted = {row.action: row.permission for row in HANDLING}
        for status in Status:
            handling = _put(tip_id, status)
            for actor in [people[name] for name in ("city.reviewer", f"district.{factories.XINSHI}", "city.leader")]:
                shown = {row.action for row in policy.available_actions(actor, handling, None)}
                possible = set()
                for action in [a for a in Action if granted[a] in actor.permissions]:
                    _, refused = _tried(
                        lambda a=actor, c=action, v=handling.version: service.act(a, tip_id, c, v, GIVEN)
                    )
                    possible |= {action.value} if refused is None else set()
                assert shown == possible, (status, actor.role)

    def test_every_status_is_reached_by_people(self, tip_id: UUID, people: dict[str, Actor]) -> None:
        """From a registered tip on, walking only through the service."""
        reached: set[str] = set()
        frontier = [str(Status.REGISTERED)]
        while frontier:
            status = frontier.pop()
            reached.add(status)
            handling = _put(tip_id, status)
            for row in HANDLING:
                if row.permission is None or status not in row.sources:
                    continue
                version = handling.version
                seen, refused = _tried(
                    lambda r=row, v=version: (
                        service.act(people[PERSON_OF[r.permission]], tip_id, r.action, v, GIVEN).status
                    )
                )
                assert refused is None, (status, row.action, refused)
                frontier += [seen] if seen not in reached else []
        assert reached == _targets(HANDLING, Status.REGISTERED)
        assert reached >= {"accepted", "assigned", "verifying", "feedback_submitted", "rework", "concluded", "replied"}


class TestReassignment:
    @pytest.fixture
    def request_id(self, client: FlaskClient, tip_id: UUID) -> UUID:
        return factories_request(client, tip_id)

    def test_every_pair(self, request_id: UUID, tip_id: UUID, people: dict[str, Actor], client: FlaskClient) -> None:
        evidence = [
            UUID(factories.upload(client, factories.office_headers(f"district.{factories.XINSHI}")).get_json()["id"])
        ]
        for status in ReassignmentStatus:
            self._put(request_id, tip_id, status)
            for action in ReassignmentAction:
                rows = [row for row in REASSIGNMENT if row.action == action]
                # The program's own step has no permission: a person who asks for it is refused.
                permission = (rows[0].permission if rows else None) or Permission.REASSIGNMENT_REVIEW
                actor = people[PERSON_OF[permission]]
                if permission is Permission.REASSIGNMENT_CONFIRM and status not in {"adjusted", "confirmed"}:
                    continue  # the new unit does not see the request yet; its view: tests/workflow/test_reassignment
                row = find(REASSIGNMENT, action, status)
                moved: list[Any] = []

                def act(actor: Actor = actor, action: str = action, moved: list[Any] = moved) -> None:
                    version = db.session.get_one(Reassignment, request_id).version
                    given = {"reason": "理由。", "evidence": evidence}
                    request = reassignment.act(actor, request_id, action, version, given)
                    last = reassignment_history(request_id)[-1]
                    moved.append((request.status, request.version - version, last.from_status, last.to_status))

                _, refused = _tried(act)
                where = (status.value, action.value)
                if row is None or row.permission is None:
                    assert isinstance(refused, TransitionNotAllowed | Forbidden), where
                    offered = any(one.permission for one in rows)
                    assert not offered or isinstance(refused, TransitionNotAllowed), where
                else:
                    assert refused is None, (where, refused)
                    assert moved == [(row.targets[0], 1, status, row.targets[0])], where

    def test_buttons_are_exactly_what_the_service_lets_through(
        self, request_id: UUID, tip_id: UUID, people: dict[str, Actor]
    ) -> None:
        for status in ReassignmentStatus:
            request = self._put(request_id, tip_id, status)
            for actor in people.values():
                if not db.session.scalar(policy.visible_reassignments(actor).where(Reassignment.id == request_id)):
                    continue
                request = db.session.get_one(Reassignment, request_id)
                shown = {row.action for row in policy.available_reassignment_actions(actor, request)}
                possible = set()
                for action in set(ReassignmentAction) - {ReassignmentAction.APPLY}:
                    _, refused = _tried(
                        lambda a=actor, c=action, v=request.version: reassignment.act(
                            a, request_id, c, v, {"reason": "理由。"}
                        )
                    )
                    possible |= {action.value} if refused is None else set()
                assert shown == possible, (status, actor.role)

    @staticmethod
    def _put(request_id: UUID, tip_id: UUID, status: ReassignmentStatus) -> Reassignment:
        """Bring request and tip into the state that belongs to ``status``."""
        request = db.session.get_one(Reassignment, request_id)
        handling = service.lock_for_reassignment(tip_id)
        moved = status in {ReassignmentStatus.ADJUSTED, ReassignmentStatus.CONFIRMED}
        request.status = status.value
        request.reviewer_id = None
        handling.unit_id = request.to_unit_id if moved else request.from_unit_id
        handling.status = Status.ASSIGNED.value if moved else Status.VERIFYING.value
        db.session.flush()
        return request


def factories_request(client: FlaskClient, tip_id: UUID) -> UUID:
    """An application of 新市区 to move the tip to 天山区, made through the API."""
    headers = factories.office_headers(f"district.{factories.XINSHI}")
    file_id = factories.upload(client, headers).get_json()["id"]
    version = client.get(f"/api/v1/office/tips/{tip_id}", headers=headers).get_json()["version"]
    answer = client.post(
        f"/api/v1/office/tips/{tip_id}/reassignments",
        json={
            "to_division": factories.TIANSHAN, "ground": "registered_elsewhere", "reason": "登记地在天山区。",
            "evidence": [file_id], "expected_version": version,
        },
        headers=headers,
    )  # fmt: skip
    assert answer.status_code == 201, answer.get_json()
    return UUID(answer.get_json()["id"])


@pytest.mark.parametrize("role", list(Role))
def test_each_role_moves_only_what_its_row_of_the_table_grants(role: Role) -> None:
    """A reading of the two tables together: nobody is granted both sides of a rule of two or three people."""
    granted = ROLE_PERMISSIONS[role]
    assert not {Permission.TIP_HANDLE, Permission.TIP_REVIEW} <= granted
    assert not {Permission.REASSIGNMENT_REVIEW, Permission.REASSIGNMENT_ADJUST} <= granted
