"""Shudi's engine over one file, through ``match-file``'s own code and through single calls.

usage: python -m bench.geo.own ROWS.csv OUT.json

OUT.json gets ``{"answers": [Match, …], "batch": rows a second of match-file with one worker, "single": calls a second,
"floor": rows a second of the same file through the name automaton alone, nothing concluded and nothing written,
"load_s": seconds from nothing to the first answer, "engine_mb": memory that the engine adds, "rss_mb": of the whole
process}``; CPU time of this one process. Evidence and alternatives are on, as always: there is no other mode.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 5


def rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * 4096 / 1e6, 1)


def floor_speed(source: Path) -> float:
    """What reading the file, normalising and finding the names cost: no engine on this automaton can be faster."""
    from app.geo.bulk import read_rows
    from app.geo.gazetteer import gazetteer
    from app.geo.normalise import normalise

    find, rows, started = gazetteer().find, 0, time.process_time()
    for address, _, _ in read_rows(source):
        find(normalise(address)[0])
        rows += 1
    return rows / (time.process_time() - started)


def main() -> None:
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    import app  # noqa: F401  # the web application around the engine is not the engine's memory

    before, started = rss_mb(), time.process_time()
    from app.geo.address import match
    from app.geo.bulk import match_file, read_rows, warm_up

    match("广东省深圳市南山区荔枝路10号")
    load_s = time.process_time() - started
    warm_up()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.jsonl"
        speeds = []
        for _ in range(ROUNDS):
            started = time.process_time()
            rows = match_file(source, out, 1, lambda _done: None)
            speeds.append(rows / (time.process_time() - started))
        after = rss_mb()
        answers = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    calls = list(read_rows(source))
    floor = sorted(floor_speed(source) for _ in range(ROUNDS))[ROUNDS // 2]
    started = time.process_time()
    for address, hint, _ in calls:
        match(address, hint)
    single = len(calls) / (time.process_time() - started)
    report = {
        "answers": answers,
        "batch": sorted(speeds)[ROUNDS // 2],
        "first": speeds[0],
        "single": single,
        "floor": floor,
    }
    report |= {"load_s": round(load_s, 3), "engine_mb": round(after - before, 1), "rss_mb": after}
    target.write_text(json.dumps(report, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
