"""The API: the same answers as JSON, and failures as problem details (RFC 9457)."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Final

from flask import Blueprint, Response, current_app, request

from webapp import questions
from webapp.library import knowledge

PREFIX: Final = "/api/"
blueprint = Blueprint("api", __name__, url_prefix="/api/v1")

_LIMIT_DEFAULT: Final = 10
_LIMIT_MAX: Final = 100
_PARAMETERS: Final = dict.fromkeys((*questions.PARAMETERS, "limit"))


@blueprint.get("/search")
def search() -> Response:
    unknown = [name for name in request.args if name not in _PARAMETERS]
    if unknown:
        known = ", ".join(_PARAMETERS)
        return problem(HTTPStatus.BAD_REQUEST, f"{unknown[0][:60]!r} is not a parameter; the parameters are {known}.")
    if "q" not in request.args:
        return problem(HTTPStatus.BAD_REQUEST, "The parameter q, the question, is missing.")
    limit = request.args.get("limit", str(_LIMIT_DEFAULT))
    if not (limit.isascii() and limit.isdigit() and len(limit) < 6 and 1 <= int(limit) <= _LIMIT_MAX):
        return problem(HTTPStatus.BAD_REQUEST, f"limit takes a whole number from 1 to {_LIMIT_MAX}.")
    try:
        asked = questions.read(request.args, current_app.config["QUESTION_MAX"])
    except questions.OverlongQuestion as error:
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
    except (questions.UnknownFilter, questions.WrongYears) as error:
        return problem(HTTPStatus.BAD_REQUEST, str(error))
    answer = knowledge().ask(asked.question, asked.filters, limit=int(limit))
    return _as_json(answer.as_json(), "application/json")


def problem(status: int, detail: str) -> Response:
    """A failure as a machine may read it."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": int(status), "detail": detail}
    response = _as_json(body, "application/problem+json")
    response.status_code = int(status)
    return response


def _as_json(body: dict[str, Any], mimetype: str) -> Response:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text, mimetype=mimetype, headers={"Cache-Control": "private, no-store"})
