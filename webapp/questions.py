"""What an address asks: the question and the filters, checked before anything is searched."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from kb.filters import FIELDS, FIRST_YEAR, LAST_YEAR, Filters, make_filters
from kb.vocabulary import Term, Vocabulary
from webapp.presenting import label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.datastructures import MultiDict

# Control characters, and halves of surrogate pairs, have no place in a page; a question is one line of words.
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")

# The first and the last year of a period; a record whose own years overlap with it fits.
YEARS: Final = {"from": "From", "to": "To"}
# What an address may hold, for the pages and the API alike.
PARAMETERS: Final = ("q", *FIELDS, *YEARS)
# How an answer is shown. The first term of each is what happens without it, and does not stand in an address.
WAYS: Final = {
    "view": Vocabulary(
        "view",
        "View",
        (
            Term("best", "Best matches"),
            Term("outcomes", "What worked, what did not"),
            Term("signs", "Warning signs"),
        ),
    ),
    "sort": Vocabulary(
        "sort",
        "Order",
        (Term("relevance", "Best match"), Term("evidence", "Strongest evidence"), Term("newest", "Newest")),
    ),
    "places": Vocabulary(
        "places",
        "Places",
        (Term("all", "All places"), Term("first", "Like mine first"), Term("like", "Only like mine")),
    ),
}
_LAST_PAGE: Final = 100_000


class OverlongQuestion(ValueError):  # noqa: N818  it reads as what happened
    """The question is longer than the app takes."""

    def __init__(self, length: int, longest: int) -> None:
        super().__init__(f"The question is {length:,} characters long; the most is {longest:,}.")
        self.length = length
        self.longest = longest


class UnknownFilter(ValueError):  # noqa: N818
    """A filter, or a way of showing, has a value that does not exist. `without` is the same request without any such.

    `words` is the vocabulary that the value should be of.
    """

    def __init__(self, field: str, value: str, without: Asked) -> None:
        self.words = FIELDS.get(field) or WAYS[field]
        super().__init__(f"{field} {value[:60]!r} is not one of {', '.join(self.words.codes)}")
        self.field = field
        self.value = value[:60]
        self.without = without

    def instead(self, code: str) -> Asked:
        """The same request with a value that there is."""
        if self.field in WAYS:
            return self.without.shown(self.field, code)
        chosen = (self.field, code) in self.without.chosen
        return self.without if chosen else self.without.toggled(self.field, code)


class WrongYears(ValueError):  # noqa: N818
    """A year (`years` has the one) is none, or both run backwards. `without` is the same request without `years`."""

    def __init__(self, years: list[tuple[str, str]], without: Asked) -> None:
        self.years = [(end, value[:60]) for end, value in years]
        said = " ".join(f"{end} {value!r}" for end, value in self.years)
        wrong = "is not a year" if len(years) == 1 else "runs backwards; it should be a period"
        super().__init__(f"{said} {wrong} between {FIRST_YEAR} and {LAST_YEAR}")
        self.first, self.last = FIRST_YEAR, LAST_YEAR
        self.without = without


class WrongPage(ValueError):  # noqa: N818
    """The page is none, or there are not so many. `first` is the same request for its first page."""

    def __init__(self, value: str, first: Asked, pages: int = 0) -> None:
        there = f"there {'is' if pages == 1 else 'are'} {pages}" if pages else "it takes a whole number from 1"
        super().__init__(f"page {value[:20]!r} does not exist; {there}")
        self.value = value[:20]
        self.first = first
        self.pages = pages


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, the chosen values by field, `from` and `to` after the others, each once, and how it is to be shown.

    `ways` has what differs from the first term of `WAYS`, and the council (a GSS code) if the address names one.
    """

    question: str
    chosen: tuple[tuple[str, str], ...] = ()
    ways: tuple[tuple[str, str], ...] = ()
    page: int = 1

    def way(self, name: str) -> str:
        """How the answer is to be shown: the value of `view`, `sort` or `places`."""
        return dict(self.ways).get(name, WAYS[name].codes[0])

    @property
    def filters(self) -> Filters:
        terms = {field: values for field, values in self.by_field.items() if field in FIELDS}
        return make_filters(terms, first_year=self.year("from"), last_year=self.year("to"))

    @property
    def by_field(self) -> dict[str, tuple[str, ...]]:
        fields: dict[str, tuple[str, ...]] = {}
        for field, value in self.chosen:
            fields[field] = (*fields.get(field, ()), value)
        return fields

    def year(self, end: str) -> int | None:
        """The year that the period is to begin (`from`) or to end with (`to`), if one is asked for."""
        return next((int(value) for field, value in self.chosen if field == end), None)

    @property
    def query(self) -> str:
        """The request as the query of an address; the question always stands first, the page last."""
        page = [("page", str(self.page))] if self.page > 1 else []
        return urlencode([("q", self.question), *self.chosen, *self.ways, *page])

    def without(self, field: str, value: str) -> Asked:
        """The same without one chosen value, from the first page."""
        return replace(self, chosen=tuple(pair for pair in self.chosen if pair != (field, value)), page=1)

    def toggled(self, field: str, value: str) -> Asked:
        """The same with one value chosen, or no longer chosen, from the first page."""
        if (field, value) in self.chosen:
            return self.without(field, value)
        return replace(self, chosen=(*self.chosen, (field, value)), page=1)

    def open(self) -> Asked:
        """The same without any filter, from the first page."""
        return replace(self, chosen=(), page=1)

    def shown(self, name: str, value: str) -> Asked:
        """The same shown in another way, from the first page."""
        others = tuple(pair for pair in self.ways if pair[0] != name)
        own = () if name in WAYS and value == WAYS[name].codes[0] else ((name, value),)
        return replace(self, ways=(*others, *own), page=1)

    def at(self, page: int) -> Asked:
        return replace(self, page=page)

    def asking(self, question: str) -> Asked:
        """Another question, with the same filters, from the first page."""
        return replace(self, question=question, page=1)

    def tags(self) -> list[tuple[str, str, str]]:
        """Each chosen value in words, and the query without it: field, value, query."""
        return [(*_words(field, value), self.without(field, value).query) for field, value in self.chosen]


def _words(field: str, value: str) -> tuple[str, str]:
    return (YEARS[field], value) if field in YEARS else (FIELDS[field].label, label(FIELDS[field].name, value))


def clean_question(text: str) -> str:
    """The question on one line, without control characters."""
    return " ".join(_UNPRINTABLE.sub(" ", text).split())


def read(arguments: MultiDict[str, str], longest: int) -> Asked:
    """Reads `q` and the filters from an address.

    Raises OverlongQuestion for one of more than `longest` characters, UnknownFilter for a value that does not exist,
    WrongYears for years that are no period, WrongPage for a page that is no number.
    """
    question = clean_question(arguments.get("q", ""))
    if len(question) > longest:
        raise OverlongQuestion(len(question), longest)
    right, wrong = _known(arguments, FIELDS)
    ways, strange = _known(arguments, WAYS)
    ways = [(name, value) for name, value in dict(ways).items() if value != WAYS[name].codes[0]]
    council = clean_question(arguments.get("council", ""))
    if council:
        ways.append(("council", council))
    years = [(end, value) for end in YEARS if (value := next(filter(None, map(str.strip, arguments.getlist(end))), ""))]
    whole = [(end, value) for end, value in years if _is_year(value)]
    backwards = len(whole) == 2 and int(whole[0][1]) > int(whole[1][1])
    asked = Asked(question, (*right, *(() if backwards else whole)), tuple(ways))
    if fault := wrong or strange:
        raise UnknownFilter(*fault, asked)
    if len(whole) < len(years):
        raise WrongYears([pair for pair in years if pair not in whole][:1], asked)
    if backwards:
        raise WrongYears(whole, asked)
    page = arguments.get("page", "").strip() or "1"
    if not (page.isascii() and page.isdigit() and len(page) < 9 and 1 <= int(page) <= _LAST_PAGE):
        raise WrongPage(page, asked)
    return asked.at(int(page))


def _known(
    arguments: MultiDict[str, str], fields: Mapping[str, Vocabulary]
) -> tuple[list[tuple[str, str]], tuple[str, str] | None]:
    """The values that exist, by field, each once, and the first that does not; an address may hold thousands."""
    right: list[tuple[str, str]] = []
    wrong: tuple[str, str] | None = None
    for field, words in fields.items():
        codes = frozenset(words.codes)
        for value in dict.fromkeys(filter(None, arguments.getlist(field))):
            if value in codes:
                right.append((field, value))
            else:
                wrong = wrong or (field, value)
    return right, wrong


def _is_year(value: str) -> bool:
    return len(value) == 4 and value.isascii() and value.isdigit() and FIRST_YEAR <= int(value) <= LAST_YEAR
