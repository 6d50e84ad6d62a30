"""Headers that every answer of the program carries, pages and API alike; a file's own stricter ones stand."""

from __future__ import annotations

from typing import Final

from flask import Flask, Response

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'self'; "
    "img-src 'self' data: blob:; "  # the style sheet draws its arrows as data, the viewer its pages as blobs
    "object-src 'none'; "
    "base-uri 'none'; "
    "form-action 'self'; "
    "frame-ancestors 'none'"
)
_HEADERS: Final = {
    "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


def register(app: Flask) -> None:
    """Add the headers; what does not say otherwise is not kept anywhere: it shows what only its reader may see."""

    @app.after_request
    def _add(response: Response) -> Response:
        headers = response.headers
        for name, value in _HEADERS.items():
            if name not in headers:
                headers.add(name, value)
        if app.config["SESSION_COOKIE_SECURE"]:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        headers.setdefault("Cache-Control", "no-store")
        return response
