"""What stands between strangers and a tip: locks on guessing codes, and a price for crowds. Redis alone.

**Codes.** Five wrong codes lock a receipt number, and five lock a source; each further one doubles the wait. An attempt
is counted before anybody is told what came of it, so that guesses made at once are not more than five either. Numbers
that exist and numbers that do not are counted alike.

**Crowds.** Each caller may knock at a public door so often a minute, by device (address and browser), by address, by
address range and by session. Over it nobody is refused: the answer asks for a small proof of work, which a page does by
itself, or for a little patience where no script runs (see :mod:`app.tips.proof_of_work`). A process counts on its own
while a caller is far from every limit; Redis, where all processes count together, is asked only about callers who are
not.

Addresses and devices are kept as keyed digests, for an hour at most, never in the database, never beside a tip. Redis
away means no limits: a tip must come in, and a code of 63 bits is not guessed by knocking.
"""

from __future__ import annotations

import ipaddress
import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from flask import current_app
from redis.exceptions import RedisError

from app.foundation import clock
from app.foundation.errors import TooManyRequests
from app.tips import proof_of_work
from app.tips.service import crypto

logger = logging.getLogger(__name__)

MOST_WRONG_CODES: Final = 5
FIRST_WAIT_SECONDS: Final = 30
LONGEST_WAIT_SECONDS: Final = 3600
REMEMBERED_SECONDS: Final = 3600

_SETTLE: Final = """
local now, right = tonumber(ARGV[1]), ARGV[2] == '1'
for lock = 2, #KEYS, 2 do
    local locked_until = tonumber(redis.call('GET', KEYS[lock]) or '0')
    if locked_until > now then return math.ceil(locked_until - now) end
end
if right then
    redis.call('DEL', KEYS[1], KEYS[2])
    return 0
end
for key = 1, #KEYS, 2 do
    local attempts = redis.call('INCR', KEYS[key])
    redis.call('EXPIRE', KEYS[key], ARGV[6])
    local excess = attempts - tonumber(ARGV[3])
    if excess >= 0 then
        local wait = math.min(tonumber(ARGV[4]) * 2 ^ math.min(excess, 20), tonumber(ARGV[5]))
        redis.call('SET', KEYS[key + 1], string.format('%.3f', now + wait), 'EX', math.ceil(wait))
    end
end
return 0
"""
"""Answers the seconds to wait where receipt or source is locked. Otherwise 0, and a right code has cleared the receipt,
a wrong one is counted against both; the attempt that reaches the limit sets the lock."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever knocks: address and browser of the connection, and the mini-program session where it may be used."""

    address: str = field(repr=False)
    agent: str = field(default="", repr=False)
    session: bytes | None = field(default=None, repr=False)


# Guessing codes -----------------------------------------------------------------------------------------------------


def settle_attempt(receipt_number: str, caller: Caller, *, right: bool) -> None:
    """Count a wrong code, forget the wrong ones before a right code; the source keeps its own.

    Looking whether the code is right comes first, telling it comes after: one step for Redis, and locked means locked
    for a right code too.

    Raises:
        TooManyRequests: the receipt number or the source is locked; the attempt is not counted.
    """
    keys = (*_keys("receipt", receipt_number), *_keys("source", caller.address))
    limits = (MOST_WRONG_CODES, FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS, REMEMBERED_SECONDS)
    try:
        wait = float(_settling(_redis())(keys, (clock.now().timestamp(), int(right), *limits)))
    except RedisError as fault:
        _no_redis(fault)
        return
    if wait > 0:
        seconds = int(wait) + 1
        raise TooManyRequests(
            f"输入错误次数过多，请在 {seconds} 秒后再试", code="query_locked", extra={"retry_after": seconds}
        )


@lru_cache(maxsize=4)
def _settling(redis: Any) -> Any:
    """The script as this connection pool knows it: its digest is made once."""
    return redis.register_script(_SETTLE)


def _keys(kind: str, of: str) -> tuple[str, str]:
    digest = _digest(kind, of)
    return f"guard:{kind}:{digest}:attempts", f"guard:{kind}:{digest}:locked"


# Crowds -------------------------------------------------------------------------------------------------------------

WEIGHT: Final = {"tips": 1, "uploads": 1, "recover": 60, "enterprises": 1, "preview": 1}
"""What a knock counts at each door; a forgotten code is nothing that one person asks for every second."""
ADDRESS_FACTOR: Final = 4
RANGE_FACTOR: Final = 16
"""How much more an address (an office, a carrier's gateway) and a range may knock than one session or device."""
_SHARE_OF_A_PROCESS: Final = 16


def admit(door: str, caller: Caller, proof: str | None) -> None:
    """Let ``caller`` through ``door``; over the limit raise ``TooManyRequests`` asking for a proof of work.

    The refusal also carries a waiting ticket for who cannot compute: a page without scripts sends it after its time.

    Args:
        door: one of :data:`WEIGHT`.
        caller: address, device and session.
        proof: the header ``X-Proof-Of-Work`` as sent, or a waiting ticket.
    """
    excess = _times_over(door, caller)
    if excess <= 1 or _proved(door, proof):
        return
    challenge = proof_of_work.challenge(crypto(), door, excess)
    ticket, wait = proof_of_work.waiting_ticket(crypto(), door, excess)
    raise TooManyRequests(
        "访问人数较多，正在自动验证，请稍候",
        code="proof_of_work_required",
        extra={"retry_after": 1, **challenge, "waiting_ticket": ticket, "wait_seconds": wait},
    )


def _scopes(caller: Caller, limit: int) -> Iterator[tuple[str, int]]:
    yield f"device|{caller.address}|{caller.agent}", limit
    yield f"address|{caller.address}", limit * ADDRESS_FACTOR
    yield f"range|{_range_of(caller.address)}", limit * RANGE_FACTOR
    if caller.session is not None:
        yield f"session|{caller.session.hex()}", limit


@lru_cache(maxsize=4096)
def _range_of(address: str) -> str:
    """The network that one subscriber line or one small provider pool owns: /24, and /48 of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False))  # noqa: PLR2004


def _times_over(door: str, caller: Caller) -> float:
    """How many times the fullest allowance of this minute is used up; at most 1 means there is room.

    One round trip to Redis at most, and none while the caller is far from every limit.
    """
    limit: int = current_app.extensions["shudi_settings"].public_rate_per_minute
    minute, weight, excess = int(clock.now().timestamp()) // 60, WEIGHT[door], 0.0
    asked: list[tuple[str, int, int]] = []
    for scope, allowed in _scopes(caller, limit):
        own, untold = _own_counts.add(minute, f"{door}|{scope}", weight, allowed // _SHARE_OF_A_PROCESS)
        excess = max(excess, own / max(allowed, 1))
        if untold:
            asked.append((f"guard:rate:{minute}:{_digest('rate', f'{door}|{scope}')}", untold, allowed))
    return max(excess, _counted_together(asked)) if asked else excess


def _counted_together(asked: Sequence[tuple[str, int, int]]) -> float:
    """Tell Redis what was not told yet; the fullest allowance as all processes count it."""
    try:
        pipeline = _redis().pipeline(transaction=False)
        for key, untold, _ in asked:
            pipeline.incrby(key, untold)
            pipeline.expire(key, 120)
        totals = pipeline.execute()[::2]
    except RedisError as fault:
        _no_redis(fault)
        return 0
    return max(float(total) / max(allowed, 1) for total, (_, _, allowed) in zip(totals, asked, strict=True))


class _OwnCounts:
    """What this process has counted in the present minute, and how much of it Redis has not been told."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = 0
        self._counts: dict[str, tuple[int, int]] = {}

    def add(self, minute: int, scope: str, weight: int, share: int) -> tuple[int, int]:
        """Count a knock; return (all of this minute, what Redis must be told now: nothing up to ``share``)."""
        with self._lock:
            if minute != self._minute:
                self._minute, self._counts = minute, {}
            counted, told = self._counts.get(scope, (0, 0))
            counted += weight
            untold = counted - told if counted > share else 0
            self._counts[scope] = (counted, told + untold)
            return counted, untold

    def forget(self) -> None:
        """Begin the minute anew (tests hold the clock still)."""
        with self._lock:
            self._counts = {}


_own_counts: Final = _OwnCounts()
forget_counts: Final = _own_counts.forget


def _proved(door: str, proof: str | None) -> bool:
    nonce = proof_of_work.nonce_of_proof(crypto(), door, proof or "")
    if nonce is None:
        return False
    try:
        return bool(_redis().set(f"guard:work:{nonce}", 1, nx=True, ex=proof_of_work.VALID_SECONDS))
    except RedisError as fault:
        _no_redis(fault)
        return True


def may_send_code(receipt_number: str, asked_by: bytes) -> bool:
    """Whether a new code may still be asked for today: three a day for this receipt number and whoever asks.

    A stranger who knows the number but not the telephone uses up nothing of the reporter's.
    """
    return _counted_today("recover", f"{receipt_number} {asked_by.hex()}", 1) <= MOST_CODES_A_DAY


MOST_CODES_A_DAY: Final = 3


def exposures_today(writer: str, about: str, *, more: int = 0) -> int:
    """How often texts of this writer about this thing told of a reporter today, ``more`` of them just now."""
    return _counted_today("exposure", f"{writer} {about}", more)


def _counted_today(kind: str, of: str, more: int) -> int:
    """How much was counted today, ``more`` with it; nothing while Redis is away, so that nobody is kept out."""
    try:
        key = f"guard:{kind}:{clock.today()}:{_digest(kind, of)}"
        pipeline = _redis().pipeline(transaction=False)
        pipeline.incrby(key, more)
        pipeline.expire(key, 24 * 3600)
        return int(pipeline.execute()[0])
    except RedisError as fault:
        _no_redis(fault)
        return 0


def _digest(kind: str, of: str) -> str:
    return crypto().digest(f"guard/{kind}", of.encode()).hex()[:32]


def _redis() -> Any:
    return current_app.extensions["shudi_redis"]


def _no_redis(fault: RedisError) -> None:
    logger.warning("limits are off", extra={"fields": {"fault": type(fault).__name__}})
