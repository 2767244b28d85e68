"""How many records have each value of each facet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kb.filters import composed_terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# Facets that are counted by a record's card; `stance`, which each passage has, is counted beside them.
COUNTED: Final = (
    "outcome",
    "kind",
    "service",
    "theme",
    "sector",
    "place_type",
    "council_type",
    "nation",
    "region",
    "decade",
    "finding_basis",
    "effect_evidence",
    "corroboration",
)


def tally(values: Iterable[str]) -> dict[str, int]:
    """How often each value comes, most often first."""
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


class Counts:
    """Counts over the records of one generation, by their cards."""

    def __init__(self, cards: Sequence[Mapping[str, Any]]) -> None:
        self._terms = [{**card["terms"], **composed_terms(card["terms"])} for card in cards]

    def of(self, records: Iterable[int], fields: Iterable[str] = COUNTED) -> dict[str, dict[str, int]]:
        """How many of these records have each value, by field."""
        terms = [self._terms[number] for number in records]
        return {field: tally(value for one in terms for value in one.get(field, ())) for field in fields}
