"""The allow-list: which kinds of file are taken, and under which names and declared types they come."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

LONGEST_NAME: Final = 200
NAMELESS: Final = "未命名"
_EXTENSION: Final = re.compile(r"\.(?=[0-9]*[a-z])([a-z0-9]{1,5})$")
_JOINERS: Final = {"\u200c", "\u200d"}  # Uyghur words need them


class FileKind(StrEnum):
    """What an officer will do with a file: look, read, listen or watch."""

    IMAGE = "image"
    PDF = "pdf"
    WORD = "word"
    EXCEL = "excel"
    AUDIO = "audio"
    VIDEO = "video"

    @property
    def text(self) -> str:
        """The Chinese name."""
        return _KIND_TEXTS[self]


_KIND_TEXTS: Final = {
    FileKind.IMAGE: "图片",
    FileKind.PDF: "PDF 文档",
    FileKind.WORD: "Word 文档",
    FileKind.EXCEL: "Excel 表格",
    FileKind.AUDIO: "录音",
    FileKind.VIDEO: "视频",
}

NOT_ALLOWED: Final = (
    "不支持这种文件。可上传图片（JPG、PNG、HEIC、WebP）、PDF、Word、Excel、录音（MP3、M4A、WAV、AMR）和视频（MP4、MOV）"
)


@dataclass(frozen=True, slots=True)
class Format:
    """One row of the allow-list. The first extension is the usual one."""

    kind: FileKind
    media_type: str
    text: str
    extensions: tuple[str, ...]
    declared_as: frozenset[str]


def _format(kind: FileKind, media_type: str, text: str, extensions: str, *declared_as: str) -> Format:
    return Format(kind, media_type, text, tuple(extensions.split()), frozenset({media_type, *declared_as}))


_OFFICE_XML: Final = "application/vnd.openxmlformats-officedocument."
_ZIP_TYPES: Final = ("application/zip", "application/x-zip-compressed")  # told by systems that have no office suite

JPEG: Final = _format(FileKind.IMAGE, "image/jpeg", "JPG 图片", "jpg jpeg jpe jfif", "image/jpg", "image/pjpeg")
PNG: Final = _format(FileKind.IMAGE, "image/png", "PNG 图片", "png", "image/x-png")
WEBP: Final = _format(FileKind.IMAGE, "image/webp", "WebP 图片", "webp")
HEIC: Final = _format(
    FileKind.IMAGE, "image/heic", "HEIC 图片", "heic heif", "image/heif", "image/heic-sequence", "image/heif-sequence"
)
PDF: Final = _format(
    FileKind.PDF, "application/pdf", "PDF 文档", "pdf", "application/x-pdf", "application/wps-office.pdf"
)
DOCX: Final = _format(
    FileKind.WORD,
    _OFFICE_XML + "wordprocessingml.document",
    "Word 文档",
    "docx",
    "application/wps-office.docx",
    *_ZIP_TYPES,
)
XLSX: Final = _format(
    FileKind.EXCEL,
    _OFFICE_XML + "spreadsheetml.sheet",
    "Excel 表格",
    "xlsx",
    "application/wps-office.xlsx",
    *_ZIP_TYPES,
)
DOC: Final = _format(
    FileKind.WORD,
    "application/msword",
    "Word 97-2003 文档",
    "doc wps",
    "application/wps-office.doc",
    "application/wps-office.wps",
    "application/vnd.ms-works",
    "application/kswps",
)
XLS: Final = _format(
    FileKind.EXCEL,
    "application/vnd.ms-excel",
    "Excel 97-2003 表格",
    "xls et",
    "application/wps-office.xls",
    "application/wps-office.et",
    "application/kset",
    "application/msexcel",
    "application/x-msexcel",
)
CSV: Final = _format(
    FileKind.EXCEL, "text/csv", "CSV 表格", "csv txt tsv", "text/plain", "application/csv", "application/vnd.ms-excel"
)
"""Taken where the office hands in tables and nowhere else: text has no signature that tells it from anything."""
MP3: Final = _format(FileKind.AUDIO, "audio/mpeg", "MP3 录音", "mp3", "audio/mp3", "audio/x-mp3", "audio/mpeg3")
WAV: Final = _format(FileKind.AUDIO, "audio/wav", "WAV 录音", "wav", "audio/x-wav", "audio/wave", "audio/vnd.wave")
AMR: Final = _format(FileKind.AUDIO, "audio/amr", "AMR 录音", "amr awb", "audio/amr-wb", "audio/x-amr")
# The three below are one container. A recorder writes sound alone into an .mp4 as well, a camera an .mp4 as a .mov.
_CONTAINER_TYPES: Final = ("video/mp4", "video/x-m4v", "video/quicktime")
M4A: Final = _format(
    FileKind.AUDIO, "audio/mp4", "M4A 录音", "m4a mp4 m4b", "audio/x-m4a", "audio/m4a", "audio/aac", *_CONTAINER_TYPES
)
MP4: Final = _format(FileKind.VIDEO, "video/mp4", "MP4 视频", "mp4 m4v mov", *_CONTAINER_TYPES)
MOV: Final = _format(FileKind.VIDEO, "video/quicktime", "MOV 视频", "mov qt mp4 m4v", *_CONTAINER_TYPES)

FORMATS: Final = (JPEG, PNG, WEBP, HEIC, PDF, DOCX, XLSX, DOC, XLS, MP3, WAV, AMR, M4A, MP4, MOV)

_SAYS_NOTHING: Final = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/unknown", "*/*"})


def cleaned_name(name: str) -> str:
    """A file name without path, control and direction-changing characters, at most :data:`LONGEST_NAME` long."""
    last = unicodedata.normalize("NFC", name.replace("\\", "/")).rsplit("/", 1)[-1]
    kept = "".join(letter for letter in last if letter in _JOINERS or not unicodedata.category(letter).startswith("C"))
    kept = " ".join(kept.split()).strip(". ")
    if len(kept) > LONGEST_NAME:
        ending = extension_of(kept)
        ending = f".{ending}" if ending else ""
        kept = kept[: LONGEST_NAME - len(ending)].rstrip() + ending
    return kept or NAMELESS


def extension_of(name: str) -> str:
    """The extension in small letters; empty where the last dot begins none ("2024.05.01 转账记录", "第1.2")."""
    found = _EXTENSION.search(name.lower())
    return found[1] if found else ""


def contradicts(format_: Format, name: str, declared_type: str) -> bool:
    """Whether the name or the declared type says something else than the content; silence contradicts nothing."""
    extension = extension_of(name)
    declared = declared_type.partition(";")[0].strip().lower()
    return bool(extension and extension not in format_.extensions) or (
        declared not in _SAYS_NOTHING and declared not in format_.declared_as
    )
