from __future__ import annotations

import contextlib
import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.files import formats
from app.files.formats import FileKind, Format
from app.files.sniffing import refuse_contradiction, sniff
from app.foundation.errors import UnsupportedFile
from tests.files import samples

GOOD: list[tuple[str, bytes, Format]] = [
    ("png", samples.png(), formats.PNG),
    ("jpeg", samples.jpeg(), formats.JPEG),
    ("jpeg of a phone that appends its own data", samples.jpeg(after=b"SEFH" + bytes(500)), formats.JPEG),
    ("jpeg with a long comment", samples.jpeg(comment=bytes(60_000)), formats.JPEG),
    ("webp", samples.webp(), formats.WEBP),
    ("heic", samples.heic(), formats.HEIC),
    ("pdf", samples.pdf(), formats.PDF),
    ("pdf 2.0", samples.pdf("2.0"), formats.PDF),
    ("docx", samples.docx(), formats.DOCX),
    ("docx with an embedded workbook", samples.docx({"word/embeddings/1.xlsx": samples.xlsx()}), formats.DOCX),
    ("xlsx", samples.xlsx(), formats.XLSX),
    ("doc", samples.compound("WordDocument", "1Table"), formats.DOC),
    (
        "doc with an embedded workbook",
        samples.compound("ObjectPool", "WordDocument", inside_first="Workbook"),
        formats.DOC,
    ),
    ("xls", samples.compound("\x05SummaryInformation", "Workbook"), formats.XLS),
    ("xls of Excel 5", samples.compound("Book"), formats.XLS),
    ("xls, directory elsewhere", samples.compound("Workbook", "a", "b", "c", "d", directory_at=9), formats.XLS),
    ("mp3", samples.mp3(), formats.MP3),
    ("mp3 with a tag", samples.mp3(tag=True), formats.MP3),
    ("wav", samples.wav(), formats.WAV),
    ("amr", samples.amr(), formats.AMR),
    ("amr wide band", samples.amr_wide(), formats.AMR),
    ("m4a", samples.m4a(), formats.M4A),
    ("sound alone in an mp4", samples.iso_media(b"mp42", [b"soun"]), formats.M4A),
    ("mp4", samples.mp4(), formats.MP4),
    ("mp4 of an Android camera", samples.iso_media(b"3gp4", [b"vide"], compatible=b"isom3gp4"), formats.MP4),
    ("mov", samples.mov(), formats.MOV),
]

HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
HOSTILE: list[tuple[str, bytes]] = [
    ("empty", b""),
    ("one byte", b"\xff"),
    ("text", "举报材料".encode()),
    ("html", HTML),
    ("svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
    ("svg with a prologue", b'<?xml version="1.0"?><svg onload="alert(1)"/>'),
    ("php", b"<?php system($_GET[0]); ?>"),
    ("shell", b"#!/bin/sh\nrm -rf /\n"),
    ("windows program", b"MZ\x90\x00" + bytes(200)),
    ("elf", b"\x7fELF\x02\x01\x01" + bytes(200)),
    ("shortcut", b"L\x00\x00\x00\x01\x14\x02\x00" + bytes(200)),
    ("zip", samples.archive({"a.exe": b"MZ"})),
    ("rar", b"Rar!\x1a\x07\x01\x00" + bytes(100)),
    ("7z", b"7z\xbc\xaf\x27\x1c" + bytes(100)),
    ("gzip", b"\x1f\x8b\x08" + bytes(100)),
    ("gif", b"GIF89a" + bytes(50)),
    ("tiff of one pixel with a gigabyte header", samples.tiff()),
    ("tiff, the other way round", b"MM\0*" + samples.tiff()[4:]),
    ("tiff called jpeg inside", b"\xff\xd8\xff\xe1" + samples.tiff()),
    ("bmp", b"BM" + bytes(60)),
    ("flash", b"CWS\x08" + bytes(60)),
    ("rtf", b"{\\rtf1 hello}"),
    ("mhtml", b"MIME-Version: 1.0\r\nContent-Type: multipart/related"),
    ("avif", samples.box(b"ftyp", b"avif" + bytes(4) + b"mif1avif") + samples.box(b"meta", bytes(30))),
    ("3gp without mp4", samples.iso_media(b"3gp4", [b"vide"], compatible=b"3gp4")),
    ("mkv", b"\x1aE\xdf\xa3" + bytes(40) + b"matroska" + bytes(100)),
    # Right beginnings, wrong or hostile rest.
    ("jpeg head alone", b"\xff\xd8\xff\xe0"),
    ("jpeg head before html", b"\xff\xd8\xff\xe0" + HTML),
    ("jpeg with a script in its comment", samples.jpeg(comment=b"<script>alert(1)</script>")),
    ("jpeg with php in its comment", samples.jpeg(comment=b"<?php eval($_POST[0]); ?>")),
    ("jpeg with an archive behind", samples.jpeg() + samples.archive({"a.class": b"\xca\xfe\xba\xbe"})),
    ("jpeg cut before its picture", samples.jpeg()[:60]),
    ("png head alone", b"\x89PNG\r\n\x1a\n"),
    ("png with a wrong checksum", samples.png()[:30] + b"\0" + samples.png()[31:]),
    ("png of no width", samples.png(width=0)),
    ("pdf behind html", HTML + samples.pdf()),
    ("pdf behind a byte order mark", b"\xef\xbb\xbf" + samples.pdf()),
    ("pdf without an end", samples.pdf()[:20]),
    ("pdf with html in front of its objects", b"%PDF-1.7\n" + HTML + b"\n%%EOF"),
    ("webp longer than its file", samples.webp()[:20]),
    ("wave without sound", samples.wav()[:30]),
    ("avi in riff", b"RIFF" + struct.pack("<I", 100) + b"AVI LIST" + bytes(88)),
    ("id3 before html", b"ID3\x03\x00\x00\x00\x00\x00\x00" + b"<body onload=alert(1)>"),
    ("id3 without sound", b"ID3\x03\x00\x00\x00\x00\x00\x10" + bytes(4000)),
    ("amr line before a script", b"#!AMR\nrm -rf / # every byte is a wrong frame"),
    ("amr line alone", b"#!AMR\n"),
    ("mp4 head before html", samples.box(b"ftyp", b"isom" + bytes(4)) + HTML),
    ("mp4 head alone", samples.box(b"ftyp", b"isom" + bytes(4))),
    ("mp4 cut in its movie", samples.mp4()[:-10]),
    ("mp4 without tracks", samples.iso_media(b"isom", [])),
    ("mp4 with text alone", samples.iso_media(b"isom", [b"text"])),
    ("heic without items", samples.box(b"ftyp", b"heic" + bytes(4) + b"mif1heic")),
    ("box of size zero inside itself", samples.box(b"ftyp", b"isom" + bytes(4)) + b"\0\0\0\x04moov"),
    # Office.
    ("docx with macros", samples.docx({"word/vbaProject.bin": b"x"})),
    ("docx with macros under another case", samples.docx({"word/VBAPROJECT.BIN": b"x"})),
    ("docm", samples.package("word", samples.MACRO_TYPE)),
    ("xlsx with macros", samples.xlsx({"xl/vbaProject.bin": b"x"})),
    ("pptx", samples.package("ppt", samples.OFFICE + "presentationml.presentation.main+xml")),
    ("jar", samples.archive({"META-INF/MANIFEST.MF": b"x", "A.class": b"x"})),
    ("apk that calls itself word", samples.archive({"word/document.xml": b"x", "classes.dex": b"x"})),
    ("word and excel at once", samples.docx({"xl/workbook.xml": b"x"})),
    ("word folder with excel type", samples.package("word", samples.EXCEL_TYPE)),
    ("docx that climbs out", samples.docx({"../../etc/cron.d/x": b"x"})),
    ("docx with an absolute member", samples.docx({"/etc/passwd": b"x"})),
    ("docx behind a program", b"MZ" + samples.docx()),
    ("docx with bytes before its members", b"PK\x03\x04" + HTML[15:] + samples.docx()),
    ("docx cut", samples.docx()[:-30]),
    ("docx with something behind", samples.docx() + b"x" * 10),
    ("zip bomb", samples.docx({f"word/media/{n}": bytes(60 * 1024 * 1024) for n in range(2)})),
    ("content types bomb", samples.archive({"[Content_Types].xml": bytes(3 << 20), "word/document.xml": b"x"})),
    ("ten thousand members", samples.docx({f"word/{n}": b"" for n in range(10_000)})),
    ("doc with macros", samples.compound("WordDocument", "Macros")),
    ("xls with macros", samples.compound("Workbook", "_VBA_PROJECT_CUR")),
    ("docx behind a password", samples.compound("EncryptionInfo", "EncryptedPackage")),
    ("installer or mail", samples.compound("__properties_version1.0", "__nameid_version1.0")),
    ("ppt", samples.compound("PowerPoint Document", "Current User")),
    ("workbook only inside something else", samples.compound("ObjectPool", inside_first="Workbook")),
    ("compound head alone", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    ("compound file cut", samples.compound("Workbook")[:1100]),
]


def told(content: bytes) -> Format:
    return sniff(io.BufferedReader(io.BytesIO(content)), len(content))  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "content", "expected"), GOOD, ids=[name for name, *_ in GOOD])
def test_allowed(name: str, content: bytes, expected: Format) -> None:
    assert told(content) is expected


@pytest.mark.parametrize(("name", "content"), HOSTILE, ids=[name for name, _ in HOSTILE])
def test_refused(name: str, content: bytes) -> None:
    with pytest.raises(UnsupportedFile) as refusal:
        told(content)
    assert refusal.value.detail


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (samples.docx({"word/vbaProject.bin": b"x"}), "宏"),
        (samples.compound("WordDocument", "Macros"), "宏"),
        (samples.compound("EncryptionInfo", "EncryptedPackage"), "密码"),
        (b"", "空"),
        (samples.mp4()[:-10], "不完整"),
        (b"MZ" + bytes(100), "可上传"),
    ],
)
def test_the_refusal_says_what_to_do(content: bytes, word: str) -> None:
    with pytest.raises(UnsupportedFile, match=word):
        told(content)


@settings(max_examples=300, deadline=None)
@given(
    start=st.sampled_from([content[:length] for _, content, _ in GOOD for length in (4, 8, 12, 30, 600)]),
    rest=st.binary(max_size=3000),
)
def test_any_bytes_are_told_or_refused(start: bytes, rest: bytes) -> None:
    with contextlib.suppress(UnsupportedFile):
        told(start + rest)


@settings(max_examples=300, deadline=None)
@given(sample=st.sampled_from(GOOD), data=st.data())
def test_damaged_files_are_told_or_refused(sample: tuple[str, bytes, Format], data: st.DataObject) -> None:
    damaged = bytearray(sample[1])
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    damaged = damaged[: data.draw(st.integers(1, len(damaged)))]
    with contextlib.suppress(UnsupportedFile):
        told(bytes(damaged))


def test_a_directory_that_runs_in_a_circle_ends() -> None:
    content = bytearray(samples.compound("Workbook", "b", "c", "d", "e"))
    struct.pack_into("<I", content, 512 + 4, 1)  # the first directory sector follows itself
    with pytest.raises(UnsupportedFile):
        told(bytes(content))
    siblings = bytearray(samples.compound("b", "Workbook"))
    struct.pack_into("<I", siblings, 1024 + 2 * 128 + 72, 1)
    with pytest.raises(UnsupportedFile):
        told(bytes(siblings))


def test_a_large_fat_reaches_beyond_the_header() -> None:
    """Over 6.8 MB the list of FAT sectors goes on outside the header."""
    small = samples.compound("Workbook")
    directory_at = 110 * 128 + 5
    sectors = directory_at + 1
    content = bytearray(512 * (sectors + 1))
    content[:512] = small[:512]
    struct.pack_into("<I", content, 48, directory_at)
    struct.pack_into("<II", content, 68, 200, 1)  # the list goes on in sector 200
    struct.pack_into("<109I", content, 76, *range(109))
    struct.pack_into("<128I", content, 512 * 201, 109, 110, *([0xFFFFFFFF] * 125), 0xFFFFFFFE)
    struct.pack_into("<I", content, 512 * (110 + 1) + 5 * 4, 0xFFFFFFFE)  # the directory ends after its first sector
    content[512 * (directory_at + 1) :] = small[1024:1536]
    assert told(bytes(content)) is formats.XLS


@pytest.mark.parametrize(
    ("format_", "name", "declared"),
    [
        (formats.JPEG, "收据.JPG", "image/jpeg"),
        (formats.JPEG, "tmp_8f3a", "application/octet-stream"),
        (formats.JPEG, "2024.05.01 转账记录", ""),
        (formats.JPEG, "第1.2", "image/jpeg; charset=binary"),
        (formats.DOCX, "合同.docx", "application/zip"),
        (formats.XLS, "流水.et", "application/wps-office.et"),
        (formats.XLS, "流水.xls", "application/vnd.ms-excel"),
        (formats.M4A, "录音.m4a", "audio/x-m4a"),
        (formats.M4A, "录音.mp4", "video/mp4"),
        (formats.MOV, "IMG_1.MOV", "video/quicktime"),
        (formats.MP4, "会场.mp4", "VIDEO/MP4"),
    ],
)
def test_agreeing_names(format_: Format, name: str, declared: str) -> None:
    refuse_contradiction(format_, name, declared)


@pytest.mark.parametrize(
    ("format_", "name", "declared"),
    [
        (formats.PNG, "a.jpg", ""),
        (formats.PNG, "a.png", "image/jpeg"),
        (formats.JPEG, "a.html", "image/jpeg"),
        (formats.JPEG, "a.jpg", "text/html"),
        (formats.JPEG, "a.jpg.exe", ""),
        (formats.DOCX, "a.docm", ""),
        (formats.DOC, "a.docx", ""),
        (formats.PDF, "a.pdf", "image/svg+xml"),
        (formats.MP4, "a.m4a", ""),
        (formats.MP3, "a.mp3", "video/mp4"),
    ],
)
def test_lies_are_refused(format_: Format, name: str, declared: str) -> None:
    with pytest.raises(UnsupportedFile, match="不符"):
        refuse_contradiction(format_, name, declared)


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("C:\\Users\\张三\\合同.pdf", "合同.pdf"),
        ("/tmp/../收据.jpg", "收据.jpg"),
        ("收据\r\nSet-Cookie: a=b.jpg", "收据Set-Cookie: a=b.jpg"),
        ("gpj\u202egpj.exe", "gpjgpj.exe"),
        ("  ..  ", "未命名"),
        ("", "未命名"),
        ("\ud800a.pdf", "a.pdf"),
        ("长" * 300 + ".docx", "长" * 195 + ".docx"),
    ],
)
def test_names_are_cleaned(given_name: str, kept: str) -> None:
    assert formats.cleaned_name(given_name) == kept


@given(st.text(max_size=400))
def test_clean_names_stay_clean(name: str) -> None:
    kept = formats.cleaned_name(name)
    assert 0 < len(kept) <= formats.LONGEST_NAME
    assert not set(kept) & set("/\\\r\n\0")
    kept.encode()


def test_every_kind_has_a_format_and_a_name() -> None:
    assert {format_.kind for format_ in formats.FORMATS} == set(FileKind)
    assert all(kind.text for kind in FileKind)
