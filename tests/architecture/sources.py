"""The program's own source files, parsed once for all laws that read them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Source:
    """One module of ``app/``."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


@cache
def sources() -> tuple[Source, ...]:
    """Every Python module under ``app/``, and ``wsgi.py``."""
    paths = [*sorted((ROOT / "app").rglob("*.py")), ROOT / "wsgi.py"]
    texts = [(path, path.read_text(encoding="utf-8")) for path in paths]
    return tuple(Source(path, text, ast.parse(text)) for path, text in texts)


def calls(source: Source) -> Iterator[tuple[ast.Call, str]]:
    """Every call of a module with the dotted name it is made by (``datetime.now``, ``session.commit``)."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)
