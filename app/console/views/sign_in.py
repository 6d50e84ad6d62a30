"""The sign-in page, and its second step."""

from __future__ import annotations

from typing import Any

from flask import url_for

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
    fields: list[dict[str, Any]] = [
        {"name": "username", "label": "用户名", "kind": "text", "value": username, "autocomplete": "username"},
        {"name": "password", "label": "密码", "kind": "password", "autocomplete": "current-password"},
    ]
    return _page("登录", url_for("console.sign_in"), fields, following, kept, message, problem)


def code_page(*, following: str, kept: str = "", problem: dict[str, Any] | None = None) -> str:
    """The second step: the code of the person's device."""
    code: dict[str, Any] = {
        "name": "otp",
        "label": "动态码",
        "kind": "text",
        "autocomplete": "one-time-code",
        "max_length": 32,
        "autofocus": True,
        "hint": "手机验证器上的 6 位数字；手机不在身边的，填写一个恢复码",
    }
    message = (problem.get("detail") or problem["title"]) if problem else None
    return _page("输入动态码", url_for("console.give_code"), [code], following, kept, message, problem)


# long because a page has so many parts.
def _page(
    title: str,
    action: str,
    fields: list[dict[str, Any]],
    following: str,
    kept: str,
    message: str | None,
    problem: dict[str, Any] | None,
) -> str:
    errors: dict[str, list[str]] = (problem or {}).get("errors", {})
    form = {
        "title": title,
        "action": action,
        "fields": [one | {"required": True, "error": "；".join(errors.get(one["name"], []))} for one in fields],
        "message": message,
        "next": following,
        "kept": kept,
        "back": url_for("console.ask_to_sign_in", next=following) if action == url_for("console.give_code") else None,
    }
    return rendered_plain("console/sign_in.html", office=office_name(), form=form)
