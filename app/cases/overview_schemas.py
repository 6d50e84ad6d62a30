"""What the register and the pages above single cases are asked for, and what the office sets for its cases."""

from __future__ import annotations

from typing import Final

from marshmallow import Schema, fields, validate

from app.cases import words
from app.cases.schemas import (
    BELIEVABLE_DAY,
    BUSINESS_CATEGORIES,
    LEVELS,
    LONGEST_REASON,
    STABILITY_LEVELS,
    UNKNOWN,
    first_day,
)
from app.cases.states import AdminStage, CaseStatus, JudicialStage, RestitutionStage, Track
from app.foundation.json_fields import JsonBoolean
from app.foundation.text_fields import RequiredText
from app.geo.schemas import DIVISION_CODE

_INDUSTRIES: Final = (*words.INDUSTRY_TEXTS, "none")


class ListCasesQuery(Schema):
    """Filters of the register."""

    status = fields.String(load_default=None, validate=validate.OneOf(list(CaseStatus), error=UNKNOWN))
    admin_stage = fields.String(load_default=None, validate=validate.OneOf(list(AdminStage), error=UNKNOWN))
    judicial_stage = fields.String(load_default=None, validate=validate.OneOf(list(JudicialStage), error=UNKNOWN))
    restitution_stage = fields.String(load_default=None, validate=validate.OneOf(list(RestitutionStage), error=UNKNOWN))
    reached = fields.String(load_default=None, validate=validate.OneOf(("filed", "tried"), error=UNKNOWN))
    division = fields.String(load_default=None, validate=DIVISION_CODE)
    category = fields.String(load_default=None, validate=validate.OneOf((*BUSINESS_CATEGORIES, "none"), error=UNKNOWN))
    detail = fields.String(load_default=None, validate=validate.Length(1, 200))
    industry = fields.String(load_default=None, validate=validate.OneOf((*words.INDUSTRY_TEXTS, "none"), error=UNKNOWN))
    level = fields.String(load_default=None, validate=validate.OneOf(LEVELS, error=UNKNOWN))
    stability = fields.String(load_default=None, validate=validate.OneOf(STABILITY_LEVELS, error=UNKNOWN))
    amount = fields.String(load_default=None, validate=validate.OneOf(list(words.AMOUNT_BANDS), error=UNKNOWN))
    legacy = fields.Boolean(load_default=None)
    cross_province = fields.Boolean(load_default=None)
    waiting = fields.Boolean(load_default=None)
    overdue = fields.Boolean(load_default=None)
    target_year = fields.Integer(load_default=None, validate=validate.Range(1990, 2200))
    since = fields.Date(load_default=None, validate=BELIEVABLE_DAY)
    until = fields.Date(load_default=None, validate=BELIEVABLE_DAY)
    under_way = fields.Boolean(load_default=None)
    not_reported_in = fields.Date(load_default=None, validate=[first_day, BELIEVABLE_DAY])
    q = fields.String(load_default=None, validate=validate.Length(1, 100))
    cursor = fields.String(load_default=None, validate=validate.Length(max=200))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100, error="每页 1 至 100 条"))


class OverviewQuery(Schema):
    """What the board and the months are asked for."""

    track = fields.String(load_default=None, validate=validate.OneOf(list(Track), error=UNKNOWN))
    month = fields.Date(load_default=None, validate=[first_day, BELIEVABLE_DAY])
    missing = fields.Boolean(load_default=False)
    division = fields.String(load_default=None, validate=DIVISION_CODE)
    cursor = fields.String(load_default=None, validate=validate.Length(max=200))


class TemplateMeasureBody(Schema):
    """One measure of a template: what, by which unit, within how many days."""

    text = RequiredText(LONGEST_REASON)
    unit = RequiredText(100)
    days = fields.Integer(required=True, strict=True, validate=validate.Range(1, 3650, error="天数应在 1 至 3650 之间"))


class PlanTemplateBody(Schema):
    """What plans of one kind of case begin with from a day on."""

    category = fields.String(required=True, validate=validate.OneOf(("any", *BUSINESS_CATEGORIES), error=UNKNOWN))
    valid_from = fields.Date(required=True, validate=BELIEVABLE_DAY)
    goal = RequiredText(LONGEST_REASON)
    measures = fields.List(fields.Nested(TemplateMeasureBody), required=True, validate=validate.Length(1, 100))
    in_use = JsonBoolean(required=True)


class YearTargetBody(Schema):
    """The share of the legacy cases due in a year that is to be resolved, and what it rests on."""

    year = fields.Integer(required=True, strict=True, validate=validate.Range(1990, 2200, error="年度有误"))
    percent = fields.Integer(required=True, strict=True, validate=validate.Range(0, 100, error="应在 0 至 100 之间"))
    basis = RequiredText(200)
