"""A stand-in for the SMS gateway on a loopback socket: `python -m app.demo.sms_standin --port N`.

It speaks `SendSms` as `app/notifications/sms.py` makes it: the ACS3-HMAC-SHA256 signature is checked against the bytes
that arrived, a nonce works once, an old date is refused. Failures are scripted through `/_standin/…`:

- `GET  messages` – every message sent; `GET calls` – one entry a call
- `POST script`   – `{"times", "answer"?, "status"?, "delay_seconds"?, "drop"?: "before" | "after"}`
- `POST reset`

Started by its path it needs nothing of the application, as the WeChat stand-in beside it.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

_HOST = "127.0.0.1"
_OLDEST = timedelta(minutes=15)

Answer = dict[str, Any]


class _Refused(Exception):
    """Answer with this code."""

    def __init__(self, code: str, status: int = 200) -> None:
        super().__init__(code)
        self.status = status
        self.answer: Answer = {"Code": code, "Message": "refused", "RequestId": secrets.token_hex(16)}


@dataclass
class Scripted:
    """What happens instead of, or around, the next `times` calls."""

    times: int = 1
    answer: Answer | None = None
    status: int = 200
    delay_seconds: float = 0.0
    drop: str | None = None


@dataclass
class SmsStandIn:
    """The state behind the socket; tests read and script it directly."""

    key_id: str = "demo-sms-key"
    secret: str = "demo-sms-secret"  # noqa: S105 - the demo's own
    messages: list[Answer] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    scripted: list[Scripted] = field(default_factory=list)
    base_url: str = ""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._nonces: set[str] = set()

    def script(self, **what: Any) -> None:
        """Arrange for the next calls; the fields are those of `POST /_standin/script`."""
        with self._lock:
            self.scripted.append(Scripted(**what))

    def next_scripted(self, _body: bytes) -> Scripted | None:
        """Note a call and return what was arranged for it, once for each of its times."""
        with self._lock:
            self.calls.append("SendSms")
            found = next((one for one in self.scripted if one.times > 0), None)
            if found is not None:
                found.times -= 1
            return found

    def send(self, path: str, headers: Mapping[str, str], body: bytes, moment: datetime) -> tuple[Answer, int]:
        """Carry out one call of the contract that came at `moment`; return answer and HTTP status."""
        with self._lock:
            try:
                self._check_signature(path, headers, body)
                self._check_freshness(headers.get("x-acs-date", ""), headers.get("x-acs-signature-nonce", ""), moment)
                return self._take(dict(parse_qsl(body.decode()))), 200
            except _Refused as refusal:
                return refusal.answer, refusal.status

    def _take(self, given: dict[str, str]) -> Answer:
        if not re.fullmatch(r"1[3-9][0-9]{9}", given.get("PhoneNumbers", "")):
            raise _Refused("isv.MOBILE_NUMBER_ILLEGAL")
        if not given.get("SignName"):
            raise _Refused("isv.SMS_SIGNATURE_ILLEGAL")
        if not given.get("TemplateCode", "").startswith("SMS_"):
            raise _Refused("isv.SMS_TEMPLATE_ILLEGAL")
        self.messages.append(given)
        return {"Code": "OK", "Message": "OK", "BizId": secrets.token_hex(8), "RequestId": secrets.token_hex(16)}

    def _check_signature(self, path: str, headers: Mapping[str, str], body: bytes) -> None:
        """Rebuild the signature from what arrived, with nothing of the client's code."""
        found = re.fullmatch(
            r"ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([a-z0-9;-]+),Signature=([0-9a-f]{64})",
            headers.get("authorization", ""),
        )
        if found is None:
            raise _Refused("MissingSignature", 400)
        if found[1] != self.key_id:
            raise _Refused("InvalidAccessKeyId.NotFound", 404)
        if headers.get("x-acs-content-sha256") != hashlib.sha256(body).hexdigest():
            raise _Refused("SignatureDoesNotMatch", 400)
        lines = "".join(f"{name}:{headers.get(name, '').strip()}\n" for name in found[2].split(";"))
        canonical = f"POST\n{path}\n\n{lines}\n{found[2]}\n{headers['x-acs-content-sha256']}"
        to_sign = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
        expected = hmac.new(self.secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, found[3]):
            raise _Refused("SignatureDoesNotMatch", 400)
        if headers.get("x-acs-action") != "SendSms" or headers.get("x-acs-version") != "2017-05-25":
            raise _Refused("InvalidAction.NotFound", 404)

    def _check_freshness(self, date: str, nonce: str, moment: datetime) -> None:
        try:
            said = datetime.strptime(date, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except ValueError:
            raise _Refused("InvalidTimeStamp.Format", 400) from None
        if abs(moment - said) > _OLDEST:
            raise _Refused("InvalidTimeStamp.Expired", 400)
        if not nonce or nonce in self._nonces:
            raise _Refused("SignatureNonceUsed", 400)
        self._nonces.add(nonce)


def _control(state: SmsStandIn, name: str, body: Answer) -> Answer | list[Any]:
    """Answer a call below `/_standin/`."""
    match name:
        case "messages":
            return state.messages
        case "calls":
            return state.calls
        case "script":
            state.script(**body)
        case "reset":
            for kept in (state.messages, state.calls, state.scripted):
                kept.clear()
        case _:
            return {"error": "no such control"}
    return {"ok": True}


class _Handler(BaseHTTPRequestHandler):
    state: SmsStandIn
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for head and body: two would wait for each other's acknowledgement

    def do_GET(self) -> None:
        self._send(_control(self.state, urlsplit(self.path).path.removeprefix("/_standin/"), {}), 200)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = urlsplit(self.path).path
        if path.startswith("/_standin/"):
            self._send(_control(self.state, path.removeprefix("/_standin/"), json.loads(body or b"{}")), 200)
            return
        scripted = self.state.next_scripted(body) or Scripted()
        time.sleep(scripted.delay_seconds)
        if scripted.drop == "before":
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        moment = parsedate_to_datetime(self.date_time_string())
        answer, status = scripted.answer or {}, 200
        if scripted.answer is None:
            answer, status = self.state.send(path, headers, body, moment)
        if scripted.drop == "after":
            self.close_connection = True
            return
        self._send(answer, scripted.status if scripted.status != 200 else status)  # noqa: PLR2004 - HTTP's own OK

    def _send(self, answer: Answer | list[Any], status: int) -> None:
        payload = json.dumps(answer, ensure_ascii=False, indent=1).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the overridden method
        """Stay silent."""


@contextlib.contextmanager
def serving(state: SmsStandIn, port: int = 0) -> Iterator[SmsStandIn]:
    """Serve `state` on a loopback socket from a thread; `state.base_url` tells where."""
    with ThreadingHTTPServer((_HOST, port), type("Handler", (_Handler,), {"state": state})) as server:
        server.daemon_threads = True
        state.base_url = f"http://{_HOST}:{server.server_address[1]}/"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description="Stand-in for the SMS gateway")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    key_id = os.environ.get("SMS_KEY_ID", SmsStandIn.key_id)
    secret = os.environ.get("SMS_KEY_SECRET", SmsStandIn.secret)
    with serving(SmsStandIn(key_id, secret), arguments.port):
        threading.Event().wait()


if __name__ == "__main__":
    main()
