"""Failures: pages in plain English that say what to do, and a log that holds no word of a question."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Flask, Response, make_response, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError

from kb.errors import NoIndex
from webapp import security
from webapp.api import problems, routes

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@dataclass(frozen=True, slots=True)
class Explanation:
    """An error page's heading and paragraphs."""

    heading: str
    paragraphs: tuple[str, ...]


_EXPLANATIONS: Final = {
    HTTPStatus.FORBIDDEN: Explanation(
        "That came from another site",
        ("A form is taken from this site\u2019s own pages only. Go to the page, and fill it in there.",),
    ),
    HTTPStatus.NOT_FOUND: Explanation(
        "There is no such page",
        (
            "If you typed the address, check that it is right. If you followed a link, the record may have been "
            "renamed or withdrawn.",
            "You can ask about it instead.",
        ),
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: Explanation(
        "That cannot be done here", ("This page can be read, but nothing can be sent to it.",)
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Explanation(
        "That was too much at once", ("What you sent is larger than this page takes. Send less of it.",)
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: Explanation(
        "Something went wrong on our side",
        (
            "It is not your fault. Try again in a minute.",
            "If it happens again, tell whoever runs this service what you were doing and when. "
            "Your question was not written to the log, so they cannot look it up.",
        ),
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: Explanation(
        "The library is not open yet",
        ("There is nothing to search at the moment. This is usually over in a few minutes.",),
    ),
}
_OTHER: Final = Explanation("That did not work", ("The address or what was sent with it could not be understood.",))
_DETAILS: Final = {
    HTTPStatus.NOT_FOUND: "There is nothing at this address.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong on our side.",
}
# What is sent when not even the page for a failure can be made.
_LAST_RESORT: Final = (
    "<!DOCTYPE html><html lang=en><title>Error: something went wrong - Critical Friend</title>"
    "<h1>Something went wrong on our side</h1><p>Try again in a minute.</p></html>"
)
_RETRY_SECONDS: Final = 30
# The exception itself names folders of the server; it goes to the log when the library is opened or refreshed.
_NO_INDEX: Final = "There is no index to answer from. Whoever runs this service can run `kb load` and then `kb index`."


def init_app(app: Flask) -> None:
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(NoIndex, _no_index)


def _page(status: int) -> Response:
    explanation = _EXPLANATIONS.get(HTTPStatus(status), _OTHER)
    return make_response(render_template("error.html", explanation=explanation, status=status), status)


def _http_error(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None or error.code is None or error.code < 400:
        return error  # a redirect, or an answer that is made already
    if request.path.startswith(routes.PREFIX):
        response = problems.of_status(error.code, _DETAILS.get(HTTPStatus(error.code), f"{error.name}."))
    else:
        response = _page(error.code)
    for name, value in error.get_headers():  # Allow, Retry-After and the like
        if name.lower() != "content-type":
            response.headers[name] = value
    return response


def _no_index(_: NoIndex) -> ResponseReturnValue:
    if request.path.startswith(routes.PREFIX):
        response = problems.of_status(HTTPStatus.SERVICE_UNAVAILABLE, _NO_INDEX)
    else:
        response = _page(HTTPStatus.SERVICE_UNAVAILABLE)
    response.headers["Retry-After"] = str(_RETRY_SECONDS)
    return response


def handle_exception(app: Flask, error: Exception) -> Response:
    """Takes the place of Flask's own, which re-raises in debug and testing and so hands the message to other logs.

    Nothing may reach the server beneath: waitress logs an exception's message, and a message can hold the question.
    """
    log_failure(app, error)
    try:
        response = app.make_response(_http_error(InternalServerError()))
        return app.finalize_request(response, from_error_handler=True)
    except Exception as another:
        log_failure(app, another)
        return security.protect(Response(_LAST_RESORT, status=500, mimetype="text/html"))


def log_failure(app: Flask, error: BaseException | None) -> None:
    """Logs where a failure came about: the route, the kinds of exception and the lines of code. Never their messages.

    Flask's own log line has the path and the message, and either can hold what a person typed.
    """
    route = request.url_rule.rule if request.url_rule else "an unknown address"
    app.logger.error("%s %s failed: %s", request.method, route, describe(error))


def describe(error: BaseException | None) -> str:
    """The kinds of an exception and of those that led to it, each with its stack, without any message or value."""
    parts: list[str] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        frames = traceback.extract_tb(error.__traceback__)
        stack = "".join(f"\n  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)
        parts.append(f"{type(error).__module__}.{type(error).__qualname__}{stack}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\ncaused by ".join(parts)
