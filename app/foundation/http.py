"""Endpoint declaration: every route names who may call it, what it takes and what it answers. Deny by default.

A view declared with :func:`endpoint` or :func:`page` receives the actor and the validated input, calls one service
function and returns its result. The wrapper authenticates, checks the permission, raises the district wall, validates,
opens the transaction (the request owns it) and dumps the answer inside it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import wraps
from typing import Any, Final, NoReturn, Protocol

from apiflask import APIBlueprint
from flask import Flask, Response, current_app, g, request
from marshmallow import Schema, ValidationError
from werkzeug.sansio.response import Response as BaseResponse

from app.foundation.database import db, enter_wall, transaction
from app.foundation.errors import DomainError, Forbidden, InvalidInput, NotFound, PayloadTooLarge, SignInUnfinished
from app.foundation.field_faults import flat_errors, unstorable_text
from app.foundation.permissions import PUBLIC, Actor, Permission

LARGEST_JSON_BYTES: Final = 512 * 1024
"""The longest honest statement is a tenth of this; files travel through ``/uploads``."""
_TOO_LONG: Final = f"提交的内容超过 {LARGEST_JSON_BYTES // 1024} KB，文件请通过上传接口提交"


class Audience(StrEnum):
    """Who a door is for, and so how the caller proves who he is."""

    ANYONE = "anyone"
    REPORTER = "reporter"
    OFFICER = "officer"
    CONSOLE = "console"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a route declared about itself; the architecture tests read it."""

    audience: Audience
    permission: Permission
    changes: bool

    def __post_init__(self) -> None:
        """Refuse a write under a permission that only reads."""
        if self.changes and self.permission.reads_only:
            raise TypeError(f"a write was declared under the read permission {self.permission}")


class Authenticator(Protocol):
    """Finds the actor of the present request or raises ``NotSignedIn``."""

    def __call__(self) -> Actor:
        """The actor of the present request."""
        ...


class RefusalListener(Protocol):
    """Is told of refusals that the auditor must see, after the refused transaction was rolled back."""

    def __call__(self, actor: Actor, error: DomainError, operation: str) -> None:
        """Remember the refusal in a transaction of its own."""
        ...


@dataclass(slots=True)
class HttpRegistry:
    """What higher rooms plug into the HTTP layer of one application."""

    authenticators: dict[Audience, Authenticator] = field(default_factory=lambda: {Audience.ANYONE: lambda: PUBLIC})
    refusal_listeners: list[RefusalListener] = field(default_factory=list)


def registry(app: Flask | None = None) -> HttpRegistry:
    """The registry of ``app`` (default: the running application)."""
    found = (app or current_app).extensions.setdefault("shudi_http", HttpRegistry())
    assert isinstance(found, HttpRegistry)  # noqa: S101  # narrows the type for the reader and the checker
    return found


def current_actor() -> Actor:
    """Whoever makes the present request; the public before anybody has proved otherwise."""
    actor: Actor = g.get("actor", PUBLIC)
    return actor


View = Callable[..., Any]


# long because the arguments of a declaration are named one a line, and its wrapper closes over them.
def endpoint(
    *,
    audience: Audience,
    permission: Permission,
    body: Schema | None = None,
    query: Schema | None = None,
    form: Schema | None = None,
    answer: Schema | None = None,
    status: int = 200,
    changes: bool = True,
) -> Callable[[View], View]:
    """Declare a JSON endpoint.

    Args:
        audience: who may call, and so how the caller is authenticated.
        permission: what the caller must have been granted.
        body: schema of the JSON body, handed to the view as ``body``.
        query: schema of the query string, handed to the view as ``query``.
        form: schema of a multipart form for the API document; the view streams the parts itself.
        answer: schema that dumps what the view returns. A view may return ``(result, status)``.
        status: status of success.
        changes: the view runs in one transaction that commits; ``False`` for reads, and for views that talk to the
            network first and open their own transaction afterwards.
    """
    policy = Policy(audience, permission, changes)

    def decorate(view: View) -> View:
        @wraps(view)
        def call(**path: Any) -> BaseResponse:
            actor = _admit(policy, path)
            if query is not None:
                path["query"] = load(query, request.args.to_dict())
            if body is not None:
                path["body"] = load(body, json_body())
            if not changes:
                return _answered(view(actor, **path), answer, status)
            with transaction():
                return _answered(view(actor, **path), answer, status)

        inputs = {"json": body, "query": query, "form_and_files": form}
        _describe(call, inputs, answer, status)
        call.policy = policy  # type: ignore[attr-defined]
        return call

    return decorate


def page(
    *, permission: Permission, audience: Audience = Audience.CONSOLE, changes: bool = False
) -> Callable[[View], View]:
    """Declare a web page or a form's target; the view renders or redirects and receives the actor."""
    policy = Policy(audience, permission, changes)

    def decorate(view: View) -> View:
        @wraps(view)
        def call(**path: Any) -> Any:
            actor = _admit(policy, path)
            if not changes:
                return view(actor, **path)
            with transaction():
                return view(actor, **path)

        call.policy = policy  # type: ignore[attr-defined]
        call._spec = {"hide": True}  # type: ignore[attr-defined]  # pages are no part of the API document  # noqa: SLF001
        return call

    return decorate


def _admit(policy: Policy, path: dict[str, Any]) -> Actor:
    """The actor, within sight of what is his; what no table can hold is found in none (``NotFound``)."""
    actor = registry().authenticators[policy.audience]()
    g.actor = actor
    if not actor.may(policy.permission):
        raise SignInUnfinished(extra={"step": actor.due_step}) if actor.due_step else Forbidden
    if unstorable_text(path):
        raise NotFound
    enter_wall(actor.wall)
    return actor


def _answered(result: Any, answer: Schema | None, status: int) -> BaseResponse:
    if isinstance(result, Response):
        return result
    if isinstance(result, tuple):
        result, status = result
    payload = answer.dump(result) if answer is not None else result
    response = current_app.json.response(payload)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response


def json_body() -> Any:
    """The JSON value of the request; raise ``PayloadTooLarge`` or ``InvalidInput``."""
    if (request.content_length or 0) > LARGEST_JSON_BYTES:
        raise PayloadTooLarge(_TOO_LONG)
    request.max_content_length = LARGEST_JSON_BYTES + 1  # a body without a stated length is cut off there
    raw = request.get_data(cache=False)
    if len(raw) > LARGEST_JSON_BYTES:
        raise PayloadTooLarge(_TOO_LONG)
    try:
        return json.loads(raw, parse_constant=_no_number)
    except (ValueError, RecursionError) as fault:
        raise InvalidInput("请求内容不是有效的 JSON", code="malformed_json") from fault


def _no_number(name: str) -> NoReturn:
    """NaN and the infinities are Python's, not JSON's (RFC 8259 section 6)."""
    raise ValueError(name)


def load(schema: Schema, data: Any) -> Any:
    """Validate ``data``; raise ``InvalidInput`` naming every field at fault."""
    if unstorable := unstorable_text(data):
        raise InvalidInput("请检查标出的字段", errors=unstorable)
    try:
        return schema.load(data)
    except ValidationError as fault:
        raise InvalidInput("请检查标出的字段", errors=flat_errors(fault.messages_dict)) from fault


_documentation = APIBlueprint("documentation_only", __name__)


def _describe(call: Any, inputs: Mapping[str, Schema | None], answer: Schema | None, status: int) -> None:
    """Let APIFlask write the OpenAPI entry from the same declaration; its own parsing is not used at run time."""

    def described() -> None: ...

    described.__doc__ = call.__doc__
    documented: Any = described
    for location, schema in inputs.items():
        if schema is not None:
            documented = _documentation.input(schema, location=location)(documented)  # type: ignore[arg-type]  # plain marshmallow works
    if answer is not None:
        documented = _documentation.output(answer, status_code=status)(documented)  # type: ignore[arg-type]
    call._spec = getattr(documented, "_spec", {})  # noqa: SLF001


def start_request_behind_closed_wall(app: Flask) -> None:
    """Every request begins without sight and without an actor, whatever the thread served before."""

    @app.before_request
    def _close() -> None:
        db.session.remove()
        enter_wall("")


OPEN_TECHNICAL_ENDPOINTS: Final = frozenset(
    {"static", "openapi.spec", "openapi.docs", "console.static", "public_pages.static"}
)


def refuse_undeclared_routes(app: Flask) -> None:
    """Keep the program from starting while a route names no policy (deny by default)."""
    undeclared = [
        f"{rule.rule} ({rule.endpoint})"
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in OPEN_TECHNICAL_ENDPOINTS
        and not isinstance(getattr(app.view_functions[rule.endpoint], "policy", None), Policy)
    ]
    if undeclared:
        raise RuntimeError("routes without a policy: " + ", ".join(sorted(undeclared)))
