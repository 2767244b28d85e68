"""The library without a question: an index of its records, by service, theme, outcome and place, and what is new."""

from __future__ import annotations

from http import HTTPStatus
from itertools import groupby
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from flask import Blueprint, current_app, render_template, request
from werkzeug.datastructures import MultiDict

from kb.browse import newest_first
from kb.filters import FIELDS
from webapp import presenting, questions
from webapp.facets import make_facets
from webapp.library import knowledge
from webapp.revalidation import revalidated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.typing import ResponseReturnValue

    from kb.browse import Entry
    from webapp.questions import Asked

blueprint = Blueprint("browse", __name__)

# The ways in that the page offers, in this order; an address may carry any other field as well.
OFFERED: Final = ("service", "outcome", "theme", "place_type", "kind", "decade")
# What an address may hold: a question has no place in an index, and is left alone.
_TAKEN: Final = (*FIELDS, *questions.YEARS, "page")
# One page of this many entries stays well below 250 kB with its styles; the library of today fits on one.
PAGE_ENTRIES: Final = 200
_NEW: Final = 5
# From this many entries an alphabet to jump by is worth its room.
_ALPHABET_FROM: Final = 40
# The first of the fields lie open.
_OPEN: Final = 2


@blueprint.get("/browse")
def browse() -> ResponseReturnValue:
    try:
        asked = read_choice()
    except (questions.UnknownFilter, questions.WrongYears, questions.WrongPage) as error:
        return render_template("browse_wrong.html", error=error, query=_query_of(error)), HTTPStatus.BAD_REQUEST
    selection = knowledge().catalogue().select(asked.filters)
    pages = max(1, -(-len(selection.entries) // PAGE_ENTRIES))
    if asked.page > pages:
        far = questions.WrongPage(str(asked.page), asked.at(1), pages)
        return render_template("browse_wrong.html", error=far, query=_query_of(far)), HTTPStatus.NOT_FOUND
    shown = selection.entries[(asked.page - 1) * PAGE_ENTRIES : asked.page * PAGE_ENTRIES]
    page = render_template(
        "browse.html",
        asked=asked,
        total=len(selection.entries),
        kinds=selection.counts["kind"],
        groups=_by_letter(shown),
        facets=make_facets(OFFERED, selection.counts, asked.by_field, _OPEN),
        unseen=[(field, value) for field, value in asked.chosen if field not in OFFERED],
        tags=[
            (*words[:2], choice_query(asked.without(*pair)))
            for words, pair in zip(asked.tags(), asked.chosen, strict=True)
        ],
        period=presenting.period_words,
        new=[] if asked.chosen or asked.page > 1 else _new(selection.entries),
        feed=choice_query(asked.at(1)),
        pages=[(number, choice_query(asked.at(number))) for number in range(1, pages + 1)] if pages > 1 else [],
    )
    return revalidated(page)


def read_choice() -> Asked:
    """The choice that an address of the index, or of its feed, makes. Raises as `questions.read` does."""
    taken = MultiDict((name, value) for name, value in request.args.items(multi=True) if name in _TAKEN)
    return questions.read(taken, current_app.config["QUESTION_MAX"])


def choice_query(asked: Asked) -> str:
    """A choice as the query of an address."""
    return urlencode([*asked.chosen, *([("page", str(asked.page))] if asked.page > 1 else [])])


def in_words(asked: Asked) -> str:
    """A choice in one line: `Housing or Homelessness; Failed`. Empty for none."""
    values: dict[str, list[str]] = {}
    for (name, value, _), (field, _code) in zip(asked.tags(), asked.chosen, strict=True):
        values.setdefault(field, []).append(f"{name.lower()} {value}" if field in questions.YEARS else value)
    return "; ".join(" or ".join(some) for some in values.values())


def _query_of(error: questions.UnknownFilter | questions.WrongYears | questions.WrongPage) -> str:
    return choice_query(error.first if isinstance(error, questions.WrongPage) else error.without)


def _new(entries: Sequence[Entry]) -> list[Entry]:
    """The cases that were checked last. A lesson has no date by which it could be new."""
    return newest_first(entry for entry in entries if entry.kind == "case")[:_NEW]


def _by_letter(entries: Sequence[Entry]) -> list[tuple[str, list[Entry]]]:
    """The entries under the letters of an alphabet; of a few, all under none."""
    if len(entries) < _ALPHABET_FROM:
        return [("", list(entries))] if entries else []
    return [
        (letter, list(some))
        for letter, some in groupby(entries, key=lambda entry: entry.letter if entry.letter.isalpha() else "0 to 9")
    ]
