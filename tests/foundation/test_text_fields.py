"""What people write: trimmed, and never a blank that looks like words."""

from __future__ import annotations

import pytest
from marshmallow import Schema, ValidationError

from app.foundation.text_fields import PlainText, RequiredText

BLANKS = ["", " ", "\u3000", "\n\t", "\u200b", "\u00a0\u2060 \ufeff", "\u2028"]


class _Body(Schema):
    said = PlainText(10, load_default=None, allow_none=True)
    reason = RequiredText(10)
    name = RequiredText(10, required=False)


@pytest.mark.parametrize("blank", BLANKS)
def test_a_blank_is_nothing(blank: str) -> None:
    assert _Body().load({"said": blank, "reason": "核对"})["said"] is None
    for field in ("reason", "name"):
        with pytest.raises(ValidationError) as refused:
            _Body().load({"reason": "核对", field: blank})
        assert refused.value.messages == {field: ["请填写内容"]}


def test_words_keep_what_stands_between_them() -> None:
    """A joiner between letters is spelling, in Uyghur as in Persian; the ends are trimmed."""
    assert _Body().load({"reason": " ئۇ\u200cيغۇر\u3000"}) == {"said": None, "reason": "ئۇ\u200cيغۇر"}


def test_what_need_not_be_sent_may_be_left_out() -> None:
    assert _Body().load({"reason": "核对"}) == {"said": None, "reason": "核对"}
    with pytest.raises(ValidationError, match="name"):
        _Body().load({"reason": "核对", "name": None})
