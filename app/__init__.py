"""Shudi (属地): intake and handling of public tips about suspected illegal fundraising.

:func:`create_app` is the one place where the rooms are put together.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from apiflask import APIFlask
from flask_migrate import Migrate
from werkzeug.middleware.proxy_fix import ProxyFix

from app.foundation.config import Settings, load_settings
from app.foundation.cookies import CookieOfPages
from app.foundation.crypto import make_crypto
from app.foundation.database import db, engine_options, prepare_engine
from app.foundation.http import refuse_undeclared_routes, registry, start_request_behind_closed_wall
from app.foundation.http_errors import register_error_handlers
from app.foundation.json_text import JsonAnswers
from app.foundation.observability import configure_logging, register_observability
from app.foundation.redis import connect_redis


def spare_the_collector() -> None:
    """For a server's process, when everything is loaded: look for garbage less often, and at requests alone.

    What was loaded stays, and forked workers share its pages. A request leaves some thousands of objects; to look after
    every 700 of them costs three per cent of it.
    """
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


class Shudi(APIFlask):
    """The program. No view and no hook of it is a coroutine, so that none is asked on every request whether it is."""

    json_provider_class = JsonAnswers

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """``func`` as it is."""
        return func


def create_app(settings: Settings | None = None) -> APIFlask:
    """Make the application; raise ``SettingsRefused`` or, for an undeclared route, ``RuntimeError``."""
    settings = settings or load_settings()
    configure_logging()
    app = Shudi(__name__, title="属地 Shudi", version="0.1.0", spec_path=None, docs_path=None, static_folder=None)  # type: ignore[arg-type]  # Flask takes None: no static files of its own
    app.config.update(_flask_config(settings))
    app.session_interface = CookieOfPages()
    app.extensions["shudi_settings"] = settings
    app.extensions["shudi_crypto"] = make_crypto(settings)
    app.extensions["shudi_redis"] = connect_redis(settings)
    if settings.trusted_proxies:  # what a caller says of the address counts for nothing without a proxy of our own
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=0, x_host=0)  # type: ignore[method-assign]
    start_request_behind_closed_wall(app)
    _connect_database(app, settings)
    _connect_rooms(app, settings)
    register_error_handlers(app)
    refuse_undeclared_routes(app)
    return app


def _flask_config(settings: Settings) -> dict[str, Any]:
    return {
        "SECRET_KEY": settings.secret_key,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": engine_options(),
        "SESSION_COOKIE_NAME": "shudi_session",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": not settings.demo,
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=12),
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_CHECK_DEFAULT": False,
        "OPENAPI_VERSION": "3.1.0",
        "MAX_CONTENT_LENGTH": 101 * 1024 * 1024,
    }


def _connect_database(app: APIFlask, settings: Settings) -> None:
    db.init_app(app)
    Migrate(app, db, compare_type=True)
    with app.app_context():
        prepare_engine(db.engine, settings)


def _connect_channels(app: APIFlask, settings: Settings) -> None:
    from app.identity.wechat import WeChatClient
    from app.notifications import channels

    app.extensions["shudi_wechat"] = WeChatClient(
        settings.wechat_api_base, settings.wechat_app_id, settings.wechat_app_secret, app.extensions["shudi_redis"]
    )
    channels.connect(app, settings)


# long because this is the list of every room.
def _connect_rooms(app: APIFlask, settings: Settings) -> None:
    from app import api_document, console, public_pages, readiness
    from app.audit import api as audit_api
    from app.audit import jobs as audit_jobs
    from app.audit.cli import audit_cli
    from app.audit.service import record_refusal
    from app.cases import doors as case_doors
    from app.cases import jobs as case_jobs
    from app.cases import openings as _openings  # noqa: F401  # lets a concluded tip open a case
    from app.cases.cli import cases_cli
    from app.demo.cli import demo_cli
    from app.enterprises.cli import enterprises_cli
    from app.files import jobs as file_jobs
    from app.files.cli import files_cli
    from app.geo import api as geo_api
    from app.geo.cli import geo_cli
    from app.identity import api as identity_api
    from app.identity.authentication import register_authenticators
    from app.identity.cli import accounts_cli, units_cli
    from app.notifications import api as notification_api
    from app.notifications import jobs as notification_jobs
    from app.outbox.cli import outbox_cli, worker_command
    from app.rewards import api as reward_api
    from app.rewards import jobs as reward_jobs
    from app.tips import (
        assisted_api,
        clusters_api,
        conversation_api,
        evidence_api,
        proof_api,
        rating_api,
        recovery_api,
        retention_api,
        upload_api,
    )
    from app.tips import cli as _geo_commands  # noqa: F401  # adds to geo's commands
    from app.tips import jobs as tip_jobs
    from app.tips import office_api as tips_office_api
    from app.tips import public_api as tips_public_api
    from app.tips.key_rotation import count_keys, keys_cli, rotate_piece
    from app.tips.secrecy import tell_of_guessing
    from app.workflow import api as workflow_api
    from app.workflow import jobs as workflow_jobs
    from app.workflow.cli import calendar_cli, limits_cli

    register_authenticators(app)
    registry(app).refusal_listeners += [record_refusal, tell_of_guessing]
    _connect_channels(app, settings)
    app.extensions["shudi_periodic_jobs"] = {
        "audit-seal": audit_jobs.seal,
        "files-orphans": file_jobs.remove_orphans,
        **({"files-scan": file_jobs.scan_waiting} if settings.clamd_url else {}),
        "rewards-lapse": reward_jobs.lapse_rewards,
        "tips-linking": tip_jobs.link_tips,
        "tips-terms": tip_jobs.end_overdue_terms,
        "tips-retention": tip_jobs.propose_removals,
        "tips-exports": tip_jobs.remove_exports,
        "tips-search": tip_jobs.index_for_search,
        "tips-statistics": tip_jobs.count_tips,
        "workflow-sweep": workflow_jobs.sweep_clocks,
        "cases-sweep": case_jobs.sweep_cases,
        "notifications-digest": notification_jobs.daily_digest,
    }
    app.extensions["shudi_tasks"] = {
        "audit-verify": audit_jobs.verify,
        "keys-count": count_keys,
        "keys-rotate": rotate_piece,
    }
    app.extensions["shudi_periodic_intervals"] = {
        "audit-seal": 2.0,
        "files-orphans": 3600.0,
        **({"files-scan": 5.0} if settings.clamd_url else {}),
        "rewards-lapse": 3600.0,
        "tips-linking": 3.0,
        "tips-terms": 600.0,
        "tips-retention": 6 * 3600.0,
        "tips-exports": 3600.0,
        "tips-search": 5.0,
        "tips-statistics": 60.0,
        "workflow-sweep": 600.0,
        "cases-sweep": 3600.0,
        "notifications-digest": 600.0,
    }
    after_filing = (conversation_api, rating_api, recovery_api)
    for room in (identity_api, tips_public_api, upload_api, *after_filing, proof_api, reward_api, notification_api):
        app.register_blueprint(room.public_api)
    office = (identity_api, tips_office_api, *after_filing, evidence_api, retention_api, workflow_api, notification_api)
    for room in (*office, assisted_api, clusters_api, audit_api, geo_api, reward_api):
        app.register_blueprint(room.office_api)
    for blueprint in case_doors.BLUEPRINTS:
        app.register_blueprint(blueprint)
    groups = (geo_cli, audit_cli, outbox_cli, accounts_cli, units_cli, calendar_cli, limits_cli, files_cli, demo_cli)
    for command in (*groups, enterprises_cli, cases_cli, keys_cli, worker_command):
        app.cli.add_command(command)
    console.register(app)
    public_pages.register(app)
    api_document.register(app)
    register_observability(app, readiness.checks(app))
