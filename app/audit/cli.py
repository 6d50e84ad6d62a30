"""``flask audit``: prove or disprove the chain."""

from __future__ import annotations

import contextlib

import click
from flask import current_app
from flask.cli import AppGroup

from app.audit import chain, jobs
from app.foundation.database import OPEN_WALL, transaction

audit_cli = AppGroup("audit", help="审计日志")


@audit_cli.command("verify")
def verify() -> None:
    """Seal what waits, then walk the whole chain; exit 0 when it holds, 1 when it is broken."""
    with contextlib.suppress(chain.BrokenChain):  # the walk tells where
        jobs.seal()
    crypto = current_app.extensions["shudi_crypto"]
    verdict = chain.Verdict(0, 0, None, "")
    with transaction(OPEN_WALL):
        for verdict in chain.verify(crypto):
            click.echo(f"\r已核对 {verdict.sealed} 条", nl=False, err=True)
    click.echo(err=True)
    if not verdict.intact:
        click.echo(f"审计链已断裂：{verdict.reason}")
        raise SystemExit(1)
    click.echo(f"审计链完整：{verdict.sealed} 条记录。")
