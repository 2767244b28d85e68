"""Addresses as they come over the wire, in a form that can always be read.

An address has ASCII alone; a client that sends other bytes in a query sends them bare. Werkzeug reads a query as UTF-8
and fails on bytes that are none, wherever a view first looks at it; written as escapes they are kept as they are.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask import Flask

# All that stands in a query already stays as it is, escapes included.
_KEPT: Final = string.punctuation


def init_app(app: Flask) -> None:
    inner = app.wsgi_app

    def escaped(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["QUERY_STRING"] = quote(environ.get("QUERY_STRING", ""), safe=_KEPT, encoding="latin-1")
        return inner(environ, start_response)

    app.wsgi_app = escaped  # type: ignore[method-assign]


def is_utf_8(query: bytes) -> bool:
    """Whether what a query says, its escapes undone, is UTF-8."""
    try:
        unquote_to_bytes(query).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
