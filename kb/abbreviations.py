"""The sector's abbreviations: the table of them, and the reading of a question with both forms of each.

The table is corpus/abbreviations.csv; corpus/abbreviations.README.md says what its columns mean and how to add to it.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from kb.errors import KbError
from kb.lexical import QUESTION_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

FILE_NAME: Final = "abbreviations.csv"
_SHIPPED: Final = Path(__file__).resolve().parent.parent / "corpus" / FILE_NAME
COLUMNS: Final = ("short", "long", "letters", "context", "source", "url")
# How a short form must be written to be read as one: `capitals` for those that are also a plain word (send, mash), or
# so short that they turn up by chance.
LETTERS: Final = ("any", "capitals")
# A word, with an ampersand inside (A&E), a possessive, or points between its letters (M.T.F.S.).
_WORD: Final = re.compile(r"(?:[^\W\d_]\.){2,12}[^\W\d_]?(?!\w)|\w+(?:&\w+)*(?:['’]\w+)?")
_SHORT: Final = re.compile(r"[A-Za-z0-9]+(?:&[A-Za-z0-9]+)*")
_SECTION: Final = re.compile(r"s(\d+[a-z]?)", re.IGNORECASE)
_SECTION_WORDS: Final = ("s", "sec", "sect")  # as in s.114, s 114, sec 114
_BETWEEN: Final = "and"  # left out on both sides: "health & care" is "health and care"
_ASKING: Final = frozenset(QUESTION_WORDS)
_REMEMBERED_WORDS: Final = 20_000


class AbbreviationTableError(KbError):
    """The table of abbreviations cannot be used; the message says at which file and line, and what to do."""


@dataclass(frozen=True, slots=True)
class Abbreviation:
    """A short form with its long one. With `context`, it is read so only beside one of those words."""

    short: str
    long: str
    letters: str
    context: frozenset[str]
    source: str
    url: str


@dataclass(frozen=True, slots=True)
class Expansion:
    """An abbreviation that a question has: in which form it was given, and where (`question[start:end]`)."""

    short: str
    long: str
    given: Literal["short", "long"]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Wording:
    """A question as it was asked, and as the two legs are asked.

    `meaning` is the text to embed: the long form stands in the place of each short one, which measured better than
    following it (docs/relevance.md). `words` is the text for the lexical leg: the question, then the other form of each
    abbreviation. `readings` are the ways to say it, as asked first, then spelt out, then shortened: a record that
    covers one of them covers the question.
    """

    question: str
    meaning: str
    words: str
    readings: tuple[str, ...]
    expansions: tuple[Expansion, ...]


class _Words(NamedTuple):
    """The words of a text, side by side: as written, as they are compared, and where they stand."""

    written: list[str]
    plain: list[str]
    spans: list[tuple[int, int]]


class Abbreviations:
    """The table, ready to read questions. Immutable: any number of threads may ask at once."""

    def __init__(self, table: Iterable[Abbreviation] = ()) -> None:
        self.table = tuple(table)
        self._short: dict[str, list[Abbreviation]] = {}
        self._long: dict[str, list[tuple[list[str], Abbreviation]]] = {}
        for one in self.table:
            self._short.setdefault(one.short.lower(), []).append(one)
            form = _words(one.long).plain
            self._long.setdefault(form[0], []).append((form, one))
        for forms in self._long.values():
            forms.sort(key=lambda form: -len(form[0]))  # the longest that fits is meant
        # What any of them can begin with: all other words are passed over at once.
        shorts = (_plain(form) for short in self._short for form in (short, f"{short}s"))
        self._starts: frozenset[str] = frozenset([*self._long, *shorts, *_SECTION_WORDS])

    def __contains__(self, word: object) -> bool:
        """Whether a word, in any letters and number, is a short form."""
        text = str(word).lower()
        return text in self._short or (text.endswith("s") and text[:-1] in self._short)

    def read(self, question: str) -> Wording:
        """The question with the other form of each abbreviation in it; as it is when it has none."""
        found = self._find(question)
        if not found:
            return Wording(question, question, question, (question,), ())
        spelt = [(one.start, one.end, one.long) for one in found if one.given == "short"]
        shortened = [(one.start, one.end, one.short) for one in found if one.given == "long"]
        meaning = _replace(question, spelt)
        readings = tuple(dict.fromkeys([question, meaning, _replace(question, shortened)]))
        others = dict.fromkeys(other for _, _, other in (*spelt, *shortened))
        return Wording(question, meaning, " ".join([question, *others]), readings, _first_of_each(found))

    def _find(self, question: str) -> list[Expansion]:
        """What the question has, in the order in which it has it; nothing that it has in both forms already."""
        words = _words(question)
        shouted = not any(map(str.islower, question)) and not _ASKING.isdisjoint(words.plain)
        starts = self._starts
        found: list[Expansion] = []
        free = 0  # the first word that no abbreviation before has
        for position, plain in enumerate(words.plain):
            if position < free or plain not in starts:
                continue
            given: Literal["short", "long"] = "long"
            length, meant = self._long_at(words, position)
            if meant is None:
                given = "short"
                length, meant = self._short_at(words, position, shouted=shouted)
            if meant is not None:
                free = position + length
                start, end = words.spans[position][0], words.spans[free - 1][1]
                found.append(Expansion(meant.short, meant.long, given, start, end))
        in_short = {one.short for one in found if one.given == "short"}
        in_long = {one.short for one in found if one.given == "long"}
        return [one for one in found if one.short not in in_short & in_long]

    def _long_at(self, words: _Words, position: int) -> tuple[int, Abbreviation | None]:
        for form, meant in self._long.get(words.plain[position], ()):
            if words.plain[position : position + len(form)] == form:
                return len(form), meant
        return 1, None

    def _short_at(self, words: _Words, position: int, *, shouted: bool) -> tuple[int, Abbreviation | None]:
        text, length = words.written[position], 1
        if text.lower() in _SECTION_WORDS and position + 1 < len(words.written):
            text, length = f"s{words.written[position + 1]}", 2
        for form in (text, text[:-1] if text.endswith(("s", "S")) else ""):
            fitting = [
                one
                for one in self._short.get(form.lower(), ())
                if one.letters == "any" or (form == one.short and not shouted)
            ]
            if fitting:
                return length, _meant(fitting, words)
        return length, None


def _first_of_each(found: Iterable[Expansion]) -> tuple[Expansion, ...]:
    first: dict[str, Expansion] = {}
    for one in found:
        first.setdefault(one.short, one)
    return tuple(first.values())


def load_abbreviations(path: Path) -> Abbreviations:
    """Reads the table. Raises AbbreviationTableError with file and line."""
    table: list[Abbreviation] = []
    known: set[tuple[str, str]] = set()
    for line, row in _rows(path):
        one = _abbreviation(row, f"{path}:{line}")
        names = (one.short.lower(), one.long.lower())
        if names in known:
            raise AbbreviationTableError(f"{path}:{line}: {one.short} ({one.long}) is there already; remove one")
        if any(other.short.lower() == names[0] and other.context == one.context for other in table):
            raise AbbreviationTableError(
                f"{path}:{line}: {one.short} has two long forms and nothing tells them apart; give one a context"
            )
        known.add(names)
        table.append(one)
    return Abbreviations(table)


def find_abbreviations(corpus: Path) -> Abbreviations:
    """The abbreviations of a corpus folder, or else those beside the package, or none."""
    path = next((path for path in (corpus / FILE_NAME, _SHIPPED) if path.exists()), None)
    return load_abbreviations(path) if path is not None else Abbreviations()


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise AbbreviationTableError(f"{path}:1: no column {', '.join(missing)}; see abbreviations.README.md")
            for row in reader:
                if None in row or None in row.values():
                    raise AbbreviationTableError(f"{path}:{reader.line_num}: too few or too many cells")
                yield reader.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise AbbreviationTableError(f"{path}:1: cannot be read ({fault}); see abbreviations.README.md") from fault


def _abbreviation(row: dict[str, str], place: str) -> Abbreviation:
    short, long, letters = row["short"], row["long"], row["letters"]
    if not _SHORT.fullmatch(short) or not long.strip():
        raise AbbreviationTableError(f"{place}: short {short!r} is letters and digits without spaces, long is words")
    if letters not in LETTERS:
        raise AbbreviationTableError(f"{place}: letters {letters!r} is not one of {', '.join(LETTERS)}")
    if not row["source"].strip() or not row["url"].startswith("http"):
        raise AbbreviationTableError(f"{place}: {short} has no source with its address; name where it is spelt out")
    context = frozenset(_plain(word.strip().lower()) for word in row["context"].split(";") if word.strip())
    return Abbreviation(short, long, letters, context, row["source"], row["url"])


def _meant(candidates: Sequence[Abbreviation], words: _Words) -> Abbreviation | None:
    """The one whose context the question has, or else the one that needs none."""
    beside = [one for one in candidates if not one.context.isdisjoint(words.plain)]
    return next(iter(beside or [one for one in candidates if not one.context]), None)


def _words(text: str) -> _Words:
    spans = [match.span() for match in _WORD.finditer(text)]
    read = [_read_word(text[start:end]) for start, end in spans]
    return _Words(
        [written for written, plain in read if plain != _BETWEEN],
        [plain for _, plain in read if plain != _BETWEEN],
        [span for span, (_, plain) in zip(spans, read, strict=True) if plain != _BETWEEN],
    )


@lru_cache(maxsize=_REMEMBERED_WORDS)
def _read_word(word: str) -> tuple[str, str]:
    """A word without points and possessive, and the same in lower case and the singular."""
    written = word.replace(".", "")
    for mark in "'’":
        written = written.partition(mark)[0]
    return written, _plain(written.lower())


def _plain(word: str) -> str:
    """A word in the singular, roughly; both sides of a comparison go through this."""
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _replace(text: str, changes: Sequence[tuple[int, int, str]]) -> str:
    """The text with each [start:end] replaced; the changes are in rising order and do not overlap."""
    parts, last = [], 0
    for start, end, instead in changes:
        parts += [text[last:start], instead]
        last = end
    return "".join([*parts, text[last:]])
