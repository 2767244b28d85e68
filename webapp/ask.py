"""A person asks: the question box, and the ranked passages."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Blueprint, current_app, render_template, request

from kb.filters import FIELDS
from webapp import presenting, questions
from webapp.library import knowledge

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

blueprint = Blueprint("ask", __name__)

_EXAMPLES: Final = 4
_WAYS_IN: Final = 10
_HITS: Final = 10
# When nothing is close, the nearest are a courtesy and not an answer.
_HITS_WHEN_NOTHING_IS_CLOSE: Final = 3
# Enough of a question to tell one browser tab from another.
_TITLE_CHARACTERS: Final = 70


@blueprint.get("/")
def home() -> ResponseReturnValue:
    return _home()


def _home(*, prompt: bool = False) -> str:
    counts = knowledge().facet_counts()
    services = sorted(counts.get("service", {}).items(), key=lambda pair: (-pair[1], pair[0]))
    kinds = counts.get("kind", {})
    return render_template(
        "home.html",
        prompt=prompt,
        examples=knowledge().example_questions(_EXAMPLES),
        ways_in=[_way_in(code, count) for code, count in services[:_WAYS_IN]],
        records=sum(kinds.values()),
        cases=kinds.get("case", 0),
        lessons=kinds.get("lesson", 0),
    )


def _way_in(service: str, count: int) -> tuple[str, str, int, str]:
    """A service as a way in: its code and label, how many records it has, and the question that its link asks."""
    name = presenting.label("services", service)
    lowered = name[0].lower() + name[1:]
    return service, name, count, f"What worked, and what did not, in {lowered}?"


@blueprint.get("/search")
def search() -> ResponseReturnValue:
    try:
        asked = questions.read(request.args, current_app.config["QUESTION_MAX"])
    except questions.OverlongQuestion as error:
        question = questions.clean_question(request.args.get("q", ""))
        page = render_template("overlong.html", question=question, error=error)
        return page, HTTPStatus.UNPROCESSABLE_ENTITY
    except questions.UnknownFilter as error:
        page = render_template("unknown_filter.html", error=error, words=FIELDS[error.field])
        return page, HTTPStatus.BAD_REQUEST
    except questions.WrongYears as error:
        return render_template("wrong_years.html", error=error), HTTPStatus.BAD_REQUEST
    if not asked.question:
        return _home(prompt=True)
    answer = knowledge().ask(asked.question, asked.filters, limit=_HITS, balanced=True)
    chosen = asked.by_field
    library = knowledge().facet_counts() if chosen else {}
    facets = presenting.make_facets(answer, chosen, library)
    seen = {facet.field for facet in facets} | (set(questions.YEARS) if facets else set())
    return render_template(
        "search.html",
        asked=asked,
        answer=answer,
        cards=[
            presenting.make_card(hit) for hit in answer.hits[: _HITS if answer.close else _HITS_WHEN_NOTHING_IS_CLOSE]
        ],
        facets=facets,
        years=[(end, words, asked.year(end)) for end, words in questions.YEARS.items()],
        stances=chosen.get("stance", ()),
        unseen=[(field, value) for field, value in asked.chosen if field not in seen],
        short=short(asked.question),
    )


def short(question: str) -> str:
    """The question, or as much of its beginning as a title has room for, cut between words."""
    if len(question) <= _TITLE_CHARACTERS:
        return question
    return question[:_TITLE_CHARACTERS].rsplit(" ", 1)[0] + "\u2026"
