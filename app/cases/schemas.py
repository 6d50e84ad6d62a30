"""What the office API takes and answers about cases. Field names after 案件基本信息登记表 (domain.md §4.2, §4.4)."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.cases import words
from app.cases.cell_values import FIRST_DAY, LAST_DAY, UNBELIEVABLE
from app.cases.states import STAGES, AdminStage, CaseAction, JudicialStage, RestitutionStage, Track
from app.foundation.json_fields import JsonBoolean
from app.foundation.text_fields import PlainText, RequiredText
from app.geo.schemas import DIVISION_CODE
from app.tips.schemas import Yuan, current_division

UNKNOWN: Final = "不在可选范围内"
LONGEST_REASON: Final = 2000
_NUMBER, _NAME = 60, 200
BELIEVABLE_DAY: Final = validate.Range(FIRST_DAY, LAST_DAY, error=UNBELIEVABLE)

METHODS: Final = tuple(words.METHOD_TEXTS)
BUSINESS_CATEGORIES: Final = tuple(words.CATEGORY_TEXTS)
FOUND_THROUGH: Final = tuple(words.FOUND_TEXTS)
LEVELS: Final = tuple(words.LEVEL_TEXTS)
STABILITY_LEVELS: Final = tuple(words.STABILITY_TEXTS)


def _choice(choices: tuple[str, ...]) -> fields.String:
    return fields.String(allow_none=True, validate=validate.OneOf(choices, error=UNKNOWN))


def _words(longest: int = 200) -> PlainText:
    return PlainText(longest, allow_none=True)


def first_day(day: date) -> None:
    """Refuse a day that does not stand for a month."""
    if day.day != 1:
        raise ValidationError("应为该月第一天")


class EntryBody(Schema):
    """An entry that the program cannot know again when it is sent twice."""

    expected_version = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        metadata={
            "description": "填报时所见的案件版本（台账的 version）。未收到应答而重发的，凭它拒绝重复登记"
            "（409 stale_version）；不填则不作检查"
        },
    )


class PartyBody(Schema):
    """One accused unit or person."""

    kind = fields.String(required=True, validate=validate.OneOf(("organization", "individual"), error=UNKNOWN))
    role = fields.String(required=True, validate=validate.OneOf(("fundraiser", "assistant"), error=UNKNOWN))
    name = RequiredText(200)
    uscc = fields.String(load_default=None, allow_none=True, validate=validate.Length(15, 18))


class CaseFacts(Schema):
    """What is known of a case; every field may come later. The ratio of restitution is computed and not among them."""

    parties = fields.List(fields.Nested(PartyBody), validate=validate.Length(max=200))
    industry = fields.String(
        allow_none=True,
        validate=validate.Regexp(r"[A-T]([0-9]{2,4})?\Z", error="应为 GB/T 4754 门类字母或门类加二至四位代码"),
    )
    method = _choice(METHODS)
    business_category = _choice(BUSINESS_CATEGORIES)
    category_detail = _words()
    found_through = _choice(FOUND_THROUGH)
    level = _choice(LEVELS)
    registered_place = _words()
    occurrence_place = _words()
    cross_province = JsonBoolean()
    lead_place = fields.String(allow_none=True, validate=current_division)
    cooperating_places = fields.List(fields.String(validate=current_division), validate=validate.Length(max=50))
    sector_regulator = _words()
    responsible_person = _words(100)
    responsible_phone = _words(40)
    police_unit = _words()
    police_case_no = _words(100)
    procuratorate = _words()
    procuratorate_case_no = _words(100)
    court = _words()
    court_case_no = _words(100)
    occurred_on = fields.Date(allow_none=True, validate=BELIEVABLE_DAY)
    involved_yuan = Yuan(allow_none=True)
    outstanding_yuan = Yuan(allow_none=True)
    controlled_yuan = Yuan(allow_none=True)
    realised_yuan = Yuan(allow_none=True)
    returned_yuan = Yuan(allow_none=True)
    participants = fields.Integer(allow_none=True, strict=True, validate=validate.Range(0, 10**8))
    stability_level = _choice(STABILITY_LEVELS)
    legacy = JsonBoolean()
    target_on = fields.Date(allow_none=True, validate=BELIEVABLE_DAY)


class StagesBody(Schema):
    """Where the tracks of an old case stand when the city enters it."""

    admin_stage = fields.String(validate=validate.OneOf(list(AdminStage), error=UNKNOWN))
    judicial_stage = fields.String(validate=validate.OneOf(list(JudicialStage), error=UNKNOWN))
    restitution_stage = fields.String(
        # A closed restitution is decided on, never typed in.
        validate=validate.OneOf(
            [stage for stage in RestitutionStage if stage is not RestitutionStage.IMPOSSIBLE], error=UNKNOWN
        )
    )


class RegisterCaseBody(Schema):
    """A new case: number and name, what is known, and for the city which district answers for it."""

    case_no = RequiredText(_NUMBER)
    name = RequiredText(_NAME)
    division = fields.String(load_default=None, allow_none=True, validate=DIVISION_CODE)
    stages = fields.Nested(StagesBody, load_default=dict)
    facts = fields.Nested(CaseFacts, load_default=dict)


class ChangeCaseBody(Schema):
    """Facts to correct or complete; number and name where they are given."""

    expected_version = fields.Integer(required=True, strict=True)
    case_no = RequiredText(_NUMBER, required=False)
    name = RequiredText(_NAME, required=False)
    facts = fields.Nested(CaseFacts, load_default=dict)

    @validates_schema
    def _something(self, data: dict[str, Any], **_more: Any) -> None:
        if not (data["facts"] or "case_no" in data or "name" in data):
            raise ValidationError("没有要修改的内容", "facts")


class ActOnCaseBody(Schema):
    """One step; which fields it needs is written in the table."""

    action = fields.String(required=True, validate=validate.OneOf(list(CaseAction), error="未知的操作"))
    expected_version = fields.Integer(required=True, strict=True)
    reason = PlainText(LONGEST_REASON, load_default=None, allow_none=True)
    track = fields.String(load_default=None, validate=validate.OneOf(list(Track), error=UNKNOWN))
    stage = fields.String(load_default=None)
    on = fields.Date(load_default=None, validate=BELIEVABLE_DAY)

    @validates_schema
    def _stage_of_the_track(self, data: dict[str, Any], **_more: Any) -> None:
        if data["track"] and data["stage"] and data["stage"] not in set(STAGES[Track(data["track"])]):
            raise ValidationError(UNKNOWN, "stage")


class LinkTipBody(Schema):
    """A tip that belongs to the case."""

    tip_id = fields.UUID(required=True)
    expected_version = fields.Integer(required=True, strict=True)


class MeasureBody(Schema):
    """One measure of a plan: what, by whom, until when; ``done_on`` is carried over into the next version."""

    text = RequiredText(LONGEST_REASON)
    owner = RequiredText(100)
    unit = RequiredText(100)
    due_on = fields.Date(required=True, validate=BELIEVABLE_DAY)
    done_on = fields.Date(load_default=None, allow_none=True, validate=BELIEVABLE_DAY)


class WritePlanBody(Schema):
    """A new version of the plan and why there is one."""

    goal = RequiredText(LONGEST_REASON)
    measures = fields.List(fields.Nested(MeasureBody), required=True, validate=validate.Length(1, 100))
    reason = RequiredText(LONGEST_REASON)


class DecidePlanBody(Schema):
    """The leader's decision on the version that was read."""

    number = fields.Integer(required=True, strict=True, validate=validate.Range(1, 10**6))
    approved = JsonBoolean(required=True)
    reason = PlainText(LONGEST_REASON, load_default=None, allow_none=True)


class FinishMeasureBody(Schema):
    """A measure of the plan in force, by the version and its place in it, and the day on which it was done."""

    number = fields.Integer(required=True, strict=True, validate=validate.Range(1, 10**6))
    position = fields.Integer(required=True, strict=True, validate=validate.Range(0, 99))
    done_on = fields.Date(required=True, validate=BELIEVABLE_DAY)
    reason = PlainText(LONGEST_REASON, load_default=None, allow_none=True)


class ReportProgressBody(Schema):
    """案情最新情况 of one month; ``month`` is its first day, the present month where none is given."""

    month = fields.Date(load_default=None, allow_none=True, validate=[first_day, BELIEVABLE_DAY])
    situation = RequiredText(LONGEST_REASON)
    people = _words(2000)
    proceedings = _words(2000)
    recovered_yuan = Yuan(allow_none=True)
    returned_yuan = Yuan(allow_none=True)
    petitions = _words(2000)
    problems = _words(2000)
    movement = RequiredText(LONGEST_REASON)


class CaseLineView(Schema):
    """One case in the register."""

    id = fields.UUID()
    case_no = fields.String()
    name = fields.String()
    status = fields.String()
    version = fields.Integer()
    admin_stage = fields.String()
    judicial_stage = fields.String()
    restitution_stage = fields.String()
    division = fields.String(attribute="division_code")
    unit = fields.String()
    registered_at = fields.AwareDateTime(format="iso")
    business_category = fields.String(allow_none=True)
    involved_yuan = fields.Decimal(as_string=True, allow_none=True)
    outstanding_yuan = fields.Decimal(as_string=True, allow_none=True)
    returned_yuan = fields.Decimal(as_string=True, allow_none=True)
    returned_ratio = fields.Decimal(as_string=True, allow_none=True)
    participants = fields.Integer(allow_none=True)
    cross_province = fields.Boolean()
    legacy = fields.Boolean()


class CasePage(Schema):
    """One page of the register."""

    items = fields.List(fields.Nested(CaseLineView))
    next_cursor = fields.String(allow_none=True)
    total_estimate = fields.Integer()


class CaseStepView(Schema):
    """One step of a case's history."""

    at = fields.AwareDateTime(format="iso")
    by = fields.String(attribute="actor_name")
    role = fields.String(attribute="actor_role")
    action = fields.String()
    from_status = fields.String(allow_none=True)
    to_status = fields.String()
    track = fields.String(allow_none=True)
    from_stage = fields.String(allow_none=True)
    to_stage = fields.String(allow_none=True)
    reason = fields.String()
    details = fields.Dict()


class StageProposalView(Schema):
    """A change of a stage that waits for a decision."""

    track = fields.String()
    from_stage = fields.String()
    to_stage = fields.String()
    on = fields.Date(attribute="reached_on")
    reason = fields.String()
    proposed_at = fields.AwareDateTime(format="iso")


class PlanView(Schema):
    """One version of the plan; ``approved`` is empty while it waits for the leader."""

    number = fields.Integer()
    goal = fields.String()
    measures = fields.List(fields.Dict())
    reason = fields.String()
    written_by = fields.String(attribute="written_by_name")
    written_at = fields.AwareDateTime(format="iso")
    approved = fields.Boolean(allow_none=True)
    decision = fields.String()
    decided_at = fields.AwareDateTime(format="iso", allow_none=True)


class ProgressView(Schema):
    """One entry of progress."""

    month = fields.Date()
    situation = fields.String()
    people = fields.String(allow_none=True)
    proceedings = fields.String(allow_none=True)
    recovered_yuan = fields.Decimal(as_string=True, allow_none=True)
    returned_yuan = fields.Decimal(as_string=True, allow_none=True)
    petitions = fields.String(allow_none=True)
    problems = fields.String(allow_none=True)
    movement = fields.String()
    written_by = fields.String(attribute="written_by_name")
    written_at = fields.AwareDateTime(format="iso")


class LinkedTipView(Schema):
    """A tip of the case: its number and nothing of who reported."""

    id = fields.UUID()
    receipt_number = fields.String()
    registered_at = fields.AwareDateTime(format="iso")


class CaseView(CaseLineView):
    """One case with everything and what this person can do now."""

    facts = fields.Nested(CaseFacts)
    stage_dates = fields.Dict()
    jurisdiction = fields.Dict()
    closed_at = fields.AwareDateTime(format="iso", allow_none=True)
    proposals = fields.List(fields.Nested(StageProposalView))
    plans = fields.List(fields.Nested(PlanView))
    progress = fields.List(fields.Nested(ProgressView))
    tips = fields.List(fields.Nested(LinkedTipView))
    history = fields.List(fields.Nested(CaseStepView))
    missing_for_closing = fields.List(fields.String())
    available_actions = fields.List(fields.String())
