"""Industries after GB/T 4754-2017: the twenty sections and their divisions, groups and classes, typed or read from a sheet."""

from __future__ import annotations

from string import ascii_uppercase

import pytest
from flask.testing import FlaskClient

from app.cases.case_columns import CASE_COLUMNS
from app.cases.cell_values import CellFault
from app.cases.words import INDUSTRY_TEXTS
from tests.cases import office

READ = next(column.read for column in CASE_COLUMNS if column.field == "industry")


def test_the_sections_are_the_twenty_of_the_standard() -> None:
    assert list(INDUSTRY_TEXTS) == list(ascii_uppercase[:20])
    assert (INDUSTRY_TEXTS["J"], INDUSTRY_TEXTS["L"], INDUSTRY_TEXTS["T"]) == ("金融业", "租赁和商务服务业", "国际组织")


@pytest.mark.parametrize("code", ["J", "J69", "J693", "J6930", "A01", "T97"])
def test_a_section_a_division_a_group_and_a_class_are_taken(client: FlaskClient, code: str) -> None:
    assert office.register(client, facts=office.FACTS | {"industry": code}).status_code == 201
    assert READ(code) == code


@pytest.mark.parametrize("code", ["U", "J6", "J69301", "69", "金融", "j69"])
def test_what_is_no_code_is_refused(client: FlaskClient, code: str) -> None:
    answer = office.register(client, facts=office.FACTS | {"industry": code})
    assert answer.status_code == 422
    assert any("industry" in name for name in answer.get_json()["errors"])


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("金融业", "J"),
        ("金融", "J"),
        ("租赁和商务服务业", "L"),
        ("农、林、牧、渔业", "A"),
        ("房地产", "K"),
        ("j69", "J69"),
        ("Ｊ６９", "J69"),
    ],
)
def test_a_sheet_says_it_in_words_too(cell: str, code: str) -> None:
    assert READ(cell) == code


def test_unknown_words_are_told_with_an_example() -> None:
    with pytest.raises(CellFault, match="GB/T 4754"):
        READ("炼金术")
