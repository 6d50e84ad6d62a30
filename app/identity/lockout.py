"""Locks on guessing passwords (GB/T 22239-2019, login-failure handling).

Failures are counted under the name that was typed, whether or not somebody has it: a lock tells nobody which accounts
exist. The name is kept as a blind index alone, and forgotten a day after the last failure.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import case, delete, or_, select
from sqlalchemy.dialects.postgresql import insert

from app.foundation import clock, database
from app.foundation.database import db
from app.foundation.errors import AccountLocked
from app.identity.models import SignInAttempts
from app.identity.sealing import crypto

MOST_FAILURES: Final = 5
LOCK_TIME: Final = timedelta(minutes=15)
REMEMBERED: Final = timedelta(days=1)


def locked_until(username: str) -> datetime | None:
    """Until when nobody signs in under this name; ``None``: it is open."""
    return locks_of([username]).get(username)


def locks_of(usernames: Iterable[str]) -> dict[str, datetime]:
    """The names that are locked now, with the moment each lock ends."""
    names = {_index(name): name for name in usernames}
    rows = db.session.execute(
        select(SignInAttempts.name_index, SignInAttempts.locked_until).where(
            SignInAttempts.name_index.in_(names), SignInAttempts.locked_until > clock.now()
        )
    )
    return {names[index]: until for index, until in rows if until is not None}


def refuse_locked(username: str, about: dict[str, Any]) -> None:
    """Raise ``AccountLocked`` while the name is locked; ``about`` goes with the refusal."""
    until = locked_until(username)
    if until is not None:
        wait = int((until - clock.now()).total_seconds()) + 1
        raise AccountLocked(extra={"retry_after": wait, **about})


def take_turn(username: str) -> None:
    """Wait until nobody else tries a proof under this name; the turn ends with the transaction."""
    database.take_turn(_index(username))


def note_failure(username: str) -> None:
    """Count a failed sign-in; the fifth locks the name for a quarter of an hour, then counting begins anew."""
    moment = clock.now()
    db.session.execute(delete(SignInAttempts).where(SignInAttempts.last_at < moment - REMEMBERED))
    over = or_(SignInAttempts.locked_until <= moment, SignInAttempts.last_at < moment - REMEMBERED)
    failures = case((over, 1), else_=SignInAttempts.failures + 1)
    counted = insert(SignInAttempts).values(name_index=_index(username), failures=1, last_at=moment)
    db.session.execute(
        counted.on_conflict_do_update(
            index_elements=[SignInAttempts.name_index],
            set_={
                "failures": failures,
                "last_at": moment,
                "locked_until": case((failures >= MOST_FAILURES, moment + LOCK_TIME), else_=None),
            },
        )
    )


def forget(username: str) -> None:
    """Take back the lock and the count of a name."""
    db.session.execute(delete(SignInAttempts).where(SignInAttempts.name_index == _index(username)))


def _index(username: str) -> bytes:
    return crypto().blind_index("sign-in-name", username)
