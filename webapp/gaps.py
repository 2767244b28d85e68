"""Somebody asks that a question without an answer be recorded: the one thing a person can leave here, by a click."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response, current_app, redirect, render_template, url_for

from kb.errors import GapRefused, StoreError
from kb.gaps import GAP_MAX_CHARACTERS
from webapp.forms import NotUtf8, TooLarge, text_field
from webapp.library import knowledge
from webapp.security import refuse_foreign_posts

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

blueprint = Blueprint("gaps", __name__)
blueprint.before_request(refuse_foreign_posts)

_RETRY_SECONDS: Final = 60


@blueprint.post("/gaps")
def record() -> ResponseReturnValue:
    try:
        knowledge().record_gap(text_field("q", GAP_MAX_CHARACTERS))
    except TooLarge:
        return _refused("large"), HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    except NotUtf8:
        return _refused("bytes"), HTTPStatus.BAD_REQUEST
    except GapRefused as error:
        return _refused("refused", str(error)), HTTPStatus.UNPROCESSABLE_ENTITY
    except StoreError as error:
        # Its message names folders of the server, and nothing of the question.
        current_app.logger.warning("A gap could not be recorded: %s", error)
        headers = {"Retry-After": str(_RETRY_SECONDS)}
        return _refused("store"), HTTPStatus.SERVICE_UNAVAILABLE, headers
    # The question stands in no address, so that the page can be left open, or reloaded, for all to see.
    return redirect(url_for("gaps.recorded"), HTTPStatus.SEE_OTHER, Response)


@blueprint.get("/gaps/recorded")
def recorded() -> ResponseReturnValue:
    return render_template("gap_recorded.html")


@blueprint.after_request
def keep_nothing(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _refused(why: str, told: str = "") -> str:
    return render_template("gap_refused.html", why=why, told=told, most=GAP_MAX_CHARACTERS)
