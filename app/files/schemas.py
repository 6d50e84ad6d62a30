"""What an upload looks like, and what it is answered with."""

from __future__ import annotations

from marshmallow import Schema, fields

from app.files.formats import FileKind


class UploadForm(Schema):
    """The multipart form of one upload, like ``wx.uploadFile``: one part, one file (for the API document)."""

    file = fields.Raw(
        required=True, metadata={"type": "string", "format": "binary", "description": "文件，100 MB 以内"}
    )


class UploadView(Schema):
    """A kept upload; the id is what a tip or a request then names as evidence."""

    id = fields.UUID(metadata={"description": "文件编号，24 小时内可作为佐证材料使用一次"})
    sha256 = fields.String(metadata={"description": "文件内容的 SHA-256（十六进制）"})
    kind = fields.Enum(FileKind, by_value=True, metadata={"description": "文件种类"})
    size = fields.Integer(metadata={"description": "字节数"})
