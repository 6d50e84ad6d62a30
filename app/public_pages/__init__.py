"""The public page without WeChat: report, follow, and what Article 16 and PIPL Article 17 oblige the office to tell."""

from __future__ import annotations

from apiflask import APIFlask


def register(application: APIFlask) -> None:
    """Connect the pages."""
    import app.public_pages.claims
    import app.public_pages.filing
    import app.public_pages.following
    import app.public_pages.information
    import app.public_pages.refusals  # noqa: F401  # each hangs its pages and refusals on the blueprint
    from app.public_pages import languages
    from app.public_pages.blueprint import pages

    languages.register(application)
    application.register_blueprint(pages)
