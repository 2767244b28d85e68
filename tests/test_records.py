"""What a record is: the rules of each field, and what is read off a record."""

from __future__ import annotations

from typing import Any

import pytest
from made_up import make_case, make_lesson, make_library
from pydantic import ValidationError

from kb import vocabulary
from kb.records import FRONT_MATTER, KINDS, Case, Lesson, Section, place, years


def refused(make: Any, **changes: Any) -> str:
    """The message with which a record with these fields is refused."""
    with pytest.raises(ValidationError) as caught:
        make(**changes)
    return str(caught.value)


def test_a_record_is_immutable() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        make_case().title = "another"  # type: ignore[misc]


def test_an_unknown_field_is_refused() -> None:
    assert "colour" in refused(make_case, colour="blue")
    assert "sources" in refused(make_lesson, sources=[])


@pytest.mark.parametrize("kind", KINDS)
def test_each_field_stands_once_in_the_order_of_the_front_matter(kind: str) -> None:
    fields = set(KINDS[kind].model_fields) - {"sections"}
    assert sorted(FRONT_MATTER[kind]) == sorted(fields)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("outcome", "good"),
        ("nation", "Wessex"),
        ("region", "The North"),
        ("council_type", "parish"),
        ("services", ["magic"]),
        ("themes", ["vision"]),
        ("sectors", ["army"]),
        ("finding_basis", "rumour"),
        ("effect_evidence", "5"),
        ("outcome_history", [{"as_at": "2018", "outcome": "good"}]),
        ("linked", [{"record": "x", "how": "cousin"}]),
    ],
)
def test_a_term_outside_its_vocabulary_is_refused_with_the_terms_that_would_do(field: str, value: Any) -> None:
    assert "is not one of" in refused(make_case, **{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [("council_family", "county"), ("period_band", "1990s"), ("corroboration", "3"), ("outcome", "good")],
)
def test_a_lessons_terms_are_checked_too(field: str, value: str) -> None:
    assert "is not one of" in refused(make_lesson, **{field: value})


def test_effect_evidence_is_a_code_whether_it_comes_as_text_or_as_a_number() -> None:
    assert make_case(effect_evidence=3).effect_evidence == "3"
    assert make_case(effect_evidence="0").effect_evidence == "0"
    assert "effect_evidence" in refused(make_case, effect_evidence=True)


@pytest.mark.parametrize("date", ["2020", "2020-08", "2020-08-14", "2020-02-29", "1900"])
def test_a_date_may_be_a_year_a_month_or_a_day(date: str) -> None:
    assert make_case(checked_on=date).checked_on == date


@pytest.mark.parametrize(
    "date",
    [
        "",
        "20",
        "1899",
        "2020-00",
        "2020-13",
        "2020-8",
        "2020-08-00",
        "2020-08-32",
        "2020-04-31",
        "2021-02-29",
        "14/08/2020",
        "August 2020",
        "2020-08-14T10:00",
        " 2020",
        "2020\n",
        "２０２０",  # noqa: RUF001  digits of full width are read as digits by many a parser
    ],
)
def test_what_is_no_date_is_refused_with_examples(date: str) -> None:
    assert "is not a date; write 2020, 2020-08 or 2020-08-14" in refused(make_case, checked_on=date)


@pytest.mark.parametrize("name", ["", "Nottingham", "a b", "-a", "a-", "a--b", "a_b", "é", "a" * 81, "a\n", "../etc"])
def test_an_id_is_small_letters_and_digits_joined_by_hyphens(name: str) -> None:
    assert "id" in refused(make_case, id=name)


@pytest.mark.parametrize("name", ["a", "l-2b7xq4", "redcar-cleveland-cyber-attack", "20mph"])
def test_an_id_that_is_well_formed(name: str) -> None:
    assert make_case(id=name).id == name


def source(**changes: Any) -> list[dict[str, Any]]:
    return [{**make_case().sources[0].model_dump(), **changes}]


@pytest.mark.parametrize(
    "url",
    ["", "example.org", "ftp://example.org/x", "javascript:alert(1)", "https://a b", 'https://a"b', "https://a<b"],
)
def test_a_source_has_a_web_address(url: str) -> None:
    assert "url" in refused(make_case, sources=source(url=url))


@pytest.mark.parametrize(
    "url", ["https://example.org/\x00", "https://example.org/\u2028", "https://example.org/\x1b[2J"]
)
def test_an_address_holds_no_control_character(url: str) -> None:
    assert "url" in refused(make_case, sources=source(url=url))


@pytest.mark.parametrize("name", ["", "s0", "s01", "s1000", "1", "S1", "s1 "])
def test_a_source_is_named_s_and_a_number(name: str) -> None:
    assert "id" in refused(make_case, sources=source(id=name))


@pytest.mark.parametrize("code", ["E0600001", "E060000018", "X06000018", "e06000018", "E0600001８"])  # noqa: RUF001
def test_the_code_of_a_council_has_the_form_of_the_ons(code: str) -> None:
    assert "gss" in refused(make_case, organisations=[{"name": "Anytown Council", "gss": code}])


def test_a_body_without_a_code_is_welcome() -> None:
    assert make_case(organisations=[{"name": "The Trust"}]).organisations[0].gss is None


@pytest.mark.parametrize("field", ["title", "summary", "contested", "cost"])
@pytest.mark.parametrize("text", ["", "   ", "two\nlines", "a\ttab", "bell \x07", "line\u2028end", "\ufeffmark"])
def test_a_line_is_not_empty_and_stands_on_one_line(field: str, text: str) -> None:
    assert field in refused(make_case, **{field: text})


def test_white_space_around_a_line_is_not_kept() -> None:
    assert make_case(title="  Bins \n").title == "Bins"


def test_a_title_and_a_summary_have_a_greatest_length() -> None:
    assert make_case(title="x" * 160, summary="x" * 600)
    assert "160" in refused(make_case, title="x" * 161)
    assert "600" in refused(make_case, summary="x" * 601)


@pytest.mark.parametrize("field", ["services", "themes", "sectors", "answers"])
def test_a_list_says_a_thing_once(field: str) -> None:
    said = getattr(make_case(), field)[0]
    assert f"says {said!r} twice" in refused(make_case, **{field: [said, said]})


@pytest.mark.parametrize("field", ["services", "themes", "sectors", "organisations", "sources"])
def test_a_list_that_filters_or_proof_need_is_not_empty(field: str) -> None:
    assert field in refused(make_case, **{field: []})


def test_answers_measures_and_history_may_be_left_out() -> None:
    record = make_case(answers=(), measures=(), outcome_history=(), linked=())
    assert record.answers == record.measures == record.outcome_history == record.linked == ()


@pytest.mark.parametrize("text", ["", " x", "x\n", "# Title\ntext", "text\n## Situation\ntext", "nul \x00"])
def test_the_text_of_a_section_stays_inside_its_section(text: str) -> None:
    with pytest.raises(ValidationError):
        Section(heading="Situation", text=text)


def test_a_section_may_have_headings_of_its_own_and_lists() -> None:
    section = Section(heading="Situation", text="### Before\n\n- one\n- two\n\n#1 of the league\n\t##tag")
    assert section.stance == "context"


def test_a_heading_is_one_of_the_nine() -> None:
    with pytest.raises(ValidationError, match="is not one of Situation, What was done"):
        Section(heading="Background", text="x")


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Situation", "situation"),
        ("What did not work", "what-did-not-work"),
        ("Would it transfer?", "would-it-transfer"),
    ],
)
def test_the_anchor_of_a_section_can_stand_in_an_address(heading: str, anchor: str) -> None:
    assert Section(heading=heading, text="x").anchor == anchor


def test_anchors_are_different_for_all_headings() -> None:
    anchors = {Section(heading=heading, text="x").anchor for heading in vocabulary.HEADINGS}
    assert len(anchors) == len(vocabulary.HEADINGS)


def test_a_section_is_found_by_its_heading() -> None:
    record = make_case()
    found = record.section("What worked")
    assert found is not None
    assert found.stance == "worked"
    assert record.section("Updates") is None


def test_a_record_knows_its_years_and_its_place() -> None:
    case = make_case(organisations=[{"name": "Anytown Council"}, {"name": "The Trust"}])
    assert years(case) == (2014, 2017)
    assert place(case) == "Anytown Council, The Trust"
    lesson = make_lesson(period_band="late 2010s", council_family="district")
    assert years(lesson) == (2015, 2019)
    assert place(lesson) == "A district council"


def test_the_made_up_library_holds_both_kinds_and_failures() -> None:
    records = make_library()
    assert {type(record) for record in records} == {Case, Lesson}
    assert len({record.id for record in records}) == len(records)
    assert sum(record.outcome in vocabulary.FAILURES for record in records) >= len(records) / 3
