"""What intake takes and answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.foundation import clock
from app.foundation.json_fields import JsonBoolean
from app.foundation.text_fields import PlainText
from app.geo.divisions import divisions
from app.identity.contacts import LONGEST_ADDRESS, is_address

CONDUCT_TYPES: Final = {
    "property": "房产返本、售后包租",
    "forestry": "林权转让代管",
    "farming": "种植养殖、租种代养",
    "goods_buyback": "商品回购、寄存代售",
    "fake_securities": "虚假股权、债券",
    "fake_fund": "虚假基金",
    "fake_insurance": "假冒保险",
    "online_lending": "网络借贷、投资入股、虚拟币",
    "entrusted_wealth": "委托理财、融资租赁",
    "elderly_care": "养老服务、养老项目、老年产品",
    "mutual_aid": "民间会、社",
    "other": "其他",
    "unknown": "不清楚",
}
"""The conduct forms of 法释〔2022〕5号 Article 2, and “不清楚”."""

PUBLICITY: Final = {
    "shop": "线下门店",
    "seminar": "宣讲会",
    "leaflet": "传单",
    "sms": "短信",
    "wechat_group": "微信群",
    "live_stream": "直播",
    "advertisement": "广告",
    "acquaintance": "熟人介绍",
    "website_app": "网站、应用程序",
    "other": "其他",
}
RELATIONS: Final = {
    "participant": "集资参与人",
    "employee": "员工",
    "relative": "亲友",
    "insider": "知情人",
    "other": "其他",
}
SUBJECT_KINDS: Final = {"organization": "单位", "individual": "个人", "unknown": "不清楚"}
REPLY_CHANNELS: Final = {"wechat": "微信", "sms": "短信", "email": "电子邮件", "phone": "电话", "none": "不需要"}
AMOUNT_BANDS: Final = {
    "lt_500k": "50万元以下",
    "500k_1m": "50万—100万元",
    "1m_5m": "100万—500万元",
    "5m_50m": "500万—5000万元",
    "ge_50m": "5000万元以上",
    "unknown": "不清楚",
}
PARTICIPANTS_BANDS: Final = {
    "lt_30": "30人以下",
    "30_150": "30—150人",
    "150_500": "150—500人",
    "500_5000": "500—5000人",
    "ge_5000": "5000人以上",
    "unknown": "不清楚",
}
"""The bands end where 法释〔2022〕5号 Articles 3 to 5 draw their lines."""
BAND_FLOORS: Final = {
    "500k_1m": 500_000,
    "1m_5m": 1_000_000,
    "5m_50m": 5_000_000,
    "ge_50m": 50_000_000,
    "30_150": 30,
    "150_500": 150,
    "500_5000": 500,
    "ge_5000": 5000,
}
"""What a band says at least, where no figure is given: the priority counts from it."""


def band_of(bands: Mapping[str, str], figure: Decimal | int | None) -> str | None:
    """Which of these bands a figure lies in; none without a figure."""
    if figure is None:
        return None
    return [band for band in bands if band != "unknown" and BAND_FLOORS.get(band, 0) <= figure][-1]


HIGHEST_YUAN: Final = 10**13
MOST_PARTICIPANTS: Final = 10**8
MOST_EVIDENCE: Final = 20
EARLIEST: Final = date(1980, 1, 1)
_PHONE: Final = re.compile(r"\+?[0-9][0-9 \-]{5,19}")


class Yuan(fields.Decimal):
    """Money in yuan, to the fen, neither negative nor beyond belief; sent as a string or a number."""

    def __init__(self, **more: Any) -> None:
        super().__init__(
            places=None,
            allow_nan=False,
            metadata={"type": "string", "description": "以元为单位，最多两位小数，0 至 10 万亿元"},
            error_messages={"invalid": "应为以元为单位的金额", "special": "应为以元为单位的金额"},
            **more,
        )

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any) -> Any:
        if isinstance(value, bool) or (isinstance(value, str) and len(value) > 40):  # noqa: PLR2004  # no honest figure is longer
            raise ValidationError("应为以元为单位的金额")
        amount = super()._deserialize(value, attr, data, **more)
        if amount is not None and not 0 <= amount <= HIGHEST_YUAN:
            raise ValidationError("金额应在 0 至 10 万亿元之间")
        if amount is not None and amount != round(amount, 2):  # the fen is the smallest unit
            raise ValidationError("金额最多精确到分")
        return amount


def one_of(choices: Mapping[str, str]) -> validate.OneOf:
    """A choice among codes."""
    return validate.OneOf(list(choices), error="不在可选范围内")


def degrees(name: str, most: int) -> validate.Range:
    """A coordinate within the globe."""
    return validate.Range(-most, most, error=f"{name}应在 -{most} 至 {most} 之间")


def current_division(code: str) -> None:
    """Refuse a code that is no current division."""
    if not divisions().is_current(code):
        raise ValidationError("不是现行行政区划代码")


class SubjectBody(Schema):
    """The accused party."""

    kind = fields.String(required=True, validate=one_of(SUBJECT_KINDS))
    name = PlainText(200, load_default=None, allow_none=True)
    uscc = PlainText(40, load_default=None, allow_none=True)
    registered_address = PlainText(300, load_default=None, allow_none=True)
    operating_address = PlainText(300, load_default=None, allow_none=True)
    contact = PlainText(200, load_default=None, allow_none=True)
    online_presence = fields.List(PlainText(300), load_default=list, validate=validate.Length(max=10))


class ConductBody(Schema):
    """What they do."""

    type = fields.String(load_default=None, allow_none=True, validate=one_of(CONDUCT_TYPES))
    description = PlainText(5000, load_default=None, allow_none=True)
    promised_return = PlainText(500, load_default=None, allow_none=True)
    publicity = fields.List(
        fields.String(validate=one_of(PUBLICITY)), load_default=list, validate=validate.Length(max=len(PUBLICITY))
    )
    started_on = fields.Date(load_default=None, allow_none=True)
    ongoing = JsonBoolean(load_default=None, allow_none=True)
    amount_yuan = Yuan(load_default=None, allow_none=True)
    participants = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=validate.Range(0, MOST_PARTICIPANTS, error="人数应在 0 至 1 亿之间"),
    )
    loss_yuan = Yuan(load_default=None, allow_none=True)
    amount_band = fields.String(load_default=None, allow_none=True, validate=one_of(AMOUNT_BANDS))
    participants_band = fields.String(load_default=None, allow_none=True, validate=one_of(PARTICIPANTS_BANDS))

    @validates_schema
    def _possible_dates(self, data: dict[str, Any], **_: Any) -> None:
        started = data.get("started_on")
        if started is not None and not EARLIEST <= started <= clock.today():
            raise ValidationError("应在 1980 年以后且不晚于今天", "started_on")


class PlaceBody(Schema):
    """A point of the reporter's map; the datum says which shift applies."""

    longitude = fields.Float(required=True, allow_nan=False, validate=degrees("经度", 180))
    latitude = fields.Float(required=True, allow_nan=False, validate=degrees("纬度", 90))
    datum = fields.String(required=True, validate=validate.OneOf(["gcj02", "wgs84"], error="应为 gcj02 或 wgs84"))


class ReporterBody(Schema):
    """Who reports; the identity number only when a reward is wanted."""

    name = PlainText(100, required=True)
    phone = PlainText(20, required=True)
    email = PlainText(LONGEST_ADDRESS, load_default=None, allow_none=True)
    id_number = PlainText(20, load_default=None, allow_none=True)
    wants_reward = JsonBoolean(load_default=False)
    reply_channel = fields.String(load_default=None, allow_none=True, validate=one_of(REPLY_CHANNELS))

    @validates_schema
    def _reachable(self, data: dict[str, Any], **_: Any) -> None:
        faults: dict[str, list[str]] = {}
        if not data.get("name"):
            faults["name"] = ["实名举报须填写姓名；也可以选择匿名举报"]
        if not _PHONE.fullmatch(data.get("phone") or ""):
            faults["phone"] = ["请填写可以联系到您的电话号码"]
        email = data.get("email")
        if (email and not is_address(email)) or (data.get("reply_channel") == "email" and not email):
            faults["email"] = ["请填写完整的电子邮箱地址"]
        if faults:
            raise ValidationError(faults)


class SubmitTipBody(Schema):
    """One tip. ``reporter: null`` is an anonymous one."""

    client_request_id = fields.UUID(load_default=None, allow_none=True)
    subject = fields.Nested(SubjectBody, required=True)
    conduct = fields.Nested(ConductBody, load_default=lambda: ConductBody().load({}))
    place = fields.Nested(PlaceBody, load_default=None, allow_none=True)
    district_guess = fields.String(load_default=None, allow_none=True, validate=current_division)
    relation = fields.String(load_default=None, allow_none=True, validate=one_of(RELATIONS))
    reporter = fields.Nested(ReporterBody, load_default=None, allow_none=True)
    evidence = fields.List(fields.UUID(), load_default=list, validate=validate.Length(max=MOST_EVIDENCE))

    @validates_schema
    def _says_something(self, data: dict[str, Any], **_: Any) -> None:
        subject, conduct = data["subject"], data["conduct"]
        if not (subject["name"] or any(subject["online_presence"]) or conduct["description"]):
            raise ValidationError("请至少填写被举报对象名称、网络账号或情况说明中的一项", "subject.name")


class TipReceiptView(Schema):
    """What the reporter keeps."""

    receipt_number = fields.String()
    query_code = fields.String(allow_none=True)
    claim_code = fields.String(
        allow_none=True,
        metadata={"description": "领奖码：匿名举报查实后凭受理编号、查询码和领奖码申请奖励；只出示一次"},
    )
    registered_at = fields.AwareDateTime(format="iso")
    status = fields.String()
    jurisdiction_hint = fields.Dict(allow_none=True)


class QueryTipBody(Schema):
    """Receipt number and query code, as typed."""

    receipt_number = fields.String(required=True, validate=validate.Length(1, 40))
    query_code = fields.String(required=True, validate=validate.Length(1, 60))


class StepView(Schema):
    """One step in plain words."""

    at = fields.AwareDateTime(format="iso")
    status = fields.String()
    text = fields.String()


class MessageView(Schema):
    """One message; the office is always the handling unit, never a person."""

    at = fields.AwareDateTime(format="iso")
    sender = fields.String(data_key="from", metadata={"enum": ["office", "reporter"]})
    sender_text = fields.String()
    kind = fields.String(metadata={"enum": ["message", "supplement_request", "supplement"]})
    text = fields.String()
    files = fields.Integer()
    due_on = fields.Date(allow_none=True)


class RewardProgressView(Schema):
    """Where the reporter's own reward stands; ``none`` with ``can_claim`` where one can be asked for."""

    status = fields.String()
    status_text = fields.String()
    yuan = fields.Decimal(as_string=True, allow_none=True)
    collect_by = fields.Date(allow_none=True)
    can_claim = fields.Boolean()


class RecheckProgressView(Schema):
    """Where the re-check that a low rating asked for stands."""

    requested_at = fields.AwareDateTime(format="iso")
    closed_at = fields.AwareDateTime(format="iso", allow_none=True)
    text = fields.String()


class TipProgressView(Schema):
    """Where the tip stands; the reply never repeats the tip."""

    status = fields.String()
    status_text = fields.String()
    steps = fields.List(fields.Nested(StepView))
    messages = fields.List(fields.Nested(MessageView))
    can_supplement = fields.Boolean()
    can_message = fields.Boolean()
    can_rate = fields.Boolean()
    recheck = fields.Nested(RecheckProgressView, allow_none=True)
    withdrawn = fields.Boolean()
    reply = fields.String(allow_none=True)
    reward = fields.Nested(RewardProgressView, allow_none=True)


class PreviewJurisdictionBody(Schema):
    """What the form knows so far of the accused party."""

    subject_kind = fields.String(load_default="unknown", validate=one_of(SUBJECT_KINDS))
    name = PlainText(200, load_default=None, allow_none=True)
    uscc = PlainText(40, load_default=None, allow_none=True)
    registered_address = PlainText(300, load_default=None, allow_none=True)
    operating_address = PlainText(300, load_default=None, allow_none=True)
    place = fields.Nested(PlaceBody, load_default=None, allow_none=True)


class ListDivisionsQuery(Schema):
    """The parent whose children are wanted; without it the provinces."""

    parent = fields.String(load_default=None, validate=current_division)


class DivisionView(Schema):
    """One division for a picker."""

    code = fields.String()
    name = fields.String()
    level = fields.Integer()


class DivisionListView(Schema):
    """Children of a division."""

    items = fields.List(fields.Nested(DivisionView))


class ListOwnTipsQuery(Schema):
    """A page of the reporter's own real-name tips."""

    cursor = fields.String(load_default=None, validate=validate.Length(max=200))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100, error="每页 1 至 100 条"))


class OwnTipView(Schema):
    """One line of the reporter's own list."""

    receipt_number = fields.String()
    registered_at = fields.AwareDateTime(format="iso")
    status = fields.String()
    status_text = fields.String()
    subject_name = fields.String(allow_none=True)


class OwnTipPage(Schema):
    """One page."""

    items = fields.List(fields.Nested(OwnTipView))
    next_cursor = fields.String(allow_none=True)
