"""``demo prepare``: the schema and the office of the demo, made once however often it is asked for."""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app import create_app
from app.demo import office
from app.foundation.config import load_settings
from app.foundation.database import OPEN_WALL, db, transaction
from app.geo.divisions import divisions
from tests.conftest import Services, make_database
from tests.rows import growth, row_counts

DISTRICTS = ["650102", "650103", "650104", "650105", "650106", "650107", "650109", "650121"]
"""GB/T 2260: seven districts and 乌鲁木齐县."""


def prepare(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["demo", "prepare"])
    assert result.exit_code == 0, result.output
    db.session.remove()


def told(app: Flask) -> dict[str, Any]:
    path: Path = app.extensions["shudi_settings"].data_dir / "demo.json"
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read


@pytest.fixture(scope="module")
def prepared_once(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The application on an empty database of its own, after the first ``demo prepare``."""
    environment = {
        "DATABASE_URL": make_database(services, f"shudi_demo_{services.worker}"),
        "REDIS_URL": services.redis_url,
        "DATA_DIR": str(tmp_path_factory.mktemp("demo")),
        "SECRET_KEY": "tests-only-" + "k" * 40,
        "SEALING_KEYS": "tests-1:" + base64.b64encode(b"t" * 32).decode(),
        "WECHAT_APP_ID": "wxtests",
        "WECHAT_APP_SECRET": "tests-only",
        "PORT": "8123",
        "SECOND_FACTOR_ROLES": "off",  # as the environment of a demo says
    }
    app = create_app(load_settings(environment))
    with app.app_context():
        prepare(app)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def demo(prepared_once: Flask) -> Iterator[Flask]:
    with prepared_once.app_context():
        yield prepared_once
        db.session.remove()


def sign_in(app: Flask, username: str, password: str) -> Any:
    return app.test_client().post("/api/v1/office/session", json={"username": username, "password": password})


def rows(statement: str) -> list[tuple[Any, ...]]:
    with transaction(OPEN_WALL) as session:
        return [tuple(row) for row in session.execute(text(statement))]


def test_the_region_the_city_and_its_eight_districts_and_counties(demo: Flask) -> None:
    found = rows("SELECT u.division_code, u.kind, p.division_code FROM units u LEFT JOIN units p ON p.id = u.parent_id")
    expected = [("650000", "region", None), ("650100", "city", "650000")]
    expected += [(code, "district", "650100") for code in DISTRICTS]
    assert sorted(found) == sorted(expected)
    names = dict(rows("SELECT division_code, name FROM units"))
    for code in DISTRICTS:
        division = divisions().get(code)
        assert division is not None
        assert names[code].startswith(division.name)


def test_the_file_tells_what_the_contract_says(demo: Flask) -> None:
    file = told(demo)
    assert set(file) == {"url", "password", "database_url", "redis_url", "accounts"}
    assert file["url"] == "http://127.0.0.1:8123"
    assert file["database_url"].startswith("postgresql://")
    listed = {account["username"]: (account["role"], account["division"]) for account in file["accounts"]}
    assert listed == {
        "city.reviewer": ("city_reviewer", "650100"),
        "city.adjuster": ("city_adjuster", "650100"),
        "city.leader": ("city_leader", "650100"),
        **{f"district.{code}": ("district_handler", code) for code in DISTRICTS},
        "observer.650000": ("province_observer", "650000"),
        "auditor": ("auditor", "650100"),
        "sysadmin": ("sys_admin", "650100"),
        "secadmin": ("security_admin", "650100"),
    }


def test_the_file_is_for_its_owner_alone(demo: Flask) -> None:
    path = demo.extensions["shudi_settings"].data_dir / "demo.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.with_suffix(".json.draft").exists()


def test_every_account_of_the_file_signs_in_with_its_role(demo: Flask) -> None:
    file = told(demo)
    for account in file["accounts"]:
        answer = sign_in(demo, account["username"], file["password"])
        assert answer.status_code == 201, account
        actor = answer.get_json()["actor"]
        assert (actor["role"], actor["division"]) == (account["role"], account["division"])


def test_twice_keeps_everything_and_the_password(demo: Flask) -> None:
    before, file = row_counts(), told(demo)
    accounts = rows("SELECT id, username, password_hash FROM accounts ORDER BY username")
    prepare(demo)
    assert told(demo) == file
    assert rows("SELECT id, username, password_hash FROM accounts ORDER BY username") == accounts
    assert growth(before) == {"audit_events": 1}, "the import of the units is told again, nothing else"


def test_a_lost_file_gives_every_account_the_new_password(demo: Flask) -> None:
    old = told(demo)["password"]
    (demo.extensions["shudi_settings"].data_dir / "demo.json").unlink()
    prepare(demo)
    new = told(demo)["password"]
    assert new != old
    for username in ("city.reviewer", "district.650121", "auditor"):
        assert sign_in(demo, username, old).status_code == 401
        assert sign_in(demo, username, new).status_code == 201


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"password": null}', '{"password": ""}', '{"password": "x"'])
def test_a_spoilt_file_is_as_good_as_lost(tmp_path: Path, content: str) -> None:
    (tmp_path / "demo.json").write_text(content, encoding="utf-8")
    assert office._kept_password(tmp_path) is None


def test_what_was_removed_comes_back(demo: Flask) -> None:
    with transaction(OPEN_WALL) as session:
        session.execute(text("DELETE FROM staff_sessions"))
        session.execute(text("DELETE FROM accounts WHERE username = 'district.650109'"))
    prepare(demo)
    assert sign_in(demo, "district.650109", told(demo)["password"]).status_code == 201


def test_the_calendar_is_there_and_a_change_of_it_is_kept(demo: Flask) -> None:
    ((days,),) = rows("SELECT count(*) FROM calendar_days")
    assert days > 0
    with transaction(OPEN_WALL) as session:
        session.execute(text("UPDATE calendar_days SET note = 'own' WHERE day = (SELECT min(day) FROM calendar_days)"))
    prepare(demo)
    ((kept,),) = rows("SELECT count(*) FROM calendar_days WHERE note = 'own'")
    assert kept > 0


def test_the_schema_is_at_its_head(demo: Flask) -> None:
    assert demo.test_client().get("/readyz").get_json()["database"] == "at_head"


def test_no_tip_is_invented(demo: Flask) -> None:
    assert rows("SELECT count(*) FROM tips") == [(0,)]
