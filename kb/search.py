"""Question -> Answer: what the ranking found, counted, ordered, balanced, and turned into what is shown.

The ranking itself is in `kb.ranker`. This module holds one snapshot, a generation with an encoder, and answers from it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from kb import ranking
from kb.abbreviations import Abbreviations
from kb.admission import Admission
from kb.answer import Answer, Column
from kb.counting import COUNTED, Counts, tally
from kb.evidence import strength_of
from kb.filters import Filters
from kb.hints import Hints
from kb.ranker import Clock, Ranker, band
from kb.record_file import parse
from kb.showing import Shower, make_hit
from kb.views import VIEWS, Views

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy.typing as npt

    from kb.answer import Hit
    from kb.encoder import Encoder
    from kb.generation import Generation
    from kb.places import Places
    from kb.ranker import Question, Ranked
    from kb.records import Record
    from kb.views import Told

FURTHER_PASSAGES: Final = 3
_KEPT_RECORDS: Final = 500
BALANCED_WITHIN: Final = 5
# What leads a record when several of its passages answer about as well: what worked and what did not say more to
# somebody with the problem than how the place came into it. Added to the score for that choice alone; records are
# ranked without it.
LEAD_PREFERENCE: Final = {
    "worked": 0.08,
    "did-not-work": 0.06,
    "advice": 0.06,
    "action": 0.06,
    "warning": 0.05,
    "result": 0.03,
    "update": -0.03,
}
# By what the records that bear on a question can be put in order; the first of equals is the one that answers better.
ORDERS: Final[dict[str, Callable[[dict[str, Any]], Any] | None]] = {
    "relevance": None,
    "evidence": lambda card: -strength_of(card).order,
    # A year or a month alone stands before the days in it.
    "newest": lambda card: card["outcome_as_at"] or str(card["years"][1]),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of an answer is wanted: how many records from which on, in which order, seen in which way."""

    limit: int = 10
    offset: int = 0
    balanced: bool = False
    order: str = "relevance"
    view: str = "best"


class Searcher:
    """One generation and one encoder, ready to answer. Immutable: any number of threads may ask at once."""

    def __init__(
        self,
        generation: Generation,
        encoder: Encoder,
        abbreviations: Abbreviations | None = None,
        names: Iterable[str] = (),
    ) -> None:
        """Without `abbreviations` a question is taken as it stands; `names` (of councils) are no misspellings."""
        abbreviations = abbreviations or Abbreviations()
        self.generation = generation
        self.cards = generation.rows.cards()
        self._admission = Admission(generation, self.cards)
        self._ranker = Ranker(generation, encoder, self._admission, abbreviations)
        self._views = Views(generation, self._admission, self._ranker.vectors)
        self._counts = Counts(self.cards)
        self._shower = Shower(generation)
        self._hints = Hints(generation, encoder, abbreviations, names)
        self._parsed: dict[str, Record] = {}

    def ask(
        self, question: str, filters: Filters | None = None, wanted: Wanted | None = None, places: Places | None = None
    ) -> Answer:
        """Answers a question of any kind; an empty one has no hits. Never raises for what the question holds.

        With `wanted.balanced`, a fair or strong passage on what did not work is among the first five when there is one.
        """
        clock = Clock()
        wanted = wanted or Wanted()
        filters = filters or Filters()
        text = _clean(question)
        if not text:
            return Answer(question, False, (), 0, generation=self.generation.name, milliseconds=clock.stages())
        asked = self._ranker.read(text, clock)
        ranked = self._ranker.rank(asked, Filters(), None, clock)
        fair_from = ranked.fair_from  # whether anything is close is a matter of the question, and not of the filters
        if filters or places:
            ranked = self._ranker.rank(asked, filters, places, clock, fair_from)
        bearing = ranked.bearing()
        hits, setbacks = self._hits(text, ranked, wanted, clock)
        records = [record for record, _ in bearing]
        counts = self._counts.of(records)
        counts["stance"] = self._stances_told(ranked.fair_passages())
        answer = Answer(
            question=question,
            close=bool(bearing),
            hits=hits,
            total=len(bearing),
            setbacks=setbacks,
            counts=counts,
            open_counts=self._open_counts(asked, filters, places, fair_from),
            years=_span([self.cards[number]["years"] for number in records]),
            columns=self._columns(text, ranked, wanted, filters, clock),
            generation=self.generation.name,
            expansions=tuple((one.short, one.long) for one in asked.expansions if one.given == "short"),
            spelling=self._hints.spelling(text),
            related=self._hints.related(text, asked.vector, self._numbers_of(hits)),
        )
        clock.lap("count")
        return replace(answer, milliseconds=clock.stages())

    def rank(self, question: str, filters: Filters | None = None) -> Ranked:
        """The ranking alone, for measuring."""
        clock = Clock()
        return self._ranker.rank(self._ranker.read(_clean(question), clock), filters or Filters(), None, clock)

    # --- what is shown ------------------------------------------------------------------------------------------------

    def _hits(self, text: str, ranked: Ranked, wanted: Wanted, clock: Clock) -> tuple[tuple[Hit, ...], bool]:
        """The hits of one page of the answer, and whether any fair or strong passage tells what did not work."""
        stances = self._admission.stances_of(ranked.passages)
        groups = self._ordered(ranked, wanted.order)
        chosen, setbacks = _choose(ranked, groups, wanted, stances)
        score_of = _score_of(ranked)
        shown = self._shower.fetch(int(ranked.passages[index]) for _, indices in chosen for index in indices)
        clock.lap("fetch")
        asked = self._shower.words_of(text)
        hits = []
        for number, (record, indices) in enumerate(chosen, start=wanted.offset + 1):
            extracts = [
                self._shower.extract(
                    shown[int(ranked.passages[index])],
                    asked,
                    ranked.question.vector,
                    (float(ranked.score[index]), float(ranked.semantic[index]), float(ranked.lexical[index])),
                    ranked.bands[index],
                )
                for index in indices
            ]
            hits.append(make_hit(number, self.cards[record], score_of[record], extracts))
        clock.lap("show")
        return tuple(hits), setbacks

    def _ordered(self, ranked: Ranked, order: str) -> list[tuple[int, list[int]]]:
        """The groups as they are to be shown: those that bear on the question first; in another order, only those."""
        bears = {record for record, _ in ranked.bearing()}
        groups = [group for group in ranked.groups if group[0] in bears]
        key = ORDERS[order]
        if key is None or not bears:
            return [*groups, *(group for group in ranked.groups if group[0] not in bears)]
        return sorted(groups, key=lambda group: key(self.cards[group[0]]), reverse=order == "newest")

    def _columns(self, text: str, ranked: Ranked, wanted: Wanted, filters: Filters, clock: Clock) -> tuple[Column, ...]:
        """The columns of the view that is wanted, over the records that bear on the question."""
        stances = VIEWS[wanted.view]
        if not stances:
            return ()
        allowed = filters.values("stance")
        score_of = _score_of(ranked)
        records = [(record, score_of[record]) for record, _ in ranked.bearing()]
        columns = []
        for stance in stances:
            told = [] if allowed and stance not in allowed else self._views.column(stance, records, ranked.question)
            page = told[wanted.offset : wanted.offset + wanted.limit]
            columns.append(Column(stance, self._column_hits(text, ranked, page, wanted.offset), len(told)))
        clock.lap("view")
        return tuple(columns)

    def _column_hits(self, text: str, ranked: Ranked, told: Sequence[Told], offset: int) -> tuple[Hit, ...]:
        kept = [(one, one.passages[: 1 + FURTHER_PASSAGES]) for one in told]
        shown = self._shower.fetch(ordinal for _, passages in kept for ordinal, *_ in passages)
        asked = self._shower.words_of(text)
        hits = []
        for number, (one, passages) in enumerate(kept, start=offset + 1):
            extracts = [
                self._shower.extract(
                    shown[ordinal],
                    asked,
                    ranked.question.vector,
                    (score, semantic, lexical),
                    band(score, ranked.fair_from),
                )
                for ordinal, score, semantic, lexical in passages
            ]
            hits.append(make_hit(number, self.cards[one.record], one.score, extracts))
        return tuple(hits)

    def _numbers_of(self, hits: Sequence[Hit]) -> set[int]:
        shown = {hit.record for hit in hits}
        return {number for number, card in enumerate(self.cards) if card["id"] in shown}

    def _open_counts(
        self, asked: Question, filters: Filters, places: Places | None, fair_from: float
    ) -> dict[str, dict[str, int]]:
        """For each facet that is chosen from, its counts as they would be were it left open."""
        counts: dict[str, dict[str, int]] = {}
        for field, _ in filters.terms:
            if field in COUNTED or field == "stance":
                fair = self._ranker.bearing(asked, filters.without(field), places, fair_from)
                if field == "stance":
                    counts[field] = self._stances_told(fair)
                else:
                    counts |= self._counts.of(np.unique(self.generation.record_of[fair]).tolist(), (field,))
        return counts

    def _stances_told(self, fair: npt.NDArray[np.int64]) -> dict[str, int]:
        """How many records have one of these passages in each stance."""
        told = set(zip(self.generation.record_of[fair].tolist(), self._admission.stances_of(fair), strict=True))
        return tally(stance for _, stance in told)

    # --- reading ------------------------------------------------------------------------------------------------------

    def record(self, record_id: str) -> Record | None:
        """A record of this generation, or None when it has none of that id; parsed once, then remembered."""
        known = self._parsed.get(record_id)
        if known is None:
            markdown = self.generation.rows.markdown(record_id)
            known = parse(markdown).record if markdown is not None else None
            if known is not None:
                if len(self._parsed) >= _KEPT_RECORDS:
                    self._parsed.clear()
                self._parsed[record_id] = known
        return known

    def library_counts(self) -> dict[str, dict[str, int]]:
        """The counts of each facet over the whole library."""
        return self._counts.of(range(len(self.cards)))


def _score_of(ranked: Ranked) -> dict[int, float]:
    return {record: float(score) for (record, _), score in zip(ranked.groups, ranked.record_scores, strict=True)}


def _span(years: Sequence[Sequence[int]]) -> tuple[int, int] | None:
    """The first and the last of these years."""
    return (min(first for first, _ in years), max(last for _, last in years)) if years else None


def _choose(
    ranked: Ranked, groups: Sequence[tuple[int, list[int]]], wanted: Wanted, stances: Sequence[str]
) -> tuple[list[tuple[int, list[int]]], bool]:
    """The records to show with their candidates, and whether any good one tells what did not work."""
    led, told = [], []
    good = ranked.fair()
    end = wanted.offset + wanted.limit
    for rank, (record, indices) in enumerate(groups):
        fair = [index for index in indices if index in good]
        if rank < max(end, BALANCED_WITHIN):
            fair.sort(key=lambda index: _lead_order(ranked, index, stances))
        led.append((record, fair or indices[:1]))
        told.append([stances[index] for index in fair])
    setbacks = any("did-not-work" in some for some in told)
    within = min(BALANCED_WITHIN, wanted.limit)  # the same on each page, or a record would stand on two of them
    balanced = wanted.balanced and wanted.order == "relevance"
    moved = ranking.balance(told, [bool(some) for some in told], within) if balanced else None
    if moved is not None:
        record, fair = led.pop(moved)
        teller = next(index for index in fair if stances[index] == "did-not-work")
        led.insert(min(moved, within - 1), (record, [teller, *(index for index in fair if index != teller)]))
    return [(record, indices[: 1 + FURTHER_PASSAGES]) for record, indices in led[wanted.offset : end]], setbacks


def _lead_order(ranked: Ranked, index: int, stances: Sequence[str]) -> float:
    """Sorts a record's passages for showing: by score, and by what they tell."""
    return -float(ranked.rank_score[index]) - LEAD_PREFERENCE.get(stances[index], 0.0)


def _clean(question: str) -> str:
    """The question as it is searched: no NUL or other control characters, white space on one line."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in question).split())
