"""What the API's addresses may hold: one table, by which a request is read and the OpenAPI document is written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from kb.filters import FIELDS, FIRST_YEAR, LAST_YEAR, Filters, make_filters
from kb.peers import FACTOR_CODES
from webapp.api.problems import TOO_LONG, WRONG_PARAMETERS, Fault, Problem
from webapp.questions import WAYS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from werkzeug.datastructures import MultiDict

    from kb.vocabulary import Vocabulary

GSS_PATTERN: Final = "[EWSN][0-9]{8}"

# As much of a wrong value as is told back, and as many faults: an address may hold thousands.
_TOLD_CHARACTERS: Final = 60
_TOLD_FAULTS: Final = 20
_WHOLE: Final = re.compile(r"[1-9][0-9]{0,6}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an address. It has `codes` to choose from, or is a number from `least` to `most`, or is text.

    `several` may stand more than once, and any of the values will do. `pattern` is what a text must match as a whole;
    `apart` tells it from another address's parameter of the same name.
    """

    name: str
    about: str
    example: str
    codes: tuple[str, ...] = ()
    least: int = 0
    most: int = 0
    longest: int = 0
    pattern: str = ""
    default: str = ""
    required: bool = False
    several: bool = False
    apart: str = ""

    @property
    def key(self) -> str:
        """Its name among all parameters of the document."""
        return self.apart or self.name

    def fault(self, value: str) -> str:
        """What is wrong with a value, in words; empty when nothing is."""
        told = repr(value[:_TOLD_CHARACTERS])
        if self.codes:
            return "" if value in self.codes else f"{self.name} {told} is not one of {', '.join(self.codes)}"
        if self.most:
            fits = _WHOLE.fullmatch(value) and self.least <= int(value) <= self.most
            return "" if fits else f"{self.name} {told} is not a whole number from {self.least} to {self.most}"
        if self.pattern and not re.fullmatch(self.pattern, value, re.ASCII):
            return f"{self.name} {told} does not look like {self.example}"
        return ""


@dataclass(frozen=True, slots=True)
class Given:
    """The checked values of a request, by parameter, each once; defaults filled in."""

    values: Mapping[str, tuple[str, ...]]

    def several(self, name: str) -> tuple[str, ...]:
        return self.values.get(name, ())

    def text(self, name: str) -> str:
        return next(iter(self.several(name)), "")

    def whole(self, name: str) -> int:
        """A number that is there, or has a default."""
        return int(self.text(name))

    def number(self, name: str) -> int | None:
        text = self.text(name)
        return int(text) if text else None


def _filter(field: str, words: Vocabulary) -> Parameter:
    return Parameter(field, _told(words), words.codes[0], words.codes, several=True)


def _told(words: Vocabulary) -> str:
    """What a vocabulary is of; where its codes are numbers, what they stand for."""
    told = [f"`{term.code}` {term.label.lower()}" for term in words.terms if term.code[0].isdigit()]
    return f"{words.label}: {', '.join(told)}" if told and words.terms[0].label != words.codes[0] else words.label


def _year(name: str, about: str, example: str) -> Parameter:
    return Parameter(name, about, example, least=FIRST_YEAR, most=LAST_YEAR)


FILTERS: Final = tuple(_filter(field, words) for field, words in FIELDS.items())
YEARS: Final = (
    _year("from", "First year of a period; a record whose own years overlap with it fits", "2015"),
    _year("to", "Last year of a period, not before `from`", "2020"),
)
PAGE: Final = Parameter("page", "Page of the list, from 1", "2", least=1, most=1_000_000, default="1")
LIMIT: Final = Parameter("limit", "Entries on a page", "5", least=1, most=100, default="10")


def _way(name: str, about: str, example: str) -> Parameter:
    """How an answer is shown, in the same ways as on the page."""
    words = WAYS[name]
    return Parameter(name, about, example, words.codes, default=words.codes[0])


SORT: Final = _way("sort", "Order of the hits", "evidence")
VIEW: Final = _way(
    "view",
    "What `columns` holds besides the hits: nothing (best), what worked and what did not (outcomes), or the warning "
    "signs that came before (signs)",
    "outcomes",
)
COUNCIL: Final = Parameter(
    "council", "GSS code of a council, whose place `places` compares with", "E06000018", pattern=GSS_PATTERN
)
PLACES: Final = _way(
    "places",
    "With a council: records about all places, those about places like its own first, or those alone",
    "like",
)
FACTOR: Final = Parameter(
    "factor",
    "What likeness is to be judged by; all factors where none is named",
    "population",
    FACTOR_CODES,
    several=True,
)
NEIGHBOURS: Final = Parameter("limit", "Councils in the list", "5", least=1, most=100, default="20", apart="councils")
SEARCH: Final = (PAGE, LIMIT, SORT, VIEW, COUNCIL, PLACES, *YEARS, *FILTERS)
SIMILAR: Final = (NEIGHBOURS, FACTOR)
LIST: Final = (PAGE, LIMIT, *YEARS, *FILTERS)


def question(longest: int) -> Parameter:
    """The question, whose greatest length is a setting."""
    about = "The question, in plain words; an empty one has no hits"
    return Parameter("q", about, "What went wrong with council companies?", longest=longest, required=True)


def read(arguments: MultiDict[str, str], parameters: Sequence[Parameter]) -> Given:
    """Reads the query of an address. Raises Problem with all that is wrong with it."""
    known = {parameter.name: parameter for parameter in parameters}
    given = {name: tuple(dict.fromkeys(values)) for name, values in arguments.lists()}
    strange = islice((name for name in given if name not in known), _TOLD_FAULTS)
    faults = [Fault(name[:_TOLD_CHARACTERS], _unknown(name, known)) for name in strange]
    for name, parameter in known.items():
        fault = _fault(parameter, given.get(name, ()), len(arguments.getlist(name)))
        if fault:
            faults.append(Fault(name, fault))
    if faults:
        raise Problem.of(WRONG_PARAMETERS, faults[:_TOLD_FAULTS])
    overlong = [
        Fault(name, _overlong(parameter, text))
        for name, parameter in known.items()
        if parameter.longest and len(text := "".join(given.get(name, ()))) > parameter.longest
    ]
    if overlong:
        raise Problem.of(TOO_LONG, overlong)
    defaults = {name: (one.default,) for name, one in known.items() if one.default and name not in given}
    return Given({**given, **defaults})


def _unknown(name: str, known: Mapping[str, Parameter]) -> str:
    names = f"the parameters are {', '.join(known)}" if known else "this address takes none"
    return f"{name[:_TOLD_CHARACTERS]!r} is not a parameter; {names}"


def _fault(parameter: Parameter, values: tuple[str, ...], times: int) -> str:
    if not values:
        return f"the parameter {parameter.name} is missing: {parameter.about.lower()}" if parameter.required else ""
    if times > 1 and not parameter.several:
        return f"{parameter.name} stands {times:,} times; give it once"
    return next(filter(None, map(parameter.fault, values)), "")


def _overlong(parameter: Parameter, text: str) -> str:
    return f"{parameter.name} is {len(text):,} characters long; the most is {parameter.longest:,}"


def wrong(name: str, detail: str) -> Problem:
    """The problem of one parameter that is right by itself, and does not go with the others."""
    return Problem.of(WRONG_PARAMETERS, [Fault(name, detail)])


def filters(given: Given) -> Filters:
    """The filters of a request. Raises Problem for years that run backwards."""
    first, last = given.number("from"), given.number("to")
    if first is not None and last is not None and first > last:
        detail = f"from {first} to {last} runs backwards; give the earlier year first"
        raise wrong("from", detail)
    chosen = {field: given.several(field) for field in FIELDS}
    return make_filters(chosen, first_year=first, last_year=last)
