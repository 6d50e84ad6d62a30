"""Uploads in parts: whatever breaks in between, the whole arrives once, sealed and checked like any other."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.files import jobs, partial, service
from app.files.models import PartialUpload, StoredFile
from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.errors import Conflict
from tests import factories, rows, threads
from tests.files import samples
from tests.moments import MONDAY_MORNING

PARTIAL = "/api/v1/uploads/partial"


def begin(client: FlaskClient, size: int, name: str = "视频.mp4", declared: str = "video/mp4") -> dict[str, Any]:
    answer = client.post(PARTIAL, json={"size": size, "name": name, "type": declared})
    assert answer.status_code == 201, answer.json
    begun: dict[str, Any] = answer.json
    return begun


def put(client: FlaskClient, upload_id: str, at: int, content: bytes) -> Any:
    return client.put(f"{PARTIAL}/{upload_id}?at={at}", data=content, content_type="application/octet-stream")


def complete(client: FlaskClient, upload_id: str) -> Any:
    return client.post(f"{PARTIAL}/{upload_id}/complete")


def video(size: int) -> bytes:
    head = samples.mp4()
    return head + samples.box(b"free", hashlib.shake_128(b"film").digest(size - len(head) - 8))


def objects(app: Flask) -> list[Path]:
    root = Path(unquote(urlsplit(app.extensions["shudi_settings"].files_url).path))
    return [path for path in root.rglob("*") if path.is_file()]


def test_parts_become_the_file_that_was_sent(app: Flask, client: FlaskClient) -> None:
    content = video(700_000)
    before = len(objects(app))
    begun = begin(client, len(content))
    assert (begun["received"], begun["part_bytes"]) == (0, partial.PART_BYTES)
    at = 0
    for length in (300_000, 1, 399_999):
        answer = put(client, begun["id"], at, content[at : at + length])
        at += length
        assert (answer.status_code, answer.json["received"]) == (200, at)
    answer = complete(client, begun["id"])
    assert answer.status_code == 201, answer.json
    assert answer.json["sha256"] == hashlib.sha256(content).hexdigest()
    assert (answer.json["kind"], answer.json["size"]) == ("video", len(content))
    stored, plain = service.open_file(UUID(answer.json["id"]))
    assert b"".join(plain) == content
    assert service.original_name(stored) == "视频.mp4"
    assert len(objects(app)) == before + 1  # the parts are gone
    factories.file_tip(client, evidence=[answer.json["id"]])


def test_what_lies_on_disk_is_sealed_while_the_upload_is_under_way(app: Flask, client: FlaskClient) -> None:
    content = video(100_000)
    begun = begin(client, len(content) + 1, name="王小明的录像.mp4")
    put(client, begun["id"], 0, content)
    assert not any(content[50_000:50_032] in path.read_bytes() for path in objects(app))
    stored = [line for lines in rows.dump().values() for line in lines]
    assert not any("王小明" in line for line in stored)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_any_order_of_lost_answers_and_repeats_ends_in_the_same_file(client: FlaskClient, data: st.DataObject) -> None:
    """A client that follows ``received`` always gets there, whatever it sent twice, early or empty in between."""
    content = samples.pdf() + b" " * data.draw(st.integers(0, 1500))
    begun, at = begin(client, len(content), "合同.pdf", "application/pdf"), 0
    while at < len(content):
        sent_at = data.draw(st.sampled_from([at, 0, max(0, at - 7), at + 1]))
        answer = put(client, begun["id"], sent_at, content[sent_at : sent_at + data.draw(st.integers(200, 2500))])
        assert answer.status_code == (200 if sent_at == at and sent_at < len(content) else 409)
        assert answer.json["received"] >= at
        at = answer.json["received"]
    assert client.get(f"{PARTIAL}/{begun['id']}").json["received"] == len(content)
    first, second = complete(client, begun["id"]), complete(client, begun["id"])
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json == second.json
    assert first.json["sha256"] == hashlib.sha256(content).hexdigest()


def test_the_first_part_already_shows_what_is_not_taken(app: Flask, client: FlaskClient) -> None:
    before = len(objects(app))
    begun = begin(client, 50_000, "照片.jpg", "image/jpeg")
    answer = put(client, begun["id"], 0, b"MZ" + bytes(9000))
    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_file")
    assert len(objects(app)) == before


def test_the_whole_is_checked_and_a_refused_one_leaves_nothing(app: Flask, client: FlaskClient) -> None:
    """A polyglot whose archive comes with the last part."""
    content = samples.png() + samples.docx()
    before = len(objects(app))
    begun = begin(client, len(content), "照片.png", "image/png")
    put(client, begun["id"], 0, content[:20])
    put(client, begun["id"], 20, content[20:])
    answer = complete(client, begun["id"])
    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_file")
    assert len(objects(app)) == before
    assert rows.scalar("SELECT (SELECT count(*) FROM partial_uploads) + (SELECT count(*) FROM upload_parts)") == 0


@pytest.mark.parametrize("size", [0, -1, "9", None, True, 2**70])
def test_a_size_that_is_none_is_refused(client: FlaskClient, size: Any) -> None:
    assert client.post(PARTIAL, json={"size": size}).status_code == 422


def test_more_than_allowed_is_refused(app: Flask, client: FlaskClient) -> None:
    assert client.post(PARTIAL, json={"size": service.LARGEST_FILE_BYTES + 1}).status_code == 413
    before = len(objects(app))
    begun = begin(client, 10_000_000)
    too_long = put(client, begun["id"], 0, samples.mp4() + bytes(partial.LARGEST_PART_BYTES))
    assert (too_long.status_code, too_long.json["detail"]) == (413, "每次最多上传 8 MB")
    short = begin(client, 100)
    assert put(client, short["id"], 0, video(2000)).status_code == 413
    assert put(client, short["id"], 0, b"").status_code == 422
    assert len(objects(app)) == before


def test_an_unfinished_upload_cannot_be_completed(client: FlaskClient) -> None:
    begun = begin(client, 5000)
    put(client, begun["id"], 0, video(2000))
    answer = complete(client, begun["id"])
    assert (answer.status_code, answer.json["code"], answer.json["received"]) == (409, "upload_incomplete", 2000)


def test_a_stranger_finds_nothing(client: FlaskClient) -> None:
    for answer in (
        client.get(f"{PARTIAL}/{uuid4()}"),
        put(client, str(uuid4()), 0, b"x"),
        complete(client, str(uuid4())),
    ):
        assert answer.status_code == 404


def test_after_a_day_it_is_gone_with_its_bytes(app: Flask, client: FlaskClient) -> None:
    with clock.stopped_at(clock.now()) as _:
        content = video(3000)
        begun = begin(client, 5000)
        put(client, begun["id"], 0, content)
        done = begin(client, len(content))
        put(client, done["id"], 0, content)
        assert complete(client, done["id"]).status_code == 201
    with clock.stopped_at(clock.now() + timedelta(hours=25)):
        assert client.get(f"{PARTIAL}/{begun['id']}").status_code == 404
        jobs.remove_orphans()
        assert jobs.remove_orphans() == jobs.Removed(0, 0)
    assert rows.scalar("SELECT (SELECT count(*) FROM partial_uploads) + (SELECT count(*) FROM stored_files)") == 0
    assert objects(app) == []


def test_the_same_part_twice_at_once_is_kept_once(committed_app: Flask) -> None:
    with clock.stopped_at(MONDAY_MORNING):
        client = committed_app.test_client()
        content = video(3000)
        begun = begin(client, len(content))
        answers = threads.at_once(
            committed_app,
            [lambda: put(committed_app.test_client(), begun["id"], 0, content).status_code for _ in range(4)],
        )
        assert sorted(answers) == [200, 409, 409, 409]
        done = threads.at_once(
            committed_app, [lambda: complete(committed_app.test_client(), begun["id"]).json["id"] for _ in range(3)]
        )
        assert len(set(done)) == 1
        assert rows.scalar("SELECT count(*) FROM stored_files") == 1
        assert len(objects(committed_app)) >= 1


def test_parts_that_another_call_takes_away_while_they_are_read_answer_its_file(
    committed_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, content, faster = committed_app.test_client(), video(3000), []
    begun = begin(client, len(content))
    put(client, begun["id"], 0, content)
    look = partial.whole_of

    def overtaken(upload: PartialUpload) -> partial.Whole:
        whole = look(upload)
        monkeypatch.setattr(partial, "whole_of", look)
        faster.append(complete(committed_app.test_client(), begun["id"]).json["id"])
        return whole

    monkeypatch.setattr(partial, "whole_of", overtaken)
    answer = complete(client, begun["id"])
    assert (answer.status_code, [answer.json["id"]]) == (200, faster)


def test_a_row_without_its_file_is_refused_not_believed(app: Flask) -> None:
    """The second of two that bring the same part is told where to go on."""
    with transaction(OPEN_WALL):
        upload = partial.begin(5000, "a.mp4", "video/mp4")
    part = partial.keep_part(upload, 0, [video(2000)])
    with transaction(OPEN_WALL):
        partial.register_part(part)
    late = partial.keep_part(upload, 0, [video(2000)])
    with pytest.raises(Conflict) as refusal, transaction(OPEN_WALL):
        partial.register_part(late)
    assert refusal.value.extra["received"] == 2000
    assert db.session.get(StoredFile, upload.id) is None
