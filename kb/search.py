"""Question -> Answer: both legs, fused, grouped by record, banded, with the answering sentence marked.

The ranking itself is in `kb.ranking`, as pure functions; this module brings a generation, an encoder and a question
together, and turns what was found into what is shown.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from kb import ranking
from kb.answer import Answer
from kb.drafts import facets_of
from kb.encoder import normalise
from kb.filters import Filters
from kb.lexical import record_facet
from kb.record_file import parse
from kb.showing import Shower, make_hit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from kb.encoder import Encoder
    from kb.generation import Generation
    from kb.records import Record

    Floats = npt.NDArray[np.float32]
    Ordinals = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

# Whether anything is close at all is told by the nearest passage's cosine, and by how much of what was asked one of the
# first records has at all: "museum" and "collection" are far from a library without either, however near "the council
# can no longer afford the building" is. Calibrated on questions that the library answers, on questions of the same
# people that it does not, and on questions far from its subject (tests/questions, docs/relevance.md).
COVERAGE_WEIGHT: Final = 0.45
COVERED_BY: Final = 3  # the records, best first, of which one must have the words
CLOSE_FROM: Final = 0.74
# Bands of the fused score, for questions to which something is close.
STRONG_FROM: Final = 0.50
FAIR_FROM: Final = 0.40
FURTHER_PASSAGES: Final = 3
_KEPT_IN_MEMORY_PASSAGES: Final = 20_000
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
# Facets whose counts an answer carries; `stance` is counted over passages, the others over records.
COUNTED: Final = ("outcome", "kind", "service", "theme", "sector", "nation", "region", "council_type")


@dataclass(frozen=True, slots=True)
class Ranked:
    """What the ranking of one question gives before anything is shown: records by rank, with their candidates.

    `groups` has, for each record in rank order, its number and the indices of its candidates, best first, and
    `record_scores` what it is ordered by; the other arrays have one entry a candidate.
    """

    groups: list[tuple[int, list[int]]]
    record_scores: Floats
    passages: Ordinals
    semantic: Floats
    lexical: Floats
    score: Floats  # before feedback: absolute, what the bands are of
    rank_score: Floats  # after feedback: what the passages' order is by
    vector: Floats
    words: tuple[str, ...]
    bands: list[str]


def is_close(nearest: float, covered: float) -> bool:
    """Whether the library has anything on a question.

    `nearest` is the cosine of the nearest passage, `covered` the share of the question's words that one record has.
    """
    return nearest + COVERAGE_WEIGHT * covered >= CLOSE_FROM


def bands_of(score: Floats, rank_score: Floats, semantic: Floats, covered: float) -> list[str]:
    """The band of each candidate: all weak when nothing is close, else by the fused score, the first at least fair."""
    if not len(score) or not is_close(float(semantic.max()), covered):
        return ["weak"] * len(score)
    fair_from = min(FAIR_FROM, float(score[rank_score.argmax()]))
    return ["strong" if one >= STRONG_FROM else "fair" if one >= fair_from else "weak" for one in score.tolist()]


class Searcher:
    """One generation and one encoder, ready to answer. Immutable: any number of threads may ask at once."""

    def __init__(self, generation: Generation, encoder: Encoder) -> None:
        self.generation = generation
        self._encoder = encoder
        self.cards = generation.rows.cards()
        self._records_with: dict[str, Mask] = {}
        for number, card in enumerate(self.cards):
            facets = facets_of(card["terms"])
            for facet in facets:
                self._records_with.setdefault(facet, np.zeros(len(self.cards), dtype=bool))[number] = True
        self._stances = _StanceMasks(generation)
        self._shower = Shower(generation)
        self._parsed: dict[str, Record] = {}
        # The ordinals of a record's passages follow one another.
        self._first_of = np.searchsorted(generation.record_of, np.arange(len(self.cards) + 1))
        # A small library's vectors are kept as the arithmetic wants them; a large one's stay on the disk.
        small = len(generation.vectors) <= _KEPT_IN_MEMORY_PASSAGES
        self._vectors = generation.vectors.astype(np.float32) if small else generation.vectors
        self._means: Floats | None = None

    def ask(self, question: str, filters: Filters | None = None, *, limit: int = 10, balanced: bool = False) -> Answer:
        """Answers a question of any kind; an empty one has no hits. Never raises for what the question holds.

        `limit` is how many records are given back. With `balanced`, a fair or strong passage on what did not work is
        among the first five when there is one.
        """
        clock = _Clock()
        text = _clean(question)
        if not text:
            return Answer(question, False, (), 0, generation=self.generation.name, milliseconds=clock.stages())
        ranked = self._rank(text, filters or Filters(), clock)
        answer = self._show(question, ranked, limit, balanced, clock)
        return replace(answer, milliseconds=clock.stages())

    def rank(self, question: str, filters: Filters | None = None) -> Ranked:
        """The ranking alone, for measuring."""
        return self._rank(_clean(question), filters or Filters(), _Clock())

    # --- ranking ------------------------------------------------------------------------------------------------------

    def _rank(self, text: str, filters: Filters, clock: _Clock) -> Ranked:
        generation = self.generation
        vector = self._encoder.encode_query(text)
        clock.lap("encode")
        words = generation.lexical.words(text)
        by_words = generation.lexical.search(words, ranking.POOL, filters)
        clock.lap("lexical")
        by_meaning = generation.dense.search(vector, ranking.POOL, self._allowed(filters))
        clock.lap("dense")
        ordinals, lexical = ranking.pool(by_meaning, by_words)
        vectors = self._vectors[ordinals].astype(np.float32, copy=False)
        semantic = vectors @ vector
        score = ranking.fuse(semantic, lexical)
        rank_score = score
        if len(score):
            best = ranking.best_first(score)[: ranking.FEEDBACK_PASSAGES]
            rank_score = ranking.fuse(vectors @ ranking.feed_back(vector, vectors[best]), lexical)
        shown = generation.target_of[ordinals]
        records = generation.record_of[ordinals]
        groups = ranking.group(records, shown, rank_score)
        groups, record_scores, covered = self._look_at_records(groups, rank_score, words)
        bands = bands_of(score, rank_score, semantic, covered)
        clock.lap("fuse")
        return Ranked(groups, record_scores, shown, semantic, lexical, score, rank_score, vector, tuple(words), bands)

    def _look_at_records(
        self, groups: list[tuple[int, list[int]]], rank_score: Floats, words: Sequence[str]
    ) -> tuple[list[tuple[int, list[int]]], Floats, float]:
        """The first records in the order of all that they have on the question, the scores of all, and how much of
        the question's words the best covered of the first has.
        """
        scores = np.array([rank_score[indices[0]] for _, indices in groups], dtype=np.float32)
        first = groups[: ranking.RERANKED]
        if not first or not words:
            return groups, scores, 0.0
        passages = {record_facet(record): range(*self._first_of[record : record + 2].tolist()) for record, _ in first}
        starts = np.cumsum([0, *map(len, passages.values())])[:-1]
        by_word = self.generation.lexical.within(words, passages)
        count = len(first)
        scores[:count] += ranking.support(by_word, starts)  # it never takes away: the first stay the first
        order = ranking.best_first(scores[:count])
        scores[:count] = scores[order]
        covered = ranking.coverage(by_word, starts, self.generation.lexical.rarity(words))
        reordered = [*(first[number] for number in order.tolist()), *groups[count:]]
        return reordered, scores, float(covered[order[:COVERED_BY]].max())

    def _allowed(self, filters: Filters) -> Mask | None:
        """Which passages the filters let through, shape (passages,); None when all are."""
        if not filters:
            return None
        records = np.ones(len(self.cards), dtype=bool)
        passages = np.ones(self.generation.manifest.passages, dtype=bool)
        for field, values in filters.terms:
            if field == "stance":
                passages &= self._stances.any_of(values)
            else:
                some = [
                    self._records_with[key]
                    for key in (f"{field}={value}" for value in values)
                    if key in self._records_with
                ]
                records &= np.logical_or.reduce(some) if some else False
        allowed: Mask = passages & records[self.generation.record_of]
        return allowed

    # --- showing ------------------------------------------------------------------------------------------------------

    def _show(self, question: str, ranked: Ranked, limit: int, balanced: bool, clock: _Clock) -> Answer:
        good = [(record, [index for index in indices if _fair(ranked, index)]) for record, indices in ranked.groups]
        bearing = [(record, indices) for record, indices in good if indices]
        tellers = self._stances.of(ranked.passages) if len(ranked.passages) else []
        chosen, setbacks = _choose(ranked, limit, balanced, tellers)
        score_of = {
            record: float(score) for (record, _), score in zip(ranked.groups, ranked.record_scores, strict=True)
        }
        shown = self._shower.fetch(int(ranked.passages[index]) for _, indices in chosen for index in indices)
        clock.lap("fetch")
        asked = self._shower.words_of(_clean(question))
        hits = []
        for number, (record, indices) in enumerate(chosen, start=1):
            extracts = [
                self._shower.extract(
                    shown[int(ranked.passages[index])],
                    asked,
                    ranked.vector,
                    (float(ranked.score[index]), float(ranked.semantic[index]), float(ranked.lexical[index])),
                    ranked.bands[index],
                )
                for index in indices
            ]
            hits.append(make_hit(number, self.cards[record], score_of[record], extracts))
        clock.lap("show")
        counts = self._counts([record for record, _ in bearing])
        counts["stance"] = _tally(tellers[index] for _, indices in bearing for index in indices)
        clock.lap("count")
        return Answer(question, bool(bearing), tuple(hits), len(bearing), setbacks, counts, {}, self.generation.name)

    def _counts(self, records: Iterable[int]) -> dict[str, dict[str, int]]:
        numbers = list(records)
        return {
            field: _tally(value for number in numbers for value in self.cards[number]["terms"].get(field, ()))
            for field in COUNTED
        }

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

    def nearest_records(self, record: int) -> list[int]:
        """The other records' numbers, nearest in meaning first, by the mean of their passages' vectors."""
        if self._means is None:
            self._means = _mean_vectors(self.generation)
        order = ranking.best_first(self._means @ self._means[record]).tolist()
        return [number for number in order if number != record]

    def library_counts(self) -> dict[str, dict[str, int]]:
        """The counts of each facet over the whole library."""
        return self._counts(range(len(self.cards)))


def _mean_vectors(generation: Generation) -> Floats:
    """The mean vector of each record's passages, at length 1, shape (records, dimension)."""
    sums = np.zeros((generation.manifest.records, generation.manifest.dimension), dtype=np.float32)
    np.add.at(sums, generation.record_of, generation.vectors.astype(np.float32))
    return normalise(sums)


def _choose(
    ranked: Ranked, limit: int, balanced: bool, stances: Sequence[str]
) -> tuple[list[tuple[int, list[int]]], bool]:
    """The records to show with their candidates, and whether any good one tells what did not work."""
    groups, told = [], []
    for rank, (record, indices) in enumerate(ranked.groups):
        fair = [index for index in indices if _fair(ranked, index)]
        if rank < max(limit, BALANCED_WITHIN):
            fair.sort(key=lambda index: _lead_order(ranked, index, stances))
        groups.append((record, fair or indices[:1]))
        told.append([stances[index] for index in fair])
    setbacks = any("did-not-work" in some for some in told)
    within = min(BALANCED_WITHIN, limit)
    moved = ranking.balance(told, [bool(some) for some in told], within) if balanced else None
    if moved is not None:
        record, fair = groups.pop(moved)
        teller = next(index for index in fair if stances[index] == "did-not-work")
        groups.insert(min(moved, within - 1), (record, [teller, *(index for index in fair if index != teller)]))
    return [(record, indices[: 1 + FURTHER_PASSAGES]) for record, indices in groups[:limit]], setbacks


def _lead_order(ranked: Ranked, index: int, stances: Sequence[str]) -> float:
    """Sorts a record's passages for showing: by score, and by what they tell."""
    return -float(ranked.rank_score[index]) - LEAD_PREFERENCE.get(stances[index], 0.0)


def _fair(ranked: Ranked, index: int) -> bool:
    return ranked.bands[index] != "weak"


def _tally(values: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _clean(question: str) -> str:
    """The question as it is searched: no NUL or other control characters, white space on one line."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in question).split())


class _StanceMasks:
    """The stance of each passage that a hit can show, by ordinal."""

    def __init__(self, generation: Generation) -> None:
        names = generation.rows.stances()
        self._names = sorted(set(names))
        codes = {name: code for code, name in enumerate(self._names)}
        own = np.array([codes[name] for name in names], dtype=np.uint8)
        self._codes = own[generation.target_of] if len(own) else own

    def any_of(self, stances: Sequence[str]) -> Mask:
        wanted = [code for code, name in enumerate(self._names) if name in stances]
        mask: Mask = np.isin(self._codes, wanted)
        return mask

    def of(self, passages: Ordinals) -> list[str]:
        return [self._names[code] for code in self._codes[passages].tolist()]


class _Clock:
    """Milliseconds by stage."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._stages: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self._stages[stage] = (now - self._last) * 1e3
        self._last = now

    def stages(self) -> dict[str, float]:
        return {**self._stages, "total": (time.perf_counter() - self._start) * 1e3}
