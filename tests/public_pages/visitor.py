"""A visitor without scripts: reads the forms of a page and sends them back filled in."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

Page = tuple[int, str]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, MultiDict[str, Any]]] = []
        self.words: list[str] = []
        self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        if tag == "form":
            self.forms.append((has.get("action") or "", MultiDict()))
        name = has.get("name")
        if tag == "input" and name and self.forms:
            kind = has.get("type")
            if kind == "file" or (kind in {"radio", "checkbox"} and "checked" not in has):
                return
            self.forms[-1][1].add(name, has.get("value") or "")
        if tag == "textarea" and name and self.forms:
            self._area = name
            self.forms[-1][1].add(name, "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._area:
            self.forms[-1][1].setlist(self._area, [data])

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""


def read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    return reader


def words(html: str) -> str:
    """What stands on the page, without spaces."""
    return "".join("".join(read(html).words).split())


def send(client: FlaskClient, html: str, action: str, **changes: Any) -> Any:
    """Send the form of ``html`` whose address ends in ``action``; ``changes`` replace fields, ``None`` takes one away.

    Names of fields hold dots: write them with two underscores.
    """
    address, fields = next((a, f) for a, f in read(html).forms if a.partition("?")[0].endswith(action))
    filled = MultiDict(fields)
    for written, value in changes.items():
        name = written.replace("__", ".")
        filled.poplist(name)
        if value is not None:
            filled.setlist(name, value if isinstance(value, list) else [value])
    return client.post(address, data=filled, content_type="multipart/form-data")
