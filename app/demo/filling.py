"""Fill a demo database with invented tips over the whole workflow, for measuring and for showing a full office.

All or nothing: one transaction, rows by COPY. The audit log gets one row that says it was done; nobody acted, so that
no deeds are invented there, and its chain stays as it is. Query codes are known to nobody.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, func, select, text
from stdnum.iso7064 import mod_11_10

from app.audit import service as audit
from app.demo.histories import Main, Office, Officer, Story, Teller
from app.demo.invented import Party, parties, person, statement
from app.files.service import sealed_name
from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import Conflict
from app.foundation.permissions import PROGRAM, Role
from app.geo.service import region_code
from app.identity.models import Account, Unit
from app.tips import counting
from app.tips.models import Tip
from app.tips.search import SEARCHED_SUBJECT, grams, grams_of, in_month
from app.tips.service import crypto, phone_index
from app.workflow import limits
from app.workflow.states import Action, Ground, ReassignmentStatus, Status

YEARS: Final = 4
_A_BATCH: Final = 10_000
_TIPS_A_PARTY: Final = 40
_UNEVEN: Final = 2.2
"""How unevenly tips fall on parties: one in a hundred on the first of 25,000."""
_NAMED: Final = 0.45
_WITH_FILE: Final = 0.1
_FILLED: Final = {
    "handlings": (
        "tip_id status version unit_id division_code dispute needs_review registered_at accepted_at due_on "
        "overall_due_on paused_on moves outcome feedback feedback_by reply merged_into priority clock_from "
        "clock_days clock_natural delivered_on verification_extended overall_extended decided_by_city mark "
        "next_mark_on"
    ),
    "tips": (
        "id receipt_number query_code_digest registered_at channel real_name relation conduct_type "
        "description promised_return publicity ongoing amount_yuan participants loss_yuan"
    ),
    "tip_subjects": "tip_id kind name uscc registered_address operating_address contact online_presence",
    "reporters": "tip_id sealed_identity phone_index wants_reward",
    "tip_jurisdictions": "id tip_id decided_at lead dispute needs_review decision",
    "handling_events": (
        "id tip_id version at actor_id actor_name actor_role actor_unit_id action from_status to_status "
        "from_unit_id to_unit_id reason details"
    ),
    "return_requests": (
        "id tip_id unit_id asked_by asked_at reason from_status days_left decided_by decided_at agreed decision"
    ),
    "transfers": ("id tip_id destination through_region reason approved_by approved_at receipt_number received_on"),
    "reassignments": (
        "id tip_id status version from_unit_id to_unit_id to_division ground reason evidence applicant_id "
        "reviewer_id adjuster_id applied_at"
    ),
    "reassignment_events": (
        "id reassignment_id version at actor_id actor_name actor_role actor_unit_id action from_status to_status"
    ),
    "stored_files": (
        "id sha256 kind media_type size storage_key sealed_key sealed_name purpose uploaded_by created_at claimed_at"
    ),
    "tip_grams": "tip_id registered_at grams",
    "tip_evidence": "file_id tip_id added_at position",
    "notices": "id account_id event_id tip_id title created_at read_at",
}
"""What is filled, in the order of the foreign keys; other columns take their defaults."""

_COLUMNS: Final[Mapping[str, Sequence[str]]] = {table: names.split() for table, names in _FILLED.items()}
_BUILT_LAST: Final = "ix_tip_grams_grams"
"""An index that is built at once in a fifth of the time that it takes row by row."""
Rows = dict[str, list[str]]


def fill(tips: int, seed: int | None) -> Iterator[int]:
    """Add ``tips`` invented tips, in a transaction of its own; yield how many each batch held.

    The rows of one batch are made while those of the batch before travel: COPY has a connection of its own, because
    rules and calendar are asked for meanwhile.

    Raises:
        Conflict: this database is no demo, or has no demo office.
    """
    # Rules and calendar are read now and then, and between a batch may take its time.
    db.session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    filler = _Filler(Random(seed), _office(), tips)  # noqa: S311  # invented data, the same for the same seed
    with db.engine.begin() as connection, ThreadPoolExecutor(1) as sender:
        # As the owner, for this transaction alone: COPY does not work behind row-level security.
        connection.exec_driver_sql("SET LOCAL ROLE NONE")
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '256MB'")
        definition = connection.exec_driver_sql(f"SELECT pg_get_indexdef('{_BUILT_LAST}'::regclass)").scalar_one()
        connection.exec_driver_sql(f"DROP INDEX {_BUILT_LAST}")
        sent = sender.submit(lambda: None)
        for start in range(0, tips, _A_BATCH):
            rows = filler.batch(range(start, min(start + _A_BATCH, tips)))
            sent.result()
            sent = sender.submit(_copy, connection, rows)
            yield min(_A_BATCH, tips - start)
        sent.result()
        connection.exec_driver_sql(definition)
        for table in _COLUMNS:
            connection.exec_driver_sql(f"ANALYZE {table}")
    counting.start_over()
    audit.record(PROGRAM, "demo.fill", "database", "demo", tips=tips)


def _copy(connection: Connection, rows: Rows) -> None:
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101  # a connection that is in use
    with driver.cursor() as cursor:
        for table, columns in _COLUMNS.items():
            with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
                copy.write("".join(rows[table]))


def _office() -> Office:
    if not db.session.scalar(select(func.count()).select_from(Unit).where(Unit.name.endswith("（演示）"))):
        raise Conflict("数据库中没有演示单位，拒绝填充", code="not_a_demo")
    found = db.session.execute(
        select(Account, Unit)
        .join(Unit, Unit.id == Account.unit_id)
        .where(Account.role.is_not(None))
        .order_by(Account.username)
    )
    people: dict[str, list[tuple[Officer, str]]] = {}
    for account, unit in found:
        officer = Officer(account.id, account.display_name, account.granted_role.value, unit.id)
        people.setdefault(account.granted_role.value, []).append((officer, unit.division_code))
    first = {role: known[0][0] for role, known in people.items()}
    handlers = {division: officer for officer, division in people[Role.DISTRICT_HANDLER]}
    return Office(first[Role.CITY_REVIEWER], first[Role.CITY_ADJUSTER], first[Role.CITY_LEADER], handlers)


def _line(values: Iterable[Any]) -> str:
    """One row in COPY's text format. Our texts hold no tab, no line end and no backslash; JSON may."""
    return "\t".join([value if type(value) is str else _text(value) for value in values]) + "\n"


_NULL: Final = "\\N"
_ESCAPED: Final = str.maketrans({"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"})


def _text(value: Any) -> str:
    if value is None:
        return _NULL
    if isinstance(value, bytes):
        return "\\\\x" + value.hex()
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False).translate(_ESCAPED) if value else str(value)
    return str(value)


class _Filler:
    """Makes the rows of one tip after another."""

    def __init__(self, chance: Random, office: Office, tips: int) -> None:
        self._chance, self._office, self._tips = chance, office, tips
        self._now = clock.now()
        self._start = self._now - timedelta(days=365 * YEARS)
        self._parties = parties(chance, max(20, tips // _TIPS_A_PARTY), region_code())
        self._decisions = {id(party): _text(party.decision) for party in self._parties}
        self._grams = {id(one): grams_of(one.subject[name] for name in SEARCHED_SUBJECT) for one in self._parties}
        self._mains: dict[int, Main] = {}
        self._teller = Teller(chance, office, self._now)
        self._signatures: dict[Officer | None, str] = {}
        self._rows: Rows = {}
        self._day, self._taken = "", set[str]()

    def batch(self, numbers: range) -> Rows:
        """The rows of these tips."""
        self._rows = {table: [] for table in _COLUMNS}
        for number in numbers:
            self._one(number)
        return self._rows

    def _add(self, table: str, *values: Any) -> None:
        self._rows[table].append(_line(values))

    def _id(self, moment: datetime) -> str:
        """A UUID of version 7, as old as what it names."""
        bits = self._chance.getrandbits(74)
        digits = (
            f"{int(moment.timestamp() * 1000):012x}7{bits >> 62:03x}{8 | (bits >> 60) & 3:x}{bits & (1 << 60) - 1:015x}"
        )
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def _one(self, number: int) -> None:
        chance = self._chance
        moment = self._start + (self._now - self._start) * ((number + chance.random()) / self._tips)
        party = self._parties[int(len(self._parties) * chance.random() ** _UNEVEN)]
        said = statement(chance, party)
        tip_id, priority = self._id(moment), limits.priority_of(said["amount_yuan"], said["participants"])
        story = self._teller.tell(moment, party.lead, party.districts, priority, self._mains.get(id(party)))
        if story.status not in {Status.MERGED, Status.REJECTED}:
            place = {name: story.columns[name] for name in ("unit_id", "division_code")}
            self._mains[id(party)] = Main(tip_id, place)
        self._handling(tip_id, party, story, priority)
        self._said(tip_id, moment, party, said)
        self._history(tip_id, story)
        self._beside(tip_id, story)

    def _handling(self, tip_id: str, party: Party, story: Story, priority: str) -> None:
        known = {
            "tip_id": tip_id,
            "status": story.status.value,
            "version": len(story.steps),
            "dispute": party.dispute,
            "needs_review": party.needs_review,
            "registered_at": story.steps[0].at,
            "priority": priority,
            **story.columns,
        }
        self._add("handlings", *(known.get(name, _DEFAULTS.get(name)) for name in _COLUMNS["handlings"]))

    def _said(self, tip_id: str, moment: datetime, party: Party, said: dict[str, Any]) -> None:
        chance, subject = self._chance, party.subject
        named = chance.random() < _NAMED
        known = said | {
            "id": tip_id,
            "receipt_number": self._receipt_number(moment),
            "query_code_digest": secrets.token_bytes(32),
            "registered_at": moment,
            "channel": chance.choices(("miniprogram", "web"), (70, 30))[0],
            "real_name": named,
        }
        self._add("tips", *(known[name] for name in _COLUMNS["tips"]))
        self._add("tip_subjects", tip_id, *(subject[name] for name in _COLUMNS["tip_subjects"][1:]))
        words = in_month(self._grams[id(party)] | grams(said["description"]), moment)
        self._add("tip_grams", tip_id, moment, str(words))  # a set of numbers reads as PostgreSQL writes an array
        decided = (party.lead, party.dispute, party.needs_review, self._decisions[id(party)])
        self._add("tip_jurisdictions", self._id(moment), tip_id, moment, *decided)
        if named:
            self._add("reporters", tip_id, *self._reporter(tip_id))
        if chance.random() < _WITH_FILE:
            file_id = self._file("public", None, moment)
            self._add("tip_evidence", file_id, tip_id, moment, 0)

    def _receipt_number(self, moment: datetime) -> str:
        """A number that no tip of its day has; the days of a filling follow one another."""
        day = f"{clock.beijing(moment):%y%m%d}"
        if day != self._day:
            known = select(Tip.receipt_number).where(Tip.receipt_number.between(f"{day}0", f"{day}:"))
            self._day, self._taken = day, set(db.session.scalars(known))
        while True:
            body = f"{day}{self._chance.randrange(10**9):09d}"
            number = body + str(mod_11_10.calc_check_digit(body))
            if number not in self._taken:
                self._taken.add(number)
                return number

    def _reporter(self, tip_id: str) -> tuple[bytes, bytes, bool]:
        phone = f"199{self._chance.randrange(10**8):08d}"
        identity = {"name": person(self._chance), "phone": phone, "id_number": None, "wants_reward": False}
        plain = json.dumps(identity | {"reply_channel": "sms"}, ensure_ascii=False).encode()
        bound_to = b"reporter:" + bytes.fromhex(tip_id.replace("-", ""))
        return crypto().seal(plain, bound_to=bound_to), phone_index(phone), False

    def _file(self, purpose: str, uploaded_by: Any, moment: datetime) -> str:
        """A file of which only the description exists: its bytes were never given."""
        file_id, key = self._id(moment), secrets.token_hex(16)
        kind = ("image", "image/jpeg", self._chance.randrange(90_000, 4_000_000))
        sealed = (secrets.token_bytes(60), sealed_name(UUID(file_id), "照片.jpg"))
        owner = (purpose, uploaded_by, moment, moment)
        self._add("stored_files", file_id, secrets.token_hex(32), *kind, f"demo/{key}", *sealed, *owner)
        return file_id

    def _history(self, tip_id: str, story: Story) -> None:
        unit_id, lines = None, self._rows["handling_events"]
        for version, step in enumerate(story.steps, start=1):
            unit_id = step.changes.get("unit_id", unit_id)
            event_id, source = self._id(step.at), step.source.value if step.source else _NULL
            units = f"{_text(step.left_unit)}\t{_text(unit_id)}"
            lines.append(
                f"{event_id}\t{tip_id}\t{version}\t{step.at}\t{self._signature(step.by)}\t{step.action}\t{source}\t"
                f"{step.target.value}\t{units}\t{step.reason}\t{_text(step.details)}\n"
            )
            if step.action == Action.ASSIGN and self._now - step.at < timedelta(days=30):
                self._notice(tip_id, event_id, step.at, step.changes["division_code"])

    def _signature(self, by: Officer | None) -> str:
        """Who did a step, as the four columns of an event."""
        known = self._signatures.get(by)
        if known is None:
            who = (by.id, by.name, by.role, by.unit_id) if by else (None, "公众", "", None)
            known = self._signatures[by] = "\t".join(map(_text, who))
        return known

    def _notice(self, tip_id: str, event_id: str, at: datetime, division: str) -> None:
        reader = self._office.handlers[division].id
        read_at = None if self._now - at < timedelta(days=2) else at
        self._add("notices", self._id(at), reader, event_id, tip_id, "有新交办的线索，请签收", at, read_at)

    def _beside(self, tip_id: str, story: Story) -> None:
        """The rows that some steps have besides."""
        for number, step in enumerate(story.steps):
            following = story.steps[number + 1] if number + 1 < len(story.steps) else None
            if step.action == Action.REQUEST_RETURN and step.by and step.source:
                decided: tuple[Any, ...] = (None, None, None, None)
                if following and following.by:
                    decided = (following.by.id, following.at, True, following.reason)
                asked = (step.by.unit_id, step.by.id, step.at, step.reason, step.source.value, 1)
                self._add("return_requests", self._id(step.at), tip_id, *asked, *decided)
            if step.action == Action.TRANSFER and step.by:
                received = (
                    (following.details["number"], clock.beijing(following.at).date()) if following else (None, None)
                )
                told = (step.details["to"], True, step.reason, step.by.id, step.at)
                self._add("transfers", self._id(step.at), tip_id, *told, *received)
            if step.action == Action.REASSIGN and step.left_unit is not None:
                status = ReassignmentStatus.CONFIRMED if following else ReassignmentStatus.ADJUSTED
                self._request(tip_id, status, step.left_unit, step.changes["division_code"], step.at)
        if story.asks_to_move_to:
            unit_id = story.columns["unit_id"]
            self._request(tip_id, ReassignmentStatus.APPLIED, unit_id, story.asks_to_move_to, self._now)

    def _request(self, tip_id: str, status: ReassignmentStatus, left: int, division: str, at: datetime) -> None:
        """A request with its evidence and its steps by three people."""
        office, target = self._office, self._office.handlers[division]
        applicant = next(handler for handler in office.handlers.values() if handler.unit_id == left)
        evidence = self._file("office", applicant.id, at)
        request_id, steps = self._id(at), _STEPS[status]
        people = {"apply": applicant, "approve": office.reviewer, "adjust": office.adjuster, "confirm": target}
        done = [people[action].id if action in steps else None for action in ("approve", "adjust")]
        where = (left, target.unit_id, division, Ground.REGISTERED_ELSEWHERE.value, "登记地在该区。", f"{{{evidence}}}")
        self._add("reassignments", request_id, tip_id, status.value, len(steps), *where, applicant.id, *done, at)
        before: str | None = None
        for version, (action, after) in enumerate(steps.items(), start=1):
            by = people[action]
            deed = (at, by.id, by.name, by.role, by.unit_id, action, before, after)
            self._add("reassignment_events", self._id(at), request_id, version, *deed)
            before = after


_DEFAULTS: Final[Mapping[str, Any]] = {
    "moves": 0,
    "verification_extended": False,
    "overall_extended": False,
    "decided_by_city": False,
}
_ALL_STEPS: Final = {"apply": "applied", "approve": "approved", "adjust": "adjusted", "confirm": "confirmed"}
_STEPS: Final = {
    ReassignmentStatus.APPLIED: dict(list(_ALL_STEPS.items())[:1]),
    ReassignmentStatus.ADJUSTED: dict(list(_ALL_STEPS.items())[:3]),
    ReassignmentStatus.CONFIRMED: _ALL_STEPS,
}
