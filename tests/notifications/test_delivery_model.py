"""A delivery against a reference: senders come, die and answer late in any order, time passes, a person sends again.

The model knows nothing of the program's tables; it is the state machine of docs/notices.md written down a second time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import select

from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, new_id, transaction
from app.foundation.permissions import Actor
from app.notifications import delivering
from app.notifications.channels import Outcome
from app.notifications.models import Delivery
from app.notifications.resending import resend
from app.notifications.states import DeliveryState
from app.outbox import service as outbox
from app.outbox.models import OutboxMessage
from tests import factories, rows
from tests.moments import MONDAY_MORNING

OUTCOMES = st.sampled_from([DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.UNKNOWN, DeliveryState.QUEUED])


@dataclass
class Model:
    """What one delivery must be."""

    state: str = "queued"
    attempt: int = 0
    tries: int = 0
    began: float = 0.0

    def claim(self, moment: float) -> int | None:
        if self.state == "sending" and moment - self.began >= 90:
            self.state = "unknown"
        if self.state != "queued":
            return None
        self.state, self.began = "sending", moment
        self.attempt += 1
        self.tries += 1
        return self.attempt

    def record(self, attempt: int, outcome: str) -> None:
        if attempt != self.attempt or self.state not in {"sending", "unknown"}:
            return
        if outcome == "queued":
            for_good = self.state == "unknown" or self.tries >= 12
            self.state = "failed" if for_good else "queued"
        else:
            self.state = outcome

    def resend(self) -> bool:
        if self.state not in {"failed", "unknown"}:
            return False
        self.state, self.tries = "queued", 0
        return True


class Senders(RuleBasedStateMachine):
    """The program beside the model."""

    app: Flask
    officer: Actor
    tip_id: UUID

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.moment = 0.0
        self.claims: list[delivering.Claim] = []
        index = rows.scalar(f"SELECT phone_index FROM reporters WHERE tip_id = '{self.tip_id}'")
        self.delivery_id = new_id()
        with clock.stopped_at(MONDAY_MORNING), transaction(OPEN_WALL):
            db.session.add(
                Delivery(
                    id=self.delivery_id,
                    tip_id=self.tip_id,
                    event_id=new_id(),
                    channel="sms",
                    state="queued",
                    person_index=bytes(index),
                    created_at=clock.now(),
                )
            )
            outbox.leave("notifications.send_delivery", delivery_id=str(self.delivery_id))

    def at_present(self) -> datetime:
        return MONDAY_MORNING + timedelta(seconds=self.moment)

    def message_id(self) -> int:
        found = select(OutboxMessage.id).where(OutboxMessage.payload["delivery_id"].astext == str(self.delivery_id))
        return db.session.scalars(found.order_by(OutboxMessage.id.desc())).first() or 0

    @rule()
    def a_worker_comes(self) -> None:
        with clock.stopped_at(self.at_present()), transaction(OPEN_WALL):
            claimed = delivering.claim(self.delivery_id, self.message_id())
        expected = self.model.claim(self.moment)
        assert (claimed.attempt if claimed else None) == expected
        if claimed is not None:
            self.claims.append(claimed)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), outcome=OUTCOMES)
    def a_sender_answers(self, data: st.DataObject, outcome: DeliveryState) -> None:
        claimed = data.draw(st.sampled_from(self.claims))
        with clock.stopped_at(self.at_present()), transaction(OPEN_WALL):
            delivering.record(claimed, Outcome(outcome, "code"), self.message_id())
        self.model.record(claimed.attempt, outcome.value)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def a_sender_dies(self, data: st.DataObject) -> None:
        self.claims.remove(data.draw(st.sampled_from(self.claims)))

    @rule(seconds=st.sampled_from([1, 30, 89, 91, 4000]))
    def time_passes(self, seconds: int) -> None:
        self.moment += seconds

    @rule()
    def an_officer_sends_again(self) -> None:
        with clock.stopped_at(self.at_present()), transaction(OPEN_WALL):
            result = resend(self.officer, [self.delivery_id])
        assert bool(result.queued) == self.model.resend()

    @invariant()
    def the_row_is_as_the_model_says(self) -> None:
        db.session.expire_all()
        row = db.session.get_one(Delivery, self.delivery_id)
        assert (row.state, row.attempts) == (self.model.state, self.model.attempt)
        assert (row.finished_at is not None) == (self.model.state in {"sent", "failed", "unknown"})

    @invariant()
    def what_is_not_over_is_wanted_by_a_message(self) -> None:
        if self.model.state in {"queued", "sending"}:
            message = db.session.get_one(OutboxMessage, self.message_id())
            assert message.done_at is None


def test_deliveries_follow_the_model(app: Flask) -> None:
    client = app.test_client()
    receipt = factories.file_tip(client, reporter=factories.REPORTER)
    Senders.app, Senders.officer = app, factories.actor("sysadmin")
    Senders.tip_id = factories.tip_id_of(receipt["receipt_number"])
    run_state_machine_as_test(
        Senders,
        settings=settings(
            max_examples=12,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
