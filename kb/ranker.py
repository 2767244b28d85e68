"""A question -> ranked records: both legs, fused, grouped by record, reordered by all that a record has, and banded.

The arithmetic is in `kb.ranking`, as pure functions; this module brings a generation, an encoder and a question
together. What is shown of the outcome is the business of `kb.search`.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from kb import ranking
from kb.lexical import record_facet
from kb.places import LIFT

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from kb.abbreviations import Abbreviations, Expansion
    from kb.admission import Admission
    from kb.encoder import Encoder
    from kb.filters import Filters
    from kb.generation import Generation
    from kb.places import Places

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
# Where even the first passage hardly reaches that, those that come this near to it are as good.
FAIR_OF_FIRST: Final = 0.9
_KEPT_IN_MEMORY_PASSAGES: Final = 20_000
# Passages, best first, whose words are scored where all are: beyond them a few common words are shared, and no more.
_SCORED_BY_WORDS: Final = 200


@dataclass(frozen=True, slots=True)
class Question:
    """A question as both legs take it: its vector, and its stems in the order in which they come.

    `readings` has the stems of each way to say it (an abbreviation as it stands, or spelt out): a record that has the
    words of one of them has what was asked. `lexical` and `score` are those of every passage, saturated and fused,
    shape (passages,), where the library is small enough to score it whole: what bears on a question is then the same
    whatever else is filtered away, and a count is what its filter leaves. None in a large one.
    """

    vector: Floats
    words: tuple[str, ...]
    readings: tuple[tuple[str, ...], ...]
    expansions: tuple[Expansion, ...] = ()
    lexical: Floats | None = None
    score: Floats | None = None


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
    fair_from: float  # the score from which a passage is fair; infinite when nothing is close

    @property
    def words(self) -> tuple[str, ...]:
        return self.question.words

    def bearing(self) -> list[tuple[int, list[int]]]:
        """The records that bear on the question, by rank, each with its fair and strong candidates alone."""
        fair = self.fair()
        good = [(record, [index for index in indices if index in fair]) for record, indices in self.groups]
        return [(record, indices) for record, indices in good if indices]

    def fair(self) -> frozenset[int]:
        """The candidates that are fair or strong."""
        return frozenset(index for index, one in enumerate(self.bands) if one != "weak")

    def fair_passages(self) -> Ordinals:
        """The passages of those, by ordinal, rising."""
        return np.unique(self.passages[sorted(self.fair())])


def is_close(nearest: float, covered: float) -> bool:
    """Whether the library has anything on a question.

    `nearest` is the cosine of the nearest passage, `covered` the share of the question's words that one record has.
    """
    return nearest + COVERAGE_WEIGHT * covered >= CLOSE_FROM


def band(score: float, fair_from: float = FAIR_FROM) -> str:
    """The band of one fused score."""
    if score < fair_from:
        return "weak"
    return "strong" if score >= STRONG_FROM else "fair"


def fair_score(score: Floats, rank_score: Floats, semantic: Floats, covered: float) -> float:
    """From which score on a passage is fair: infinite when nothing is close; the first is, and what comes near it."""
    if not len(score) or not is_close(float(semantic.max()), covered):
        return math.inf
    return min(FAIR_FROM, FAIR_OF_FIRST * float(score[rank_score.argmax()]))


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
        self._small = len(generation.vectors) <= _KEPT_IN_MEMORY_PASSAGES
        self.vectors = generation.vectors.astype(np.float32) if self._small else generation.vectors

    def read(self, text: str, clock: Clock) -> Question:
        """The question's vector and stems, its abbreviations in both forms."""
        wording = self._abbreviations.read(text)
        vector = self._encoder.encode_query(wording.meaning)
        clock.lap("encode")
        stems = self._generation.lexical.words
        words = tuple(stems(wording.words))
        readings = tuple(tuple(stems(reading)) for reading in wording.readings)
        lexical, score = self._score_all(vector, words) if self._small else (None, None)
        clock.lap("lexical")
        return Question(vector, words, readings, wording.expansions, lexical, score)

    def _score_all(self, vector: Floats, words: Sequence[str]) -> tuple[Floats, Floats]:
        """The saturated BM25 and the fused score of every passage, each of shape (passages,)."""
        found = self._generation.lexical.search(words, _SCORED_BY_WORDS)
        lexical = np.zeros(len(self.vectors), dtype=np.float32)
        lexical[found.ordinals] = ranking.saturate(found.scores)
        return lexical, ranking.fuse(self.vectors @ vector, lexical)

    def bearing(self, question: Question, filters: Filters, places: Places | None, fair_from: float) -> Ordinals:
        """The fair passages that pass the filters, ways in included, rising; those of the pool in a large library."""
        only = places.records if places else None
        if question.score is None:
            return self.rank(question, filters, places, Clock(), fair_from).fair_passages()
        return _fair_passages(question.score, fair_from, self._admission.passages(filters, only))

    def rank(
        self,
        question: Question,
        filters: Filters,
        places: Places | None,
        clock: Clock,
        fair_from: float | None = None,
    ) -> Ranked:
        """Every candidate, by record; with `places`, alike ones lifted or the others left out.

        `fair_from` is what the ranking of the same question over the whole library has; that one finds it for itself.
        """
        generation = self._generation
        vector, words = question.vector, question.words
        only = places.records if places else None
        allowed = self._admission.passages(filters, only)
        if question.lexical is not None:
            by_words = ranking.best_of(question.lexical, ranking.POOL, allowed)
        else:
            records = None if only is None else np.flatnonzero(only).tolist()
            found = generation.lexical.search(words, ranking.POOL, filters, records)
            by_words = ranking.Ranking(found.ordinals, ranking.saturate(found.scores))
        clock.lap("lexical")
        by_meaning = generation.dense.search(vector, ranking.POOL, allowed)
        clock.lap("dense")
        ordinals, lexical = ranking.pool(by_meaning, by_words)
        if question.lexical is not None and question.score is not None:
            fair = _fair_passages(question.score, FAIR_FROM if fair_from is None else fair_from, allowed)
            ordinals = np.union1d(ordinals, fair)
            lexical = question.lexical[ordinals]
        vectors = self.vectors[ordinals].astype(np.float32, copy=False)
        semantic = vectors @ vector
        # Of a part, the same product can differ in its last digit from that of the whole, by which others are counted.
        score = ranking.fuse(semantic, lexical) if question.score is None else question.score[ordinals]
        rank_score = score
        if len(score):
            best = ranking.best_first(score)[: ranking.FEEDBACK_PASSAGES]
            rank_score = ranking.fuse(vectors @ ranking.feed_back(vector, vectors[best]), lexical)
        shown = generation.target_of[ordinals]
        score = _best_of_each(shown, score)
        records = generation.record_of[ordinals]
        groups = ranking.group(records, shown, rank_score)
        groups, record_scores, covered = self._look_at_records(groups, rank_score, question)
        if places is not None:
            groups, record_scores = _lift(groups, record_scores, places.alike)
        if fair_from is None:
            fair_from = fair_score(score, rank_score, semantic, covered)
            if fair_from < FAIR_FROM and question.score is not None:
                more = np.setdiff1d(_fair_passages(question.score, fair_from, allowed), ordinals)
                if more.size:  # more are fair than were looked at
                    return self.rank(question, filters, places, clock, fair_from)
        bands = [band(one, fair_from) for one in score.tolist()]
        clock.lap("fuse")
        return Ranked(groups, record_scores, shown, semantic, lexical, score, rank_score, question, bands, fair_from)

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


def _fair_passages(score: Floats, fair_from: float, allowed: Mask | None) -> Ordinals:
    """The passages from that score on, of those allowed, by ordinal, rising."""
    fair = score >= fair_from
    return np.flatnonzero(fair if allowed is None else fair & allowed)


def _best_of_each(shown: Ordinals, score: Floats) -> Floats:
    """The best score of all candidates that show the same passage, for each of them: its own, or that of a way in."""
    best = np.zeros(int(shown.max()) + 1 if len(shown) else 0, dtype=np.float32)
    np.maximum.at(best, shown, score)
    return best[shown]


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
