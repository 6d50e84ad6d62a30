"""Geo benchmark: Shudi beside cpca, jionlp and addressparser on the same labelled addresses, in one run.

usage: python -m bench.geo.run [--peers PYTHON] [--out TABLE.md]

``ADDRESS_SETS`` names the folder with ``addresses_dev.csv`` and ``addresses_dev_ncap.csv``; without it the invented
addresses of the tests are used. ``--peers`` is the Python of an environment with ``bench/geo/requirements.txt``; the
default ``var/bench-geo/bin/python`` is made when missing. Peers know no hint: where they name no city, they get a
second try with the names of the hint in front. Their names are turned into today's codes with the same tree.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from app.geo.divisions import divisions

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PEERS = ("cpca", "jionlp", "addressparser")
EASY = {"n_full", "n_county_first", "n_codeonly"}
Row = dict[str, str]
GROUPS: dict[str, Callable[[Row], bool]] = {
    "all": lambda _row: True,
    "hard": lambda row: row["kind"] not in EASY,
    "hard, Xinjiang": lambda row: row["kind"] not in EASY and row["region"] == "XJ",
    "wrong hint": lambda row: row["kind"] == "d_wrong_hint",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, help="Python with bench/geo/requirements.txt")
    parser.add_argument("--no-peers", action="store_true", help="measure Shudi alone")
    parser.add_argument("--out", type=Path, help="write the tables here too")
    options = parser.parse_args()
    python = None if options.no_peers else options.peers or peers_python()
    lines = list(report(python))
    print("\n".join(lines))
    if options.out:
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


def peers_python() -> Path:
    folder = ROOT / "var" / "bench-geo"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", HERE / "requirements.txt"], check=True)
    return python


def labelled(name: str) -> list[Row]:
    folder = os.environ.get("ADDRESS_SETS")
    if not folder:
        if name != "addresses_dev.csv":
            return []
        with (ROOT / "tests/geo/data/invented_addresses.csv").open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle))
        extra = {"accept_county_codes": "", "region": "XJ"}
        return [{**row, **extra, "expected_county_code": row["expected"]} for row in rows]
    with (Path(folder) / name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def report(python: Path | None) -> Iterator[str]:
    rows = labelled("addresses_dev.csv")
    measured = {"shudi": (own(rows, hint=True), own(rows, hint=False))}
    for name in PEERS if python else ():
        measured[name] = (peer(python, name, rows, hint=True), peer(python, name, rows, hint=False))
    yield from accuracy(rows, measured)
    typed = labelled("addresses_dev_ncap.csv")
    if typed:
        yield from user_typed(python, typed)
    yield from speed(measured)
    yield from calibration(rows, measured["shudi"][0])


def in_folder(run: Callable[[Path], Any]) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        return run(Path(folder))


def own(rows: list[Row], *, hint: bool) -> dict[str, Any]:
    def run(folder: Path) -> dict[str, Any]:
        source, target = folder / "rows.csv", folder / "out.json"
        with source.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(["address", "hint_code"])
            writer.writerows([row["address"], row.get("hint_code", "") if hint else ""] for row in rows)
        subprocess.run([sys.executable, "-m", "bench.geo.own", source, target], check=True, cwd=ROOT)
        content: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
        content["counties"] = [answer["county"] for answer in content["answers"]]
        return content

    return in_folder(run)


def peer(python: Path | None, name: str, rows: list[Row], *, hint: bool) -> dict[str, Any]:
    texts = [row["address"] for row in rows]
    content = ask_peer(python, name, texts)
    if hint:
        again = [n for n, row in enumerate(rows) if row.get("hint_code") and not content["answers"][n][1]]
        prefixed = [divisions().full_name(rows[n]["hint_code"]) + texts[n] for n in again]
        for n, answer in zip(again, ask_peer(python, name, prefixed)["answers"] if again else [], strict=True):
            content["answers"][n] = answer
    content["counties"] = [today(names) for names in content["answers"]]
    return content


def ask_peer(python: Path | None, name: str, texts: list[str]) -> dict[str, Any]:
    def run(folder: Path) -> dict[str, Any]:
        source, target = folder / "texts.json", folder / "out.json"
        source.write_text(json.dumps(texts, ensure_ascii=False), encoding="utf-8")
        command = [str(python), str(HERE / "peer.py"), name, str(source), str(target)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        content: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
        return content

    return in_folder(run)


def today(names: list[str]) -> str | None:
    """The current code of a county told by names; None where no county is told or the names fit no unit."""
    tree = divisions()
    province, prefecture, county = names
    for row in tree.history(county) if county else ():
        above = {tree.name(code) for code in tree.ancestors(row.code)}
        if (
            row.level == 3
            and province in above
            and (prefecture in above or not row.parent_code or prefecture == province)
        ):
            codes = tree.successors(row.code)
            return codes[0] if len(codes) == 1 else None
    return None


def share(rows: list[Row], counties: list[str | None], keep: Callable[[Row], bool]) -> tuple[float, float, int]:
    total = right = wrong = 0
    for row, county in zip(rows, counties, strict=True):
        expected = {c for c in (row["expected_county_code"], *row["accept_county_codes"].split("|")) if c}
        if not expected or row["kind"] == "n_codeonly" or not keep(row):
            continue
        total += 1
        right += county in expected
        wrong += bool(county) and county not in expected
    return (100 * right / total, 100 * wrong / total, total) if total else (0.0, 0.0, 0)


def accuracy(rows: list[Row], measured: dict[str, Any]) -> Iterator[str]:
    yield "### County right / wrong, percent"
    yield ""
    yield "| rows | n | " + " | ".join(measured) + " |"
    yield "| --- | --- | " + " | ".join("---" for _ in measured) + " |"
    for place, label in enumerate(("with hint", "without hint")):
        for group, keep in GROUPS.items():
            cells = [share(rows, pair[place]["counties"], keep) for pair in measured.values()]
            if cells[0][2]:
                shown = " | ".join(f"{right:.2f} / {wrong:.2f}" for right, wrong, _ in cells)
                yield f"| {group}, {label} | {cells[0][2]} | {shown} |"
    yield ""


def user_typed(python: Path | None, rows: list[Row]) -> Iterator[str]:
    engines = {"shudi": own(rows, hint=False)}
    engines |= {name: peer(python, name, rows, hint=False) for name in (PEERS if python else ())}
    yield "### Delivery addresses as people type them, county right / wrong, percent"
    yield ""
    yield "| rows | n | " + " | ".join(engines) + " |"
    yield "| --- | --- | " + " | ".join("---" for _ in engines) + " |"
    every = {"u_full", "u_county_only", "u_ambiguous"}
    for kinds in (every, every - {"u_ambiguous"}, {"u_ambiguous"}):
        cells = [share(rows, e["counties"], lambda row, kinds=kinds: row["kind"] in kinds) for e in engines.values()]
        shown = " | ".join(f"{right:.2f} / {wrong:.2f}" for right, wrong, _ in cells)
        yield f"| {', '.join(sorted(kinds))} | {cells[0][2]} | {shown} |"
    leading = sum(a["status"] == "ambiguous" and a["county"] is not None for a in engines["shudi"]["answers"])
    yield ""
    yield f"In {leading} of these rows Shudi's county is the leading candidate of a divided county, with status `ambiguous`."
    yield ""


def speed(measured: dict[str, Any]) -> Iterator[str]:
    yield "### Speed and memory (CPU time of one process, one core)"
    yield ""
    yield "| | whole file, addresses/s | one call at a time, addresses/s | resident MB | × Shudi, file |"
    yield "| --- | --- | --- | --- | --- |"
    base = measured["shudi"][0]["batch"]
    for name, (with_hint, _) in measured.items():
        ratio = with_hint["batch"] / base
        figures = f"{with_hint['batch']:,.0f} | {with_hint['single']:,.0f} | {with_hint['rss_mb']} | {ratio:.3f}"
        yield f"| {name} | {figures} |"
    mine = measured["shudi"][0]
    yield f"| floor: names found, nothing concluded | {mine['floor']:,.0f} | | | {mine['floor'] / base:.3f} |"
    yield ""
    yield (
        f"Shudi: {mine['load_s']} s from import to the first answer; the engine adds {mine['engine_mb']} MB to the "
        f"process; the first pass over the file ran at {mine['first']:,.0f} rows/s."
    )
    yield ""


def calibration(rows: list[Row], mine: dict[str, Any]) -> Iterator[str]:
    """Among answers with confidence ≥ c, the share right must be at least c."""
    yield "### Calibration of confidence (with hint, counties told)"
    yield ""
    yield "| confidence ≥ | answers | right | holds |"
    yield "| --- | --- | --- | --- |"
    told = []
    for row, answer in zip(rows, mine["answers"], strict=True):
        expected = {c for c in (row["expected_county_code"], *row["accept_county_codes"].split("|")) if c}
        if expected and row["kind"] != "n_codeonly" and answer["county"]:
            told.append((answer["confidence"], answer["county"] in expected))
    for level in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99):
        above = [right for confidence, right in told if confidence >= level]
        if above:
            right = sum(above) / len(above)
            yield f"| {level} | {len(above)} | {right:.4f} | {'yes' if right >= level else 'NO'} |"


if __name__ == "__main__":
    main()
