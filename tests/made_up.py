"""What most tests of kb/ run on: an encoder of 16 dimensions that needs no model, and a small made-up library.

The encoder is deterministic and knows no more than words: each word has its own direction, and texts that share words
lie close. The records are written so that each answers one question that no other does.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from kb.encoder import normalise
from kb.record_file import render
from kb.records import Case, Lesson, Record
from kb.store import StoredRecord, content_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    import numpy.typing as npt

    Vectors = npt.NDArray[np.float32]

DIMENSION = 16
_WORD = re.compile(r"\w+")
_PIECE = re.compile(r"\w+|[^\w\s]")
# Short words say little of a text's subject, as in any language.
_SHORT_WORD_CHARACTERS = 3
_SHORT_WORD_WEIGHT = 0.1


class MadeUpEncoder:
    """The interface of `kb.encoder.Encoder`. `embedded` lists the texts of passages in the order they were embedded."""

    def __init__(self, name: str = "made-up@1") -> None:
        self.id = name
        self.dimension = DIMENSION
        self.embedded: list[str] = []

    def encode_query(self, question: str) -> Vectors:
        return vector_of(question)

    def encode_passages(
        self, texts: Sequence[str], spans: Sequence[Sequence[tuple[int, int]]], progress: Callable[[int], None]
    ) -> tuple[Vectors, list[Vectors]]:
        self.embedded += texts
        empty = np.zeros((0, DIMENSION), dtype=np.float32)
        of_spans = [
            np.stack([vector_of(text[start:end]) for start, end in inner]) if inner else empty
            for text, inner in zip(texts, spans, strict=True)
        ]
        vectors = np.stack([vector_of(text) for text in texts]) if texts else empty
        progress(len(texts))
        return vectors, of_spans

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(_PIECE.findall(text)) for text in texts]


def vector_of(text: str) -> Vectors:
    """The normalised sum of the directions of a text's words; zero for a text that has none."""
    total = np.zeros(DIMENSION, dtype=np.float32)
    for word in _WORD.findall(text.lower()):
        total += _direction(word) * (_SHORT_WORD_WEIGHT if len(word) <= _SHORT_WORD_CHARACTERS else 1.0)
    return normalise(total)


def _direction(word: str) -> Vectors:
    digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=2 * DIMENSION).digest()
    return normalise(np.frombuffer(digest, dtype="<u2").astype(np.float32) / 32767.5 - 1.0)


# --- records ---------------------------------------------------------------------------------------------------------

SITUATION = "Bins were left full for weeks, and nobody at the town hall knew which streets had been missed [s1]."
ACTION = "Crews were given tablets, and each missed street was called in the same day [s1]."
RESULT = "Complaints fell from ninety a week to four, and they stayed there [s1]."
WORKED = "Crews chose the tablets themselves. Supervisors rode with each crew once a month [s1]."
SETBACK = "The first contractor's software lost a week of records, and the old paper had gone [s1]."

_SECTIONS = (
    {"heading": "Situation", "text": SITUATION},
    {"heading": "What was done", "text": ACTION},
    {"heading": "What happened", "text": RESULT},
    {"heading": "What worked", "text": WORKED},
    {"heading": "What did not work", "text": SETBACK},
)
_CASE: dict[str, Any] = {
    "id": "anytown-bins",
    "title": "Missed bins, and the crews who put them right",
    "summary": "A small council cut its missed collections by letting crews report them from the street.",
    "organisations": [{"name": "Anytown Council"}],
    "nation": "England",
    "region": "North West",
    "council_type": "district",
    "sectors": ["local-government"],
    "services": ["environment-and-waste"],
    "themes": ["service-delivery"],
    "period": {"start": 2014, "end": 2017},
    "outcome": "worked",
    "outcome_as_at": "2018-05",
    "finding_basis": "auditor",
    "effect_evidence": "2",
    "measures": [{"what": "complaints a week", "before": "90", "after": "4", "source": "s1"}],
    "sources": [
        {
            "id": "s1",
            "title": "Annual audit letter",
            "publisher": "The Auditor",
            "url": "https://example.org/letter",
            "date": "2018-05",
            "accessed": "2026-11-01",
            "independent": True,
        }
    ],
    "answers": ["Our refuse collectors keep missing streets. What helps?"],
    "checked_on": "2026-11-01",
    "review_due": "2028-11",
    "sections": list(_SECTIONS),
}
_LESSON: dict[str, Any] = {
    "id": "l-2b7xq4",
    "title": "The dashboard that was green until the regulator came",
    "summary": "A leadership team watched averages and never read one tenant's file.",
    "council_family": "upper-tier-or-unitary",
    "period_band": "late 2010s",
    "sectors": ["local-government"],
    "services": ["housing"],
    "themes": ["leadership", "culture"],
    "outcome": "mixed",
    "finding_basis": "peer-team",
    "corroboration": "2-4",
    "withheld": ["region", "people"],
    "answers": ["Why did our dashboard not warn us about damp homes?"],
    "checked_on": "2026-11-01",
    "review_due": "2028-11",
    "sections": [
        {"heading": "Situation", "text": "Repairs to damp homes were closed on paper before anybody had visited."},
        {"heading": "What was done", "text": "The team bought a dashboard and met round it every week."},
        {"heading": "What happened", "text": "The dashboard stayed green while tenants went to the ombudsman."},
        {"heading": "What worked", "text": "Directors read ten files together each month, and rang the tenants."},
        {"heading": "What did not work", "text": "Averages hid the few homes that were worst."},
        {"heading": "Warning signs", "text": "- Green every week.\n- Nobody could name one tenant."},
    ],
}


def make_case(**changes: Any) -> Case:
    """A case without fault; `changes` take the place of its fields. `sections` may be a dict of heading -> text."""
    return Case.model_validate(_with_sections({**_CASE, **changes}))


def make_lesson(**changes: Any) -> Lesson:
    """A lesson without fault; `changes` take the place of its fields. `sections` may be a dict of heading -> text."""
    return Lesson.model_validate(_with_sections({**_LESSON, **changes}))


def _with_sections(fields: dict[str, Any]) -> dict[str, Any]:
    sections = fields["sections"]
    if isinstance(sections, dict):
        fields["sections"] = [{"heading": heading, "text": text} for heading, text in sections.items()]
    return fields


def make_library() -> tuple[Record, ...]:
    """Six records of different kinds, services, outcomes, nations and years; each has a subject of its own."""
    return (
        make_case(),
        make_case(
            id="otherham-library-trust",
            title="A library trust that ran out of money",
            summary="Branch libraries were handed to a charity, which closed them three years later.",
            organisations=[{"name": "Otherham Borough Council"}, {"name": "Otherham Reads"}],
            region="South East",
            council_type="unitary",
            services=["culture-and-leisure"],
            themes=["governance"],
            period={"start": 2009, "end": 2013},
            outcome="failed",
            outcome_as_at="2013",
            finding_basis="press",
            effect_evidence="0",
            measures=[],
            answers=["Should we hand our branch libraries to a charity?"],
            linked=[{"record": "anytown-bins", "how": "see also"}],
            sections={
                "Situation": "Savings were wanted from nine branch libraries [s1].",
                "What was done": "A new charity took over the buildings, the books and the librarians [s1].",
                "What happened": "The charity's reserves were spent on roofs, and six branches closed [s1].",
                "What did not work": "Nobody surveyed the roofs before the buildings changed hands [s1].",
                "What they would do differently": "Survey first, and hand over a dowry for repairs [s1].",
            },
        ),
        make_case(
            id="glen-foster-carers",
            title="More foster carers through carers who recruit carers",
            summary="A Scottish council doubled its foster carers by paying experienced carers to find others.",
            organisations=[{"name": "Glen Council"}],
            nation="Scotland",
            region="Scotland",
            council_type="scottish",
            services=["children"],
            themes=["partnerships-and-engagement", "service-delivery"],
            period={"start": 2018, "end": 2021},
            outcome="worked",
            outcome_as_at="2022-03",
            finding_basis="independent-evaluation",
            effect_evidence="3",
            measures=[],
            answers=["How do other places find foster carers?"],
            sections={
                "Situation": "Children were placed far from home, since few families nearby would foster [s1].",
                "What was done": "Experienced foster carers were paid to meet families who were thinking of it [s1].",
                "What happened": "Fostering households doubled in three years, more than in like councils [s1].",
                "What worked": "Families trusted somebody who had done it more than any poster [s1].",
                "Would it transfer?": "Wherever enough carers stay long enough to speak for it.",
            },
        ),
        make_case(
            id="valley-care-rota",
            title="A home care rota that relapsed",
            summary="Carers' own rotas cut missed visits, until the team that ran them was merged away.",
            organisations=[{"name": "Valley Council"}],
            nation="Wales",
            region="Wales",
            council_type="welsh",
            sectors=["local-government", "health"],
            services=["adults", "workforce"],
            themes=["culture"],
            period={"start": 2016, "end": 2022},
            outcome="relapsed",
            outcome_as_at="2022-11",
            outcome_history=[
                {"as_at": "2018", "outcome": "worked", "note": "missed visits down by half"},
                {"as_at": "2022-11", "outcome": "relapsed"},
            ],
            finding_basis="statutory-inspection",
            effect_evidence="1",
            measures=[],
            answers=["Home care visits are missed. Would self-rostering help?"],
            sections={
                "Situation": "Home carers quit because rotas changed every evening [s1].",
                "What was done": "Small teams of carers wrote their own rotas for a valley each [s1].",
                "What happened": "Missed visits halved, then climbed again when the teams were merged [s1].",
                "What worked": "Carers swapped shifts among themselves by telephone [s1].",
                "What did not work": "The merger took away the coordinators who had kept it going [s1].",
                "Warning signs": "- Coordinators' posts left empty.\n- Rotas signed off by somebody far away.",
            },
        ),
        make_lesson(),
        make_lesson(
            id="l-9kd3ws",
            title="A payroll system that went live on a promise",
            summary="A finance system was switched on before payroll had been tested, and staff went unpaid.",
            council_family="district",
            period_band="early 2020s",
            services=["finance", "digital"],
            themes=["governance"],
            outcome="failed",
            finding_basis="self-report",
            corroboration="1",
            withheld=[],
            answers=["When is a new payroll system ready to go live?"],
            sections={
                "Situation": "An old payroll system was about to lose its supplier's support.",
                "What was done": "The launch day was fixed first, and testing was cut to fit it.",
                "What happened": "Staff went unpaid for a month, and suppliers for longer.",
                "What did not work": "The programme board heard only from the people who sold the system.",
            },
        ),
    )


def stored(records: Iterable[Record]) -> list[StoredRecord]:
    """The records as the system of record gives them, by id."""
    files = {record.id: render(record) for record in records}
    return [StoredRecord(name, content_hash(markdown), markdown) for name, markdown in sorted(files.items())]


def write_corpus(folder: Path, records: Iterable[Record]) -> Path:
    """Writes each record's file where a corpus has it, `cases/` or `lessons/`; gives back the folder."""
    for record in records:
        path = folder / f"{record.kind}s" / f"{record.id}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render(record), "utf-8")
    return folder


def line_of(text: str, needle: str) -> int:
    """The number, from 1, of the one line of a file that holds `needle`."""
    numbers = [number for number, line in enumerate(text.split("\n"), start=1) if needle in line]
    assert len(numbers) == 1, f"{needle!r} stands on the lines {numbers}"
    return numbers[0]
