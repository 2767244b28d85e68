"""A pasted text -> Signs: which of the library's warning signs its paragraphs show, and what came of them elsewhere.

Each sentence of a paragraph is held against the library's warning signs, by meaning and by words, in two steps: which
records have signs like it, by vectors that the index has (the paragraph's and the sentence's, the sign's in its list),
and then which of their signs it is, by vectors of sentence and sign each read alone. Likeness cannot tell "the restore
was tested" from "nobody has tried a restore", so the tone of the words counts as well (`kb.tone`). Tone errs too: where
nothing is found, what is near by likeness is given as worth comparing, and nothing more is said of it.
All weights and limits were set on half of tests/questions/signs*.jsonl; docs/relevance.md has what they give.

Nothing here keeps a word of what was pasted.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from kb import ranking
from kb.filters import make_filters
from kb.pasted import sentence_spans, split_paragraphs
from kb.signs import CheckedParagraph, Match, Recovery, Sign, Signs, Told, Whose
from kb.tone import Tone, lack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from kb.encoder import Encoder
    from kb.search import Searcher
    from kb.store import PassageRow

    Floats = npt.NDArray[np.float32]
    Ordinals = npt.NDArray[np.int64]

WORDS_WEIGHT: Final = 0.1
TONE_WEIGHT: Final = 0.06
LACK_WEIGHT: Final = 0.07
ALONE_WEIGHT: Final = 0.4  # of a sentence and a sign each read alone, against both read where they stand
CANDIDATE_RECORDS: Final = 4  # of a paragraph, whose signs are read alone
FAIR_FROM: Final = 0.47
STRONG_FROM: Final = 0.53
NEAR_FROM: Final = 0.44  # of likeness, with the tone where that adds to it
# A paragraph of fewer stems says nothing that could be a sign, nor does a table's row of cells of fewer words.
_LEAST_WORDS: Final = 4
SIGNS_OF_A_PARAGRAPH: Final = 3
# Texts of more sentences are read one at a time: two at once would each be slower, take twice the memory, and keep
# everybody's questions waiting. A short one never waits for a long one.
_SHORT_SENTENCES: Final = 12
# A paragraph's further signs come this near to its first: what is much less like it is only of the same subject.
_NEAR_THE_FIRST: Final = 0.15
# Vectors of signs read alone that are remembered; the whole of a library of 6,000 records would be 50 MB.
_KEPT_ALONE: Final = 30_000
SIGNS_MAX: Final = 24
NEAR_OF_A_PARAGRAPH: Final = 2
NEAR_MAX: Final = 12
RECOVERED_MAX: Final = 6
_RECOVERED: Final = ("recovered", "worked", "recovering")
# Where a record tells what came after a sign, in this order.
_AFTERWARDS: Final = ("result", "did-not-work", "update")
_ITEM: Final = re.compile(r"\s*(?:[-*+]|\d{1,3}[.)])\s")
_WORD: Final = re.compile(r"\w+(?:['\u2019]\w+)*")


@dataclass(frozen=True, slots=True)
class _Shown:
    """One pair of a paragraph and a sign that it shows or is near, by their positions.

    `nearness` orders those of one kind; `further` tells that the paragraph has a nearer one.
    """

    score: float
    nearness: float
    further: bool
    paragraph: int
    sign: int
    sentence: int
    band: str


class SignChecker:
    """The warning signs of one generation, ready to be held against texts. Immutable: threads share it."""

    def __init__(self, searcher: Searcher, encoder: Encoder) -> None:
        self.searcher = searcher
        self._encoder = encoder
        generation = searcher.generation
        self._stances = generation.rows.stances()
        warnings = [ordinal for ordinal, stance in enumerate(self._stances) if stance == "warning"]
        self._rows = generation.rows.passage_rows(warnings)
        signs: list[tuple[int, int, int]] = []  # of each: its passage, its first sentence there, the one after its last
        vectors: list[Floats] = []
        for ordinal, row in self._rows.items():
            own = generation.sentences_of(ordinal).astype(np.float32)
            signs += [(ordinal, first, last) for first, last in _items(row)]
            vectors.append(own)
        dimension = generation.manifest.dimension
        self._signs = signs
        self._vectors = np.concatenate(vectors) if vectors else np.zeros((0, dimension), dtype=np.float32)
        # The sentences of one sign follow one another.
        self._starts = np.cumsum([0, *(last - first for _, first, last in signs)])[:-1]
        self._passage_of = np.array([passage for passage, _, _ in signs], dtype=np.int64)
        self._record_of = np.array([self._rows[passage].record for passage, _, _ in signs], dtype=np.int64)
        self._read_alone: dict[int, Floats] = {}
        self._turn = threading.Lock()
        self._passage_vectors = generation.vectors[self._passage_of].astype(np.float32)
        self._stems = [
            frozenset(searcher.generation.lexical.words(self._words_of(number))) for number in range(len(signs))
        ]
        self._tone = Tone.between(self._vectors, self._sentences("worked"))

    def check(self, text: str) -> Signs:
        """Holds each paragraph of a text against every sign. Never raises for what the text holds."""
        start = time.perf_counter()
        paragraphs = split_paragraphs(text)
        shown: list[_Shown] = []
        stages: dict[str, float] = {}
        spans = [sentence_spans(paragraph) for paragraph in paragraphs]
        if paragraphs and self._signs:
            with self._turn if sum(map(len, spans)) > _SHORT_SENTENCES else nullcontext():
                read = self._read(paragraphs, spans)
                close = [self._close(text, one) for text, one in zip(paragraphs, read, strict=True)]
                alone = self._alone(sorted({sign for one in close for sign in one.signs.tolist()}))
            stages["encode"] = (time.perf_counter() - start) * 1e3
            for number, (one, near) in enumerate(zip(read, close, strict=True)):
                shown += self._signs_of(number, one, near, alone)
        answer = self._answer(paragraphs, spans, shown, stages)
        stages["total"] = (time.perf_counter() - start) * 1e3
        return answer

    # --- matching -----------------------------------------------------------------------------------------------------

    def _read(self, paragraphs: Sequence[str], spans: Sequence[Sequence[tuple[int, int]]]) -> list[_Read]:
        """Each paragraph's vector, those of its sentences in it, and those of its sentences alone with their tones."""
        whole, inside = self._encoder.encode_passages(paragraphs, spans, lambda _: None)
        # The one sentence of a short paragraph has been read already.
        alone = np.repeat(whole, [len(own) for own in spans], axis=0)
        several = np.array([len(own) > 1 for own in spans for _ in own])
        texts = [
            text[start:end] for text, own in zip(paragraphs, spans, strict=True) if len(own) > 1 for start, end in own
        ]
        if texts:
            alone[several], _ = self._encoder.encode_passages(texts, [()] * len(texts), lambda _: None)
        ends = np.cumsum([len(own) for own in spans])[:-1]
        # A lack is often told in the sentence beside the one that names the subject.
        lacks = [
            (lack(text[start:end]) + lack(text)) / 2
            for text, own in zip(paragraphs, spans, strict=True)
            for start, end in own
        ]
        tones = TONE_WEIGHT * self._tone.of(alone) + LACK_WEIGHT * np.array(lacks, dtype=np.float32)
        return [_Read(*one) for one in zip(whole, inside, np.split(alone, ends), np.split(tones, ends), strict=True)]

    def _close(self, paragraph: str, read: _Read) -> _Close:
        """The signs of the records whose signs are most like a paragraph, and how like it, before tone."""
        lexical = self.searcher.generation.lexical
        words = lexical.words(paragraph)
        if len(words) < _LEAST_WORDS or not len(read.inside) or _is_heads(paragraph):
            return _Close.none()
        found = lexical.search(words, len(self._rows), _ONLY_WARNINGS)
        by_passage = dict(zip(found.ordinals.tolist(), ranking.saturate(found.scores).tolist(), strict=True))
        in_words = np.array([by_passage.get(passage, 0.0) for passage in self._passage_of.tolist()], dtype=np.float32)
        by_sentence = np.maximum.reduceat(read.inside @ self._vectors.T, self._starts, axis=1)
        by_paragraph = np.maximum.reduceat(self._vectors @ read.whole, self._starts)
        meaning = (by_sentence + by_paragraph + self._passage_vectors @ read.whole) / 3
        order = ranking.best_first(((1 - WORDS_WEIGHT) * meaning + WORDS_WEIGHT * in_words).max(axis=0))
        first = list(dict.fromkeys(self._record_of[order].tolist()))[:CANDIDATE_RECORDS]
        signs = np.flatnonzero(np.isin(self._record_of, first))
        return _Close(signs, meaning[:, signs], in_words[signs])

    def _alone(self, signs: Sequence[int]) -> dict[int, Floats]:
        """The vectors of these signs, each read alone; remembered, since the same few come up again and again."""
        known = {sign: vector for sign in signs if (vector := self._read_alone.get(sign)) is not None}
        missing = [sign for sign in signs if sign not in known]
        if missing:
            vectors, _ = self._encoder.encode_passages(
                [self._words_of(sign) for sign in missing], [()] * len(missing), lambda _: None
            )
            fresh = dict(zip(missing, vectors, strict=True))
            if len(self._read_alone) + len(fresh) > _KEPT_ALONE:
                self._read_alone = {}
            self._read_alone.update(fresh)
            known |= fresh
        return known

    def _signs_of(self, number: int, read: _Read, close: _Close, alone: Mapping[int, Floats]) -> list[_Shown]:
        """The signs that one paragraph shows, nearest first, or if there are none, those that it is near.

        The nearest of each record only.
        """
        if not len(close.signs):
            return []
        signs = close.signs.tolist()
        by_itself = read.alone @ np.stack([alone[sign] for sign in signs]).T
        meaning = (1 - ALONE_WEIGHT) * close.meaning + ALONE_WEIGHT * by_itself
        likeness = (1 - WORDS_WEIGHT) * meaning + WORDS_WEIGHT * close.in_words
        scores = likeness + read.tones[:, None]  # (sentences, signs)
        best = scores.max(axis=0)
        if best.max() >= FAIR_FROM:
            nearness, least = scores, max(FAIR_FROM, float(best.max()) - _NEAR_THE_FIRST)
        else:  # a tone that takes off may be mistaken
            nearness, least = np.maximum(likeness, scores), NEAR_FROM
            best = nearness.max(axis=0)
        sentence = nearness.argmax(axis=0)
        shown: dict[int, _Shown] = {}
        for index in ranking.best_first(best).tolist():
            if best[index] < least:
                break
            score = float(scores[sentence[index], index])
            of_pair = (number, signs[index], int(sentence[index]), _band(score))
            one = _Shown(score, float(best[index]), bool(shown), *of_pair)
            shown.setdefault(self._record(one.sign), one)
        return list(shown.values())[: SIGNS_OF_A_PARAGRAPH if best.max() >= FAIR_FROM else None]

    # --- showing ------------------------------------------------------------------------------------------------------

    def _answer(
        self,
        paragraphs: Sequence[str],
        spans: Sequence[Sequence[tuple[int, int]]],
        shown: Sequence[_Shown],
        stages: dict[str, float],
    ) -> Signs:
        by_sign: dict[int, list[_Shown]] = {}
        for one in sorted(shown, key=lambda one: (one.further, -one.nearness, one.paragraph, one.sign)):
            if one.band != "near":
                by_sign.setdefault(one.sign, []).append(one)
        kept = list(by_sign.items())[:SIGNS_MAX]
        near = self._worth_comparing(shown, {self._record(sign) for sign, _ in kept})
        told = []
        for number, (sign, places) in enumerate((*kept, *near), start=1):
            matches = [self._match(one, paragraphs[one.paragraph], spans[one.paragraph]) for one in places]
            told.append(self._sign(number, sign, matches))
        numbers = {sign: number for number, (sign, _) in enumerate(kept, start=1)}
        of_paragraph: dict[int, list[int]] = {}
        for one in shown:
            if one.sign in numbers and one.band != "near":
                of_paragraph.setdefault(one.paragraph, []).append(numbers[one.sign])
        checked = [
            CheckedParagraph(number, text, tuple(of_paragraph.get(number - 1, ())))
            for number, text in enumerate(paragraphs, start=1)
        ]
        return Signs(
            paragraphs=tuple(checked),
            found=tuple(told[: len(kept)]),
            near=tuple(told[len(kept) :]),
            recovered=tuple(self._recoveries(kept, near)),
            left_out=len(by_sign) - len(kept),
            generation=self.searcher.generation.name,
            milliseconds=stages,
        )

    def _worth_comparing(self, shown: Sequence[_Shown], found: set[int]) -> list[tuple[int, list[_Shown]]]:
        """The signs that paragraphs are near, best first: one of each record, of no record already found."""
        of_record: dict[int, int] = {}
        places: dict[int, list[_Shown]] = {}
        given: Counter[int] = Counter()
        for one in sorted(shown, key=lambda one: (-one.nearness, one.paragraph, one.sign)):
            record = self._record(one.sign)
            if one.band != "near" or record in found or given[one.paragraph] == NEAR_OF_A_PARAGRAPH:
                continue
            if of_record.get(record, one.sign) == one.sign and (record in of_record or len(of_record) < NEAR_MAX):
                of_record[record] = one.sign
                places.setdefault(one.sign, []).append(one)
                given[one.paragraph] += 1
        return list(places.items())

    def _match(self, one: _Shown, paragraph: str, spans: Sequence[tuple[int, int]]) -> Match:
        start, end = spans[one.sentence]
        stems = self.searcher.generation.lexical.stems
        common = [word for word in _WORD.findall(paragraph) if self._stems[one.sign].intersection(stems(word))]
        words = tuple(dict.fromkeys(word.lower() for word in common))
        return Match(one.paragraph + 1, paragraph[start:end], words, min(max(one.score, 0.0), 1.0), _band(one.score))

    def _sign(self, number: int, sign: int, matches: Sequence[Match]) -> Sign:
        ordinal, first, last = self._signs[sign]
        row = self._rows[ordinal]
        spans = json.loads(row.spans)
        warning = Told(row.section, row.stance, row.anchor, row.text, row.text[spans[first][0] : spans[last - 1][1]])
        then = None
        for stance in _AFTERWARDS:
            then = then or self._nearest(row.record, stance, self._sign_vector(sign))
        whose = _whose(self.searcher.cards[row.record])
        return Sign(number, self._words_of(sign), warning, whose, then, tuple(matches), matches[0].band)

    def _recoveries(
        self, kept: Sequence[tuple[int, Sequence[_Shown]]], near: Sequence[tuple[int, Sequence[_Shown]]]
    ) -> list[Recovery]:
        """Those of these records that got better: of the found first, recovered before recovering, then by sign."""
        told: dict[int, Recovery] = {}
        for sign, places in (*kept, *near):
            record = self._record(sign)
            card = self.searcher.cards[record]
            if record in told or card["outcome"] not in _RECOVERED:
                continue
            how = self._nearest(record, "worked", self._sign_vector(sign))
            if how is not None:
                told[record] = Recovery(_whose(card), how, places[0].paragraph + 1)
        found = {self._record(sign) for sign, _ in kept}
        ordered = sorted(told, key=lambda record: (record not in found, _RECOVERED.index(told[record].whose.outcome)))
        return [told[record] for record in ordered[:RECOVERED_MAX]]

    def _nearest(self, record: int, stance: str, vector: Floats) -> Told | None:
        """The passage of that stance in a record, and the sentence of it, nearest to a vector; None without one."""
        generation = self.searcher.generation
        best: tuple[float, int, int] | None = None
        for ordinal in np.flatnonzero(generation.record_of == record).tolist():
            if self._stances[ordinal] == stance:
                near = generation.sentences_of(ordinal).astype(np.float32) @ vector
                index = int(near.argmax())
                best = max(best or (-2.0, 0, 0), (float(near[index]), ordinal, index))
        if best is None:
            return None
        _, ordinal, index = best
        row = generation.rows.passage_rows([ordinal])[ordinal]
        spans = json.loads(row.spans)
        start, end = spans[index] if index < len(spans) else (0, len(row.text))
        return Told(row.section, row.stance, row.anchor, row.text, row.text[start:end])

    def _sign_vector(self, sign: int) -> Floats:
        start = self._starts[sign]
        _, first, last = self._signs[sign]
        vector: Floats = self._vectors[start : start + last - first].mean(axis=0)
        return vector

    def _record(self, sign: int) -> int:
        return int(self._record_of[sign])

    def _words_of(self, sign: int) -> str:
        """The sign in plain words, without its list mark and source marks."""
        ordinal, first, last = self._signs[sign]
        return " ".join(json.loads(self._rows[ordinal].sentences)[first:last])

    def _sentences(self, stance: str) -> Floats:
        """The vectors of all sentences of that stance."""
        generation = self.searcher.generation
        found = [generation.sentences_of(ordinal) for ordinal, own in enumerate(self._stances) if own == stance]
        empty = np.zeros((0, generation.manifest.dimension), dtype=np.float32)
        return np.concatenate(found).astype(np.float32) if found else empty


_ONLY_WARNINGS: Final = make_filters({"stance": ["warning"]})


@dataclass(frozen=True, slots=True)
class _Read:
    """A paragraph as the model reads it: its vector, its sentences' within it, and each sentence's alone, with tone."""

    whole: Floats
    inside: Floats
    alone: Floats
    tones: Floats


@dataclass(frozen=True, slots=True)
class _Close:
    """The signs that one paragraph may show. `meaning` is (sentences, signs), `in_words` (signs,)."""

    signs: Ordinals
    meaning: Floats
    in_words: Floats

    @classmethod
    def none(cls) -> _Close:
        nothing = np.zeros(0, dtype=np.float32)
        return cls(np.zeros(0, dtype=np.int64), nothing, nothing)


def _items(row: PassageRow) -> list[tuple[int, int]]:
    """The signs of a passage: each item of a list with all its sentences, each sentence of a paragraph by itself."""
    starts = [start for start, _ in json.loads(row.spans)]
    listed = any(_ITEM.match(row.text, start) for start in starts)
    firsts = [number for number, start in enumerate(starts) if not listed or not number or _ITEM.match(row.text, start)]
    return list(zip(firsts, [*firsts[1:], len(starts)], strict=True))


def _is_heads(paragraph: str) -> bool:
    """Whether a paragraph is the first row of a table, the heads of its columns, or a row as bare as that."""
    return all(len(cell.split()) < _LEAST_WORDS for cell in paragraph.split(" \u00b7 "))


def _band(score: float) -> str:
    return "strong" if score >= STRONG_FROM else "fair" if score >= FAIR_FROM else "near"


def _whose(card: Mapping[str, Any]) -> Whose:
    first, last = card["years"]
    names = ("kind", "title", "place", "outcome", "outcome_as_at", "finding_basis", "effect_evidence", "corroboration")
    return Whose(record=card["id"], years=(first, last), **{name: card[name] for name in names})
