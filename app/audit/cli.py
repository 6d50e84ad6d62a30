"""``flask audit``: prove or disprove the chain."""

from __future__ import annotations

import contextlib

import click
from flask import current_app
from flask.cli import AppGroup

from app.audit import chain, jobs, kept_head, service
from app.foundation.database import OPEN_WALL, transaction
from app.foundation.permissions import PROGRAM

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
    if not verdict.witnessed:
        click.echo("提示：库外没有留存链首，末尾记录连同链首一并换回旧值的情形，本次无从核对。", err=True)
    click.echo(f"审计链完整：{verdict.sealed} 条记录。")


@audit_cli.command("accept-restore")
@click.option("--reason", required=True, help="理由，写入审计日志")
def accept_restore(reason: str) -> None:
    """After the database was restored from a backup: let the head that it holds now be the one to go on from."""
    if not reason.strip():
        raise click.ClickException("请写明恢复备份的经过")
    crypto = current_app.extensions["shudi_crypto"]
    with transaction(OPEN_WALL):
        kept = kept_head.kept(crypto)
        rows = kept[0] if kept else None
        service.record(PROGRAM, "audit.accept_restore", "audit_chain", "chain", reason=reason, kept_rows=rows)
    kept_head.forget(crypto)
    click.echo("已记入审计日志，并从库中现有的链首起重新留存。")
