"""Secrets: what was sealed opens for its own row and its own key alone, in both suites; digests are keyed."""

from __future__ import annotations

import ast
import hashlib
import hmac
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from hypothesis import given
from hypothesis import strategies as st

from app.foundation.config import SealingKey
from app.foundation.crypto import CannotOpen, Crypto, InternationalSuite, NationalSuite, Suite
from tests.architecture.sources import sources

SUITES = [InternationalSuite(), NationalSuite()]
OLD, NEW = SealingKey("old", b"o" * 32), SealingKey("new", b"n" * 32)
PLAIN = "阿依古丽 650102199001011234".encode()

both = pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)


@both
class TestSealing:
    @given(plain=st.binary(max_size=300), bound_to=st.binary(max_size=40))
    def test_gives_back_what_was_sealed(self, suite: Suite, plain: bytes, bound_to: bytes) -> None:
        crypto = Crypto((OLD,), suite)
        assert crypto.open(crypto.seal(plain, bound_to=bound_to), bound_to=bound_to) == plain

    @given(bound_to=st.binary(max_size=20), other=st.binary(max_size=20))
    def test_opens_for_its_own_row_alone(self, suite: Suite, bound_to: bytes, other: bytes) -> None:
        crypto = Crypto((OLD,), suite)
        sealed = crypto.seal(PLAIN, bound_to=bound_to)
        if bound_to == other:
            assert crypto.open(sealed, bound_to=other) == PLAIN
        else:
            with pytest.raises(CannotOpen):
                crypto.open(sealed, bound_to=other)

    def test_any_altered_byte_is_refused(self, suite: Suite) -> None:
        crypto = Crypto((OLD, NEW), suite)
        sealed = crypto.seal(b"plain", bound_to=b"row")
        for place in range(len(sealed)):
            altered = bytearray(sealed)
            altered[place] ^= 1
            with pytest.raises(CannotOpen):
                crypto.open(bytes(altered), bound_to=b"row")

    def test_a_shortened_or_lengthened_text_is_refused(self, suite: Suite) -> None:
        crypto = Crypto((OLD,), suite)
        sealed = crypto.seal(b"plain", bound_to=b"row")
        for altered in (*(sealed[:length] for length in range(len(sealed))), sealed + b"\x00"):
            with pytest.raises(CannotOpen):
                crypto.open(altered, bound_to=b"row")

    @given(garbage=st.binary(max_size=200))
    def test_garbage_is_refused_in_one_way(self, suite: Suite, garbage: bytes) -> None:
        crypto = Crypto((OLD,), suite)
        for sealed in (garbage, crypto.current_mark + garbage):
            with pytest.raises(CannotOpen):
                crypto.open(sealed, bound_to=b"")
            with pytest.raises(CannotOpen):
                crypto.rewrap(garbage)

    def test_another_key_of_the_same_name_does_not_open(self, suite: Suite) -> None:
        sealed = Crypto((OLD,), suite).seal(PLAIN, bound_to=b"row")
        with pytest.raises(CannotOpen):
            Crypto((SealingKey("old", b"x" * 32),), suite).open(sealed, bound_to=b"row")

    def test_a_key_that_is_not_loaded_does_not_open(self, suite: Suite) -> None:
        sealed = Crypto((OLD,), suite).seal(PLAIN, bound_to=b"row")
        with pytest.raises(CannotOpen) as refused:
            Crypto((NEW,), suite).open(sealed, bound_to=b"row")
        assert "old" not in str(refused.value)

    def test_nothing_of_the_plain_text_shows_and_no_two_look_alike(self, suite: Suite) -> None:
        crypto = Crypto((OLD,), suite)
        one, other = (crypto.seal(PLAIN, bound_to=b"row") for _ in range(2))
        head = len(crypto.current_mark)
        assert all(one[start : start + 8] not in other for start in range(head, len(one) - 8))
        assert PLAIN[:6] not in one


@both
class TestKeys:
    def test_the_first_seals_and_the_old_ones_still_open(self, suite: Suite) -> None:
        before, after = Crypto((OLD,), suite), Crypto((NEW, OLD), suite)
        sealed = before.seal(PLAIN, bound_to=b"row")
        assert after.open(sealed, bound_to=b"row") == PLAIN
        fresh = after.seal(PLAIN, bound_to=b"row")
        assert fresh.startswith(b"\x03new")
        assert (after.current_key_id, after.key_ids) == ("new", ["new", "old"])
        with pytest.raises(CannotOpen):
            before.open(fresh, bound_to=b"row")

    def test_wrapped_anew_the_old_key_is_no_longer_needed(self, suite: Suite) -> None:
        sealed = Crypto((OLD,), suite).seal(PLAIN, bound_to=b"row")
        wrapped = Crypto((NEW, OLD), suite).rewrap(sealed)
        alone = Crypto((NEW,), suite)
        assert alone.open(wrapped, bound_to=b"row") == PLAIN
        with pytest.raises(CannotOpen):
            alone.open(wrapped, bound_to=b"another row")

    def test_digests_outlive_a_new_key(self, suite: Suite) -> None:
        assert Crypto((OLD,), suite).blind_index("phone", "1") == Crypto((NEW, OLD), suite).blind_index("phone", "1")

    def test_are_shown_by_nothing(self, suite: Suite) -> None:
        crypto = Crypto((NEW, OLD), suite)
        shown = repr(crypto) + str(crypto) + repr(OLD) + str([OLD, NEW])
        assert "oooo" not in shown
        assert "nnnn" not in shown


def test_the_national_suite_uses_the_national_algorithms() -> None:
    """The example of GB/T 32905-2016, and SM4-GCM of RFC 8998 appendix A.1."""
    sm3 = hashes.Hash(NationalSuite().hash_algorithm())
    sm3.update(b"abc")
    assert sm3.finalize().hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    key, nonce = bytes.fromhex("0123456789abcdeffedcba9876543210"), bytes.fromhex("00001234567800000000abcd")
    bound_to = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    plain = b"".join(bytes([value]) * 8 for value in (0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0xEE, 0xAA))
    assert NationalSuite().encrypt(key, nonce, plain, bound_to).hex() == (
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        "83de3541e4c2b58177e065a9bf7b62ec"
    )


@both
class TestDigests:
    def test_need_the_key(self, suite: Suite) -> None:
        one, other = Crypto((OLD,), suite), Crypto((NEW,), suite)
        phone = "13900001234"
        assert one.blind_index("phone", phone) != other.blind_index("phone", phone)
        for plain in (phone.encode(), b"phone" + phone.encode()):
            assert one.blind_index("phone", phone) not in {
                hashlib.sha256(plain).digest(),
                hmac.digest(OLD.secret, plain, "sha256"),
            }

    def test_of_one_purpose_say_nothing_about_another(self, suite: Suite) -> None:
        crypto = Crypto((OLD,), suite)
        purposes = ["phone", "openid", "query-code"]
        assert len({crypto.digest(purpose, b"1") for purpose in purposes}) == len(purposes)
        assert crypto.blind_index("phone", "1") != crypto.digest("phone", b"1")

    @given(parts=st.lists(st.binary(max_size=5), max_size=4), others=st.lists(st.binary(max_size=5), max_size=4))
    def test_parts_cannot_be_shifted(self, suite: Suite, parts: list[bytes], others: list[bytes]) -> None:
        crypto = Crypto((OLD,), suite)
        assert (crypto.digest("p", *parts) == crypto.digest("p", *others)) is (parts == others)


@given(left=st.binary(max_size=40), right=st.binary(max_size=40))
def test_same_says_what_equality_says(left: bytes, right: bytes) -> None:
    assert Crypto.same(left, right) is (left == right)
    assert Crypto.same(left, left)


def test_same_takes_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(hmac, "compare_digest", lambda *pair: asked.append(pair) or False)
    assert Crypto.same(b"1", b"1") is False
    assert asked == [(b"1", b"1")]


SECRET_ENDINGS = ("digest", "proof", "mac", "token", "query_code", "password")


NOT_GUESSED = {
    "app/audit/chain.py": "the links lie open in the table",
    "app/foundation/postgres_cluster.py": "names a copy of the binaries",
    "app/geo/service.py": "tells whether the office's knowledge changed",
    "app/identity/wechat.py": "tells whether somebody has fetched a newer token",
}
"""Comparisons that nobody outside can ask for with a guess of one's own."""


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_column(node: ast.expr) -> bool:
    """``Tip.client_request_digest``: the database compares, in an index."""
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id[:1].isupper()


def test_nothing_secret_is_compared_by_equality() -> None:
    found = {
        source.name
        for source in sources()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Compare)
        and isinstance(node.ops[0], ast.Eq | ast.NotEq)
        and not any(_is_column(side) for side in (node.left, *node.comparators))
        and any(_last_name(side).endswith(SECRET_ENDINGS) for side in (node.left, *node.comparators))
    }
    assert found == set(NOT_GUESSED)
