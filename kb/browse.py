"""The library without a question: an index of its records, filtered and counted, and what was checked last.

A lesson shows no date of upload (design, de-identification): of when it was checked this module gives the year alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kb.filters import FIELDS, Filters, composed_terms

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    Card = Mapping[str, Any]

_ARTICLE: Final = re.compile(r"^(?:an?|the)\s+", re.IGNORECASE)
_NOT_A_LETTER: Final = re.compile(r"[^\w\s]+")
# Choices whose entries and counts are remembered; an address can hold any number of them.
_KEPT_CHOICES: Final = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as an index shows it. `checked_on` is a date for a case, a year alone for a lesson."""

    record: str
    kind: str
    title: str
    summary: str
    outcome: str
    outcome_as_at: str | None
    place: str
    years: tuple[int, int]
    services: tuple[str, ...]
    themes: tuple[str, ...]
    checked_on: str

    @property
    def letter(self) -> str:
        """What the entry stands under in an alphabet: the first letter of its title without an article, or a digit."""
        return _sort_key(self.title)[:1].upper()


@dataclass(frozen=True, slots=True)
class Selection:
    """The entries that a choice lets through, by title; `counts` has for each field how many there are of each value,
    as they would be were that field left open.
    """

    entries: tuple[Entry, ...]
    counts: dict[str, dict[str, int]]


class Catalogue:
    """The records of one generation by title. Immutable but for what it remembers: any thread may ask."""

    def __init__(
        self, cards: Sequence[Card], stances: Sequence[Collection[str]], checked_on: Callable[[str], str]
    ) -> None:
        """`stances` has for each card those of its passages; `checked_on` tells it of a record by id, where no card
        has it (a generation of an earlier version).
        """
        shown = [(_entry(card, checked_on), _terms(card, some)) for card, some in zip(cards, stances, strict=True)]
        shown.sort(key=lambda one: (_sort_key(one[0].title), one[0].record))
        self._entries = tuple(entry for entry, _ in shown)
        self._terms = [terms for _, terms in shown]
        self._kept: dict[Filters, Selection] = {}

    def select(self, filters: Filters | None = None) -> Selection:
        """What the filters let through: values of one field are alternatives, fields are combined."""
        wanted = filters or Filters()
        known = self._kept.get(wanted)
        if known is None:
            fits = {field: self._fitting(field, values) for field, values in wanted.terms}
            entries = tuple(self._entries[number] for number in self._shared(fits.values()))
            counts = {
                field: self._count(field, self._shared(fit for other, fit in fits.items() if other != field))
                for field in FIELDS
            }
            known = Selection(entries, counts)
            if len(self._kept) >= _KEPT_CHOICES:
                self._kept = {}
            self._kept[wanted] = known
        return known

    def _fitting(self, field: str, values: Iterable[str]) -> set[int]:
        wanted = frozenset(values)
        return {number for number, terms in enumerate(self._terms) if not wanted.isdisjoint(terms.get(field, ()))}

    def _shared(self, fits: Iterable[set[int]]) -> list[int]:
        return sorted(set(range(len(self._entries))).intersection(*fits))

    def _count(self, field: str, numbers: Iterable[int]) -> dict[str, int]:
        counts: dict[str, int] = {}
        for number in numbers:
            for value in self._terms[number].get(field, ()):
                counts[value] = counts.get(value, 0) + 1
        return {code: counts[code] for code in FIELDS[field].codes if code in counts}


def newest_first(entries: Iterable[Entry]) -> list[Entry]:
    """Entries by the date on which they were checked; those of one day by the date of their outcome, then by id."""
    by_id = sorted(entries, key=lambda one: one.record)
    # A year alone stands for its first day, so that no lesson tells when it came.
    return sorted(by_id, key=lambda one: (_from_first_day(one.checked_on), one.outcome_as_at or ""), reverse=True)


def _from_first_day(date: str) -> str:
    return f"{date}-01-01"[:10] if len(date) == len("2026") else f"{date}-01"[:10]


def _entry(card: Card, checked_on: Callable[[str], str]) -> Entry:
    checked = str(card.get("checked_on") or checked_on(card["id"]))
    return Entry(
        record=card["id"],
        kind=card["kind"],
        title=card["title"],
        summary=card["summary"],
        outcome=card["outcome"],
        outcome_as_at=card["outcome_as_at"],
        place=card["place"],
        years=(card["years"][0], card["years"][1]),
        services=tuple(card["services"]),
        themes=tuple(card["terms"]["theme"]),
        checked_on=checked if card["kind"] == "case" else checked[:4],
    )


def _terms(card: Card, stances: Collection[str]) -> dict[str, frozenset[str]]:
    terms = {**card["terms"], **composed_terms(card["terms"]), "stance": stances}
    return {field: frozenset(values) for field, values in terms.items()}


def _sort_key(title: str) -> str:
    return _NOT_A_LETTER.sub("", _ARTICLE.sub("", title.strip())).strip().casefold()
