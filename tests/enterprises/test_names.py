"""Two ways of writing a company's name, and what lists say about its status."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.enterprises.names import LONGEST_NAME, name_key, pairs
from app.enterprises.states import RegistrationStatus, status_of


@pytest.mark.parametrize(
    "written",
    [
        "云杉（新疆）投资有限责任公司",
        "云杉(新疆)投资有限公司",
        " 云杉 新疆投资有限公司",
        "雲杉（新疆）投資有限公司",
        "云杉·新疆投资有限公司",
    ],
)
def test_writing_does_not_tell_companies_apart(written: str) -> None:
    assert name_key(written) == "云杉新疆投资有限公司"


def test_letters_and_width() -> None:
    assert name_key("ＡＢ c科技有限公司") == name_key("abC科技有限公司") == "ABC科技有限公司"


def test_a_branch_is_not_the_company() -> None:
    assert name_key("云杉投资有限公司天山分公司") != name_key("云杉投资有限公司")


@given(st.text())
def test_any_text_has_a_key_that_stays(text: str) -> None:
    key = name_key(text)
    assert name_key(key) == key[:LONGEST_NAME] or "有限责任公司" in key
    assert all(len(pair) == 2 and pair in key for pair in pairs(key))


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("存续（在营、开业、在册）", RegistrationStatus.ACTIVE),
        ("吊销,未注销", RegistrationStatus.REVOKED),
        ("吊销，已注销", RegistrationStatus.REVOKED_DEREGISTERED),
        ("注销", RegistrationStatus.DEREGISTERED),
        ("5", RegistrationStatus.ANNULLED),
        ("迁出", RegistrationStatus.MOVED_OUT),
        ("歇业", RegistrationStatus.DORMANT),
        ("", RegistrationStatus.OTHER),
        ("经营异常", None),
    ],
)
def test_words_of_lists(words: str, status: RegistrationStatus | None) -> None:
    assert status_of(words) is status


def test_only_those_without_legal_personality_are_gone() -> None:
    gone = {status for status in RegistrationStatus if status.is_gone}
    assert gone == {
        RegistrationStatus.DEREGISTERED, RegistrationStatus.REVOKED_DEREGISTERED, RegistrationStatus.ANNULLED,
    }  # fmt: skip


def test_every_status_reads_its_own_text() -> None:
    assert all(status_of(status.text) is status for status in RegistrationStatus)
