"""What an address asks: the question and the filters, checked before anything is searched."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from kb.filters import FIELDS, Filters, make_filters
from webapp.presenting import label

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

# Control characters, and halves of surrogate pairs, have no place in a page; a question is one line of words.
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


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


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and the chosen values by field, in the order of the address, each once."""

    question: str
    chosen: tuple[tuple[str, str], ...] = ()

    @property
    def filters(self) -> Filters:
        return make_filters(self.by_field)

    @property
    def by_field(self) -> dict[str, tuple[str, ...]]:
        fields: dict[str, tuple[str, ...]] = {}
        for field, value in self.chosen:
            fields[field] = (*fields.get(field, ()), value)
        return fields

    @property
    def query(self) -> str:
        """The request as the query of an address; the question always stands first."""
        return urlencode([("q", self.question), *self.chosen])

    def without(self, field: str, value: str) -> Asked:
        return Asked(self.question, tuple(pair for pair in self.chosen if pair != (field, value)))

    def tags(self) -> list[tuple[str, str, str]]:
        """Each chosen value in words, and the query without it: field, value, query."""
        return [
            (FIELDS[field].label, label(FIELDS[field].name, value), self.without(field, value).query)
            for field, value in self.chosen
        ]


def clean_question(text: str) -> str:
    """The question on one line, without control characters."""
    return " ".join(_UNPRINTABLE.sub(" ", text).split())


def read(arguments: MultiDict[str, str], longest: int) -> Asked:
    """Reads `q` and the filters from an address.

    Raises OverlongQuestion for one of more than `longest` characters, UnknownFilter for a value that does not exist.
    """
    question = clean_question(arguments.get("q", ""))
    if len(question) > longest:
        raise OverlongQuestion(len(question), longest)
    given = [(field, value) for field in FIELDS for value in dict.fromkeys(arguments.getlist(field)) if value]
    wrong = [(field, value) for field, value in given if value not in FIELDS[field]]
    asked = Asked(question, tuple(pair for pair in given if pair not in wrong))
    if wrong:
        raise UnknownFilter(*wrong[0], asked)
    return asked
