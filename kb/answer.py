"""What a question is answered with: frozen values, ready to be shown or turned into JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kb.related_questions import RelatedQuestion

# How sure a hit is, from the most to the least.
BANDS = ("strong", "fair", "weak")


@dataclass(frozen=True, slots=True)
class Extract:
    """A passage as shown: where it stands in its record, its words, and the sentence of it that answers best.

    `highlight` is always a part of `text`, to the letter. `score` is between 0 and 1 and means the same for every
    question; `semantic` is the cosine between question and passage, `lexical` the saturated BM25, 0 to 1.
    `matched_words` are those of the question that the passage, its heading or its record's title has.
    """

    section: str
    stance: str
    anchor: str
    text: str
    highlight: str
    score: float
    semantic: float
    lexical: float
    band: str
    matched_words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """One record that answers, led by its best passage; `further` are other good passages of the same record."""

    rank: int
    record: str
    kind: str
    title: str
    summary: str
    place: str
    years: tuple[int, int]
    outcome: str
    outcome_as_at: str | None
    finding_basis: str
    effect_evidence: str | None
    corroboration: str | None
    services: tuple[str, ...]
    passage: Extract
    score: float
    further: tuple[Extract, ...] = ()

    @property
    def url(self) -> str:
        """The record at that passage, relative to the site."""
        return f"/records/{self.record}#{self.passage.anchor}"

    @property
    def band(self) -> str:
        return self.passage.band

    def as_card(self) -> dict[str, Any]:
        """What a generation keeps of the record's evidence, as `kb.evidence.strength_of` takes it."""
        return {name: getattr(self, name) for name in ("finding_basis", "effect_evidence", "corroboration")}


@dataclass(frozen=True, slots=True)
class Column:
    """The records of an answer that tell something of one stance, best first; `total` is how many there are in all."""

    stance: str
    hits: tuple[Hit, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The ranked answer to one question.

    `close` is False when nothing in the library comes close; the hits are then the nearest, all weak. `total` is how
    many records bear on the question (fair or strong, whatever the limit), and `counts` how many of those have each
    value of each facet (`outcome`, `stance`, `kind`, `service`, `theme`, ...). `setbacks` is False when no fair or
    strong passage tells what did not work. `milliseconds` has the time of each stage and `total`.

    `open_counts` has, for each facet that was chosen from, its counts as they would be were it left open; `years` is
    the span of the records that bear on the question. `columns` are of the view that was asked for: the same records
    by what their passages tell. `expansions` are the question's abbreviations (short, long), which were searched for in
    both forms; `spelling` is the question as it was perhaps meant, when it has words that the library lacks, or empty;
    `related` are questions that the library answers, near this one.
    """

    question: str
    close: bool
    hits: tuple[Hit, ...]
    total: int
    setbacks: bool = False
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    milliseconds: dict[str, float] = field(default_factory=dict)
    generation: str = ""
    open_counts: dict[str, dict[str, int]] = field(default_factory=dict)
    years: tuple[int, int] | None = None
    columns: tuple[Column, ...] = ()
    expansions: tuple[tuple[str, str], ...] = ()
    spelling: str = ""
    related: tuple[RelatedQuestion, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The fixed interface of `kb ask --json` and `/api/v1/search`; scripts rely on these names."""
        return {
            "question": self.question,
            "close": self.close,
            "total": self.total,
            "setbacks": self.setbacks,
            "generation": self.generation,
            "hits": [_hit_as_json(hit) for hit in self.hits],
            "columns": [
                {"stance": one.stance, "total": one.total, "hits": [_hit_as_json(hit) for hit in one.hits]}
                for one in self.columns
            ],
            "counts": {**self.counts, **self.open_counts},
            "years": self.years,
            "expansions": [{"short": short, "long": long} for short, long in self.expansions],
            "spelling": self.spelling,
            "related": [asdict(one) for one in self.related],
            "milliseconds": {stage: round(value, 3) for stage, value in self.milliseconds.items()},
        }


def _hit_as_json(hit: Hit) -> dict[str, Any]:
    flat = asdict(hit)
    passage = flat.pop("passage")
    further = flat.pop("further")
    return {
        **flat,
        **_rounded({**passage, "score": hit.score}),
        "further": [_rounded(one) for one in further],
        "url": hit.url,
    }


def _rounded(extract: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in extract.items()}
