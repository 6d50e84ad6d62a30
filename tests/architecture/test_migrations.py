"""Laws about the schema: one line of migrations with one head, models equal to it, up and down and up again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import Script, ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import Connection, text

from app import create_app
from app.demo.wechat_standin import WeChatStandIn
from app.foundation.config import load_settings
from app.foundation.database import db
from app.readiness import MIGRATIONS
from tests import factories, rows
from tests.cases import ledgers, office
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
            "AND proname SIMILAR TO '(audit|case)%'"
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
    """From the newest to the second: down, up to what was there before, and down again; tips stay through all of it."""
    receipt = factories.file_tip(fresh_app.test_client(), reporter=factories.REPORTER)
    factories.verifying_tip(fresh_app.test_client())
    before = rows.row_counts()
    first = _objects()
    revisions = list(_scripts().walk_revisions())[:-1]  # the oldest makes the tables of the tip
    db.session.remove()
    with _stepping() as step:
        for revision in revisions:
            objects = _objects()
            step(revision, "downgrade")
            step(revision, "upgrade")
            assert _objects() == objects, revision
            step(revision, "downgrade")
            assert _as_owner("SELECT count(*) FROM tips") == [(before["tips"],)], revision
        for revision in reversed(revisions):
            step(revision, "upgrade")
    assert _objects() == first
    assert _as_owner("SELECT receipt_number FROM tips ORDER BY id")[0] == (receipt["receipt_number"],)
    after = rows.row_counts()
    kept = ("tips", "reporters", "handlings", "audit_events", "accounts")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}


@contextmanager
def _stepping() -> Iterator[Callable[[Script, str], None]]:
    """One revision up or down at a time: the command reads every script anew for each."""
    with db.engine.connect() as connection:
        connection.execute(text("RESET ROLE"))
        connection.commit()
        context = MigrationContext.configure(connection, opts={"transaction_per_migration": True})

        def step(revision: Script, direction: str) -> None:
            with context.begin_transaction(_per_migration=True), Operations.context(context):
                getattr(revision.module, direction)()

        yield step
        connection.invalidate()


def test_what_claims_payments_and_assets_come_to_is_counted_by_the_migration(fresh_app: Flask) -> None:
    """A case as an earlier version left it: claims in the ledger, and an asset that no sum has followed yet."""
    client = fresh_app.test_client()
    case_id = ledgers.paying_case(client)
    ledgers.batch(client, case_id)
    ledgers.settle(client, case_id, 债1="paid", 债2="failed")
    asset = {"kind": "vehicle", "description": "轿车", "state": "seized", "valuation_yuan": "100.01"}
    ledgers.post(client, case_id, "assets", asset)
    office.case(client, case_no="没有台账", facts=office.FACTS | {"controlled_yuan": "5.00"})
    before = ledgers.ledger(client, case_id).get_json()
    before["batches"][0]["listed_at"] = before["batches"][0]["made_at"]  # an earlier version did not know when
    sums = "SELECT claims, claims_verified_yuan, controlled_yuan, realised_yuan FROM fundraising_cases ORDER BY id"
    cases = _as_owner(sums)
    assert cases == [(3, Decimal("300.01"), Decimal("100.01"), 0), (0, 0, Decimal("5.00"), None)]
    db.session.remove()
    downgrade(str(MIGRATIONS), revision="0046")
    with db.engine.begin() as connection:
        connection.execute(text("SET LOCAL ROLE NONE"))
        connection.execute(text("UPDATE fundraising_cases SET controlled_yuan = 7 WHERE case_no <> '没有台账'"))
    upgrade(str(MIGRATIONS))
    assert _as_owner(sums) == cases
    assert ledgers.ledger(client, case_id).get_json() == before


def test_a_batch_of_an_earlier_version_counts_as_sent_and_what_was_withdrawn_as_failed(fresh_app: Flask) -> None:
    """Nobody knows whether its list has left: the bank's answer comes before a correction."""
    client = fresh_app.test_client()
    case_id = ledgers.paying_case(client)
    ledgers.batch(client, case_id)
    change = {"claimed_yuan": "90.00", "reason": "更正。"}
    assert ledgers.patch(client, case_id, "claims/债1", change).status_code == 200
    db.session.remove()
    downgrade(str(MIGRATIONS), revision="0055")
    assert _as_owner("SELECT sent, failed FROM case_batches") == [(2, 1)]
    upgrade(str(MIGRATIONS))
    assert _as_owner("SELECT sent, failed, withdrawn, listed_at = made_at FROM case_batches") == [(2, 1, 0, True)]
    assert ledgers.patch(client, case_id, "claims/债1", change).status_code == 200
    assert ledgers.patch(client, case_id, "claims/债2", change).get_json()["code"] == "payment_under_way"


def test_tips_merged_by_an_earlier_version_are_given_to_the_unit_of_their_main_tip(fresh_app: Flask) -> None:
    client = fresh_app.test_client()
    main = factories.verifying_tip(client)
    later = factories.tip_id_of(factories.file_tip(client)["receipt_number"])
    assert factories.office_act(client, "city.reviewer", later, "merge", into=str(main)).status_code == 200
    db.session.remove()
    places = "SELECT unit_id, division_code FROM handlings ORDER BY registered_at, tip_id"
    before = _as_owner(places)
    assert before == [before[0]] * len(before)
    downgrade(str(MIGRATIONS), revision="0058")
    assert [unit for unit, _ in _as_owner(places)].count(None) == 1
    upgrade(str(MIGRATIONS))
    assert _as_owner(places) == before


def test_all_the_way_down_and_up_with_data_present(fresh_app: Flask) -> None:
    factories.verifying_tip(fresh_app.test_client())
    db.session.remove()
    downgrade(str(MIGRATIONS), revision="base")
    assert [row for row in _objects() if row[1] != "alembic_version"] == []
    upgrade(str(MIGRATIONS))
    with db.engine.connect() as connection:
        assert _differences(connection) == []
