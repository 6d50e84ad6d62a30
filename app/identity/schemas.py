"""What the sign-in end points take and answer."""

from __future__ import annotations

from marshmallow import Schema, fields, validate


class OpenReporterSessionBody(Schema):
    """The code of ``wx.login``."""

    code = fields.String(required=True, validate=validate.Length(1, 128))


class TokenView(Schema):
    """A bearer token and the moment it expires."""

    token = fields.String()
    expires_at = fields.AwareDateTime(format="iso")


class OpenOfficerSessionBody(Schema):
    """Credentials of an officer; ``otp`` where a second factor is set up."""

    username = fields.String(required=True, validate=validate.Length(1, 64))
    password = fields.String(required=True, validate=validate.Length(1, 128))
    otp = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=16))


class ActorView(Schema):
    """Who signed in."""

    role = fields.String(attribute="role.value")
    unit = fields.String(attribute="unit_name")
    division = fields.String(attribute="division_code")
    name = fields.String()


class OfficerTokenView(TokenView):
    """A bearer token with its officer."""

    actor = fields.Nested(ActorView)
