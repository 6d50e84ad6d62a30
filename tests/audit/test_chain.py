"""The chain: sealed once and by one at a time, and ``flask audit verify`` finds whatever was done to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from app.audit import chain, jobs, service
from app.audit.models import AuditEvent, AuditHead
from app.foundation.config import SealingKey
from app.foundation.crypto import Crypto, InternationalSuite
from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.permissions import PROGRAM
from tests import factories
from tests.moments import MONDAY_MORNING
from tests.threads import at_once

TOLD = ["id", "at", "actor_kind", "actor_id", "actor_name", "actor_role", "unit_id", "action"]
TOLD += ["object_type", "object_id", "succeeded", "details"]
"""The columns that tell what happened; the others are the seal."""

FOREIGN = Crypto((SealingKey("stranger", b"f" * 32),), InternationalSuite())


def record(count: int) -> None:
    with transaction(OPEN_WALL):
        for number in range(count):
            service.record(PROGRAM, "tests.deed", "thing", number, note="甲")


def as_owner(*statements: str) -> None:
    """What a person with the owner's password can do behind the program's back."""
    with transaction(OPEN_WALL) as session:
        for statement in (
            "RESET ROLE",
            "ALTER TABLE audit_events DISABLE TRIGGER USER",
            *statements,
            "ALTER TABLE audit_events ENABLE TRIGGER USER",
            "SET ROLE shudi_app",
        ):
            session.execute(text(statement))
    db.session.remove()


def numbers() -> Sequence[int]:
    with transaction(OPEN_WALL) as session:
        return session.scalars(select(AuditEvent.seq).order_by(AuditEvent.id)).all()  # type: ignore[return-value]


def verify(app: Flask) -> tuple[int, str]:
    """Exit code and the last line of the command."""
    result = app.test_cli_runner().invoke(args=["audit", "verify"])
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    return result.exit_code, result.stdout.strip().splitlines()[-1]


EMPTY = ("DELETE FROM audit_events", "DELETE FROM audit_head")
"""The office of the tests has left rows of its own."""


@pytest.fixture
def log(app: Flask) -> Flask:
    """An empty log."""
    as_owner(*EMPTY)
    return app


@pytest.fixture
def committed_log(committed_app: Flask) -> Flask:
    """An empty log of an application that really commits."""
    as_owner(*EMPTY)
    return committed_app


@pytest.fixture
def sealed(log: Flask) -> Flask:
    """A log of ten sealed rows."""
    record(10)
    jobs.seal()
    return log


class TestSealing:
    def test_numbers_rows_without_gaps_in_their_order(self, log: Flask) -> None:
        record(3)
        jobs.seal()
        record(2)
        jobs.seal()
        assert numbers() == [1, 2, 3, 4, 5]
        with transaction(OPEN_WALL) as session:
            head = session.get_one(AuditHead, 1)
            last = session.scalars(select(AuditEvent).where(AuditEvent.seq == 5)).one()
        assert (head.seq, head.digest) == (5, last.digest)

    def test_goes_on_where_a_batch_ended(self, log: Flask) -> None:
        record(5)
        for _ in range(3):
            with transaction(OPEN_WALL):
                chain.seal_pending(factories.crypto_of(), limit=2)
        assert numbers() == [1, 2, 3, 4, 5]
        assert verify(log) == (0, "审计链完整：5 条记录。")

    def test_twice_changes_nothing(self, sealed: Flask) -> None:
        before = [(row.id, row.seq, row.digest) for row in db.session.scalars(select(AuditEvent))]
        db.session.remove()
        jobs.seal()
        assert [(row.id, row.seq, row.digest) for row in db.session.scalars(select(AuditEvent))] == before

    def test_by_many_at_once_makes_one_chain(self, committed_log: Flask) -> None:
        record(40)
        at_once(committed_log, [jobs.seal] * 6)
        jobs.seal()
        assert numbers() == list(range(1, 41))
        assert verify(committed_log) == (0, "审计链完整：40 条记录。")

    def test_while_another_seals_does_nothing(self, committed_log: Flask) -> None:
        record(2)

        def second() -> int:
            with transaction(OPEN_WALL):
                return chain.seal_pending(factories.crypto_of())

        with transaction(OPEN_WALL):
            assert chain.seal_pending(factories.crypto_of()) == 2
            assert at_once(committed_log, [second]) == [0]

    def test_waits_while_the_chain_is_verified(self, committed_log: Flask) -> None:
        """Rows sealed between reading the tail and reading the head would look like a tail cut off."""
        record(2)
        jobs.seal()
        record(1)

        def sealer() -> int:
            with transaction(OPEN_WALL):
                return chain.seal_pending(factories.crypto_of())

        with transaction(OPEN_WALL):
            walk = chain.verify(factories.crypto_of())
            next(walk)
            assert at_once(committed_log, [sealer]) == [0]
            assert list(walk) == []
        assert sealer() == 1

    def test_verifying_does_not_hold_up_another_verification(self, committed_log: Flask) -> None:
        record(2)
        jobs.seal()

        def walk() -> bool:
            with transaction(OPEN_WALL):
                return list(chain.verify(factories.crypto_of()))[-1].intact

        with transaction(OPEN_WALL):
            mine = chain.verify(factories.crypto_of())
            next(mine)
            assert at_once(committed_log, [walk]) == [True]


class TestVerify:
    def test_an_empty_log_is_intact(self, log: Flask) -> None:
        assert verify(log) == (0, "审计链完整：0 条记录。")

    def test_what_waits_is_sealed_first(self, log: Flask) -> None:
        record(4)
        assert verify(log) == (0, "审计链完整：4 条记录。")
        assert numbers() == [1, 2, 3, 4]

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("at", "at + interval '1 microsecond'"),
            ("actor_kind", "'public'"),
            ("actor_id", "gen_random_uuid()"),
            ("actor_name", "'他人'"),
            ("actor_role", "'auditor'"),
            ("unit_id", "1"),
            ("action", "'tests.other'"),
            ("object_type", "'other'"),
            ("object_id", "object_id || ' '"),
            ("succeeded", "NOT succeeded"),
            ("details", """'{"note": "乙"}'"""),
        ],
    )
    def test_a_changed_row_is_named(self, sealed: Flask, column: str, value: str) -> None:
        as_owner(f"UPDATE audit_events SET {column} = {value} WHERE seq = 4")
        assert verify(sealed) == (1, "审计链已断裂：第 4 条记录内容被改动")

    def test_every_column_is_part_of_the_proof(self) -> None:
        """A new column of the table has to be added to ``content_of`` and to the list of the tests."""
        seal = {"seq", "previous_digest", "digest"}
        assert set(AuditEvent.__table__.columns.keys()) == {*TOLD, *seal}

    @pytest.mark.parametrize(
        ("deed", "said"),
        [
            (["DELETE FROM audit_events WHERE seq = 4"], "缺少第 4 条记录"),
            (["DELETE FROM audit_events WHERE seq = 1"], "缺少第 1 条记录"),
            (["DELETE FROM audit_events WHERE seq = 10"], "末尾记录被删除：应有 10 条，实有 9 条"),
            (["DELETE FROM audit_events WHERE seq > 7"], "末尾记录被删除：应有 10 条，实有 7 条"),
            (["DELETE FROM audit_events"], "末尾记录被删除：应有 10 条，实有 0 条"),
            (["DELETE FROM audit_head"], "链首记录缺失"),
            (["UPDATE audit_events SET previous_digest = digest WHERE seq = 6"], "第 6 条记录与上一条不衔接"),
            (["UPDATE audit_events SET digest = previous_digest WHERE seq = 6"], "第 6 条记录内容被改动"),
        ],
    )
    def test_a_gap_or_a_lost_tail_is_named(self, sealed: Flask, deed: list[str], said: str) -> None:
        as_owner(*deed)
        assert verify(sealed) == (1, f"审计链已断裂：{said}")

    def test_two_swapped_rows_are_found(self, sealed: Flask) -> None:
        as_owner(
            "UPDATE audit_events SET seq = 1000 WHERE seq = 4",
            "UPDATE audit_events SET seq = 4 WHERE seq = 7",
            "UPDATE audit_events SET seq = 7 WHERE seq = 1000",
        )
        assert verify(sealed) == (1, "审计链已断裂：第 4 条记录与上一条不衔接")

    def test_swapped_contents_are_found(self, sealed: Flask) -> None:
        as_owner(
            "UPDATE audit_events a SET object_id = b.object_id FROM audit_events b "
            "WHERE (a.seq, b.seq) IN ((4, 7), (7, 4))"
        )
        assert verify(sealed) == (1, "审计链已断裂：第 4 条记录内容被改动")

    def test_a_smuggled_row_is_found(self, sealed: Flask) -> None:
        as_owner(
            "INSERT INTO audit_events (at, actor_kind, actor_name, actor_role, action, object_type, object_id, "
            "succeeded, details, seq, previous_digest, digest) SELECT at, actor_kind, actor_name, actor_role, action, "
            "object_type, object_id, succeeded, details, 11, digest, digest FROM audit_events WHERE seq = 10"
        )
        assert verify(sealed) == (1, "审计链已断裂：第 11 条记录内容被改动")

    def test_a_cut_tail_with_the_head_moved_back_is_found_and_stays_found(self, sealed: Flask) -> None:
        as_owner(
            "UPDATE audit_head SET seq = 7, digest = (SELECT digest FROM audit_events WHERE seq = 7)",
            "DELETE FROM audit_events WHERE seq > 7",
        )
        record(2)
        with pytest.raises(chain.BrokenChain):
            jobs.seal()  # sealing on top would prove the forged head
        assert verify(sealed) == (1, "审计链已断裂：链首记录被改动")

    def _with_an_older_head(self) -> None:
        """Cut two rows off and put back the head of the ten before, which is sound in itself."""
        with transaction(OPEN_WALL) as session:
            head = session.get_one(AuditHead, 1)
            old = f"seq = {head.seq}, digest = '\\x{head.digest.hex()}', proof = '\\x{head.proof.hex()}'"
        record(2)
        jobs.seal()
        as_owner(f"UPDATE audit_head SET {old}", "DELETE FROM audit_events WHERE seq > 10")

    def test_a_cut_tail_with_the_older_head_put_back_is_found_and_stays_found(self, sealed: Flask) -> None:
        self._with_an_older_head()
        told = (1, "审计链已断裂：末尾记录被删除：库外留存的链首为第 12 条，库中已没有该条")
        assert verify(sealed) == told
        record(1)
        assert verify(sealed) == told
        record(5)
        told = (1, "审计链已断裂：第 12 条记录与库外留存的链首不一致，该条及以前的记录被删除后重新写入")
        assert [verify(sealed), verify(sealed)] == [told, told], "new rows on top cover nothing"

    def test_without_the_copy_outside_it_is_told_that_the_end_is_not_proved(self, sealed: Flask) -> None:
        command = sealed.test_cli_runner().invoke
        assert "无从核对" not in command(args=["audit", "verify"]).output
        sealed.extensions["shudi_redis"].flushdb()
        result = command(args=["audit", "verify"])
        assert (result.exit_code, "无从核对" in result.stderr) == (0, True)
        record(1)
        assert "无从核对" not in command(args=["audit", "verify"]).output, "the next seal keeps one again"

    def test_a_copy_that_the_keys_did_not_make_is_none(self, sealed: Flask) -> None:
        redis = sealed.extensions["shudi_redis"]
        (key,) = redis.keys("audit:head:*")
        redis.set(key, json.dumps(json.loads(redis.get(key)) | {"seq": 99}))
        assert "无从核对" in sealed.test_cli_runner().invoke(args=["audit", "verify"]).stderr

    def test_a_restored_backup_is_accepted_with_a_reason_in_the_log(self, sealed: Flask) -> None:
        self._with_an_older_head()
        command = sealed.test_cli_runner().invoke
        assert command(args=["audit", "accept-restore", "--reason", " "]).exit_code == 1
        assert verify(sealed)[0] == 1
        assert command(args=["audit", "accept-restore", "--reason", "磁盘损坏，恢复昨夜备份"]).exit_code == 0
        assert verify(sealed) == (0, "审计链完整：11 条记录。")
        with transaction(OPEN_WALL) as session:
            row = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
        assert (row.action, row.details["kept_rows"]) == ("audit.accept_restore", 12)

    def test_a_removed_head_is_not_made_anew(self, sealed: Flask) -> None:
        as_owner("DELETE FROM audit_head")
        record(1)
        with pytest.raises(chain.BrokenChain):
            jobs.seal()
        assert verify(sealed) == (1, "审计链已断裂：链首记录缺失")

    def test_a_chain_forged_from_the_fourth_row_on_with_a_foreign_key(self, sealed: Flask) -> None:
        with transaction(OPEN_WALL) as session:
            rows = session.scalars(select(AuditEvent).where(AuditEvent.seq >= 4).order_by(AuditEvent.seq)).all()
            digest = rows[0].previous_digest or b""
            changes = []
            for row in rows:
                row_digest = chain._link(FOREIGN, row.seq or 0, digest, row)
                changes.append((row.seq, digest, row_digest))
                digest = row_digest
            proof = chain._proof(FOREIGN, 10, digest)
        as_owner(
            *(
                f"UPDATE audit_events SET previous_digest = '\\x{before.hex()}', digest = '\\x{after.hex()}' WHERE seq = {seq}"
                for seq, before, after in changes
            ),
            f"UPDATE audit_head SET digest = '\\x{digest.hex()}', proof = '\\x{proof.hex()}'",
        )
        assert verify(sealed) == (1, "审计链已断裂：第 4 条记录内容被改动")

    def test_with_the_wrong_key_it_fails_and_spoils_nothing(
        self, sealed: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        record(3)
        with monkeypatch.context() as patch:
            patch.setitem(sealed.extensions, "shudi_crypto", FOREIGN)
            assert verify(sealed) == (1, "审计链已断裂：第 1 条记录内容被改动")
        assert verify(sealed) == (0, "审计链完整：13 条记录。")

    def test_a_long_chain_is_walked_in_batches(self, log: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(chain, "_READ_AT_ONCE", 3)
        record(9)
        assert verify(log) == (0, "审计链完整：9 条记录。")
        as_owner("UPDATE audit_events SET actor_name = '他人' WHERE seq = 8")
        assert verify(log) == (1, "审计链已断裂：第 8 条记录内容被改动")

    def test_counts_what_is_not_sealed_yet(self, sealed: Flask) -> None:
        record(2)
        with transaction(OPEN_WALL):
            verdict = list(chain.verify(factories.crypto_of()))[-1]
        assert (verdict.intact, verdict.sealed, verdict.unsealed) == (True, 10, 2)
        assert db.session.scalar(select(func.count()).where(AuditEvent.seq.is_(None))) == 2


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
ROWS = st.fixed_dictionaries(
    {
        "id": st.integers(1, 3),
        "at": st.integers(0, 3).map(lambda microseconds: MONDAY_MORNING + timedelta(microseconds=microseconds)),
        "actor_kind": TEXTS,
        "actor_id": st.none() | st.integers(0, 2).map(lambda number: UUID(int=number)),
        "actor_name": TEXTS,
        "actor_role": TEXTS,
        "unit_id": st.none() | st.integers(0, 3),
        "action": TEXTS,
        "object_type": TEXTS,
        "object_id": TEXTS,
        "succeeded": st.booleans(),
        "details": st.dictionaries(TEXTS, JSON, max_size=3),
    }
)
CHANGES: dict[str, Callable[[Any], Any]] = {
    "id": lambda value: value + 1,
    "at": lambda value: value + timedelta(microseconds=1),
    "actor_id": lambda value: None if value else UUID(int=9),
    "unit_id": lambda value: None if value is not None else 0,
    "succeeded": lambda value: not value,
    "details": lambda value: value | {"more": None} if "more" not in value else {},
}


def exact(values: dict[str, Any]) -> str:
    """A row told apart by type too: for Python ``True == 1 == 1.0``."""
    return repr({**values, "details": json.dumps(values["details"], sort_keys=True)})


class TestCanonicalForm:
    @given(ROWS, ROWS)
    def test_two_rows_never_give_the_same_bytes(self, one: dict[str, Any], other: dict[str, Any]) -> None:
        same = chain.content_of(AuditEvent(**one)) == chain.content_of(AuditEvent(**other))
        assert same is (exact(one) == exact(other))

    @given(ROWS, st.sampled_from(TOLD))
    def test_a_change_of_any_column_changes_the_bytes(self, row: dict[str, Any], column: str) -> None:
        changed = row | {column: CHANGES.get(column, lambda value: value + "x")(row[column])}
        assert chain.content_of(AuditEvent(**row)) != chain.content_of(AuditEvent(**changed))

    @given(ROWS, TEXTS, TEXTS)
    def test_text_cannot_be_shifted_between_neighbouring_columns(
        self, row: dict[str, Any], left: str, right: str
    ) -> None:
        one = row | {"object_type": left + right, "object_id": ""}
        other = row | {"object_type": left, "object_id": right}
        same = chain.content_of(AuditEvent(**one)) == chain.content_of(AuditEvent(**other))
        assert same is (right == "")

    @given(ROWS)
    def test_the_zone_of_a_moment_and_the_order_of_details_do_not_matter(self, row: dict[str, Any]) -> None:
        turned = dict(reversed(row["details"].items()))
        other = row | {"at": row["at"].astimezone(UTC), "details": turned}
        assert chain.content_of(AuditEvent(**row)) == chain.content_of(AuditEvent(**other))

    def test_what_the_database_gives_back_has_the_bytes_that_were_sealed(self, log: Flask) -> None:
        with transaction(OPEN_WALL):
            service.record(PROGRAM, "tests.deed", "thing", 1, z=1, a=[1.5, "甲\U0001f004", None], b={"y": 1, "x": True})
        assert verify(log) == (0, "审计链完整：1 条记录。")
        assert verify(log) == (0, "审计链完整：1 条记录。")
