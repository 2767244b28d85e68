"""A person asks: the question box, and the ranked passages."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Blueprint, current_app, render_template, request

from kb.filters import FIELDS
from webapp import facets, presenting, questions
from webapp.councils import chosen_council
from webapp.library import knowledge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.typing import ResponseReturnValue

    from kb.answer import Answer, Hit
    from kb.councils import Council

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
        council = chosen_council()
        if not asked.question:
            return _home(prompt=True)
        answer = _answer(asked, council)
        pages = _pages(asked, answer)
    except questions.OverlongQuestion as error:
        question = questions.clean_question(request.args.get("q", ""))
        page = render_template("overlong.html", question=question, error=error)
        return page, HTTPStatus.UNPROCESSABLE_ENTITY
    except questions.UnknownFilter as error:
        return render_template("unknown_filter.html", error=error), HTTPStatus.BAD_REQUEST
    except questions.WrongYears as error:
        return render_template("wrong_years.html", error=error), HTTPStatus.BAD_REQUEST
    except questions.WrongPage as error:
        status = HTTPStatus.NOT_FOUND if error.pages else HTTPStatus.BAD_REQUEST
        return render_template("wrong_page.html", error=error), status
    likes = _likes(answer, council)
    offered = facets.of_answer(answer, asked.by_field)
    if asked.way("view") != "best":
        offered = [facet for facet in offered if facet.field != "stance" or asked.by_field.get("stance")]
    seen = {facet.field for facet in offered} | (set(questions.YEARS) if offered else set())
    return render_template(
        "search.html",
        asked=asked,
        answer=answer,
        council=council,
        cards=[presenting.make_card(hit, likes.get(hit.record, "")) for hit in _shown(asked, answer)],
        shelves=[presenting.make_shelf(column, likes) for column in answer.columns],
        outcomes=_outcomes(asked, answer),
        span=presenting.span_words(answer.years),
        pages=pages,
        paging=paging(asked.page, pages),
        facets=offered,
        years=[(end, words, asked.year(end)) for end, words in questions.YEARS.items()],
        ways=questions.WAYS,
        stances=asked.by_field.get("stance", ()),
        unseen=[(field, value) for field, value in asked.chosen if field not in seen],
        short=short(asked.question),
    )


def _shown(asked: questions.Asked, answer: Answer) -> Sequence[Hit]:
    """The hits of this page. A first page that is not full goes on with the nearest of what does not bear on it."""
    if not answer.close:
        return answer.hits[:_HITS_WHEN_NOTHING_IS_CLOSE]
    left = answer.total - (asked.page - 1) * _HITS
    return answer.hits if answer.total <= _HITS else answer.hits[:left]


def _answer(asked: questions.Asked, council: Council | None) -> Answer:
    return knowledge().ask(
        asked.question,
        asked.filters,
        limit=_HITS,
        offset=(asked.page - 1) * _HITS,
        balanced=True,
        order=asked.way("sort"),
        view=asked.way("view"),
        council=council,
        places=asked.way("places") if council else "all",
    )


def _pages(asked: questions.Asked, answer: Answer) -> int:
    """How many pages the answer has in this view. Raises WrongPage when the one that is asked for is not among them."""
    most = max((column.total for column in answer.columns), default=answer.total)
    pages = max(1, math.ceil(most / _HITS))
    if asked.page > pages:
        raise questions.WrongPage(str(asked.page), asked.at(1), pages)
    return pages


def paging(page: int, pages: int) -> list[int]:
    """The numbers of pages to offer: the first, the last and those around this one; 0 stands for a gap."""
    near = sorted({1, pages, *(number for number in (page - 1, page, page + 1) if 1 <= number <= pages)})
    numbers: list[int] = []
    for number in near:
        if numbers and number > numbers[-1] + 1:
            numbers.append(0)
        numbers.append(number)
    return numbers


def _outcomes(asked: questions.Asked, answer: Answer) -> list[tuple[str, int, bool, str]]:
    """The outcomes of the records that bear on this: code, how many, whether chosen, and the query that switches it."""
    counts = answer.open_counts.get("outcome", answer.counts.get("outcome", {}))
    chosen = asked.by_field.get("outcome", ())
    return [
        (code, counts.get(code, 0), code in chosen, asked.toggled("outcome", code).query)
        for code in FIELDS["outcome"].codes
        if counts.get(code) or code in chosen
    ]


def _likes(answer: Answer, council: Council | None) -> dict[str, str]:
    """For each hit's record about a council, how alike that place is to the reader's, in words."""
    if council is None:
        return {}
    hits = {hit.record: hit for column in answer.columns for hit in column.hits}
    hits |= {hit.record: hit for hit in answer.hits}
    return knowledge().likeness_of(hits, council)


def short(question: str) -> str:
    """The question, or as much of its beginning as a title has room for, cut between words."""
    if len(question) <= _TITLE_CHARACTERS:
        return question
    return question[:_TITLE_CHARACTERS].rsplit(" ", 1)[0] + "\u2026"
