"""Uploads against a bare server that writes the same bytes to disk; the memory of a worker; the clean copy of a photo.

    python -m bench.uploads [--seconds 2] [--rounds 9]

Floor and product are served by one server in one run, round by round in turns, through the same connections; a verdict
is that of the median of the rounds' own ratios, so that what else the machine does weighs on both sides of each. A photo of
5 MB goes to ``POST /floor/upload`` (Flask, the body into a file, fsync) and to ``POST /api/v1/uploads`` (told by its
content, SHA-256, sealed in frames, fsync, read back for the check, a row committed). A video of 100 MB goes up in one
piece and in parts, while the resident memory of the web workers is watched. The clean copy of a photo of 12 megapixels,
sealed and kept, is compared with the same drawing by pillow alone.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from PIL import Image, ImageOps

from bench.stage import Stage, machine, say, stage

CONNECTIONS = (1, 4)
PHOTO_BYTES, VIDEO_BYTES = 5 * 1024 * 1024, 100 * 1024 * 1024
BOUNDARY = "bench-boundary"
BARS = {"photo": 0.5, "memory": 20.0, "copy": 2.0}
MEGABYTE = 1024 * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    os.environ.setdefault("PUBLIC_RATE_PER_MINUTE", "1000000")
    with stage() as running:
        say(machine(running.database_url))
        lines = [*_photos(running, given.seconds, given.rounds), *_videos(running)]
        _nothing_lost(running)
    lines += _copies(given.rounds)
    print(machine())
    print("| what | floor | product | ratio | bar | verdict |")
    print("| --- | ---: | ---: | --- | --- | --- |")
    print("\n".join(lines))


# 5 MB photos --------------------------------------------------------------------------------------------------------


def photo(size: int) -> bytes:
    """A JPEG of exactly ``size`` bytes: pixels, then what a camera writes behind them."""
    target = io.BytesIO()
    Image.effect_noise((1600, 1200), 60).convert("RGB").save(target, "JPEG", quality=95)
    content = target.getvalue()
    return content[:size] + bytes(max(0, size - len(content)))


def _form(content: bytes, name: str, media_type: str) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    return f"{head}Content-Type: {media_type}\r\n\r\n".encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def _photos(running: Stage, seconds: float, rounds: int) -> list[str]:
    body = _form(photo(PHOTO_BYTES), "photo.jpg", "image/jpeg")
    lines = []
    for connections in CONNECTIONS:
        seen: dict[str, list[float]] = {"/floor/upload": [], "/api/v1/uploads": []}
        for path in seen:  # a round that only warms up
            _rate(running.port, path, body, connections, seconds / 2)
        for path in list(seen) * rounds:
            seen[path].append(_rate(running.port, path, body, connections, seconds))
            say(f"{path} × {connections}: {seen[path][-1]:.1f} MB/s")
        floor, product = seen.values()
        ratios = [ours / bare for bare, ours in zip(floor, product, strict=True)]
        ratio = statistics.median(ratios)
        lines.append(
            f"| 5 MB photo, {connections} connection{'s' if connections > 1 else ''} | {statistics.median(floor):.0f} MB/s | "
            f"{statistics.median(product):.0f} MB/s | **{ratio:.2f}** ({min(ratios):.2f} to {max(ratios):.2f}) | "
            f"≥ {BARS['photo']} | {'met' if ratio >= BARS['photo'] else 'MISSED'} |"
        )
    return lines


def _rate(port: int, path: str, body: bytes, connections: int, seconds: float) -> float:
    """Megabytes of photos a second that were answered with 201."""
    done = [0] * connections
    end = time.monotonic() + seconds

    def send(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while time.monotonic() < end:
            _post(connection, path, body, f"multipart/form-data; boundary={BOUNDARY}")
            done[number] += 1
        connection.close()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(connections)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) * PHOTO_BYTES / MEGABYTE / (time.monotonic() - start)


def _post(connection: http.client.HTTPConnection, path: str, body: bytes, media_type: str, method: str = "POST") -> Any:
    connection.request(method, path, body, {"Content-Type": media_type})
    answer = connection.getresponse()
    content = answer.read()
    if answer.status not in {200, 201}:
        raise RuntimeError(f"{path}: {answer.status} {content[:300]!r}")
    return json.loads(content)


# 100 MB video -------------------------------------------------------------------------------------------------------


def video(size: int) -> bytes:
    """An MP4 whose media data fills it up."""

    def box(kind: bytes, content: bytes) -> bytes:
        return (len(content) + 8).to_bytes(4, "big") + kind + content

    handler = box(b"hdlr", bytes(8) + b"vide" + bytes(13))
    head = box(b"ftyp", b"isom" + bytes(4) + b"isom")
    head += box(b"moov", box(b"mvhd", bytes(100)) + box(b"trak", box(b"mdia", handler)))
    return head + box(b"mdat", os.urandom(size - len(head) - 8))


def _videos(running: Stage) -> list[str]:
    content = video(VIDEO_BYTES)
    return [
        _watched(running, "100 MB video in one piece", lambda: _in_one_piece(running.port, content)),
        _watched(running, "100 MB video in parts of 1 MB", lambda: _in_parts(running.port, content)),
    ]


def _watched(running: Stage, what: str, send: Callable[[], None]) -> str:
    """Send, while the largest growth of any worker is looked for."""
    before = _resident(running.server_pid)
    peaks, stop = dict(before), threading.Event()

    def watch() -> None:
        while not stop.wait(0.02):
            for pid, resident in _resident(running.server_pid).items():
                peaks[pid] = max(peaks.get(pid, 0), resident)

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.monotonic()
    send()
    seconds = time.monotonic() - start
    stop.set()
    watcher.join()
    grown = max(peaks[pid] - before.get(pid, 0) for pid in peaks) / MEGABYTE
    verdict = "met" if grown < BARS["memory"] else "MISSED"
    return f"| {what} | – | {seconds:.1f} s | memory +{grown:.1f} MB | < {BARS['memory']:.0f} MB | {verdict} |"


def _resident(server: int) -> dict[int, int]:
    """Resident bytes of the server's workers."""
    found = {}
    for pid in map(int, Path(f"/proc/{server}/task/{server}/children").read_text("utf-8").split()):
        for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
            if line.startswith("VmRSS"):
                found[pid] = int(line.split()[1]) * 1024
    return found


def _in_one_piece(port: int, content: bytes) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    _post(
        connection, "/api/v1/uploads", _form(content, "a.mp4", "video/mp4"), f"multipart/form-data; boundary={BOUNDARY}"
    )
    connection.close()


def _in_parts(port: int, content: bytes) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    said = json.dumps({"size": len(content), "name": "a.mp4", "type": "video/mp4"}).encode()
    begun = _post(connection, "/api/v1/uploads/partial", said, "application/json")
    path, at = f"/api/v1/uploads/partial/{begun['id']}", 0
    while at < len(content):
        part = content[at : at + begun["part_bytes"]]
        at = _post(connection, f"{path}?at={at}", part, "application/octet-stream", "PUT")["received"]
    _post(connection, f"{path}/complete", b"", "application/json")
    connection.close()


def _nothing_lost(running: Stage) -> None:
    with psycopg.connect(running.database_url) as connection:
        row = connection.execute("SELECT count(*), sum(size) FROM stored_files").fetchone()
    say(f"{row[0] if row else 0} files were answered with 201 and have their rows")


# The clean copy -----------------------------------------------------------------------------------------------------


def _copies(rounds: int) -> list[str]:
    from app.files import copies
    from app.files.formats import FileKind
    from app.files.models import StoredFile
    from app.files.vault import LocalStorage, Vault
    from app.foundation.config import SealingKey
    from app.foundation.crypto import Crypto, InternationalSuite

    target = io.BytesIO()
    Image.effect_noise((4000, 3000), 40).convert("RGB").save(target, "JPEG", quality=90)
    content = target.getvalue()
    with tempfile.TemporaryDirectory(prefix="shudi-bench-") as directory:
        vault = Vault(
            LocalStorage(Path(directory)), Crypto((SealingKey("bench", os.urandom(32)),), InternationalSuite())
        )
        stored = StoredFile(size=len(content), kind=FileKind.IMAGE, id=uuid.uuid4())
        place = vault.put(stored.id, [content])
        stored.storage_key, stored.sealed_key = place.storage_key, place.sealed_key
        copies.service.vault = lambda: vault  # type: ignore[assignment]  # no application runs here
        bare, ours = [], []
        for _ in range(rounds + 1):
            bare.append(_timed(lambda: _bare_copy(content)))
            ours.append(_timed(lambda: copies.draw(stored)))
    floor, product = statistics.median(bare[1:]), statistics.median(ours[1:])
    ratios = sorted(mine / theirs for theirs, mine in zip(bare[1:], ours[1:], strict=True))
    middle = statistics.median(ratios)
    verdict = "met" if middle < BARS["copy"] else "MISSED"
    ratio = f"**{middle:.2f}** ({ratios[0]:.2f} to {ratios[-1]:.2f}) | < {BARS['copy']:.0f} | {verdict}"
    return [f"| clean copy of a 12-megapixel photo | {floor:.2f} s | {product:.2f} s | {ratio} |"]


def _bare_copy(content: bytes) -> None:
    with Image.open(io.BytesIO(content)) as opened:
        picture = ImageOps.exif_transpose(opened).convert("RGB")
    picture.save(io.BytesIO(), "JPEG", quality=85)
    picture.thumbnail((320, 320))
    picture.save(io.BytesIO(), "JPEG", quality=75)


def _timed(call: Callable[[], object]) -> float:
    start = time.monotonic()
    call()
    return time.monotonic() - start


if __name__ == "__main__":
    main()
