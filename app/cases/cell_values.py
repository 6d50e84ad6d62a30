"""What the cells of the office's spreadsheets mean: amounts, days, numbers that came back as floats, words for choices.

Each reader takes a cell that is not blank and answers the value, or raises :class:`CellFault` with the reason in
Chinese. A reason never quotes the cell: sheets of claims hold personal data. Pure: no Flask, no database.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeAlias

from app.files.sheets import Cell

Reader: TypeAlias = Callable[[Cell], Any]

HIGHEST_YUAN: Final = Decimal(10**13)
FIRST_DAY, LAST_DAY = date(1950, 1, 1), date(2099, 12, 31)
"""Days of a case outside of these were mistyped."""
UNBELIEVABLE: Final = f"年份不在 {FIRST_DAY.year} 至 {LAST_DAY.year} 之间"
_UNITS: Final = {
    "元": Decimal(1), "千元": Decimal(10**3), "万": Decimal(10**4), "万元": Decimal(10**4), "百万元": Decimal(10**6),
    "千万元": Decimal(10**7), "亿": Decimal(10**8), "亿元": Decimal(10**8),
}  # fmt: skip
YUAN, WAN, YI = (_UNITS[name] for name in ("元", "万元", "亿元"))
_AMOUNT: Final = re.compile(
    r"(?:人民币|rmb|¥)?(-?[\d,]*\.?\d+(?:e[+-]?\d{1,2})?)(元|千元|百万元|千万元|万元?|亿元?)?整?"
)
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_FLOAT_NOISE: Final = Decimal("0.000001")
_FEN: Final = Decimal("0.01")
_EXACT_FLOAT: Final = 2**53
_DAY: Final = re.compile(
    r"(\d{4})[年./\-](\d{1,2})(?:[月./\-](?:(\d{1,2})日?)?)?(?:[ t]\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?)?"
)
_COMPACT_DAY: Final = re.compile(r"(\d{4})(\d{2})(\d{2})?")
_FIRST_SERIAL, _LAST_SERIAL = 18264, 73050  # 1950-01-01 and 2099-12-31 as Excel counts
_SERIAL_AS_TEXT: Final = re.compile(r"\d{5}(\.\d+)?")
_SERIAL_ZERO: Final = date(1899, 12, 30)
_MONTH_AS_FLOAT: Final = re.compile(r"(19|20)\d{2}\.\d{1,2}")
_YES: Final = frozenset({"是", "有", "√", "✓", "y", "yes", "true", "1", "对"})
_NO: Final = frozenset({"否", "无", "×", "x", "✗", "n", "no", "false", "0", "没有", "-", "/"})
_FORMULA_FAULTS: Final = frozenset(
    {"#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#GETTING_DATA"}
)
_SCIENTIFIC: Final = re.compile(r"\d(?:\.\d+)?e\+\d+", re.IGNORECASE)
_WHOLE: Final = re.compile(r"\d{1,12}")
_SEPARATORS: Final = re.compile(r"[、;；\n/|]+|(?<=司)[,，]|[,，](?=\S)")


class CellFault(Exception):
    """A cell that cannot be taken over; the text is the reason, without the cell's content."""


def folded(cell: Cell) -> str:
    """A cell as text: one width, ends trimmed; whole numbers without the ``.0`` that spreadsheets add."""
    if isinstance(cell, str):
        return unicodedata.normalize("NFKC", cell).strip()
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    return unicodedata.normalize("NFKC", str(cell)).strip()


def words(longest: int) -> Reader:
    """Text of at most ``longest`` letters."""

    def read(cell: Cell) -> str:
        said = _no_formula(str(cell).strip() if isinstance(cell, str) else folded(cell))
        if len(said) > longest:
            raise CellFault(f"超过 {longest} 字")
        if _CONTROL.search(said):
            raise CellFault("含有无法识别的控制字符")
        return said

    return read


def _no_formula(said: str) -> str:
    if said.startswith("="):
        raise CellFault("内容以等号开头，疑为公式，请改为文字或数值")
    if said in _FORMULA_FAULTS:
        raise CellFault("公式计算出错，请改为文字或数值")
    return said


def number_text(longest: int) -> Reader:
    """Numbers that are names (case numbers, telephones, identity numbers, accounts), also where Excel made floats."""
    as_words = words(longest)

    def read(cell: Cell) -> str:
        if isinstance(cell, float | int) and not isinstance(cell, bool) and abs(cell) >= _EXACT_FLOAT:
            raise CellFault("号码被表格存为数值，末几位已丢失，请将单元格改为文本格式后重新录入")
        said: str = as_words(folded(cell))
        if _SCIENTIFIC.fullmatch(said):
            raise CellFault("号码显示为科学计数法，末几位已丢失，请改为文本格式后重新录入")
        return said[:-2] if said.endswith(".0") and said[:-2].isdecimal() else said

    return read


def amount(unit: Decimal = YUAN) -> Reader:
    """Money in yuan to the fen; ``unit`` is that of the column, a unit written in the cell goes before it."""

    def read(cell: Cell) -> Decimal:
        figure, own = _figure(cell)
        yuan = figure * (_UNITS[own] if own else unit)
        if not yuan.is_finite() or not 0 <= yuan <= HIGHEST_YUAN:
            raise CellFault("金额应在 0 至 10 万亿元之间")
        rounded = yuan.quantize(_FEN)
        noise = _FLOAT_NOISE * max(unit, abs(yuan)) if isinstance(cell, float) else Decimal(0)
        if abs(yuan - rounded) > noise:
            raise CellFault("金额最多精确到分")
        return rounded

    return read


def _figure(cell: Cell) -> tuple[Decimal, str]:
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        raise CellFault("应为金额")
    if isinstance(cell, int | float):
        return Decimal(repr(cell)), ""
    said = _no_formula(folded(cell)).replace(" ", "").lower()
    found = _AMOUNT.fullmatch(said) if len(said) <= 60 else None  # noqa: PLR2004  # no honest figure is longer
    if found is None:
        raise CellFault("应为金额，如 1200000 或 120万元，不要写“约”“余”等字")
    try:
        return Decimal(found[1].replace(",", "")), found[2] or ""
    except InvalidOperation as fault:
        raise CellFault("应为金额") from fault


def whole(highest: int) -> Reader:
    """A number of people or things."""

    def read(cell: Cell) -> int:
        said = _no_formula(folded(cell)).replace(",", "").replace(" ", "").removesuffix("人").removesuffix("名")
        if not _WHOLE.fullmatch(said):
            raise CellFault("应为整数")
        if int(said) > highest:
            raise CellFault("数值过大")
        return int(said)

    return read


def day(cell: Cell) -> date:
    """A day; ``2021年8月`` is the first of that month. Excel's serial numbers and 2021.8.6 are understood."""
    if isinstance(cell, datetime):
        return _believable(cell.date())
    if isinstance(cell, date):
        return _believable(cell)
    if isinstance(cell, float | int) and not isinstance(cell, bool):
        return _day_of_number(cell)
    said = _no_formula(folded(cell)).lower()
    if _SERIAL_AS_TEXT.fullmatch(said):
        return _day_of_number(float(said))
    found = (_DAY.fullmatch(said) or _COMPACT_DAY.fullmatch(said)) if len(said) <= 40 else None  # noqa: PLR2004
    if found is None:
        raise CellFault("应为日期，如 2021-08-06 或 2021年8月6日")
    return _made(int(found[1]), int(found[2]), int(found[3] or 1))


def _day_of_number(cell: float) -> date:
    if _FIRST_SERIAL <= cell <= _LAST_SERIAL:
        return _SERIAL_ZERO + timedelta(days=int(cell))
    said = folded(float(cell))
    if found := _COMPACT_DAY.fullmatch(said):
        return _made(int(found[1]), int(found[2]), int(found[3] or 1))
    if _MONTH_AS_FLOAT.fullmatch(said):
        if said.endswith(".1"):
            raise CellFault("分不清是 1 月还是 10 月，请写成 2021-01 或 2021-10 的形式")
        year, _, month = said.partition(".")
        return _made(int(year), int(month), 1)
    raise CellFault("应为日期，如 2021-08-06 或 2021年8月6日")


def _made(year: int, month: int, day_: int) -> date:
    try:
        return _believable(date(year, month, day_))
    except ValueError as fault:
        raise CellFault("没有这一天") from fault


def _believable(found: date) -> date:
    if not FIRST_DAY <= found <= LAST_DAY:
        raise CellFault(UNBELIEVABLE)
    return found


def yes(cell: Cell) -> bool:
    """是 or 否, in the ways the office ticks."""
    said = folded(cell).lower()
    if said in _YES:
        return True
    if said in _NO:
        return False
    raise CellFault("应填“是”或“否”")


def choice(meanings: Mapping[str, str]) -> Reader:
    """One of the wordings (folded) of a choice → its code."""
    shown = "、".join(dict.fromkeys(text for text in meanings if not text.isascii()))

    def read(cell: Cell) -> str:
        said = re.sub(r"\s", "", folded(cell)).lower()
        code = meanings.get(said)
        if code is None:
            raise CellFault(f"不在可选范围内，可填：{shown[:120]}")
        return code

    return read


def names(longest: int, most: int) -> Reader:
    """Several names in one cell, separated by 、 ； or line ends."""

    def read(cell: Cell) -> list[str]:
        said: str = words(longest * most)(cell)
        found = [part.strip() for part in _SEPARATORS.split(said) if part.strip()]
        if len(found) > most or any(len(part) > longest for part in found):
            raise CellFault(f"最多 {most} 个，每个不超过 {longest} 字")
        return found

    return read
