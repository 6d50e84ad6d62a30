"""What the outbox runs here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.cases.reminders import CASE_ALERTS
from app.cases.service import CASE_CHANGED
from app.foundation.database import OPEN_WALL, transaction
from app.notifications import case_news, channels, delivering, digest, ladder, run_news, service
from app.outbox.service import handles, handles_over_network
from app.outbox.single_run import RUN_ENDED
from app.tips.conversation import CONVERSATION_MOVED
from app.tips.retention import REPORTER_FORGOTTEN
from app.tips.secrecy import GUESSING
from app.workflow.handover import HANDED_OVER
from app.workflow.reassignment import REASSIGNMENT_CHANGED
from app.workflow.service import HANDLING_CHANGED
from app.workflow.supervision import HANDLING_ALERT


@handles(HANDLING_CHANGED)
def announce_step(payload: dict[str, Any]) -> None:
    """Tell of a step of a tip. Twice is safe: a person hears of an event once, and a delivery exists once."""
    service.announce_step(UUID(payload["tip_id"]), UUID(payload["event_id"]))


@handles(service.TELL_REPORTERS)
def tell_reporters(payload: dict[str, Any]) -> None:
    """Tell one lot of a surge's reporters. Twice is safe: a delivery exists once."""
    service.tell_some([UUID(one) for one in payload["tip_ids"]], UUID(payload["event_id"]))


@handles(REASSIGNMENT_CHANGED)
def announce_reassignment(payload: dict[str, Any]) -> None:
    """Tell of a step of a request. Twice is safe: a person hears of an event once."""
    service.announce_reassignment(UUID(payload["reassignment_id"]), UUID(payload["event_id"]))


@handles(HANDED_OVER)
def hand_over_notices(payload: dict[str, Any]) -> None:
    """Give a leaver's unread notices to the successor. Twice is safe: a person hears of an event once."""
    service.hand_over_unread(UUID(payload["leaver"]), UUID(payload["successor"]))


@handles(HANDLING_ALERT)
def announce_alert(payload: dict[str, Any]) -> None:
    """Warn of a tip. Twice is safe: a person hears of an event once."""
    service.announce_alert(UUID(payload["alert_id"]))


@handles(CASE_CHANGED)
def announce_case_step(payload: dict[str, Any]) -> None:
    """Tell of a step of a case. Twice is safe: a person hears of an event once."""
    case_news.announce_step(UUID(payload["case_id"]), UUID(payload["event_id"]))


@handles(CASE_ALERTS)
def announce_case_alerts(payload: dict[str, Any]) -> None:
    """Remind a unit of its cases. Twice is safe: a person hears of an event once."""
    case_news.announce_alerts(UUID(payload["alert_id"]), payload["unit_id"], payload["count"])


def daily_digest() -> None:
    """Let officers read in the morning what is pressing. Twice is safe: a person hears of one day's digest once."""
    with transaction(OPEN_WALL):
        digest.write_digests()


@handles(CONVERSATION_MOVED)
def announce_conversation(payload: dict[str, Any]) -> None:
    """Tell of what was said after filing. Twice is safe: a person hears of an event once."""
    service.announce_conversation(UUID(payload["tip_id"]), UUID(payload["event_id"]), payload["kind"])


@handles(GUESSING)
def announce_guessing(payload: dict[str, Any]) -> None:
    """Tell of somebody who guesses at a reporter. Twice is safe: a person hears of an event once."""
    tip_id, case_id = (UUID(payload[name]) if name in payload else None for name in ("tip_id", "case_id"))
    service.announce_guessing(UUID(payload["event_id"]), tip_id, case_id)


@handles(RUN_ENDED)
def announce_end_of_run(payload: dict[str, Any]) -> None:
    """Tell whoever asked for long work how it ended. Twice is safe: a person hears of an event once."""
    run_news.announce_end(payload["table"], UUID(payload["row_id"]), UUID(payload["event_id"]))


@handles(REPORTER_FORGOTTEN)
def forget_reporter(payload: dict[str, Any]) -> None:
    """Cut deliveries of a tip off from their reporter. Twice is safe: a cut delivery leads nowhere either time."""
    delivering.forget_reporter(UUID(payload["tip_id"]))


@handles_over_network(ladder.SEND_DELIVERY)
def send_delivery(message_id: int, payload: dict[str, Any]) -> None:
    """Claim → commit → call → record. Twice is safe: only a queued delivery is sent, and only by who claimed it.

    A run that dies between claim and record leaves ``sending`` behind; the next one makes it ``unknown``.
    """
    with transaction(OPEN_WALL):
        claimed = delivering.claim(UUID(payload["delivery_id"]), message_id)
    if claimed is None:
        return
    outcome = channels.send(claimed.letter)
    with transaction(OPEN_WALL):
        delivering.record(claimed, outcome, message_id)
