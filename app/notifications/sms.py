"""Short messages: the interface that an adapter implements, and one worked example (docs/sms-gateway.md).

The example speaks the signed HTTP interface of Alibaba Cloud's short message service (``SendSms``, version 2017-05-25,
signature ``ACS3-HMAC-SHA256``). The parameters travel in the body: an address in a URL would stand in logs on the way.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode, urlsplit

import httpx

from app.foundation import clock
from app.foundation.config import SmsSettings
from app.notifications.faults import ChannelFault, NoAnswer, NotSent, Refused

logging.getLogger("httpx").setLevel(logging.WARNING)

_TIMEOUT: Final = httpx.Timeout(5.0, connect=2.0)


class SmsGateway(Protocol):
    """What the office's contract partner for short messages must be able to do."""

    def send(self, mobile: str, template: str, reference: str) -> None:
        """Send the approved text ``template``, which has no variables, to one mobile number.

        Args:
            mobile: eleven digits.
            template: the gateway's own code of the text.
            reference: our id of this message, for the gateway's records; the same one is never sent twice by itself.

        Raises:
            NotSent: certainly not sent, the same call may succeed later (busy, limits, balance, our credentials).
            Refused: refused for good (number, text).
            NoAnswer: the request left and no readable answer came.
        """
        ...


class Acs3Gateway:
    """Alibaba Cloud's ``SendSms``. Thread-safe."""

    def __init__(self, settings: SmsSettings, http: httpx.Client | None = None) -> None:
        self._settings = settings
        self._http = http or httpx.Client(timeout=_TIMEOUT, limits=httpx.Limits(keepalive_expiry=3.0))

    def __repr__(self) -> str:
        return f"Acs3Gateway({self._settings.url!r})"

    def send(self, mobile: str, template: str, reference: str) -> None:
        """See :class:`SmsGateway`."""
        given = {
            "PhoneNumbers": mobile,
            "SignName": self._settings.sign_name,
            "TemplateCode": template,
            "OutId": reference,
        }
        body = urlencode(given, quote_via=quote).encode()
        try:
            response = self._http.post(self._settings.url, content=body, headers=self._headers(body))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as fault:
            raise NotSent("not_reached") from fault
        except httpx.TransportError as fault:
            raise NoAnswer("no_answer") from fault
        code = _code_of(response)
        if code is None:
            raise NoAnswer(f"http_{response.status_code}")
        if code != "OK":
            raise _sorted_fault(code)

    def _headers(self, body: bytes) -> dict[str, str]:
        address = urlsplit(self._settings.url)
        signed = {
            "host": address.netloc,
            "content-type": "application/x-www-form-urlencoded",
            "x-acs-action": "SendSms",
            "x-acs-version": "2017-05-25",
            "x-acs-date": clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": secrets.token_hex(16),
            "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
        }
        authorization = acs3_authorization(
            "POST", address.path or "/", "", signed, self._settings.key_id, self._settings.secret
        )
        return signed | {"authorization": authorization}


def acs3_authorization(method: str, path: str, query: str, headers: Mapping[str, str], key_id: str, secret: str) -> str:
    """The ``Authorization`` header of the V3 request structure; ``headers`` by lower-case name, ``query`` canonical."""
    names = sorted(headers)
    request = "\n".join(
        [
            method,
            path,
            query,
            *(f"{name}:{headers[name].strip()}" for name in names),
            "",
            ";".join(names),
            headers["x-acs-content-sha256"],
        ]
    )
    to_sign = "ACS3-HMAC-SHA256\n" + hashlib.sha256(request.encode()).hexdigest()
    signature = hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    return f"ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={';'.join(names)},Signature={signature}"


def _code_of(response: httpx.Response) -> str | None:
    """The code of an answer; refusals come with a status of 4xx or 5xx and a body all the same."""
    try:
        answer: Any = response.json()
    except ValueError:
        return None
    code = answer.get("Code") if isinstance(answer, dict) else None
    return code[:60] if isinstance(code, str) and code else None


_LATER: Final = re.compile(
    r"Throttling.*|ServiceUnavailable|isp\..*"
    r"|isv\.(BUSINESS_LIMIT_CONTROL|DAY_LIMIT_CONTROL|MONTH_LIMIT_CONTROL|AMOUNT_NOT_ENOUGH|OUT_OF_SERVICE"
    r"|ACCOUNT_ABNORMAL|ACCOUNT_NOT_EXISTS|PRODUCT_UN_SUBSCRIPT)"
    r"|SignatureDoesNotMatch|SignatureNonceUsed|InvalidTimeStamp.*|InvalidAccessKeyId.*|Forbidden.*|NoPermission"
)
"""Busy, limits, and what an operator can mend; everything else is refused for good."""


def _sorted_fault(code: str) -> ChannelFault:
    if code == "InternalError":  # it broke on the gateway's side, nobody knows where
        return NoAnswer(code)
    return (NotSent if _LATER.fullmatch(code) else Refused)(code)


ADAPTERS: Final[Mapping[str, Callable[[SmsSettings], SmsGateway]]] = {"acs3": Acs3Gateway}
"""Adapters by the name that ``SMS_ADAPTER`` gives; a further one is a class and a line here."""
