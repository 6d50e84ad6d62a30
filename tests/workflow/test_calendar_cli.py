"""``flask calendar``: what is refused is told with its place, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from tests.rows import growth, row_counts

HEAD = "date,kind,holiday,region,note\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            (HEAD + "2026-10-01,off,国庆节,CN,\n2026-13-01,off,,CN,\n").encode(),
            "第 3 行 date：应为 YYYY-MM-DD 格式的日期",
        ),
        ((HEAD + "2026-10-01,free,国庆节,CN,\n").encode(), "第 2 行 kind：应为 off（放假）或 work（调休上班）"),
        ((HEAD + "2026-10-01,off,国庆节,990000,\n").encode(), "第 2 行 region：应为 CN 或省级区划代码"),
        ((HEAD + "2026-10-01,off,国庆节,650104,\n").encode(), "第 2 行 region：应为 CN 或省级区划代码"),
        (HEAD.encode(), "文件中没有日子"),
        ((HEAD + "2026-10-01,off,国庆节,CN,\n").encode("gb18030"), "文件不是 UTF-8 编码"),
    ],
)
def test_a_faulty_list_is_refused_in_words(app: Flask, tmp_path: Path, content: bytes, told: str) -> None:
    path, before = tmp_path / "days.csv", row_counts()
    path.write_bytes(content)
    result = app.test_cli_runner().invoke(args=["calendar", "import", str(path)])
    assert (result.exit_code, isinstance(result.exception, SystemExit)) == (1, True), repr(result.exception)
    assert told in result.output
    assert growth(before) == {}


@pytest.mark.parametrize(
    ("start", "region", "told"), [("2026-03-02", "99", "没有区划代码 99"), ("1990-01-01", "650000", "Error: ")]
)
def test_a_term_that_cannot_be_counted_is_refused_in_words(app: Flask, start: str, region: str, told: str) -> None:
    asked = ["calendar", "due", "--from", start, "--working-days", "5", "--region", region]
    result = app.test_cli_runner().invoke(args=asked)
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert told in result.output
