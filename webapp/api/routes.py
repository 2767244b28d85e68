"""The API: the library as JSON, and failures as problem details. `webapp.api.document` describes each address."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, Response, current_app, request, url_for

from kb.peers import chosen_factors
from webapp.addresses import is_utf_8
from webapp.api import parameters
from webapp.api.councils import council_as_json, is_gss, likeness_as_json
from webapp.api.document import make_document
from webapp.api.problems import NO_SUCH_COUNCIL, NO_SUCH_PAGE, NO_SUCH_RECORD, UNREADABLE, Problem, as_response, to_json
from webapp.api.records import entry_as_json, whole_as_json
from webapp.api.signs import sent_text
from webapp.councils import table
from webapp.library import knowledge
from webapp.questions import clean_question

if TYPE_CHECKING:
    from kb.councils import Council
    from webapp.api.parameters import Given

PREFIX: Final = "/api/"
blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
blueprint.register_error_handler(Problem, as_response)


@blueprint.before_request
def refuse_broken_addresses() -> None:
    if not is_utf_8(request.query_string):
        raise Problem(UNREADABLE, "The address is not UTF-8: an escape in its query belongs to no character.")


@blueprint.get("/search")
def search() -> Response:
    question = parameters.question(current_app.config["QUESTION_MAX"])
    given = parameters.read(request.args, (question, *parameters.SEARCH))
    page, limit = given.whole("page"), given.whole("limit")
    council = _council(given)
    answer = knowledge().ask(
        clean_question(given.text("q")),
        parameters.filters(given),
        limit=limit,
        offset=(page - 1) * limit,
        order=given.text("sort"),
        view=given.text("view"),
        council=council,
        places=given.text("places"),
    )
    body = {**answer.as_json(), **_pages(given, answer.total)}
    if answer.total > limit:
        # The last page ends with the last record that bears on the question; a single one goes on with the nearest.
        body["hits"] = body["hits"][: answer.total - (page - 1) * limit]
    if council is not None:
        _tell_likeness(body, council)
    return _answer(body)


def _tell_likeness(body: dict[str, Any], council: Council) -> None:
    """Adds to each hit how alike its place is to the council's, in words, or null where nothing can be said."""
    hits = [*body["hits"], *(hit for column in body["columns"] for hit in column["hits"])]
    words = knowledge().likeness_of([hit["record"] for hit in hits], council)
    for hit in hits:
        hit["likeness"] = words.get(hit["record"])


@blueprint.get("/records")
def records() -> Response:
    given = parameters.read(request.args, parameters.LIST)
    entries = knowledge().catalogue().select(parameters.filters(given)).entries
    paged = _pages(given, len(entries))
    first = (paged["page"] - 1) * paged["limit"]
    shown = [entry_as_json(entry) for entry in entries[first : first + paged["limit"]]]
    return _kept({**paged, "records": shown})


@blueprint.get("/records/<record_id>")
def record(record_id: str) -> Response:
    parameters.read(request.args, ())
    found = knowledge().record(record_id)
    if found is None:
        raise Problem(NO_SUCH_RECORD, "The library has no record of this id.")
    return _kept(whole_as_json(found))


@blueprint.get("/councils")
def councils() -> Response:
    parameters.read(request.args, ())
    known = table()
    every = [council_as_json(council) for council in known.councils] if known else []
    return _kept({"total": len(every), "councils": every})


@blueprint.get("/councils/<gss>/similar")
def similar(gss: str) -> Response:
    given = parameters.read(request.args, parameters.SIMILAR)
    council = _known_council(gss)
    chosen = chosen_factors(given.several("factor"))
    alike = knowledge().peers.similar(council.gss, given.whole("limit"), [factor.code for factor in chosen])
    body = {
        "council": council_as_json(council),
        "factors": [factor.code for factor in chosen],
        "similar": [likeness_as_json(one) for one in alike],
    }
    return _kept(body)


@blueprint.post("/signs")
def signs() -> Response:
    parameters.read(request.args, ())
    return _answer(knowledge().signs(sent_text()).as_json())


@blueprint.get("/openapi.json")
def openapi() -> Response:
    parameters.read(request.args, ())
    return _kept(make_document(current_app.config["QUESTION_MAX"]))


def _council(given: Given) -> Council | None:
    """The council of a question. Raises Problem for one that is not known, or is missing where it is needed."""
    gss = given.text("council")
    if gss:
        return _known_council(gss)
    if given.text("places") != parameters.PLACES.default:
        raise parameters.wrong("places", f"places {given.text('places')!r} needs a council: add council=GSS")
    return None


def _known_council(gss: str) -> Council:
    known = table()
    council = known.council(gss) if known and is_gss(gss) else None
    if council is None:
        raise Problem(NO_SUCH_COUNCIL, "No council has this GSS code; /api/v1/councils lists them all.")
    return council


def _pages(given: Given, total: int) -> dict[str, Any]:
    """Where in its list a page stands. Raises Problem for one after the last."""
    page, limit = given.whole("page"), given.whole("limit")
    pages = max(1, -(-total // limit))
    if page > pages:
        detail = f"There is no page {page:,}: the list has {total:,} entries on {pages:,} page{'s' * (pages != 1)}."
        raise Problem(NO_SUCH_PAGE, detail, {"total": total, "pages": pages})
    return {
        "total": total,
        "page": page,
        "pages": pages,
        "limit": limit,
        "previous": _page_address(page - 1) if page > 1 else None,
        "next": _page_address(page + 1) if page < pages else None,
    }


def _page_address(page: int) -> str:
    """The address that was asked for, at another page."""
    arguments: dict[str, Any] = {**request.args.to_dict(flat=False), "page": str(page)}
    return url_for(str(request.endpoint), **arguments)


def _answer(body: object) -> Response:
    """An answer to a question, which no cache may keep."""
    return Response(to_json(body), mimetype="application/json", headers={"Cache-Control": "private, no-store"})


def _kept(body: object) -> Response:
    """An answer that a client may keep and ask about again. Weakly tagged: it is the same however it is compressed."""
    content = to_json(body)
    response = Response(content, mimetype="application/json", headers={"Cache-Control": "private, no-cache"})
    response.set_etag(hashlib.sha256(content).hexdigest()[:32], weak=True)
    response.make_conditional(request)
    return response
