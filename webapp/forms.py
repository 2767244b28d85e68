"""The body of a form, read strictly: its bytes are UTF-8, and no larger than its page takes."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final
from urllib.parse import unquote_to_bytes

from flask import request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

# A character has up to four bytes, and each of them may be written as three (`%F0`).
BYTES_PER_CHARACTER: Final = 12
_BESIDE_THE_TEXT_BYTES: Final = 4096


class TooLarge(RequestEntityTooLarge):
    """The body is larger than its page takes; it was not read."""


class NotUtf8(BadRequest):
    """The body has bytes that are no text."""

    code = HTTPStatus.BAD_REQUEST


def text_field(name: str, most_characters: int) -> str:
    """A field of the posted form, with plain line breaks; empty when the form has none of that name.

    A body that cannot hold more than `most_characters` of the widest kind is always read, so that a text that is
    somewhat too long can be given back. Raises TooLarge and NotUtf8.
    """
    request.max_content_length = request.max_form_memory_size = (
        BYTES_PER_CHARACTER * most_characters + _BESIDE_THE_TEXT_BYTES
    )
    try:
        body = request.get_data()
        unquote_to_bytes(body.replace(b"+", b" ")).decode("utf-8")
        text = request.form.get(name, "")
    except RequestEntityTooLarge as error:
        raise TooLarge from error
    except UnicodeDecodeError as error:
        raise NotUtf8 from error
    return text.replace("\r\n", "\n").replace("\r", "\n")
