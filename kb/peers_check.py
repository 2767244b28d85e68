"""Likeness held against the statistical neighbours that the Department for Education publishes.

The Department gives each English council with children's services ten neighbours, chosen by its own model for comparing
those services. Recall is the share of the ten that likeness has among its own first ten or twenty, out of all councils.
A high figure is not the aim: that model knows much that the council table does not, and likeness serves every service.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kb.peers import FACTOR_CODES

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from kb.councils import Council
    from kb.peers import Peers

HALVES: Final = ("tune", "test")
LIMITS: Final = (10, 20)


@dataclass(frozen=True, slots=True)
class Recall:
    """Mean recall in the first ten and the first twenty, of one half of the councils with one choice of factors."""

    what: str
    half: str
    in_ten: float
    in_twenty: float


def half_of(peers: Peers, half: str) -> tuple[Council, ...]:
    """The councils with published neighbours, every other one by GSS code; weights were tuned on `tune` alone."""
    published = sorted((one for one in peers.councils if one.statistical_neighbours), key=lambda one: one.gss)
    return tuple(published[HALVES.index(half) :: len(HALVES)])


def recall(
    peers: Peers, councils: Sequence[Council], factors: Collection[str] = (), limits: Sequence[int] = LIMITS
) -> tuple[float, ...]:
    """For each limit, the mean share of each council's published neighbours that are among its so many most alike."""
    found = [0.0] * len(limits)
    for council in councils:
        neighbours = council.statistical_neighbours
        alike = [one.council.gss for one in peers.similar(council.gss, max(limits), factors)]
        for number, limit in enumerate(limits):
            found[number] += len(set(alike[:limit]).intersection(neighbours)) / len(neighbours)
    return tuple(one / len(councils) for one in found)


def chance(peers: Peers, councils: Sequence[Council], limit: int) -> float:
    """The recall to be expected of `limit` councils of the same tier that are drawn by lot."""
    shares = []
    for council in councils:
        tier = {other.gss for other in peers.councils if peers.score(council, other, ("tier",)) > 0} - {council.gss}
        found = len(tier.intersection(council.statistical_neighbours)) / len(council.statistical_neighbours)
        shares.append(found * min(1.0, limit / len(tier)))
    return sum(shares) / len(shares)


def check(peers: Peers) -> tuple[Recall, ...]:
    """Both halves: by lot, with all factors, with each alone and with each left out."""
    choices: list[tuple[str, tuple[str, ...]]] = [("all factors", ())]
    choices += [(f"{code} alone", (code,)) for code in FACTOR_CODES]
    choices += [(f"without {code}", tuple(other for other in FACTOR_CODES if other != code)) for code in FACTOR_CODES]
    rows = []
    for half in HALVES:
        councils = half_of(peers, half)
        rows.append(Recall("by lot, same tier", half, *(chance(peers, councils, limit) for limit in LIMITS)))
        for what, factors in choices:
            rows.append(Recall(what, half, *recall(peers, councils, factors)))
    return tuple(rows)


def as_text(rows: Sequence[Recall]) -> str:
    """The result as a table: tune and test side by side, recall in ten and in twenty."""
    lines = [f"{'recall of published neighbours':32}{'tune @10':>9}{'@20':>6}{'test @10':>11}{'@20':>6}"]
    tested = {row.what: row for row in rows if row.half == "test"}
    for row in rows:
        if row.half == "tune":
            other = tested[row.what]
            lines.append(
                f"{row.what:32}{row.in_ten:9.3f}{row.in_twenty:6.3f}{other.in_ten:11.3f}{other.in_twenty:6.3f}"
            )
    return "\n".join(lines)
