"""Whether a sentence sounds like a warning or like something that goes well: by its vector, and by its plain words.

Likeness of subject cannot tell "the restore was tested" from "nobody has tried a restore". Two weak witnesses can, a
little: a line that best parts the library's own warning signs from what worked (Fisher, 1936), and words by which
committee papers tell of a lack or of something done.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

# A tone is 1 for a sentence like the library's average warning sign, -1 for one like what worked on average.
_TONE_MOST: Final = 2.0
# How far the parting line is drawn towards the plain difference of the two means, in mean variances of a number.
_SHRINKAGE: Final = 8.0

_LACKS_TEXT: Final = """
    absence although again backlog blamed breach breached but cannot concern concerned concerns declined delay delayed
    delays despite deteriorated disputed expired fail failed failing fails failure few fewer however inadequate informal
    informally interim lack lacking lacks lapsed late lately loss losses missed missing neither never no nobody none nor
    not only outstanding overdue overspend overspending overspends overspent postponed pressure pressures refused repeat
    repeated repeatedly rise risen rising shortfall slippage slipped still temporarily temporary unable unallocated
    unaware unchanged unclear uncertain unfilled unknown unresolved unsigned unsure vacancies vacancy vacant waiting
    weak withheld without worse worsened yet
"""
_DONE_TEXT: Final = """
    accepted achieved adopted agreed ahead all approved both complete completed confirmed delivered each every excellent
    fell finished full fully good implemented improve improved improvement independent met monthly passed published
    quarterly recovered reduced renewed resolved schedule sound success successful successfully tested thanked thanks
    trained unqualified welcomed well
"""
_LACKS: Final = frozenset(_LACKS_TEXT.split())
_DONE: Final = frozenset(_DONE_TEXT.split())
# More words of one kind than this say no more, and a short sentence is as long as this.
_WORDS_MOST: Final = 3
_SHORT_SENTENCE_WORDS: Final = 20
_WORD: Final = re.compile(r"[a-z]+")


def lack(text: str) -> float:
    """How much the words of a text tell of a lack: 1 for one such word in twenty more than of things done."""
    words = _WORD.findall(text.lower())
    lacks = min(sum(word in _LACKS for word in words), _WORDS_MOST)
    done = min(sum(word in _DONE for word in words), _WORDS_MOST)
    return (lacks - done) * _SHORT_SENTENCE_WORDS / max(len(words), _SHORT_SENTENCE_WORDS)


@dataclass(frozen=True, slots=True)
class Tone:
    """Tells by a sentence's vector whether it sounds like a warning (1) or like what worked (-1)."""

    direction: Floats
    middle: float
    half: float

    @classmethod
    def between(cls, warnings: Floats, worked: Floats) -> Tone:
        """Fisher's linear discriminant, shrunk towards the difference of means. Shapes (n, dim), (m, dim).

        Without sentences of both kinds, every tone is 0.
        """
        flat = cls(np.zeros(warnings.shape[1], dtype=np.float32), 0.0, 1.0)
        if not len(warnings) or not len(worked):
            return flat
        high, low = warnings.mean(axis=0), worked.mean(axis=0)
        spread = (_spread(warnings - high) + _spread(worked - low)) / 2
        ridge = _SHRINKAGE * max(float(np.trace(spread)) / len(spread), 1e-6)
        direction = np.linalg.solve(spread + ridge * np.eye(len(spread)), high - low).astype(np.float32)
        top, bottom = float(high @ direction), float(low @ direction)
        return cls(direction, (top + bottom) / 2, (top - bottom) / 2) if top > bottom else flat

    def of(self, sentences: Floats) -> Floats:
        """The tone of each sentence, shape (n,), from -2 to 2."""
        tones = np.clip((sentences @ self.direction - self.middle) / self.half, -_TONE_MOST, _TONE_MOST)
        return np.asarray(tones, dtype=np.float32)


def _spread(deviations: Floats) -> Floats:
    return np.asarray(deviations.T @ deviations / len(deviations), dtype=np.float32)
