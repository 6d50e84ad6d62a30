"""The languages of the public pages. Chinese is the source and the fall-back; the office switches the others on.

A text of a template is marked there (``_('…')``). A sentence that the rooms below say (a choice, a status, a refusal)
reaches the page in Chinese and is looked up as a whole by :func:`in_words`, figures apart. A translator fills
``translations/<language>/LC_MESSAGES/messages.po``; ``tools/catalogues.py`` keeps and compiles the catalogues.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from apiflask import APIFlask
from flask import current_app, g, has_request_context
from flask_babel import Babel, gettext

SOURCE: Final = "zh"
_FIGURE: Final = re.compile(r"\d+(?:[.,]\d+)*")
_OF_A_FILE: Final = re.compile(r"“(?P<name>.*)”：(?P<reason>[^”]*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Language:
    """One language: its tag in HTML, its own name, and which way it is read."""

    code: str
    tag: str
    name: str
    direction: str = "ltr"


LANGUAGES: Final = {
    "zh": Language("zh", "zh-CN", "中文"),
    "en": Language("en", "en", "English"),
    "ug": Language("ug", "ug", "ئۇيغۇرچە", "rtl"),
}


def register(application: APIFlask) -> None:
    """Connect the catalogues and the filter of the templates."""
    application.config["BABEL_TRANSLATION_DIRECTORIES"] = "public_pages/translations"
    Babel(application, default_locale=SOURCE, default_timezone="Asia/Shanghai", locale_selector=lambda: chosen().code)
    application.jinja_env.filters["in_words"] = in_words


def offered() -> list[Language]:
    """The languages that this office has switched on, Chinese first."""
    return [LANGUAGES[code] for code in current_app.extensions["shudi_settings"].public_languages]


def note(code: str) -> None:
    """Remember the language that the present request asks for; one that is not offered is Chinese."""
    g.public_language = code if any(one.code == code for one in offered()) else SOURCE


def chosen() -> Language:
    """The language of the present request."""
    return LANGUAGES[g.get("public_language", SOURCE)] if has_request_context() else LANGUAGES[SOURCE]


def in_words(said: Any) -> str:
    """A Chinese sentence of the rooms below in the language of the page; as it is where no catalogue knows it.

    Figures are no part of an entry: "最多 20 个文件" is found under "最多 {0} 个文件".
    """
    text = str(said)
    if chosen().code == SOURCE or not text:
        return text
    told: str = gettext(text)
    if told != text:
        return told
    if about_file := _OF_A_FILE.fullmatch(text):
        return f"“{about_file['name']}”: {in_words(about_file['reason'])}"
    figures = _FIGURE.findall(text)
    numbers = iter(range(len(figures)))
    pattern = _FIGURE.sub(lambda _: f"{{{next(numbers)}}}", text)
    told = gettext(pattern)
    return told.format(*figures) if told != pattern else text
