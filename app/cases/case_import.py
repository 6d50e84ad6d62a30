"""Rows of a case register become cases: new numbers are entered, known ones updated; jurisdiction by the same engine.

The same rules as for a person at the form (``service.register``, ``service.change``): a district brings its own cases,
from their first stage; the city's reviewer those of any district, and as they stand. A blank cell changes nothing. The
stage of a case that is known already is never moved by a sheet: stages are entered and confirmed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import UUID

from sqlalchemy import Text, any_, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from app.audit import service as audit
from app.audit.models import AuditEvent
from app.cases import case_facts, policy, service
from app.cases.case_columns import CASE_COLUMNS, PARTY_FIELDS, STAGE_FIELDS, facts_of
from app.cases.computed_amounts import WHY, computed_of
from app.cases.models import CaseEvent, FundraisingCase
from app.cases.schemas import CaseFacts
from app.cases.sheet_engine import ReadRow
from app.cases.states import CaseStatus
from app.foundation import clock
from app.foundation.database import db, insert_in_bulk, new_id, update_in_bulk
from app.foundation.errors import Forbidden, InvalidInput
from app.foundation.permissions import Actor, Permission
from app.geo import service as geo
from app.identity.queries import ActingUnit

IMPORT_CASE: Final = "cases.import_case"
_FACTS: Final = tuple(CaseFacts().fields)
_EMPTY: Final[Mapping[str, Any]] = dict.fromkeys(_FACTS) | {
    "parties": [], "cooperating_places": [], "cross_province": False, "legacy": False, "stage_dates": {},
}  # fmt: skip
_CHANGEABLE: Final = frozenset({*_FACTS, "name", "further", *PARTY_FIELDS})
_NOT_FACTS: Final = frozenset({*STAGE_FIELDS, "division"})
_UPDATED: Final = ("id", "version", "name", *_FACTS)
_UNREAD: Final = frozenset({"jurisdiction", "stage_dates"})
"""Large, and needed of no known case: the engine is asked anew where a place has changed."""


class _Known(NamedTuple):
    """The cases that rows name, by their numbers, and which of their amounts nobody types."""

    cases: dict[str, dict[str, Any]]
    computed: dict[UUID, frozenset[str]]


class _Entered(NamedTuple):
    """A row that becomes a case: its facts, the stages that it stands in, what Article 20 says."""

    row: ReadRow
    facts: dict[str, Any]
    stages: dict[str, str]
    decision: dict[str, Any]


_Changed: TypeAlias = tuple[dict[str, Any], dict[str, Any]]
"""The row of a known case with what a sheet changes, and what its history tells."""


class _Judged(NamedTuple):
    """What is to be written of a chunk."""

    entered: list[_Entered]
    changed: list[_Changed]


class CaseTarget:
    """Cases of one file."""

    columns = CASE_COLUMNS
    key = "case_no"
    further = PARTY_FIELDS

    def __init__(self, actor: Actor) -> None:
        """Raise ``Forbidden`` for whoever registers no cases."""
        if not policy.can_register(actor):
            raise Forbidden("您无权导入案件")
        self._actor = actor
        self._doer = service.doer(actor, service.IMPORT)
        self._find_jurisdiction = geo.jurisdiction_finder(geo.region_code())
        self._units: dict[str | None, ActingUnit | None] = {}
        self._created = self._updated = self._unchanged = 0

    def counts(self) -> tuple[int, int, int]:
        """How many were created, updated and left unchanged."""
        return self._created, self._updated, self._unchanged

    def finish(self) -> None:
        """Each case has its own history; nothing belongs to the sheet as a whole."""

    def look_up(self, rows: Sequence[ReadRow]) -> _Known:
        """The cases of the rows that are known, locked, and which of their amounts nobody types."""
        cases = self._known([row.values["case_no"] for row in rows])
        return _Known(cases, computed_of([case["id"] for case in cases.values()]))

    def judge(self, rows: Sequence[ReadRow], known: _Known) -> _Judged:
        """What is new with its jurisdiction, and what is changed."""
        judged = _Judged([], [])
        for row in rows:
            case = known.cases.get(row.values["case_no"])
            if case is None:
                judged.entered.extend(self._judge_new(row))
            else:
                judged.changed.extend(self._change(row, case, known.computed.get(case["id"], frozenset())))
        return judged

    def write(self, judged: _Judged) -> None:
        """Enter and update cases, and write their history with them."""
        self._insert(judged.entered)
        for moved in (False, True):
            columns = [*_UPDATED, "jurisdiction"] if moved else _UPDATED
            rows_changed = [row for row, _ in judged.changed if ("jurisdiction" in row) is moved]
            update_in_bulk(FundraisingCase, [{name: row[name] for name in columns} for row in rows_changed])
        self._remember(judged.changed)
        self._updated += len(judged.changed)

    def _known(self, numbers: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The cases within sight that have these numbers, locked."""
        table = FundraisingCase.__table__
        columns = [column for column in table.c if column.name not in _UNREAD]
        wanted = policy.within_sight(self._actor), table.c.case_no == any_(literal(list(numbers), ARRAY(Text)))
        statement = select(*columns).where(*wanted).order_by(table.c.id).with_for_update()
        return {row["case_no"]: dict(row) for row in db.session.connection().execute(statement).mappings()}

    def _remember(self, made: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> None:
        """History for the office and an audit row for each case, as for a person at the form."""
        insert_in_bulk(CaseEvent, [_event(self._doer, row, details) for row, details in made])
        logged = [
            audit.event_row(self._actor, IMPORT_CASE, "case", row["id"], version=row["version"], row=told["row"]).values
            for row, told in made
        ]
        insert_in_bulk(AuditEvent, logged)

    # New cases ----------------------------------------------------------------------------------------------------

    def _judge_new(self, row: ReadRow) -> Iterator[_Entered]:
        facts = facts_of({name: value for name, value in row.values.items() if name not in _NOT_FACTS})
        stages = {name: row.values[name] for name in STAGE_FIELDS if row.values.get(name, "none") != "none"}
        if stages and not self._actor.may(Permission.CASE_REVIEW):
            row.refuse(next(iter(stages)), "区县登记的案件从头填报阶段，已处的阶段由市级登记")
            return
        yield _Entered(row, facts, stages, self._find_jurisdiction(case_facts.accused_of(facts)).to_dict())

    def _insert(self, entered: Sequence[_Entered]) -> None:
        made = [(values, one.row) for one in entered if (values := self._new(one))]
        inserted = insert_in_bulk(
            FundraisingCase, [values for values, _ in made], unless_known=True, returning="case_no"
        )
        for values, row in made:
            if values["case_no"] not in inserted:
                row.refuse("case_no", "该案件编号已被登记")
        self._remember([(values, {"row": row.number}) for values, row in made if values["case_no"] in inserted])
        self._created += len(inserted)

    def _new(self, entered: _Entered) -> dict[str, Any] | None:
        row, facts, stages, decision = entered
        unit = self._unit(row, row.values.get("division") or decision["lead"])
        if unit is None:
            return None
        try:
            return {**_EMPTY, **case_facts.new_case(facts, stages, unit, decision)}
        except InvalidInput as fault:
            _refuse_fields(row, fault)
            return None

    def _unit(self, row: ReadRow, division: str | None) -> ActingUnit | None:
        """The unit that answers for the case; a row without one, or of another district, is refused."""
        if division not in self._units:
            try:
                self._units[division] = case_facts.responsible_unit(self._actor, division)
            except InvalidInput:
                self._units[division] = None
        unit = self._units[division]
        given = row.values.get("division")
        if unit is None:
            row.refuse("division", "请填写本市负责该案件的区县")
        elif given and not given.startswith(unit.division_code[:6]):
            row.refuse("division", f"该案件不属{unit.name}管辖，不能由其导入")
            return None
        return unit

    # Known cases --------------------------------------------------------------------------------------------------

    def _change(self, row: ReadRow, case: dict[str, Any], computed: frozenset[str]) -> Iterator[_Changed]:
        """The row with the changes and what the history tells; nothing where nothing differs or nothing may."""
        if self._refuses_change(row, case):
            return
        given = facts_of({name: value for name, value in row.values.items() if name in _CHANGEABLE})
        if "parties" in given:
            given["parties"] = _merged_parties(case["parties"], given["parties"])
        changed = {name: value for name, value in given.items() if value != case[name]}
        for name in sorted(computed & changed.keys()):
            row.refuse(name, f"{WHY[name]}，未改动", note=True)
            del changed[name]
        if not changed:
            self._unchanged += 1
            return
        new = case | changed | {"version": case["version"] + 1}
        try:
            case_facts.check_amounts(new)
        except InvalidInput as fault:
            _refuse_fields(row, fault)
            return
        if case_facts.PLACES & changed.keys():
            new["jurisdiction"] = self._find_jurisdiction(case_facts.accused_of(new)).to_dict()
        yield new, {"row": row.number, "changed": case_facts.told_changes(case, changed)}

    def _refuses_change(self, row: ReadRow, case: dict[str, Any]) -> bool:
        for name in STAGE_FIELDS:
            if name in row.values and row.values[name] != case[name]:
                row.refuse(name, "阶段未改动：已登记案件的阶段须在案件中填报并经市级确认", note=True)
        division = row.values.get("division")
        if division and not division.startswith(case["division_code"][:6]):
            row.refuse("division", "与登记的属地不同，导入不能改变属地")
        if case["status"] == CaseStatus.CLOSED:
            row.refuse("case_no", "案件已结案，须先重新启动")
        if not policy.may_change_of_unit(self._actor, case["unit_id"]):
            row.refuse("case_no", "您无权修改该案件")
        return row.refused


def _merged_parties(known: list[dict[str, Any]], given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The parties of the sheet with what the office knew of them and the sheet does not say."""
    by_name = {(party["role"], party["name"]): party for party in known}
    merged = [by_name.get((party["role"], party["name"]), party) for party in given]
    return [party | {"uscc": told["uscc"] or party.get("uscc")} for party, told in zip(merged, given, strict=True)]


def _refuse_fields(row: ReadRow, fault: InvalidInput) -> None:
    for name, reasons in fault.errors.items():
        row.refuse(name, "；".join(reasons))


def _event(doer: Mapping[str, Any], row: Mapping[str, Any], details: Mapping[str, Any]) -> dict[str, Any]:
    """The step of the history of a case that a sheet brought or changed."""
    return {
        "id": new_id(),
        "case_id": row["id"],
        "version": row["version"],
        "at": clock.now(),
        **doer,
        "action": service.IMPORT,
        "to_status": row["status"],
        "reason": "",
        "details": dict(details),
    }
