"""A refusal on a public page: the form again with what is wrong, or a page that says what to do."""

from __future__ import annotations

from typing import Final

from flask import Response, g, request

from app.foundation.errors import DomainError
from app.foundation.http_errors import status_of
from app.public_pages.blueprint import pages
from app.public_pages.filing import form_again
from app.public_pages.following import CODES
from app.public_pages.languages import in_words
from app.public_pages.shell import rendered

_TYPED: Final = ("text", "reason", "comment")


@pages.errorhandler(DomainError)
def refused(refusal: DomainError) -> Response:
    """Draw what was refused again, with what is wrong with it."""
    form = g.get("public_form")
    response = form_again(form, refusal) if form is not None else _problem_page(refusal)
    response.status_code = status_of(refusal)
    if "retry_after" in refusal.extra:
        response.headers["Retry-After"] = str(refusal.extra["retry_after"])
    return response


def _problem_page(refusal: DomainError) -> Response:
    """What is wrong, the text that was typed, and the way back; the form of the codes where they were wrong."""
    told = (
        refusal.detail
        or "；".join(in_words(text) for texts in refusal.errors.values() for text in texts)
        or refusal.title
    )
    sent = g.get("public_fields", request.form)
    number = sent.get(CODES[0], "")
    if request.endpoint == "public_pages.follow":
        return Response(rendered("codes.html", problem=told, receipt_number=number), mimetype="text/html")
    if request.endpoint == "public_pages.show_claim":
        page = rendered("claim.html", claim=None, problem=told, query_number=sent.get("query_number", ""))
        return Response(page, mimetype="text/html")
    codes = {name: sent.get(name, "") for name in CODES}
    typed = "\n\n".join(filter(None, (sent.get(name, "").strip() for name in _TYPED)))
    page = rendered(
        "problem.html", title=refusal.title, told=told, typed=typed, codes=codes if all(codes.values()) else None
    )
    return Response(page, mimetype="text/html")
