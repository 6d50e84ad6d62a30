"""What the office API takes and answers about reassignments."""

from __future__ import annotations

from typing import Final

from marshmallow import Schema, fields, validate

from app.foundation.text_fields import PlainText, RequiredText
from app.geo.schemas import DIVISION_CODE
from app.workflow.states import Ground, PoliceAction, ReassignmentAction, ReassignmentStatus

_LONGEST: Final = 2000


class ApplyReassignmentBody(Schema):
    """A request to move a tip; evidence is obligatory."""

    to_division = fields.String(required=True, validate=DIVISION_CODE)
    ground = fields.String(required=True, validate=validate.OneOf(list(Ground), error="未知的调整事由"))
    reason = RequiredText(_LONGEST)
    evidence = fields.List(
        fields.UUID(),
        required=True,
        validate=validate.Length(1, 20, error="申请属地调整须附 1 至 20 份佐证材料"),
    )
    expected_version = fields.Integer(required=True, strict=True)


class ActOnReassignmentBody(Schema):
    """One step on a request."""

    action = fields.String(
        required=True,
        validate=validate.OneOf(
            [action for action in ReassignmentAction if action is not ReassignmentAction.APPLY], error="未知的操作"
        ),
    )
    expected_version = fields.Integer(required=True, strict=True)
    reason = PlainText(_LONGEST, load_default=None, allow_none=True)
    evidence = fields.List(fields.UUID(), load_default=list, validate=validate.Length(max=20))


class ListReassignmentsQuery(Schema):
    """Filters of the reassignment desk."""

    status = fields.String(load_default=None, validate=validate.OneOf(list(ReassignmentStatus), error="未知的状态"))
    cursor = fields.String(load_default=None, validate=validate.Length(max=200))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100, error="每页 1 至 100 条"))


class ReassignmentLineView(Schema):
    """One request in a list."""

    id = fields.UUID()
    tip_id = fields.UUID()
    status = fields.String()
    version = fields.Integer()
    from_division = fields.String(allow_none=True)
    from_unit = fields.String()
    to_division = fields.String()
    to_unit = fields.String()
    transfer_to = fields.String(allow_none=True)
    again = fields.Boolean()
    ground = fields.String()
    reason = fields.String()
    applied_at = fields.AwareDateTime(format="iso")
    due_at = fields.AwareDateTime(format="iso", allow_none=True)


class ReassignmentPage(Schema):
    """One page of requests."""

    items = fields.List(fields.Nested(ReassignmentLineView))
    next_cursor = fields.String(allow_none=True)


class ReassignmentStepView(Schema):
    """One step of a request's history."""

    at = fields.AwareDateTime(format="iso")
    by = fields.String(attribute="actor_name")
    role = fields.String(attribute="actor_role")
    action = fields.String()
    from_status = fields.String(allow_none=True)
    to_status = fields.String()
    reason = fields.String()


class OtherView(Schema):
    """The other district's view; without an answer on the day after ``due_on`` it has none."""

    due_on = fields.Date(allow_none=True)
    agrees = fields.Boolean(allow_none=True)
    text = fields.String(allow_none=True)


class ReassignmentView(ReassignmentLineView):
    """One request with evidence, history and what this person can do now."""

    moves = fields.Integer()
    view = fields.Nested(OtherView)
    evidence = fields.List(fields.UUID())
    history = fields.List(fields.Nested(ReassignmentStepView))
    available_actions = fields.List(fields.String())


class SetLimitBody(Schema):
    """Another value of a figure of the rules, from a day on."""

    name = fields.String(required=True, validate=validate.Length(1, 100))
    value = fields.Integer(required=True)
    valid_from = fields.Date(required=True)


class SetReasonBody(Schema):
    """The wording of a reason from a day on, or its end."""

    code = fields.String(
        required=True, validate=validate.Regexp(r"[A-Z][A-Z0-9_]{1,49}\Z", error="应为大写字母、数字和下划线")
    )
    text = RequiredText(100)
    valid_from = fields.Date(required=True)
    in_use = fields.Boolean(required=True)


class SetWordBody(Schema):
    """The wording of one entry of a list (``kind/code``) from a day on, its place in the order, or its end."""

    entry = fields.String(required=True, validate=validate.Length(1, 150))
    text = RequiredText(200)
    position = fields.Integer(load_default=None, validate=validate.Range(1, 9999, error="应为 1 至 9999"))
    in_use = fields.Boolean(load_default=True)
    valid_from = fields.Date(required=True)


class ExcludeBody(Schema):
    """Who stands aside from what; without ``account`` the person who asks."""

    account = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 64))
    tip_id = fields.UUID(load_default=None, allow_none=True)
    company = PlainText(200, load_default=None, allow_none=True)
    reason = RequiredText(_LONGEST)


class ExclusionView(Schema):
    """One exclusion."""

    id = fields.UUID()
    account_id = fields.UUID()
    tip_id = fields.UUID(allow_none=True)
    company = fields.String(allow_none=True)
    reason = fields.String()
    recorded_at = fields.AwareDateTime(format="iso")
    ended_at = fields.AwareDateTime(format="iso", allow_none=True)


class ProposePoliceTransferBody(Schema):
    """Two officers at least, and why there is a crime."""

    officers = fields.List(RequiredText(100), required=True, validate=validate.Length(1, 10))
    reason = RequiredText(_LONGEST)


class ActOnPoliceTransferBody(Schema):
    """One step; which fields it needs is written in the table."""

    action = fields.String(required=True, validate=validate.OneOf(list(PoliceAction), error="未知的操作"))
    expected_version = fields.Integer(required=True, strict=True)
    reason = PlainText(_LONGEST, load_default=None, allow_none=True)
    documents = fields.Dict(keys=fields.String(), values=fields.UUID(), load_default=dict)
    decided_on = fields.Date(load_default=None, allow_none=True)
    notified_on = fields.Date(load_default=None, allow_none=True)


class PoliceTransferView(Schema):
    """One transfer to the police with its terms and what has come back."""

    id = fields.UUID()
    state = fields.String()
    version = fields.Integer()
    officers = fields.List(fields.String())
    reason = fields.String()
    proposed_at = fields.AwareDateTime(format="iso")
    decide_by = fields.Date()
    decision = fields.String(allow_none=True)
    decided_at = fields.AwareDateTime(format="iso", allow_none=True)
    send_by = fields.AwareDateTime(format="iso", allow_none=True)
    sent_at = fields.AwareDateTime(format="iso", allow_none=True)
    documents = fields.Dict(keys=fields.String(), values=fields.String())
    police_decided_on = fields.Date(allow_none=True)
    police_notified_on = fields.Date(allow_none=True)
    police_reason = fields.String(allow_none=True)
    reconsider_by = fields.Date(allow_none=True)


class PoliceTransferList(Schema):
    """The transfers of a tip, oldest first."""

    items = fields.List(fields.Nested(PoliceTransferView))
