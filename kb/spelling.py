"""Spelling help: a question with the words that the library does not have put right, from the library's own words.

Candidates are compared by rapidfuzz, which needs no index of its own: it holds a misspelt word against four thousand
others in 0.1 ms, where a table of deletions (SymSpell) would take a second and some memory to make. What
is a misspelling at all is told by the model's own list of word pieces: a word that is one whole piece is English.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Final

from rapidfuzz import process
from rapidfuzz.distance import OSA

from kb.drafts import searched_text

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping

    from kb.generation import Generation

# Edits (a letter more, less, other, or two changed places) that still make a word the same one misspelt, by its length.
SHORTEST_LETTERS: Final = 5  # of four, "daft" became "draft", and little was put right
LONG_FROM_LETTERS: Final = 8
EDITS_OF_SHORT: Final = 1
EDITS_OF_LONG: Final = 2
# A word that the library has once may be a name, or misspelt itself.
TRUSTED_FROM_TIMES: Final = 2
# The library's words are read from at most so many of its passages, evenly spread: 3,000 take 0.2 s, and what more of
# them would add is rare words.
READ_PASSAGES: Final = 5_000
_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)*")
_SENTENCE_BEGINS: Final = re.compile(r"(?:^|[.?!:]\s+)[\"'“‘(\[]*$")
_RUN: Final = re.compile(r"(.)\1+")
# What English words are lengthened by. Only to tell that a word may be right as it is.
ENDINGS: Final = ("s", "es", "ed", "d", "ing", "er", "r", "ly")
BEGINNINGS: Final = ("un", "re", "mis", "over", "out", "off", "non")
SHORTEST_BASE_LETTERS: Final = 3
PLAIN_FORMS: Final = (("s", ""), ("ed", ""), ("ed", "e"), ("ing", ""), ("ing", "e"))
# A question of more unknown words than this is in another language, or no question.
MOST_UNKNOWN_WORDS: Final = 8


class Speller:
    """The words of one library. Immutable: any number of threads may ask at once."""

    def __init__(self, words: Mapping[str, int], knows: Callable[[str], bool]) -> None:
        """`words` are what may be suggested, in small letters, with how often each was found; `knows` says of a word in
        small letters that it is right as it is.
        """
        self._times = {
            word: times
            for word, times in words.items()
            if times >= TRUSTED_FROM_TIMES and len(word) >= SHORTEST_LETTERS and word.isalpha()
        }
        self._words = list(self._times)
        self._knows = knows

    @classmethod
    def of(cls, generation: Generation, known: Callable[[str], bool]) -> Speller:
        """The speller of a generation. `known` says which words are right though the library does not have them.

        See `known_to` for what that is besides abbreviations and names.
        """
        lexical = generation.lexical

        def knows(word: str) -> bool:
            stems = lexical.stems(word)
            return all(lexical.has(stem) for stem in stems) or known(word)

        words = Counter(_words_of(generation))
        for word, times in tuple(words.items()):
            if times >= TRUSTED_FROM_TIMES:
                # "receive" may be suggested where the library has only "received": both have the same stem.
                words.update({base: times for base in _plain_forms(word) if base not in words and known(base)})
        return cls(words, knows)

    def correct(self, question: str) -> str | None:
        """The question with its misspelt words put right, in the letters' case as it was; None when it has none.

        Left alone are words that the library has, by their stem, or that are known; words of fewer than four letters,
        with figures, or with capitals (abbreviations, and names within a sentence); and a question of many unknown
        words, which is in another language.
        """
        matches = (match for match in _WORD.finditer(question) if self._is_unknown(question, match))
        unknown = list(islice(matches, MOST_UNKNOWN_WORDS + 1))
        if not unknown or len(unknown) > MOST_UNKNOWN_WORDS:
            return None
        parts, last = [], 0
        for match in unknown:
            instead = self._nearest(match[0].lower())
            if instead is not None:
                parts += [question[last : match.start()], _in_case_of(match[0], instead)]
                last = match.end()
        return "".join([*parts, question[last:]]) if parts else None

    def _is_unknown(self, question: str, match: re.Match[str]) -> bool:
        word = match[0]
        if len(word) < SHORTEST_LETTERS or not word.isalpha():
            return False
        if word != word.lower():
            begins = _SENTENCE_BEGINS.search(question[max(0, match.start() - 4) : match.start()])
            if word[1:] != word[1:].lower() or not begins:
                return False
        return not self._knows(word.lower())

    def _nearest(self, word: str) -> str | None:
        """The library's word that this most likely is, or None: the fewest edits, then the word found most often."""
        edits = EDITS_OF_LONG if len(word) >= LONG_FROM_LETTERS else EDITS_OF_SHORT
        near = process.extract(word, self._words, scorer=OSA.distance, score_cutoff=edits, limit=None)
        fitting = [
            (distance, _undoubled(one) != _undoubled(word), one[-1] != word[-1], -self._times[one], one)
            for one, distance, _ in near
            if _likely(word, one)
        ]
        return min(fitting)[-1] if fitting else None


def known_to(count_tokens: Callable[[list[str]], list[int]], *others: Container[str]) -> Callable[[str], bool]:
    """Whether a word is right as it is: one of the `others` (abbreviations, the words of councils' names), or English.

    English is told by the model's list of word pieces (`count_tokens` is the encoder's): a word that is a single piece
    is. So "giraffe" is not taken for a misspelling because no council kept one, nor "gritting", whose "grit" is one.
    """
    return lambda word: any(word in some for some in others) or 1 in count_tokens(list(_bases(word)))


def words_of_names(names: Iterable[str]) -> frozenset[str]:
    """The words of councils' names, in small letters, as `known_to` takes them."""
    return frozenset(match[0].lower() for name in names for match in _WORD.finditer(name))


def _bases(word: str) -> set[str]:
    """The word, and what it may be made from: without endings (twice over: tippers, tipper, tip) and beginnings."""
    found = {word}
    for _ in range(2):
        for form in tuple(found):
            if form.endswith("ies"):
                found.add(f"{form[:-3]}y")
            for ending in ENDINGS:
                rest = form.removesuffix(ending)
                if rest != form and len(rest) >= SHORTEST_BASE_LETTERS:
                    found |= {rest, f"{rest}e", rest[:-1] if rest[-1] == rest[-2] else rest}
    found |= {form[len(start) :] for form in tuple(found) for start in BEGINNINGS if form.startswith(start)}
    return {form for form in found if len(form) >= SHORTEST_BASE_LETTERS}


def _likely(word: str, other: str) -> bool:
    """People seldom get the first letter wrong, unless the first two changed places."""
    return word[0] == other[0] or word[:2] == other[1::-1]


def _plain_forms(word: str) -> list[str]:
    """What a word may be without its ending of number or time."""
    return [f"{word[: -len(cut)]}{put}" for cut, put in PLAIN_FORMS if word.endswith(cut)]


def _undoubled(word: str) -> str:
    """The word with each run of one letter as one: what people get wrong most often is how many there are."""
    return _RUN.sub(r"\1", word)


def _words_of(generation: Generation) -> Iterator[str]:
    step = -(-max(1, generation.manifest.passages) // READ_PASSAGES)
    ordinals = range(0, generation.manifest.passages, step) if step > 1 else None
    for row in generation.rows.passage_rows(ordinals).values():
        for match in _WORD.finditer(searched_text(row)[0]):
            yield match[0].lower()


def _in_case_of(given: str, word: str) -> str:
    return word.capitalize() if given[0].isupper() else word
