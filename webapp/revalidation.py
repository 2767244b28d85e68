"""Pages that a browser may keep, if it asks each time whether they are still the same."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from flask import make_response, request

from webapp.security import nonce

if TYPE_CHECKING:
    from flask import Response


def revalidated(page: str | bytes, *, mimetype: str = "text/html", cache: str = "private, no-cache") -> Response:
    """The page with an entity tag, or 304 when the client has the very same.

    The tag is of the page itself without its nonce, so that whatever changes the page changes the tag: the record, the
    templates, the names of the assets, the council that was chosen. It is weak: the page is the same however it is
    compressed. See `webapp.security` for the policy that a 304 leaves alone.
    """
    content = page.encode("utf-8") if isinstance(page, str) else page
    response = make_response(content)
    response.mimetype = mimetype
    response.headers["Cache-Control"] = cache
    response.set_etag(hashlib.sha256(content.replace(nonce().encode(), b"")).hexdigest()[:32], weak=True)
    response.make_conditional(request)
    return response
