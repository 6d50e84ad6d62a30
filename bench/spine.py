"""Play the whole path of a tip through HTTP alone, on a running ``make run``, as everybody who takes part in it.

Session and upload from the phone, filing, acceptance, assignment, signing, a reassignment asked for, reviewed, adjusted
and confirmed by four people, feedback, conclusion, reply, and the reporter's look at the result; and after each move the
district that must not see the tip tries to. Any answer that is not the expected one ends the run.
"""

from __future__ import annotations

import argparse
import csv
import json
import struct
import sys
import time
import uuid
import zlib
from collections import Counter
from pathlib import Path
from typing import Any, Final

import httpx
from rich.progress import track

from app.foundation.config import REPOSITORY
from bench.bodies import tips

_PREFERRED: Final = ("650102", "650103")  # where a tip is moved to: the first that does not hold it already


def main() -> int:
    """Play the path for every address; print what happened and how long it took."""
    parser = argparse.ArgumentParser(prog="python -m bench.spine", description=__doc__)
    parser.add_argument(
        "--demo", type=Path, default=REPOSITORY / "var" / "demo.json", help="demo.json of the running demo"
    )
    parser.add_argument("--addresses", type=Path, help="CSV with a column 'address'; invented ones without it")
    parser.add_argument("--count", type=int, default=200)
    options = parser.parse_args()
    play = Play(json.loads(options.demo.read_text("utf-8")))
    began = time.perf_counter()
    for body in track(_bodies(options.addresses, options.count), description="tips"):
        play.whole_path(body)
    seconds = time.perf_counter() - began
    print(f"{options.count} tips, {play.requests} requests, {seconds:.1f} s; every answer was as expected")
    print("first district:", ", ".join(f"{name} {number}" for name, number in play.leads.most_common()))
    return 0


def _bodies(addresses: Path | None, count: int) -> list[dict[str, Any]]:
    bodies = tips(count)
    if addresses:
        with addresses.open(encoding="utf-8", newline="") as lines:
            rows = [row["address"] for row in csv.DictReader(lines)]
        for number, body in enumerate(bodies):
            body["subject"]["registered_address"] = rows[number % len(rows)][:300]
    return bodies


class Play:
    """Everybody who takes part, signed in."""

    def __init__(self, demo: dict[str, Any]) -> None:
        self.client = httpx.Client(base_url=demo["url"] + "/api/v1", timeout=30)
        self.password = demo["password"]
        self.districts = {one["division"] for one in demo["accounts"] if one["role"] == "district_handler"}
        self.requests = 0
        self.leads: Counter[str] = Counter()
        self.officers: dict[str, dict[str, str]] = {}
        self.reporter = self._bearer(self._call("POST", "/session", 201, json={"code": f"code-{uuid.uuid4()}"}))

    def whole_path(self, body: dict[str, Any]) -> None:
        """One tip from the phone to the reply."""
        evidence = self._upload("/uploads", {})
        headers = self.reporter if body["reporter"] else {}
        filed = body | {"client_request_id": str(uuid.uuid4()), "evidence": [evidence]}
        receipt = self._call("POST", "/tips", 201, json=filed, headers=headers)
        again = self._call("POST", "/tips", 200, json=filed, headers=headers)
        assert again["receipt_number"] == receipt["receipt_number"], "a repeat filed a second tip"
        tip = self._find(receipt["receipt_number"])
        self._act("city.reviewer", tip, "accept")
        first = tip["division"] if tip["division"] in self.districts else "650104"
        self.leads[tip["division_name"] or "city"] += 1
        self._act("city.reviewer", tip, "assign", division=first)
        self._act(f"district.{first}", tip, "sign_for")
        second = next(code for code in _PREFERRED if code != first)
        self._hidden_from(second, tip)
        self._move(tip, first, second)
        self._hidden_from(first, tip)
        self._act(f"district.{second}", tip, "submit_feedback", outcome="SUBSTANTIATED", text="经核查，情况属实。")
        self._act("city.reviewer", tip, "conclude")
        self._act("city.reviewer", tip, "reply", text="您反映的情况已依法处理，感谢支持。")
        codes = {name: receipt[name] for name in ("receipt_number", "query_code")}
        progress = self._call("POST", "/tips/query", 200, json=codes)
        assert progress["status"] == "replied", progress

    def _move(self, tip: dict[str, Any], first: str, second: str) -> None:
        applicant = self._headers(f"district.{first}")
        asked = {
            "to_division": second,
            "ground": "registered_elsewhere",
            "reason": "登记地不在本区，附登记信息。",
            "evidence": [self._upload("/office/uploads", applicant)],
            "expected_version": self._call("GET", f"/office/tips/{tip['id']}", 200, headers=applicant)["version"],
        }
        request = self._call("POST", f"/office/tips/{tip['id']}/reassignments", 201, json=asked, headers=applicant)
        path = f"/office/reassignments/{request['id']}"
        for username, action in (
            ("city.reviewer", "approve"),
            ("city.adjuster", "adjust"),
            (f"district.{second}", "confirm"),
        ):
            headers = self._headers(username)
            version = self._call("GET", path, 200, headers=headers)["version"]
            step = {"action": action, "expected_version": version, "reason": "佐证充分。"}
            self._call("POST", f"{path}/actions", 200, json=step, headers=headers)

    def _find(self, receipt_number: str) -> dict[str, Any]:
        query = {"q": receipt_number}
        page = self._call("GET", "/office/tips", 200, params=query, headers=self._headers("city.reviewer"))
        found: dict[str, Any] = page["items"][0]
        return found

    def _hidden_from(self, division: str, tip: dict[str, Any]) -> None:
        headers = self._headers(f"district.{division}")
        self._call("GET", f"/office/tips/{tip['id']}", 404, headers=headers)
        page = self._call("GET", "/office/tips", 200, params={"q": tip["receipt_number"]}, headers=headers)
        assert page["items"] == [], "another district sees the tip"

    def _act(self, username: str, tip: dict[str, Any], action: str, **given: Any) -> None:
        headers, path = self._headers(username), f"/office/tips/{tip['id']}"
        version = self._call("GET", path, 200, headers=headers)["version"]
        step = {"action": action, "expected_version": version, **given}
        self._call("POST", f"{path}/actions", 200, json=step, headers=headers)

    def _headers(self, username: str) -> dict[str, str]:
        if username not in self.officers:
            signed_in = {"username": username, "password": self.password}
            self.officers[username] = self._bearer(self._call("POST", "/office/session", 201, json=signed_in))
        return self.officers[username]

    def _upload(self, path: str, headers: dict[str, str]) -> str:
        files = {"file": ("照片.png", _png(), "image/png")}
        stored: str = self._call("POST", path, 201, files=files, headers=headers)["id"]
        return stored

    @staticmethod
    def _bearer(answer: dict[str, Any]) -> dict[str, str]:
        return {"Authorization": "Bearer " + answer["token"]}

    def _call(self, method: str, path: str, expected: int, **more: Any) -> Any:
        self.requests += 1
        answer = self.client.request(method, path, **more)
        if answer.status_code != expected:
            raise SystemExit(f"{method} {path}: {answer.status_code}, expected {expected}\n{answer.text}")
        return answer.json()


def _png() -> bytes:
    """A picture of one pixel."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\x00\x00\x00\x00")) + chunk(b"IEND", b"")


if __name__ == "__main__":
    sys.exit(main())
