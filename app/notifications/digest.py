"""The digest of a working day: each officer reads once each morning what presses, the most pressing tip behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from typing import Final
from uuid import NAMESPACE_OID, uuid5

from sqlalchemy import ColumnElement, func, or_, select

from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import DeadlineBeyondCalendar
from app.notifications import service
from app.notifications.states import Kind
from app.notifications.steps import Circle
from app.workflow.calendar import region_calendar
from app.workflow.models import Handling
from app.workflow.states import CITY_ACTS, SupervisionKind
from app.workflow.sweeping import MARKS

_MORNING: Final = time(9)
_WORDS: Final = ("", "期限过半", "仅余五分之一", "已超期")
_RED: Final = len(MARKS) - 1


def write_digests() -> int:
    """Write today's digests from nine o'clock of a working day on; return how many circles read one. Once a day."""
    today = clock.today()
    if clock.beijing(clock.now()).time() < _MORNING or not _is_working(today):
        return 0
    with_city = or_(Handling.unit_id.is_(None), Handling.status.in_(sorted(CITY_ACTS)))
    told = _tell(today, Circle.REVIEWERS, None, with_city)
    grave = or_(Handling.mark == _RED, Handling.supervision.in_([SupervisionKind.LISTED, SupervisionKind.LEADER]))
    told += _tell(today, Circle.LEADERS, None, grave)
    units = db.session.scalars(select(Handling.unit_id).where(Handling.mark > 0, ~with_city).distinct()).all()
    return told + sum(_tell(today, Circle.HANDLERS, unit, (Handling.unit_id == unit) & ~with_city) for unit in units)


def _is_working(day: date) -> bool:
    try:
        return region_calendar().is_working(day)
    except DeadlineBeyondCalendar:
        return True


def _tell(today: date, circle: Circle, unit_id: int | None, scope: ColumnElement[bool]) -> int:
    pressing = [Handling.mark > 0, scope]
    first = db.session.scalar(
        select(Handling.tip_id)
        .where(*pressing)
        .order_by(Handling.mark.desc(), Handling.due_on, Handling.tip_id)
        .limit(1)
    )
    if first is None:
        return 0
    counted = db.session.execute(
        select(Handling.mark, func.count()).where(*pressing).group_by(Handling.mark).order_by(Handling.mark.desc())
    )
    title = f"今日提醒：{_counts([(mark, number) for mark, number in counted])}，最急的一件"
    news = service.News(uuid5(NAMESPACE_OID, f"digest {today} {circle} {unit_id}"), clock.now(), None, first)
    people = service.officers(circle, {Circle.HANDLERS: unit_id})
    service.write_notices(news, {circle: people}, {circle: title}, Kind.DIGEST)
    return 1


def _counts(counted: Sequence[tuple[int, int]]) -> str:
    return "、".join(f"{_WORDS[mark]} {number} 件" for mark, number in counted)
