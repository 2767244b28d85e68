"""For whoever watches the server."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, jsonify

from webapp.library import knowledge

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    health = knowledge().health()
    body = {
        "ok": health.ok,
        "generation": health.generation,
        "records": health.records,
        "passages": health.passages,
    }
    response = jsonify(body)
    response.headers["Cache-Control"] = "no-store"
    response.status_code = HTTPStatus.OK if health.ok else HTTPStatus.SERVICE_UNAVAILABLE
    return response
