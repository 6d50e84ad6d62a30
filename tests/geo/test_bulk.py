from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.geo import bulk
from app.geo.address import match
from app.geo.cli import geo_cli

ROWS = [
    (row["address"], row["hint_code"], "")
    for row in csv.DictReader((Path(__file__).parent / "data" / "invented_addresses.csv").open(encoding="utf-8"))
]
ROWS += [
    ("", "", ""),
    ("鼓楼区榕树路", "", "91320106MA1ABCDE0X"),
    ('引号"天 山\\区"', "650100", ""),
    ("天\n山区", "650100", ""),
]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.csv"
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["id", "address", "hint_code", "uscc"])
        writer.writerows([n, *row] for n, row in enumerate(ROWS))
    return path


def expected() -> list[dict[str, object]]:
    return [match(*row).to_dict() for row in ROWS]


def answers(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def run(*arguments: object) -> object:
    return CliRunner().invoke(geo_cli, [str(argument) for argument in arguments])


@pytest.mark.parametrize("workers", [1, 2])
def test_file_says_exactly_what_single_calls_say(source, tmp_path, workers, monkeypatch):
    monkeypatch.setattr(bulk, "CHUNK", 17)  # several chunks, so that order is tried
    result = run("match-file", source, tmp_path / "out.jsonl", "--workers", workers)
    assert result.exit_code == 0, result.output
    assert "rows/s" in result.stderr
    assert answers(tmp_path / "out.jsonl") == expected()
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []


def test_an_interrupted_run_goes_on_where_it_stopped(source, tmp_path):
    target = tmp_path / "out.jsonl"
    run("match-file", source, target)
    whole = target.read_text(encoding="utf-8")
    lines = whole.splitlines(keepends=True)
    part = target.with_name(f"out.jsonl.{bulk._digest(source)}.part")
    marked = lines[0].replace('"province"', '"kept": 1, "province"')
    part.write_text(marked + "".join(lines[1:40]) + lines[40][:25], encoding="utf-8")
    result = run("match-file", source, target)
    assert "40" in result.stderr
    assert target.read_text(encoding="utf-8") == marked + "".join(lines[1:])


def test_another_input_never_continues_the_old_part(source, tmp_path):
    target = tmp_path / "out.jsonl"
    target.with_name("out.jsonl.000000000000.part").write_text("{}\n", encoding="utf-8")
    run("match-file", source, target)
    assert answers(target) == expected()


def test_only_the_address_column_is_needed(tmp_path):
    source = tmp_path / "in.csv"
    source.write_text("\ufeffaddress\n天山区青松巷\n\n", encoding="utf-8")
    run("match-file", source, tmp_path / "out.jsonl")
    assert answers(tmp_path / "out.jsonl")[0]["county"] == "650102"


def test_a_file_without_addresses_is_refused(tmp_path):
    source = tmp_path / "in.csv"
    source.write_text("name\nx\n", encoding="utf-8")
    result = run("match-file", source, tmp_path / "out.jsonl")
    assert result.exit_code != 0
    assert "address" in result.output
    assert not (tmp_path / "out.jsonl").exists()


def test_bytes_that_are_no_text_are_answered(tmp_path):
    source = tmp_path / "in.csv"
    source.write_bytes(b"address\n\xff\xfe\xe5\xa4\n" + "新疆石河子市\0北一路\n".encode())
    result = run("match-file", source, tmp_path / "out.jsonl")
    assert result.exit_code == 0, result.output
    assert [answer["county"] for answer in answers(tmp_path / "out.jsonl")] == [None, "659001"]


def test_divisions_commands():
    assert "南山矿区" in run("divisions", "show", "650107").output
    assert "650109" in run("divisions", "history", "米泉市").output
    assert run("divisions", "show", "000000").exit_code != 0
    then = run("divisions", "show", "652303", "--year", "1998").output
    assert "米泉市" in then
    assert "→ 新疆维吾尔自治区乌鲁木齐市米东区（650109）" in then, "what it was then, and what it is now"
    assert run("divisions", "show", "652303", "--year", "2010").exit_code != 0
    assert run("divisions", "history", "无此地").exit_code != 0
