"""Record -> Draft: the rows of a generation that one record gives, before anything is embedded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kb.errors import KbError
from kb.filters import record_terms
from kb.passages import Passage, make_passage, make_passages, split_text
from kb.record_file import parse
from kb.records import Case, Record, place, years
from kb.store import PassageRow, RecordRow, StoredRecord, content_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class Draft:
    """A record ready to be indexed: what its hits show, the terms of its filters, and its passages with ways in."""

    row: RecordRow
    passages: tuple[PassageRow, ...]


def make_draft(stored: StoredRecord, count_tokens: Callable[[Sequence[str]], list[int]]) -> Draft:
    """Parses a record and cuts it into passages. Raises KbError for one that cannot be read."""
    parsed = parse(stored.markdown)
    if parsed.record is None:
        fault = parsed.faults[0]
        raise KbError(f"record {stored.id}, line {fault.line}: {fault.message}; mend it and load it again")
    passages = make_passages(parsed.record, count_tokens)
    row = RecordRow(stored.id, stored.content_hash, stored.markdown, json.dumps(make_card(parsed.record)))
    return Draft(row, tuple(_row_of(passage, number) for number, passage in enumerate(passages)))


_PLAIN_CARD: Final = {
    "kind": "case",
    "summary": "",
    "place": "",
    "years": [2000, 2000],
    "outcome": "mixed",
    "outcome_as_at": None,
    "finding_basis": "press",
    "effect_evidence": None,
    "corroboration": None,
    "services": [],
    "terms": {"kind": ["case"], "outcome": ["mixed"]},
    "answers": [],
    "linked": [],
}


def draft_text(name: str, title: str, text: str, count_tokens: Callable[[Sequence[str]], list[int]]) -> Draft:
    """A plain text with a title as a draft without facets, for test sets and synthetic libraries."""
    passages = [make_passage(title, piece) for piece in split_text(text, title, count_tokens)]
    card = json.dumps({**_PLAIN_CARD, "id": name, "title": title})
    row = RecordRow(name, content_hash(f"{title}\n{text}"), "", card)
    return Draft(row, tuple(_row_of(passage, number) for number, passage in enumerate(passages)))


def _row_of(passage: Passage, number: int) -> PassageRow:
    return PassageRow(
        record=0,
        prefix=passage.prefix,
        section=passage.section,
        stance=passage.stance,
        anchor=passage.anchor,
        text=passage.text,
        spans=json.dumps(passage.spans),
        sentences=json.dumps(passage.sentences, ensure_ascii=False),
        way_in=passage.way_in,
        target=number,
    )


def make_card(record: Record) -> dict[str, Any]:
    """What a hit shows of its record, and the terms of its filters."""
    case = record if isinstance(record, Case) else None
    return {
        "id": record.id,
        "kind": record.kind,
        "title": record.title,
        "summary": record.summary,
        "place": place(record),
        "bodies": [body.gss for body in case.organisations if body.gss] if case else [],
        "years": years(record),
        "outcome": record.outcome,
        "outcome_as_at": case.outcome_as_at if case else None,
        "finding_basis": record.finding_basis,
        "effect_evidence": case.effect_evidence if case else None,
        "corroboration": None if isinstance(record, Case) else record.corroboration,
        "services": record.services,
        "terms": record_terms(record),
        "answers": record.answers,
        "linked": [(link.record, link.how) for link in case.linked] if case else [],
        "checked_on": record.checked_on,
    }


def place_row(row: PassageRow, record: int, first: int) -> PassageRow:
    """The passage as the record number `record`, whose first passage has the ordinal `first`."""
    return PassageRow(
        record, row.prefix, row.section, row.stance, row.anchor, row.text, row.spans, row.sentences, row.way_in,
        first + row.target,
    )  # fmt: skip


def searched_text(row: PassageRow) -> tuple[str, list[tuple[int, int]]]:
    """The words of a passage that are embedded and indexed, and the offsets of its sentences in them."""
    text = f"{row.prefix}\n" if row.prefix else ""
    spans = []
    sentences = json.loads(row.sentences)
    for number, sentence in enumerate(sentences):
        text += " " if number else ""
        spans.append((len(text), len(text) + len(sentence)))
        text += sentence
    return text, spans


def facets_of(terms: dict[str, Sequence[str]]) -> tuple[str, ...]:
    """A record's terms as both legs know them: `outcome=failed`."""
    return tuple(f"{name}={value}" for name, values in terms.items() for value in values)
