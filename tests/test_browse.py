"""The library without a question: order, filters, counts, and what a lesson does not tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from made_up import make_case, make_lesson, make_library

from kb.browse import Catalogue, Entry, newest_first
from kb.drafts import make_card
from kb.filters import FIELDS, Filters, make_filters

if TYPE_CHECKING:
    from kb.records import Record


def catalogue(*records: Record) -> Catalogue:
    shown = records or make_library()
    return Catalogue(
        [make_card(record) for record in shown],
        [{section.stance for section in record.sections} for record in shown],
        lambda _: pytest.fail("the card has it"),
    )


def chosen(**values: list[str]) -> list[str]:
    return [entry.record for entry in catalogue().select(make_filters(values)).entries]


def test_records_stand_by_title_whatever_article_it_begins_with() -> None:
    titles = ["The zoo", "An apple a day", "A bus to nowhere", "\u2018Crisis\u2019, they said", "2020 vision"]
    entries = catalogue(*(make_case(id=f"n{number}", title=title) for number, title in enumerate(titles)))
    shown = entries.select().entries
    assert [entry.title for entry in shown] == [titles[number] for number in (4, 1, 2, 3, 0)]
    assert [entry.letter for entry in shown] == ["2", "A", "B", "C", "Z"]


def test_values_of_one_field_are_alternatives_and_fields_are_combined() -> None:
    assert chosen(outcome=["failed"]) == ["otherham-library-trust", "l-9kd3ws"]
    assert chosen(outcome=["failed", "relapsed"]) == ["valley-care-rota", "otherham-library-trust", "l-9kd3ws"]
    assert chosen(outcome=["failed"], kind=["case"]) == ["otherham-library-trust"]
    assert chosen(outcome=["failed"], service=["adults"]) == []


def test_composed_fields_and_stances_and_years_choose_too() -> None:
    assert chosen(place_type=["district"]) == ["anytown-bins", "l-9kd3ws"]
    assert chosen(stance=["advice"]) == ["otherham-library-trust"]
    assert "otherham-library-trust" in chosen(decade=["2000s"])
    early = catalogue().select(make_filters({}, last_year=2010))
    assert [entry.record for entry in early.entries] == ["otherham-library-trust"]


@pytest.mark.parametrize("values", [{}, {"outcome": ["failed"]}, {"outcome": ["failed"], "kind": ["lesson"]}])
def test_a_count_is_what_choosing_that_value_would_give(values: dict[str, list[str]]) -> None:
    counts = catalogue().select(make_filters(values)).counts
    assert set(counts) == set(FIELDS)
    for field in ("outcome", "kind", "service", "place_type", "decade"):
        for value, count in counts[field].items():
            assert count == len(chosen(**{**values, field: [value]}))
            assert count > 0


def test_a_selection_is_remembered_and_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kb.browse._KEPT_CHOICES", 3)
    some = catalogue()
    assert some.select(Filters()) is some.select(None)
    for year in range(2000, 2020):
        some.select(make_filters({}, first_year=year))
    assert len(some._kept) <= 3


def test_the_newest_are_by_the_date_of_the_check() -> None:
    entries = catalogue(
        make_case(id="old", checked_on="2025-03-01"),
        make_case(id="month", checked_on="2026-03"),
        make_case(id="new", checked_on="2026-04-02"),
        make_case(id="new-and-later", checked_on="2026-04-02", outcome_as_at="2026-02"),
        make_lesson(id="l-2b7xq4", checked_on="2026-11-30"),
    )
    order = [entry.record for entry in newest_first(entries.select().entries)]
    assert order == ["new-and-later", "new", "month", "l-2b7xq4", "old"]


def test_a_lesson_tells_only_the_year_of_its_check() -> None:
    (entry,) = catalogue(make_lesson(checked_on="2026-11-30")).select().entries
    assert entry.checked_on == "2026"
    (case,) = catalogue(make_case(checked_on="2026-11-30")).select().entries
    assert case.checked_on == "2026-11-30"


def test_a_card_of_an_earlier_generation_has_its_date_looked_up() -> None:
    card: dict[str, Any] = make_card(make_case())
    del card["checked_on"]
    (entry,) = Catalogue([card], [set()], lambda name: {"anytown-bins": "2024-05"}[name]).select().entries
    assert isinstance(entry, Entry)
    assert entry.checked_on == "2024-05"
