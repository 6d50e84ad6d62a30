"""What the office API takes and answers about the restitution ledger, and what the owner of a claim is told."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.cases import words
from app.cases.bank_file import FORMATS
from app.cases.claims import CLAIM_STATES
from app.cases.identity_numbers import DIGITS, is_identity_number
from app.cases.payment_states import PaymentState
from app.cases.schemas import BELIEVABLE_DAY, EntryBody
from app.foundation import clock
from app.foundation.json_fields import JsonBoolean
from app.foundation.text_fields import PlainText, RequiredText
from app.tips.schemas import Yuan

_UNKNOWN: Final = "不在可选范围内"


def _reason() -> RequiredText:
    return RequiredText(2000)


def _above_zero(amount: Decimal) -> None:
    if not amount:
        raise ValidationError("金额应大于零")


def _not_to_come(day: date) -> None:
    if day > clock.today():
        raise ValidationError("不能晚于今天")


def _id_number(said: str) -> None:
    if len(said) == DIGITS and not is_identity_number(said):
        raise ValidationError("证件号码校验不符，请核对")


class _AnyYuan(Yuan):
    """Money that may be negative: a correction."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        minus = isinstance(value, str) and value.strip().startswith("-")
        amount = super()._deserialize(value.strip()[1:] if minus else value, attr, data, **more)
        return -amount if minus else amount


class ParticipantBody(Schema):
    """Who claims; kept sealed."""

    name = PlainText(100, load_default=None, allow_none=True)
    id_number = fields.String(
        load_default=None,
        allow_none=True,
        validate=[validate.Regexp(r"[A-Z0-9()\-]{5,30}\Z", error="应为 5 至 30 位字母或数字"), _id_number],
    )
    phone = fields.String(
        load_default=None, allow_none=True, validate=validate.Regexp(r"\+?[0-9]{6,20}\Z", error="应为电话号码")
    )
    bank = PlainText(100, load_default=None, allow_none=True)
    account = fields.String(
        load_default=None, allow_none=True, validate=validate.Regexp(r"[0-9]{8,32}\Z", error="应为 8 至 32 位数字")
    )
    account_name = PlainText(100, load_default=None, allow_none=True)


class ClaimBody(Schema):
    """One participant's claim by its number."""

    claim_no = RequiredText(60)
    claimed_yuan = Yuan(required=True, validate=_above_zero)
    participant = fields.Nested(ParticipantBody, load_default=dict)


class EnterClaimsBody(Schema):
    """Claims as they are made; more of them go in further calls or in a sheet."""

    claims = fields.List(fields.Nested(ClaimBody), required=True, validate=validate.Length(1, 5000))


class ChangeClaimBody(Schema):
    """What is corrected of a claim; it is verified anew afterwards."""

    claimed_yuan = Yuan(validate=_above_zero)
    participant = fields.Nested(ParticipantBody(partial=True))
    reason = _reason()


class VerdictBody(Schema):
    """What holds of a claim: the whole, less, or nothing."""

    claim_no = RequiredText(60)
    verified_yuan = Yuan(required=True)
    reason = PlainText(500, load_default=None, allow_none=True)


class VerifyClaimsBody(Schema):
    """Verdicts one by one, or all that wait as they were claimed, save those that differ from an earlier verdict."""

    claims = fields.List(fields.Nested(VerdictBody), load_default=list, validate=validate.Length(max=5000))
    all_as_claimed = JsonBoolean(load_default=False)

    @validates_schema
    def _one_of_the_two(self, data: dict[str, Any], **_more: Any) -> None:
        if bool(data["claims"]) == data["all_as_claimed"]:
            raise ValidationError("请逐笔填写核定金额，或选择全部按申报金额核定", "claims")


class FindClaimsBody(Schema):
    """Which claims to show; who claims is found in a body, never in a URL."""

    state = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(CLAIM_STATES, error=_UNKNOWN))
    claim_no = PlainText(60, load_default=None, allow_none=True)
    id_number = fields.String(load_default=None, allow_none=True, validate=validate.Length(5, 30))
    phone = fields.String(load_default=None, allow_none=True, validate=validate.Length(6, 20))
    after = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 60))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 100, error="每页 1 至 100 条"))


class ReasonBody(Schema):
    """Why personal data is opened."""

    reason = _reason()


class IssueCodesBody(Schema):
    """Which claims get slips; ``renew`` makes earlier slips worthless."""

    claim_nos = fields.List(RequiredText(60), required=True, validate=validate.Length(1, 1000))
    reason = _reason()
    renew = JsonBoolean(load_default=False)


class ReceiveFundBody(EntryBody):
    """Money that came in; a negative sum corrects an earlier entry."""

    source = fields.String(required=True, validate=validate.OneOf(list(words.SOURCE_TEXTS), error=_UNKNOWN))
    yuan = _AnyYuan(required=True, validate=_above_zero)
    received_on = fields.Date(required=True, validate=[_not_to_come, BELIEVABLE_DAY])
    origin = RequiredText(500)
    asset_id = fields.UUID(load_default=None, allow_none=True)


class AssetBody(Schema):
    """One asset as it stands."""

    kind = fields.String(required=True, validate=validate.OneOf(list(words.ASSET_KIND_TEXTS), error=_UNKNOWN))
    description = RequiredText(500)
    place = PlainText(300, allow_none=True)
    holder = PlainText(100, allow_none=True)
    state = fields.String(load_default="found", validate=validate.OneOf(list(words.ASSET_STATE_TEXTS), error=_UNKNOWN))
    seized_by = PlainText(200, allow_none=True)
    seized_on = fields.Date(allow_none=True, validate=[_not_to_come, BELIEVABLE_DAY])
    valuation_yuan = Yuan(allow_none=True)
    valued_on = fields.Date(allow_none=True, validate=[_not_to_come, BELIEVABLE_DAY])
    realised_yuan = Yuan(allow_none=True)
    realised_on = fields.Date(allow_none=True, validate=[_not_to_come, BELIEVABLE_DAY])


class AddAssetBody(EntryBody, AssetBody):
    """An asset that was found or seized."""


class ChangeAssetBody(Schema):
    """What changed of an asset."""

    expected_version = fields.Integer(required=True, strict=True)
    asset = fields.Nested(AssetBody(partial=True), required=True, validate=validate.Length(1, error="没有要修改的内容"))


class DistributeBody(EntryBody):
    """A sum to share among the claims, and which of the six sources of decree 737 Art. 26 it comes from."""

    total_yuan = Yuan(required=True, validate=_above_zero)
    source = fields.String(required=True, validate=validate.OneOf(list(words.SOURCE_TEXTS), error=_UNKNOWN))


class ListSharesQuery(Schema):
    """A page of the lines of a round."""

    after = fields.String(load_default=None, validate=validate.Length(1, 60))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 1000, error="每页 1 至 1000 条"))


class MakeBatchBody(EntryBody):
    """Which round is paid, and on whose decision."""

    round = fields.Integer(required=True, strict=True, validate=validate.Range(1, 10**6))
    reason = _reason()


class ExportBatchBody(Schema):
    """The list for the bank: in which format, and why it leaves."""

    format = fields.String(load_default="xlsx", validate=validate.OneOf(FORMATS, error=_UNKNOWN))
    reason = _reason()


class PaymentResultBody(Schema):
    """What the bank says of one payment."""

    claim_no = RequiredText(60)
    state = fields.String(
        required=True,
        validate=validate.OneOf([PaymentState.PAID, PaymentState.FAILED, PaymentState.RETURNED], error=_UNKNOWN),
    )
    settled_on = fields.Date(required=True, validate=[_not_to_come, BELIEVABLE_DAY])
    reference = PlainText(60, load_default=None, allow_none=True)
    reason = PlainText(200, load_default=None, allow_none=True)


class RecordResultsBody(Schema):
    """What the bank says of payments of a batch; more of them go in further calls or in a sheet."""

    results = fields.List(fields.Nested(PaymentResultBody), required=True, validate=validate.Length(1, 5000))


class QueryClaimBody(Schema):
    """Number and code on the owner's slip."""

    query_number = fields.String(required=True, validate=validate.Length(1, 60))
    query_code = fields.String(required=True, validate=validate.Length(1, 60))


def _money(**more: Any) -> fields.Decimal:
    return fields.Decimal(as_string=True, **more)


class RoundLineView(Schema):
    """One line of a round."""

    claim_no = fields.String()
    yuan = _money()


class RoundLinePage(Schema):
    """A page of the lines of a round."""

    items = fields.List(fields.Nested(RoundLineView))
    next_after = fields.String(allow_none=True)


class ListedRoundView(Schema):
    """One round without its lines."""

    number = fields.Integer()
    source = fields.String()
    total_yuan = _money()
    computed_at = fields.AwareDateTime(format="iso")


class RoundView(ListedRoundView):
    """One round; ``shares`` are its first lines of ``lines``."""

    lines = fields.Integer()
    shares = fields.List(fields.Nested(RoundLineView))


class FundView(Schema):
    """Money that came in."""

    source = fields.String()
    yuan = _money()
    received_on = fields.Date()
    origin = fields.String()
    asset_id = fields.UUID(allow_none=True)
    entered_by = fields.String(attribute="entered_by_name")
    entered_at = fields.AwareDateTime(format="iso")


class AssetView(AssetBody):
    """One asset as it stands."""

    id = fields.UUID()
    version = fields.Integer()


class SourceView(Schema):
    """One of the six sources: what came in, and what the rounds shared out of it."""

    source = fields.String()
    received_yuan = _money()
    shared_out_yuan = _money()


class BatchView(Schema):
    """One list of payments for the bank; ``states``: how many payments stand where.

    ``listed_at``: when its list was first taken to be sent to the bank; until then a correction takes payments out.
    """

    number = fields.Integer()
    count = fields.Integer()
    total_yuan = _money()
    reason = fields.String()
    made_by = fields.String(attribute="made_by_name")
    made_at = fields.AwareDateTime(format="iso")
    listed_at = fields.AwareDateTime(format="iso", allow_none=True)
    states = fields.Dict(keys=fields.String(), values=fields.Integer())


class LedgerView(Schema):
    """The ledger in figures, its sources, assets, rounds and batches; every ratio is computed.

    ``version`` is that of the case: the ``expected_version`` of what is entered next.
    """

    version = fields.Integer()
    claims = fields.Integer()
    waiting_claims = fields.Integer()
    verified_yuan = _money()
    received_yuan = _money()
    sources = fields.List(fields.Nested(SourceView))
    distributed_yuan = _money()
    distributed_ratio = _money(allow_none=True)
    paid_yuan = _money()
    paid_ratio = _money(allow_none=True)
    rounds = fields.List(fields.Nested(ListedRoundView))
    batches = fields.List(fields.Nested(BatchView))
    funds = fields.List(fields.Nested(FundView))
    assets = fields.List(fields.Nested(AssetView))


class ClaimView(Schema):
    """One claim with its person masked; of a corrected one that waits, the verdict is the earlier one."""

    claim_no = fields.String()
    state = fields.String()
    claimed_yuan = _money()
    verified_yuan = _money(allow_none=True)
    verify_reason = fields.String()
    differs_from_verified = fields.Boolean()
    entered_at = fields.AwareDateTime(format="iso")
    verified_at = fields.AwareDateTime(format="iso", allow_none=True)
    participant = fields.Dict(keys=fields.String(), values=fields.String())


class ClaimPage(Schema):
    """A page of claims by number."""

    items = fields.List(fields.Nested(ClaimView))
    next_after = fields.String(allow_none=True)


class ParticipantView(Schema):
    """Who claims, in clear."""

    name = fields.String()
    id_number = fields.String()
    phone = fields.String()
    bank = fields.String()
    account = fields.String()
    account_name = fields.String()


class ClaimCodeView(Schema):
    """What the slip of one claim holds."""

    claim_no = fields.String()
    query_number = fields.String()
    query_code = fields.String()


class ClaimCodesView(Schema):
    """Slips to hand over."""

    items = fields.List(fields.Nested(ClaimCodeView))


class ClaimShareView(Schema):
    """What one round gave to a claim, and where its payment stands."""

    round = fields.Integer()
    yuan = _money()
    state = fields.String()
    settled_on = fields.Date(allow_none=True)


class OwnClaimView(Schema):
    """What the owner of a claim may know of it."""

    case_name = fields.String()
    claim_no = fields.String()
    state = fields.String()
    claimed_yuan = _money()
    verified_yuan = _money(allow_none=True)
    reason = fields.String()
    distributed_yuan = _money()
    paid_yuan = _money()
    rounds = fields.List(fields.Nested(ClaimShareView))
