"""``flask outbox relay`` and ``flask worker``: the two processes that deliver effects."""

from __future__ import annotations

import signal
import threading
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext
from redis import Redis
from rq import Queue, Worker

from app.foundation.database import OPEN_WALL, db, transaction
from app.outbox import relay as relaying
from app.outbox import service

outbox_cli = AppGroup("outbox", help="外发消息")


@outbox_cli.command("relay")
def relay() -> None:
    """Take due messages to the queue until told to stop."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    relaying.run(_queue(), current_app.extensions["shudi_periodic_intervals"], stop)


@outbox_cli.command("retry")
def retry() -> None:
    """Offer again what was given up after many attempts."""
    with transaction(OPEN_WALL):
        offered = service.offer_again()
    click.echo(f"已重新安排 {offered} 条后台任务" if offered else "没有已停止重试的后台任务")


class OfficeWorker(Worker):
    """RQ's forking worker; the pool of connections is never carried over a fork."""

    def fork_work_horse(self, job: Any, queue: Any) -> None:
        """Dispose the engine before the fork: two processes on one connection would mix their answers."""
        db.engine.dispose()
        super().fork_work_horse(job, queue)

    def perform_job(self, job: Any, queue: Any) -> bool:
        """Run the job inside an application context of its own."""
        db.session.remove()
        try:
            return bool(super().perform_job(job, queue))
        finally:
            db.session.remove()


@click.command("worker")
@click.option("--burst", is_flag=True, help="处理完现有任务后退出")
@with_appcontext
def worker_command(*, burst: bool) -> None:
    """Run jobs until told to stop. Short time-outs bring the jobs of a killed worker back within a minute."""
    queue = _queue()
    worker = OfficeWorker(
        [queue],
        connection=queue.connection,
        worker_ttl=30,
        maintenance_interval=10,
        job_monitoring_interval=5,
    )
    worker.work(burst=burst, with_scheduler=False, logging_level="WARNING")


def _queue() -> Queue:
    redis: Redis = current_app.extensions["shudi_redis"]
    return Queue(relaying.QUEUE_NAME, connection=redis)
