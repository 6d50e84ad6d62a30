"""What the office API takes and answers about spreadsheets that are handed in."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.foundation.json_fields import JsonBoolean


class StartImportBody(Schema):
    """How a sheet is to be taken in; ``columns``: letters of a column → field, or null to leave the column out."""

    columns = fields.Dict(
        keys=fields.String(validate=validate.Regexp(r"[A-Z]{1,3}\Z", error="应为列号，如 C")),
        values=fields.String(allow_none=True, validate=validate.Length(max=60)),
        load_default=dict,
        validate=validate.Length(max=500),
    )
    by_row = JsonBoolean(load_default=False)
    dry_run = JsonBoolean(load_default=False)


class ImportColumnView(Schema):
    """One column of the sheet and the field it is taken for; ``unit_yuan``: how many yuan one unit is."""

    column = fields.String()
    heading = fields.String()
    field = fields.String(allow_none=True)
    unit_yuan = fields.String()
    ignored = fields.Boolean()


class ImportFieldView(Schema):
    """A field that a column may be taken for."""

    field = fields.String()
    text = fields.String()
    needed = fields.Boolean()


class ImportFaultView(Schema):
    """What is wrong with a cell; a note refuses nothing."""

    cell = fields.String()
    heading = fields.String()
    reason = fields.String()
    note = fields.Boolean()


class ImportView(Schema):
    """One sheet that was handed in: how far it is and what came of it."""

    id = fields.UUID()
    kind = fields.String()
    case_id = fields.UUID(allow_none=True)
    state = fields.String()
    sheet = fields.String()
    last_heading_row = fields.Integer()
    columns = fields.List(fields.Nested(ImportColumnView))
    rows = fields.Integer()
    rows_done = fields.Integer()
    by_row = fields.Boolean()
    dry_run = fields.Boolean()
    uploaded_at = fields.AwareDateTime(format="iso")
    ended_at = fields.AwareDateTime(format="iso", allow_none=True)
    created = fields.Integer()
    updated = fields.Integer()
    unchanged = fields.Integer()
    refused = fields.Integer()
    faults = fields.List(fields.Nested(ImportFaultView))
    problem = fields.String()
    has_result = fields.Boolean()


class ImportPreviewView(ImportView):
    """A sheet that was just handed in, with its first rows and the fields to choose from."""

    samples = fields.List(fields.List(fields.String()))
    missing = fields.List(fields.String())
    fields_known = fields.List(fields.Nested(ImportFieldView), data_key="fields")


class ImportListView(Schema):
    """The newest sheets of this person."""

    items = fields.List(fields.Nested(ImportView))
