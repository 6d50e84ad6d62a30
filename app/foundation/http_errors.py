"""One table: refusal → HTTP status; and its two faces, ``application/problem+json`` (RFC 9457) and a page."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from flask import Flask, Response, current_app, g, request
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException
from werkzeug.sansio.response import Response as BaseResponse

from app.foundation import errors
from app.foundation.http import current_actor, registry

logger = logging.getLogger(__name__)

STATUS_OF: Final[dict[type[errors.DomainError], int]] = {
    errors.DomainError: 400,
    errors.InvalidInput: 422,
    errors.NotSignedIn: 401,
    errors.SignInFailed: 401,
    errors.AccountLocked: 429,
    errors.SignInUnfinished: 403,
    errors.AddressNotAllowed: 403,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.OutOfScope: 404,
    errors.StaleVersion: 409,
    errors.TransitionNotAllowed: 409,
    errors.Conflict: 409,
    errors.TooManyRequests: 429,
    errors.PayloadTooLarge: 413,
    errors.UnsupportedFile: 415,
    errors.ReporterExposed: 422,
    errors.DeadlineBeyondCalendar: 409,
    errors.ServiceUnavailable: 503,
}

_HTTP_TITLES: Final = {
    400: ("bad_request", "请求格式有误"),
    401: ("not_signed_in", "请先登录"),
    403: ("forbidden", "无权进行此操作"),
    404: ("not_found", "未找到"),
    405: ("method_not_allowed", "不支持的请求方法"),
    413: ("payload_too_large", "内容超过大小限制"),
    415: ("unsupported_media_type", "不支持的内容类型"),
    422: ("validation_error", "提交的内容有误"),
    429: ("too_many_requests", "操作过于频繁，请稍后再试"),
    500: ("internal_error", "系统内部错误，已记录，请稍后再试"),
    503: ("service_unavailable", "服务暂时不可用，请稍后再试"),
}

PageRenderer = Callable[[dict[str, Any]], str]


def register_error_handlers(app: Flask) -> None:
    """Answer every refusal and every fault in the shape the caller understands."""
    app.register_error_handler(errors.DomainError, _refused)
    app.register_error_handler(HTTPException, _http_fault)
    app.register_error_handler(OperationalError, _database_away)
    app.register_error_handler(Exception, _unexpected)


def status_of(error: errors.DomainError) -> int:
    """The status of a refusal: its own row, or that of the nearest ancestor."""
    return next(STATUS_OF[cls] for cls in type(error).__mro__ if cls in STATUS_OF)


def problem_of(error: errors.DomainError) -> dict[str, Any]:
    """The problem document of a refusal."""
    problem: dict[str, Any] = {
        "type": f"urn:shudi:problem:{error.code}",
        "title": error.title,
        "status": status_of(error),
        "code": error.code,
        "request_id": g.get("request_id", ""),
    }
    if error.detail and error.detail != error.title:
        problem["detail"] = error.detail
    if error.errors:
        problem["errors"] = error.errors
    # The object of a refused attempt is for the auditor: in the answer it would tell which accounts exist.
    return problem | {name: value for name, value in error.extra.items() if name != "audit_object"}


def _refused(error: errors.DomainError) -> BaseResponse:
    if error.audited:
        for listener in registry().refusal_listeners:
            listener(current_actor(), error, request.endpoint or "")
    response = _respond(problem_of(error))
    if isinstance(error, errors.NotSignedIn):
        response.headers["WWW-Authenticate"] = "Bearer"
    if "retry_after" in error.extra:
        response.headers["Retry-After"] = str(error.extra["retry_after"])
    return response


def _http_fault(fault: HTTPException) -> BaseResponse:
    status = fault.code or 500
    if status < 400:  # noqa: PLR2004  # redirects raised as exceptions are answers, not faults
        return fault.get_response()
    response = _respond(_plain_problem(status))
    for name, value in fault.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


def _database_away(fault: OperationalError) -> BaseResponse:
    # Only the driver's class: its message may quote values.
    logger.error("database unavailable: %s", type(fault.orig).__name__)
    return _respond(_plain_problem(503))


def _unexpected(fault: Exception) -> BaseResponse:
    if current_app.config.get("PROPAGATE_EXCEPTIONS"):
        raise fault
    logger.error("unexpected fault", exc_info=fault)
    return _respond(_plain_problem(500))


def _plain_problem(status: int) -> dict[str, Any]:
    code, title = _HTTP_TITLES.get(status, ("http_error", "请求未能完成"))
    return {
        "type": f"urn:shudi:problem:{code}",
        "title": title,
        "status": status,
        "code": code,
        "request_id": g.get("request_id", ""),
    }


def _respond(problem: dict[str, Any]) -> BaseResponse:
    renderer: PageRenderer | None = current_app.extensions.get("shudi_error_page")
    if renderer is not None and not request.path.startswith(("/api/", "/healthz", "/readyz", "/metrics")):
        return Response(renderer(problem), status=problem["status"], mimetype="text/html")
    response = current_app.json.response(problem)
    response.status_code = problem["status"]
    response.mimetype = "application/problem+json"
    response.headers["Cache-Control"] = "no-store"
    return response
