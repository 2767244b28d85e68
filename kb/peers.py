"""How alike two councils' places are, from facts of the council table, one factor at a time and in plain words.

Likeness is of places, never of performance, and it is a reading aid, not a finding: a place that is unlike can be the
better teacher. How the weights were chosen, and how far they agree with published statistical neighbours, is told in
docs/councils.md; those neighbours are shown beside the likeness and are never a part of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kb.councils import by_gss
from kb.errors import KbError
from kb.vocabulary import COUNCIL_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from kb.councils import AbolishedCouncil, Council


class UnknownFactor(KbError):  # noqa: N818  it reads as what happened
    """A factor was asked for that likeness does not have; the message lists those that it has."""


@dataclass(frozen=True, slots=True)
class Factor:
    """One thing in which places can be alike. `weight` is its share of the likeness when all factors count."""

    code: str
    label: str
    explanation: str
    weight: float


@dataclass(frozen=True, slots=True)
class FactorMatch:
    """How two councils compare in one factor: `strength` from 0 to 1, and what each is, in plain words.

    `words` tells the other council from mine ("more rural") and is empty where there is nothing worth saying.
    """

    code: str
    label: str
    agrees: bool
    strength: float
    mine: str
    theirs: str
    words: str


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike a council's place is to mine: `score` from 0 to 1, a weighted mean of the factors' strengths.

    `neighbour_rank` is its place among the published statistical neighbours of mine, from 1, or None.
    """

    council: Council
    score: float
    factors: tuple[FactorMatch, ...]
    neighbour_rank: int | None
    words: str


# Weights were tuned on one half of the published neighbours and rounded; docs/councils.md has what was tried.
FACTORS: Final = (
    Factor(
        "tier",
        "Type and tier",
        "What the council is and which services it runs: a district has no social care, a county has no housing.",
        0.20,
    ),
    Factor("population", "Population", "How many people live there, the smaller as a share of the larger.", 0.10),
    Factor(
        "rural_urban",
        "Rural or urban",
        "The rural-urban class of the whole area, and how many people live on each square kilometre.",
        0.20,
    ),
    Factor(
        "deprivation",
        "Deprivation",
        "A deprivation score made of the four nations\u2019 own indices, so small differences say nothing.",
        0.25,
    ),
    Factor(
        "region",
        "Region and nation",
        "The same region has much of its economy and partners in common, the same nation its laws and funding.",
        0.18,
    ),
    Factor("bordering", "Bordering", "Whether the two areas touch.", 0.07),
)
FACTOR_CODES: Final = tuple(factor.code for factor in FACTORS)
_BY_CODE: Final = {factor.code: factor for factor in FACTORS}

# --- type and tier: which services a body runs decides what can be compared at all ------------------------------------
_TIERS: Final = {
    "county": "upper",
    "district": "lower",
    "northern-irish": "northern-irish",
    "combined-authority": "strategic",
    "other": "strategic",  # the Greater London Authority
}
_SINGLE: Final = "single"
_TIER_WORDS: Final = {
    "upper": "upper tier",
    "lower": "lower tier",
    "northern-irish": "single tier, without schools, social care or housing",
    "strategic": "strategic, over other councils",
    _SINGLE: "single tier",
}
_SOCIAL_CARE: Final = frozenset({"upper", _SINGLE})
_SAME_TIER_STRENGTH: Final = 0.9
_SOCIAL_CARE_STRENGTH: Final = 0.8
# Which tiers a lesson's family of councils (vocabulary COUNCIL_FAMILY) speaks of. A council of Northern Ireland runs
# much what a district runs.
_FAMILY_TIERS: Final = {
    "upper-tier-or-unitary": _SOCIAL_CARE,
    "district": frozenset({"lower", "northern-irish"}),
    "combined": frozenset({"strategic"}),
    "any": frozenset(_TIER_WORDS),
}


def _tier(council: Council) -> str:
    return _TIERS.get(council.type, _SINGLE)


def _tier_strength(mine: Council, other: Council) -> float:
    if mine.type == other.type:
        return 1.0
    if _tier(mine) == _tier(other):
        return _SAME_TIER_STRENGTH
    return _SOCIAL_CARE_STRENGTH if {_tier(mine), _tier(other)} <= _SOCIAL_CARE else 0.0


def _type_words(council: Council) -> str:
    kind = "Greater London Authority" if council.type == "other" else COUNCIL_TYPE.label_of(council.type)
    return f"{kind} ({_TIER_WORDS[_tier(council)]})"


def _tell_tier(mine: Council, other: Council) -> tuple[bool, str, str, str]:
    same = _tier(mine) == _tier(other)
    if mine.type == other.type:
        words = "same type"
    elif same:
        words = "same tier"
    else:
        words = "also runs social care" if {_tier(mine), _tier(other)} <= _SOCIAL_CARE else "another tier"
    return same, _type_words(mine), _type_words(other), words


# --- population -------------------------------------------------------------------------------------------------------
_SIMILAR_SIZE: Final = 0.7  # the smaller as a share of the larger
_MUCH_OTHER_SIZE: Final = 0.4


def _population_strength(mine: Council, other: Council) -> float:
    """The smaller as a share of the larger: e to the minus distance on a log scale."""
    return min(mine.population, other.population) / max(mine.population, other.population)


def _people(council: Council) -> str:
    """`2,200 people`, `1.14 million people`: as exact as anybody needs to see how two places compare."""
    count = council.population
    if count >= 1_000_000:
        return f"{count / 1_000_000:.2f} million people"
    return f"{round(count, -3 if count >= 10_000 else -2):,} people"


def _tell_population(mine: Council, other: Council) -> tuple[bool, str, str, str]:
    share = _population_strength(mine, other)
    word = "larger" if other.population > mine.population else "smaller"
    words = "similar size" if share >= _SIMILAR_SIZE else f"{'much ' if share < _MUCH_OTHER_SIZE else ''}{word}"
    return share >= _SIMILAR_SIZE, _people(mine), _people(other), words


# --- rural or urban ---------------------------------------------------------------------------------------------------
_RURALITY: Final = ("Urban", "Urban with rural areas", "Rural", "Sparse and rural")
_CLASS_SHARE: Final = 0.4  # of the factor; the rest is density, which tells a town from a city
_SIMILAR_DENSITY: Final = 0.35


def _density_share(mine: Council, other: Council) -> float:
    return min(mine.density, other.density) / max(mine.density, other.density)


def _rurality_steps(mine: Council, other: Council) -> int:
    """How many classes the other is more rural than mine; negative when it is more urban."""
    return _RURALITY.index(other.rural_urban) - _RURALITY.index(mine.rural_urban)


def _rural_urban_strength(mine: Council, other: Council) -> float:
    of_class = 1 - abs(_rurality_steps(mine, other)) / (len(_RURALITY) - 1)
    return _CLASS_SHARE * of_class + (1 - _CLASS_SHARE) * _density_share(mine, other)


def _rurality_words(council: Council) -> str:
    density = f"{council.density:,.0f}" if council.density >= 10 else f"{council.density:.1f}"
    return f"{council.rural_urban}, {density} people to the km\u00b2"


def _tell_rural_urban(mine: Council, other: Council) -> tuple[bool, str, str, str]:
    steps = _rurality_steps(mine, other)
    alike = steps == 0 and _density_share(mine, other) >= _SIMILAR_DENSITY
    if alike:
        words = {0: "as urban", 1: "similar mix of town and country"}.get(_RURALITY.index(mine.rural_urban), "as rural")
    elif steps == 0:
        words = f"more {'densely' if other.density > mine.density else 'thinly'} settled"
    else:
        words = f"{'much ' if abs(steps) > 1 else ''}more {'rural' if steps > 0 else 'urban'}"
    return alike, _rurality_words(mine), _rurality_words(other), words


# --- deprivation ------------------------------------------------------------------------------------------------------
_DEPRIVATION_SCALE: Final = 10.0  # points of the score; half of all English upper-tier councils lie within 11
_SIMILAR_DEPRIVATION: Final = 5.0
_MUCH_OTHER_DEPRIVATION: Final = 15.0
_FIFTHS: Final = {1: "Most deprived fifth", 2: "Second fifth", 3: "Middle fifth", 4: "Fourth fifth"}
_LEAST_DEPRIVED: Final = "Least deprived fifth"


def _deprivation_strength(mine: Council, other: Council) -> float:
    return math.exp(-abs(mine.deprivation_score - other.deprivation_score) / _DEPRIVATION_SCALE)


def _deprivation_words(council: Council) -> str:
    fifth = _FIFTHS.get(council.deprivation_quintile, _LEAST_DEPRIVED)
    return f"{fifth} of the UK, score {council.deprivation_score:.0f}"


def _tell_deprivation(mine: Council, other: Council) -> tuple[bool, str, str, str]:
    more = other.deprivation_score - mine.deprivation_score
    alike = abs(more) <= _SIMILAR_DEPRIVATION
    much = "much " if abs(more) > _MUCH_OTHER_DEPRIVATION else ""
    words = "similarly deprived" if alike else f"{much}{'more' if more > 0 else 'less'} deprived"
    return alike, _deprivation_words(mine), _deprivation_words(other), words


# --- region and borders -----------------------------------------------------------------------------------------------
_SAME_NATION_STRENGTH: Final = 0.7


def _region_strength(mine: Council, other: Council) -> float:
    return 1.0 if mine.region == other.region else _SAME_NATION_STRENGTH if mine.nation == other.nation else 0.0


def _region_words(council: Council) -> str:
    return council.region if council.region == council.nation else f"{council.region}, {council.nation}"


def _tell_region(mine: Council, other: Council) -> tuple[bool, str, str, str]:
    same = mine.region == other.region
    if same:
        words = "same nation" if mine.region == mine.nation else "same region"
    else:
        words = "another region" if mine.nation == other.nation else "another nation"
    return same, _region_words(mine), _region_words(other), words


def _bordering_strength(mine: Council, other: Council) -> float:
    return 1.0 if other.gss in mine.bordering or other.gss == mine.gss else 0.0


def _tell_bordering(mine: Council, other: Council) -> tuple[bool, str, str, str]:
    borders = _bordering_strength(mine, other) > 0
    count = len(mine.bordering)
    own = f"Borders {count} council{'' if count == 1 else 's'}" if count else "Borders no other council"
    return borders, own, "One of them" if borders else "Not one of them", "next door" if borders else ""


_STRENGTH: Final[dict[str, Callable[[Council, Council], float]]] = {
    "tier": _tier_strength,
    "population": _population_strength,
    "rural_urban": _rural_urban_strength,
    "deprivation": _deprivation_strength,
    "region": _region_strength,
    "bordering": _bordering_strength,
}
_TELL: Final[dict[str, Callable[[Council, Council], tuple[bool, str, str, str]]]] = {
    "tier": _tell_tier,
    "population": _tell_population,
    "rural_urban": _tell_rural_urban,
    "deprivation": _tell_deprivation,
    "region": _tell_region,
    "bordering": _tell_bordering,
}


def chosen_factors(codes: Collection[str] = ()) -> tuple[Factor, ...]:
    """The factors of these codes in their order; all of them when none is named. Raises UnknownFactor."""
    unknown = sorted(set(codes) - set(FACTOR_CODES))
    if unknown:
        raise UnknownFactor(f"{unknown[0]!r} is not a factor of likeness; there are {', '.join(FACTOR_CODES)}")
    return tuple(factor for factor in FACTORS if not codes or factor.code in codes)


class Peers:
    """The councils of the table, and how alike their places are. Immutable; safe for several threads."""

    def __init__(self, councils: Iterable[Council], abolished: Iterable[AbolishedCouncil] = ()) -> None:
        self.councils: tuple[Council, ...] = tuple(sorted(councils, key=lambda council: council.name.casefold()))
        self._by_gss = by_gss(self.councils)
        self._successors = {former.gss: former.replaced_by for former in abolished if former.gss}
        self._by_name: dict[str, Council] = {}
        for council in self.councils:
            for name in (council.name, council.short_name, *council.alternative_names):
                self._by_name.setdefault(_key(name), council)

    def council(self, text: str) -> Council | None:
        """The council with this code (former ones too), name, short name or alternative name, in any case."""
        return self._by_gss.get(text.strip().upper()) or self._by_name.get(_key(text))

    def today(self, gss: str) -> tuple[Council, ...]:
        """The councils that a code stands for now: itself, an abolished one's successors, or none."""
        council = self._by_gss.get(gss)
        if council is not None:
            return (council,)
        return tuple(self._by_gss[code] for code in self._successors.get(gss, ()) if code in self._by_gss)

    def score(self, mine: Council, other: Council, factors: Collection[str] = ()) -> float:
        """How alike two places are by these factors, or by all: 0 to 1, the same both ways. Raises UnknownFactor."""
        return _score(mine, other, chosen_factors(factors))

    def likeness(self, mine: Council, other: Council, factors: Collection[str] = ()) -> Likeness:
        """The same with each factor told in words, as seen from mine. Raises UnknownFactor."""
        counted = chosen_factors(factors)
        matches = tuple(_match(mine, other, factor) for factor in counted)
        neighbours = mine.statistical_neighbours
        rank = neighbours.index(other.gss) + 1 if other.gss in neighbours else None
        words = ", ".join(match.words for match in matches if match.words)
        if other.gss == mine.gss:
            words = "the same place"
        return Likeness(other, _score(mine, other, counted), matches, rank, words or "not next door")

    def similar(self, gss: str, limit: int = 20, factors: Collection[str] = ()) -> tuple[Likeness, ...]:
        """The councils whose places are most like this one's, best first, without itself. Raises KbError."""
        mine = self._by_gss.get(gss)
        if mine is None:
            raise KbError(f"{gss!r} is not the GSS code of a current council; `kb similar` takes names as well")
        counted = chosen_factors(factors)
        others = [(-_score(mine, other, counted), other.gss) for other in self.councils if other is not mine]
        return tuple(self.likeness(mine, self._by_gss[code], factors) for _, code in sorted(others)[:limit])

    def of_bodies(self, gss_codes: Sequence[str], mine: Council, factors: Collection[str] = ()) -> Likeness | None:
        """The most alike of a record's bodies, an abolished one standing for its successors; None if none is known.

        Raises UnknownFactor.
        """
        counted = chosen_factors(factors)
        bodies = {council.gss: council for code in gss_codes for council in self.today(code)}
        if not bodies:
            return None
        # The place itself comes before any other, even where the factors that count cannot tell the two apart.
        best = max(bodies.values(), key=lambda body: (body.gss == mine.gss, _score(mine, body, counted), body.gss))
        return self.likeness(mine, best, factors)

    def fits_family(self, family_code: str, mine: Council) -> bool:
        """Whether a lesson about this family of councils (vocabulary COUNCIL_FAMILY) speaks of a council like mine.

        Raises KeyError for a family that is not of the vocabulary.
        """
        return _tier(mine) in _FAMILY_TIERS[family_code]


def _score(mine: Council, other: Council, factors: Sequence[Factor]) -> float:
    whole = sum(factor.weight for factor in factors)
    return sum(factor.weight * _STRENGTH[factor.code](mine, other) for factor in factors) / whole


def _match(mine: Council, other: Council, factor: Factor) -> FactorMatch:
    agrees, own, theirs, words = _TELL[factor.code](mine, other)
    return FactorMatch(factor.code, factor.label, agrees, _STRENGTH[factor.code](mine, other), own, theirs, words)


def _key(name: str) -> str:
    """A name as it is compared: without case, punctuation, or a leading article; '&' as 'and'."""
    words = name.casefold().replace("&", " and ").replace("\u2019", "").replace("'", "")
    plain = " ".join("".join(letter if letter.isalnum() else " " for letter in words).split())
    return plain.removeprefix("the ")
