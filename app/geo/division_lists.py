"""A new dated division list: reading the file, naming what is wrong with it, comparing it with the list in force. Pure.

The file has the columns of ``data/divisions.csv.gz`` and holds the whole country with its history.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from app.geo.divisions import LEVEL_COUNTY, LEVEL_PREFECTURE, LEVEL_PROVINCE, LEVEL_TOWNSHIP, DivisionTree

COLUMNS = (
    "code", "parent_code", "level", "name", "short_name", "aliases", "type", "status",
    "valid_from", "valid_to", "successor_codes", "succ_confidence", "source",
)  # fmt: skip
_STATUSES = frozenset(("current", "abolished", "statistical", "pseudo"))
_DIGITS = {LEVEL_PROVINCE: 6, LEVEL_PREFECTURE: 6, LEVEL_COUNTY: 6, LEVEL_TOWNSHIP: 9}
_CONTROL = re.compile("[\x00-\x1f\x7f]")
LEVEL_TEXTS = {LEVEL_PROVINCE: "省级", LEVEL_PREFECTURE: "地级", LEVEL_COUNTY: "县级", LEVEL_TOWNSHIP: "乡级"}

Row = dict[str, str]


class BadList(Exception):
    """The file cannot be used; ``faults`` name each bad row by its line."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = list(faults)


def listed_rows(content: bytes) -> list[Row]:
    """Rows of a list that was checked before."""
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def check(content: bytes, progress: Callable[[int], None] = lambda _done: None) -> list[Row]:
    """Rows of a list; every fault of the file at once.

    Args:
        content: the file as read.
        progress: told after each thousand rows.

    Raises:
        BadList: not UTF-8, a column missing, or rows at fault.
    """
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    except UnicodeDecodeError as fault:
        raise BadList([f"第 {content[: fault.start].count(10) + 1} 行：文件不是 UTF-8 编码"]) from fault
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise BadList([f"第 1 行：缺少列 {'、'.join(missing)}"])
    rows = list(_read(reader))
    known = {row["code"]: row for _, row in rows if row["status"] == "current"}
    seen: Counter[tuple[str, ...]] = Counter()
    faults: list[str] = []
    for done, (line, row) in enumerate(rows, 1):
        named = f"第 {line} 行（{row['code'] or '无代码'} {row['name']}）"
        faults += [f"{named}：{what}" for what in _faults(row, known, seen)]
        if not done % 1000 or done == len(rows):
            progress(done)
    if not known:
        faults.append("文件中没有现行区划")
    if faults:
        raise BadList(faults)
    return [row for _, row in rows]


def _read(reader: csv.DictReader[str]) -> Iterator[tuple[int, Row]]:
    try:
        for row in reader:
            yield reader.line_num, {name: (row[name] or "") for name in COLUMNS}
    except csv.Error as fault:
        raise BadList([f"第 {reader.line_num} 行：不是有效的 CSV（{fault}）"]) from fault


def _faults(row: Row, known: dict[str, Row], seen: Counter[tuple[str, ...]]) -> Iterator[str]:
    code, level = row["code"], int(row["level"]) if row["level"] in {"1", "2", "3", "4"} else 0
    if not level:
        yield "level 应为 1 至 4"
    elif not (code.isascii() and code.isdigit() and len(code) == _DIGITS[level]):
        yield f"code 应为 {_DIGITS[level]} 位数字"
    if row["status"] not in _STATUSES:
        yield "status 应为 current、abolished、statistical 或 pseudo"
    if not row["name"].strip() or any(_CONTROL.search(cell) for cell in row.values()):
        yield "name 为空，或含有控制字符"
    if row["status"] == "current":
        yield from _faults_of_current(row, level, known)
    yield from _faults_of_dates(row)
    successors = [one for one in row["successor_codes"].split("|") if one and one not in known]
    if successors and row["status"] != "current":
        yield f"successor_codes 中的 {'、'.join(successors)} 不是现行区划"
    key = (code, row["name"], row["valid_from"], row["status"])
    seen[key] += 1
    if seen[key] == 2 or (row["status"] == "current" and known.get(code) is not row):  # noqa: PLR2004
        yield "与另一行重复"


def _faults_of_current(row: Row, level: int, known: dict[str, Row]) -> Iterator[str]:
    above = known.get(row["parent_code"])
    if level > LEVEL_PROVINCE and above is None:
        yield f"上级 {row['parent_code'] or '（空）'} 不是现行区划"
    elif above is not None and not (above["level"].isdigit() and int(above["level"]) < level):
        yield f"上级 {row['parent_code']} 的级别不高于本级"


def _faults_of_dates(row: Row) -> Iterator[str]:
    for name in ("valid_from", "valid_to"):
        if row[name] and not re.fullmatch(r"\d{4}(-\d{2}|-\d{2}-\d{2}|-\d{4})?", row[name]):
            yield f"{name} 应为年份、年月或日期"


@dataclass(frozen=True, slots=True)
class Difference:
    """What a new list changes among current units. Codes only; names are looked up for the report.

    ``moved`` keep code and name and hang under another unit; ``left_open`` are abolished without a current successor.
    """

    new: list[Row] = field(default_factory=list)
    abolished: list[str] = field(default_factory=list)
    renamed: list[tuple[str, str, str]] = field(default_factory=list)
    moved: list[tuple[str, str, str]] = field(default_factory=list)
    left_open: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """True where no current unit changes."""
        return not (self.new or self.abolished or self.renamed or self.moved)

    def counts(self) -> dict[str, dict[str, int]]:
        """Kind of change → level → number."""
        codes = {
            "new": [row["code"] for row in self.new],
            "abolished": self.abolished,
            "renamed": [code for code, _, _ in self.renamed],
            "moved": [code for code, _, _ in self.moved],
        }
        return {kind: dict(Counter(_level_text(code) for code in those)) for kind, those in codes.items()}

    def codes(self) -> set[str]:
        """Every code that meant, or means, something else."""
        changed = {row["code"] for row in self.new} | set(self.abolished)
        return changed | {code for code, _, _ in (*self.renamed, *self.moved)}

    def names(self, tree: DivisionTree) -> set[str]:
        """Names, old and new, whose meaning in an address may have changed; ``tree`` is the list still in force."""
        names = {row["name"] for row in self.new} | {tree.name(code) for code in self.abolished}
        return names | {name for _, old, new in self.renamed for name in (old, new)}


def _level_text(code: str) -> str:
    if len(code) == _DIGITS[LEVEL_TOWNSHIP]:
        return LEVEL_TEXTS[LEVEL_TOWNSHIP]
    if code.endswith("0000"):
        return LEVEL_TEXTS[LEVEL_PROVINCE]
    return LEVEL_TEXTS[LEVEL_PREFECTURE if code.endswith("00") else LEVEL_COUNTY]


def compare(tree: DivisionTree, rows: Iterable[Row]) -> Difference:
    """What changes when ``rows`` take the place of ``tree``."""
    rows = list(rows)
    now = {row["code"]: row for row in rows if row["status"] == "current"}
    before = {division.code: division for division in tree.current()}
    gone = [code for code in before if code not in now]
    successors = {row["code"] for row in rows if row["status"] != "current" and row["successor_codes"]}
    kept = [(code, before[code], row) for code, row in now.items() if code in before]
    return Difference(
        new=[row for code, row in now.items() if code not in before],
        abolished=gone,
        renamed=[(code, old.name, row["name"]) for code, old, row in kept if old.name != row["name"]],
        moved=[
            (code, old.parent_code or "", row["parent_code"])
            for code, old, row in kept
            if (old.parent_code or "") != row["parent_code"]
        ],
        left_open=[code for code in gone if code not in successors],
    )


def zones_of_today(zones: Iterable[Row], rows: Iterable[Row]) -> list[Row]:
    """Functional zones with the counties and prefectures that the list has today in the place of abolished ones."""
    current: set[str] = set()
    after: dict[str, list[str]] = {}
    for row in rows:
        if row["status"] == "current":
            current.add(row["code"])
        elif row["successor_codes"]:
            after[row["code"]] = row["successor_codes"].split("|")

    def today(codes: str) -> str:
        given = [code for code in codes.split("|") if code]
        found = [one for code in given for one in ([code] if code in current else after.get(code, []))]
        return "|".join(dict.fromkeys(found))

    columns = ("admin_county_codes", "prefecture_code")
    return [zone | {name: today(zone[name]) for name in columns} for zone in zones]
