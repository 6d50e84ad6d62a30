"""Small whole files of every kind, made byte by byte, and hostile ones."""

from __future__ import annotations

import io
import struct
import wave
import zipfile
import zlib


def png(width: int = 3, height: int = 2, claimed: tuple[int, int] | None = None) -> bytes:
    return _png(claimed or (width, height), 2, zlib.compress((b"\0" + b"\x10\x80\xf0" * width) * height))


def _png(size: tuple[int, int], colour: int, packed: bytes) -> bytes:
    def chunk(type_: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + type_ + content + struct.pack(">I", zlib.crc32(type_ + content))

    header = struct.pack(">IIBBBBB", *size, 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def png_bomb(side: int = 30_000) -> bytes:
    """A file of a hundred bytes that says it is a picture of ``side`` × ``side`` pixels, with right checksums."""
    return png(claimed=(side, side))


def unfolding_png(side: int) -> bytes:
    """Half a megabyte that unfolds to ``side`` × ``side`` transparent pixels of four bytes; made row by row."""
    packer = zlib.compressobj(9)
    row = bytes(1 + 4 * side)
    return _png((side, side), 6, b"".join([*(packer.compress(row) for _ in range(side)), packer.flush()]))


def tiff(strip_bytes: int = 1 << 30) -> bytes:
    """A TIFF of one pixel whose header says that this pixel takes ``strip_bytes``."""
    tags = [(256, 4, 1, 1), (257, 4, 1, 1), (258, 3, 1, 8), (273, 4, 1, 98), (278, 4, 1, 1), (279, 4, 1, strip_bytes)]
    directory = b"".join(struct.pack("<HHII", *tag) for tag in [*tags, (277, 3, 1, 1)])
    return b"II*\0" + struct.pack("<IH", 8, 7) + directory + struct.pack("<I", 0) + b"\x80"


def jpeg(comment: bytes = b"", after: bytes = b"") -> bytes:
    def segment(kind: int, content: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, kind, len(content) + 2) + content

    return (
        b"\xff\xd8"
        + segment(0xE0, b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0")
        + (segment(0xFE, comment) if comment else b"")
        + segment(0xDB, b"\0" + bytes(range(1, 65)))
        + segment(0xC0, struct.pack(">BHHB", 8, 2, 3, 1) + b"\x01\x11\0")
        + segment(0xDA, b"\x01\x01\0\0\x3f\0")
        + b"\x12\x34\x56"
        + b"\xff\xd9"
        + after
    )


def webp() -> bytes:
    content = b"WEBPVP8L" + struct.pack("<I", 6) + b"\x2f\x02\x40\0\0\0"
    return b"RIFF" + struct.pack("<I", len(content)) + content


def pdf(version: str = "1.7") -> bytes:
    return f"%PDF-{version}\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\nstartxref\n9\n%%EOF\n".encode()


def package(folder: str, content_type: str, extra: dict[str, bytes] | None = None) -> bytes:
    types = f'<Types><Override ContentType="{content_type}"/></Types>'.encode()
    members = {"[Content_Types].xml": types, "_rels/.rels": b"<Relationships/>", f"{folder}/main.xml": b"<main/>"}
    return archive(members | (extra or {}))


def archive(members: dict[str, bytes], comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
        made.comment = comment
    return buffer.getvalue()


OFFICE = "application/vnd.openxmlformats-officedocument."
WORD_TYPE = OFFICE + "wordprocessingml.document.main+xml"
EXCEL_TYPE = OFFICE + "spreadsheetml.sheet.main+xml"
MACRO_TYPE = "application/vnd.ms-word.document.macroEnabled.main+xml"


def docx(extra: dict[str, bytes] | None = None) -> bytes:
    return package("word", WORD_TYPE, extra)


def xlsx(extra: dict[str, bytes] | None = None) -> bytes:
    return package("xl", EXCEL_TYPE, extra)


def compound(*top: str, inside_first: str | None = None, directory_at: int = 1) -> bytes:
    """A compound file (97-2003) whose root holds ``top``; ``inside_first`` lies within the first of them."""
    none, end = 0xFFFFFFFF, 0xFFFFFFFE

    def entry(name: str, kind: int, right: int = none, child: int = none) -> bytes:
        raw = name.encode("utf-16-le")
        return (
            raw.ljust(64, b"\0")
            + struct.pack("<HBBIII", len(raw) + 2, kind, 1, none, right, child)
            + bytes(36)
            + struct.pack("<IQ", end, 0)
        )

    entries = [entry("Root Entry", 5, child=1)]
    inner = len(top) + 1 if inside_first else none
    for number, name in enumerate(top, start=1):
        entries.append(
            entry(
                name,
                1 if inner == none else 2,
                number + 1 if number < len(top) else none,
                inner if number == 1 else none,
            )
        )
    if inside_first:
        entries.append(entry(inside_first, 2))
    directory = b"".join(entries)
    directory += bytes(-len(directory) % 512)
    sectors = len(directory) // 512
    fat = [none] * 128
    fat[0] = 0xFFFFFFFD
    for index in range(sectors):
        fat[directory_at + index] = directory_at + index + 1 if index + 1 < sectors else end
    header = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + bytes(16)
        + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
        + bytes(6)
        + struct.pack("<IIIIIIIII", 0, 1, directory_at, 0, 4096, end, 0, end, 0)
        + struct.pack("<109I", 0, *([none] * 108))
    )
    return header + struct.pack("<128I", *fat) + bytes(512 * (directory_at - 1)) + directory


def mp3(tag: bool = False) -> bytes:
    frame = b"\xff\xfb\x90\x00" + bytes(413)  # MPEG 1 layer III, 128 kbit/s, 44.1 kHz: 417 bytes
    id3 = b"ID3\x04\x00\x00\x00\x00\x02\x0a" + bytes(266) if tag else b""
    return id3 + frame * 4


def wav() -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(8000)
        made.writeframes(bytes(800))
    return buffer.getvalue()


def amr() -> bytes:
    return b"#!AMR\n" + (b"\x3c" + bytes(range(31))) * 5


def amr_wide() -> bytes:
    return b"#!AMR-WB\n" + (b"\x44" + bytes(range(60))) * 5


def box(type_: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, type_) + content


def iso_media(brand: bytes, handlers: list[bytes], media: bytes = bytes(64), compatible: bytes = b"") -> bytes:
    tracks = b"".join(
        box(b"trak", box(b"tkhd", bytes(84)) + box(b"mdia", box(b"hdlr", bytes(8) + handler + bytes(13))))
        for handler in handlers
    )
    movie = box(b"moov", box(b"mvhd", bytes(100)) + tracks)
    return box(b"ftyp", brand + bytes(4) + compatible) + box(b"mdat", media) + movie


def heic() -> bytes:
    return box(b"ftyp", b"mif1" + bytes(4) + b"mif1heic") + box(b"meta", bytes(60)) + box(b"mdat", bytes(40))


def mp4() -> bytes:
    return iso_media(b"isom", [b"vide", b"soun"])


def mov() -> bytes:
    return iso_media(b"qt  ", [b"soun", b"vide"])


def m4a() -> bytes:
    return iso_media(b"M4A ", [b"soun"])
