"""A stand-in for WeChat's servers on a loopback socket: `python -m app.demo.wechat_standin --port N`.

It speaks the documented contract of the calls that `app/identity/wechat.py` makes, with WeChat's error codes. In the
demo every login code is accepted and the same code gives the same openid. `strict` adds what the real servers insist
on: a code works once, a message needs a consent. Failures are scripted through `/_standin/…`:

- `GET  messages` – every message sent; `GET calls` – path of every call
- `POST script`   – `{"path", "times", "answer"?, "status"?, "delay_seconds"?, "drop"?: "before" | "after"}`
- `POST consents` – `{"openid", "template_id", "count"}`
- `POST expire_tokens`; `POST reset` – `{"strict"}`
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import re
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

_HOST = "127.0.0.1"
_TOKEN_SECONDS = 7200
_OLD_TOKEN_SECONDS = 300.0

Answer = dict[str, Any]
_OK: Answer = {"errcode": 0, "errmsg": "ok"}

# The published limits of template values, kind of field → pattern of what is accepted.
_VALUE_LIMITS = {
    "thing": r".{1,20}",
    "phrase": r"[\u4e00-\u9fa5]{1,5}",
    "character_string": r"[\x21-\x7e]{1,32}",
    "name": r"(?=.{1,20}$)([^\u4e00-\u9fa5]+|.{1,10})",
    "number": r"[\d.]{1,32}",
    "letter": r"[A-Za-z]{1,32}",
    "amount": r"[¥￥]?[\d.]{1,11}元?",
    "phone_number": r"[\d+-]{1,17}",
    "time": r"(\d{4}年\d{1,2}月\d{1,2}日 )?\d{1,2}:\d{2}(:\d{2})?",
    "date": r"\d{4}年\d{1,2}月\d{1,2}日( \d{1,2}:\d{2})?",
}


class _Refused(Exception):
    """Answer with this error code."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(errmsg)
        self.answer: Answer = {"errcode": errcode, "errmsg": f"{errmsg} rid: {secrets.token_hex(12)}"}


@dataclass
class Scripted:
    """What happens instead of, or around, the next `times` calls of one path."""

    path: str
    times: int = 1
    answer: Answer | None = None
    status: int = 200
    delay_seconds: float = 0.0
    drop: str | None = None


@dataclass
class WeChatStandIn:
    """The state behind the socket; tests read and script it directly."""

    app_id: str = "wxdemo"
    secret: str = "demo-secret"  # noqa: S105 - the demo's own
    strict: bool = False
    messages: list[Answer] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    consents: Counter[tuple[str, str]] = field(default_factory=Counter)
    scripted: list[Scripted] = field(default_factory=list)
    base_url: str = ""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._used_codes: set[str] = set()
        self._token = ""
        self._valid_until: dict[str, float] = {}

    def script(self, path: str, **what: Any) -> None:
        """Arrange for the next calls of `path`; the fields are those of `POST /_standin/script`."""
        with self._lock:
            self.scripted.append(Scripted(path, **what))

    def expire_tokens(self) -> None:
        """Make every token given out invalid at once."""
        with self._lock:
            self._token = ""
            self._valid_until.clear()

    def openid(self, code: str) -> str:
        """Return the openid of whoever shows this code: always the same one."""
        return "o" + hashlib.sha256(f"{self.app_id}:{code}".encode()).hexdigest()[:27]

    def next_scripted(self, path: str, _body: Answer) -> Scripted | None:
        """Note a call and return what was arranged for it, once for each of its times."""
        with self._lock:
            self.calls.append(path)
            found = next((one for one in self.scripted if one.path == path and one.times > 0), None)
            if found is not None:
                found.times -= 1
            return found

    def answer(self, path: str, query: dict[str, str], body: Answer) -> Answer:
        """Carry out one call of the contract."""
        call = _CALLS.get(path)
        if call is None:
            return {"errcode": 40066, "errmsg": "invalid url"}
        with self._lock:
            try:
                return call(self, query, body)
            except _Refused as refusal:
                return refusal.answer

    def code_to_session(self, query: dict[str, str], _body: Answer) -> Answer:
        """Answer jscode2session."""
        self._check_credentials(query)
        code = query.get("js_code", "")
        self._use_code(code)
        return {"openid": self.openid(code), "session_key": secrets.token_urlsafe(16)}

    def stable_token(self, _query: dict[str, str], body: Answer) -> Answer:
        """Give the present token, or a new one when forced; the old one stays valid for a while."""
        self._check_credentials(body)
        if body.get("grant_type") != "client_credential":
            raise _Refused(40002, "invalid grant_type")
        now = time.monotonic()
        if body.get("force_refresh") or self._valid_until.get(self._token, 0.0) <= now:
            if self._token in self._valid_until:
                self._valid_until[self._token] = now + _OLD_TOKEN_SECONDS
            self._token = secrets.token_urlsafe(48)
            self._valid_until[self._token] = now + _TOKEN_SECONDS
        return {"access_token": self._token, "expires_in": int(self._valid_until[self._token] - now)}

    def send(self, query: dict[str, str], body: Answer) -> Answer:
        """Take a subscribe message."""
        self._check_token(query)
        openid, template = str(body.get("touser", "")), str(body.get("template_id", ""))
        if not re.fullmatch(r"o[\w-]{27}", openid):
            raise _Refused(40003, "invalid openid")
        if not template:
            raise _Refused(40037, "invalid template_id")
        for name, entry in (body.get("data") or {"": {}}).items():
            limit = _VALUE_LIMITS.get(re.sub(r"\d+$", "", name))
            if limit is None or not re.fullmatch(limit, str(entry.get("value", ""))):
                raise _Refused(47003, f"argument invalid! data.{name}.value invalid")
        if self.strict and self.consents[openid, template] <= 0:
            raise _Refused(43101, "user refuse to accept the msg")
        self.consents[openid, template] -= 1
        self.messages.append(body)
        return _OK

    def check_text(self, query: dict[str, str], body: Answer) -> Answer:
        """Find every text harmless; other verdicts are scripted."""
        self._check_token(query)
        if not 1 <= len(str(body.get("content", ""))) <= 2500:  # noqa: PLR2004 - the published limit
            raise _Refused(47001, "content length invalid")
        return {**_OK, "result": {"suggest": "pass", "label": 100}, "trace_id": secrets.token_hex(8)}

    def phone_number(self, query: dict[str, str], body: Answer) -> Answer:
        """Answer getuserphonenumber with a number that follows from the code."""
        self._check_token(query)
        code = str(body.get("code", ""))
        self._use_code(code)
        number = "139" + str(int(hashlib.sha256(code.encode()).hexdigest(), 16))[:8]
        info = {"phoneNumber": number, "purePhoneNumber": number, "countryCode": "86"}
        return {**_OK, "phone_info": {**info, "watermark": {"appid": self.app_id}}}

    def _check_credentials(self, given: Answer | dict[str, str]) -> None:
        if given.get("appid") != self.app_id:
            raise _Refused(40013, "invalid appid")
        if given.get("secret") != self.secret:
            raise _Refused(40125, "invalid appsecret")

    def _check_token(self, query: dict[str, str]) -> None:
        if self._valid_until.get(query.get("access_token", ""), 0.0) <= time.monotonic():
            raise _Refused(40001, "invalid credential, access_token is invalid or not latest")

    def _use_code(self, code: str) -> None:
        if not code or (self.strict and code in self._used_codes):
            raise _Refused(40029, "invalid code")
        self._used_codes.add(code)


_CALLS: dict[str, Callable[[WeChatStandIn, dict[str, str], Answer], Answer]] = {
    "/sns/jscode2session": WeChatStandIn.code_to_session,
    "/cgi-bin/stable_token": WeChatStandIn.stable_token,
    "/cgi-bin/message/subscribe/send": WeChatStandIn.send,
    "/wxa/msg_sec_check": WeChatStandIn.check_text,
    "/wxa/business/getuserphonenumber": WeChatStandIn.phone_number,
}


def _control(state: WeChatStandIn, name: str, body: Answer) -> Answer | list[Any]:
    """Answer a call below `/_standin/`."""
    match name:
        case "messages":
            return state.messages
        case "calls":
            return state.calls
        case "script":
            state.script(body.pop("path"), **body)
        case "consents":
            state.consents[body["openid"], body["template_id"]] += int(body.get("count", 1))
        case "expire_tokens":
            state.expire_tokens()
        case "reset":
            state.__init__(state.app_id, state.secret, bool(body.get("strict")), base_url=state.base_url)  # type: ignore[misc]
        case _:
            return {"error": "no such control"}
    return {"ok": True}


class _Handler(BaseHTTPRequestHandler):
    state: WeChatStandIn
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for head and body: two would wait for each other's acknowledgement

    def do_GET(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            body = None
        if not isinstance(body, dict):
            self._send({"errcode": 47001, "errmsg": "data format error"}, 200)
            return
        self._serve(body)

    def _serve(self, body: Answer) -> None:
        url = urlsplit(self.path)
        if url.path.startswith("/_standin/"):
            self._send(_control(self.state, url.path.removeprefix("/_standin/"), body), 200)
            return
        scripted = self.state.next_scripted(url.path, body) or Scripted(url.path)
        time.sleep(scripted.delay_seconds)
        if scripted.drop == "before":
            self.close_connection = True
            return
        answer = scripted.answer or self.state.answer(url.path, dict(parse_qsl(url.query)), body)
        if scripted.drop == "after":
            self.close_connection = True
            return
        self._send(answer, scripted.status)

    def _send(self, answer: Answer | list[Any], status: int) -> None:
        payload = json.dumps(answer, ensure_ascii=False, indent=1).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the overridden method
        """Stay silent: the query strings hold secrets."""


@contextlib.contextmanager
def serving(state: WeChatStandIn, port: int = 0) -> Iterator[WeChatStandIn]:
    """Serve `state` on a loopback socket from a thread; `state.base_url` tells where."""
    with ThreadingHTTPServer((_HOST, port), type("Handler", (_Handler,), {"state": state})) as server:
        server.daemon_threads = True
        state.base_url = f"http://{_HOST}:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description="Stand-in for WeChat's servers")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--strict", action="store_true")
    arguments = parser.parse_args()
    app_id = os.environ.get("WECHAT_APP_ID", WeChatStandIn.app_id)
    secret = os.environ.get("WECHAT_APP_SECRET", WeChatStandIn.secret)
    with serving(WeChatStandIn(app_id, secret, arguments.strict), arguments.port):
        threading.Event().wait()


if __name__ == "__main__":
    main()
