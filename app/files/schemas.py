"""What an upload looks like, and what it is answered with."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.files.formats import FileKind
from app.files.partial import PART_BYTES


class UploadForm(Schema):
    """The multipart form of one upload, like ``wx.uploadFile``: one part, one file (for the API document)."""

    file = fields.Raw(
        required=True, metadata={"type": "string", "format": "binary", "description": "文件，100 MB 以内"}
    )


class BeginUploadBody(Schema):
    """What is going to be sent in parts."""

    size = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(1, 10**12, error="文件是空的，请重新选择"),
        metadata={"description": "文件字节数，100 MB 以内"},
    )
    name = fields.String(load_default="", validate=validate.Length(max=1000))
    type = fields.String(load_default="", validate=validate.Length(max=200))


class PartQuery(Schema):
    """Where a part begins."""

    at = fields.Integer(
        required=True,
        validate=validate.Range(0, 10**12, error="应为已收到的字节数"),
        metadata={"description": "本次内容在文件中的起始位置，即已收到的字节数"},
    )


class PartialUploadView(Schema):
    """How far an upload in parts has come."""

    id = fields.UUID(metadata={"description": "上传编号，24 小时内可继续"})
    size = fields.Integer()
    received = fields.Integer(metadata={"description": "已收到的字节数，从这里继续"})
    part_bytes = fields.Constant(PART_BYTES, metadata={"description": "建议每次上传的字节数"})


class UploadView(Schema):
    """A kept upload; the id is what a tip or a request then names as evidence."""

    id = fields.UUID(metadata={"description": "文件编号，24 小时内可作为佐证材料使用一次"})
    sha256 = fields.String(metadata={"description": "文件内容的 SHA-256（十六进制）"})
    kind = fields.Enum(FileKind, by_value=True, metadata={"description": "文件种类"})
    size = fields.Integer(metadata={"description": "字节数"})
