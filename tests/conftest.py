"""Real PostgreSQL and real Redis for every test.

Without ``DATABASE_URL`` / ``REDIS_URL`` the embedded services run in a directory of the test session. Each worker of the
run has databases of its own; ``app`` keeps a test inside one transaction that is rolled back, ``committed_app`` lets it
commit and empties the tables afterwards.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import flask_sqlalchemy.session
import psycopg
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from hypothesis import HealthCheck, settings
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import create_app
from app.demo.wechat_standin import WeChatStandIn, serving
from app.foundation.config import load_settings
from app.foundation.database import OPEN_WALL, db, enter_wall
from app.foundation.local_services import LocalServices
from app.geo import current
from app.identity import passwords
from app.readiness import MIGRATIONS
from app.tips import guard
from tests import factories

# How fast a busy machine is says nothing about the program.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

REDIS_DATABASES = 15
OWN_HASHER = passwords._hasher  # the product's, for the test that looks at its work


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What speaks to PostgreSQL or Redis can be run alone against other servers (``-m services``)."""
    for item in items:
        if "services" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.services)


@dataclass(frozen=True)
class Services:
    """Where PostgreSQL and Redis are for this worker of the test run."""

    database_url: str
    redis_url: str
    worker: int


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    database_url, redis_url = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    local = None
    if not (database_url and redis_url):
        # One directory for all workers of the run: xdist's base directory is shared one level up.
        base = tmp_path_factory.getbasetemp()
        shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
        local = LocalServices(shared / "services")
        endpoints = local.ensure_running()
        database_url, redis_url = database_url or endpoints.database_url, redis_url or endpoints.redis_url
    yield Services(database_url, _redis_database(redis_url, worker), worker)
    if local:
        local.release()


def _redis_database(redis_url: str, worker: int) -> str:
    """A database of the server for this worker: tests empty it."""
    return urlsplit(redis_url)._replace(path=f"/{1 + worker % REDIS_DATABASES}").geturl()


@pytest.fixture(scope="session", autouse=True)
def light_passwords() -> Iterator[None]:
    """A hash of a password is slow on purpose, and thousands of tests sign in: argon2id with the least work."""
    light = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", light)
        patch.setattr(passwords, "_NOBODY", light.hash("a password that nobody has"))
        yield


def make_database(services: Services, name: str) -> str:
    """An empty database of this run on the server; returns its URL."""
    base, _, query = services.database_url.partition("?")
    with psycopg.connect(services.database_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        # Letters of any script must count as letters for searching: never plain C.
        connection.execute(f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'")
    url = base.rpartition("/")[0] + "/" + name
    return f"{url}?{query}" if query else url


@pytest.fixture(scope="session")
def wechat() -> Iterator[WeChatStandIn]:
    with serving(WeChatStandIn(app_id="wxtests")) as running:
        yield running


def _forget_what_was_remembered(app: Flask) -> None:
    """What the test before had imported, taught or set is rolled back; a process remembers it for some seconds."""
    remembered = ("shudi_limits", "shudi_calendars", "shudi_register", "shudi_address_ranges", "shudi_case_figures")
    for name in remembered:
        app.extensions.pop(name, None)
    current.look_again()
    guard.forget_counts()
    factories.forget_sessions()


class OpenEyedClient(FlaskClient):
    """A client after whose requests the test sees everything again; the request itself raised its own wall."""

    def open(self, *arguments: Any, **options: Any) -> Any:
        try:
            return super().open(*arguments, **options)
        finally:
            db.session.remove()
            enter_wall(OPEN_WALL)


def make_test_app(services: Services, database: str, data_dir: Path, wechat: WeChatStandIn) -> Flask:
    """A migrated application on a database of its own, with the demo's units and calendar."""
    environment = {
        "DATABASE_URL": make_database(services, database),
        "REDIS_URL": services.redis_url,
        "DATA_DIR": str(data_dir),
        "SECRET_KEY": "tests-only-" + "k" * 40,
        "SEALING_KEYS": "tests-1:" + base64.b64encode(b"t" * 32).decode(),
        "WECHAT_APP_ID": wechat.app_id,
        "WECHAT_APP_SECRET": wechat.secret,
        "WECHAT_API_BASE": wechat.base_url,
        "PUBLIC_RATE_PER_MINUTE": "1000000",  # tests of one process are one device in one minute
        "SECOND_FACTOR_ROLES": "off",  # tests of the rules of signing in set their own
        "PASSWORD_AGE_DAYS": "0",
        "NOTICE_QUIET_HOURS": "off",  # tests run at any hour; those of the quiet hours set their own
    }
    app = create_app(load_settings(environment))
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.test_client_class = OpenEyedClient
    app.config["SESSION_COOKIE_SECURE"] = False
    with app.app_context():
        upgrade(str(MIGRATIONS))
        factories.make_office()
    return app


@pytest.fixture(scope="session")
def session_app(services: Services, tmp_path_factory: pytest.TempPathFactory, wechat: WeChatStandIn) -> Iterator[Flask]:
    app = make_test_app(services, f"shudi_test_{services.worker}", tmp_path_factory.mktemp("data"), wechat)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(session_app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The application inside one transaction: whatever the test commits is a savepoint and is rolled back."""
    session_app.extensions["shudi_redis"].flushdb()
    with session_app.app_context():
        _forget_what_was_remembered(session_app)
        db.session.remove()
        with db.engine.connect() as connection:
            outer = connection.begin()
            monkeypatch.setattr(flask_sqlalchemy.session.Session, "get_bind", lambda *_, **__: connection)
            db.session.configure(join_transaction_mode="create_savepoint")
            enter_wall(OPEN_WALL)
            try:
                yield session_app
            finally:
                db.session.remove()
                enter_wall("")
                outer.rollback()


@pytest.fixture
def session(app: Flask) -> Session:
    """The test's own session, behind an open wall."""
    return db.session()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="session")
def own_database_app(
    services: Services, tmp_path_factory: pytest.TempPathFactory, wechat: WeChatStandIn
) -> Iterator[Flask]:
    app = make_test_app(services, f"shudi_commit_{services.worker}", tmp_path_factory.mktemp("committed"), wechat)
    yield app
    with app.app_context():
        db.engine.dispose()


KEPT_TABLES = {"alembic_version", "units", "calendar_days", "accounts"}


@pytest.fixture
def committed_app(own_database_app: Flask) -> Iterator[Flask]:
    """An application whose transactions really commit; the tables are emptied afterwards."""
    own_database_app.extensions["shudi_redis"].flushdb()
    with own_database_app.app_context():
        _forget_what_was_remembered(own_database_app)
        enter_wall(OPEN_WALL)
        yield own_database_app
        db.session.remove()
        enter_wall("")
        _empty_tables()


def _empty_tables() -> None:
    names: Any = [table.name for table in db.metadata.sorted_tables if table.name not in KEPT_TABLES]
    with db.engine.connect() as connection:
        connection.execute(text("RESET ROLE"))
        connection.execute(text("ALTER TABLE audit_events DISABLE TRIGGER USER"))
        connection.execute(text(f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE"))
        connection.execute(text("ALTER TABLE audit_events ENABLE TRIGGER USER"))
        connection.commit()
        connection.invalidate()
