"""Facets: the values that a choice may be narrowed by, each with how many records it would leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kb.filters import FIELDS
from webapp.presenting import label

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kb.answer import Answer

# The facets that the page of results offers, in this order; an address may carry the others as well.
OF_AN_ANSWER: Final = (
    *("outcome", "stance", "kind", "service", "theme", "sector", "place_type", "nation", "region", "decade"),
    *("finding_basis", "effect_evidence", "corroboration"),
)
_OPEN_OF_AN_ANSWER: Final = 4
# Those whose values have an order of their own, which their counts do not disturb.
_IN_ORDER: Final = frozenset({"outcome", "stance", "kind", "decade", "effect_evidence", "corroboration"})
# More values than this of one facet are folded away.
_OPTIONS_SHOWN: Final = 7


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a facet, and how many of the records it would leave."""

    value: str
    label: str
    count: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """One facet as shown; `more` are the options that are folded away, `open` whether it lies open itself."""

    field: str
    label: str
    options: tuple[Option, ...]
    more: tuple[Option, ...]
    open: bool


def of_answer(answer: Answer, chosen: Mapping[str, Sequence[str]]) -> list[Facet]:
    """The facets of an answer, each counted as if it were itself left open."""
    return make_facets(OF_AN_ANSWER, {**answer.counts, **answer.open_counts}, chosen, _OPEN_OF_AN_ANSWER)


def make_facets(
    fields: Sequence[str], counts: Mapping[str, Mapping[str, int]], chosen: Mapping[str, Sequence[str]], first_open: int
) -> list[Facet]:
    """The facets of these fields that have anything to offer: what is chosen first, then each value that is counted.

    The first `first_open` lie open, and those that something is chosen from.
    """
    facets: list[Facet] = []
    for number, field in enumerate(fields):
        picked, counted = chosen.get(field, ()), counts.get(field, {})
        others = [code for code in FIELDS[field].codes if counted.get(code) and code not in picked]
        if field not in _IN_ORDER:
            others.sort(key=lambda code: -counted.get(code, 0))
        options = tuple(
            Option(code, label(FIELDS[field].name, code), counted.get(code, 0), code in picked)
            for code in (*picked, *others)
        )
        shown = max(_OPTIONS_SHOWN, len(picked))
        if len(options) == shown + 1:  # folding away a single line saves nothing
            shown += 1
        if options:
            lies_open = number < first_open or bool(picked)
            facets.append(Facet(field, FIELDS[field].label, options[:shown], options[shown:], lies_open))
    return facets
