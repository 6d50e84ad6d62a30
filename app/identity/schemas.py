"""What the sign-in end points take and answer."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.foundation.permissions import Role
from app.foundation.text_fields import RequiredText
from app.identity.models import UNIT_KINDS


class OpenReporterSessionBody(Schema):
    """The code of ``wx.login``."""

    code = fields.String(required=True, validate=validate.Length(1, 128))


class PhoneCodeBody(Schema):
    """The code of the mini-program's phone-number button; good once, for five minutes."""

    code = fields.String(required=True, validate=validate.Length(1, 200))


class PhoneView(Schema):
    """The number that the person chose to share; it is not kept."""

    phone = fields.String(attribute="number")
    country_code = fields.String()


class TokenView(Schema):
    """A bearer token and the moment it expires."""

    token = fields.String()
    expires_at = fields.AwareDateTime(format="iso")


class OpenOfficerSessionBody(Schema):
    """Credentials of an officer; ``otp`` where a second factor is set up."""

    username = fields.String(required=True, validate=validate.Length(1, 64))
    password = fields.String(required=True, validate=validate.Length(1, 128))
    otp = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=16))


ACCOUNT_STATES: Final = {"in_office": "在岗", "no_role": "没有岗位", "disabled": "已停用"}


def _reason() -> RequiredText:
    return RequiredText(500)


def _display_name() -> RequiredText:
    return RequiredText(50)


class ListAccountsQuery(Schema):
    """Filters of the list of accounts as they stand in the address."""

    q = fields.String(load_default=None, validate=validate.Length(max=64))
    unit = fields.Integer(load_default=None, validate=validate.Range(1, 2**31 - 1, error="没有这个单位"))
    role = fields.String(load_default=None, validate=validate.OneOf(list(Role), error="没有这个岗位"))
    state = fields.String(load_default=None, validate=validate.OneOf(list(ACCOUNT_STATES), error="未知的状态"))
    cursor = fields.String(load_default=None, validate=validate.Length(max=64))


class OpenAccountBody(Schema):
    """A new account; its role comes from the security administrator."""

    username = fields.String(required=True, validate=validate.Length(1, 64))
    display_name = _display_name()
    division = fields.String(required=True, validate=validate.Length(1, 12))


class ChangeAccountBody(Schema):
    """Name and unit of an account, and why they change."""

    display_name = _display_name()
    division = fields.String(required=True, validate=validate.Length(1, 12))
    reason = _reason()


class GiveReasonBody(Schema):
    """Why something is done."""

    reason = _reason()


class GrantRoleBody(Schema):
    """A role from a day to a day; without ``ends_on`` until further notice."""

    role = fields.Enum(Role, by_value=True, required=True)
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(load_default=None, allow_none=True)
    reason = _reason()


class AddUnitBody(Schema):
    """A new unit; without ``parent`` it lies below the unit of the nearest division above."""

    kind = fields.String(required=True, validate=validate.OneOf(UNIT_KINDS, error="请选择单位类别"))
    division = fields.String(
        required=True, validate=validate.Regexp(r"[0-9]{6}([0-9]{3})?\Z", error="应为六位或者九位区划代码")
    )
    name = RequiredText(100)
    parent = fields.String(load_default=None, validate=validate.Length(max=12))
    phone = fields.String(
        load_default="", validate=validate.Regexp(r"[0-9+\-、转 ()（）]{0,60}\Z", error="请填写电话号码")
    )
    email = fields.String(load_default="", validate=validate.Length(max=254))


class ChangeUnitBody(AddUnitBody):
    """What a unit is called, where it stands and how it is reached; and why it changes."""

    class Meta:
        """What a unit is stays."""

        exclude = ("kind",)

    reason = _reason()


class SecondStepBody(Schema):
    """The code of the second step, or a recovery code."""

    otp = fields.String(required=True, validate=validate.Length(1, 32, error="请填写动态码或者恢复码"))


class ChangePasswordBody(Schema):
    """A new password, and the present one as a proof."""

    present = fields.String(required=True, validate=validate.Length(1, 128))
    password = fields.String(required=True, validate=validate.Length(1, 128))
    repeated = fields.String(required=True, validate=validate.Length(1, 128))

    @validates_schema
    def _check_repeated(self, data: dict[str, Any], **_: Any) -> None:
        if data["password"] != data["repeated"]:
            raise ValidationError("两次输入的新密码不一致", "repeated")


_SIX_DIGITS = validate.Regexp(r"\s*[0-9]{3} ?[0-9]{3}\s*$", error="请填写 6 位动态码")


class EnrolSecondFactorBody(Schema):
    """The offer as it was shown, and the first code of the device; a code of the device before, where there is one."""

    offer = fields.String(required=True, validate=validate.Length(1, 1000))
    code = fields.String(required=True, validate=_SIX_DIGITS)
    present_code = fields.String(load_default="", validate=validate.Length(max=32))


class SetNetworksBody(Schema):
    """From which networks a role may be used, from a moment on (Beijing time where no offset is given)."""

    role = fields.Enum(Role, by_value=True, required=True, error_messages={"unknown": "请选择岗位"})
    networks = fields.String(load_default="", validate=validate.Length(max=5000))
    starts_at = fields.NaiveDateTime(load_default=None, allow_none=True)
    reason = _reason()
    even_without_me = fields.Boolean(load_default=False)


class DelegateBody(Schema):
    """Who acts for whom, from a day to a day; without ``from`` the own role."""

    from_username = fields.String(data_key="from", load_default=None, allow_none=True, validate=validate.Length(1, 64))
    to_username = fields.String(data_key="to", required=True, validate=validate.Length(1, 64))
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True)
    reason = _reason()


class DelegationView(Schema):
    """One delegation."""

    id = fields.UUID()
    from_account_id = fields.UUID()
    to_account_id = fields.UUID()
    role = fields.String()
    starts_on = fields.Date()
    ends_on = fields.Date()
    reason = fields.String()
    ended_at = fields.AwareDateTime(format="iso", allow_none=True)


class DelegationList(Schema):
    """Delegations that hold now or will."""

    items = fields.List(fields.Nested(DelegationView))


class ActorView(Schema):
    """Who signed in."""

    role = fields.String(attribute="role.value")
    unit = fields.String(attribute="unit_name")
    division = fields.String(attribute="division_code")
    name = fields.String()


class OfficerTokenView(TokenView):
    """A bearer token with its officer."""

    actor = fields.Nested(ActorView)
