"""The one blueprint that every page hangs on; its static files are ``console.static``."""

from __future__ import annotations

from typing import Final

from apiflask import APIBlueprint

pages: Final = APIBlueprint(
    "console",
    "app.console",
    template_folder="templates",
    static_folder="static",
    static_url_path="/static",
    enable_openapi=False,
)
