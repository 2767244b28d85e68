"""Candidates -> hits: the text of a passage, the sentence of it that answers best, and the words in common."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from kb.answer import Extract, Hit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from kb.generation import Generation
    from kb.store import PassageRow

    Floats = npt.NDArray[np.float32]

# What a shared word adds to a sentence's cosine, by the share of the question's words that it has: a sentence is
# understood in its passage, so that all its sentences are near each other, and words tell them apart.
SHARED_WORDS_WEIGHT: Final = 0.25
# Passages kept ready to be shown; some 12 kB each.
_KEPT_PASSAGES: Final = 4096
_WORD: Final = re.compile(r"\w+(?:['’]\w+)*")


@dataclass(frozen=True, slots=True)
class Shown:
    """A passage ready to be shown: its row, and of each sentence its offsets, its stems and its vector."""

    row: PassageRow
    spans: tuple[tuple[int, int], ...]
    stems: tuple[frozenset[str], ...]
    all_stems: frozenset[str]
    vectors: Floats


class Shower:
    """Makes hits of one generation's passages. Remembers those that were shown last; safe for several threads."""

    def __init__(self, generation: Generation) -> None:
        self._generation = generation
        self._kept: dict[int, Shown] = {}

    def fetch(self, ordinals: Iterable[int]) -> dict[int, Shown]:
        """These passages, ready to be shown."""
        wanted = set(ordinals)
        kept = {ordinal: shown for ordinal in wanted if (shown := self._kept.get(ordinal)) is not None}
        missing = wanted - kept.keys()
        if missing:
            fresh = {ordinal: self._prepare(ordinal, row) for ordinal, row in self._rows(sorted(missing)).items()}
            if len(self._kept) > _KEPT_PASSAGES:
                self._kept = {}
            self._kept.update(fresh)
            kept |= fresh
        return kept

    def words_of(self, text: str) -> dict[str, str]:
        """Stem -> the word as the text has it, without stop words."""
        stems = self._generation.lexical.stems
        found: dict[str, str] = {}
        for word in _WORD.findall(text):
            for stem in stems(word):
                found.setdefault(stem, word)
        return found

    def extract(
        self, shown: Shown, asked: Mapping[str, str], vector: Floats, scores: tuple[float, float, float], band: str
    ) -> Extract:
        """A passage as an answer shows it; `asked` are the question's words by stem, `scores` fused, cosine, words."""
        row = shown.row
        return Extract(
            section=row.section,
            stance=row.stance,
            anchor=row.anchor,
            text=row.text,
            highlight=_highlight(shown, asked, vector),
            score=scores[0],
            semantic=scores[1],
            lexical=scores[2],
            band=band,
            matched_words=tuple(dict.fromkeys(asked[stem].lower() for stem in asked if stem in shown.all_stems)),
        )

    def _rows(self, ordinals: Sequence[int]) -> dict[int, PassageRow]:
        return self._generation.rows.passage_rows(ordinals)

    def _prepare(self, ordinal: int, row: PassageRow) -> Shown:
        stems = tuple(frozenset(self.words_of(sentence)) for sentence in json.loads(row.sentences))
        return Shown(
            row=row,
            spans=tuple((start, end) for start, end in json.loads(row.spans)),
            stems=stems,
            all_stems=frozenset(self.words_of(row.prefix)).union(*stems),
            vectors=self._generation.sentences_of(ordinal).astype(np.float32),
        )


def make_hit(rank: int, card: Mapping[str, Any], score: float, extracts: Sequence[Extract]) -> Hit:
    """A hit of a record, led by the first extract; `card` is what the generation keeps of the record."""
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
        score=score,
        further=tuple(extracts[1:]),
    )


def _highlight(shown: Shown, asked: Mapping[str, str], vector: Floats) -> str:
    """The sentence nearest in meaning to the question, helped by the words that it shares with it."""
    text = shown.row.text
    if not shown.spans or len(shown.vectors) != len(shown.spans):
        return text
    closeness = (shown.vectors @ vector).tolist()
    if asked:
        wanted = asked.keys()
        closeness = [
            near + SHARED_WORDS_WEIGHT * len(wanted & stems) / len(wanted)
            for near, stems in zip(closeness, shown.stems, strict=True)
        ]
    start, end = shown.spans[closeness.index(max(closeness))]
    return text[start:end]
