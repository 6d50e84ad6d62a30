from __future__ import annotations

import hashlib
import re

import pytest

from app.geo import prepared
from app.geo.divisions import divisions


def test_prepared_form_equals_the_tables():
    assert prepared.build() == prepared.PREPARED.read_bytes(), "run: flask geo divisions build"


def test_tree_holds_every_row_of_the_table():
    rows = list(prepared.division_rows())
    assert len(divisions()) == len(rows)
    for row in rows[::97]:
        same = [d for d in divisions().every(row["code"]) if (d.name, d.status) == (row["name"], row["status"])]
        assert same
        assert {"|".join(d.successor_codes) for d in same} >= {row["successor_codes"]}


def test_shipped_tables_have_the_digests_that_the_readme_states():
    stated = dict(re.findall(r"\| `([\w.]+)` \| `([0-9a-f]{64})` \|", (prepared.DATA / "README.md").read_text("utf-8")))
    assert len(stated) >= 5
    for name, digest in stated.items():
        assert hashlib.sha256((prepared.DATA / name).read_bytes()).hexdigest() == digest, name


def test_names_and_chains():
    tree = divisions()
    assert tree.full_name("650104") == "新疆维吾尔自治区乌鲁木齐市新市区"
    assert tree.ancestors("650104100") == ["650104", "650100", "650000"]
    assert tree.county_of("650104100") == "650104"
    assert tree.county_of("650100") is None
    assert tree.county_of("441900003") is None, "东莞 has no counties"
    assert tree.prefecture_of("110105") is None, "a municipality's district hangs on it directly"
    assert {child.code for child in tree.children("650100")} == {
        "650102", "650103", "650104", "650105", "650106", "650107", "650109", "650121",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("codes", "superior"),
    [
        (["650104", "650102"], "650100"),
        (["650104", "652301"], "650000"),
        (["650104"], "650100"),
        (["650104", "650104"], "650100"),
        (["659001", "650102"], "650000"),
        (["650104", "310115"], None),
        ([], None),
        (["000000"], None),
    ],
)
def test_lowest_common_superior(codes, superior):
    assert divisions().lowest_common_superior(codes) == superior


def test_what_a_code_was_and_what_it_is_now():
    tree = divisions()
    assert tree.at("650107", 1998).name == "南山矿区"
    assert tree.at("650107", 2001).name == "南泉区"
    assert tree.at("650107", 2020).name == "达坂城区"
    assert tree.successors("652303") == ("650109",)
    assert tree.successors("650104") == ("650104",)
    assert [row.code for row in tree.history("米泉市")] == ["652303"]
    assert len(tree.successors("330104")) == 2, "江干区 went to two districts"
    assert tree.get("652303").status == "abolished"
    assert not tree.is_current("652303")


@pytest.mark.parametrize("code", ["", "1", "999999", "乌鲁木齐", "650104\0", None])
def test_unknown_codes_answer_nothing(code):
    tree = divisions()
    assert tree.get(code) is None
    assert tree.name(code) == ""
    assert tree.full_name(code) == ""
    assert not tree.is_current(code)
    assert tree.every(code or "") == ()
