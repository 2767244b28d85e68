"""How strong the evidence of a record is, on two axes that are never made into one verdict.

Who found it, and how the effect was measured: an inquiry can be certain of what went wrong and have measured no effect.
A lesson has no measured effect; how many accounts agree takes its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

FOUND_MOST: Final = 3
# From outside, with a duty to test what they were told: 3. Colleagues from other bodies, who see it for days: 2. Those
# who did it themselves, and journalists, whose sources a reader cannot check: 1.
_FOUND: Final = {
    "statutory-inspection": 3,
    "auditor": 3,
    "public-inquiry": 3,
    "regulator": 3,
    "independent-evaluation": 3,
    "peer-team": 2,
    "self-report": 1,
    "press": 1,
}
MEASURED_MOST: Final = 4
TOLD_MOST: Final = 3
_TOLD: Final = {"1": 1, "2-4": 2, "5+": 3}
# That several accounts agree says less of an effect than any comparison does.
_TOLD_WEIGHT: Final = 0.5


@dataclass(frozen=True, slots=True)
class Strength:
    """Both axes as levels: `found` of `FOUND_MOST`; `effect` of `effect_most` (measured, or told by several)."""

    found: int
    effect: int
    effect_most: int
    measured: bool

    @property
    def order(self) -> float:
        """For sorting alone: the sum of both axes, each from 0 to 1."""
        weight = 1.0 if self.measured else _TOLD_WEIGHT
        return self.found / FOUND_MOST + weight * self.effect / self.effect_most


def strength_of(card: Mapping[str, Any]) -> Strength:
    """The strength of the evidence of a record, from what a generation keeps of it (`finding_basis`, ...)."""
    found = _FOUND.get(card["finding_basis"], 1)
    if card["effect_evidence"] is not None:
        return Strength(found, int(card["effect_evidence"]), MEASURED_MOST, measured=True)
    return Strength(found, _TOLD.get(card["corroboration"] or "1", 1), TOLD_MOST, measured=False)
