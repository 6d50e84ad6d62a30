"""The dated tree of China's administrative divisions, from province to township, with history back to 1980.

Loaded once per process from the prepared form (``prepared.py``); rows become objects only when somebody asks for them,
so that forked workers share the text and a look-up costs microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from app.geo import prepared

LEVEL_PROVINCE, LEVEL_PREFECTURE, LEVEL_COUNTY, LEVEL_TOWNSHIP = 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class Division:
    """One unit during one stretch of time; a code alone is no key, because codes were reused.

    ``code`` has six digits (county and above) or nine (township). ``status`` is ``current``, ``abolished``,
    ``statistical`` or ``pseudo``. ``valid_from`` / ``valid_to`` are year-end lists or ISO dates, None where unknown.
    ``successor_codes`` are current codes; more than one means the unit was split.
    """

    code: str
    parent_code: str | None
    level: int
    name: str
    short_name: str
    aliases: tuple[str, ...]
    type: str
    status: str
    valid_from: str | None
    valid_to: str | None
    successor_codes: tuple[str, ...]
    succ_confidence: str


def _parse(line: str) -> Division:
    code, parent, level, name, short, aliases, kind, status, start, end, successors, confidence = line.split("\t")
    return Division(
        code=code,
        parent_code=parent or None,
        level=int(level),
        name=name,
        short_name=short,
        aliases=tuple(aliases.split("|")) if aliases else (),
        type=kind,
        status=status,
        valid_from=start or None,
        valid_to=end or None,
        successor_codes=tuple(successors.split("|")) if successors else (),
        succ_confidence=confidence,
    )


def _year(value: str | None, unknown: int, *, last: bool) -> int:
    """First year of a validity mark such as ``1996``, ``2024-2025`` or an ISO date; last of a range if ``last``."""
    if not value:
        return unknown
    parts = value.split("-")
    if last and len(parts) == 2:  # noqa: PLR2004  # "2024-2025": somewhere between two lists
        return int(parts[1])
    return int(parts[0])


class DivisionTree:
    """Look-ups by code, by name and by year. Every method accepts any string; unknown codes answer None or nothing."""

    def __init__(self, rows: list[str]) -> None:
        self._rows = rows
        self._by_code: dict[str, int | tuple[int, ...]] = {}
        self._children: dict[str, list[int]] | None = None
        self._by_name: dict[str, list[int]] | None = None
        index = self._by_code
        for number, line in enumerate(rows):
            code = line[: line.index("\t")]
            held = index.get(code)
            if held is None:
                index[code] = number
            else:
                index[code] = (*((held,) if isinstance(held, int) else held), number)
        self._cached = lru_cache(maxsize=8192)(self._row)
        self._chain = lru_cache(maxsize=8192)(self._chain_above)
        self._joined = lru_cache(maxsize=8192)(self._joined_names)
        self._above = lru_cache(maxsize=8192)(self._unit_above)

    def _row(self, number: int) -> Division:
        return _parse(self._rows[number])

    def every(self, code: str) -> tuple[Division, ...]:
        """All rows that ever bore this code, the current one first."""
        held = self._by_code.get(code)
        if held is None:
            return ()
        return tuple(self._cached(number) for number in ((held,) if isinstance(held, int) else held))

    def get(self, code: str | None) -> Division | None:
        """The unit of this code: the current one if there is one, else the latest listed."""
        held = self._by_code.get(code or "")
        if held is None:
            return None
        return self._cached(held if isinstance(held, int) else held[0])

    def is_current(self, code: str | None) -> bool:
        """True when a unit bears this code today."""
        division = self.get(code)
        return division is not None and division.status == "current"

    def name(self, code: str | None) -> str:
        """Official name, or an empty string for an unknown code."""
        division = self.get(code)
        return division.name if division else ""

    def full_name(self, code: str | None) -> str:
        """Names from the province down to the unit, joined; an empty string for an unknown code."""
        return self._joined(code or "")

    def _joined_names(self, code: str) -> str:
        division = self.get(code)
        if division is None:
            return ""
        return "".join([*(self.name(above) for above in reversed(self._chain(division.code))), division.name])

    def ancestors(self, code: str) -> list[str]:
        """Codes above this one, the nearest first, the province last."""
        return list(self._chain(code))

    def _chain_above(self, code: str) -> tuple[str, ...]:
        found: list[str] = []
        division = self.get(code)
        while division is not None and division.parent_code and division.parent_code not in found:
            found.append(division.parent_code)
            division = self.get(division.parent_code)
        return tuple(found)

    def lowest_common_superior(self, codes: Iterable[str]) -> str | None:
        """The lowest unit strictly above all of these (Article 20 paragraph 2); None where only the centre is."""
        chains = [self._chain(code) for code in dict.fromkeys(codes)]
        if not chains:
            return None
        shared = set(chains[0]).intersection(*chains[1:])
        return next((code for code in chains[0] if code in shared), None)

    def children(self, code: str | None) -> list[Division]:
        """Current units directly below; of the whole country for None."""
        if self._children is None:
            children: dict[str, list[int]] = {}
            for number, line in enumerate(self._rows):
                cells = line.split("\t", 9)
                if cells[7] == "current":
                    children.setdefault(cells[1], []).append(number)
            self._children = children
        return [self._cached(number) for number in self._children.get(code or "", ())]

    def county_of(self, code: str) -> str | None:
        """The county that holds this unit (itself if it is one); None above county level."""
        division = self.get(code)
        if division is None or division.level < LEVEL_COUNTY:
            return None
        if division.level == LEVEL_COUNTY:
            return division.code
        parent = self.get(division.parent_code)
        return parent.code if parent is not None and parent.level == LEVEL_COUNTY else None

    def prefecture_of(self, code: str) -> str | None:
        """The prefecture that holds this unit (itself if it is one); None for municipalities' districts."""
        return self._above(code, LEVEL_PREFECTURE)

    def province_of(self, code: str) -> str | None:
        """The province that holds this unit (itself if it is one)."""
        return self._above(code, LEVEL_PROVINCE)

    def _unit_above(self, code: str, level: int) -> str | None:
        for candidate in (code, *self._chain(code)):
            division = self.get(candidate)
            if division is not None and division.level == level:
                return division.code
        return None

    def successors(self, code: str) -> tuple[str, ...]:
        """Today's codes of this unit: itself while current, else the successors of its latest row."""
        division = self.get(code)
        if division is None:
            return ()
        return (division.code,) if division.status == "current" else division.successor_codes

    def history(self, name: str) -> list[Division]:
        """Every unit that bears or bore this official name, the current ones first."""
        if self._by_name is None:
            by_name: dict[str, list[int]] = {}
            for number, line in enumerate(self._rows):
                by_name.setdefault(line.split("\t", 4)[3], []).append(number)
            self._by_name = by_name
        return [self._cached(number) for number in self._by_name.get(name, ())]

    def at(self, code: str, year: int) -> Division | None:
        """The unit that bore this code at the end of the given year."""
        for division in self.every(code):
            start = _year(division.valid_from, 0, last=False)
            if start <= year < _year(division.valid_to, 9999, last=True):
                return division
        return None

    def current(self) -> Iterator[Division]:
        """Every unit that exists today."""
        return (_parse(line) for line in self._rows if "\tcurrent\t" in line)

    def __len__(self) -> int:
        return len(self._rows)


def divisions() -> DivisionTree:
    """The tree of this process; loaded on the first call, and again after another list was put in force."""
    return _tree(prepared.edition())


@lru_cache(maxsize=1)
def _tree(edition: Path) -> DivisionTree:
    return DivisionTree(prepared.load_division_lines(edition))
