"""A browser of a test without a browser: signs in, reads the token of a form, sends the form."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask, g
from werkzeug.test import TestResponse

from tests import factories


class Visitor:
    """One browser before anybody has signed in, with its cookies."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()
        self._tokens: dict[str, str] = {}

    def open(self, path: str, **options: Any) -> TestResponse:
        """One request. The test's own application context lends it a used ``g``, which a server never does."""
        for name in list(g):
            g.pop(name)
        return self.client.open(path, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.open(path, **options)

    def text(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status_code == 200, (answer.status_code, path)
        return answer.get_data(as_text=True)

    def token(self, path: str) -> str:
        """The CSRF token that the page at ``path`` puts into its forms."""
        return csrf_token(self.get(path).get_data(as_text=True))

    def post(self, path: str, *, seen: str = "/notices", **fields: Any) -> TestResponse:
        """Send a form with the token of the page that was seen, which is asked for once."""
        if seen not in self._tokens:
            self._tokens[seen] = self.token(seen)
        return self.open(path, method="POST", data={"csrf_token": self._tokens[seen], **fields})


class Officer(Visitor):
    """One person at the console."""

    def __init__(self, app: Flask, username: str) -> None:
        super().__init__(app)
        self.username = username
        answer = self.post("/sign-in", seen="/sign-in", username=username, password=factories.PASSWORD)
        assert answer.status_code == 303, answer.get_data(as_text=True)

    def act(self, tip_id: Any, action: str, **fields: Any) -> TestResponse:
        """Send an action's form of the tip's page as it stands now."""
        page = self.text(f"/tips/{tip_id}")
        fields.setdefault("expected_version", version_of(page, action))
        data = {"csrf_token": csrf_token(page), "action": action, **fields}
        return self.open(f"/tips/{tip_id}/actions", method="POST", data=data)


def csrf_token(page: str) -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert found, "the page has no token"
    return found[1]


def version_of(page: str, action: str = "") -> str:
    """The version beside an action's form; that of the first form where the page offers no such action."""
    version = r'name="expected_version" value="(\d+)"'
    found = re.search(rf'name="action" value="{action}">\s*<input type="hidden" {version}', page)
    found = found or re.search(version, page)
    assert found, "the page offers no action"
    return found[1]
