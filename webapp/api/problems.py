"""What goes wrong in the API, as a machine may read it: problem details (RFC 9457), one kind for each remedy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from flask import Response, request

if TYPE_CHECKING:
    from collections.abc import Mapping

MIMETYPE: Final = "application/problem+json"
# Where the kinds are explained: the page that `webapp.api.page` shows.
_EXPLAINED_AT: Final = "/api"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem. `title` is the same each time; `meaning` says when it comes and what to do about it."""

    name: str
    status: HTTPStatus
    title: str
    meaning: str

    @property
    def anchor(self) -> str:
        return f"problem-{self.name}"

    @property
    def type(self) -> str:
        """The kind's address: it never changes, and leads to its explanation."""
        return f"{_EXPLAINED_AT}#{self.anchor}"


WRONG_PARAMETERS: Final = Kind(
    "wrong-parameters",
    HTTPStatus.BAD_REQUEST,
    "A parameter cannot be used",
    "A parameter is missing, is not known, has a value that does not exist, or stands twice where it may stand once. "
    "`errors` names each of them and what would be right.",
)
UNREADABLE: Final = Kind(
    "unreadable",
    HTTPStatus.BAD_REQUEST,
    "The request cannot be read",
    "The address or the body is not UTF-8, or the body is not the JSON that its type says.",
)
NO_SUCH_ADDRESS: Final = Kind(
    "no-such-address",
    HTTPStatus.NOT_FOUND,
    "There is nothing at this address",
    "Compare the path with those of this page.",
)
NO_SUCH_RECORD: Final = Kind(
    "no-such-record",
    HTTPStatus.NOT_FOUND,
    "There is no such record",
    "The library has no record of this id; it may have been renamed or withdrawn.",
)
NO_SUCH_COUNCIL: Final = Kind(
    "no-such-council",
    HTTPStatus.NOT_FOUND,
    "There is no such council",
    "No council of the United Kingdom has this GSS code. `/councils` lists them all.",
)
NO_SUCH_PAGE: Final = Kind(
    "no-such-page",
    HTTPStatus.NOT_FOUND,
    "The list has fewer pages",
    "`pages` says how many pages there are, and `total` how many entries.",
)
WRONG_METHOD: Final = Kind(
    "wrong-method",
    HTTPStatus.METHOD_NOT_ALLOWED,
    "This address does not take that method",
    "The header `Allow` lists the methods that it takes.",
)
TOO_LARGE: Final = Kind(
    "too-large",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "The body is too large",
    "More bytes were sent than the longest text can have. Nothing of it was read.",
)
WRONG_TYPE: Final = Kind(
    "wrong-type",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "The body has a type that is not taken",
    "Send `text/plain` or `application/json`, in UTF-8.",
)
TOO_LONG: Final = Kind(
    "too-long",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "The text is too long",
    "`errors` says how long it is, and how long it may be.",
)
WRONG_BODY: Final = Kind(
    "wrong-body",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "The body has no text to look at",
    'Send an object with one member, `{"text": "..."}`, and some words in it.',
)
FAILED: Final = Kind(
    "failed",
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "Something went wrong on our side",
    "It is not your fault. Nothing of the request was written to the log, so say what you did when you report it.",
)
NOT_OPEN: Final = Kind(
    "not-open",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "The library is not open yet",
    "There is no index to answer from at the moment. Try again after the seconds that `Retry-After` names.",
)
KINDS: Final = (
    *(WRONG_PARAMETERS, UNREADABLE, NO_SUCH_ADDRESS, NO_SUCH_RECORD, NO_SUCH_COUNCIL, NO_SUCH_PAGE, WRONG_METHOD),
    *(TOO_LARGE, WRONG_TYPE, TOO_LONG, WRONG_BODY, FAILED, NOT_OPEN),
)
# What a failure is that Flask met by itself.
_BY_STATUS: Final = {
    kind.status: kind for kind in (UNREADABLE, NO_SUCH_ADDRESS, WRONG_METHOD, TOO_LARGE, WRONG_TYPE, FAILED, NOT_OPEN)
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one parameter, or with one member of a body."""

    parameter: str
    detail: str


class Problem(Exception):  # noqa: N818  it is what is sent, and not what went wrong in the program
    """Ends a request of the API; `more` are further members of the answer."""

    def __init__(self, kind: Kind, detail: str, more: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.more = dict(more or {})

    @classmethod
    def of(cls, kind: Kind, faults: list[Fault]) -> Problem:
        """All faults at once; the detail is in the words of the first."""
        errors = [{"parameter": fault.parameter, "detail": fault.detail} for fault in faults]
        return cls(kind, faults[0].detail, {"errors": errors})


def as_response(problem: Problem) -> Response:
    body = {
        "type": problem.kind.type,
        "title": problem.kind.title,
        "status": int(problem.kind.status),
        "detail": problem.detail,
        # The path alone: a question stands in the query.
        "instance": quote(request.path, errors="replace"),
        **problem.more,
    }
    response = Response(to_json(body), status=int(problem.kind.status), mimetype=MIMETYPE)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def of_status(status: int, detail: str) -> Response:
    """A failure that has a status and no kind of its own."""
    kind = _BY_STATUS.get(HTTPStatus(status))
    if kind is None:
        kind = Kind(UNREADABLE.name, HTTPStatus(status), UNREADABLE.title, UNREADABLE.meaning)
    return as_response(Problem(kind, detail))


def to_json(body: object) -> bytes:
    """Compact JSON, words as they are; half of a surrogate pair, which UTF-8 cannot hold, as JSON's own escape."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
