"""What an address asks: the question and the filters, checked before anything is searched."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from kb.filters import FIELDS, FIRST_YEAR, LAST_YEAR, Filters, make_filters
from webapp.presenting import label

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

# Control characters, and halves of surrogate pairs, have no place in a page; a question is one line of words.
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")

# The first and the last year of a period; a record whose own years overlap with it fits.
YEARS: Final = {"from": "From", "to": "To"}
# What an address may hold, for the pages and the API alike.
PARAMETERS: Final = ("q", *FIELDS, *YEARS)


class OverlongQuestion(ValueError):  # noqa: N818  it reads as what happened
    """The question is longer than the app takes."""

    def __init__(self, length: int, longest: int) -> None:
        super().__init__(f"The question is {length:,} characters long; the most is {longest:,}.")
        self.length = length
        self.longest = longest


class UnknownFilter(ValueError):  # noqa: N818
    """A filter has a value that does not exist. `without` is the same request without any such value."""

    def __init__(self, field: str, value: str, without: Asked) -> None:
        super().__init__(f"{field} {value[:60]!r} is not one of {', '.join(FIELDS[field].codes)}")
        self.field = field
        self.value = value[:60]
        self.without = without


class WrongYears(ValueError):  # noqa: N818
    """A year (`years` has the one) is none, or both run backwards. `without` is the same request without `years`."""

    def __init__(self, years: list[tuple[str, str]], without: Asked) -> None:
        self.years = [(end, value[:60]) for end, value in years]
        said = " ".join(f"{end} {value!r}" for end, value in self.years)
        wrong = "is not a year" if len(years) == 1 else "runs backwards; it should be a period"
        super().__init__(f"{said} {wrong} between {FIRST_YEAR} and {LAST_YEAR}")
        self.first, self.last = FIRST_YEAR, LAST_YEAR
        self.without = without


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and the chosen values by field, `from` and `to` after the others, each once."""

    question: str
    chosen: tuple[tuple[str, str], ...] = ()

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
        """The request as the query of an address; the question always stands first."""
        return urlencode([("q", self.question), *self.chosen])

    def without(self, field: str, value: str) -> Asked:
        return Asked(self.question, tuple(pair for pair in self.chosen if pair != (field, value)))

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
    WrongYears for years that are no period.
    """
    question = clean_question(arguments.get("q", ""))
    if len(question) > longest:
        raise OverlongQuestion(len(question), longest)
    right: list[tuple[str, str]] = []
    wrong: tuple[str, str] | None = None  # the first is told of; an address may hold thousands
    for field, words in FIELDS.items():
        codes = frozenset(words.codes)
        for value in dict.fromkeys(filter(None, arguments.getlist(field))):
            if value in codes:
                right.append((field, value))
            else:
                wrong = wrong or (field, value)
    years = [(end, value) for end in YEARS if (value := next(filter(None, map(str.strip, arguments.getlist(end))), ""))]
    whole = [(end, value) for end, value in years if _is_year(value)]
    backwards = len(whole) == 2 and int(whole[0][1]) > int(whole[1][1])
    asked = Asked(question, (*right, *(() if backwards else whole)))
    if wrong:
        raise UnknownFilter(*wrong, asked)
    if len(whole) < len(years):
        raise WrongYears([pair for pair in years if pair not in whole][:1], asked)
    if backwards:
        raise WrongYears(whole, asked)
    return asked


def _is_year(value: str) -> bool:
    return len(value) == 4 and value.isascii() and value.isdigit() and FIRST_YEAR <= int(value) <= LAST_YEAR
