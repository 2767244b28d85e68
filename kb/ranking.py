"""Ranking as pure functions of arrays: fusion of the two legs, feedback, grouping by record, bands and balance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]
    Ordinals = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]
    Integers = npt.NDArray[np.signedinteger[Any]]

# The weights below were chosen over three public test sets and half of our own questions at once (docs/relevance.md).
SEMANTIC_WEIGHT: Final = 0.5
LEXICAL_HALF_SCORE: Final = 15.0  # the BM25 score that counts as half of all that words can say
POOL: Final = 100  # candidates of each leg
FEEDBACK_PASSAGES: Final = 2
FEEDBACK_WEIGHT: Final = 0.4
RERANKED: Final = 15  # records, best first, whose other passages are looked at
SUPPORT_WEIGHT: Final = 0.3
SUPPORT_HALF_SCORE: Final = 20.0


@dataclass(frozen=True, slots=True)
class Ranking:
    """Passage ordinals, best first, with the score of each; both of shape (n,)."""

    ordinals: Ordinals
    scores: Floats

    @classmethod
    def of(cls, ordinals: Any, scores: Any) -> Ranking:
        return cls(np.asarray(ordinals, dtype=np.int64), np.asarray(scores, dtype=np.float32))

    @classmethod
    def empty(cls) -> Ranking:
        return cls.of((), ())


def saturate(scores: Floats) -> Floats:
    """BM25, which has no upper bound, on a scale from 0 to 1: s / (s + half)."""
    return scores / (scores + np.float32(LEXICAL_HALF_SCORE))


def best_of(scores: Floats, limit: int, allowed: Mask | None = None) -> Ranking:
    """The best passages by scores that all have, shape (passages,), of those allowed; none that has no score at all."""
    if allowed is not None:
        scores = np.where(allowed, scores, np.float32(0.0))
    ordinals = np.flatnonzero(scores > 0)
    if len(ordinals) > limit:
        ordinals = ordinals[np.argpartition(-scores[ordinals], limit)[:limit]]
    ordinals = ordinals[best_first(scores[ordinals])]
    return Ranking.of(ordinals, scores[ordinals])


def pool(dense: Ranking, lexical: Ranking) -> tuple[Ordinals, Floats]:
    """The union of both legs' best: their ordinals, rising, and the saturated BM25 of each; both of shape (n,).

    A passage that the lexical leg did not propose counts as sharing no word: measured, asking for its exact score
    changes nDCG@10 by less than .001.
    """
    ordinals = np.unique(np.concatenate([dense.ordinals, lexical.ordinals]))
    words = np.zeros(len(ordinals), dtype=np.float32)
    words[np.searchsorted(ordinals, lexical.ordinals)] = lexical.scores
    return ordinals, words


def fuse(semantic: Floats, lexical: Floats) -> Floats:
    """One score between 0 and 1 that means the same for every question: a weighted mean on absolute scales.

    Bruch, Gai and Ingber (2023, ACM TOIS 42:1) show why a convex combination is better than fusing ranks.
    """
    fused: Floats = SEMANTIC_WEIGHT * np.maximum(semantic, 0.0) + (1.0 - SEMANTIC_WEIGHT) * lexical
    return fused


def feed_back(question: Floats, best: Floats) -> Floats:
    """The question's vector moved towards the best passages found, at length 1 (Rocchio, 1971). `best` is (n, dim)."""
    moved: Floats = question + FEEDBACK_WEIGHT * best.mean(axis=0)
    length = float(np.linalg.norm(moved))
    return moved / length if length else question


def best_first(scores: Floats) -> Ordinals:
    """Indices by falling score; equal scores in rising order, so that an answer never depends on chance."""
    return np.argsort(-scores, kind="stable")


def group(records: Integers, passages: Integers, scores: Floats) -> list[tuple[int, list[int]]]:
    """Records by their best passage: for each, its number and the indices of its passages, best first.

    The arrays have shape (n,): for each candidate its record, the passage it shows, and its score. Candidates that
    show the same passage (a passage and a way in that leads to it) count once.
    """
    grouped: dict[int, list[int]] = {}
    shown: set[int] = set()
    record_of, passage_of = records.tolist(), passages.tolist()
    for index in best_first(scores).tolist():
        passage = passage_of[index]
        if passage not in shown:
            shown.add(passage)
            grouped.setdefault(record_of[index], []).append(index)
    return list(grouped.items())


def support(by_word: Floats, starts: Ordinals) -> Floats:
    """What a record's other passages add to its best one: words of the question that it has, elsewhere.

    `by_word` has the BM25 score of each word by itself in each passage, shape (words, passages), the passages of a
    record side by side; `starts` is the first column of each record. Returns shape (records,), never below 0, and 0
    for a record of one passage, so that a library of single passages is ranked by them alone.
    """
    together = np.maximum.reduceat(by_word, starts, axis=1).sum(axis=0)
    alone = np.maximum.reduceat(by_word.sum(axis=0), starts)
    added: Floats = together / (together + SUPPORT_HALF_SCORE) - alone / (alone + SUPPORT_HALF_SCORE)
    return np.float32(SUPPORT_WEIGHT) * np.maximum(added, np.float32(0.0))


def coverage(by_word: Floats, starts: Ordinals, rarity: Floats) -> Floats:
    """The share of the question's words that each record has anywhere, the rare ones counting for more.

    Arrays as in `support`; `rarity` has shape (words,). Returns shape (records,), from 0 to 1.
    """
    held = np.maximum.reduceat(by_word, starts, axis=1) > 0
    share: Floats = rarity @ held / np.float32(max(float(rarity.sum()), 1e-9))
    return share


def balance(stances: Sequence[Sequence[str]], good: Sequence[bool], within: int) -> int | None:
    """Which hit to show by its passage on what did not work, among the first `within`; None when nothing is needed.

    `stances` has, for each hit in rank order, the stance of the passage that it shows, then of its further passages;
    `good` says whether the hit is fair or strong. The first hit keeps the passage that answers best, unless it is the
    only one that can tell a setback.
    """
    hits = [(told[:1], told) if fine else ((), ()) for fine, told in zip(good, stances, strict=True)]
    if any("did-not-work" in shown for shown, _ in hits[:within]):
        return None
    tellers = [index for index, (_, told) in enumerate(hits) if "did-not-work" in told]
    return next((index for index in tellers if index), tellers[0] if tellers else None)
