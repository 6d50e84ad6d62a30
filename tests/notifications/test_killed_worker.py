"""A real worker process, killed while WeChat has not answered yet."""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from rq import Queue

from app.foundation.config import REPOSITORY, Settings
from app.notifications import delivering
from app.outbox import jobs, relay
from tests.notifications.conftest import Phone
from tests.notifications.test_jobs import SEND, delivery, later, message, queue_delivery
from tests.outbox.test_relay import work
from tests.waiting import eventually

pytestmark = pytest.mark.processes


def environment_of(settings: Settings) -> dict[str, str]:
    keys = [f"{key.key_id}:{base64.b64encode(key.secret).decode()}" for key in settings.sealing_keys]
    return os.environ | {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "DATA_DIR": str(settings.data_dir),
        "SECRET_KEY": settings.secret_key,
        "SEALING_KEYS": ",".join(keys),
        "WECHAT_APP_ID": settings.wechat_app_id,
        "WECHAT_APP_SECRET": settings.wechat_app_secret,
        "WECHAT_API_BASE": settings.wechat_api_base,
        "NOTICE_QUIET_HOURS": "off",
    }


@contextmanager
def worker(app: Flask) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "worker"],
        cwd=REPOSITORY,
        env=environment_of(app.extensions["shudi_settings"]),
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the worker and the child that runs its job, at once and without a word."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    pids = [process.pid, *map(int, children.read_text().split())] if process.poll() is None else []
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait(10)


def test_leaves_a_message_of_unknown_fate_and_never_a_second_one(committed_phone: Phone, committed_app: Flask) -> None:
    delivery_id, message_id = queue_delivery(committed_phone)
    queue = Queue(relay.QUEUE_NAME, connection=committed_app.extensions["shudi_redis"])
    queue.enqueue(jobs.run_messages, [message_id])
    committed_phone.wechat.script(SEND, delay_seconds=4.0, drop="before")
    with worker(committed_app) as process:
        eventually(lambda: SEND in committed_phone.wechat.calls)
        kill(process)
    assert delivery(delivery_id).state == "sending"
    assert message(message_id).done_at is None
    with later(seconds=delivering.SENDING_TAKES_AT_MOST.total_seconds() + 5):
        assert relay.relay_once(queue) == 1
        work(queue)
        assert relay.relay_once(queue) == 0
    assert (delivery(delivery_id).state, delivery(delivery_id).error) == ("unknown", "worker_lost")
    assert committed_phone.wechat.calls.count(SEND) == 1
