"""Read-only selects that only pages need: what waits for a person, names beside ids, the log as an auditor searches it.

Each starts from the room's own policy, as every list does.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import date, datetime, time
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Select,
    Uuid,
    any_,
    bindparam,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import load_only

from app.files.models import StoredFile
from app.foundation import clock
from app.foundation.database import db, read_rows
from app.foundation.errors import InvalidInput
from app.foundation.permissions import Actor, Permission, Role
from app.geo.divisions import divisions
from app.geo.models import GeoZone
from app.geo.service import region_code
from app.identity import policy as people_policy
from app.identity.models import Account, Unit
from app.tips.lines import TipLine, lines_of
from app.tips.models import Tip, TipSubject
from app.tips.policy import visible_tips
from app.tips.queries import BY_DEADLINE, tip_by_number
from app.workflow import policy
from app.workflow.models import Handling, Reassignment, ReassignmentEvent
from app.workflow.states import OPEN_REASSIGNMENTS, WITH_CITY, ReassignmentAction, ReassignmentStatus

COUNTED_UP_TO: Final = 1000
"""Beyond it a number on a page says no more; counting on would cost time."""


def handling_units() -> Sequence[Unit]:
    """The units of this city that handle tips, in the order of their codes."""
    found = db.session.scalars(
        people_policy.visible_units(_NOBODY).where(Unit.kind.not_in(["region", "city"])).order_by(Unit.division_code)
    )
    return [unit for unit in found if region_code() in divisions().ancestors(unit.division_code)]


_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NOBODY: Final = Actor(kind="program")


def due_today(actor: Actor, statuses: Collection[str]) -> int:
    """How many tips within sight and in one of ``statuses`` fall due today."""
    due = policy.visible_handlings(actor).where(
        Handling.status.in_(statuses), Handling.due_on == clock.today(), Handling.paused_on.is_(None)
    )
    return _count(due.with_only_columns(Handling.tip_id))


def most_urgent_tips(actor: Actor, statuses: Collection[str], limit: int) -> list[TipLine]:
    """Tips within sight and in one of ``statuses``, the nearest limit first."""
    work = policy.visible_handlings(actor).where(Handling.status.in_(statuses)).with_only_columns(Handling.tip_id)
    return lines_of(actor, db.session.scalars(work.order_by(*BY_DEADLINE).limit(limit)).all())


def id_of_number(actor: Actor, number: str, field: str = "into") -> str:
    """The tip of a receipt number within sight; an id stays what it is. Raise ``InvalidInput`` naming ``field``."""
    if _ID.fullmatch(number):
        return number
    found = tip_by_number(actor, number)
    if found is None:
        raise InvalidInput(errors={field: ["没有这个受理编号的线索，请核对"]})
    return str(found)


def requests_waiting(actor: Actor) -> ColumnElement[bool]:
    """The condition that a request waits for this person, as far as the kind of step says it."""
    found: ColumnElement[bool] = _waits_for(actor)
    return found


def waiting_requests(actor: Actor, limit: int) -> tuple[Sequence[Reassignment], int]:
    """Requests for reassignment that wait for this person: (the oldest of them, how many)."""
    waiting = policy.visible_reassignments(actor).where(_waits_for(actor))
    rows = db.session.scalars(waiting.order_by(Reassignment.applied_at, Reassignment.id).limit(limit)).all()
    return rows, count_waiting_requests(actor)


def count_waiting_requests(actor: Actor) -> int:
    """How many requests for reassignment wait for this person."""
    waiting = policy.visible_reassignments(actor).where(_waits_for(actor))
    return _count(waiting.with_only_columns(Reassignment.id))


def _waits_for(actor: Actor) -> Any:
    wanted = []
    others = Reassignment.applicant_id != actor.account_id
    for_the_leader = or_(Reassignment.again, Reassignment.transfer_to.is_not(None))
    if actor.may(Permission.REASSIGNMENT_REVIEW):
        wanted.append((Reassignment.status == ReassignmentStatus.APPLIED) & others & ~for_the_leader)
    if actor.may(Permission.TIP_LEAD):
        wanted.append((Reassignment.status == ReassignmentStatus.APPLIED) & others & for_the_leader)
    if actor.may(Permission.REASSIGNMENT_ADJUST):
        wanted.append((Reassignment.status == ReassignmentStatus.APPROVED) & others)
    if actor.may(Permission.REASSIGNMENT_CONFIRM):
        wanted.append((Reassignment.status == ReassignmentStatus.ADJUSTED) & (Reassignment.to_unit_id == actor.unit_id))
        returned = Reassignment.status == ReassignmentStatus.RETURNED_FOR_EVIDENCE
        wanted.append(returned & (Reassignment.from_unit_id == actor.unit_id))
    return or_(*wanted) if wanted else Reassignment.status.in_(OPEN_REASSIGNMENTS)


def _count(ids: Select[Any]) -> int:
    return db.session.scalar(select(func.count()).select_from(ids.limit(COUNTED_UP_TO).subquery())) or 0


def tips_under_reassignment(actor: Actor, tip_ids: Collection[UUID]) -> set[UUID]:
    """Which of these tips have an open request."""
    if not tip_ids:
        return set()
    requests = policy.visible_reassignments(actor).where(
        Reassignment.tip_id.in_(tip_ids), Reassignment.status.in_(OPEN_REASSIGNMENTS)
    )
    return set(db.session.scalars(requests.with_only_columns(Reassignment.tip_id)))


def applicants(requests: Sequence[Reassignment]) -> dict[UUID, Any]:
    """Who made each request: ``actor_name`` and ``actor_unit_id`` of its first step."""
    events = read_rows(_APPLICATIONS, request_ids=[one.id for one in requests])
    return {event.reassignment_id: event for event in events}


_APPLICATIONS: Final = select(
    ReassignmentEvent.reassignment_id, ReassignmentEvent.actor_name, ReassignmentEvent.actor_unit_id
).where(
    ReassignmentEvent.reassignment_id == any_(bindparam("request_ids", type_=ARRAY(Uuid))),
    ReassignmentEvent.action == literal(ReassignmentAction.APPLY.value),
)


def files_of_request(request: Reassignment) -> Sequence[StoredFile]:
    """The evidence of a request, in the order it came."""
    return files_of_requests([request])[request.id]


def files_of_requests(requests: Sequence[Reassignment]) -> dict[UUID, Sequence[StoredFile]]:
    """The evidence of each of these requests, in the order it came."""
    found = {file.id: file for file in files_by_id([file_id for one in requests for file_id in one.evidence])}
    return {one.id: [found[file_id] for file_id in one.evidence if file_id in found] for one in requests}


def files_by_id(file_ids: Sequence[UUID]) -> Sequence[StoredFile]:
    """Files in the order of their ids given; to be asked for what the caller's own policy has let through."""
    found = {file.id: file for file in db.session.scalars(select(StoredFile).where(StoredFile.id.in_(file_ids)))}
    return [found[file_id] for file_id in file_ids if file_id in found]


def unit_names(unit_ids: Collection[int | None]) -> dict[int | None, str]:
    """Names by id; an unknown or missing unit has none."""
    return {row.id: row.name for row in _units(unit_ids)}


def _units(unit_ids: Collection[int | None]) -> list[Any]:
    return read_rows(_UNITS, unit_ids=[unit_id for unit_id in unit_ids if unit_id is not None])


_UNITS: Final = select(Unit.id, Unit.name, Unit.division_code).where(
    Unit.id == any_(bindparam("unit_ids", type_=ARRAY(Integer)))
)


def agreed_zones() -> Sequence[GeoZone]:
    """Functional zones that the office noted, with who takes them: no secret, as the units themselves."""
    return db.session.scalars(select(GeoZone).where(GeoZone.withdrawn_at.is_(None)).order_by(GeoZone.name)).all()


def every_unit_name() -> dict[int | None, str]:
    """Names of all units by id, for long lists."""
    return {row.id: row.name for row in db.session.execute(select(Unit.id, Unit.name))}


def moves_of(requests: Sequence[Reassignment]) -> dict[UUID, tuple[str, str]]:
    """From where to where each request moves its tip, as names of places."""
    ids = {unit_id for one in requests for unit_id in (one.from_unit_id, one.to_unit_id) if unit_id is not None}
    places: dict[int | None, str] = {row.id: divisions().name(row.division_code) or row.name for row in _units(ids)}
    return {
        one.id: (places[one.from_unit_id], places.get(one.to_unit_id) or divisions().full_name(one.to_division))
        for one in requests
    }


def account_names(account_ids: Collection[UUID | None]) -> dict[UUID | None, str]:
    """Names of officers by id; an unknown or missing account has none."""
    wanted = [one for one in account_ids if one is not None]
    rows = db.session.execute(select(Account.id, Account.display_name).where(Account.id.in_(wanted)))
    return {row.id: row.display_name for row in rows}


def colleagues(actor: Actor, roles: Collection[Role]) -> Sequence[Account]:
    """Active accounts of the own unit with one of ``roles``, without the own one."""
    return db.session.scalars(
        select(Account)
        .where(
            Account.unit_id == actor.unit_id,
            Account.in_office(clock.today()),
            Account.id != actor.account_id,
            Account.role.in_([role.value for role in roles]),
        )
        .order_by(Account.role, Account.display_name, Account.username)
    ).all()


def receipt_numbers(actor: Actor, tip_ids: Collection[UUID]) -> dict[UUID | None, str]:
    """Receipt numbers of tips within sight, by id."""
    rows = db.session.execute(
        visible_tips(actor).where(Tip.id.in_(tip_ids)).with_only_columns(Tip.id, Tip.receipt_number)
    )
    return {row.id: row.receipt_number for row in rows}


def merged_with(actor: Actor, handling: Handling) -> tuple[Sequence[TipLine], Sequence[TipLine]]:
    """Tips within sight: (the main one of a merged tip, those merged into this one)."""
    merged = policy.visible_handlings(actor).where(Handling.merged_into == handling.tip_id)
    followers = merged.with_only_columns(Handling.tip_id).order_by(Handling.registered_at).limit(50)
    main = [handling.merged_into] if handling.merged_into else []
    return lines_of(actor, main), lines_of(actor, db.session.scalars(followers).all())


_OF_A_CARD: Final = (
    load_only(Tip.receipt_number, Tip.registered_at, Tip.longitude, Tip.latitude),
    load_only(Handling.registered_at, Handling.status, Handling.due_on, Handling.paused_on, Handling.clock_days),
    load_only(
        TipSubject.name, TipSubject.kind, TipSubject.uscc, TipSubject.registered_address, TipSubject.operating_address
    ),
)


def waiting_disputes(actor: Actor, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[Any]:
    """Rows of tip, handling and subject that the city has to decide on, the oldest first, by keyset."""
    statement = (
        visible_tips(actor)
        .add_columns(TipSubject)
        .join(TipSubject, TipSubject.tip_id == Tip.id)
        .where(Handling.status.in_(sorted(WITH_CITY)), or_(Handling.dispute, Handling.needs_review))
        .options(*_OF_A_CARD)
    )
    if after:
        statement = statement.where(tuple_(Handling.registered_at, Handling.tip_id) > tuple_(*after))
    return db.session.execute(statement.order_by(Handling.registered_at, Handling.tip_id).limit(limit + 1)).all()


def people_named(words: str) -> tuple[UUID, ...]:
    """Accounts whose name or user name holds these words."""
    named = (column.contains(words, autoescape=True) for column in (Account.display_name, Account.username))
    return tuple(db.session.scalars(select(Account.id).where(or_(*named)).limit(200)))


def midnight(day: date) -> datetime:
    """When a Beijing day begins."""
    return datetime.combine(day, time(), clock.BEIJING)
