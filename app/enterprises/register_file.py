"""A list of enterprises as an office gets it (CSV or Excel) → lines that can be taken over. Pure of the database.

Headings are found by their Chinese words, wherever the heading row stands; every fault names its cell.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from xlsxwriter.utility import xl_col_to_name

from app.enterprises.names import LONGEST_NAME, name_key
from app.enterprises.states import RegistrationStatus, status_of
from app.files.sheets import UnreadableSheet, Workbook
from app.geo.uscc import parse

HEADINGS: Final[dict[str, tuple[str, ...]]] = {
    "name": ("企业名称", "公司名称", "单位名称", "市场主体名称", "经营主体名称", "主体名称", "商户名称", "名称"),
    "uscc": ("统一社会信用代码", "社会信用代码", "信用代码", "统一代码", "统一社会信用代码/注册号"),
    "former_names": ("曾用名", "曾用名称", "企业曾用名", "历史名称"),
    "status": ("登记状态", "经营状态", "企业状态", "市场主体状态", "经营主体状态", "存续状态", "状态"),
    "registered_address": (
        "注册地址",
        "登记地址",
        "企业地址",
        "注册地",
        "登记地",
        "住所",
        "住所地",
        "企业住所",
        "地址",
    ),
    "operating_address": ("经营地址", "经营场所", "实际经营地址", "生产经营地址", "生产经营地", "经营地", "通信地址"),
    "business_type": ("企业类型", "市场主体类型", "经营主体类型", "主体类型", "公司类型", "行业", "行业门类", "类型"),
    "source": ("数据来源", "来源"),
    "as_of": ("数据日期", "截至日期", "更新日期", "数据更新日期", "数据截至日期"),
}
_LONGEST: Final = {"name": LONGEST_NAME, "registered_address": 300, "operating_address": 300, "business_type": 100,
                   "source": 100, "former_names": 1000, "status": 40, "uscc": 40, "as_of": 40}  # fmt: skip
_LABELS: Final = {name: words[0] for name, words in HEADINGS.items()}
_HEADING_WITHIN: Final = 10
_MOST_EXACT_NUMBER: Final = 10**15
_BETWEEN_NAMES: Final = re.compile(r"[;；、|\n/]+")
_BESIDE_HEADINGS: Final = re.compile(r"[（(].*|[\s*＊]")
_DATE: Final = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?(?:[ T].*)?")
_CODE_LENGTH: Final = 18


class BadFile(Exception):
    """Nothing of the file can be used; the text says why, in Chinese."""


@dataclass(frozen=True, slots=True)
class Line:
    """One enterprise of a list; ``place`` is where its name stands (``A17``). None: the list does not tell."""

    place: str
    name: str
    uscc: str | None = None
    former_names: tuple[str, ...] = ()
    status: RegistrationStatus | None = None
    registered_address: str | None = None
    operating_address: str | None = None
    business_type: str | None = None
    source: str | None = None
    as_of: date | None = None


@dataclass(slots=True)
class Checked:
    """What a file holds: lines that can be taken over, faults that name their cell, and what only looks odd."""

    lines: list[Line] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


Rows = list[list[Any]]


def read_rows(path: Path) -> Rows:
    """The cells of a CSV (UTF-8 or GB 18030, as Excel saves it in China) or of a workbook's first visible sheet.

    Raises:
        BadFile: neither of them.
    """
    try:
        book = Workbook(path.read_bytes())
        return [["" if cell is None else cell for cell in row.cells] for row in book.rows(book.sheet_names[0])]
    except UnreadableSheet as fault:
        raise BadFile(str(fault)) from fault


def check(rows: Rows, today: date, progress: Callable[[int], None] = lambda _done: None) -> Checked:
    """Lines, faults and warnings of a list; ``progress`` is told after each thousand rows.

    Raises:
        BadFile: no row of headings, or a heading that stands twice.
    """
    heading, columns = _headings(rows)
    found = Checked()
    seen = _Seen()
    for number, row in enumerate(rows[heading + 1 :], heading + 2):
        if any(str(cell).strip() for cell in row):
            _Row(number, row, columns, found, today).take(seen)
        if not number % 1000 or number == len(rows):
            progress(number)
    return found


def _headings(rows: Rows) -> tuple[int, dict[str, int]]:
    fields = {word: name for name, words in HEADINGS.items() for word in words}
    for number, row in enumerate(rows[:_HEADING_WITHIN]):
        plain = [_BESIDE_HEADINGS.sub("", str(cell)) for cell in row]
        named = [(fields[word], place) for place, word in enumerate(plain) if word in fields]
        columns = dict(reversed(named))
        if "name" not in columns:
            continue
        if len(columns) < len(named):
            twice = next(name for name, place in named if columns[name] != place)
            raise BadFile(f"第 {number + 1} 行有两列都是“{_LABELS[twice]}”，请只保留一列")
        return number, columns
    raise BadFile(f"前 {_HEADING_WITHIN} 行中没有表头，至少须有“企业名称”一列")


@dataclass(slots=True)
class _Seen:
    """Where each code and each name (and whether with a code) stood first."""

    codes: dict[str, str] = field(default_factory=dict)
    names: dict[str, tuple[str, bool]] = field(default_factory=dict)


class _Unusable(Exception):
    """One cell cannot be used."""


class _Row:
    """One row while it is read: its cells by field, and where its faults go."""

    def __init__(self, number: int, row: Sequence[Any], columns: dict[str, int], found: Checked, today: date) -> None:
        self.number = number
        self.row = row
        self.columns = columns
        self.found = found
        self.today = today

    def take(self, seen: _Seen) -> None:
        """Add the row's line, or its faults."""
        before = len(self.found.faults)
        told = {name: self._read(name) for name in self.columns}
        if not name_key(told["name"]):
            self._fault("name", "没有填写企业名称")
        line = Line(
            place=self._place("name"),
            name=told["name"] or "",
            uscc=self._code(told.get("uscc")),
            former_names=tuple(filter(name_key, _BETWEEN_NAMES.split(told.get("former_names") or ""))),
            status=self._status(told.get("status")),
            registered_address=told.get("registered_address"),
            operating_address=told.get("operating_address"),
            business_type=told.get("business_type"),
            source=told.get("source"),
            as_of=self._day(told.get("as_of")),
        )
        self._only_once(line, seen)
        if len(self.found.faults) == before:
            self.found.lines.append(line)

    def _read(self, name: str) -> str | None:
        place = self.columns[name]
        try:
            text = _text(self.row[place]) if place < len(self.row) else ""
        except _Unusable as fault:
            self._fault(name, str(fault))
            return None
        if len(text) > _LONGEST[name]:
            self._fault(name, f"超过 {_LONGEST[name]} 个字")
        return text or None

    def _code(self, text: str | None) -> str | None:
        if text is None:
            return None
        code = parse(text)
        if not code.well_formed:
            self._fault("uscc", f"统一社会信用代码应为 {_CODE_LENGTH} 位数字或大写字母（不含 I、O、S、V、Z）")
            return None
        if not code.check_digit_ok:
            self._warn("uscc", "统一社会信用代码校验位不符，早期代码可能如此，请核对")
        return code.text

    def _status(self, words: str | None) -> RegistrationStatus | None:
        if words is None:
            return None
        status = status_of(words)
        if status is None:
            self._warn("status", f"不认识的登记状态“{words}”，按“其他”登记")
        return status or RegistrationStatus.OTHER

    def _day(self, text: str | None) -> date | None:
        if text is None:
            return None
        told = _DATE.fullmatch(text)
        try:
            day = date(*map(int, told.groups())) if told else None
        except ValueError:
            day = None
        if day is None:
            self._fault("as_of", "日期应写作 2026-10-31")
        elif day > self.today:
            self._fault("as_of", "日期晚于今天")
        return day

    def _only_once(self, line: Line, seen: _Seen) -> None:
        """Two lines about one enterprise: nobody can say which holds. Only their codes tell namesakes apart."""
        code = self._place("uscc") if line.uscc else ""
        if line.uscc and (first := seen.codes.setdefault(line.uscc, code)) != code:
            self._fault("uscc", f"与 {first} 重复")
            return
        first, has_code = seen.names.setdefault(name_key(line.name), (line.place, line.uscc is not None))
        if first != line.place and not (has_code and line.uscc):
            self._fault("name", f"与 {first} 同名，须都填写统一社会信用代码")

    def _place(self, name: str) -> str:
        return f"{xl_col_to_name(self.columns[name])}{self.number}"

    def _fault(self, name: str, what: str) -> None:
        self.found.faults.append(f"{self._place(name)}：{what}")

    def _warn(self, name: str, what: str) -> None:
        self.found.warnings.append(f"{self._place(name)}：{what}")


def _text(value: Any) -> str:
    """A cell as text: numbers as they are shown, dates as 2026-10-31; raise ``_Unusable`` naming what is wrong."""
    if isinstance(value, float):
        if abs(value) >= _MOST_EXACT_NUMBER:
            raise _Unusable("以数字格式保存，后几位已失真，请改为文本格式重新录入")
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, datetime):
        return value.date().isoformat()
    text = str(value).strip()
    if any(unicodedata.category(char) in {"Cc", "Cs"} and char not in "\r\n\t" for char in text):
        raise _Unusable("含有无法识别的控制字符")
    return text
