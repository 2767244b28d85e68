"""Question -> Answer: both legs, fused, grouped by record, banded, with the answering sentence marked.

The ranking itself is in `kb.ranking`, as pure functions; this module brings a generation, an encoder and a question
together, and turns what was found into what is shown.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from kb import ranking
from kb.answer import Answer, Extract, Hit
from kb.drafts import facets_of
from kb.encoder import normalise
from kb.filters import Filters

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from kb.encoder import Encoder
    from kb.generation import Generation
    from kb.store import PassageRow

    Floats = npt.NDArray[np.float32]
    Ordinals = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

# Bands of the fused score, calibrated on questions that the library answers and on questions far from its subject
# (tests/questions, docs/relevance.md).
STRONG_FROM: Final = 0.42
FAIR_FROM: Final = 0.28
FURTHER_PASSAGES: Final = 3
BALANCED_WITHIN: Final = 5
# Facets whose counts an answer carries; `stance` is counted over passages, the others over records.
COUNTED: Final = ("outcome", "kind", "service", "theme", "sector", "nation", "region", "council_type")
_WORD: Final = re.compile(r"\w+(?:['’]\w+)*")


@dataclass(frozen=True, slots=True)
class Ranked:
    """What the ranking of one question gives before anything is shown: records by rank, with their candidates.

    `groups` has, for each record in rank order, its number and the indices of its candidates, best first; the arrays
    have one entry a candidate.
    """

    groups: list[tuple[int, list[int]]]
    passages: Ordinals
    semantic: Floats
    lexical: Floats
    score: Floats  # before feedback: absolute, what the bands are of
    rank_score: Floats  # after feedback: what the order is by
    vector: Floats
    words: tuple[str, ...]


def band_of(score: float) -> str:
    """The band of a fused score: strong, fair or weak."""
    return "strong" if score >= STRONG_FROM else "fair" if score >= FAIR_FROM else "weak"


class Searcher:
    """One generation and one encoder, ready to answer. Immutable: any number of threads may ask at once."""

    def __init__(self, generation: Generation, encoder: Encoder) -> None:
        self.generation = generation
        self._encoder = encoder
        self.cards = generation.rows.cards()
        self._records_with: dict[str, Mask] = {}
        self.facets = [facets_of(card["terms"]) for card in self.cards]
        for number, facets in enumerate(self.facets):
            for facet in facets:
                self._records_with.setdefault(facet, np.zeros(len(self.cards), dtype=bool))[number] = True
        self._stances = _StanceMasks(generation)
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
        candidates = ranking.pool(by_meaning, by_words, lambda some: self._cosines(vector, some))
        score = ranking.fuse(candidates.semantic, candidates.lexical)
        rank_score = self._feed_back(vector, candidates, score)
        shown = generation.target_of[candidates.ordinals].astype(np.int64)
        records = generation.record_of[candidates.ordinals].astype(np.int64)
        groups = ranking.group(records, shown, rank_score)
        clock.lap("fuse")
        return Ranked(groups, shown, candidates.semantic, candidates.lexical, score, rank_score, vector, tuple(words))

    def _feed_back(self, vector: Floats, candidates: ranking.Candidates, score: Floats) -> Floats:
        if not len(score):
            return score
        vectors = self.generation.vectors[candidates.ordinals].astype(np.float32)
        best = ranking.best_first(score)[: ranking.FEEDBACK_PASSAGES]
        moved = ranking.feed_back(vector, vectors[best])
        return ranking.fuse(vectors @ moved, candidates.lexical)

    def _cosines(self, vector: Floats, ordinals: Ordinals) -> Floats:
        cosines: Floats = self.generation.vectors[ordinals].astype(np.float32) @ vector
        return cosines

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
        good = [
            (record, [index for index in indices if ranked.score[index] >= FAIR_FROM])
            for record, indices in ranked.groups
        ]
        bearing = [(record, indices) for record, indices in good if indices]
        tellers = self._stances.of(ranked.passages) if len(ranked.passages) else []
        chosen, setbacks = _choose(ranked, limit, balanced, tellers)
        rows = self.generation.rows.passage_rows(
            sorted({int(ranked.passages[index]) for _, indices in chosen for index in indices})
        )
        clock.lap("fetch")
        shower = _Shower(self, ranked, rows, question)
        hits = tuple(
            shower.hit(number, self.cards[record], indices) for number, (record, indices) in enumerate(chosen, start=1)
        )
        clock.lap("highlight")
        counts = self._counts([record for record, _ in bearing])
        counts["stance"] = _tally(tellers[index] for _, indices in bearing for index in indices)
        clock.lap("count")
        return Answer(question, bool(bearing), hits, len(bearing), setbacks, counts, {}, self.generation.name)

    def _counts(self, records: Iterable[int]) -> dict[str, dict[str, int]]:
        numbers = list(records)
        return {
            field: _tally(value for number in numbers for value in self.cards[number]["terms"].get(field, ()))
            for field in COUNTED
        }

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
    groups = [
        (record, [index for index in indices[: 1 + FURTHER_PASSAGES] if index == indices[0] or _fair(ranked, index)])
        for record, indices in ranked.groups
    ]
    fair = [_fair(ranked, indices[0]) for _, indices in groups]
    told = [[stances[index] for index in indices if _fair(ranked, index)] for _, indices in groups]
    setbacks = any("did-not-work" in some for some in told)
    moved = ranking.balance(told, fair, BALANCED_WITHIN) if balanced else None
    if moved is not None:
        record, indices = groups.pop(moved)
        teller = next(index for index in indices if stances[index] == "did-not-work" and _fair(ranked, index))
        indices = [teller, *(index for index in indices if index != teller)]
        groups.insert(min(moved, BALANCED_WITHIN - 1, limit - 1), (record, indices))
    return groups[:limit], setbacks


def _fair(ranked: Ranked, index: int) -> bool:
    return bool(ranked.score[index] >= FAIR_FROM)


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


class _Shower:
    """Turns candidates into hits: their text, the sentence that answers best, and the words in common."""

    def __init__(self, searcher: Searcher, ranked: Ranked, rows: Mapping[int, PassageRow], question: str) -> None:
        self._generation = searcher.generation
        self._ranked = ranked
        self._rows = rows
        self._asked = self._words_of(question)

    def hit(self, rank: int, card: dict[str, Any], indices: Sequence[int]) -> Hit:
        extracts = [self._extract(index) for index in indices]
        return Hit(
            rank=rank,
            record=card["id"],
            kind=card["kind"],
            title=card["title"],
            summary=card["summary"],
            place=card["place"],
            years=(card["years"][0], card["years"][1]),
            outcome=card["outcome"],
            outcome_as_at=card["outcome_as_at"],
            finding_basis=card["finding_basis"],
            effect_evidence=card["effect_evidence"],
            corroboration=card["corroboration"],
            services=tuple(card["services"]),
            passage=extracts[0],
            score=float(self._ranked.rank_score[indices[0]]),
            further=tuple(extracts[1:]),
        )

    def _extract(self, index: int) -> Extract:
        ranked = self._ranked
        passage = int(ranked.passages[index])
        row = self._rows[passage]
        score = float(ranked.score[index])
        return Extract(
            section=row.section,
            stance=row.stance,
            anchor=row.anchor,
            text=row.text,
            highlight=self._highlight(passage, row),
            score=score,
            semantic=float(ranked.semantic[index]),
            lexical=float(ranked.lexical[index]),
            band=band_of(score),
            matched_words=self._in_common(row),
        )

    def _highlight(self, passage: int, row: PassageRow) -> str:
        """The sentence nearest in meaning to the question, helped by the words that it shares with it."""
        spans = json.loads(row.spans)
        vectors = self._generation.sentences_of(passage).astype(np.float32)
        if not spans or len(vectors) != len(spans):
            return row.text
        closeness = vectors @ self._ranked.vector
        if len(self._asked):
            wanted = set(self._asked)
            sentences = json.loads(row.sentences)
            shared = [len(wanted & set(self._words_of(sentence))) / len(wanted) for sentence in sentences]
            closeness = closeness + 0.25 * np.asarray(shared, dtype=np.float32)
        start, end = spans[int(closeness.argmax())]
        return row.text[start:end]

    def _words_of(self, text: str) -> dict[str, str]:
        """Stem -> the word as the text has it, without stop words."""
        stems = self._generation.lexical.stems
        found: dict[str, str] = {}
        for word in _WORD.findall(text):
            for stem in stems(word):
                found.setdefault(stem, word)
        return found

    def _in_common(self, row: PassageRow) -> tuple[str, ...]:
        """The question's words that the passage has too, in any form, as the question writes them."""
        here = self._words_of(f"{row.prefix} {row.sentences}")
        return tuple(dict.fromkeys(word.lower() for stem, word in self._asked.items() if stem in here))


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
