"""A pasted text -> the paragraphs that are checked one by one: blocks, list items, rows of a table, cut and joined.

What is pasted comes from Word, from a PDF whose lines are cut hard, from a spreadsheet. Nothing is left out: what is
too short to be understood alone is put with its neighbour, and what the model could not read at once is cut between
sentences.
"""

from __future__ import annotations

import re
from typing import Final

from kb.errors import TextRefused
from kb.passages import split_sentences

# The most that `kb signs`, the page and the API take at once: a committee report, some six pages.
TEXT_MAX_CHARACTERS: Final = 20_000
# The model reads 256 word pieces, some 1,100 characters of plain English; the rest of a paragraph would go unread.
PARAGRAPH_MAX_CHARACTERS: Final = 900
# Shorter pieces (a heading, a cell, half a line) say too little alone.
PARAGRAPH_MIN_CHARACTERS: Final = 60
SENTENCE_MIN_CHARACTERS: Final = 25
# Lines of one block that end a sentence are put together up to this length: a text cut hard at its lines is no list.
_LINES_TOGETHER_CHARACTERS: Final = 400
# More paragraphs than this are joined with their neighbours, so that nobody's thousand short lines take a minute.
PARAGRAPHS_MAX: Final = 80

BYTES_MAX: Final = 4 * TEXT_MAX_CHARACTERS

_LINE_BREAK: Final = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff]")
_ITEM: Final = re.compile(
    r"^\s*(?:[-*+\u2022\u2023\u25aa\u25cf\u25e6\u2013\u2014\uf0b7]|\(?(?:\d{1,3}|[a-z]|[ivx]{1,5})[.)]|\d{1,3}(?:\.\d{1,3})+\.?)\s+"
)
_CELLS: Final = re.compile(r"\s*(?:\||\t)[\s|]*")
_CELL_BREAK: Final = " \u00b7 "
_RULE: Final = re.compile(r"[\s\-=_*+|:\u2500-\u257f]*")
_ENDS_SENTENCE: Final = re.compile(r"[.:;!?][\"'\u201d\u2019)\]]*$")


def decode_text(data: bytes, name: str) -> str:
    """A file's bytes as text. Raises TextRefused, which names the file, when it is too long or not UTF-8."""
    too_long = f"{name}: is longer than {TEXT_MAX_CHARACTERS:,} characters, the most that is checked at once; cut it up"
    if len(data) > BYTES_MAX:
        raise TextRefused(too_long)
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise TextRefused(
            f"{name}: is not UTF-8: byte {error.start:,} belongs to no character; save it as plain text in UTF-8"
        ) from error
    if len(text) > TEXT_MAX_CHARACTERS:
        raise TextRefused(too_long)
    return text


def clean_text(text: str) -> str:
    """The text with plain line breaks and without control characters; tabs stay, since tables are made of them."""
    return _UNPRINTABLE.sub(" ", _LINE_BREAK.sub("\n", text)).strip()


def split_paragraphs(text: str) -> list[str]:
    """The paragraphs of a text in order, each on one line: PARAGRAPHS_MAX, or a few more where many are long."""
    pieces = [piece for block in re.split(r"\n[ \t]*\n", clean_text(text)) for piece in _pieces(block)]
    paragraphs = _joined(pieces, PARAGRAPH_MIN_CHARACTERS)
    if len(paragraphs) > PARAGRAPHS_MAX:
        paragraphs = _joined(paragraphs, -(-sum(map(len, paragraphs)) // PARAGRAPHS_MAX))
    return [part for paragraph in paragraphs for part in _cut(paragraph)]


def sentence_spans(paragraph: str) -> list[tuple[int, int]]:
    """Offsets of a paragraph's sentences and a row's cells; one of a few letters (an initial) goes with the next."""
    spans: list[tuple[int, int]] = []
    begin: int | None = None
    for start, end in _cells(paragraph):
        begin = start if begin is None else begin
        if end - begin >= SENTENCE_MIN_CHARACTERS:
            spans.append((begin, end))
            begin = None
    if begin is not None and spans:
        spans[-1] = (spans[-1][0], len(paragraph.rstrip()))
    elif begin is not None:
        spans.append((begin, len(paragraph.rstrip())))
    return spans


def _cells(paragraph: str) -> list[tuple[int, int]]:
    """The sentences of a paragraph, cut where a cell of a table or a heading ends: owner and score are no sentence."""
    found = []
    for start, end in split_sentences(paragraph):
        at = start
        for cell in paragraph[start:end].split(_CELL_BREAK):
            found.append((at, at + len(cell)))
            at += len(cell) + len(_CELL_BREAK)
    return [(start, end) for start, end in found if end > start]


def _pieces(block: str) -> list[str]:
    """The pieces of a block: its list items and table rows apart, its other lines put together again."""
    pieces: list[str] = []
    open_piece = False  # whether the next plain line goes on with the last piece
    for line in block.split("\n"):
        if _RULE.fullmatch(line):
            open_piece = False
            continue
        row = _CELLS.search(line.strip()) is not None
        words = " ".join(_CELLS.sub(_CELL_BREAK, line.strip()).split()).strip("\u00b7 ")
        if not words:
            continue
        if open_piece and not row and not _ITEM.match(line):
            pieces[-1] += f" {words}"
        else:
            pieces.append(words)
        full = len(pieces[-1]) >= _LINES_TOGETHER_CHARACTERS and _ENDS_SENTENCE.search(words)
        open_piece = not row and not full
    return pieces


def _joined(pieces: list[str], least: int) -> list[str]:
    """Each piece shorter than `least` with the one after it; a heading belongs to what it stands over."""
    joined: list[str] = []
    held = ""
    for piece in pieces:
        held = f"{held}{_between(held)}{piece}" if held else piece
        if len(held) >= least:
            joined.append(held)
            held = ""
    if held and joined:
        joined[-1] += f"{_between(joined[-1])}{held}"
    elif held:
        joined.append(held)
    return joined


def _between(before: str) -> str:
    """What stands between two pieces that were joined: a heading and its text do not make one sentence."""
    return " " if _ENDS_SENTENCE.search(before) else " \u00b7 "


def _cut(paragraph: str) -> list[str]:
    """A long paragraph in parts that the model reads whole, cut between sentences, or between words if it must be."""
    parts: list[str] = []
    held = ""
    for start, end in (
        split_sentences(paragraph) if len(paragraph) > PARAGRAPH_MAX_CHARACTERS else [(0, len(paragraph))]
    ):
        for piece in _at_words(paragraph[start:end]):
            if held and len(held) + 1 + len(piece) > PARAGRAPH_MAX_CHARACTERS:
                parts.append(held)
                held = piece
            else:
                held = f"{held} {piece}" if held else piece
    return [*parts, held] if held else parts


def _at_words(sentence: str) -> list[str]:
    """A sentence in pieces of at most PARAGRAPH_MAX_CHARACTERS, cut at spaces where there are any."""
    pieces = []
    while len(sentence) > PARAGRAPH_MAX_CHARACTERS:
        at = sentence.rfind(" ", 1, PARAGRAPH_MAX_CHARACTERS + 1)
        at = PARAGRAPH_MAX_CHARACTERS if at < 0 else at
        pieces.append(sentence[:at].strip())
        sentence = sentence[at:].strip()
    return [*pieces, sentence] if sentence else pieces
