"""The committed third-party files are exactly what the manifest and the pins say."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONSOLE = ROOT / "app" / "console"
VENDOR = CONSOLE / "static" / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text(encoding="utf-8"))
LOCK = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))


def test_manifest_lists_every_file_and_nothing_else() -> None:
    present = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}
    assert present - {"manifest.json"} == set(MANIFEST)


@pytest.mark.parametrize("name", sorted(MANIFEST))
def test_file_has_the_recorded_digest_and_the_pinned_version(name: str) -> None:
    entry = MANIFEST[name]
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == entry["sha256"]
    locked = LOCK["packages"][f"node_modules/{entry['package']}"]
    assert (entry["version"], entry["license"]) == (locked["version"], locked["license"])


def test_every_package_brings_its_licence() -> None:
    licensed = {entry["package"] for name, entry in MANIFEST.items() if "LICENSE" in name}
    assert licensed == {entry["package"] for entry in MANIFEST.values()}


def test_lock_file_holds_no_registry_address() -> None:
    assert not any("resolved" in entry for entry in LOCK["packages"].values())


def test_templates_use_only_icons_of_the_sprite() -> None:
    sprite = (VENDOR / "tabler-icons" / "icons.svg").read_text(encoding="utf-8")
    drawn = set(re.findall(r'<symbol id="i-([a-z0-9-]+)"', sprite))
    sources = [path.read_text(encoding="utf-8") for path in (CONSOLE / "templates").rglob("*.html")]
    used = {name for source in sources for name in re.findall(r"""\bicon\(['"]([a-z0-9-]+)['"]""", source)}
    assert used, "no template calls icon()"
    assert used <= drawn


@pytest.mark.parametrize(
    "forbidden",
    [
        r"<script(?![^>]*\bsrc=)",
        r"<style\b",
        r"\sstyle\s*=",
        r"\son[a-z]+\s*=",
        r"\bhx-on",
        r"(?:src|href)=[\"']https?:",
    ],
)
def test_templates_keep_to_the_content_security_policy(forbidden: str) -> None:
    offenders = [
        path.name
        for path in (CONSOLE / "templates").rglob("*.html")
        if re.search(forbidden, path.read_text(encoding="utf-8"))
    ]
    assert offenders == []
