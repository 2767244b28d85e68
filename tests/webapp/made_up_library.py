"""A knowledge base without an engine: the interface of `kb.knowledge.KnowledgeBase`, ranking by words in common.

It is built from real records, so that what the pages show is what they will show. Its scores mean nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from kb import record_file
from kb.answer import Answer, Extract, Hit
from kb.browse import Catalogue
from kb.councils import load_abolished, load_councils
from kb.drafts import make_card
from kb.errors import NoIndex
from kb.filters import Filters, composed_terms, record_terms
from kb.gaps import Gap, clean_gap
from kb.history import Version
from kb.passages import split_blocks, split_sentences
from kb.peers import Peers
from kb.records import Case, Lesson, Record, place, years
from kb.signs import CheckedParagraph, Signs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kb.councils import Council

_NO_FILTERS = Filters()
RECORDS = Path(__file__).parent / "records"
CORPUS = Path(__file__).parents[2] / "corpus"
_WORD = re.compile(r"[a-z']{4,}")
_NO_MEANING = frozenset({"what", "that", "this", "with", "from", "have", "does", "when", "were", "they", "would"})


@dataclass(frozen=True, slots=True)
class Health:
    ok: bool
    generation: str
    records: int
    passages: int
    message: str = ""


@dataclass(frozen=True, slots=True)
class Related:
    record: str
    kind: str
    title: str
    outcome: str
    outcome_as_at: str | None
    place: str
    how: str
    other_outcome: bool = False


def read_records(folder: Path = RECORDS) -> list[Case | Lesson]:
    records = [record_file.parse(path.read_text("utf-8")).record for path in sorted(folder.rglob("*.md"))]
    return [record for record in records if record is not None]


class MadeUpLibrary:
    """Answers from the given records. `without_index` makes every question raise NoIndex, as before the first build."""

    def __init__(self, records: Iterable[Record] | None = None, *, without_index: bool = False) -> None:
        self.records = list(read_records() if records is None else records)
        self.without_index = without_index
        self.failure: Exception | None = None
        self.asked: list[tuple[str, Filters, int, bool]] = []
        self.ordered: list[tuple[int, str, str]] = []
        self.placed: list[tuple[str, str]] = []
        self.checked: list[str] = []
        self.gaps_recorded: list[str] = []
        self.refreshed = 0

    def _check(self) -> None:
        if self.without_index:
            raise NoIndex("index/ has no generation; run `kb index`")
        if self.failure is not None:
            raise self.failure

    def ask(
        self,
        question: str,
        filters: Filters = _NO_FILTERS,
        *,
        limit: int = 10,
        offset: int = 0,
        balanced: bool = False,
        order: str = "relevance",
        view: str = "best",
        council: Council | None = None,
        places: str = "all",
    ) -> Answer:
        self._check()
        self.ordered.append((offset, order, view))
        self.placed.append((council.gss if council else "", places))
        self.asked.append((question, filters, limit, balanced))
        words = set(_WORD.findall(question.lower())) - _NO_MEANING
        found = self._found(words, filters)
        close = bool(found) and found[0][0] >= 0.25
        bearing = [one for one in found if one[0] >= 0.25]
        shown = (bearing if close else found)[offset : offset + limit]
        hits = tuple(_hit(rank, record, extracts) for rank, (_, record, extracts) in enumerate(shown, start=offset + 1))
        counts = _counts(record for _, record, _ in bearing)
        opened = {
            field: _counts(one[1] for one in self._found(words, filters.without(field)) if one[0] >= 0.25).get(
                field, {}
            )
            for field, _ in filters.terms
            if field not in ("stance", "year")
        }
        setbacks = any(one.stance == "did-not-work" for hit in hits for one in (hit.passage, *hit.further))
        return Answer(
            question=question,
            close=close,
            hits=hits,
            total=len(bearing),
            setbacks=setbacks,
            counts=counts,
            open_counts=opened,
            years=(2015, 2024) if bearing else None,
            milliseconds={"total": 1.0},
            generation="made-up",
        )

    def _found(self, words: set[str], filters: Filters) -> list[tuple[float, Record, list[Extract]]]:
        stances = filters.values("stance")
        found = []
        for record in self.records:
            if not all(set(facets) & _facets(record) for field, facets in filters.facets() if field != "stance"):
                continue
            extracts = [one for one in _extracts(record, words) if not stances or one.stance in stances]
            extracts.sort(key=lambda one: -one.score)
            if extracts:
                found.append((extracts[0].score, record, extracts))
        return sorted(found, key=lambda one: (-one[0], one[1].id))

    def likeness_of(self, records: Iterable[str], council: object) -> dict[str, str]:
        return dict.fromkeys(records, "same tier, similar size") if council else {}

    def record(self, record_id: str) -> Record | None:
        self._check()
        return next((record for record in self.records if record.id == record_id), None)

    def similar(self, record_id: str, limit: int = 4) -> tuple[Related, ...]:
        self._check()
        others = [record for record in self.records if record.id != record_id]
        return tuple(
            Related(
                record.id,
                record.kind,
                record.title,
                record.outcome,
                record.outcome_as_at if isinstance(record, Case) else None,
                place(record),
                "The same failure elsewhere" if number == 0 else "",
            )
            for number, record in enumerate(others[:limit])
        )

    @cached_property
    def peers(self) -> Peers:
        """The councils as they are: there is nothing to make up."""
        return Peers(load_councils(CORPUS / "councils.csv"), load_abolished(CORPUS / "councils-abolished.csv"))

    def catalogue(self) -> Catalogue:
        self._check()
        cards = [_card(record) for record in self.records]
        stances = [{section.stance for section in record.sections} for record in self.records]
        return Catalogue(cards, stances, lambda _: "")

    def signs(self, text: str) -> Signs:
        """Each paragraph, none of which shows a sign."""
        self._check()
        self.checked.append(text)
        paragraphs = [CheckedParagraph(number, one, ()) for number, one in enumerate(text.split("\n\n"), start=1)]
        return Signs(tuple(paragraphs), (), (), (), 0, "made-up", {"total": 1.0})

    def record_gap(self, question: str) -> Gap:
        self._check()
        self.gaps_recorded.append(clean_gap(question))
        return Gap(self.gaps_recorded[-1], "2026-11", 1)

    def versions(self, record_id: str) -> tuple[Version, ...]:
        self._check()
        found = self.record(record_id)
        return (Version("2026-11-22", ""), Version("2026-10-01", "")) if isinstance(found, Case) else ()

    def example_questions(self, count: int = 4) -> tuple[str, ...]:
        self._check()
        return tuple(record.answers[0] for record in self.records if record.answers)[:count]

    def searcher(self) -> SimpleNamespace:
        """What answers now, as far as its cards."""
        self._check()
        return SimpleNamespace(cards=[make_card(record) for record in self.records])

    def facet_counts(self) -> dict[str, dict[str, int]]:
        self._check()
        return _counts(self.records)

    def health(self) -> Health:
        if self.without_index:
            return Health(False, "", 0, 0, "no index")
        return Health(True, "made-up", len(self.records), 99)

    def refresh(self) -> None:
        self.refreshed += 1

    def close(self) -> None:
        pass


def _card(record: Record) -> dict[str, Any]:
    """What an index generation keeps of a record, as far as a list of records needs it."""
    return {
        "id": record.id,
        "kind": record.kind,
        "title": record.title,
        "summary": record.summary,
        "outcome": record.outcome,
        "outcome_as_at": record.outcome_as_at if isinstance(record, Case) else None,
        "place": place(record),
        "years": list(years(record)),
        "services": list(record.services),
        "terms": {field: list(values) for field, values in record_terms(record).items()},
        "checked_on": record.checked_on,
    }


def _facets(record: Record) -> set[str]:
    return {f"{field}={value}" for field, values in record_terms(record).items() for value in values}


def _counts(records: Iterable[Record]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {}
    for record in records:
        terms = record_terms(record)
        for field, values in {**terms, **composed_terms(terms)}.items():
            counts.setdefault(field, Counter()).update(values)
    return {field: dict(counter) for field, counter in counts.items()}


def _extracts(record: Record, words: set[str]) -> list[Extract]:
    extracts = []
    for section in record.sections:
        for number, block in enumerate(split_blocks(section.text), start=1):
            common = words & set(_WORD.findall(block.lower()))
            score = len(common) / max(len(words), 1)
            sentences = [block[start:end] for start, end in split_sentences(block)]
            best = max(sentences, key=lambda one: len(words & set(_WORD.findall(one.lower()))))
            band = "strong" if score >= 0.5 else "fair" if score >= 0.25 else "weak"
            anchor = section.anchor if number == 1 else f"{section.anchor}-{number}"
            extracts.append(
                Extract(
                    section.heading,
                    section.stance,
                    anchor,
                    block,
                    best,
                    score,
                    score,
                    score,
                    band,
                    tuple(sorted(common)),
                )
            )
    return extracts


def _hit(rank: int, record: Record, extracts: list[Extract]) -> Hit:
    further = tuple(one for one in extracts[1:3] if one.band != "weak")
    is_case = isinstance(record, Case)
    return Hit(
        rank=rank,
        record=record.id,
        kind=record.kind,
        title=record.title,
        summary=record.summary,
        place=place(record),
        years=years(record),
        outcome=record.outcome,
        outcome_as_at=record.outcome_as_at if is_case else None,
        finding_basis=record.finding_basis,
        effect_evidence=record.effect_evidence if is_case else None,
        corroboration=None if is_case else record.corroboration,
        services=record.services,
        passage=extracts[0],
        score=extracts[0].score,
        further=further,
    )
