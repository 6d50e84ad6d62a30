"""Which tips are about one subject: the keys they are known by, and the groups that shared keys make."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.tips.grouping import Tip, group
from app.tips.subject_keys import Key, Named, keys_of, name_key

CODES = ["91650104MA00000001", "91650104MA00000002", "91650104MA00000003"]


def _keys(**said: Any) -> list[tuple[str, str]]:
    plain = {"kind": "organization", "name": None, "uscc": None, "contact": None, "online_presence": [], "place": None}
    return [tuple(key) for key in keys_of(Named(**(plain | said)))]


class TestKeys:
    @pytest.mark.parametrize(
        "name",
        [
            "瑞丰源投资咨询有限公司",
            "瑞丰源投资咨询",
            " 瑞丰源 投资咨询（有限公司）",
            "瑞丰源投资咨询有限责任公司",
            "瑞丰源·投资咨询股份有限公司",
        ],
    )
    def test_one_company_however_it_is_written(self, name: str) -> None:
        assert name_key(name) == "瑞丰源投资咨询"

    @pytest.mark.parametrize(
        "name", [None, "", "投资公司", "某某公司", "一家养老服务中心", "不清楚", "公司", "楼下的", "。。。", "甲"]
    )
    def test_general_words_lead_nowhere(self, name: str | None) -> None:
        assert name_key(name) == ""

    def test_different_companies_stay_different(self) -> None:
        names = ["瑞丰源投资咨询有限公司", "瑞丰园投资咨询有限公司", "新疆瑞丰源投资咨询有限公司", "瑞丰源商贸有限公司"]
        assert len({name_key(name) for name in names}) == len(names)

    @pytest.mark.parametrize("code", ["91650104ma00000001", "91650104 MA0000 0001", "９１６５０１０４MA00000001"])
    def test_a_credit_code_comes_first(self, code: str) -> None:
        assert _keys(uscc=code, name="瑞丰源投资")[0] == ("uscc", "91650104MA00000001")

    @pytest.mark.parametrize("code", ["", "123", "不知道", "91650104MA0000000I"])
    def test_what_is_no_code_is_none(self, code: str) -> None:
        assert _keys(uscc=code) == []

    def test_a_person_is_known_by_name_and_place_together(self) -> None:
        assert _keys(kind="individual", name="张 伟", place="650104") == [("person", "张伟@650104")]
        assert _keys(kind="individual", name="张伟") == []

    @pytest.mark.parametrize(
        ("contact", "numbers"),
        [
            ("业务员小李 139 0000 1234", ["13900001234"]),
            ("+86-13900001234；0991-1234567", ["13900001234", "09911234567"]),
            ("400-123-4567", ["4001234567"]),
            ("（0991）1234567", ["09911234567"]),
            ("门牌 1234567", []),
            ("139000012345678", []),
        ],
    )
    def test_telephones_of_the_company(self, contact: str, numbers: list[str]) -> None:
        assert [key for kind, key in _keys(contact=contact) if kind == "phone"] == numbers

    @pytest.mark.parametrize(
        ("line", "account"),
        [
            ("https://www.ruifeng.example/invest?id=3", "ruifeng.example"),
            ("WWW.RuiFeng.Example", "ruifeng.example"),
            ("微信公众号：瑞丰财富通", "瑞丰财富通"),
            ("App：瑞丰宝", "瑞丰宝"),
            ("https://v.douyin.com/AbC123/", "v.douyin.com/abc123"),
        ],
    )
    def test_accounts(self, line: str, account: str) -> None:
        assert _keys(online_presence=[line]) == [("account", account)]

    @pytest.mark.parametrize("line", ["微信群", "https://weixin.qq.com/", "www.douyin.com", "公众号", "网站", ""])
    def test_a_platform_without_the_account_leads_nowhere(self, line: str) -> None:
        assert _keys(online_presence=[line]) == []

    @given(st.text(max_size=60), st.text(max_size=30), st.lists(st.text(max_size=40), max_size=3))
    def test_any_text_gives_keys_of_known_kinds_each_once(self, name: str, contact: str, lines: list[str]) -> None:
        found = _keys(name=name, uscc=contact, contact=contact, online_presence=lines)
        assert len(set(found)) == len(found)
        assert all(kind in {"uscc", "name", "account", "phone", "person"} and key for kind, key in found)


CODE_KEYS = st.sampled_from([Key("uscc", code) for code in CODES])
WEAK_KEYS = st.sampled_from([Key(kind, letter) for kind in ("name", "account", "phone") for letter in "甲乙丙丁"])


@st.composite
def tips(draw: st.DrawFn, codes: bool = True) -> list[Tip]:
    found: list[Tip] = []
    for number in range(draw(st.integers(0, 12))):
        keys = [draw(CODE_KEYS)] if codes and draw(st.booleans()) else []
        keys += draw(st.lists(WEAK_KEYS, max_size=3, unique=True))
        found.append((UUID(int=number + 1), keys))
    return found


class _Office:
    """What the database would hold between batches."""

    def __init__(self) -> None:
        self.keys: dict[Key, UUID] = {}
        self.cluster_of: dict[UUID, UUID | None] = {}
        self._ids = (UUID(int=10**6 + number) for number in count())

    def link(self, batch: Sequence[Tip]) -> None:
        wanted = {key for _, keys in batch for key in keys}
        known = {key: cluster for key, cluster in self.keys.items() if key in wanted}
        codes: dict[UUID, set[str]] = defaultdict(set)
        for key, cluster in self.keys.items():
            if key.kind == "uscc" and cluster in known.values():
                codes[cluster].add(key.key)
        found = group(batch, known, {one: frozenset(held) for one, held in codes.items()}, lambda: next(self._ids))
        self.keys |= found.new_keys
        self.cluster_of |= found.cluster_of
        for absorbed, leader in found.absorbed.items():
            self.keys = {key: leader if at == absorbed else at for key, at in self.keys.items()}
            self.cluster_of = {tip: leader if at == absorbed else at for tip, at in self.cluster_of.items()}

    def groups(self) -> set[frozenset[UUID]]:
        made: dict[UUID, set[UUID]] = defaultdict(set)
        for tip, cluster in self.cluster_of.items():
            if cluster is not None:
                made[cluster].add(tip)
        return {frozenset(members) for members in made.values()}


def _linked(*batches: Sequence[Tip]) -> _Office:
    office = _Office()
    for batch in batches:
        office.link(batch)
    return office


def _components(batch: Iterable[Tip]) -> set[frozenset[UUID]]:
    """The plain definition: tips reachable over shared keys, found by comparing pairs."""
    left = [(tip, set(keys)) for tip, keys in batch if keys]
    found = set()
    while left:
        tip, keys = left.pop()
        members = {tip}
        while near := [one for one in left if one[1] & keys]:
            for one in near:
                left.remove(one)
                members.add(one[0])
                keys |= one[1]
        found.add(frozenset(members))
    return found


class TestGroups:
    @given(tips(codes=False))
    def test_without_codes_a_group_is_what_keys_reach(self, batch: list[Tip]) -> None:
        assert _linked(batch).groups() == _components(batch)

    @given(tips(codes=False), st.integers(0, 12))
    def test_batches_make_no_difference(self, batch: list[Tip], at: int) -> None:
        assert _linked(batch[:at], batch[at:]).groups() == _components(batch)

    @given(tips(), st.integers(0, 12))
    def test_one_code_is_one_group_and_two_codes_are_never_one(self, batch: list[Tip], at: int) -> None:
        office = _linked(batch[:at], batch[at:])
        clusters_of_code: dict[str, set[UUID | None]] = defaultdict(set)
        codes_of_cluster: dict[UUID | None, set[str]] = defaultdict(set)
        for tip, keys in batch:
            for key in keys:
                if key.kind == "uscc":
                    clusters_of_code[key.key].add(office.cluster_of[tip])
                    codes_of_cluster[office.cluster_of[tip]].add(key.key)
        assert all(len(clusters) == 1 for clusters in clusters_of_code.values())
        assert all(len(codes) == 1 for codes in codes_of_cluster.values())

    @given(tips(), st.integers(0, 12))
    def test_nobody_is_lost_and_strangers_stay_apart(self, batch: list[Tip], at: int) -> None:
        office = _linked(batch[:at], batch[at:])
        assert set(office.cluster_of) == {tip for tip, _ in batch}
        assert all((office.cluster_of[tip] is None) == (not keys) for tip, keys in batch)
        reachable = _components(batch)
        assert all(any(made <= component for component in reachable) for made in office.groups())

    def test_ten_thousand_tips_about_one_company_are_one_group(self) -> None:
        batch = [(UUID(int=n + 1), [Key("name", "瑞丰源投资"), Key("phone", str(n % 7))]) for n in range(10_000)]
        assert {len(members) for members in _linked(batch[:5000], batch[5000:]).groups()} == {10_000}
