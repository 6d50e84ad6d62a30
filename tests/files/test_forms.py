"""A form with files in one request, as a browser without scripts sends it."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict
from werkzeug.test import EnvironBuilder

from app.files.forms import ReceivedForm, receive_form
from app.foundation.errors import InvalidInput, PayloadTooLarge
from tests.files import samples


def _received(app: Flask, pairs: list[tuple[str, Any]]) -> ReceivedForm:
    builder = EnvironBuilder("/", method="POST", data=MultiDict(pairs), content_type="multipart/form-data")
    with app.request_context(builder.get_environ()):
        return receive_form("public", lambda: None)


def _file(content: bytes, name: str) -> tuple[io.BytesIO, str]:
    return io.BytesIO(content), name


def test_fields_and_files_arrive_together(app: Flask) -> None:
    pairs = [
        ("name", "某某公司"),
        ("publicity", "sms"),
        ("publicity", "seminar"),
        ("file", _file(samples.png(8, 8), "一.png")),
        ("file", _file(samples.pdf(), "二.pdf")),
    ]
    form = _received(app, pairs)
    assert form.fields.getlist("publicity") == ["sms", "seminar"]
    assert form.fields["name"] == "某某公司"
    assert [file.kind for file in form.files] == ["image", "pdf"]
    assert form.refused == []


def test_an_empty_file_field_is_no_file(app: Flask) -> None:
    form = _received(app, [("name", "甲"), ("file", _file(b"", ""))])
    assert (form.files, form.refused) == ([], [])


def test_a_wrong_file_loses_neither_the_text_nor_the_others(app: Flask) -> None:
    pairs = [
        ("before", "前"),
        ("file", _file(b"#!/bin/sh\n" * 20_000, "照片.png")),
        ("file", _file(samples.png(8, 8), "好.png")),
        ("after", "后"),
    ]
    form = _received(app, pairs)
    assert (form.fields["before"], form.fields["after"]) == ("前", "后")
    assert len(form.files) == 1
    (told,) = form.refused
    assert told.startswith("“照片.png”：")


def test_a_field_without_end_is_refused(app: Flask) -> None:
    with pytest.raises(PayloadTooLarge):
        _received(app, [("name", "长" * 40_000)])


def test_another_kind_of_request_is_refused(app: Flask) -> None:
    with app.test_request_context("/", method="POST", json={}), pytest.raises(InvalidInput):
        receive_form("public", lambda: None)
