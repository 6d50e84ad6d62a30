# ruff: noqa: INP001, T201 - a script, not a package
"""Keep the catalogues of the public pages: collect the texts, bring the .po files up to date, compile the .mo files.

Texts come from the templates (``_('…')``) and from every Chinese sentence that the modules below may say to the public;
figures of a sentence are placeholders. The compiled files are committed, so that running the program needs no build:

    python tools/catalogues.py            after a text has changed; translate what is new in the .po files, run it again
    python tools/catalogues.py --check    exits 1 where a catalogue is behind the texts, or a .mo behind its .po
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
TRANSLATIONS = ROOT / "app" / "public_pages" / "translations"
TEMPLATES = ROOT / "app" / "public_pages" / "templates"
LANGUAGES = ("en", "ug")
SPEAKING = (
    "app/public_pages/*.py",
    "app/cases/claim_query.py",
    "app/rewards/claiming.py",
    "app/tips/service.py",
    "app/tips/schemas.py",
    "app/tips/access.py",
    "app/tips/conversation.py",
    "app/tips/conversation_schemas.py",
    "app/tips/guard.py",
    "app/tips/progress.py",
    "app/tips/rating.py",
    "app/tips/rating_api.py",
    "app/tips/recovery.py",
    "app/tips/recovery_api.py",
    "app/tips/proof_api.py",
    "app/files/service.py",
    "app/files/partial.py",
    "app/files/http.py",
    "app/files/forms.py",
    "app/files/sniffing.py",
    "app/files/formats.py",
    "app/files/office_documents.py",
    "app/files/media_containers.py",
    "app/foundation/errors.py",
    "app/foundation/field_faults.py",
    "app/foundation/text_fields.py",
    "app/foundation/http.py",
)
"""Modules whose sentences may reach a public page; dictionaries of choices included."""

DICTIONARIES = (
    ("app/workflow/states.py", "PUBLIC_TEXTS"),
    ("app/rewards/states.py", "PUBLIC_TEXTS"),
    ("app/cases/words.py", "CLAIM_STATE_TEXTS"),
    ("app/cases/words.py", "PAYMENT_STATE_TEXTS"),
)
"""Of modules that mostly speak to officers: the dictionaries that the public reads."""

CHINESE = re.compile(r"[\u4e00-\u9fff]")
FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
BACK_REFERENCE = re.compile(r"\\(\d)")


def texts() -> dict[str, list[str]]:
    """Every text → where it stands."""
    found: dict[str, list[str]] = {}
    for path in sorted(TEMPLATES.rglob("*.html")):
        for _, text, _, _ in extract_from_file("jinja2.ext:babel_extract", path, keywords={"_": None}):
            found.setdefault(str(text), []).append(path.relative_to(ROOT).as_posix())
    for pattern in SPEAKING:
        for path in sorted(ROOT.glob(pattern)):
            for text in sentences(ast.parse(path.read_text("utf-8"))):
                found.setdefault(text, []).append(path.relative_to(ROOT).as_posix())
    for place, name in DICTIONARIES:
        for text in _choices(place, name):
            found.setdefault(text, []).append(place)
    return found


def sentences(tree: ast.Module) -> Iterator[str]:
    """The Chinese strings of a module that are no documentation; what is filled in is a placeholder."""
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    silent = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) or (isinstance(node, ast.keyword) and node.arg == "metadata")  # for developers
        for part in ast.walk(node.value)
        if isinstance(node, ast.keyword) or part is node.value
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = _as_pattern(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (inside | silent):
            text = BACK_REFERENCE.sub(lambda found: f"{{{int(found[1]) - 1}}}", node.value)
        else:
            continue
        if CHINESE.search(text):
            yield text


def _as_pattern(node: ast.JoinedStr) -> str:
    """``f"最多 {LONGEST} 个字"`` → ``最多 {0} 个字``, figures of the text itself counted among the placeholders."""
    flat = "".join(part.value if isinstance(part, ast.Constant) else "0" for part in node.values)  # type: ignore[misc]
    numbers = iter(range(100))
    return FIGURE.sub(lambda _: f"{{{next(numbers)}}}", flat)


def _choices(path: str, name: str) -> list[str]:
    """The Chinese values of one dictionary of a module, read without starting the program."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
            strings = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant)]
            return [text for text in strings if isinstance(text, str) and CHINESE.search(text)]
    raise SystemExit(f"{name} is gone from {path}")


def kept(language: str) -> tuple[Path, Catalog]:
    """The catalogue of a language as it lies in the repository."""
    path = TRANSLATIONS / language / "LC_MESSAGES" / "messages.po"
    if not path.exists():
        return path, Catalog(locale=language)
    with path.open("rb") as file:
        return path, read_po(file, locale=language)


def updated(language: str, found: dict[str, list[str]]) -> tuple[Path, Catalog]:
    """The catalogue with the present texts: translations are kept, texts that are gone are dropped."""
    path, old = kept(language)
    fixed = datetime(2025, 1, 1, tzinfo=UTC)  # no clock, so that the same texts give the same file
    new = Catalog(
        locale=language,
        project="shudi",
        version="1",
        copyright_holder="shudi",
        msgid_bugs_address="shudi",
        creation_date=fixed,
        revision_date=fixed,
        last_translator="shudi",
        language_team=language,
        fuzzy=False,
    )
    new.header_comment = "# Texts of the public pages. An empty msgstr falls back to the Chinese text."
    for text in sorted(found):
        known = old.get(text)
        new.add(text, known.string if known else "", locations=[(place, 0) for place in sorted(set(found[text]))])
    return path, new


def as_bytes(catalogue: Catalog) -> tuple[bytes, bytes]:
    """The .po and the .mo."""
    source, compiled = io.BytesIO(), io.BytesIO()
    write_po(source, catalogue, width=120, include_lineno=False, sort_output=False)
    write_mo(compiled, catalogue)
    return source.getvalue(), compiled.getvalue()


def main() -> int:
    """Bring the catalogues up to date, or say which are not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    only_check = parser.parse_args().check
    found, behind = texts(), []
    for language in LANGUAGES:
        path, catalogue = updated(language, found)
        path.parent.mkdir(parents=True, exist_ok=True)
        for target, content in zip((path, path.with_suffix(".mo")), as_bytes(catalogue), strict=True):
            if target.exists() and target.read_bytes() == content:
                continue
            behind.append(target.relative_to(ROOT).as_posix())
            if not only_check:
                target.write_bytes(content)
        missing = [text for text in found if not (entry := catalogue.get(text)) or not entry.string]
        print(f"{language}: {len(found)} texts, {len(missing)} without a translation")
    if only_check and behind:
        print("run python tools/catalogues.py:", *behind, sep="\n  ")
    return 1 if only_check and behind else 0


if __name__ == "__main__":
    sys.exit(main())
