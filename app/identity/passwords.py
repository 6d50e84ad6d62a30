"""Passwords: argon2id, and the complexity that a level-3 assessment asks for (GB/T 22239-2019), by configuration."""

from __future__ import annotations

import string
from datetime import datetime
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app

from app.foundation import clock
from app.foundation.config import Settings, SignInRules
from app.foundation.errors import InvalidInput

LONGEST: Final = 128
_NUMBERS: Final = {1: "一种", 2: "两种", 3: "三种", 4: "四种"}

_hasher: Final = PasswordHasher()
_NOBODY: Final = _hasher.hash("a password that nobody has")


def rules() -> SignInRules:
    """The rules of this office."""
    settings: Settings = current_app.extensions["shudi_settings"]
    return settings.sign_in


def rule_text() -> str:
    """What a password must be, for people."""
    asked = rules()
    kinds = _NUMBERS[asked.kinds_of_letters]
    return f"密码应为 {asked.shortest_password} 至 {LONGEST} 位，至少含大写、小写、数字、符号中的{kinds}"


def days_left(changed_at: datetime) -> int | None:
    """Whole days until a password that was made at ``changed_at`` must be replaced; ``None``: never."""
    age = rules().password_age
    return None if age is None else (changed_at + age - clock.now()).days


def check_complexity(password: str, username: str) -> None:
    """Raise ``InvalidInput`` unless the password is long, mixed, and does not contain the user name."""
    kinds = [string.ascii_lowercase, string.ascii_uppercase, string.digits]
    found = sum(any(ch in kind for ch in password) for kind in kinds)
    found += any(ch not in string.ascii_letters + string.digits for ch in password)
    asked = rules()
    if not asked.shortest_password <= len(password) <= LONGEST or found < asked.kinds_of_letters:
        raise InvalidInput(errors={"password": [rule_text()]})
    if username.lower() in password.lower():
        raise InvalidInput(errors={"password": ["密码不能包含用户名"]})


def hash_password(password: str) -> str:
    """The argon2id hash to store."""
    return _hasher.hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether ``password`` fits. An unknown account costs the same time as a known one."""
    try:
        return _hasher.verify(password_hash or _NOBODY, password) and bool(password_hash)
    except (VerificationError, InvalidHashError):
        return False
