"""Questions that the library could not answer, recorded because somebody asked for it: what to collect next.

A gap is a question, the month in which it was first recorded, and how often. Who asked, and when to the day, is never
known here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from kb.errors import GapRefused

# Room for years of honest use, and an end to what a mischief-maker can fill the disk with.
GAPS_MAX: Final = 5_000
ALL_GAPS_MAX_CHARACTERS: Final = 500_000
GAP_MAX_CHARACTERS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Gap:
    """A question that was recorded: its words as first sent, the month of that (`2026-03`), and how many times."""

    question: str
    first_asked: str
    times: int

    def as_json(self) -> dict[str, Any]:
        """The fixed interface of `kb gaps --json`."""
        return asdict(self)


def clean_gap(question: str) -> str:
    """The question on one line, without control characters. Raises GapRefused when it is empty or too long."""
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in question).split())
    if not any(letter.isalnum() for letter in text):
        raise GapRefused("there is no question to record: it has no words")
    if len(text) > GAP_MAX_CHARACTERS:
        raise GapRefused(
            f"the question has {len(text):,} characters; the most that is recorded is {GAP_MAX_CHARACTERS:,}"
        )
    return text


def folded(question: str) -> str:
    """What two recordings of the same question have in common: its words, whatever the case and the punctuation."""
    words = "".join(letter if letter.isalnum() else " " for letter in question.casefold())
    return " ".join(words.split())
