"""The languages of the public pages: Chinese is the source, English is complete, Uyghur falls back and reads rightwards."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.public_pages.visitor import read, send, words
from tests.tips import reporters

ROOT = Path(__file__).resolve().parents[2]
CHINESE = re.compile(r"[\u4e00-\u9fff]+")
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\d\}|<[^>]+>|%%")
PATHS = ("", "new", "follow", "recover", "privacy", "rewards", "verify")


@pytest.fixture(scope="module")
def catalogues() -> Iterator[ModuleType]:
    """The tool that keeps the catalogues."""
    spec = importlib.util.spec_from_file_location("catalogues", ROOT / "tools" / "catalogues.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop("catalogues", None)


def test_catalogues_and_their_compiled_forms_are_up_to_date(catalogues: ModuleType) -> None:
    found = catalogues.texts()
    for language in catalogues.LANGUAGES:
        path, catalogue = catalogues.updated(language, found)
        source, compiled = catalogues.as_bytes(catalogue)
        assert path.read_bytes() == source, "run python tools/catalogues.py"
        assert path.with_suffix(".mo").read_bytes() == compiled, "run python tools/catalogues.py"


def test_every_text_has_an_english_one_with_the_same_placeholders(catalogues: ModuleType) -> None:
    _, english = catalogues.kept("en")
    for text in catalogues.texts():
        told = english.get(text).string
        assert told, text
        assert not CHINESE.search(told), text
        assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(told)), text


def test_no_chinese_stands_outside_the_catalogues() -> None:
    """A text of a template is marked for translation; the script has its words from the page."""
    pages = ROOT / "app" / "public_pages"
    found = []
    for path in [*pages.rglob("*.html"), *pages.rglob("*.js")]:
        text = re.sub(r"\{#.*?#\}", "", path.read_text("utf-8"), flags=re.DOTALL)
        text = re.sub(r"_\('(?:[^'\\]|\\.)*'", "", text)
        found += [f"{path.name}: {line.strip()}" for line in text.splitlines() if CHINESE.search(line)]
    assert found == []


def _left_in_chinese(html: str) -> set[str]:
    """Chinese on a page apart from names: the office, its districts, the languages."""
    html = re.sub(r'(<option value="\d+">)[^<]*', r"\1", html)
    shown = "".join(read(html).words) + "".join(re.findall(r'(?:aria-label|alt|title|data-words)=["\']([^"\']*)', html))
    for name in (*re.findall(r'class="reach"><strong>([^<]*)', html), "中文"):
        shown = shown.replace(name, "")
    return set(CHINESE.findall(shown))


def test_english_pages_are_english_to_the_last_word(client: FlaskClient) -> None:
    for path in PATHS:
        html = client.get(f"/report/{path}?lang=en").get_data(as_text=True)
        assert '<html lang="en" dir="ltr"' in html
        assert _left_in_chinese(html) == set(), path


def test_a_refusal_a_receipt_and_the_progress_are_english_too(client: FlaskClient) -> None:
    page = client.get("/report/new?lang=en").get_data(as_text=True)
    wrong = {"subject__name": "A" * 201, "conduct__amount_yuan": "-1", "naming": "named", "truthful": "1"}
    refused = send(client, page, "/report/new", **wrong).get_data(as_text=True)
    assert "At most 200 characters; there are 201" in refused
    assert _left_in_chinese(refused) == set()
    receipt = send(client, page, "/report/new", subject__name="Example", truthful="1").get_data(as_text=True)
    assert "Your tip has been received" in receipt
    assert _left_in_chinese(receipt) == set()
    progress = send(client, receipt, "/follow").get_data(as_text=True)
    assert "Registered, waiting for review" in progress
    assert _left_in_chinese(progress) == set()
    told = send(client, progress, "/message", text="Hello").get_data(as_text=True)
    assert "Your message has reached the handling unit." in told
    assert _left_in_chinese(told) == set()


def test_a_proposal_gives_its_reason_in_english(client: FlaskClient) -> None:
    page = client.get("/report/new?lang=en").get_data(as_text=True)
    address = {"subject__registered_address": "新疆乌鲁木齐市新市区长春中路1号"}
    html = send(client, page, "/report/new", preview="1", **address).get_data(as_text=True)
    assert "Proposed district: 新疆维吾尔自治区乌鲁木齐市新市区" in html
    assert "A company is handled by the district where it is registered" in html


def test_what_people_wrote_is_never_translated(client: FlaskClient) -> None:
    receipt = factories.file_tip(client)
    page = client.get("/report/follow?lang=en").get_data(as_text=True)
    progress = send(client, page, "/follow", **reporters.codes_of(receipt)).get_data(as_text=True)
    html = send(client, progress, "/message", text="不满意").get_data(as_text=True)
    assert ">不满意</p>" in html


def test_the_language_stays_from_page_to_page_without_a_script_or_a_cookie(client: FlaskClient) -> None:
    answer = client.get("/report/?lang=en&view=large")
    html = answer.get_data(as_text=True)
    assert "Set-Cookie" not in answer.headers
    assert "/report/new?view=large&amp;lang=en" in html
    assert 'href="/report/?view=large"' in html  # back to Chinese, in the same size
    for address, _ in read(client.get("/report/new?lang=en").get_data(as_text=True)).forms:
        assert "lang=en" in address


def test_only_languages_that_the_office_switched_on_are_offered(client: FlaskClient) -> None:
    html = client.get("/report/?lang=ug").get_data(as_text=True)
    assert 'lang="zh-CN" dir="ltr"' in html
    assert 'hreflang="ug"' not in html


def test_uyghur_reads_from_right_to_left_and_falls_back_to_chinese(app: Flask, client: FlaskClient) -> None:
    settings = app.extensions["shudi_settings"]
    app.extensions["shudi_settings"] = dataclasses.replace(settings, public_languages=("zh", "en", "ug"))
    try:
        html = client.get("/report/new?lang=ug").get_data(as_text=True)
    finally:
        app.extensions["shudi_settings"] = settings
    assert '<html lang="ug" dir="rtl"' in html
    assert 'hreflang="ug" aria-current="true"' in html
    assert "我要举报" in words(html)
