"""What the office API takes and answers about tips."""

from __future__ import annotations

from datetime import date
from typing import Final

from marshmallow import Schema, fields, validate

from app.foundation.text_fields import PlainText, RequiredText
from app.geo.schemas import DIVISION_CODE
from app.tips.exports import Format
from app.tips.queries import Order, Stage
from app.tips.schemas import CONDUCT_TYPES, MessageView, current_division
from app.workflow.limits import PRIORITIES
from app.workflow.states import PROGRAM_ACTIONS, Action, Status

MATCHES: Final = ("sure", "review", "dispute", "none")
"""What the program first said of a tip's district: clear, to be looked at, disputed, unknown."""
SENSIBLE_DAY: Final = validate.Range(date(2000, 1, 1), date(2100, 12, 31), error="应为 2000 年至 2100 年之间的日期")


class ListTipsQuery(Schema):
    """Filters of the queue."""

    status = fields.String(load_default=None, validate=validate.OneOf(list(Status), error="未知的状态"))
    division = fields.String(load_default=None, validate=DIVISION_CODE)
    stage = fields.String(load_default=None, validate=validate.OneOf(list(Stage), error="未知的办理阶段"))
    q = PlainText(100, load_default=None)
    overdue = fields.Boolean(load_default=None)
    due = fields.Date(load_default=None)
    dispute = fields.Boolean(load_default=None)
    priority = fields.String(load_default=None, validate=validate.OneOf(PRIORITIES, error="应为 P1 至 P4"))
    supervised = fields.Boolean(load_default=None)
    conduct = fields.String(load_default=None, validate=validate.OneOf(list(CONDUCT_TYPES), error="未知的行为类型"))
    channel = fields.String(load_default=None, validate=validate.Length(1, 40))
    cluster = fields.UUID(load_default=None)
    since = fields.Date(load_default=None, validate=SENSIBLE_DAY)
    until = fields.Date(load_default=None, validate=SENSIBLE_DAY)
    prefecture = fields.String(
        load_default=None, validate=validate.Regexp(r"([0-9]{4}00|none)\Z", error="应为地州的六位行政区划代码或者 none")
    )
    matched = fields.String(load_default=None, validate=validate.OneOf(MATCHES, error="未知的研判结果"))
    corrected = fields.Boolean(load_default=None)
    took = fields.String(
        load_default=None,
        validate=validate.Regexp(
            r"(accept|dispatch|conclude)(-[0-9]{1,3})?\Z",
            error="应为 accept、dispatch 或 conclude，可加“-最少工作日数”",
        ),
    )
    on_time = fields.Boolean(load_default=None)
    score = fields.Integer(load_default=None, validate=validate.Range(1, 5, error="应为 1 至 5 分"))
    order = fields.Enum(Order, by_value=True, load_default=Order.NEWEST)
    cursor = fields.String(load_default=None, validate=validate.Length(max=200))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100, error="每页 1 至 100 条"))


class ClusterMarkView(Schema):
    """Other tips about the same subject: how many are in sight with this one, and whether this one was the first."""

    id = fields.UUID()
    count = fields.Integer()
    first = fields.Boolean()


class ExportTipsQuery(ListTipsQuery):
    """The filters of the queue, and the kind of file."""

    class Meta:
        """A file has no pages."""

        exclude = ("cursor", "limit")

    format = fields.Enum(Format, by_value=True, load_default=Format.XLSX)


class TipLineView(Schema):
    """One line of the queue."""

    id = fields.UUID()
    receipt_number = fields.String()
    status = fields.String()
    status_text = fields.String()
    version = fields.Integer()
    division = fields.String(allow_none=True)
    division_name = fields.String()
    subject_name = fields.String(allow_none=True)
    registered_at = fields.AwareDateTime(format="iso")
    due_at = fields.AwareDateTime(format="iso", allow_none=True)
    overdue = fields.Boolean()
    dispute = fields.Boolean()
    needs_review = fields.Boolean()
    cluster = fields.Nested(ClusterMarkView, allow_none=True)


class TipPage(Schema):
    """One page of the queue."""

    items = fields.List(fields.Nested(TipLineView))
    next_cursor = fields.String(allow_none=True)
    total_estimate = fields.Integer()


class SubjectView(Schema):
    """The accused party as named."""

    kind = fields.String()
    name = fields.String(allow_none=True)
    uscc = fields.String(allow_none=True)
    registered_address = fields.String(allow_none=True)
    operating_address = fields.String(allow_none=True)
    contact = fields.String(allow_none=True)
    online_presence = fields.List(fields.String())


class StatementView(Schema):
    """The statement as given."""

    channel = fields.String()
    real_name = fields.Boolean()
    relation = fields.String(allow_none=True)
    conduct_type = fields.String(allow_none=True)
    description = fields.String(allow_none=True)
    promised_return = fields.String(allow_none=True)
    publicity = fields.List(fields.String())
    started_on = fields.Date(allow_none=True)
    ongoing = fields.Boolean(allow_none=True)
    amount_yuan = fields.Decimal(as_string=True, allow_none=True)
    participants = fields.Integer(allow_none=True)
    loss_yuan = fields.Decimal(as_string=True, allow_none=True)
    amount_band = fields.String(allow_none=True)
    participants_band = fields.String(allow_none=True)
    district_guess = fields.String(allow_none=True)


class EvidenceView(Schema):
    """One file of a tip."""

    id = fields.UUID()
    kind = fields.String()
    media_type = fields.String()
    size = fields.Integer()
    sha256 = fields.String()


class HistoryView(Schema):
    """One step of the history."""

    at = fields.AwareDateTime(format="iso")
    by = fields.String(attribute="actor_name")
    role = fields.String(attribute="actor_role")
    action = fields.String()
    from_status = fields.String(allow_none=True)
    to_status = fields.String()
    from_unit_id = fields.Integer(allow_none=True)
    to_unit_id = fields.Integer(allow_none=True)
    reason = fields.String()


class ClockView(Schema):
    """The running limit of the present status, and the overall one."""

    name = fields.String(allow_none=True)
    due_at = fields.AwareDateTime(format="iso", allow_none=True)
    working_days_left = fields.Integer(allow_none=True)
    paused = fields.Boolean()
    overall_due_at = fields.AwareDateTime(format="iso", allow_none=True)


class HandlingMarksView(Schema):
    """How pressing a tip is, how often it changed hands, and what the program did by itself."""

    priority = fields.String()
    urgent = fields.Boolean()
    mark = fields.String(allow_none=True)
    supervision = fields.String(allow_none=True)
    moves = fields.Integer()
    decided_by_city = fields.Boolean()
    dispatched_automatically = fields.Boolean()
    merged_into = fields.UUID(allow_none=True)


class ActionView(Schema):
    """A move that this person can make now."""

    action = fields.String()
    text = fields.String()
    needs = fields.List(fields.String())
    irreversible = fields.Boolean()


class WithdrawalView(Schema):
    """The reporter took the tip back."""

    at = fields.AwareDateTime(format="iso")
    reason = fields.String()


class TipView(TipLineView):
    """One tip whole. Of the reporter it says only whether there is one."""

    statement = fields.Nested(StatementView)
    subject = fields.Nested(SubjectView)
    jurisdiction = fields.Dict()
    evidence = fields.List(fields.Nested(EvidenceView))
    text_flag = fields.String(allow_none=True, metadata={"description": "微信文字安全检测的提示；没有提示为 null"})
    clocks = fields.Nested(ClockView)
    handling = fields.Nested(HandlingMarksView)
    history = fields.List(fields.Nested(HistoryView))
    outcome = fields.String(allow_none=True)
    feedback = fields.String(allow_none=True)
    reply = fields.String(allow_none=True)
    available_actions = fields.List(fields.Nested(ActionView))
    can_apply_reassignment = fields.Boolean()
    can_open_identity = fields.Boolean()
    can_write_to_reporter = fields.Boolean()
    messages = fields.List(fields.Nested(MessageView))
    withdrawal = fields.Nested(WithdrawalView, allow_none=True)
    masked = fields.String(metadata={"description": "只返回办理事实时的原因（自治区观察员）；此时举报内容各字段不出现"})


class ActOnTipBody(Schema):
    """An action with its fields; which are needed is written in the transition table."""

    action = fields.String(
        required=True,
        validate=validate.OneOf(
            [action for action in Action if action not in PROGRAM_ACTIONS],
            error="未知的操作",
        ),
    )
    expected_version = fields.Integer(required=True, strict=True)
    reason = PlainText(2000, load_default=None, allow_none=True)
    division = fields.String(validate=current_division)
    text = PlainText(5000)
    outcome = fields.String()
    agree = fields.Boolean(truthy={True}, falsy={False})
    reason_code = fields.String(validate=validate.Length(max=50))
    route = PlainText(500)
    into = fields.UUID()
    to = fields.String(validate=validate.Length(max=50))
    number = PlainText(100)
    received_on = fields.Date()
    kind = fields.String(validate=validate.Length(max=50))
    clock = fields.String(validate=validate.Length(max=50))
    case_no = PlainText(60)


class OpenIdentityBody(Schema):
    """Why the identity must be opened."""

    reason = RequiredText(500)


class IdentityView(Schema):
    """The opened identity."""

    name = fields.String()
    phone = fields.String()
    email = fields.String(allow_none=True)
    id_number = fields.String(allow_none=True)
    wants_reward = fields.Boolean()
    reply_channel = fields.String(allow_none=True)
