"""The database room: moments with an offset, one commit, a wall with every transaction, no privileges in the pool."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from app.foundation import database
from app.foundation.database import (
    OPEN_WALL,
    UtcDateTime,
    db,
    end_reading,
    engine_options,
    enter_wall,
    new_id,
    prepare_engine,
    transaction,
)
from app.identity.models import Unit
from tests import rows


def test_ids_are_ordered_by_time_and_not_to_be_guessed() -> None:
    ids = [new_id() for _ in range(1000)]
    assert [i.version for i in ids] == [7] * 1000
    assert len(set(ids)) == 1000
    assert [i.int >> 80 for i in ids] == sorted(i.int >> 80 for i in ids)
    assert len({i.int & ((1 << 62) - 1) for i in ids}) == 1000


def test_a_moment_without_an_offset_is_refused(session: Session) -> None:
    with pytest.raises(ValueError, match="offset"):
        UtcDateTime().process_bind_param(datetime(2026, 1, 1), session.get_bind().dialect)  # noqa: DTZ001


def test_moments_come_back_in_utc(session: Session) -> None:
    stored = session.scalar(text("SELECT timestamptz '2026-01-01 08:00+08'").columns(UtcDateTime()))
    assert stored == datetime(2026, 1, 1, tzinfo=UTC)
    assert stored.tzinfo is UTC


@pytest.mark.usefixtures("committed_app")
class TestTransaction:
    def test_it_commits_at_its_end(self) -> None:
        with transaction(OPEN_WALL) as session:
            session.execute(text("INSERT INTO wechat_users VALUES ('\\x01', '\\x02', now(), now())"))
        db.session.remove()
        assert rows.scalar("SELECT count(*) FROM wechat_users") == 1

    def test_it_rolls_back_when_anything_is_raised(self) -> None:
        with pytest.raises(KeyboardInterrupt), transaction(OPEN_WALL) as session:
            session.execute(text("INSERT INTO wechat_users VALUES ('\\x01', '\\x02', now(), now())"))
            raise KeyboardInterrupt
        assert rows.scalar("SELECT count(*) FROM wechat_users") == 0

    def test_it_leaves_the_wall_as_it_was(self) -> None:
        enter_wall("7")
        with transaction(OPEN_WALL) as session:
            assert session.scalar(text("SELECT current_setting('shudi.wall')")) == "open"
        with transaction() as session:
            assert session.scalar(text("SELECT current_setting('shudi.wall')")) == "7"
        enter_wall(OPEN_WALL)

    def test_the_wall_does_not_stay_on_the_connection(self) -> None:
        """The setting belongs to the transaction: the next user of the connection starts without sight."""
        with transaction(OPEN_WALL) as session:
            assert session.scalar(text("SELECT current_setting('shudi.wall')")) == "open"
        with db.engine.connect() as connection:
            assert connection.scalar(text("SELECT coalesce(current_setting('shudi.wall', true), '')")) == ""

    def test_reading_ends_without_a_trace(self) -> None:
        db.session.execute(text("SELECT 1"))
        end_reading()
        assert not db.session().in_transaction()


@pytest.fixture
def early_engine(session_app: Flask) -> Iterator[object]:
    engine = create_engine(session_app.extensions["shudi_settings"].database_url, pool_size=1, max_overflow=0)
    prepare_engine(engine, session_app.extensions["shudi_settings"])
    yield engine
    engine.dispose()


def test_every_connection_gives_up_its_privileges(early_engine: object) -> None:
    with early_engine.connect() as connection:  # type: ignore[attr-defined]
        assert connection.scalar(text("SELECT current_user")) == database.APPLICATION_ROLE


def test_a_connection_older_than_the_role_serves_no_later_request(
    early_engine: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that was started before its first migration must not go on as the owner of the tables."""
    with monkeypatch.context() as server_without_the_role:
        server_without_the_role.setattr(database, "APPLICATION_ROLE", "shudi_role_that_does_not_exist_yet")
        with early_engine.connect() as connection:  # type: ignore[attr-defined]
            assert connection.scalar(text("SELECT current_user")) != "shudi_app"
    with early_engine.connect() as connection:  # type: ignore[attr-defined]
        assert connection.scalar(text("SELECT current_user")) == "shudi_app"


def test_a_fault_of_the_database_quotes_no_value(session: Session) -> None:
    """The text of a statement's fault goes to the log: it must not carry what a reporter wrote."""
    assert engine_options()["hide_parameters"] is True
    with pytest.raises(Exception, match="units") as caught:  # whatever the driver raises
        session.execute(Unit.__table__.insert(), {"division_code": None, "name": "某公司的秘密", "kind": "city"})
    assert "某公司的秘密" not in str(caught.value).partition("DETAIL")[0]


def test_naming_convention_names_everything() -> None:
    unnamed = [
        (table.name, type(constraint).__name__)
        for table in db.metadata.sorted_tables
        for constraint in table.constraints
        if not constraint.name
    ]
    assert unnamed == []
