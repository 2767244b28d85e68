"""What helps a question on: the same in the library's spelling, and questions near it that the library answers."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from kb.related_questions import RelatedQuestion, RelatedQuestions
from kb.spelling import Speller, known_to, words_of_names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    import numpy as np
    import numpy.typing as npt

    from kb.abbreviations import Abbreviations
    from kb.encoder import Encoder
    from kb.generation import Generation


class Hints:
    """Hints from one generation, prepared when the first is asked for. Any number of threads may ask at once."""

    def __init__(
        self, generation: Generation, encoder: Encoder, abbreviations: Abbreviations, names: Iterable[str] = ()
    ) -> None:
        """`names` are those of councils and places: their words are no misspellings."""
        self._generation = generation
        self._encoder = encoder
        self._abbreviations = abbreviations
        self._names = words_of_names(names)

    def spelling(self, question: str) -> str:
        """The question as it was perhaps meant, or an empty string when the library has all of its words."""
        lexical = self._generation.lexical
        if all(map(lexical.has, lexical.words(question))):  # most questions: the speller need not be prepared for them
            return ""
        return self._speller.correct(question) or ""

    def related(
        self, question: str, vector: npt.NDArray[np.float32], shown: Collection[int]
    ) -> tuple[RelatedQuestion, ...]:
        """Questions that the library answers, near this one; those of the records shown (by number) come last."""
        return self._questions.near(vector, without=shown, asked=question)

    @cached_property
    def _speller(self) -> Speller:
        known = known_to(self._encoder.count_tokens, self._abbreviations, self._names)
        return Speller.of(self._generation, known)

    @cached_property
    def _questions(self) -> RelatedQuestions:
        return RelatedQuestions(self._generation)
