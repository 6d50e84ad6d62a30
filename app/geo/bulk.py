"""Whole files through the engine: CSV in, one JSON object per row out, in order.

A line is exactly ``json.dumps(match(...).to_dict(), ensure_ascii=False)``: same engine, same evidence and alternatives,
written by hand only because building the objects of ``match.py`` costs more than the matching itself. A test compares
both for every kind of row.
"""

from __future__ import annotations

import csv
import gc
import hashlib
import json
import multiprocessing
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from app.geo.address import hint_number, match
from app.geo.chain import Found, Mark
from app.geo.confidence import RULES, weigh
from app.geo.gazetteer import gazetteer
from app.geo.normalise import normalise
from app.geo.reading import resolve
from app.geo.splits import LEADING

Row = tuple[str, str, str]
CHUNK = 2000
_PLAIN = set('"\\') | {chr(code) for code in range(0x20)}


def row_writer() -> Callable[[Row], str]:
    """A function from (address, hint_code, uscc) to one JSON line without its line end."""
    gaz = gazetteer()
    hints: dict[str, int] = {}

    def write(row: Row) -> str:
        address, hint_code, uscc = row
        hint = hints.get(hint_code)
        if hint is None:
            hint = hints[hint_code] = hint_number(hint_code, gaz)
        text, positions = normalise(address)
        found = resolve(text, gaz, hint)
        if uscc and (not found.county or found.rule == LEADING):
            return json.dumps(match(address, hint_code, uscc).to_dict(), ensure_ascii=False)
        return _line(address, positions, found)

    return write


def _line(text: str, positions: list[int] | None, found: Found) -> str:
    prefecture, county, township, candidates, rule, marks, province = found
    if positions is not None:
        marks = [(positions[start], positions[end - 1] + 1 if end else 0, code, how) for start, end, code, how in marks]
    evidence = ", ".join(
        [
            f'{{"text": "{text[start:end] if end else code}", "start": {start}, "end": {end}, '
            f'"means": {_quoted[code]}, "how": "{how}"}}'
            for start, end, code, how in marks
        ]
    )
    if positions is not None and not _PLAIN.isdisjoint(text):
        evidence = json.dumps(evidence_of(text, marks), ensure_ascii=False)[1:-1]
    if county and len(candidates) < 2:  # noqa: PLR2004
        opening, middle = _plain[province, prefecture, county, rule]
    else:
        opening, middle = _around_township(found)
    return f"{opening}{_quoted[township]}{middle}[{evidence}]}}"


def _around_township(found: Found) -> tuple[str, str]:
    """What stands before the township's code and after it, up to the evidence."""
    confidence, alternatives = weigh(found)
    ranked = ", ".join([f'{{"code": "{code}", "score": {score}}}' for code, score in alternatives])
    province, prefecture, county = _quoted[found.province], _quoted[found.prefecture], _quoted[found.county]
    status = RULES[found.rule].status
    before = f'{{"province": {province}, "prefecture": {prefecture}, "county": {county}, "township": '
    after = f', "status": "{status}", "confidence": {confidence}, "alternatives": [{ranked}], "evidence": '
    return before, after


class _Plain(dict[tuple[int, int, int, str], tuple[str, str]]):
    """(province, prefecture, county, rule) → ``_around_township`` of answers with one candidate, each written once."""

    def __missing__(self, key: tuple[int, int, int, str]) -> tuple[str, str]:
        province, prefecture, county, rule = key
        self[key] = around = _around_township(Found(prefecture, county, 0, (county,), rule, [], province))
        return around


class _Quoted(dict[int, str]):
    """Codes as JSON, each written once: there are no more of them than divisions."""

    def __missing__(self, code: int) -> str:
        self[code] = quoted = f'"{code}"' if code else "null"
        return quoted


_quoted = _Quoted()
_plain = _Plain()


def evidence_of(text: str, marks: list[Mark]) -> list[dict[str, str | int]]:
    """Evidence objects for marks whose places are those of the original text."""
    return [
        {"text": text[start:end] if end else str(code), "start": start, "end": end, "means": str(code), "how": how}
        for start, end, code, how in marks
    ]


def read_rows(source: Path) -> Iterator[Row]:
    """(address, hint_code, uscc) of each row; missing columns and cells are empty.

    Raises:
        ValueError: the file has no column ``address``.
    """
    with source.open(encoding="utf-8-sig", newline="", errors="replace") as handle:
        reader = csv.reader(handle)
        header = next(reader, [])
        if "address" not in header:
            raise ValueError("no column named address")
        places = [header.index(name) if name in header else None for name in ("address", "hint_code", "uscc")]
        address_at, hint_at, uscc_at = places
        for cells in reader:
            width = len(cells)
            yield (
                cells[address_at] if address_at is not None and address_at < width else "",
                cells[hint_at] if hint_at is not None and hint_at < width else "",
                cells[uscc_at] if uscc_at is not None and uscc_at < width else "",
            )


def warm_up() -> None:
    """Load every table before the clock starts and the workers fork, which share it; the collector skips it."""
    write = row_writer()
    for row in (
        ("", "", ""),
        ("乌鲁木齐市水沟区", "650100", ""),
        ("乌鲁木齐市某社区", "650100", ""),
        ("某某路1号", "650100", ""),
        ("鼓楼区某地", "", ""),
    ):
        write(row)
    gc.freeze()


def match_file(source: Path, target: Path, workers: int, progress: Callable[[int], None]) -> int:
    """Match every row of ``source`` into ``target``; answers the number of rows.

    Until the end the lines stand in ``<target>.<digest of source>.part``; a later call with the same source goes on
    after the last complete line. ``progress`` gets the number of rows done, including those of an earlier call.
    """
    warm_up()
    part = target.with_name(f"{target.name}.{_digest(source)}.part")
    done = _complete_lines(part)
    progress(done)
    rows = islice(read_rows(source), done, None)
    with part.open("a", encoding="utf-8", newline="\n") as out:
        for count, lines in _lines(rows, workers):
            out.write(lines)
            done += count
            progress(done)
    part.replace(target)
    return done


def _lines(rows: Iterator[Row], workers: int) -> Iterator[tuple[int, str]]:
    chunks = iter(lambda: list(islice(rows, CHUNK)), [])
    if workers <= 1:
        yield from map(_chunk, chunks)
        return
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        yield from pool.imap(_chunk, chunks)
        pool.close()  # let them go by themselves: one that is ended while it holds the queue holds up this process
        pool.join()


def _chunk(rows: list[Row]) -> tuple[int, str]:
    write = row_writer()
    return len(rows), "\n".join([*map(write, rows), ""])


def _digest(source: Path) -> str:
    with source.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()[:12]


def _complete_lines(part: Path) -> int:
    """Number of complete lines; a half-written last line is cut off."""
    if not part.exists():
        return 0
    content = part.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) != len(content):
        part.write_bytes(whole)
    return whole.count(b"\n")
