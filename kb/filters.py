"""Filters: which records a question may be answered from, checked against the vocabularies before anything is searched.

A filter becomes terms such as `outcome=failed`. Both legs of the search know each passage by the same terms, so that
one filter means the same in both, and applies before the best are chosen. Values of one field are alternatives;
fields are combined.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kb import vocabulary
from kb.records import Case, years

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kb.records import Record

# Field of a filter -> the vocabulary of its values. `year` (any four digits) stands beside them.
FIELDS: Final = {
    "outcome": vocabulary.OUTCOME,
    "service": vocabulary.SERVICE,
    "theme": vocabulary.THEME,
    "sector": vocabulary.SECTOR,
    "kind": vocabulary.KIND,
    "stance": vocabulary.STANCE,
    "nation": vocabulary.NATION,
    "region": vocabulary.REGION,
    "council_type": vocabulary.COUNCIL_TYPE,
    "council_family": vocabulary.COUNCIL_FAMILY,
    "finding_basis": vocabulary.FINDING_BASIS,
    "effect_evidence": vocabulary.EFFECT_EVIDENCE,
    "corroboration": vocabulary.CORROBORATION,
    "place_type": vocabulary.PLACE_TYPE,
    "decade": vocabulary.DECADE,
}
# Fields that no record has by that name: each value stands for some of what records do have, any of which will do.
COMPOSED: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "place_type": {
        **{code: (f"council_type={code}",) for code in vocabulary.COUNCIL_TYPE.codes},
        "district": ("council_type=district", "council_family=district"),
        "combined-authority": ("council_type=combined-authority", "council_family=combined"),
        "upper-tier-or-unitary": ("council_family=upper-tier-or-unitary",),
        "any": ("council_family=any",),
    },
    "decade": {
        code: tuple(f"year={year}" for year in range(int(code[:4]), int(code[:4]) + 10))
        for code in vocabulary.DECADE.codes
    },
}
FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2100


class FilterError(ValueError):
    """A filter names a field or a value that does not exist; the message says which and what would be right."""


@dataclass(frozen=True, slots=True)
class Filters:
    """A checked choice: for each field the values, any of which will do. Empty: every record will do."""

    terms: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.terms)

    def values(self, field: str) -> tuple[str, ...]:
        return dict(self.terms).get(field, ())

    def without(self, field: str) -> Filters:
        """The same choice with this field left open."""
        return Filters(tuple(pair for pair in self.terms if pair[0] != field))

    def facets(self) -> list[tuple[str, tuple[str, ...]]]:
        """For each field chosen, the terms by which records and passages are known (`outcome=failed`), any will do."""
        return [
            (field, tuple(facet for value in values for facet in _facets(field, value))) for field, values in self.terms
        ]


def _facets(field: str, value: str) -> tuple[str, ...]:
    return COMPOSED[field][value] if field in COMPOSED else (f"{field}={value}",)


def make_filters(
    chosen: Mapping[str, Iterable[str]], *, first_year: int | None = None, last_year: int | None = None
) -> Filters:
    """Checks a choice of values by field and gives the filter; the years bound its period (an overlap will do).

    Raises FilterError for an unknown field, an unknown value, or years that run backwards.
    """
    terms: dict[str, tuple[str, ...]] = {}
    for field, values in chosen.items():
        if field not in FIELDS:
            raise FilterError(f"{field!r} is not a filter; the filters are {', '.join(FIELDS)}")
        distinct = tuple(dict.fromkeys(values))
        for value in distinct:
            if value not in FIELDS[field]:
                raise FilterError(f"{field} {value!r} is not one of {', '.join(FIELDS[field].codes)}")
        if distinct:
            terms[field] = distinct
    if first_year is not None or last_year is not None:
        first = FIRST_YEAR if first_year is None else first_year
        last = LAST_YEAR if last_year is None else last_year
        if not FIRST_YEAR <= first <= last <= LAST_YEAR:
            raise FilterError(f"the years {first} to {last} are not a period between {FIRST_YEAR} and {LAST_YEAR}")
        terms["year"] = tuple(str(year) for year in range(first, last + 1))
    return Filters(tuple(sorted(terms.items())))


def record_terms(record: Record) -> dict[str, tuple[str, ...]]:
    """The terms by which a record is found, by field, `year` included; without `stance`, which each passage has."""
    first, last = years(record)
    terms: dict[str, tuple[str, ...]] = {
        "kind": (record.kind,),
        "outcome": (record.outcome,),
        "service": record.services,
        "theme": record.themes,
        "sector": record.sectors,
        "finding_basis": (record.finding_basis,),
        "year": tuple(str(year) for year in range(first, last + 1)),
    }
    if isinstance(record, Case):
        terms["nation"] = (record.nation,)
        terms["region"] = (record.region,)
        terms["council_type"] = (record.council_type,)
        terms["effect_evidence"] = (record.effect_evidence,)
    else:
        terms["council_family"] = (record.council_family,)
        terms["corroboration"] = (record.corroboration,)
    return terms


def composed_terms(terms: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """The values of the composed fields that a record has, by field, from its own terms (`record_terms`)."""
    own = {f"{field}={value}" for field, values in terms.items() for value in values}
    return {
        field: tuple(code for code, facets in codes.items() if not own.isdisjoint(facets))
        for field, codes in COMPOSED.items()
    }
