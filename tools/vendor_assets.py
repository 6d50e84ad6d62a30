# ruff: noqa: INP001 - a script, not a package
"""Copy the console's third-party files from npm packages into app/console/static/vendor.

The pins are package.json and package-lock.json; the packages are unpacked in a temporary directory, so that no
node_modules stays behind. The copied files are committed: running the console needs neither npm nor the internet.
Run it after a pin or the list of icons has changed:  python tools/vendor_assets.py
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "app" / "console" / "static" / "vendor"

# target below vendor/ -> (package, file inside the package)
FILES = {
    "htmx/htmx.min.js": ("htmx.org", "dist/htmx.min.js"),
    "htmx/LICENSE": ("htmx.org", "LICENSE"),
    "tabler/tabler.min.css": ("@tabler/core", "dist/css/tabler.min.css"),
    "tabler-icons/LICENSE": ("@tabler/icons", "LICENSE"),
    "echarts/echarts.common.min.js": ("echarts", "dist/echarts.common.min.js"),
    "echarts/LICENSE": ("echarts", "LICENSE"),
    "echarts/NOTICE": ("echarts", "NOTICE"),
    "echarts/LICENSE-d3": ("echarts", "licenses/LICENSE-d3"),
}
SPRITE = "tabler-icons/icons.svg"
ICONS = """
    adjustments alert-circle alert-triangle arrow-merge arrow-right arrows-exchange award bell bookmark briefcase
    building building-bank calendar calendar-due calendar-event certificate chart-bar check chevron-right
    circle-check clipboard-list clock clock-exclamation coin columns command corner-down-left database
    device-floppy download edit eye eye-check file-export file-search file-text file-type-pdf filter flag
    gavel headphones history home hourglass inbox info-circle key keyboard link list-check list-details
    list-search lock logout mail map map-pin maximize menu-2 message messages moon music paperclip phone
    photo player-pause player-play plus printer refresh report-analytics rotate-clockwise scale search send
    settings shield-check shield-lock stack-2 sun text-size trash upload user user-off user-share users
    users-group video world x zoom-in zoom-out
""".split()  # noqa: SIM905 - fifty names read better as a block

# @tabler/core ships no licence file, only this notice at the head of each file; it is built on Bootstrap.
MIT = """The MIT License (MIT)

{holders}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""
TABLER_HOLDERS = """Copyright 2018-2026 The Tabler Authors
Copyright 2018-2026 codecalm.net Paweł Kuna
Bootstrap, contained in tabler.min.css: Copyright 2011-2026 The Bootstrap Authors"""


def build_sprite(icons_dir: Path) -> str:
    """Return one SVG document with a <symbol id="i-NAME"> for each icon of ICONS; strokes follow the text colour."""
    symbols = []
    for name in ICONS:
        svg = (icons_dir / f"{name}.svg").read_text(encoding="utf-8")
        shapes = re.findall(r"<(?:path|circle|rect|line|polyline)\b[^>]*/>", svg)
        drawn = "".join(shape for shape in shapes if 'd="M0 0h24v24H0z"' not in shape)
        symbols.append(f'<symbol id="i-{name}" viewBox="0 0 24 24">{drawn}</symbol>')
    style = 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'
    body = "\n".join(symbols)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {style}>\n{body}\n</svg>\n'


def install(into: Path) -> dict[str, dict[str, str]]:
    """Unpack the pinned packages below INTO and return {package: {"version", "license"}}."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / name, into / name)
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is needed to refresh the vendored assets")
    subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=into, check=True)  # noqa: S603
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    return {
        path.removeprefix("node_modules/"): {"version": entry["version"], "license": entry["license"]}
        for path, entry in lock["packages"].items()
        if path
    }


def copy_files(modules: Path) -> dict[str, str]:
    """Fill VENDOR from the unpacked MODULES and return {file: package}."""
    shutil.rmtree(VENDOR, ignore_errors=True)
    origin = {target: package for target, (package, _) in FILES.items()}
    for target, (package, source) in FILES.items():
        path = VENDOR / target
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(modules / package / source, path)
    (VENDOR / "tabler" / "LICENSE").write_text(MIT.format(holders=TABLER_HOLDERS), encoding="utf-8")
    (VENDOR / SPRITE).write_text(build_sprite(modules / "@tabler/icons" / "icons" / "outline"), encoding="utf-8")
    return origin | {"tabler/LICENSE": "@tabler/core", SPRITE: "@tabler/icons"}


def main() -> None:
    """Copy everything and write manifest.json: file -> sha256, package, version, license."""
    with tempfile.TemporaryDirectory() as scratch:
        packages = install(Path(scratch))
        origin = copy_files(Path(scratch) / "node_modules")
    manifest = {
        name: {"sha256": hashlib.sha256((VENDOR / name).read_bytes()).hexdigest(), "package": package}
        | packages[package]
        for name, package in sorted(origin.items())
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    (VENDOR / "manifest.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
