"""Related questions: those of the library's own that lie near to what was asked, each with the record that answers it.

They are the records' `answers`, which are indexed as ways in and so have vectors already: nothing is embedded here. A
record without any is offered by its title, near by its summary.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from kb.encoder import normalise
from kb.ranking import best_first

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from typing import Any

    import numpy.typing as npt

    from kb.generation import Generation
    from kb.store import PassageRow

    Floats = npt.NDArray[np.float32]
    Entry = tuple[int, int, str]  # the ordinal of a way in, its record's number, and the question (or title)

# Of 170 questions that the library answers, 98% have one this near; of 40 on other subjects, one (a question on banks
# and houses in a board game). Below, what is near is near by chance (docs/relevance.md).
NEAR_FROM: Final = 0.42
# Beside a question that is much nearer, the others of a subject are near by chance too.
NEAR_BESIDE_NEAREST: Final = 0.7
# Said alone, without the title that a way in is embedded with: at or above, it is the same question in other words.
SAME_AS_ASKED: Final = 0.93
SAME_AS_ANOTHER: Final = 0.85
RELATED_QUESTIONS: Final = 4
# Nearest entries that are looked at: enough to pass over all of one record's, and the records already shown.
_LOOKED_AT: Final = 100
_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class RelatedQuestion:
    """A question that the library answers, and the id of the record that does."""

    text: str
    record: str


class RelatedQuestions:
    """All questions of one generation. Immutable: any number of threads may ask at once."""

    def __init__(self, generation: Generation) -> None:
        self._generation = generation
        cards = generation.rows.cards()
        self._ids = [str(card["id"]) for card in cards]
        self._entries: list[Entry] = list(_entries(generation, cards))
        ordinals = np.array([ordinal for ordinal, _, _ in self._entries], dtype=np.int64)
        self._vectors: Floats = generation.vectors[ordinals].astype(np.float32)

    def near(
        self, vector: Floats, limit: int = RELATED_QUESTIONS, without: Collection[int] = (), *, asked: str = ""
    ) -> tuple[RelatedQuestion, ...]:
        """Questions near to a question's vector, nearest first, at most one of a record; few or none for an odd one.

        Those of records `without` (their numbers: what is shown already) come only when others do not suffice. None
        says the same as what was asked, as told by its meaning or by its words (`asked`), or as another one chosen.
        """
        if limit < 1 or not self._entries:
            return ()
        nearness = self._vectors @ vector
        order = best_first(nearness)[:_LOOKED_AT].tolist()
        from_here = max(NEAR_FROM, NEAR_BESIDE_NEAREST * float(nearness[order[0]]))
        near = [self._entries[index] for index in order if nearness[index] >= from_here]
        near.sort(key=lambda entry: entry[1] in without)  # stable: nearest first in both parts
        chosen: list[Entry] = []
        meanings: list[Floats] = []
        for entry in near:
            if any(entry[1] == other for _, other, _ in chosen) or _words(entry[2]) == _words(asked):
                continue
            meaning = self._meaning(entry[0])
            if meaning @ vector > SAME_AS_ASKED or any(meaning @ other > SAME_AS_ANOTHER for other in meanings):
                continue
            chosen.append(entry)
            meanings.append(meaning)
            if len(chosen) == limit:
                break
        return tuple(RelatedQuestion(text, self._ids[record]) for _, record, text in chosen)

    def _meaning(self, ordinal: int) -> Floats:
        """The vector of a way in without its title."""
        return normalise(self._generation.sentences_of(ordinal).astype(np.float32).mean(axis=0))


def _entries(generation: Generation, cards: Sequence[Mapping[str, Any]]) -> Iterator[Entry]:
    """The questions of each record, or its title by the first of its ways in when it has none."""
    ends = np.searchsorted(generation.record_of, np.arange(len(cards)), side="right").tolist()
    # A record's ways in stand last: its summary, its answers, and all of them together.
    last = {
        ordinal: number
        for number, (card, end) in enumerate(zip(cards, ends, strict=True))
        for ordinal in range(max(0, end - len(card["answers"]) - 2), end)
    }
    rows = generation.rows.passage_rows(sorted(last))
    begun: set[int] = set()
    for ordinal, row in sorted(rows.items()):
        number = row.record
        if number != last[ordinal] or not row.way_in:
            continue
        card = cards[number]
        if row.text in card["answers"]:
            yield ordinal, number, _plain(row)
        elif not card["answers"] and number not in begun:
            begun.add(number)
            yield ordinal, number, str(card["title"])


def _plain(row: PassageRow) -> str:
    return " ".join(row.text.split())


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
