"""Cells as the office types them: every way of writing an amount, a day, a number that is a name."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cases.cell_values import WAN, CellFault, amount, choice, day, names, number_text, whole, words, yes


class TestAmount:
    @pytest.mark.parametrize(
        ("cell", "yuan"),
        [
            (1200.5, "1200.50"), (3, "3.00"), ("1,234,567.89", "1234567.89"), ("１２３４．５", "1234.50"), ("￥100", "100.00"),
            ("人民币 100 元整", "100.00"), ("120万元", "1200000.00"), ("1.2 亿", "120000000.00"), ("0", "0.00"),
            (0.1 + 0.2, "0.30"), ("1.5e6", "1500000.00"),
        ],
    )  # fmt: skip
    def test_in_a_column_of_yuan(self, cell: Any, yuan: str) -> None:
        assert str(amount()(cell)) == yuan

    @pytest.mark.parametrize(
        ("cell", "yuan"),
        [(1200.5, "12005000.00"), ("1200.123456", "12001234.56"), ("300元", "300.00"), ("2亿元", "200000000.00")],
    )
    def test_in_a_column_of_ten_thousands_unless_the_cell_says_another_unit(self, cell: Any, yuan: str) -> None:
        assert str(amount(WAN)(cell)) == yuan

    @pytest.mark.parametrize(
        "cell",
        [
            "约1200",
            "1200多万",
            "-5",
            -5,
            "=A1*2",
            "",
            "abc",
            "1.234",
            0.005,
            True,
            date(2021, 1, 1),
            "1e99",
            "9" * 61,
            "#DIV/0!",
        ],
    )
    def test_what_is_no_amount_is_refused(self, cell: Any) -> None:
        with pytest.raises(CellFault):
            amount()(cell)

    @given(st.integers(0, 10**13))
    def test_a_figure_written_by_excel_is_the_same_money(self, fen: int) -> None:
        yuan = Decimal(fen).scaleb(-2)
        assert amount()(float(yuan)) == yuan
        assert amount()(f"{yuan:,}") == yuan
        assert amount(WAN)(str(yuan / 10000)) == yuan

    @given(st.text(max_size=80) | st.floats() | st.integers() | st.booleans() | st.dates() | st.timedeltas())
    def test_any_cell_is_an_amount_or_a_fault(self, cell: Any) -> None:
        try:
            found = amount()(cell)
        except CellFault:
            return
        else:
            assert 0 <= found <= 10**13
            assert found == found.quantize(Decimal("0.01"))


class TestDay:
    @pytest.mark.parametrize(
        "cell",
        [
            "2021.8.6", "2021-08-06", "2021/8/6", "2021年8月6日", "２０２１年８月６日", "20210806", 20210806.0, 44414, 44414.0,
            44414.75, "44414", "４４４１４", "44414.75", date(2021, 8, 6), datetime(2021, 8, 6, 9, 30),  # noqa: DTZ001  # as the reader gives it
             "2021-08-06 09:30:00", "2021年8月6",
        ],
    )  # fmt: skip
    def test_in_every_writing(self, cell: Any) -> None:
        assert day(cell) == date(2021, 8, 6)

    @pytest.mark.parametrize("cell", ["2021年8月", "2021.8", "2021-08", 2021.8, "202108"])
    def test_a_month_is_its_first_day(self, cell: Any) -> None:
        assert day(cell) == date(2021, 8, 1)

    def test_october_that_excel_made_january_is_asked_about(self) -> None:
        with pytest.raises(CellFault, match="1 月还是 10 月"):
            day(2021.1)

    @pytest.mark.parametrize(
        "cell",
        [
            "2021-02-30",
            "2021-13-01",
            "昨天",
            "21.8.6",
            3.5,
            True,
            "",
            "=TODAY()",
            "1890-01-01",
            "#REF!",
            "99999",
            "00001",
            datetime.max.replace(tzinfo=UTC),
        ],
    )
    def test_what_is_no_day_is_refused(self, cell: Any) -> None:
        with pytest.raises(CellFault):
            day(cell)

    @given(st.dates(date(1950, 1, 1), date(2099, 12, 31)))
    def test_serial_numbers_and_texts_agree(self, found: date) -> None:
        serial = (found - date(1899, 12, 30)).days
        assert (
            day(float(serial)) == day(f"{found.year}年{found.month}月{found.day}日") == day(found.isoformat()) == found
        )

    @given(st.text(max_size=50) | st.floats() | st.integers() | st.datetimes() | st.timedeltas())
    def test_any_cell_is_a_day_or_a_fault(self, cell: Any) -> None:
        try:
            assert isinstance(day(cell), date)
        except CellFault:
            return


class TestNumbersThatAreNames:
    @pytest.mark.parametrize(
        ("cell", "text"),
        [
            (13912345678.0, "13912345678"),
            ("13912345678.0", "13912345678"),
            (" ０９９１－１２３４ ", "0991-1234"),
            ("乌公立〔2021〕8号", "乌公立〔2021〕8号"),
        ],
    )
    def test_lose_what_the_spreadsheet_added(self, cell: Any, text: str) -> None:
        assert number_text(40)(cell) == text

    @pytest.mark.parametrize("cell", [650102199001011234.0, "6.50102E+17"])
    def test_that_lost_digits_are_refused(self, cell: Any) -> None:
        with pytest.raises(CellFault, match="已丢失"):
            number_text(40)(cell)


class TestWords:
    def test_a_formula_is_no_text(self) -> None:
        with pytest.raises(CellFault, match="公式"):
            words(100)('=HYPERLINK("http://example.test","x")')

    @pytest.mark.parametrize("cell", ["#REF!", "#N/A", " #VALUE! ", "#NAME?"])
    def test_what_a_broken_formula_leaves_is_no_text_either(self, cell: str) -> None:
        for read in (words(100), number_text(100), names(100, 5)):
            with pytest.raises(CellFault, match="公式"):
                read(cell)

    def test_a_cell_of_a_megabyte_is_refused_without_being_quoted(self) -> None:
        with pytest.raises(CellFault) as refused:
            words(200)("长" * 1_000_000)
        assert str(refused.value) == "超过 200 字"

    def test_choices_and_ticks(self) -> None:
        assert choice({"债权类": "debt"})(" 债权类 ") == "debt"
        assert [yes(cell) for cell in ("是", "√", True, 1.0, "否", "×", False)] == [True] * 4 + [False] * 3
        for read, cell in ((choice({"债权类": "debt"}), "债券"), (yes, "也许")):
            with pytest.raises(CellFault):
                read(cell)

    def test_names_in_one_cell(self) -> None:
        assert names(20, 5)("甲公司、乙公司；张测试\n李测试") == ["甲公司", "乙公司", "张测试", "李测试"]

    def test_people(self) -> None:
        assert [whole(10**6)(cell) for cell in ("1,200人", 30.0, "３０")] == [1200, 30, 30]
        for cell in ("30余人", -1, 2.5, "9999999"):
            with pytest.raises(CellFault):
                whole(10**6)(cell)

    def test_a_span_of_time_is_no_number(self) -> None:
        with pytest.raises(CellFault):
            whole(10)(timedelta(hours=3))
