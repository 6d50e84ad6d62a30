"""What is wrong with a field, told in Chinese."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import Schema, ValidationError, fields, validate

from app.foundation.field_faults import flat_errors


class _Body(Schema):
    kind = fields.String(validate=validate.OneOf(["a", "b"]))
    way = fields.String(validate=validate.OneOf(["现金", "转账"]))
    score = fields.Integer(validate=validate.Range(1, 5))
    least = fields.Integer(validate=validate.Range(min=1))
    most = fields.Integer(validate=validate.Range(max=9))
    share = fields.Float()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"kind": "c"}, "应为以下之一：a, b"),
        ({"way": "票"}, "应为以下之一：现金, 转账"),
        ({"score": 6}, "应在 1 至 5 之间"),
        ({"least": 0}, "不能小于 1"),
        ({"most": 10}, "不能大于 9"),
        ({"share": 10**400}, "数值过大"),
    ],
)
def test_a_refusal_says_what_would_do(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as refused:
        _Body().load(given)
    assert flat_errors(refused.value.messages_dict) == {next(iter(given)): [told]}
