"""A question -> ranked records: both legs, fused, grouped by record, reordered by all that a record has, and banded.

The arithmetic is in `kb.ranking`, as pure functions; this module brings a generation, an encoder and a question
together. What is shown of the outcome is the business of `kb.search`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from kb import ranking
from kb.lexical import record_facet
from kb.places import LIFT

if TYPE_CHECKING:
    import numpy.typing as npt

    from kb.abbreviations import Abbreviations, Expansion
    from kb.admission import Admission
    from kb.encoder import Encoder
    from kb.filters import Filters
    from kb.generation import Generation
    from kb.places import Places

    Floats = npt.NDArray[np.float32]
    Ordinals = npt.NDArray[np.int64]

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
_KEPT_IN_MEMORY_PASSAGES: Final = 20_000


@dataclass(frozen=True, slots=True)
class Question:
    """A question as both legs take it: its vector, and its stems in the order in which they come.

    `readings` has the stems of each way to say it (an abbreviation as it stands, or spelt out): a record that has the
    words of one of them has what was asked.
    """

    vector: Floats
    words: tuple[str, ...]
    readings: tuple[tuple[str, ...], ...]
    expansions: tuple[Expansion, ...] = ()


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
    question: Question
    bands: list[str]

    @property
    def words(self) -> tuple[str, ...]:
        return self.question.words

    def good(self, index: int) -> bool:
        """Whether a candidate is fair or strong."""
        return self.bands[index] != "weak"

    def bearing(self) -> list[tuple[int, list[int]]]:
        """The records that bear on the question, by rank, each with its fair and strong candidates alone."""
        good = [(record, [index for index in indices if self.good(index)]) for record, indices in self.groups]
        return [(record, indices) for record, indices in good if indices]


def is_close(nearest: float, covered: float) -> bool:
    """Whether the library has anything on a question.

    `nearest` is the cosine of the nearest passage, `covered` the share of the question's words that one record has.
    """
    return nearest + COVERAGE_WEIGHT * covered >= CLOSE_FROM


def band(score: float, fair_from: float | None = None) -> str:
    """The band of one fused score."""
    return (
        "strong"
        if score >= STRONG_FROM
        else "fair"
        if score >= (FAIR_FROM if fair_from is None else fair_from)
        else "weak"
    )


def bands_of(score: Floats, rank_score: Floats, semantic: Floats, covered: float) -> list[str]:
    """The band of each candidate: all weak when nothing is close, else by the fused score, the first at least fair."""
    if not len(score) or not is_close(float(semantic.max()), covered):
        return ["weak"] * len(score)
    fair_from = min(FAIR_FROM, float(score[rank_score.argmax()]))
    return [band(one, fair_from) for one in score.tolist()]


class Ranker:
    """Ranks over one generation. Immutable: any number of threads may ask at once."""

    def __init__(
        self, generation: Generation, encoder: Encoder, admission: Admission, abbreviations: Abbreviations
    ) -> None:
        self._generation = generation
        self._encoder = encoder
        self._admission = admission
        self._abbreviations = abbreviations
        # The ordinals of a record's passages follow one another.
        self._first_of = np.searchsorted(generation.record_of, np.arange(generation.manifest.records + 1))
        # A small library's vectors are kept as the arithmetic wants them; a large one's stay on the disk.
        small = len(generation.vectors) <= _KEPT_IN_MEMORY_PASSAGES
        self.vectors = generation.vectors.astype(np.float32) if small else generation.vectors

    def read(self, text: str, clock: Clock) -> Question:
        """The question's vector and stems, its abbreviations in both forms."""
        wording = self._abbreviations.read(text)
        vector = self._encoder.encode_query(wording.meaning)
        clock.lap("encode")
        stems = self._generation.lexical.words
        readings = tuple(tuple(stems(reading)) for reading in wording.readings)
        return Question(vector, tuple(stems(wording.words)), readings, wording.expansions)

    def rank(self, question: Question, filters: Filters, places: Places | None, clock: Clock) -> Ranked:
        """Every candidate, by record; with `places`, alike ones lifted or the others left out."""
        generation = self._generation
        vector, words = question.vector, question.words
        only = places.records if places else None
        by_words = generation.lexical.search(
            words, ranking.POOL, filters, None if only is None else np.flatnonzero(only).tolist()
        )
        clock.lap("lexical")
        by_meaning = generation.dense.search(vector, ranking.POOL, self._admission.passages(filters, only))
        clock.lap("dense")
        ordinals, lexical = ranking.pool(by_meaning, by_words)
        vectors = self.vectors[ordinals].astype(np.float32, copy=False)
        semantic = vectors @ vector
        score = ranking.fuse(semantic, lexical)
        rank_score = score
        if len(score):
            best = ranking.best_first(score)[: ranking.FEEDBACK_PASSAGES]
            rank_score = ranking.fuse(vectors @ ranking.feed_back(vector, vectors[best]), lexical)
        shown = generation.target_of[ordinals]
        records = generation.record_of[ordinals]
        groups = ranking.group(records, shown, rank_score)
        groups, record_scores, covered = self._look_at_records(groups, rank_score, question)
        if places is not None:
            groups, record_scores = _lift(groups, record_scores, places.alike)
        bands = bands_of(score, rank_score, semantic, covered)
        clock.lap("fuse")
        return Ranked(groups, record_scores, shown, semantic, lexical, score, rank_score, question, bands)

    def _look_at_records(
        self, groups: list[tuple[int, list[int]]], rank_score: Floats, question: Question
    ) -> tuple[list[tuple[int, list[int]]], Floats, float]:
        """The first records in the order of all that they have on the question, the scores of all, and how much of
        the question's words the best covered of the first has.
        """
        scores = np.array([rank_score[indices[0]] for _, indices in groups], dtype=np.float32)
        first = groups[: ranking.RERANKED]
        words = question.words
        if not first or not words:
            return groups, scores, 0.0
        passages = {record_facet(record): range(*self._first_of[record : record + 2].tolist()) for record, _ in first}
        starts = np.cumsum([0, *map(len, passages.values())])[:-1]
        by_word = self._generation.lexical.within(words, passages)
        count = len(first)
        scores[:count] += ranking.support(by_word, starts)  # it never takes away: the first stay the first
        order = ranking.best_first(scores[:count])
        scores[:count] = scores[order]
        covered = self._covered(by_word, starts, question)
        reordered = [*(first[number] for number in order.tolist()), *groups[count:]]
        return reordered, scores, float(covered[order[:COVERED_BY]].max())

    def _covered(self, by_word: Floats, starts: Ordinals, question: Question) -> Floats:
        """How much of the question each record has, by the reading of it that the record has most of."""
        rarity = self._generation.lexical.rarity(question.words)
        row_of = {word: row for row, word in enumerate(question.words)}
        rows = [[row_of[word] for word in reading if word in row_of] for reading in question.readings]
        covered: Floats = np.max([ranking.coverage(by_word[one], starts, rarity[one]) for one in rows], axis=0)
        return covered


def _lift(
    groups: list[tuple[int, list[int]]], scores: Floats, alike: Floats
) -> tuple[list[tuple[int, list[int]]], Floats]:
    """The records in the order of their scores with what likeness adds to them."""
    if not groups:
        return groups, scores
    lifted = scores + np.float32(LIFT) * alike[[record for record, _ in groups]]
    order = ranking.best_first(lifted)
    return [groups[number] for number in order.tolist()], lifted[order]


class Clock:
    """Milliseconds by stage; a stage that comes again counts on."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._stages: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self._stages[stage] = self._stages.get(stage, 0.0) + (now - self._last) * 1e3
        self._last = now

    def stages(self) -> dict[str, float]:
        return {**self._stages, "total": (time.perf_counter() - self._start) * 1e3}
