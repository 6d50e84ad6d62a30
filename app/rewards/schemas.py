"""What rewards take and answer."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.foundation.json_fields import JsonBoolean
from app.foundation.text_fields import PlainText, RequiredText
from app.rewards.eligibility import HELPFUL, JOINT, KNOWN_BEFORE, SUBSTANTIATED
from app.rewards.rules import EXCLUSIONS
from app.rewards.states import REWARD, RewardState
from app.tips.schemas import QueryTipBody, Yuan

QUESTIONS = (KNOWN_BEFORE, SUBSTANTIATED, HELPFUL, JOINT, *EXCLUSIONS)
_OFFICE_ACTIONS = list(dict.fromkeys(row.action for row in REWARD if row.permission is not None))


class PayeeBody(Schema):
    """Where a named reporter wants the money."""

    name = RequiredText(100)
    account = RequiredText(60)
    bank = RequiredText(100)


class PayeeView(PayeeBody):
    """Where the money goes, and what is to be checked before it is paid there."""

    warnings = fields.List(fields.String())


class ClaimRewardBody(QueryTipBody):
    """The codes of the tip; for an anonymous one the claim code too, for a named one where the money goes."""

    claim_code = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 40))
    payee = fields.Nested(PayeeBody, load_default=None, allow_none=True)


class RewardStatusView(Schema):
    """What a reporter reads of the own reward."""

    status = fields.String()
    status_text = fields.String()
    yuan = fields.Decimal(as_string=True, allow_none=True)
    collect_by = fields.Date(allow_none=True)
    can_claim = fields.Boolean()


class ListRewardsQuery(Schema):
    """A page of the list."""

    state = fields.String(
        load_default=None, validate=validate.OneOf([one.value for one in RewardState], error="未知的状态")
    )
    cursor = fields.String(load_default=None, validate=validate.Length(max=200))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100, error="每页 1 至 100 条"))


class OpenRewardBody(Schema):
    """The tip whose reporter is to be considered."""

    receipt_number = fields.String(required=True, validate=validate.Length(1, 40))


class ActOnRewardBody(Schema):
    """An action with its fields; which are needed is written in the table."""

    action = fields.String(required=True, validate=validate.OneOf(_OFFICE_ACTIONS, error="未知的操作"))
    expected_version = fields.Integer(required=True, strict=True)
    reason = PlainText(2000, load_default=None, allow_none=True)
    yuan = Yuan(load_default=None, allow_none=True)
    tier = PlainText(50, load_default=None, allow_none=True)
    answers = fields.Dict(
        keys=fields.String(validate=validate.OneOf(QUESTIONS, error="未知的问题")),
        values=JsonBoolean(),
        load_default=dict,
    )
    joint = fields.List(
        fields.String(validate=validate.Length(1, 40)), load_default=list, validate=validate.Length(max=50)
    )
    until = fields.Date(load_default=None, allow_none=True)
    receipt_number = PlainText(40, load_default=None, allow_none=True)
    query_code = PlainText(60, load_default=None, allow_none=True)
    claim_code = PlainText(40, load_default=None, allow_none=True)
    voucher_number = PlainText(100, load_default=None, allow_none=True)
    paid_on = fields.Date(load_default=None, allow_none=True)


class OpenPayeeBody(Schema):
    """Why the payee must be seen, and of which share."""

    receipt_number = fields.String(required=True, validate=validate.Length(1, 40))
    reason = RequiredText(500)


class RewardLineView(Schema):
    """One line of the list."""

    id = fields.UUID()
    tip_id = fields.UUID()
    receipt_number = fields.String()
    subject_name = fields.String(allow_none=True)
    real_name = fields.Boolean()
    state = fields.String()
    state_text = fields.String()
    yuan = fields.Decimal(as_string=True, allow_none=True)
    opened_at = fields.AwareDateTime(format="iso")
    decide_by = fields.Date(allow_none=True)
    collect_by = fields.Date(allow_none=True)


class RewardPage(Schema):
    """One page."""

    items = fields.List(fields.Nested(RewardLineView))
    next_cursor = fields.String(allow_none=True)


class FindingView(Schema):
    """One condition: met, not met, or to be answered."""

    code = fields.String()
    text = fields.String()
    met = fields.Boolean(allow_none=True)
    basis = fields.String()
    question = fields.String(allow_none=True)


class RewardShareView(Schema):
    """One reporter's part, by receipt number alone."""

    receipt_number = fields.String()
    yuan = fields.Decimal(as_string=True)
    state = fields.String()
    state_text = fields.String()
    claimed_at = fields.AwareDateTime(format="iso", allow_none=True)
    has_payee = fields.Boolean()
    paid_on = fields.Date(allow_none=True)
    voucher_number = fields.String(allow_none=True)


class RewardStepView(Schema):
    """One step of the history."""

    at = fields.AwareDateTime(format="iso")
    by = fields.String(attribute="actor_name")
    role = fields.String(attribute="actor_role")
    action = fields.String()
    from_state = fields.String(allow_none=True)
    to_state = fields.String()
    reason = fields.String()


class TierView(Schema):
    """One step of the scale with what it proposes for this tip."""

    code = fields.String()
    text = fields.String()
    least_yuan = fields.Decimal(as_string=True)
    most_yuan = fields.Decimal(as_string=True)
    suggested_yuan = fields.Decimal(as_string=True)


class RewardView(RewardLineView):
    """One reward whole. Of the reporters it says receipt numbers alone."""

    version = fields.Integer()
    verdict = fields.String()
    verdict_text = fields.String()
    findings = fields.List(fields.Nested(FindingView))
    tiers = fields.List(fields.Nested(TierView))
    suggested_tier = fields.String()
    provisional_rules = fields.Boolean()
    tier = fields.String(allow_none=True)
    opinion = fields.String(allow_none=True)
    shares = fields.List(fields.Nested(RewardShareView))
    history = fields.List(fields.Nested(RewardStepView))
    available_actions = fields.List(fields.String())


class BalanceView(Schema):
    """One year of the ledger."""

    year = fields.Integer()
    budget = fields.Decimal(as_string=True, allow_none=True)
    paid = fields.Decimal(as_string=True)
    promised = fields.Decimal(as_string=True)
    left = fields.Decimal(as_string=True, allow_none=True)


class YearQuery(Schema):
    """A year of the ledger; this one where none is named."""

    year = fields.Integer(load_default=None, validate=validate.Range(2000, 2100, error="年份应在 2000 至 2100 之间"))


class SetBudgetBody(Schema):
    """The budget of one year."""

    year = fields.Integer(
        required=True, strict=True, validate=validate.Range(2000, 2100, error="年份应在 2000 至 2100 之间")
    )
    yuan = Yuan(required=True)
    reason = RequiredText(500)


class TierBody(Schema):
    """One step of the scale."""

    code = fields.String(
        required=True, validate=validate.Regexp(r"[a-z0-9_]{1,40}\Z", error="应为小写字母、数字和下划线")
    )
    text = RequiredText(200)
    from_yuan = Yuan(required=True)
    least_yuan = Yuan(required=True)
    most_yuan = Yuan(required=True)
    per_ten_thousand = fields.Decimal(load_default=None, allow_none=True, places=None, allow_nan=False)


class SetRulesBody(Schema):
    """The rules from one day on."""

    valid_from = fields.Date(required=True)
    source = RequiredText(300)
    provisional = JsonBoolean(load_default=False)
    tiers = fields.List(fields.Nested(TierBody), required=True, validate=validate.Length(1, 20))
    decide_days = fields.Integer(
        required=True, strict=True, validate=validate.Range(1, 250, error="应在 1 至 250 之间")
    )
    collect_months = fields.Integer(
        required=True, strict=True, validate=validate.Range(1, 60, error="应在 1 至 60 之间")
    )
    longest_months = fields.Integer(
        required=True, strict=True, validate=validate.Range(1, 120, error="应在 1 至 120 之间")
    )
    anonymous_may_claim = JsonBoolean(required=True)


class RulesView(Schema):
    """The rules that hold today."""

    source = fields.String()
    provisional = fields.Boolean()
    tiers = fields.List(fields.Nested(TierBody))
    decide_days = fields.Integer()
    collect_months = fields.Integer()
    longest_months = fields.Integer()
    anonymous_may_claim = fields.Boolean()
