"""What a pasted text is answered with: frozen values, ready to be shown or turned into JSON (`kb.sign_checker`)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

# How near the reader's words are to a sign. `near` says no more than that both are on the same subject.
BANDS: Final = ("strong", "fair", "near")


@dataclass(frozen=True, slots=True)
class Whose:
    """The record that a sign or a recovery is told in."""

    record: str
    kind: str
    title: str
    place: str
    years: tuple[int, int]
    outcome: str
    outcome_as_at: str | None
    finding_basis: str
    effect_evidence: str | None
    corroboration: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """A passage of a record, with the sentence of it that is nearest: `highlight`, to the letter a part of `text`."""

    section: str
    stance: str
    anchor: str
    text: str
    highlight: str


@dataclass(frozen=True, slots=True)
class Match:
    """Where the reader's own text shows a sign: the paragraph's number, its nearest sentence, the words in common."""

    paragraph: int
    sentence: str
    words: tuple[str, ...]
    score: float
    band: str


@dataclass(frozen=True, slots=True)
class Sign:
    """A warning sign of the library that the text shows: its very words, whose it was, and what happened next there.

    `matches` are the reader's paragraphs that show it, nearest first; `band` is that of the first: strong, fair, or
    near for a sign on the same subject, of which the text may say the opposite.
    """

    number: int
    words: str
    warning: Told
    whose: Whose
    then: Told | None
    matches: tuple[Match, ...]
    band: str

    @property
    def url(self) -> str:
        """The record at that passage, relative to the site."""
        return f"/records/{self.whose.record}#{self.warning.anchor}"


@dataclass(frozen=True, slots=True)
class Recovery:
    """A record that showed one of the signs found or near and got better; `how` is its passage on what worked."""

    whose: Whose
    how: Told
    paragraph: int

    @property
    def url(self) -> str:
        return f"/records/{self.whose.record}#{self.how.anchor}"


@dataclass(frozen=True, slots=True)
class CheckedParagraph:
    """One paragraph of the reader's text, and the numbers of the signs that it shows, nearest first."""

    number: int
    text: str
    signs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Signs:
    """The answer to one text.

    `found` has first the signs that some paragraph is nearest to, from the strongest, then those that it is less near
    to. `left_out` counts the signs beyond the most that are given, all weaker. `near` has the nearest signs of the
    paragraphs for which none was found, best first, one of a record; their numbers go on from those of `found`.
    """

    paragraphs: tuple[CheckedParagraph, ...]
    found: tuple[Sign, ...]
    near: tuple[Sign, ...]
    recovered: tuple[Recovery, ...]
    left_out: int
    generation: str
    milliseconds: dict[str, float]

    def paragraphs_near(self) -> frozenset[int]:
        """The numbers of the paragraphs that are worth comparing with a sign of `near`."""
        return frozenset(match.paragraph for sign in self.near for match in sign.matches)

    def as_json(self) -> dict[str, Any]:
        """The fixed interface of `kb signs --json` and `/api/v1/signs`; scripts rely on these names."""
        return {
            "generation": self.generation,
            "paragraphs": [asdict(one) for one in self.paragraphs],
            "found": [_flat(one) for one in self.found],
            "near": [_flat(one) for one in self.near],
            "recovered": [_flat(one) for one in self.recovered],
            "left_out": self.left_out,
            "milliseconds": {stage: round(value, 3) for stage, value in self.milliseconds.items()},
        }


def _flat(one: Sign | Recovery) -> dict[str, Any]:
    data = asdict(one)
    for match in data.get("matches", ()):
        match["score"] = round(match["score"], 4)
    return {**data.pop("whose"), **data, "url": one.url}
