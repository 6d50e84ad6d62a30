"""Laws about the schema: one line of migrations with one head, models equal to it, up and down and up again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import Connection, text

from app import create_app
from app.demo.wechat_standin import WeChatStandIn
from app.foundation.config import load_settings
from app.foundation.database import db
from app.readiness import MIGRATIONS
from tests import factories, rows
from tests.conftest import Services, make_database, make_test_app


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS))


def test_migrations_are_one_line_with_one_head() -> None:
    scripts = _scripts()
    assert len(scripts.get_heads()) == 1
    assert len(scripts.get_bases()) == 1
    assert all(not revision.is_branch_point and not revision.is_merge_point for revision in scripts.walk_revisions())


def test_every_migration_says_why() -> None:
    assert all((revision.doc or "").strip() for revision in _scripts().walk_revisions())


def test_business_data_is_no_part_of_migrations() -> None:
    """Rows are the office's: a migration makes tables, it does not fill them with units, days or accounts."""
    for path in (MIGRATIONS / "versions").glob("*.py"):
        assert "INSERT INTO" not in path.read_text(encoding="utf-8").upper(), path.name


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": False})
    return list(compare_metadata(context, db.metadata))


@pytest.fixture
def fresh_app(services: Services, tmp_path_factory: pytest.TempPathFactory, wechat: WeChatStandIn) -> Iterator[Flask]:
    """A migrated application with the office's rows, on a database of this test alone."""
    app = make_test_app(services, f"shudi_migrations_{services.worker}", tmp_path_factory.mktemp("data"), wechat)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def _as_owner(statement: str) -> list[tuple[object, ...]]:
    with db.engine.connect() as connection:
        connection.execute(text("RESET ROLE"))
        found = [tuple(row) for row in connection.execute(text(statement))]
        connection.invalidate()
        return found


def _objects() -> list[tuple[object, ...]]:
    """Everything of ours in the database: tables, columns, indexes, constraints, policies, triggers, grants."""
    return sorted(
        _as_owner(
            "SELECT 'column', table_name, column_name, data_type, is_nullable FROM information_schema.columns "
            "WHERE table_schema = 'public' UNION ALL "
            "SELECT 'index', tablename, indexname, indexdef, '' FROM pg_indexes WHERE schemaname = 'public' UNION ALL "
            "SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '' FROM pg_constraint "
            "WHERE connamespace = 'public'::regnamespace UNION ALL "
            "SELECT 'policy', tablename, policyname, qual, with_check FROM pg_policies UNION ALL "
            "SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), '' FROM pg_trigger "
            "WHERE NOT tgisinternal UNION ALL "
            "SELECT 'grant', table_name, privilege_type, grantee, '' FROM information_schema.role_table_grants "
            "WHERE grantee = 'shudi_app' UNION ALL "
            "SELECT 'function', proname, '', '', '' FROM pg_proc WHERE pronamespace = 'public'::regnamespace "
            "AND proname LIKE 'audit%'"
        ),
        key=str,
    )


def test_models_equal_migrations(session_app: Flask) -> None:
    with session_app.app_context(), db.engine.connect() as connection:
        assert _differences(connection) == []


def test_up_down_up_on_an_empty_database(
    services: Services, wechat: WeChatStandIn, tmp_path_factory: pytest.TempPathFactory
) -> None:
    environment = {
        "DATABASE_URL": make_database(services, f"shudi_empty_{services.worker}"),
        "REDIS_URL": services.redis_url,
        "DATA_DIR": str(tmp_path_factory.mktemp("empty")),
        "SECRET_KEY": "tests-only-" + "k" * 40,
        "SEALING_KEYS": "tests-1:" + "dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHQ=",
        "WECHAT_APP_ID": wechat.app_id,
        "WECHAT_APP_SECRET": wechat.secret,
        "WECHAT_API_BASE": wechat.base_url,
    }
    app = create_app(load_settings(environment))
    with app.app_context():
        upgrade(str(MIGRATIONS))
        first = _objects()
        downgrade(str(MIGRATIONS), revision="base")
        left = [row for row in _objects() if row[1] != "alembic_version"]
        upgrade(str(MIGRATIONS))
        second = _objects()
        with db.engine.connect() as connection:
            differences = _differences(connection)
        db.engine.dispose()
    assert left == []
    assert second == first
    assert differences == []


def test_each_step_goes_down_and_up_with_data_present(fresh_app: Flask) -> None:
    """Every revision that can be undone without dropping the tip's own tables keeps the tip."""
    client = fresh_app.test_client()
    receipt = factories.file_tip(client, reporter=factories.REPORTER)
    factories.verifying_tip(client)
    before = rows.row_counts()
    objects = _objects()
    revisions = [revision.revision for revision in _scripts().walk_revisions()]  # newest first
    for down_to in revisions[1:]:
        db.session.remove()
        downgrade(str(MIGRATIONS), revision=down_to)
        kept = _as_owner("SELECT count(*) FROM tips")[0][0]
        assert kept == before["tips"], down_to
        upgrade(str(MIGRATIONS))
        assert _objects() == objects, down_to
        assert _as_owner(f"SELECT receipt_number FROM tips WHERE receipt_number = '{receipt['receipt_number']}'")
    db.session.remove()
    assert {
        name: rows.row_counts()[name] for name in ("tips", "reporters", "handlings", "audit_events", "accounts")
    } == {name: before[name] for name in ("tips", "reporters", "handlings", "audit_events", "accounts")}


def test_all_the_way_down_and_up_with_data_present(fresh_app: Flask) -> None:
    factories.verifying_tip(fresh_app.test_client())
    db.session.remove()
    downgrade(str(MIGRATIONS), revision="base")
    assert [row for row in _objects() if row[1] != "alembic_version"] == []
    upgrade(str(MIGRATIONS))
    with db.engine.connect() as connection:
        assert _differences(connection) == []
