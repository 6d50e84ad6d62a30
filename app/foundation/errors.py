"""Refusals in the office's words. No HTTP here: ``http_errors`` holds the one table that maps them to a status.

Every class has a stable English ``code`` (clients hold on to it) and a Chinese ``title``. ``audited`` refusals are
written to the audit log in a transaction of their own, because the refused transaction itself rolls back.
"""

from __future__ import annotations

from typing import Any, ClassVar


class DomainError(Exception):
    """A command was refused.

    Args:
        detail: Chinese sentence for the person, saying what to do next.
        errors: field name → list of Chinese messages, when fields are at fault.
        extra: further members of the problem document (for instance what changed meanwhile).
    """

    code: ClassVar[str] = "refused"
    title: ClassVar[str] = "请求被拒绝"
    audited: ClassVar[bool] = False

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: dict[str, Any] | None = None,
        extra: dict[str, Any] | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = errors or {}
        self.extra = extra or {}
        if code is not None:
            self.code = code  # type: ignore[misc]  # one family, a finer stable code


class InvalidInput(DomainError):
    """What was sent cannot be used; ``errors`` names the fields."""

    code = "validation_error"
    title = "提交的内容有误"


class NotSignedIn(DomainError):
    """No token, or one that is expired, revoked, forged or meant for another audience."""

    code = "not_signed_in"
    title = "请先登录"


class SignInFailed(DomainError):
    """Wrong user name, password or second factor; which of them is never said."""

    code = "sign_in_failed"
    title = "用户名、密码或动态码不正确"
    audited = True


class AccountLocked(DomainError):
    """Too many failures (GB/T 22239-2019, login-failure handling)."""

    code = "account_locked"
    title = "登录失败次数过多，账号已暂时锁定"
    audited = True


class SignInUnfinished(DomainError):
    """The password is right, but a step is due first: ``extra["step"]`` is ``password`` or ``second_factor``."""

    code = "sign_in_unfinished"
    title = "登录尚未完成"


class AddressNotAllowed(DomainError):
    """This role may not be used from the network that the request comes from."""

    code = "address_not_allowed"
    title = "不能从当前网络地址使用本系统"
    audited = True


class Forbidden(DomainError):
    """The thing may be seen, the action is not this person's."""

    code = "forbidden"
    title = "无权进行此操作"
    audited = True


class NotFound(DomainError):
    """It does not exist, or lies outside the actor's scope: the two are never told apart."""

    code = "not_found"
    title = "未找到"


class OutOfScope(NotFound):
    """It exists outside the actor's scope: answered as not found, remembered for the auditor."""

    audited = True


class StaleVersion(DomainError):
    """Somebody else changed the thing after this person had looked at it."""

    code = "stale_version"
    title = "内容已被他人更新，请查看最新情况后再操作"


class TransitionNotAllowed(DomainError):
    """The state machine knows no such move from the present status."""

    code = "transition_not_allowed"
    title = "当前状态下不能进行此操作"
    audited = True


class Conflict(DomainError):
    """The command contradicts what is already there (a second open request, a used number)."""

    code = "conflict"
    title = "与现有情况冲突"


class TooManyRequests(DomainError):
    """A limit was reached; ``extra["retry_after"]`` holds seconds."""

    code = "too_many_requests"
    title = "操作过于频繁，请稍后再试"


class PayloadTooLarge(DomainError):
    """More bytes than the stated limit."""

    code = "payload_too_large"
    title = "内容超过大小限制"


class UnsupportedFile(DomainError):
    """The content of a file is not on the allow-list, or it lies about its type."""

    code = "unsupported_file"
    title = "不支持的文件类型"


class ReporterExposed(DomainError):
    """A text that leaves the office would tell who reported (条例 Art. 16)."""

    code = "reporter_exposed"
    title = "内容可能暴露举报人"
    audited = True


class DeadlineBeyondCalendar(DomainError):
    """A deadline falls after the last loaded calendar year; plain weekdays are never guessed."""

    code = "deadline_beyond_calendar"
    title = "工作日历未覆盖到期日，请系统管理员先导入下一年度日历"


class ServiceUnavailable(DomainError):
    """A service that we depend on (WeChat, storage) does not answer."""

    code = "service_unavailable"
    title = "服务暂时不可用，请稍后再试"
