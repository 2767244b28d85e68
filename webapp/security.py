"""Headers that keep a page to itself: a strict policy with a fresh nonce, no other site, nothing kept of a question."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import abort, g, request

if TYPE_CHECKING:
    from flask import Flask, Response

_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'nonce-{nonce}'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # A question stands in the address of its answer; no site that a source links to may learn it.
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}


def nonce() -> str:
    """The nonce of this response, made when it is first asked for."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(18)
    return str(g.nonce)


def init_app(app: Flask) -> None:
    app.jinja_env.globals["csp_nonce"] = nonce
    app.after_request(protect)


def refuse_foreign_posts() -> None:
    """Answers 403 to a form that was sent from a page of another site. A client that is no browser may.

    A blueprint that takes forms calls it before each request: `blueprint.before_request(refuse_foreign_posts)`.
    """
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    fetched = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if fetched is not None:
        foreign = fetched not in ("same-origin", "none")
    else:
        foreign = origin is not None and origin.partition("://")[2] != request.host
    if foreign:
        abort(HTTPStatus.FORBIDDEN)


def protect(response: Response) -> Response:
    """Sets the headers; for a response that never comes to Flask's own last steps, too."""
    if response.status_code != HTTPStatus.NOT_MODIFIED:
        # A browser takes the headers of a 304 for those of the page that it kept. The kept page goes with the nonce of
        # its own policy: a fresh one here would forbid its script.
        response.headers["Content-Security-Policy"] = _POLICY.format(nonce=nonce())
    for name, value in _HEADERS.items():
        response.headers[name] = value
    if "Cache-Control" not in response.headers:
        # A page with a question in its address is not written to any cache, the browser's own included.
        response.headers["Cache-Control"] = "private, no-store" if request.query_string else "private, no-cache"
    return response
