"""Headers that keep a page to itself: a strict policy with a fresh nonce, no other site, nothing kept of a question."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from flask import g, request

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


def protect(response: Response) -> Response:
    """Sets the headers; for a response that never comes to Flask's own last steps, too."""
    response.headers["Content-Security-Policy"] = _POLICY.format(nonce=nonce())
    for name, value in _HEADERS.items():
        response.headers[name] = value
    if "Cache-Control" not in response.headers:
        # A page with a question in its address is not written to any cache, the browser's own included.
        response.headers["Cache-Control"] = "private, no-store" if request.query_string else "private, no-cache"
    return response
