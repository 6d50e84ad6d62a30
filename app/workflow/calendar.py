"""The working calendar in the database: national days, overridden by the region's own."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final, TextIO

from flask import current_app
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.audit import service as audit
from app.foundation.database import db
from app.foundation.errors import InvalidInput
from app.foundation.permissions import Actor
from app.geo.divisions import divisions
from app.workflow.deadlines import WorkingCalendar
from app.workflow.models import CalendarDay

NATION: Final = "CN"
SEED: Final = Path(__file__).parent / "data" / "cn_calendar_2020_2026.csv"
_KEPT_SECONDS: Final = 2.0
"""How long another process may count with a calendar that was just replaced; the sweep mends what it counted."""
_KINDS: Final = {"off", "work"}


def calendar_of(region_code: str) -> WorkingCalendar:
    """The calendar of a region; kept for a moment in each process."""
    kept: dict[str, tuple[float, WorkingCalendar]] = current_app.extensions.setdefault("shudi_calendars", {})
    found = kept.get(region_code)
    if found and time.monotonic() - found[0] < _KEPT_SECONDS:
        return found[1]
    calendar = read_calendar(region_code)
    if found and found[1] == calendar:
        calendar = found[1]  # the same object, by which days that were counted with it are found again
    kept[region_code] = (time.monotonic(), calendar)
    return calendar


def region_calendar() -> WorkingCalendar:
    """The calendar of the office's own region (province of ``REGION_CODE``)."""
    return calendar_of(_own_region())


def _own_region() -> str:
    code: str = current_app.extensions["shudi_settings"].region_code
    return code[:2] + "0000"


def read_calendar(region_code: str) -> WorkingCalendar:
    """Read the rows: the region's row for a day wins over the nation's. A year is loaded when the nation has it."""
    rows = db.session.execute(
        select(CalendarDay.region_code, CalendarDay.day, CalendarDay.kind).where(
            CalendarDay.region_code.in_([NATION, region_code])
        )
    ).all()
    return _made_of([(row.region_code, row.day, row.kind) for row in rows], region_code)


def _made_of(rows: Sequence[tuple[str, date, str]], region_code: str) -> WorkingCalendar:
    kinds: dict[date, str] = {}
    for owner in (NATION, region_code):
        kinds |= {day: kind for region, day, kind in rows if region == owner}
    return WorkingCalendar(
        off=frozenset(day for day, kind in kinds.items() if kind == "off"),
        made_up=frozenset(day for day, kind in kinds.items() if kind == "work"),
        years=frozenset(day.year for region, day, _ in rows if region == NATION),
    )


def import_calendar(actor: Actor, source: TextIO) -> int:
    """Create or replace days from a CSV (``date,kind,holiday,region,note``); return how many. All or nothing.

    Clocks that run are counted again in the same transaction, each with a step in its history (domain rule 9).
    """
    rows = parsed(source)
    if rows:
        statement = insert(CalendarDay)
        db.session.execute(
            statement.on_conflict_do_update(
                index_elements=["region_code", "day"],
                set_={name: statement.excluded[name] for name in ("kind", "holiday", "note")},
            ),
            rows,
        )
    current_app.extensions.pop("shudi_calendars", None)
    recounted = sum(count_again(actor) for count_again in _recounts)
    audit.record(actor, "workflow.import_calendar", "calendar", "list", days=len(rows), recounted=recounted)
    return len(rows)


def parsed(source: TextIO) -> list[dict[str, Any]]:
    """The days of a CSV; raise ``InvalidInput`` naming the line and column at fault, or where there is no day."""
    rows = list(_rows(csv.DictReader(source)))
    if not rows:
        raise InvalidInput(errors={"file": ["文件中没有日子；第一行应为列名 date,kind,holiday,region,note"]})
    return rows


def as_if(rows: Iterable[Mapping[str, Any]]) -> WorkingCalendar:
    """The office's calendar as it would be with these days; nothing is written."""
    region = _own_region()
    known = {(row.region_code, row.day): row.kind for row in days_listed()}
    known |= {(row["region_code"], row["day"]): row["kind"] for row in rows}
    return _made_of([(owner, day, kind) for (owner, day), kind in known.items()], region)


def days_listed() -> Sequence[CalendarDay]:
    """The days of the nation and of the office's region, in their order."""
    wanted = select(CalendarDay).where(CalendarDay.region_code.in_([NATION, _own_region()]))
    return db.session.scalars(wanted.order_by(CalendarDay.day, CalendarDay.region_code)).all()


Recount = Callable[[Actor], int]
_recounts: list[Recount] = []


def follows_import(recount: Recount) -> Recount:
    """Register what counts again after an import; it uses this calendar, so this module cannot know it."""
    _recounts.append(recount)
    return recount


def _rows(lines: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    for number, line in enumerate(lines, start=2):
        try:
            day = date.fromisoformat((line.get("date") or "").strip())
        except ValueError as fault:
            raise InvalidInput(errors={f"第 {number} 行 date": ["应为 YYYY-MM-DD 格式的日期"]}) from fault
        kind, region = (line.get("kind") or "").strip(), (line.get("region") or "").strip()
        if kind not in _KINDS:
            raise InvalidInput(errors={f"第 {number} 行 kind": ["应为 off（放假）或 work（调休上班）"]})
        if region != NATION and not (region.endswith("0000") and divisions().is_current(region)):
            raise InvalidInput(errors={f"第 {number} 行 region": ["应为 CN 或省级区划代码"]})
        yield {
            "region_code": region,
            "day": day,
            "kind": kind,
            "holiday": (line.get("holiday") or "").strip(),
            "note": (line.get("note") or "").strip(),
        }
