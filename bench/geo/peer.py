"""One peer library over one file: answers as names, addresses a second, memory. Runs in the peers' own environment.

usage: peer.py {cpca,jionlp,addressparser} TEXTS.json OUT.json

TEXTS.json is a list of addresses. OUT.json gets ``{"answers": [[province, prefecture, county], …], "batch": addresses
a second in one call or null, "single": addresses a second one call at a time, "rss_mb": resident memory}``; CPU time of
this one process, after a first call that loads tables.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Names = list[str]
SINGLE_SECONDS = 10.0


def rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * 4096 / 1e6, 1)


def table_engine(transform: Callable[[list[str]], Any]) -> Callable[[list[str]], list[Names]]:
    """cpca and addressparser: a table with the columns 省, 市, 区."""

    def run(texts: list[str]) -> list[Names]:
        table = transform(texts)
        return [
            [cell if isinstance(cell, str) else "" for cell in row] for row in table[["省", "市", "区"]].values.tolist()
        ]

    return run


def jionlp_engine() -> Callable[[list[str]], list[Names]]:
    import jionlp

    def run(texts: list[str]) -> list[Names]:
        parsed = [jionlp.parse_location(text) for text in texts]
        return [[found["province"] or "", found["city"] or "", found["county"] or ""] for found in parsed]

    return run


def engine(name: str) -> Callable[[list[str]], list[Names]]:
    if name == "jionlp":
        return jionlp_engine()
    if name == "cpca":
        import cpca

        return table_engine(cpca.transform)
    import addressparser

    return table_engine(addressparser.transform)


def main() -> None:
    name, source, target = sys.argv[1:]
    texts = json.loads(Path(source).read_text(encoding="utf-8"))
    run = engine(name)
    run(["广东省深圳市南山区荔枝路10号"])
    started = time.process_time()
    answers = run(texts)
    batch = len(texts) / (time.process_time() - started)
    done, started = 0, time.process_time()
    while done < len(texts) and time.process_time() - started < SINGLE_SECONDS:
        run([texts[done]])
        done += 1
    single = done / (time.process_time() - started)
    report = {"answers": answers, "batch": batch, "single": single, "rss_mb": rss_mb()}
    Path(target).write_text(json.dumps(report, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
