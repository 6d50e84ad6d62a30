"""The prepared binary form of the tables in ``data/``: what start-up reads instead of parsing the CSV files.

Four zlib streams, each after four bytes that tell its length: division rows (tab-separated lines), the name index of
the gazetteer (JSON), township codes and their places (arrays of 32 bits). ``flask geo divisions build`` writes it; a
test rebuilds it in memory and compares, so it can never drift from the CSV files.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
PREPARED = DATA / "divisions.bin"
_COLUMNS = (
    "code", "parent_code", "level", "name", "short_name", "aliases", "type", "status",
    "valid_from", "valid_to", "successor_codes", "succ_confidence",
)  # fmt: skip
_LENGTH = 4
_ORDER = {"current": 0, "abolished": 1, "statistical": 2, "pseudo": 3}


def division_rows() -> Iterator[dict[str, str]]:
    """Rows of divisions.csv.gz as written there."""
    with gzip.open(DATA / "divisions.csv.gz", "rt", encoding="utf-8", newline="") as handle:
        yield from csv.DictReader(handle)


def zone_rows() -> Iterator[dict[str, str]]:
    """Rows of functional_zones.csv as written there."""
    with (DATA / "functional_zones.csv").open(encoding="utf-8", newline="") as handle:
        yield from csv.DictReader(handle)


def village_rows() -> Iterator[dict[str, str]]:
    """Rows of villages_xinjiang.csv.gz as written there."""
    with gzip.open(DATA / "villages_xinjiang.csv.gz", "rt", encoding="utf-8", newline="") as handle:
        yield from csv.DictReader(handle)


def build(rows: Iterable[dict[str, str]] | None = None, zones: Iterable[dict[str, str]] | None = None) -> bytes:
    """The prepared form of the tables in ``data/`` (or of others), byte for byte the same for the same tables."""
    from app.geo.name_index import name_index

    rows = list(division_rows() if rows is None else rows)
    ordered = sorted(rows, key=lambda row: (_ORDER[row["status"]], row["status"] == "abolished" and _ended(row)))
    lines = "\n".join("\t".join(row[column] for column in _COLUMNS) for row in ordered)
    index = name_index(rows, list(zone_rows() if zones is None else zones))
    names = json.dumps(index.names, ensure_ascii=False, separators=(",", ":"))
    sections = (lines.encode(), names.encode(), _little(index.town_codes), _little(index.town_places))
    packed = [zlib.compress(section, 9) for section in sections]
    return b"".join(len(section).to_bytes(_LENGTH, "big") + section for section in packed)


def _little(numbers: array[int]) -> bytes:
    """Bytes in little-endian order on every machine."""
    if sys.byteorder == "big":
        numbers = array(numbers.typecode, numbers)
        numbers.byteswap()
    return numbers.tobytes()


def _ended(row: dict[str, str]) -> int:
    """Sort key that puts the row abolished last first."""
    return -int(row["valid_to"][:4] or 0)


def write() -> str:
    """Rebuild the prepared form on disk; answers its SHA-256."""
    content = build()
    PREPARED.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


_edition = PREPARED


def edition() -> Path:
    """The prepared file that this process works with: the shipped one, or that of an imported list."""
    return _edition


def use(path: Path = PREPARED) -> None:
    """Work with another prepared file from now on; tree and gazetteer follow at their next use."""
    global _edition  # noqa: PLW0603  # one tree a process, as one gazetteer
    _edition = path


def _section(path: Path, number: int) -> bytes:
    with path.open("rb") as handle:
        for _ in range(number):
            handle.seek(int.from_bytes(handle.read(_LENGTH), "big"), 1)
        return zlib.decompress(handle.read(int.from_bytes(handle.read(_LENGTH), "big")))


def load_division_lines(path: Path = PREPARED) -> list[str]:
    """Lines of tab-separated columns for ``Division``, the current row of each code first."""
    return _section(path, 0).decode().split("\n")


def load_names(path: Path = PREPARED) -> dict[str, Any]:
    """``NameIndex.names``."""
    names: dict[str, Any] = json.loads(_section(path, 1))
    return names


def load_towns(path: Path = PREPARED) -> tuple[array[int], array[int]]:
    """``NameIndex.town_codes`` and ``NameIndex.town_places``."""
    codes, places = array("i"), array("I")
    for numbers, section in ((codes, 2), (places, 3)):
        numbers.frombytes(_section(path, section))
        if sys.byteorder == "big":
            numbers.byteswap()
    return codes, places
