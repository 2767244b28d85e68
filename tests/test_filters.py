"""Filters: checked against the vocabularies before anything is searched, and the same terms in both legs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import make_case, make_lesson, make_library

from kb.filters import FIELDS, FIRST_YEAR, LAST_YEAR, FilterError, Filters, make_filters, record_terms

if TYPE_CHECKING:
    from kb.records import Record


def test_no_choice_lets_every_record_through() -> None:
    assert not make_filters({})
    assert make_filters({"outcome": [], "service": ()}) == Filters()


def test_values_of_a_field_are_kept_once_and_fields_in_one_order() -> None:
    chosen = make_filters({"service": ["housing", "finance", "housing"], "outcome": ["failed"]})
    assert chosen
    assert chosen.terms == (("outcome", ("failed",)), ("service", ("housing", "finance")))
    assert chosen == make_filters({"outcome": ["failed"], "service": ["housing", "finance"]})
    assert chosen.values("service") == ("housing", "finance")
    assert chosen.values("theme") == ()


def test_values_may_come_one_by_one() -> None:
    assert make_filters({"outcome": (value for value in ("failed", "mixed"))}).values("outcome") == ("failed", "mixed")


def test_an_unknown_field_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(FilterError, match="'colour' is not a filter; the filters are outcome, service, theme"):
        make_filters({"colour": ["blue"]})


@pytest.mark.parametrize("field", FIELDS)
def test_an_unknown_value_of_any_field_is_refused_with_those_that_there_are(field: str) -> None:
    known = ", ".join(FIELDS[field].codes)
    with pytest.raises(FilterError) as caught:
        make_filters({field: [FIELDS[field].codes[0], "nonsense"]})
    assert str(caught.value) == f"{field} 'nonsense' is not one of {known}"


@pytest.mark.parametrize("field", FIELDS)
def test_every_value_of_every_vocabulary_can_be_chosen(field: str) -> None:
    assert make_filters({field: FIELDS[field].codes}).values(field) == FIELDS[field].codes


@pytest.mark.parametrize(
    ("first", "last", "years"),
    [
        (2015, 2017, ("2015", "2016", "2017")),
        (2016, 2016, ("2016",)),
        (None, 1901, ("1900", "1901")),
        (2099, None, ("2099", "2100")),
    ],
)
def test_a_period_is_its_years(first: int | None, last: int | None, years: tuple[str, ...]) -> None:
    assert make_filters({}, first_year=first, last_year=last).values("year") == years


@pytest.mark.parametrize(
    ("first", "last"), [(2017, 2016), (FIRST_YEAR - 1, 2000), (2000, LAST_YEAR + 1), (0, 2000), (2000, 0), (-5, None)]
)
def test_a_period_that_runs_backwards_or_lies_far_away_is_refused(first: int | None, last: int | None) -> None:
    with pytest.raises(FilterError, match="are not a period between 1900 and 2100"):
        make_filters({}, first_year=first, last_year=last)


def test_a_year_is_no_field_of_its_own() -> None:
    with pytest.raises(FilterError):
        make_filters({"year": ["2016"]})


# --- the terms of a record -------------------------------------------------------------------------------------------


def test_a_case_has_the_terms_of_its_fields() -> None:
    record = make_case(services=["housing", "finance"], period={"start": 2014, "end": 2016})
    assert record_terms(record) == {
        "kind": ("case",),
        "outcome": ("worked",),
        "service": ("housing", "finance"),
        "theme": ("service-delivery",),
        "sector": ("local-government",),
        "finding_basis": ("auditor",),
        "year": ("2014", "2015", "2016"),
        "nation": ("England",),
        "region": ("North West",),
        "council_type": ("district",),
        "effect_evidence": ("2",),
    }


def test_a_lesson_has_the_terms_of_its_fields_and_the_years_of_its_band() -> None:
    terms = record_terms(make_lesson(period_band="late 2010s"))
    assert terms["council_family"] == ("upper-tier-or-unitary",)
    assert terms["corroboration"] == ("2-4",)
    assert terms["year"] == ("2015", "2016", "2017", "2018", "2019")
    assert not {"nation", "region", "council_type", "effect_evidence"} & set(terms)


@pytest.mark.parametrize("record", make_library(), ids=lambda record: record.id)
def test_every_term_of_a_record_can_be_filtered_by(record: Record) -> None:
    for field, values in record_terms(record).items():
        if field == "year":
            assert make_filters({}, first_year=int(values[0]), last_year=int(values[-1])).values("year") == values
        else:
            assert make_filters({field: values}).values(field) == tuple(dict.fromkeys(values))


@given(st.dictionaries(st.sampled_from([*FIELDS, "colour"]), st.lists(st.text(max_size=12), max_size=3)))
def test_any_choice_is_a_filter_or_refused(chosen: dict[str, list[Any]]) -> None:
    try:
        made = make_filters(chosen)
    except FilterError as error:
        assert str(error)
    else:
        assert {field for field, _ in made.terms} == {field for field, values in chosen.items() if values}
