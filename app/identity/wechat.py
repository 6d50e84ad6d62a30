"""WeChat, the server's side: who holds a login code, messages to a consenting person, text check, phone number.

Every call ends in a typed result or in one of the `WeChatError` family, whose `retryable` tells the sender of a message
what to do. `WeChatUnknown` is the honest answer when the connection broke after the request had left: WeChat knows no
idempotency key, so that nobody can say whether the message went out.

The app secret and tokens travel in query strings, as the interface demands; therefore no exception carries a request,
and httpx's own log lines are off.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar, Literal

import httpx
from redis import Redis
from redis.exceptions import LockError

from app.foundation import clock

for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_TIMEOUT = httpx.Timeout(5.0, connect=2.0)
_TOKEN_MARGIN_SECONDS = 300  # a new token leaves the old one valid for five minutes
_REFRESH_SECONDS = 15.0  # longer than one token call can take
_TOKEN_REJECTED = {40001, 40014, 42001}
_CODE_INVALID = {40029, 40163}
_RATE_LIMITED = {45009, 45011, 45047}
_OUR_CREDENTIALS = {40001, 40013, 40125, 40164, 41002, 41004, 48001, 50002}
_BUSY = {-1, 45157}
_NO_CONSENT = 43101
_CHECKED_AT_ONCE = 2500

Verdict = Literal["pass", "review", "risky"]


class WeChatError(Exception):
    """A call did not succeed. `retryable`: whether the same call may be made again later."""

    retryable: ClassVar[bool] = False

    def __init__(self, message: str, errcode: int | None = None) -> None:
        super().__init__(message)
        self.errcode = errcode


class WeChatBusy(WeChatError):
    """Not carried out: busy, or never reached."""

    retryable = True


class WeChatRateLimited(WeChatBusy):
    """Too many calls for this person or this day."""


class WeChatMisconfigured(WeChatError):
    """WeChat refuses our credentials or our address; an operator has to act, then the call may be repeated."""

    retryable = True


class WeChatUnknown(WeChatError):
    """The request left and no answer came: it may or may not have been carried out."""


class WeChatCodeInvalid(WeChatError):
    """The login or phone code is forged, used or older than five minutes."""


class WeChatPermanent(WeChatError):
    """Refused for good (value, template, page, openid, blocked user); repeating changes nothing."""


class WeChatNoConsent(WeChatPermanent):
    """The person refused messages of this template, or every consent given is used up (43101)."""


class UnfitValue(ValueError):
    """A value does not fit the field of a message template; the message names the field, never the value."""


@dataclass(frozen=True)
class CodeSession:
    """Who a `wx.login` code belongs to. WeChat's `session_key` is not kept: nothing here decrypts with it."""

    openid: str = field(repr=False)
    unionid: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class PhoneNumber:
    """The number a person chose to share: without country code, and the country code."""

    number: str = field(repr=False)
    country_code: str


class WeChatClient:
    """One mini-program. Thread-safe; the access token is shared by all processes through Redis."""

    def __init__(self, base_url: str, app_id: str, secret: str, redis: Redis, http: httpx.Client | None = None) -> None:
        self._app_id = app_id
        self._secret = secret
        self._redis = redis
        self._base_url = base_url.rstrip("/")
        self._http = http or httpx.Client(timeout=_TIMEOUT, limits=httpx.Limits(keepalive_expiry=3.0))

    def __repr__(self) -> str:
        return f"WeChatClient({self._base_url!r}, {self._app_id!r})"

    def exchange_code(self, code: str) -> CodeSession:
        """Ask whose `wx.login` code this is (jscode2session). A code works once.

        Raises WeChatCodeInvalid, WeChatRateLimited (100 a minute a person), WeChatPermanent (40226, a blocked person).
        """
        credentials = {"appid": self._app_id, "secret": self._secret}
        answer = self._call(
            "GET", "/sns/jscode2session", {**credentials, "js_code": code, "grant_type": "authorization_code"}
        )
        return CodeSession(_text(answer, "openid"), answer.get("unionid"))

    def send_subscribe_message(
        self,
        openid: str,
        template_id: str,
        data: Mapping[str, Mapping[str, str]],
        page: str | None = None,
        miniprogram_state: Literal["developer", "trial", "formal"] = "formal",
    ) -> None:
        """Send one message against one consent; `data` comes from `subscribe_data`.

        Raises WeChatNoConsent, WeChatPermanent, WeChatBusy, WeChatUnknown.
        """
        body = {"touser": openid, "template_id": template_id, "data": data, "lang": "zh_CN"}
        body["miniprogram_state"] = miniprogram_state
        if page is not None:
            body["page"] = page
        self._call_with_token("/cgi-bin/message/subscribe/send", body)

    def check_text(self, openid: str, text: str, scene: int = 3) -> Verdict:
        """Have a text checked for forbidden content (msg_sec_check v2); the worst verdict of its parts counts.

        `openid` must have used the mini-program within two hours. `scene`: 1 profile, 2 comment, 3 forum, 4 social log.
        """
        verdicts: set[str] = set()
        for start in range(0, len(text), _CHECKED_AT_ONCE):
            part = text[start : start + _CHECKED_AT_ONCE]
            body = {"version": 2, "openid": openid, "scene": scene, "content": part}
            verdicts.add(str(self._call_with_token("/wxa/msg_sec_check", body).get("result", {}).get("suggest")))
        if "risky" in verdicts:
            return "risky"
        return "pass" if verdicts <= {"pass"} else "review"

    def phone_number(self, code: str) -> PhoneNumber:
        """Exchange the code of the phone-number button. Raises WeChatCodeInvalid."""
        info = self._call_with_token("/wxa/business/getuserphonenumber", {"code": code}).get("phone_info", {})
        return PhoneNumber(_text(info, "purePhoneNumber"), str(info.get("countryCode", "86")))

    def access_token(self, instead_of: str | None = None) -> str:
        """Return the shared access token; `instead_of` is one that WeChat has just rejected.

        One process refreshes, the others wait for its result. Raises WeChatBusy, WeChatMisconfigured.
        """
        if (token := self._cached_token()) and token != instead_of:
            return token
        lock = self._redis.lock(
            f"wechat:{self._app_id}:refreshing", timeout=_REFRESH_SECONDS, blocking_timeout=_REFRESH_SECONDS, sleep=0.05
        )
        if not lock.acquire():
            raise WeChatBusy("access token is being refreshed elsewhere")
        try:
            if (token := self._cached_token()) and token != instead_of:
                return token
            return self._fetch_token(instead_of)
        except WeChatUnknown as fault:  # nothing but a token was asked for: what follows has certainly not happened
            raise WeChatBusy(str(fault)) from None
        finally:
            with contextlib.suppress(LockError):  # it ran out: another process refreshes meanwhile, both tokens work
                lock.release()

    def prove(self) -> None:
        """Ask WeChat for the access token anew, which shows that id and secret are good; raise ``WeChatError``."""
        self._fetch_token(None)

    def _cached_token(self) -> str | None:
        value: Any = self._redis.get(self._token_key)
        return value.decode() if isinstance(value, bytes) else value

    @property
    def _token_key(self) -> str:
        return f"wechat:{self._app_id}:access_token"

    def _fetch_token(self, instead_of: str | None) -> str:
        """Get the stable token; force a new one only when WeChat repeats the rejected one (20 a day are allowed)."""
        body: dict[str, Any] = {"grant_type": "client_credential", "appid": self._app_id, "secret": self._secret}
        token, lifetime = "", 0
        for force in (False, True):
            answer = self._call("POST", "/cgi-bin/stable_token", body={**body, "force_refresh": force})
            token, lifetime = _text(answer, "access_token"), int(answer.get("expires_in", 0))
            if token != instead_of:
                break
        self._redis.set(self._token_key, token, ex=max(lifetime - _TOKEN_MARGIN_SECONDS, 1))
        return token

    def _call_with_token(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        token = self.access_token()
        try:
            return self._call("POST", path, {"access_token": token}, body)
        except WeChatError as refusal:
            if refusal.errcode not in _TOKEN_REJECTED:
                raise
        return self._call("POST", path, {"access_token": self.access_token(instead_of=token)}, body)

    def _call(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Make one call. `from None` throughout: httpx's exceptions hold the request with its secrets."""
        try:
            response = self._http.request(method, self._base_url + path, params=query, json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as fault:
            raise WeChatBusy(f"{path}: not reached ({type(fault).__name__})") from None
        except httpx.TransportError as fault:
            raise WeChatUnknown(f"{path}: no answer ({type(fault).__name__})") from None
        if response.status_code in {429, 503}:
            raise WeChatBusy(f"{path}: HTTP {response.status_code}")
        try:
            answer = response.json() if response.is_success else None
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise WeChatUnknown(f"{path}: HTTP {response.status_code} without a readable answer")
        if errcode := answer.get("errcode"):
            raise _refusal(path, int(errcode))
        return answer


def _refusal(path: str, errcode: int) -> WeChatError:
    """Sort an error code. WeChat's `errmsg` is left out: it may repeat what was sent."""
    families: tuple[tuple[set[int], type[WeChatError]], ...] = (
        (_BUSY, WeChatBusy),
        (_RATE_LIMITED, WeChatRateLimited),
        (_CODE_INVALID, WeChatCodeInvalid),
        ({_NO_CONSENT}, WeChatNoConsent),
        (_OUR_CREDENTIALS | _TOKEN_REJECTED, WeChatMisconfigured),
    )
    family = next((family for codes, family in families if errcode in codes), WeChatPermanent)
    return family(f"{path}: errcode {errcode}", errcode)


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise WeChatUnknown(f"answer without {name}")
    return value


_CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_FITS: Mapping[str, re.Pattern[str]] = {
    "phrase": re.compile(r"[\u3400-\u9fff\uf900-\ufaff]{1,5}"),
    "character_string": re.compile(r"[!-~]{1,32}"),
    "number": re.compile(r"(?=.{1,32}$)[0-9]+(\.[0-9]+)?"),
    "letter": re.compile(r"[A-Za-z]{1,32}"),
    "amount": re.compile(r"[¥￥]?[0-9]{1,10}(\.[0-9]{1,2})?元?"),
    "phone_number": re.compile(r"[0-9+-]{1,17}"),
    "time": re.compile(r"(\d{4}年\d{1,2}月\d{1,2}日 )?\d{1,2}:\d{2}(:\d{2})?"),
    "date": re.compile(r"\d{4}年\d{1,2}月\d{1,2}日( \d{1,2}:\d{2})?"),
}
_THING_LENGTH, _NAME_LENGTH, _LATIN_NAME_LENGTH = 20, 10, 20


def subscribe_data(values: Mapping[str, str | date]) -> dict[str, dict[str, str]]:
    """Build the `data` of a subscribe message from template field → value, within WeChat's limits per kind of field.

    The kind is the field's name without its number (`thing1`). A `thing` is shortened to 20 characters with an
    ellipsis; moments become Beijing time (`2019年10月1日 15:01`). Raises UnfitValue for what cannot be made to fit.
    """
    return {name: {"value": _fitting(name, value)} for name, value in values.items()}


def _fitting(name: str, value: str | date) -> str:
    kind = name.rstrip("0123456789")
    text = _as_text(kind, value)
    if kind == "thing" and text:
        return text if len(text) <= _THING_LENGTH else text[: _THING_LENGTH - 1] + "…"
    if kind == "name" and 0 < len(text) <= (_NAME_LENGTH if _CHINESE.search(text) else _LATIN_NAME_LENGTH):
        return text
    if kind in _FITS and _FITS[kind].fullmatch(text):
        return text
    raise UnfitValue(f"the value of {name} does not fit")


def _as_text(kind: str, value: str | date) -> str:
    if isinstance(value, str):
        return " ".join("".join(char if char.isprintable() else " " for char in value).split())
    moment = clock.beijing(value) if isinstance(value, datetime) else value
    day = clock.day_text(moment)
    return f"{day} {moment:%H:%M}" if kind == "time" and isinstance(moment, datetime) else day
