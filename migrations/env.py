"""Runs the migrations as the owner of the schema, one transaction each, never waiting long for a lock."""

from __future__ import annotations

from alembic import context
from flask import current_app

database = current_app.extensions["migrate"].db


def render_item(kind: str, item: object, autogen_context: object) -> str | bool:
    """Write our moment type as the plain column type: a migration must not change when the code does."""
    if kind == "type" and type(item).__name__ == "UtcDateTime":
        return "sa.DateTime(timezone=True)"
    return False


def run() -> None:
    """Migrate on one connection; waiting for a lock would stop the program, so it gives up after five seconds."""
    with database.engine.connect() as connection:
        connection.exec_driver_sql("RESET ROLE")
        connection.exec_driver_sql("SET lock_timeout = '5s'")
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql("SET idle_in_transaction_session_timeout = 0")
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=database.metadata,
            transaction_per_migration=True,
            compare_type=True,
            compare_server_default=False,
            render_item=render_item,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.invalidate()  # an owner's connection never returns to the pool


if context.is_offline_mode():
    raise RuntimeError("migrations are run against a database, never printed: they read what is there")
run()
