"""The table of the office's rules names tests that exist."""

from __future__ import annotations

import ast
import re

import pytest

from app.foundation.config import REPOSITORY

RULES = (REPOSITORY / "docs" / "rules.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+) \| .+? \| (.+) \|$", RULES, re.MULTILINE)


@pytest.mark.parametrize(("rule", "named"), ROWS, ids=[rule for rule, _ in ROWS])
def test_every_rule_of_handling_has_its_tests(rule: str, named: str) -> None:
    tests = re.findall(r"`([^`]+)::(\w+)`", named)
    assert tests
    for path, name in tests:
        tree = ast.parse((REPOSITORY / path).read_text(encoding="utf-8"))
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, (path, name)


def test_all_rules_that_concern_handling_are_in_the_table() -> None:
    assert [int(rule) for rule, _ in ROWS] == [*range(4, 17), 18]
