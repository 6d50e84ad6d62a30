"""Laws that are read off the source: one commit, one clock, small pieces, honest names, imports going down."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from flask import Flask
from importlinter import api as importlinter_api
from importlinter import configuration
from marshmallow import Schema

from app.foundation.text_fields import PlainText
from tests.architecture.sources import ROOT, Source, calls, sources

LONGEST_MODULE = 400
LONGEST_FUNCTION = 30
LONGEST_VIEW = 15
EXCUSE = "# long because"
"""A function or module over its measure says why in a comment that begins like this, in or just above its first line."""


def test_transactions_end_in_one_module_only() -> None:
    found = [
        f"{source.name}:{call.lineno} {name}"
        for source in sources()
        for call, name in calls(source)
        if re.search(r"\.(commit|rollback)$", name) and source.name != "app/foundation/database.py"
    ]
    assert found == []


def test_there_is_one_clock() -> None:
    """Measuring how long something takes (``perf_counter``, ``monotonic``) and waiting (``sleep``) are no clocks."""
    forbidden = re.compile(
        r"(^|\.)(datetime\.(now|utcnow|today)|date\.today"
        r"|time\.(time|time_ns|localtime|gmtime|ctime|strftime)|func\.(now|current_timestamp|clock_timestamp))$"
    )
    found = [
        f"{source.name}:{call.lineno} {name}"
        for source in sources()
        for call, name in calls(source)
        if forbidden.search(name) and source.name != "app/foundation/clock.py"
    ]
    assert found == []


def test_the_database_keeps_no_clock_either() -> None:
    migrations = [path.read_text(encoding="utf-8") for path in (ROOT / "migrations" / "versions").glob("*.py")]
    assert not any(
        re.search(r"\b(now\(\)|CURRENT_TIMESTAMP|clock_timestamp)", text, re.IGNORECASE) for text in migrations
    )


def _excused(source: Source, first: int, last: int) -> bool:
    return any(EXCUSE in line for line in source.lines[max(first - 2, 0) : last])


def test_modules_are_short() -> None:
    found = {
        source.name: len(source.lines)
        for source in sources()
        if len(source.lines) > LONGEST_MODULE and not _excused(source, 1, 40)
    }
    assert found == {}


def _is_view(function: ast.FunctionDef) -> bool:
    return any(re.match(r"(endpoint|page)\(", ast.unparse(decorator)) for decorator in function.decorator_list)


def _length(function: ast.FunctionDef) -> int:
    """Lines from ``def`` to the end, without the docstring: what is said about a function does not make it long."""
    end = function.end_lineno or function.lineno
    told = function.body[0] if ast.get_docstring(function, clean=False) is not None else None
    said = (told.end_lineno or told.lineno) - told.lineno + 1 if told else 0
    return end - function.lineno + 1 - said


@pytest.mark.parametrize(("views", "longest"), [(False, LONGEST_FUNCTION), (True, LONGEST_VIEW)])
def test_functions_are_short(*, views: bool, longest: int) -> None:
    found = {
        f"{source.name}:{node.name}": _length(node)
        for source in sources()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef)
        and _is_view(node) is views
        and _length(node) > longest
        and not _excused(source, node.lineno, node.end_lineno or node.lineno)
    }
    assert found == {}


def test_names_say_something() -> None:
    empty = re.compile(r"^(utils?|helpers?|common|misc|core|base|stuff|lib)$")
    parts = {part for source in sources() for part in [source.path.stem, *source.path.relative_to(ROOT).parts[:-1]]}
    assert [part for part in sorted(parts) if empty.match(part)] == []


def test_every_module_says_what_it_is() -> None:
    silent = [source.name for source in sources() if ast.get_docstring(source.tree) is None]
    assert silent == []


def test_import_contracts_hold(capsys: pytest.CaptureFixture[str]) -> None:
    """The contracts of ``pyproject.toml``; the API prints what is broken."""
    configuration.configure()
    kept = importlinter_api.use_cases.lint_imports(config_filename=str(ROOT / "pyproject.toml"), cache_dir=None)
    assert kept, capsys.readouterr().out


def test_import_contracts_name_every_room() -> None:
    contract = next(
        c
        for c in importlinter_api.read_configuration(str(ROOT / "pyproject.toml"))["contracts_options"]
        if c["type"] == "layers"
    )
    named = {name.strip() for line in contract["layers"] for name in re.split(r"[|:]", line)}
    rooms = {path.parent.name for path in (ROOT / "app").glob("*/__init__.py")}
    assert rooms == {name.strip("() ") for name in named}


def test_one_function_writes_statuses() -> None:
    """Nothing but the three ``_write`` functions assigns a handling's, a request's or a case's status."""
    found = set()
    for source in sources():
        for function in [node for node in ast.walk(source.tree) if isinstance(node, ast.FunctionDef)]:
            for node in ast.walk(function):
                targets = node.targets if isinstance(node, ast.Assign) else []
                if any(
                    re.fullmatch(r"(handling|request|reassignment|tip|case)\.status", ast.unparse(t)) for t in targets
                ):
                    found.add(f"{source.name}:{function.name}")
    assert found == {f"app/{name}.py:_write" for name in ("workflow/service", "workflow/reassignment", "cases/service")}


def test_no_reason_is_a_blank(session_app: Flask) -> None:
    """A reason that shows nothing is none, whoever asks for it; what is only told (a view) is not asked for."""
    assert session_app
    asked = [one for one in _schemas(Schema) if one.__module__.startswith("app.") and "View" not in one.__name__]
    blank = [
        f"{one.__module__}.{one.__name__}"
        for one in asked
        if "reason" in one._declared_fields and not isinstance(one._declared_fields["reason"], PlainText)
    ]
    assert len(asked) > 100
    assert blank == []


def _schemas(base: type[Schema]) -> Iterator[type[Schema]]:
    for one in base.__subclasses__():
        yield one
        yield from _schemas(one)


def test_jobs_say_why_running_twice_is_safe() -> None:
    silent = [
        f"{source.name}:{node.name}"
        for source in sources()
        if source.path.name == "jobs.py"
        for node in source.tree.body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and not re.search(r"(?i)\btwice\b", ast.get_docstring(node) or "")
    ]
    # run_periodic hands over to jobs that each say it themselves.
    assert [name for name in silent if name != "app/outbox/jobs.py:run_periodic"] == []


def test_no_address_of_a_package_index_and_no_path_of_a_machine() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", "*.py", "*.toml", "*.lock", "*.md", "Makefile", "*.cfg", "*.ini", "*.json"],
        cwd=ROOT, capture_output=True, check=False, text=True,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("not a git checkout")
    forbidden = re.compile(r"--(extra-)?index-url|\bindex-url\s*=|/root/|/home/[a-z]")
    found = []
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path == ROOT / "tests" / "architecture" / "test_house.py" or not path.exists() or "vendor" in path.parts:
            continue
        found += [
            f"{name}: {line.strip()}"
            for line in path.read_text(encoding="utf-8").splitlines()
            if forbidden.search(line)
        ]
    assert [line for line in found if "--no-emit-index-url" not in line] == []


def test_the_table_of_states_loads_without_the_web(tmp_path: object) -> None:
    """The interpreter itself agrees with the import graph: the deadline arithmetic needs no package of ours but its own."""
    code = (
        "import sys, types, importlib, pathlib; root = pathlib.Path('app');\n"
        "for name in ('app', 'app.workflow', 'app.foundation'):\n"
        "    package = types.ModuleType(name); package.__path__ = [str(root.joinpath(*name.split('.')[1:]))]\n"
        "    sys.modules[name] = package\n"
        "importlib.import_module('app.workflow.states'); importlib.import_module('app.workflow.deadlines')\n"
        "print(sorted({'flask', 'sqlalchemy', 'redis'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
