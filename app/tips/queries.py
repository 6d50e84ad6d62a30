# long because the filters of the queue, its orders and its search by words are one matter.
"""Read-only selects of intake: the reporter's view, the office's queue, one tip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Uuid,
    and_,
    any_,
    bindparam,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import distinct_on

from app.files.models import StoredFile
from app.foundation import clock
from app.foundation.database import db, read_rows
from app.foundation.errors import Forbidden, OutOfScope
from app.foundation.permissions import Actor
from app.tips import receipts, search, statistics
from app.tips.lines import TipLine, lines_of
from app.tips.models import Reporter, Tip, TipEvidence, TipJurisdiction, TipLink, TipSubject
from app.tips.periods import Period
from app.tips.policy import visible_tips
from app.tips.statistics_models import TipCount, TipFacts
from app.workflow import exclusions
from app.workflow.disclosure import WHY_HIDDEN, reads_statement
from app.workflow.models import Handling
from app.workflow.policy import within_sight
from app.workflow.states import UNDER_WAY, WITH_CITY, WITH_UNIT, Status

NOWHERE: Final = "none"
"""In the place of a prefecture: no division is known yet."""
COUNTED_UP_TO: Final = 1000
"""Beyond it a number says no more; counting on would cost time."""
_PREFECTURE_DIGITS: Final = 4


def own_tips(openid_index: bytes, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[Any]:
    """The reporter's own real-name tips, newest first; one row more than ``limit`` tells of a next page."""
    statement = (
        select(Tip, Handling.status, TipSubject.name)
        .join(Reporter, Reporter.tip_id == Tip.id)
        .join(Handling, Handling.tip_id == Tip.id)
        .join(TipSubject, TipSubject.tip_id == Tip.id)
        .where(Reporter.openid_index == openid_index)
        .order_by(Tip.registered_at.desc(), Tip.id.desc())
        .limit(limit + 1)
    )
    if after:
        statement = statement.where(tuple_(Tip.registered_at, Tip.id) < tuple_(*after))
    return db.session.execute(statement).all()


def own_line(tip: Tip, status: str, subject_name: str | None) -> dict[str, Any]:
    """One line of the reporter's own list."""
    return {
        "receipt_number": tip.receipt_number,
        "registered_at": tip.registered_at,
        "status": status,
        "status_text": Status(status).public_text,
        "subject_name": subject_name,
    }


class Stage(StrEnum):
    """Who has the next word about a tip: statuses in groups."""

    CITY = "city"
    UNIT = "unit"
    OPEN = "open"
    SETTLED = "settled"


STAGES: Final[Mapping[Stage, frozenset[Status]]] = {
    Stage.CITY: WITH_CITY,
    Stage.UNIT: WITH_UNIT,
    Stage.OPEN: UNDER_WAY,
    Stage.SETTLED: frozenset(Status) - UNDER_WAY,
}


class Order(StrEnum):
    """How the queue is sorted."""

    NEWEST = "newest"
    OLDEST = "oldest"
    DUE = "due"


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """What a person looks for in the queue; ``since`` and ``until`` are Beijing days of registration, both included."""

    status: str | None = None
    stage: str | None = None
    division: str | None = None
    q: str | None = None
    overdue: bool | None = None
    due: date | None = None
    dispute: bool | None = None
    priority: str | None = None
    supervised: bool | None = None
    conduct: str | None = None
    channel: str | None = None
    cluster: UUID | None = None
    since: date | None = None
    until: date | None = None
    prefecture: str | None = None
    matched: str | None = None
    corrected: bool | None = None
    took: str | None = None
    on_time: bool | None = None
    score: int | None = None


FILTERS: Final = tuple(one.name for one in fields(QueueFilter))
"""Names of the filters, as they stand in an address."""
_NO_LIMIT: Final = date(9999, 12, 31)
_NO_DEADLINE: Final[ColumnElement[date]] = literal_column("DATE '9999-12-31'")
_DEADLINE: Final = func.coalesce(Handling.due_on, _NO_DEADLINE)
BY_DEADLINE: Final = (_DEADLINE, Handling.tip_id.asc())
"""The nearest deadline first, none last; served by an index."""
_READ_DIRECTLY: Final = 300
"""A search reads the first tips of the queue themselves: common words fill a page there, new tips have no grams yet."""
_CHUNKS: Final = (120, 600, 6_000, 20_000)
"""How many hits a search takes from the index at a time, when half as many again as the page lacks did not fill it;
filters that throw away more find nothing there."""
_SORTED: Final = 1_000
"""So many hits are sorted by their deadline; of more, the deadlines are walked."""
_CHECKED_FIRST: Final = 60
"""Of these, how many are held against the words first: nearly all that have their grams say them."""
_WALKED: Final = 600
"""How many tips are held against the words at a time, by deadline."""
_DRAWN_WITHIN: Final = timedelta(minutes=1)
"""The id of a tip and the moment of its registration lie nearer to each other."""
_ROWS_AT_ONCE: Final = 500
Key = tuple[datetime, UUID]


def queue_page(
    actor: Actor, wanted: QueueFilter, after: Key | None, limit: int, order: Order = Order.NEWEST
) -> tuple[Sequence[TipLine], int]:
    """Tips within sight, by keyset: (lines, one beyond ``limit``; estimate of the total)."""
    if wanted.q and not (_number(wanted.q) and queue_count(actor, wanted)):
        return _searched(actor, wanted, after, limit, order)
    total = queue_count(actor, wanted)
    fresh = wanted.conduct or wanted.channel  # a new tip has these before it is counted
    return _listed(actor, wanted, after, limit, order) if total or fresh else [], total


def queue_lines(actor: Actor, wanted: QueueFilter, order: Order, most: int) -> Iterator[TipLine]:
    """The queue whole, up to ``most`` tips, read page by page."""
    by_words = bool(wanted.q) and not (_number(wanted.q or "") and queue_count(actor, wanted))
    after, left = None, most
    while left > 0:
        limit = min(left, _ROWS_AT_ONCE)
        if by_words:
            lines = _searched(actor, wanted, after, limit, order)[0]
        else:
            lines = _listed(actor, wanted, after, limit, order)
        yield from lines[:limit]
        if len(lines) <= limit:
            return
        after, left = queue_key(lines[limit - 1], order), left - limit


def _listed(actor: Actor, wanted: QueueFilter, after: Key | None, limit: int, order: Order) -> Sequence[TipLine]:
    if actor.city_wide and _asked(wanted).keys() <= _OF_FACTS and order is not Order.DUE and _counted(wanted):
        wanted = _days_of_a_page(wanted, after, limit, order)
    return lines_of(actor, db.session.scalars(_sorted(_queue(actor, wanted), after, order).limit(limit + 1)).all())


def _days_of_a_page(wanted: QueueFilter, after: Key | None, limit: int, order: Order) -> QueueFilter:
    """The same of as many days as hold a page: a list behind a figure need not walk all the other tips until then.

    Only where the facts that are counted tell of every tip that fits.
    """
    day, newest = TipFacts.registered_on, order is Order.NEWEST
    days = select(day).where(*_counted(wanted)).order_by(day.desc() if newest else day).offset(limit).limit(1)
    if after:
        seen = clock.beijing(after[0]).date()
        days = days.where(day < seen if newest else day > seen)
    found = db.session.scalar(days)
    if found is None:
        return wanted
    return replace(wanted, since=found) if newest else replace(wanted, until=found)


def queue_count(actor: Actor, wanted: QueueFilter, most: int = COUNTED_UP_TO) -> int:
    """How many tips within sight fit; counted up to ``most``, of a search up to a thousand."""
    if wanted.q and not _number(wanted.q):
        return _searched(actor, wanted, None, COUNTED_UP_TO, Order.NEWEST)[1]
    if (figure := _figure(actor, wanted)) is not None:
        return min(figure, most)
    return db.session.scalar(select(func.count()).select_from(_queue(actor, wanted).limit(most).subquery())) or 0


def _asked(wanted: QueueFilter) -> dict[str, Any]:
    return {name: value for name in FILTERS if (value := getattr(wanted, name)) is not None}


def _figure(actor: Actor, wanted: QueueFilter) -> int | None:
    """The number itself where the city asks for nothing but one figure of the statistics; none where it asks more."""
    asked = _asked(wanted)
    measures = [name for name in asked if name in _FIGURES]
    if not actor.city_wide or len(measures) != 1 or not asked.keys() <= _FIGURES | _DAYS_AND_PLACE:
        return None
    if statistics.counted_at() is None:
        return None
    step, _, least = (wanted.took or "").partition("-")
    place = list(_place(func.nullif(TipCount.division_code, ""), wanted))
    period = Period(wanted.since or _FIRST_DAY, wanted.until or clock.today())
    values = statistics.values_of(actor, period, step or measures[0], place)
    if step:
        return sum(number for days, number in values.items() if int(days) >= int(least or 0))
    return values[str(asked[measures[0]]).lower()]


def _searched(
    actor: Actor, wanted: QueueFilter, after: Key | None, limit: int, order: Order
) -> tuple[Sequence[TipLine], int]:
    """A page of what holds the words: from the first tips of the queue, then from the index.

    Nothing for who does not read the words: each hit would tell what a statement says.
    """
    if not reads_statement(actor):
        return [], 0
    keys = _sorted(_queue(actor, _but_for_words(wanted)), after, order)
    first = db.session.execute(keys.with_only_columns(Handling.tip_id, *_KEYS).limit(_READ_DIRECTLY)).all()
    found = _hits(actor, wanted.q or "", [row.tip_id for row in first], limit, order)
    if len(found) <= limit and len(first) == _READ_DIRECTLY:
        last = queue_key(first[-1], order) if first else after
        left = limit - len(found)
        in_time = order is not Order.DUE
        found += (
            _in_time(actor, wanted, last, last, left, order) if in_time else _by_deadline(actor, wanted, last, left)
        )
    return lines_of(actor, found), len(found) if len(found) <= limit and after is None else COUNTED_UP_TO


_KEYS: Final = (Handling.registered_at, Handling.due_on)


def _hits(actor: Actor, words: str, ids: Sequence[UUID], limit: int, order: Order) -> list[UUID]:
    """Which of these tips say it, in the order of the queue, one beyond ``limit``."""
    among = Handling.tip_id == any_(literal(ids, ARRAY(Uuid)))
    said = visible_tips(actor).join(TipSubject, TipSubject.tip_id == Tip.id).where(among, search.says(words))
    hits = said.with_only_columns(Handling.tip_id).order_by(*_sorted_by(order)).limit(limit + 1)
    return list(db.session.scalars(hits))


def _in_time(
    actor: Actor, wanted: QueueFilter, after: Key | None, begin: Key | None, limit: int, order: Order
) -> list[UUID]:
    """Hits beyond ``after``, taken from the index chunk by chunk in time from ``begin`` on."""
    found: list[UUID] = []
    words = wanted.q or ""
    beyond = _sorted(_queue(actor, _but_for_words(wanted)), after, order)
    for most in (limit + limit // 2 + 1, *_CHUNKS):
        keys = search.candidates(words, begin, most, newest=order is Order.NEWEST)
        fitting = db.session.scalars(_among(beyond, [key.tip_id for key in keys])).all()
        found += _hits(actor, words, fitting, limit - len(found), order)
        if len(found) > limit or len(keys) < most:
            break
        begin = keys[-1].registered_at, keys[-1].tip_id
    return found


def _by_deadline(actor: Actor, wanted: QueueFilter, after: Key | None, limit: int) -> list[UUID]:
    """Hits beyond ``after`` by their deadline, none left out; those without one, which come last, are taken in time."""
    found: list[UUID] = []
    begin: Key | None = None
    if after is None or after[0].date() < _NO_LIMIT:
        for ids in _dated(actor, wanted, after):
            found += _hits(actor, wanted.q or "", ids, limit - len(found), Order.DUE)
            if len(found) > limit:
                return found
        after = datetime.combine(_NO_LIMIT, time(), UTC), UUID(int=0)
    elif moment := db.session.scalar(select(Handling.registered_at).where(Handling.tip_id == after[1])):
        begin = moment - _DRAWN_WITHIN, after[1]  # their ids follow one another as they were registered
    return found + _in_time(actor, wanted, after, begin, limit - len(found), Order.DUE)


def _dated(actor: Actor, wanted: QueueFilter, after: Key | None) -> Iterator[Sequence[UUID]]:
    """Tips with a deadline beyond ``after`` that perhaps say the words, by deadline.

    A rare word is looked up, and what holds it sorted; a common one comes up soon wherever the deadlines are walked.
    """
    beyond = _queue(actor, _but_for_words(wanted)).where(_DEADLINE < _NO_DEADLINE)
    oldest = db.session.scalar(select(func.min(Handling.registered_at)).where(Handling.due_on.is_not(None)))
    keys = search.candidates(wanted.q or "", None, _SORTED, since=oldest)
    if len(keys) < _SORTED:
        nearest = _among(_sorted(beyond, after, Order.DUE), [key.tip_id for key in keys])
        ids = db.session.scalars(nearest).all()
        yield from (ids[:_CHECKED_FIRST], ids[_CHECKED_FIRST:])
        return
    while True:
        walked = _sorted(beyond, after, Order.DUE).with_only_columns(Handling.tip_id, *_KEYS).limit(_WALKED)
        rows = db.session.execute(walked).all()
        yield [row.tip_id for row in rows]
        if len(rows) < _WALKED:
            return
        after = queue_key(rows[-1], Order.DUE)


def _among(ids: Select[Any], tip_ids: Sequence[UUID]) -> Select[Any]:
    return ids.where(Handling.tip_id == any_(literal(tip_ids, ARRAY(Uuid))))


def queue_key(line: Any, order: Order) -> Key:
    """Where a row stands in the queue: the key that its cursor is made of."""
    if order is Order.DUE:
        return datetime.combine(line.due_on or _NO_LIMIT, time(), UTC), line.tip_id
    return line.registered_at, line.tip_id


def _queue(actor: Actor, wanted: QueueFilter) -> Select[Any]:
    """Ids of the tips that fit, the words that they say left aside: of handlings alone wherever that suffices."""
    ids = select(Handling.tip_id).where(
        within_sight(actor), *_facts(wanted), *_marks(wanted), *_own_work(actor, wanted)
    )
    if wanted.cluster and not reads_statement(actor):  # which tips are about one subject
        ids = ids.where(false())
    said = _said(wanted)
    return ids.join(Tip, Tip.id == Handling.tip_id).where(*said) if said else ids


def _own_work(actor: Actor, wanted: QueueFilter) -> list[ColumnElement[bool]]:
    """What was merged is no work of the unit that handles the main tip: its lists show it where it is looked for."""
    looked_for = wanted.status or wanted.cluster or wanted.score or wanted.q is not None
    never_merged = wanted.due or wanted.overdue or wanted.supervised or wanted.stage not in {None, Stage.SETTLED}
    return [] if actor.city_wide or looked_for or never_merged else [Handling.status != Status.MERGED.value]


def _but_for_words(wanted: QueueFilter) -> QueueFilter:
    return replace(wanted, q="")


def _sorted(ids: Select[Any], after: Key | None, order: Order) -> Select[Any]:
    if after:
        ids = ids.where(_follows(after, order))
    return ids.order_by(*_sorted_by(order))


def _follows(after: Key, order: Order) -> ColumnElement[bool]:
    if order is Order.DUE:
        return tuple_(_DEADLINE, Handling.tip_id) > tuple_(after[0].date(), after[1])
    key, last = tuple_(Handling.registered_at, Handling.tip_id), tuple_(*after)
    return key > last if order is Order.OLDEST else key < last


def _sorted_by(order: Order) -> tuple[ColumnElement[Any], ...]:
    if order is Order.DUE:
        return BY_DEADLINE
    key = (Handling.registered_at, Handling.tip_id)
    return tuple(one.asc() if order is Order.OLDEST else one.desc() for one in key)


def _facts(wanted: QueueFilter) -> list[ColumnElement[bool]]:
    columns = {Handling.status: wanted.status, Handling.priority: wanted.priority, Handling.due_on: wanted.due}
    found: list[ColumnElement[bool]] = [column == value for column, value in columns.items() if value]
    if wanted.stage:
        found.append(Handling.status.in_(sorted(STAGES[Stage(wanted.stage)])))
    found += _place(Handling.division_code, wanted)
    if counted := _counted(wanted):
        found.append(Handling.tip_id.in_(select(TipFacts.tip_id).where(*counted)))
    if wanted.cluster:
        found.append(Handling.tip_id.in_(select(TipLink.tip_id).where(TipLink.cluster_id == wanted.cluster)))
    if wanted.since:
        found.append(Handling.registered_at >= _midnight(wanted.since))
    if wanted.until:
        found.append(Handling.registered_at < _midnight(wanted.until + timedelta(days=1)))
    return found


def _place(code: Any, wanted: QueueFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.division:
        yield code == wanted.division
    if wanted.prefecture == NOWHERE:
        yield code.is_(None)
    elif wanted.prefecture:
        places = wanted.prefecture[:_PREFECTURE_DIGITS]
        yield code.between(f"{places}00", f"{places}99~")


_MEASURED: Final = frozenset(("matched", "corrected", "took", "on_time", "score"))
_OF_FACTS: Final = _MEASURED | {"since", "until"}
_FIGURES: Final = _MEASURED | {"conduct", "channel"}
_DAYS_AND_PLACE: Final = frozenset(("since", "until", "division", "prefecture"))
_FIRST_DAY: Final = date(2000, 1, 1)
"""No tip was registered before."""


def _counted(wanted: QueueFilter) -> list[ColumnElement[bool]]:
    """What the statistics count: the list behind one of their figures is asked for in their own words."""
    columns: dict[Any, Any] = {
        TipFacts.matched: wanted.matched,
        TipFacts.corrected: wanted.corrected,
        TipFacts.on_time: wanted.on_time,
        TipFacts.score: wanted.score,
    }
    found: list[ColumnElement[bool]] = [column == value for column, value in columns.items() if value is not None]
    if wanted.took:
        step, _, least = wanted.took.partition("-")
        found.append(getattr(TipFacts, f"{step}_days") >= int(least or 0))
    if found and wanted.since:
        found.append(TipFacts.registered_on >= wanted.since)
    if found and wanted.until:
        found.append(TipFacts.registered_on <= wanted.until)
    return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), clock.BEIJING)


def _marks(wanted: QueueFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.supervised is not None:
        marked = Handling.supervision.is_not(None)
        found.append(marked if wanted.supervised else ~marked)
    if wanted.dispute is not None:
        found.append(Handling.dispute == wanted.dispute)
    if wanted.overdue is not None:
        late = and_(Handling.due_on.is_not(None), Handling.due_on < clock.today(), Handling.paused_on.is_(None))
        found.append(late if wanted.overdue else ~late)
    return found


def _said(wanted: QueueFilter) -> list[ColumnElement[bool]]:
    """What is asked of the statement itself."""
    columns = {Tip.conduct_type: wanted.conduct, Tip.channel: wanted.channel}
    found: list[ColumnElement[bool]] = [column == value for column, value in columns.items() if value]
    if wanted.conduct == "unknown":  # said to be unknown, or not said at all
        found[0] = or_(Tip.conduct_type.is_(None), found[0])
    if wanted.q and (number := _number(wanted.q)):
        found += [Tip.receipt_number >= number, Tip.receipt_number < number + ":"]  # what follows the nine
    return found


def _number(words: str) -> str | None:
    """A receipt number, or its beginning from the day on, as typed or read out."""
    number = receipts.normalised(words)
    return number if number.isdecimal() and _DAY_DIGITS <= len(number) <= receipts.RECEIPT_DIGITS else None


_DAY_DIGITS: Final = 6


def tip_of_receipt(actor: Actor, receipt_number: str) -> UUID | None:
    """The tip within sight with this receipt number, as typed or read out."""
    number = receipts.normalised(receipt_number)
    return db.session.scalar(visible_tips(actor).where(Tip.receipt_number == number).with_only_columns(Tip.id))


@dataclass(frozen=True, slots=True)
class WholeTip:
    """One tip with everything an officer may see of it; of the reporter only whether there is one."""

    tip: Tip
    subject: TipSubject
    handling: Handling
    jurisdiction: TipJurisdiction
    evidence: Sequence[StoredFile]


def whole_tip(actor: Actor, tip_id: UUID) -> WholeTip:
    """One tip within sight of ``actor``, with everything that leads from it.

    Raises:
        OutOfScope: none within sight. Forbidden: the officer stands aside (domain rule 13), or reads no statements.
    """
    if not reads_statement(actor):
        raise Forbidden(WHY_HIDDEN, extra={"audit_object": ("tip", str(tip_id))})
    return tip_in_progress(actor, tip_id)


def tip_in_progress(actor: Actor, tip_id: UUID) -> WholeTip:
    """The same for a view that tells the facts of its handling alone (``workflow.disclosure``).

    Raises:
        OutOfScope: none within sight. Forbidden: the officer stands aside (domain rule 13).
    """
    statement: Select[Any] = (
        visible_tips(actor)
        .add_columns(TipSubject, exclusions.perhaps_excluded(actor, Tip.__table__.c.id))
        .join(TipSubject, TipSubject.tip_id == Tip.id)
        .where(Tip.id == tip_id)
    )
    row = db.session.execute(statement).one_or_none()
    if row is None:
        raise OutOfScope("未找到该线索", extra={"audit_object": ("tip", str(tip_id))})
    tip, handling, subject, perhaps_excluded = row
    if perhaps_excluded:
        exclusions.refuse_excluded(actor, tip_id)
    return WholeTip(tip, subject, handling, latest_jurisdiction(tip_id), evidence_of(tip_id))


NEWEST_FIRST: Final = (TipJurisdiction.decided_at.desc(), TipJurisdiction.id.desc())
"""Order of decisions on one tip: the program may decide twice in one moment."""


def latest_jurisdiction(tip_id: UUID) -> TipJurisdiction:
    """The decision on a tip that holds now; there is one from the moment of filing on."""
    decisions = select(TipJurisdiction).where(TipJurisdiction.tip_id == tip_id).order_by(*NEWEST_FIRST)
    return db.session.scalars(decisions.limit(1)).one()


_LATEST_DECISIONS: Final = (
    select(TipJurisdiction.tip_id, TipJurisdiction.decision)
    .ext(distinct_on(TipJurisdiction.tip_id))
    .where(TipJurisdiction.tip_id == any_(bindparam("tip_ids", type_=ARRAY(Uuid))))
    .order_by(TipJurisdiction.tip_id, *NEWEST_FIRST)
)


def latest_decisions(tip_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """The stored *Jurisdiction* of each of these tips that holds now."""
    return {row.tip_id: row.decision for row in read_rows(_LATEST_DECISIONS, tip_ids=tip_ids)}


def tip_by_number(actor: Actor, receipt_number: str) -> UUID | None:
    """The tip of a receipt number, as a person types it, within sight of ``actor``."""
    wanted = visible_tips(actor).where(Tip.receipt_number == receipts.normalised(receipt_number))
    return db.session.scalar(wanted.with_only_columns(Tip.id))


def evidence_of(tip_id: UUID) -> Sequence[StoredFile]:
    """The files of a tip, in the reporter's order."""
    return db.session.scalars(
        select(StoredFile)
        .join(TipEvidence, TipEvidence.file_id == StoredFile.id)
        .where(TipEvidence.tip_id == tip_id)
        .order_by(TipEvidence.added_at, TipEvidence.position)
    ).all()
