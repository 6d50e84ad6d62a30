"""The figures of tips as a page and a workbook show them: each with the list behind it, and with the period before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import quote_plus

from flask import url_for

from app.console.views import chinese, choropleth
from app.console.views.tip_list import CHANNEL_TEXTS, MATCH_TEXTS, queue_url
from app.foundation import clock
from app.foundation.permissions import Actor
from app.geo import city_map
from app.geo.divisions import divisions
from app.geo.service import region_code
from app.identity.models import Unit
from app.tips import statistics
from app.tips.periods import Grain, Period, span_of
from app.tips.queries import NOWHERE
from app.tips.schemas import CONDUCT_TYPES
from app.tips.statistics import Tally, Took

DAYS_SHOWN: Final = 92
"""Longer periods are drawn month by month."""
_USUAL_DAYS: Final = 30
_SHARES: Final = {0.5: "中位数", 0.9: "90% 分位"}
STEP_TEXTS: Final = {Took.ACCEPT: "登记至受理", Took.DISPATCH: "受理至交办", Took.CONCLUDE: "受理至办结"}
_PREFECTURE: Final = 4
_ELSEWHERE: Final = "自治区直辖县级市"


class _Run(NamedTuple):
    """A day or a month of the board beside as many days as far into the period before, with how many came in each."""

    label: str
    days: Period
    earlier: Period
    came: int = 0
    came_before: int = 0


@dataclass(frozen=True, slots=True)
class Board:
    """What one person asked for: the period, the period before, and perhaps one district."""

    actor: Actor
    period: Period
    division: str | None
    now: Tally
    before: Tally
    trend: Sequence[_Run]
    queue: str
    """The address of the queue: a board has hundreds of links to it."""
    list_of_all: str
    """The queue with all tips of the board."""

    def list_of(self, asked: str) -> str:
        """The queue with the tips behind a figure; ``asked`` goes on with its address."""
        return self.list_of_all + asked

    def list_on(self, days: Period, asked: str = "") -> str:
        """The same of other days than those of the board."""
        return _list_on(self.queue, self.division, days) + asked


def _list_on(queue: str, division: str | None, days: Period) -> str:
    place = f"division={division}&" if division else ""
    return f"{queue}?{place}since={days.since}&until={days.until}"


def board(actor: Actor, since: date | None, until: date | None, division: str | None) -> Board:
    """Read what the page shows; without days the last thirty."""
    last = until or clock.today()
    period = Period(since or last - timedelta(days=_USUAL_DAYS - 1), last)
    before = period.before
    queue = queue_url({})
    return Board(
        actor,
        period,
        division,
        statistics.tally(actor, period, division),
        statistics.tally(actor, before, division, by_place=False),
        _trend_of(actor, period, division),
        queue,
        _list_on(queue, division, period),
    )


def _trend_of(actor: Actor, period: Period, division: str | None) -> list[_Run]:
    runs = list(_runs(period))
    firsts = [run.earlier.since for run in runs] + [run.days.since for run in runs]
    came = statistics.since_each(actor, firsts, period.until, division)
    return [
        run._replace(came=now, came_before=before)
        for run, before, now in zip(runs, came, came[len(runs) :], strict=False)
    ]


def _runs(period: Period) -> Iterator[_Run]:
    """The days of a period one by one, or month by month where they are many."""
    by_month, back, first = _by_month(period), period.since - period.before.since, period.since
    while first <= period.until:
        last = min(span_of(Grain.MONTH, first).until, period.until) if by_month else first
        label = chinese.month(first) if by_month else f"{first.month}月{first.day}日"
        yield _Run(label, Period(first, last), Period(first - back, last - back))
        first = last + timedelta(days=1)


def _by_month(period: Period) -> bool:
    return (period.until - period.since).days >= DAYS_SHOWN


def periods(shown: Board) -> list[dict[str, Any]]:
    """Ready-made periods."""
    today = clock.today()
    month = today.replace(day=1)
    last_month = month - timedelta(days=1)
    named = {
        "近 7 天": Period(today - timedelta(days=6), today),
        "近 30 天": Period(today - timedelta(days=_USUAL_DAYS - 1), today),
        "本月": Period(month, today),
        "上月": Period(last_month.replace(day=1), last_month),
        "本年": Period(month.replace(month=1), today),
        "上年": Period(date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
    }
    return [
        {"label": label, "href": address(period, shown.division), "active": period == shown.period}
        for label, period in named.items()
    ]


def address(period: Period, division: str | None, endpoint: str = "console.show_tip_statistics") -> str:
    """The page (or the workbook) of a period."""
    return url_for(endpoint, since=period.since.isoformat(), until=period.until.isoformat(), division=division)


# Figures at a glance ------------------------------------------------------------------------------------------------


def counters(shown: Board) -> list[dict[str, Any]]:
    """The figures at the head of the page, each beside that of the period before."""
    now, before = shown.now, shown.before

    def number(label: str, tell: Callable[[Tally], int], asked: str) -> dict[str, Any]:
        return _counter(shown, label, tell(now), tell(before), _whole, _grown, asked)

    def rate(label: str, measure: str, value: str, asked: str) -> dict[str, Any]:
        return _counter(shown, label, now.rate(measure, value), before.rate(measure, value), _percent, _points, asked)

    return [
        number("登记线索", lambda tally: tally.tips, ""),
        number("已受理", lambda tally: tally.of("accept").total(), "&took=accept"),
        number("已办结", lambda tally: tally.of("conclude").total(), "&took=conclude"),
        number("超过总期限", lambda tally: tally.of("on_time")["false"], "&on_time=false"),
        rate("按期办结率", "on_time", "true", "&on_time=true"),
        rate("属地自动确定率", "matched", "sure", "&matched=sure"),
        rate("属地改派率", "corrected", "true", "&corrected=true"),
        number("属地有争议", lambda tally: tally.of("matched")["dispute"], "&matched=dispute"),
        _counter(shown, "群众满意度", now.score, before.score, _mark, _marks, None),
    ]


def _counter(
    shown: Board,
    label: str,
    now: Any,
    before: Any,
    told: Callable[[Any], str],
    changed: Callable[[Any, Any], str],
    asked: str | None,
) -> dict[str, Any]:
    """One figure; ``asked`` narrows the queue to the tips behind it, ``None`` leads to the table of ratings."""
    return {
        "label": label,
        "value": told(now),
        "before": told(before),
        "change": changed(now, before) if now is not None and before else "",
        "href": "#h-scores" if asked is None else shown.list_of(asked),
        "before_href": "#h-scores" if asked is None else shown.list_on(shown.period.before, asked),
    }


def _whole(number: int | None) -> str:
    return f"{number or 0:,}"


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{share:.1%}"


def _mark(score: float | None) -> str:
    return "—" if score is None else f"{score:.2f} 分"


def _grown(now: int, before: int) -> str:
    return f"{(now - before) / before:+.1%}"


def _points(now: float, before: float) -> str:
    return f"{(now - before) * 100:+.1f} 个百分点"


def _marks(now: float, before: float) -> str:
    return f"{now - before:+.2f} 分"


# Figures drawn, each with its table ---------------------------------------------------------------------------------

Row = tuple[str, Sequence[tuple[Any, str | None]]]
"""What a line is about, and its figures, each with the list behind it (``None``: it has none)."""


def figures(shown: Board, units: Iterable[Unit]) -> dict[str, dict[str, Any]]:
    """Everything that is drawn, by name; the page and the workbook show them in this order."""
    places = _places(shown, units)
    return {
        "trend": _trend(shown),
        "conduct": _kinds(shown, "conduct", "行为类型", CONDUCT_TYPES),
        "channel": _kinds(shown, "channel", "举报渠道", CHANNEL_TEXTS),
        "districts": _districts(shown, places),
        **dict(_speeds(shown, places)),
        "matched": _kinds(shown, "matched", "系统属地研判", MATCH_TEXTS),
        "corrected": _kinds(shown, "corrected", "交办后属地改派", {"true": "已改派", "false": "未改派"}),
        "scores": _kinds(shown, "score", "群众评价", {str(one): f"{one} 分" for one in range(5, 0, -1)}),
    }


def _figure(
    name: str, title: str, heads: Sequence[str], rows: Sequence[Row], *, drawn: int, **chart: Any
) -> dict[str, Any]:
    """A figure whose first ``drawn`` columns are drawn; a click on the drawing opens the list of the first."""
    columns = heads[1 : 1 + drawn]
    links = [cells[0][1] for _, cells in rows]
    series = [{"name": head, "data": [cells[n][0] for _, cells in rows]} for n, head in enumerate(columns)]
    return {
        "id": name,
        "title": title,
        "note": chart.pop("note", ""),
        "heads": heads,
        "chart": {"labels": [label for label, _ in rows], "series": series, "links": links, **chart},
        "rows": [_Line(label, [_cell(*cell) for cell in cells]) for label, cells in rows],
    }


class _Cell(NamedTuple):
    """A figure of a table, which the template takes apart."""

    text: str
    value: Any
    href: str | None


class _Line(NamedTuple):
    """A line of a table."""

    label: str
    cells: Sequence[_Cell]


def _cell(value: Any, href: str | None) -> _Cell:
    told = "—" if value is None else f"{value:.1%}" if isinstance(value, float) else f"{value:,}"
    return _Cell(told, value, href if value else None)


def _trend(shown: Board) -> dict[str, Any]:
    """How many came day by day, or month by month; each day beside the one as far into the period before."""
    rows: list[Row] = [
        (run.label, ((run.came, shown.list_on(run.days)), (run.came_before, shown.list_on(run.earlier))))
        for run in shown.trend
    ]
    title = "按月登记线索" if _by_month(shown.period) else "每日登记线索"
    return _figure("trend", title, ("日期", "本期", "上期"), rows, drawn=2, kind="line")


def _kinds(shown: Board, measure: str, title: str, texts: Mapping[Any, str]) -> dict[str, Any]:
    """How many tips have each value of a measure, now and before; what nobody has is left out."""
    now, before = shown.now.of(measure), shown.before.of(measure)
    total = now.total()
    known = [str(value) for value in texts if now[str(value)] or before[str(value)]]
    known += sorted((now.keys() | before.keys()) - set(known))
    if measure in {"conduct", "channel"}:
        known.sort(key=lambda value: -now[value])
    rows: list[Row] = [
        (
            texts.get(value, value),
            (
                (now[value], shown.list_of(f"&{measure}={quote_plus(value)}")),
                (now[value] / total if total else None, None),
                (before[value], None),
            ),
        )
        for value in known
    ]
    heads = (title, "本期", "占比", "上期")
    return _figure("scores" if measure == "score" else measure, title, heads, rows, drawn=1, flat=True)


# Places -------------------------------------------------------------------------------------------------------------


def _places(shown: Board, units: Iterable[Unit]) -> list[tuple[str, list[str], str]]:
    """Name, codes and list of each place that has a line: the districts, then what lies elsewhere."""
    found = set(shown.now.divisions)
    own = [unit.division_code for unit in units] if shown.actor.city_wide and not shown.division else []
    inside = sorted(code for code in found - set(own) if code and code.startswith(region_code()[:_PREFECTURE]))
    lines = [
        (divisions().name(code) or code, [code], shown.list_of("" if shown.division else f"&division={code}"))
        for code in [*own, *inside]
    ]
    elsewhere: dict[str, list[str]] = {}
    for code in sorted(found - set(own) - set(inside) - {""}):
        elsewhere.setdefault(f"{code[:_PREFECTURE]}00", []).append(code)
    lines += [
        (divisions().name(prefecture) or _ELSEWHERE, codes, shown.list_of(f"&prefecture={prefecture}"))
        for prefecture, codes in elsewhere.items()
    ]
    return [*lines, ("属地未识别", [""], shown.list_of(f"&prefecture={NOWHERE}"))] if "" in found else lines


def _districts(shown: Board, places: Sequence[tuple[str, list[str], str]]) -> dict[str, Any]:
    rows: list[Row] = []
    for name, codes, href in places:
        tally = shown.now.among(codes)
        cells = (
            (tally.tips, href),
            (tally.of("conclude").total(), f"{href}&took=conclude"),
            (tally.of("on_time")["false"], f"{href}&on_time=false"),
            (tally.of("matched")["dispute"], f"{href}&matched=dispute"),
            (tally.of("corrected")["true"], f"{href}&corrected=true"),
            (tally.rate("on_time", "true"), f"{href}&on_time=true"),
        )
        rows.append((name, cells))
    heads = ("属地", "登记", "已办结", "超过总期限", "有争议", "改派", "按期办结率")
    return _figure("districts", "各属地办理情况", heads, rows, drawn=3)


def _speeds(shown: Board, places: Sequence[tuple[str, list[str], str]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The working days within which a share of the tips had taken each step; the list holds those that took as long."""
    found = []
    for name, codes, href in [("全部", list(shown.now.divisions), shown.list_of_all), *places]:
        tally = shown.now.among(codes)
        steps = [[(days, _as_slow(href, step, days)) for days in tally.days_of(step, list(_SHARES))] for step in Took]
        found.append((name, list(zip(*steps, strict=True))))
    heads = ("属地", *STEP_TEXTS.values())
    for at, (share, told) in enumerate(_SHARES.items()):
        rows = [(name, cells[at]) for name, cells in found if any(days is not None for days, _ in cells[at])]
        note = f"单位：工作日；{told}，点数字看用时不少于该值的线索。"
        name = f"speed-{share:.0%}".rstrip("%")
        yield name, _figure(name, f"办理用时（{told}）", heads, rows, drawn=3, unit="工作日", note=note)


def _as_slow(href: str, step: Took, days: int | None) -> str:
    return f"{href}&took={step}-{days}" if days else f"{href}&took={step}"


def maps(shown: Board) -> list[dict[str, Any]]:
    """The city's districts and the region's prefectures by the number of tips; none for who sees one district."""
    if not shown.actor.city_wide or shown.division:
        return []
    districts = {code: shown.now.among([code]).tips for code in shown.now.divisions}
    prefectures: Counter[str] = Counter()
    for code, number in districts.items():
        prefectures[f"{code[:_PREFECTURE]}00"] += number
    drawn = (
        (city_map.map_of(region_code()), "各区县登记线索", districts, "division"),
        (city_map.prefectures_around(region_code()), "各地州登记线索", prefectures, "prefecture"),
    )
    made = [
        choropleth.coloured(paper, title, values, lambda code, name=name: shown.list_of(f"&{name}={code}"))  # type: ignore[misc]
        for paper, title, values, name in drawn
    ]
    return [one for one in made if one]
