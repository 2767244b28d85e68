"""The text that is sent to be held against the library's warning signs. Nothing of it is kept or logged."""

from __future__ import annotations

import json
from typing import Any, Final

from flask import request

from kb.pasted import TEXT_MAX_CHARACTERS
from webapp.api.problems import TOO_LONG, UNREADABLE, WRONG_BODY, WRONG_TYPE, Fault, Problem

PLAIN: Final = "text/plain"
JSON: Final = "application/json"
# The longest text as JSON may write it: twelve bytes for a character that needs two escapes, and the object around it.
BODY_MAX_BYTES: Final = 12 * TEXT_MAX_CHARACTERS + 4096


def sent_text() -> str:
    """The text of this request. Raises Problem for a body that is none, and Flask's own error for one too large."""
    request.max_content_length = BODY_MAX_BYTES
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype not in (PLAIN, JSON) or charset not in ("utf-8", "utf8", "us-ascii"):
        raise Problem(WRONG_TYPE, f"Send {PLAIN} or {JSON}, in UTF-8.")
    try:
        body = request.get_data().decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem(UNREADABLE, f"The body is not UTF-8: byte {error.start:,} belongs to no character.") from None
    text = body if request.mimetype == PLAIN else _member(body)
    if not text:
        raise Problem(WRONG_BODY, "The text is empty.")
    if len(text) > TEXT_MAX_CHARACTERS:
        detail = f"text is {len(text):,} characters long; the most is {TEXT_MAX_CHARACTERS:,}"
        raise Problem.of(TOO_LONG, [Fault("text", detail)])
    return text


def _member(body: str) -> str:
    try:
        sent: Any = json.loads(body)
    except json.JSONDecodeError as error:
        raise Problem(UNREADABLE, f"The body is not JSON: {error.msg} at character {error.pos:,}.") from None
    except (ValueError, RecursionError):  # a number of thousands of digits, thousands of brackets
        raise Problem(UNREADABLE, "The body is not JSON that can be read.") from None
    if not (isinstance(sent, dict) and set(sent) == {"text"} and isinstance(sent["text"], str)):
        raise Problem(WRONG_BODY, 'The body is to be an object with one member: {"text": "..."}.')
    return str(sent["text"])
