"""Record -> Passages: the pieces of a record that are searched and shown.

A section is split at its blocks (paragraphs and lists), then at the items of a list or the sentences of a paragraph;
neighbouring pieces are put together again while they fit. The prefix `title > heading` is embedded and indexed with
each passage and not shown. The `answers` of a record, and its summary, are ways in: they are searched like passages,
and their hit shows the record's passage that is nearest to them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kb import vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kb.records import Record

# Counted in the index's manifest: a change here makes every generation built before it stale.
CHUNKER_VERSION: Final = 2
# The default model truncates at 256 word pieces; 200 leaves room and measured best (shared design, Search).
PASSAGE_MAX_TOKENS: Final = 200
_MARK: Final = re.compile(r"\s*\[s\d+\]")
_LIST_ITEM: Final = re.compile(r"^\s{0,3}(?:[-*+]|\d{1,3}[.)])\s+")
_LINK: Final = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_EMPHASIS: Final = re.compile(r"(\*\*|__|\*|`|(?<!\w)_|_(?!\w))")
_HEADING: Final = re.compile(r"^#{3,6}\s+", re.MULTILINE)
# A sentence ends at . ! or ?, with closing quotes and source marks, before white space and a likely beginning.
_SENTENCE_END: Final = re.compile(
    r"(?<=[.!?])[\"'\u201d\u2019)\]]*(?:\s*\[s\d+\])*[.]?\s+(?=[\"'\u201c\u2018(\[]?[A-Z0-9\u00a3])"
)
_ABBREVIATIONS: Final = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|Sir|St|No|Nos|Cllr|Rev|Ltd|Co|vs|cf|approx|e\.g|i\.e|etc|al|paras?|pp?|c|ss?)"
    r"\.|\b[A-Z]\.)$"
)


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a record. `text` is shown; `prefix` and `sentences` (plain, without marks) are what is searched.

    `spans` are the sentences' offsets in `text`, one for each of `sentences`. `anchor` is the id of the block of the
    record's page that it stands in. A way in has `way_in` True, and no stance of its own.
    """

    prefix: str
    section: str
    stance: str
    anchor: str
    text: str
    spans: tuple[tuple[int, int], ...]
    sentences: tuple[str, ...]
    way_in: bool = False

    @property
    def searched(self) -> str:
        """The words that are embedded and indexed."""
        return f"{self.prefix}\n{self.plain}" if self.prefix else self.plain

    @property
    def plain(self) -> str:
        return " ".join(self.sentences)


def plain_text(markdown: str) -> str:
    """The words of a piece of Markdown, without its marks of emphasis, links, list items and sources, on one line."""
    text = "\n".join(_LIST_ITEM.sub("", line) for line in _HEADING.sub("", markdown).split("\n"))
    text = _LINK.sub(r"\1", _MARK.sub("", text))
    return " ".join(_EMPHASIS.sub("", text).split())


def split_blocks(text: str) -> list[str]:
    """The blocks of a section: its paragraphs and lists. The items of a list stay together, blank lines or not."""
    blocks: list[str] = []
    for part in re.split(r"\n[ \t]*\n+", text.strip("\n")):
        if not part.strip():
            continue
        continues = blocks and _LIST_ITEM.match(blocks[-1]) and (_LIST_ITEM.match(part) or part.startswith("  "))
        if continues:
            blocks[-1] += f"\n\n{part}"
        else:
            blocks.append(part.rstrip())
    return blocks


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Offsets of the sentences of a text (of each item of a list); together they cover all but white space."""
    spans: list[tuple[int, int]] = []
    for start, end in _items(text):
        begin = start
        for match in _SENTENCE_END.finditer(text, start, end):
            if not _ABBREVIATIONS.search(text[max(begin, match.start() - 12) : match.start()]):
                spans.append((begin, match.end()))
                begin = match.end()
        spans.append((begin, end))
    trimmed = [_trim(text, start, end) for start, end in spans]
    return [(start, end) for start, end in trimmed if start < end]


def _items(text: str) -> list[tuple[int, int]]:
    """Offsets of the items of a list, or of the whole text when it is none."""
    starts = [match.start() for match in re.finditer(r"^.*$", text, re.MULTILINE) if _LIST_ITEM.match(match[0])]
    if not starts or text[: starts[0]].strip():
        starts.insert(0, 0)
    return list(zip(starts, [*starts[1:], len(text)], strict=True))


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def make_passages(record: Record, count_tokens: Callable[[Sequence[str]], list[int]]) -> list[Passage]:
    """All passages of a record in reading order, then its ways in.

    `count_tokens` gives the number of the model's word pieces of each text; no passage has more than
    PASSAGE_MAX_TOKENS with its prefix, unless one sentence alone is longer.
    """
    passages: list[Passage] = []
    for section in record.sections:
        prefix = f"{record.title} > {section.heading}"
        for number, block in pack_blocks(section.text, prefix, count_tokens):
            anchor = section.anchor if number == 1 else f"{section.anchor}-{number}"
            for text in split_text(block, prefix, count_tokens):
                passages.append(
                    make_passage(prefix, text, section=section.heading, stance=section.stance, anchor=anchor)
                )
    for entry in (record.summary, *record.answers, _in_short(record)):
        spans = ((0, len(entry)),)
        passages.append(Passage(record.title, "", "", "", entry, spans, (plain_text(entry),), way_in=True))
    return passages


def _in_short(record: Record) -> str:
    """All that a record says of itself, as one way in: a broad question is near to no single answer of it."""
    services = "; ".join(vocabulary.SERVICE.label_of(service) for service in record.services)
    return " ".join([record.summary, *record.answers, f"{services}."])


def pack_blocks(text: str, prefix: str, count_tokens: Callable[[Sequence[str]], list[int]]) -> list[tuple[int, str]]:
    """The blocks of a section, short neighbours together while they fit; with each the number of its first block."""
    blocks = split_blocks(text)
    counts = count_tokens([prefix, *map(plain_text, blocks)])
    packed: list[tuple[int, str]] = []
    held = 0
    for number, (block, count) in enumerate(zip(blocks, counts[1:], strict=True), start=1):
        if packed and counts[0] + held + count <= PASSAGE_MAX_TOKENS:
            packed[-1] = (packed[-1][0], f"{packed[-1][1]}\n\n{block}")
            held += count
        else:
            packed.append((number, block))
            held = count
    return packed


def make_passage(prefix: str, text: str, *, section: str = "", stance: str = "", anchor: str = "") -> Passage:
    """A passage of this text, with its sentences."""
    spans = [(start, end) for start, end in split_sentences(text) if plain_text(text[start:end])]
    sentences = tuple(plain_text(text[start:end]) for start, end in spans)
    return Passage(prefix, section, stance, anchor, text, tuple(spans), sentences)


def split_text(text: str, prefix: str, count_tokens: Callable[[Sequence[str]], list[int]]) -> list[str]:
    """The text in pieces of at most PASSAGE_MAX_TOKENS with the prefix, cut between sentences, as even as can be.

    Even pieces, because a last piece of one short sentence is a poor passage to find and a poor one to read.
    """
    spans = split_sentences(text)
    counts = count_tokens([prefix, *(plain_text(text[start:end]) for start, end in spans)])
    room = max(PASSAGE_MAX_TOKENS - counts[0], PASSAGE_MAX_TOKENS // 4)
    total = sum(counts[1:])
    if total <= room or len(spans) == 1:
        return [text]
    target = total / -(-total // room)
    pieces: list[str] = []
    begin, held = spans[0][0], 0
    for index, ((start, end), count) in enumerate(zip(spans, counts[1:], strict=True)):
        if held and (held + count > room or held + count / 2 > target):
            pieces.append(text[begin : spans[index - 1][1]])
            begin, held = start, 0
        held += count
        if index == len(spans) - 1:
            pieces.append(text[begin:end])
    return pieces
