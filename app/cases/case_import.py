"""Rows of a case register become cases: new numbers are entered, known ones updated; jurisdiction by the same engine.

The same rules as for a person at the form (``service.register``, ``service.change``): a district brings its own cases,
from their first stage; the city's reviewer those of any district, and as they stand. A blank cell changes nothing. The
stage of a case that is known already is never moved by a sheet: stages are entered and confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

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
from app.identity.models import Unit

IMPORT_CASE: Final = "cases.import_case"
_FACTS: Final = tuple(CaseFacts().fields)
_EMPTY: Final[Mapping[str, Any]] = dict.fromkeys(_FACTS) | {
    "parties": [], "cooperating_places": [], "cross_province": False, "legacy": False, "stage_dates": {},
}  # fmt: skip
_UPDATED: Final = ("id", "version", "name", *_FACTS)
_UNREAD: Final = frozenset({"jurisdiction", "stage_dates"})
"""Large, and needed of no known case: the engine is asked anew where a place has changed."""


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
        self._units: dict[str | None, Unit | None] = {}
        self._computed: dict[UUID, frozenset[str]] = {}
        self._created = self._updated = self._unchanged = 0

    def counts(self) -> tuple[int, int, int]:
        """How many were created, updated and left unchanged."""
        return self._created, self._updated, self._unchanged

    def finish(self) -> None:
        """Each case has its own history; nothing belongs to the sheet as a whole."""

    def write(self, rows: Sequence[ReadRow]) -> None:
        """Enter and update cases, and write their history with them."""
        known = self._known([row.values["case_no"] for row in rows])
        self._computed = computed_of([case["id"] for case in known.values()])
        entered = {row.values["case_no"]: row for row in rows if row.values["case_no"] not in known}
        changed = [
            made for row in rows if (case := known.get(row.values["case_no"])) and (made := self._change(row, case))
        ]
        self._insert(entered)
        for moved in (False, True):
            columns = [*_UPDATED, "jurisdiction"] if moved else _UPDATED
            rows_changed = [row for row, _ in changed if ("jurisdiction" in row) is moved]
            update_in_bulk(FundraisingCase, [{name: row[name] for name in columns} for row in rows_changed])
        self._remember(changed)
        self._updated += len(changed)

    def _known(self, numbers: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The cases within sight that have these numbers, locked."""
        table = FundraisingCase.__table__
        columns = [column for column in table.c if column.name not in _UNREAD]
        wanted = policy.within_sight(self._actor), table.c.case_no.in_(numbers)
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

    def _insert(self, entered: Mapping[str, ReadRow]) -> None:
        made = {number: values for number, row in entered.items() if (values := self._new(row))}
        inserted = insert_in_bulk(FundraisingCase, list(made.values()), unless_known=True, returning="case_no")
        for number in made.keys() - inserted:
            entered[number].refuse("case_no", "该案件编号已被登记")
        self._remember([(made[number], {"row": entered[number].number}) for number in made if number in inserted])
        self._created += len(inserted)

    def _new(self, row: ReadRow) -> dict[str, Any] | None:
        facts = facts_of({name: value for name, value in row.values.items() if name not in {*STAGE_FIELDS, "division"}})
        stages = {name: row.values[name] for name in STAGE_FIELDS if row.values.get(name, "none") != "none"}
        if stages and not self._actor.may(Permission.CASE_REVIEW):
            row.refuse(next(iter(stages)), "区县登记的案件从头填报阶段，已处的阶段由市级登记")
            return None
        decision = case_facts.jurisdiction_of(facts)
        unit = self._unit(row, row.values.get("division") or decision["lead"])
        if unit is None:
            return None
        try:
            return {**_EMPTY, **case_facts.new_case(facts, stages, unit, decision)}
        except InvalidInput as fault:
            _refuse_fields(row, fault)
            return None

    def _unit(self, row: ReadRow, division: str | None) -> Unit | None:
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

    def _change(self, row: ReadRow, case: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """(the row with the changes, what the history tells); ``None`` where nothing differs or nothing may."""
        if self._refuses_change(row, case):
            return None
        known = {*_FACTS, "name", "further", *PARTY_FIELDS}
        given = facts_of({name: value for name, value in row.values.items() if name in known})
        if "parties" in given:
            given["parties"] = _merged_parties(case["parties"], given["parties"])
        changed = {name: value for name, value in given.items() if value != case[name]}
        for name in sorted(self._computed.get(case["id"], frozenset()) & changed.keys()):
            row.refuse(name, f"{WHY[name]}，未改动", note=True)
            del changed[name]
        if not changed:
            self._unchanged += 1
            return None
        new = case | changed | {"version": case["version"] + 1}
        try:
            case_facts.check_amounts(new)
        except InvalidInput as fault:
            _refuse_fields(row, fault)
            return None
        if case_facts.PLACES & changed.keys():
            new["jurisdiction"] = case_facts.jurisdiction_of(new)
        return new, {"row": row.number, "changed": case_facts.told_changes(case, changed)}

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
