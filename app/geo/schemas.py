"""What the office API takes and answers about places."""

from __future__ import annotations

import unicodedata
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, pre_load, validate

from app.foundation.json_fields import JsonBoolean
from app.foundation.text_fields import RequiredText
from app.geo.divisions import divisions

DIVISION_CODE: Final = validate.Regexp(r"[0-9]{6}([0-9]{3})?\Z", error="应为六位或九位行政区划代码")


def _plain(text: str) -> None:
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in text):
        raise ValidationError("含有无法识别的控制字符")


def _text(longest: int, shortest: int = 0, **more: Any) -> fields.String:
    length = validate.Length(shortest, longest, error=f"应为 {shortest} 至 {longest} 个字")
    return fields.String(validate=[length, _plain], **more)


class _Trimmed(Schema):
    """Texts are trimmed before they are measured."""

    @pre_load
    def _trim(self, data: Any, **_: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {name: value.strip() if isinstance(value, str) else value for name, value in data.items()}


class MatchAddressBody(Schema):
    """An address to try. Without ``hint_code`` the office's own prefecture is the hint; null means none."""

    address = fields.String(required=True, validate=validate.Length(max=2000, error="地址最多 2000 个字"))
    hint_code = fields.String(
        allow_none=True, validate=validate.Regexp(r"([0-9]{6}([0-9]{3})?)?\Z", error="应为六位或九位行政区划代码")
    )


class AddressEvidenceView(Schema):
    """Which characters mean what, and how that is known."""

    text = fields.String()
    start = fields.Integer()
    end = fields.Integer()
    means = fields.String()
    how = fields.String(
        metadata={"description": "name|alias|old_name|zone|township|village|hint|uscc|point|typo|learnt|precedent"}
    )


class AlternativeView(Schema):
    """A division that the evidence allows."""

    code = fields.String()
    score = fields.Float()


class MatchView(Schema):
    """Match of the contract, with names."""

    province = fields.String(allow_none=True)
    prefecture = fields.String(allow_none=True)
    county = fields.String(
        allow_none=True,
        metadata={"description": "With status ambiguous: the leading candidate, where most of a divided county went"},
    )
    township = fields.String(allow_none=True)
    status = fields.String()
    confidence = fields.Float()
    alternatives = fields.List(fields.Nested(AlternativeView))
    evidence = fields.List(fields.Nested(AddressEvidenceView))
    names = fields.Dict(keys=fields.String(), values=fields.String())
    dispute_reasons = fields.List(fields.String())
    precedent = fields.Dict(allow_none=True)


class ListKnowledgeQuery(_Trimmed):
    """A page of zones, aliases or precedents."""

    q = _text(100, load_default=None)
    cursor = fields.String(load_default=None, validate=validate.Length(max=200))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100, error="每页 1 至 100 条"))


class AddZoneBody(_Trimmed):
    """A functional zone and who takes it; ``zone_id`` names one of the product's list."""

    zone_id = _text(40, load_default=None, allow_none=True)
    name = _text(100, load_default=None, allow_none=True)
    aliases = fields.List(_text(100), load_default=list, validate=validate.Length(max=30, error="别称最多 30 个"))
    division = fields.String(load_default=None, allow_none=True)
    xpcc = JsonBoolean(load_default=False)
    note = _text(500, load_default="")


class ChangeZoneBody(AddZoneBody):
    """The zone as it shall be; its place in the list does not change."""

    zone_id = fields.String(dump_only=True)
    expected_version = fields.Integer(required=True, strict=True)


class AddAliasBody(_Trimmed):
    """What people call a district or township."""

    text = _text(50, 2, required=True)
    division = fields.String(required=True)
    note = _text(500, load_default="")


class AddPrecedentBody(_Trimmed):
    """A decision by the common superior about an address."""

    address = _text(300, 4, required=True)
    division = fields.String(required=True)
    decided_on = fields.Date(required=True)
    reference = _text(100, load_default="")
    note = _text(500, load_default="")


class WithdrawBody(Schema):
    """Why something no longer holds."""

    reason = RequiredText(500)
    expected_version = fields.Integer(required=True, strict=True)


class _RowView(Schema):
    """What every row tells."""

    id = fields.UUID()
    version = fields.Integer()
    division = fields.String(attribute="division_code", allow_none=True)
    division_name = fields.Function(lambda row: divisions().full_name(row.division_code))
    note = fields.String()
    created_at = fields.AwareDateTime(format="iso")
    withdrawn_at = fields.AwareDateTime(format="iso", allow_none=True)


class ZoneView(_RowView):
    """A functional zone; ``division`` empty and ``xpcc`` false: nothing is agreed."""

    zone_id = fields.String(allow_none=True)
    name = fields.String()
    aliases = fields.List(fields.String())
    xpcc = fields.Boolean()


class AliasView(_RowView):
    """A local name."""

    text = fields.String()


class PrecedentView(_RowView):
    """A decision about an address."""

    number = fields.Integer()
    pattern = fields.String()
    decided_on = fields.Date()
    reference = fields.String()


class ListedZoneView(Schema):
    """A zone of the product's list that the office has not noted."""

    zone_id = fields.String()
    name = fields.String()
    aliases = fields.List(fields.String())
    kind = fields.String()
    counties = fields.List(fields.String())


class ZonePage(Schema):
    """One page of zones; ``without_agreement``: those of the list that nobody has noted."""

    items = fields.List(fields.Nested(ZoneView))
    next_cursor = fields.String(allow_none=True)
    without_agreement = fields.List(fields.Nested(ListedZoneView))


class AliasPage(Schema):
    """One page of aliases."""

    items = fields.List(fields.Nested(AliasView))
    next_cursor = fields.String(allow_none=True)


class PrecedentPage(Schema):
    """One page of precedents."""

    items = fields.List(fields.Nested(PrecedentView))
    next_cursor = fields.String(allow_none=True)
