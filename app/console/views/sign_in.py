"""The sign-in page."""

from __future__ import annotations

from typing import Any

from flask import current_app, url_for

from app.console.shell import office_name, rendered_plain


def sign_in_page(
    *,
    message: str | None = None,
    following: str = "",
    kept: str = "",
    username: str = "",
    problem: dict[str, Any] | None = None,
) -> str:
    """The page with its form.

    Args:
        message: why the person is here again.
        following: the page to go to afterwards.
        kept: text typed into a form whose sender was signed out meanwhile; it comes back after the sign-in.
        username: what was typed last; a password is never sent back.
        problem: the refusal of the last attempt.
    """
    if problem is not None:
        message = problem.get("detail") or problem["title"]
    form = {
        "action": url_for("console.sign_in"),
        "fields": _fields(username, (problem or {}).get("errors", {})),
        "message": message,
        "next": following,
        "kept": kept,
    }
    return rendered_plain("console/sign_in.html", office=office_name(), form=form)


def _fields(username: str, errors: dict[str, list[str]]) -> list[dict[str, Any]]:
    fields: list[dict[str, Any]] = [
        {"name": "username", "label": "用户名", "kind": "text", "value": username, "autocomplete": "username"},
        {"name": "password", "label": "密码", "kind": "password", "autocomplete": "current-password"},
    ]
    fields = [field | {"required": True} for field in fields]
    if not current_app.extensions["shudi_settings"].demo:
        fields.append(
            {
                "name": "otp",
                "label": "动态码",
                "kind": "text",
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "hint": "已启用动态码的账号填写",
            }
        )
    return [field | {"error": "；".join(errors.get(field["name"], []))} for field in fields]
