"""A record's file: read without ever failing, written in one canonical form, and lossless both ways."""

from __future__ import annotations

import re

import pytest
from any_record import AWKWARD, any_case, any_lesson, fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up import line_of, make_case, make_lesson, make_library

from kb import vocabulary
from kb.record_file import Fault, parse, render
from kb.records import FRONT_MATTER, Case, Lesson, Record

# The canonical form, as people see it in a diff. A change here is a change to every file of the library.
CASE_FILE = """\
---
id: anytown-bins
kind: case
title: 'Missed bins: the crews who put them right'
summary: >-
  A small council cut its missed collections by letting crews report them from the street, and kept them down for three
  years, at a cost of one van.
organisations:
  - {name: Anytown Council, gss: E07000001}
  - {name: The Trust}
nation: England
region: North West
council_type: district
sectors: [local-government]
services: [environment-and-waste, digital]
themes: [service-delivery]
period: {start: 2014, end: 2017}
outcome: relapsed
outcome_as_at: 2018-05
outcome_history:
  - {as_at: 2016, outcome: worked, note: 'four a week, not ninety'}
  - {as_at: 2018-05, outcome: relapsed, note: ''}
finding_basis: auditor
effect_evidence: 2
contested: 'no'
cost: £38,000 [s1]
measures:
  - {what: complaints a week, before: 90, after: '4.0', source: s1}
sources:
  - {id: s1, title: Annual audit letter, publisher: The Auditor, url: 'https://example.org/letter?a=1#b', date: 2018-05, accessed: 2026-11-01, independent: true}
linked:
  - {record: otherham-library-trust, how: see also}
answers:
  - Our refuse collectors keep missing streets. What helps?
  - 'Bins: why do we miss them?'
checked_on: 2026-11-01
review_due: 2028-11
---

## Situation

Bins were left full for weeks [s1].

- One street.
- Another.

## What was done

Crews were given **tablets** [s1].

## What happened

Complaints fell [s1].

## What worked

Crews chose the tablets [s1].
"""  # noqa: E501  one item of a list stays on one line

LESSON_FILE = """\
---
id: l-2b7xq4
kind: lesson
title: The dashboard that was green
summary: A leadership team watched averages.
answers:
  - Why did our dashboard not warn us?
council_family: upper-tier-or-unitary
period_band: late 2010s
sectors: [local-government]
services: [housing]
themes: [leadership, culture]
outcome: mixed
finding_basis: peer-team
corroboration: 2-4
withheld: [region, people]
checked_on: 2026-11-01
review_due: 2028-11
---

## Situation

Repairs were closed on paper.

## What was done

The team met every week.

## What happened

The dashboard stayed green.

## What did not work

Averages hid the worst homes.
"""


def record_of(text: str) -> Record:
    parsed = parse(text)
    assert parsed.faults == ()
    assert parsed.record is not None
    return parsed.record


def faults_after(old: str, new: str, text: str = CASE_FILE) -> tuple[str, tuple[Fault, ...]]:
    """The file with `old` replaced, and its faults."""
    assert text.count(old) == 1
    edited = text.replace(old, new)
    return edited, parse(edited).faults


# --- what is read ----------------------------------------------------------------------------------------------------


def test_a_case_is_read_with_every_field() -> None:
    record = record_of(CASE_FILE)
    assert isinstance(record, Case)
    assert record.title == "Missed bins: the crews who put them right"
    assert record.summary.endswith("and kept them down for three years, at a cost of one van.")
    assert [(body.name, body.gss) for body in record.organisations] == [
        ("Anytown Council", "E07000001"),
        ("The Trust", None),
    ]
    assert (record.period.start, record.period.end) == (2014, 2017)
    assert record.outcome_history[1].as_at == "2018-05"
    assert record.contested == "no"
    assert (record.measures[0].before, record.measures[0].after) == ("90", "4.0")
    assert record.sources[0].independent is True
    assert record.sources[0].url == "https://example.org/letter?a=1#b"
    assert [section.heading for section in record.sections] == [
        "Situation",
        "What was done",
        "What happened",
        "What worked",
    ]
    assert record.sections[0].text == "Bins were left full for weeks [s1].\n\n- One street.\n- Another."


def test_a_lesson_is_read_with_every_field() -> None:
    record = record_of(LESSON_FILE)
    assert isinstance(record, Lesson)
    assert record.answers == ("Why did our dashboard not warn us?",)
    assert record.corroboration == "2-4"
    assert record.withheld == ("region", "people")


def test_words_that_yaml_takes_for_something_else_stay_words() -> None:
    """YAML 1.1 reads `no` as false, 2020-08 as text, 2020-08-14 as a date, 1_000 and 0x1F as numbers, 12:30 as 750."""
    for word in ("no", "yes", "on", "null", "~", "1.5", "1e3", "1_000", "0x1F", "12:30", "2020-08-14", "=", ".inf"):
        text, faults = faults_after("contested: 'no'", f"contested: {word}")
        assert faults == ()
        record = parse(text).record
        assert isinstance(record, Case)
        assert record.contested == word


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_line_endings_of_other_systems_and_a_byte_order_mark_make_no_difference(ending: str) -> None:
    assert record_of("\ufeff" + CASE_FILE.replace("\n", ending)) == record_of(CASE_FILE)


def test_a_blank_line_more_or_less_makes_no_difference() -> None:
    loose = CASE_FILE.replace("## ", "\n\n##  ").replace("\n\n## What was done\n\n", "\n## What was done \n")
    assert record_of(loose + "\n\n") == record_of(CASE_FILE)


def test_a_rule_of_hyphens_in_the_body_does_not_end_anything() -> None:
    record = record_of(CASE_FILE.replace("Complaints fell [s1].", "Complaints fell [s1].\n\n---\n\nAnd stayed there."))
    assert record.sections[2].text == "Complaints fell [s1].\n\n---\n\nAnd stayed there."


def test_every_part_knows_its_line() -> None:
    parsed = parse(CASE_FILE)
    for place, needle in {
        ("id",): "id: anytown-bins",
        ("summary",): "summary: >-",
        ("organisations", 1): "The Trust",
        ("organisations", 1, "name"): "The Trust",
        ("outcome_history", 0, "note"): "four a week",
        ("answers", 1): "Bins: why",
        ("sections", 2): "## What happened",
        ("sections", 2, "text"): "Complaints fell",
    }.items():
        assert parsed.line_of(place) == line_of(CASE_FILE, needle)
    assert parsed.text_line(0) == line_of(CASE_FILE, "Bins were left full")
    assert parsed.line_of(("measures", 0, "nothing", "of", "the", "kind")) == line_of(CASE_FILE, "complaints a week")
    assert parsed.line_of(("nothing of the kind",)) == 1


# --- faults, each with its line --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("outcome: relapsed\noutcome_as", "outcome: good\noutcome_as", "outcome 'good' is not one of worked, re"),
        ("nation: England", "nation: Wessex", "nation 'Wessex' is not one of England, Scotland"),
        ("council_type: district", "council_type: parish", "council_type 'parish' is not one of county, district"),
        ("effect_evidence: 2", "effect_evidence: 7", "effect_evidence '7' is not one of 0, 1, 2, 3, 4"),
        (", digital]", ", magic]", "services 2 'magic' is not one of finance, children"),
        ("outcome: worked, note", "outcome: good, note", "outcome_history 1 outcome 'good' is not one of worked"),
        ("how: see also", "how: cousin", "linked 1 how 'cousin' is not one of same failure elsewhere"),
        ("checked_on: 2026-11-01", "checked_on: soon", "checked_on 'soon' is not a date; write 2020, 2020-08"),
        ("date: 2018-05", "date: 2018-13", "sources 1 date '2018-13' is not a date"),
        ("id: anytown-bins", "id: Anytown bins", "id 'Anytown bins' does not have the form"),
        ("gss: E07000001", "gss: E07", "organisations 1 gss 'E07' does not have the form"),
        ("start: 2014", "start: long ago", "period start 'long ago' is not a whole number"),
        ("independent: true", "independent: perhaps", "sources 1 independent 'perhaps' is not true or false"),
        ("themes: [service-delivery]", "themes: service-delivery", "themes is not a list; write [a, b]"),
        ("themes: [service-delivery]", "themes: []", "themes is empty; give at least one"),
        ("period: {start: 2014, end: 2017}", "period: 2014", "period is not a list of 'key: value' pairs"),
        ("cost: £38,000 [s1]", "price: £38,000", "price is not a key of a case; the keys are id, kind, title"),
        ("cost: £38,000 [s1]", "sections: none", "sections is not a key of a case; the keys are id, kind, title"),
        (", source: s1}", ", source: s1, unit: per week}", "measures 1 unit is not a key of a case; take it out"),
        ("outcome: relapsed, note: ''", "outcome: relapsed, note: \"a\\tb\"", "outcome_history 2 note must stand on"),
        ("themes: [service-delivery]", "themes: [culture, culture]", "themes says 'culture' twice; say it once"),
        ("nation: England", "nation: England\nnation: Wales", "'nation' stands twice; keep one"),
    ],
)  # fmt: skip
def test_a_fault_in_the_front_matter_has_its_line(old: str, new: str, says: str) -> None:
    edited, faults = faults_after(old, new)
    assert len(faults) == 1
    assert faults[0].message.startswith(says)
    changed = next(
        number
        for number, (was, now) in enumerate(zip(CASE_FILE.split("\n"), edited.split("\n"), strict=False), start=1)
        if was != now
    )
    assert faults[0].line == changed


def test_an_overlong_title_has_its_line() -> None:
    edited, faults = faults_after("title: 'Missed bins", f"title: '{'x' * 160}Missed bins")
    assert [(fault.line, fault.message) for fault in faults] == [
        (line_of(edited, "xxx"), "title is 201 characters long; the most is 160")
    ]


def test_what_is_missing_is_named() -> None:
    _, faults = faults_after("nation: England\n", "")
    assert [fault.message for fault in faults] == ["nation is missing; every case has it"]
    edited, faults = faults_after(", accessed: 2026-11-01", "")
    assert [(fault.line, fault.message) for fault in faults] == [
        (line_of(edited, "Annual audit letter"), "sources 1 accessed is missing; every case has it")
    ]


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("kind: story", "kind 'story' is not one of case, lesson; write 'kind: case' or 'kind: lesson'"),
        ("kind: [case]", "kind ('case',) is not one of case, lesson; write 'kind: case' or 'kind: lesson'"),
        ("kind: {case: yes}", "kind {'case': 'yes'} is not one of case, lesson; write 'kind: case' or 'kind: lesson'"),
    ],
)
def test_a_kind_that_there_is_not(kind: str, says: str) -> None:
    _, faults = faults_after("kind: case", kind)
    assert faults == (Fault(3, says),)


def test_a_kind_that_is_missing() -> None:
    _, faults = faults_after("kind: case\n", "")
    assert faults == (Fault(2, "kind is missing; write 'kind: case' or 'kind: lesson'"),)


@pytest.mark.parametrize(
    ("old", "new", "needle", "says"),
    [
        ("## What happened", "## Results", "## Results", "'Results' is not a heading of a record; use one of"),
        ("## What happened", "##  situation", "##  situation", "'situation' is not a heading of a record"),
        ("Complaints fell [s1].", "# Bins", "# Bins", "a '# ' heading; the title stands in the front matter"),
        ("Complaints fell [s1].\n", "", "## What happened", "nothing stands under 'What happened'; write it or take"),
    ],
)  # fmt: skip
def test_a_fault_in_the_body_has_its_line(old: str, new: str, needle: str, says: str) -> None:
    edited, faults = faults_after(old, new)
    assert any(fault.line == line_of(edited, needle) and fault.message.startswith(says) for fault in faults)


def test_a_doubled_heading_points_at_both_lines() -> None:
    edited = CASE_FILE + "\n## Situation\n\nAgain.\n"
    parsed = parse(edited)
    first, again = (number for number, line in enumerate(edited.splitlines(), 1) if line == "## Situation")
    assert parsed.faults == (
        Fault(again, f"the heading 'Situation' stands already on line {first}; put both parts under one"),
    )


@pytest.mark.parametrize("heading", vocabulary.REQUIRED_HEADINGS)
def test_a_missing_heading_is_named_on_the_last_line(heading: str) -> None:
    edited = re.sub(rf"## {heading}\n.*?(?=## )", "", CASE_FILE, flags=re.DOTALL)
    last = len(edited.splitlines())
    assert parse(edited).faults == (Fault(last, f"the heading {heading!r} is missing; every record has it"),)


def test_one_of_two_headings_is_asked_for() -> None:
    edited = CASE_FILE.partition("\n## What worked")[0]
    assert [fault.message for fault in parse(edited).faults] == [
        "neither 'What worked' nor 'What did not work' is there; a record has at least one"
    ]
    assert parse(f"{edited}\n## What did not work\n\nNothing did.\n").faults == ()


def test_headings_have_an_order() -> None:
    moved = CASE_FILE.replace("## What was done", "## X").replace("## What happened", "## What was done")
    moved = moved.replace("## X", "## What happened")
    assert parse(moved).faults == (
        Fault(line_of(moved, "## What was done"), "'What was done' comes after 'What happened'; "
              "it stands before it in a record"),
    )  # fmt: skip


def test_text_before_the_first_heading() -> None:
    edited, faults = faults_after("\n## Situation", "\nA beginning.\n\n## Situation")
    assert faults == (
        Fault(line_of(edited, "A beginning."), "text before the first heading; put it under '## Situation'"),
    )


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "does not begin with '---'"),
        ("\n---\n", 1, "does not begin with '---'"),
        ("# A title\n", 1, "does not begin with '---'"),
        ("---\nid: x\n", 1, "the front matter is never closed"),
        ("---\n---\n", 2, "the front matter is not a list of 'key: value' lines"),
        ("---\n- a\n- b\n---\n", 2, "the front matter is not a list of 'key: value' lines"),
        ("---\nid: x\ntitle: Bins: a story\n---\n", 3, "is not YAML: mapping values are not allowed here; put a text"),
        ("---\nid: x\n\ttitle: y\n---\n", 3, "is not YAML"),
        ("---\nid: 'x\n---\n", 2, "is not YAML"),
        ("---\nid: x\ntitle: \x00\n---\n", 3, "has the control character U+0000; remove it"),
    ],
)
def test_a_file_without_readable_front_matter(text: str, line: int, says: str) -> None:
    parsed = parse(text)
    assert parsed.record is None
    assert parsed.faults[0].line == line
    assert parsed.faults[0].message.startswith(says)


def test_all_faults_of_a_file_come_in_one_run_in_the_order_of_their_lines() -> None:
    edited = CASE_FILE
    for old, new in (
        ("nation: England", "nation: Wessex"),
        ("finding_basis: auditor", "finding_basis: rumour"),
        ("date: 2018-05", "date: long ago"),
        ("## What was done", "## What we did"),
    ):
        edited = edited.replace(old, new)
    faults = parse(edited).faults
    assert [fault.line for fault in faults] == [
        line_of(edited, "Wessex"),
        line_of(edited, "rumour"),
        line_of(edited, "long ago"),
        line_of(edited, "## What we did"),
        len(edited.splitlines()),
    ]


def test_the_faults_of_the_body_come_though_the_front_matter_cannot_be_read() -> None:
    edited = CASE_FILE.replace("id: anytown-bins", "id: [anytown").replace("## What was done", "# What was done")
    edited = edited.replace("Complaints fell [s1].\n", "")
    lines = [fault.line for fault in parse(edited).faults]
    assert lines == sorted(lines)
    assert {line_of(edited, "# What was done"), line_of(edited, "## What happened")} <= set(lines)


# --- hostile front matter --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "front",
    [
        "id: &me [*me]",
        "id: &me {a: *me}",
        "a: &a [x, x]\nb: &b [*a, *a]",
        "<<: *nobody",
        "id: *nobody",
    ],
)
def test_an_alias_is_refused_since_it_could_stand_for_a_text_without_end(front: str) -> None:
    parsed = parse(f"---\n{front}\n---\n")
    assert parsed.record is None
    assert any("is not YAML" in fault.message and "alias" in fault.message for fault in parsed.faults)


def test_a_thousand_million_laughs_are_not_heard() -> None:
    """The classic attack: ten lines of aliases that would unfold to a thousand million texts."""
    lines = ["a0: &a0 [ha]"] + [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 10)]
    assert parse("\n".join(["---", *lines, "---"])).record is None


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_nesting_without_end_is_a_fault_and_no_failure(opening: str) -> None:
    parsed = parse(f"---\nid: x\nwithheld:\n  {opening * 5_000}\n---\n")
    assert parsed.record is None
    assert len(parsed.faults) >= 1


# --- round trips -----------------------------------------------------------------------------------------------------

THOROUGH = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@THOROUGH
@given(any_case() | any_lesson())
def test_what_is_written_is_read_back_to_the_letter(record: Record) -> None:
    written = render(record)
    parsed = parse(written)
    assert parsed.faults == ()
    assert parsed.record == record
    assert render(parsed.record) == written


@settings(THOROUGH, max_examples=40)
@given(any_case() | any_lesson())
def test_a_list_item_stands_on_one_line_and_the_keys_in_their_order(record: Record) -> None:
    front = render(record).split("\n---\n")[0].split("\n")[1:]
    keys = [match[1] for line in front if (match := re.match(r"([a-z_]+):", line))]
    assert keys == [key for key in FRONT_MATTER[record.kind] if getattr(record, key) not in (None, ())]
    assert sum(line.startswith("  - ") for line in front) >= len(record.answers)


@pytest.mark.parametrize("text", [CASE_FILE, LESSON_FILE], ids=["case", "lesson"])
def test_a_canonical_file_is_written_as_it_was_read(text: str) -> None:
    assert render(record_of(text)) == text


@pytest.mark.parametrize("record", make_library(), ids=lambda record: record.id)
def test_the_made_up_library_survives(record: Record) -> None:
    assert record_of(render(record)) == record


@pytest.mark.parametrize("text", [text for text in AWKWARD if fits(text)])
def test_each_awkward_text_survives_in_every_kind_of_place(text: str) -> None:
    record = make_case(
        title=text, summary=f"{text} {'long ' * 40}{text}", contested=text, answers=[text, f"x {text}"], cost=text,
        organisations=[{"name": text}], measures=[{"what": text, "before": text, "after": "", "source": "s1"}],
    )  # fmt: skip
    assert record_of(render(record)) == record
    lesson = make_lesson(withheld=[text, f"{text}, {text}"], answers=[text])
    assert record_of(render(lesson)) == lesson


SHAPES = ["[]", "{}", "[[a], {b: c}]", "{a: {b: []}}", "~", "''", "[~]", "!!int x", "|", ">-", "&a b", "*a", "- -"]
WORDS = st.sampled_from(AWKWARD)


# --- nothing makes reading fail --------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    parsed = parse(text)
    assert parsed.record is not None or parsed.faults


@settings(max_examples=300, deadline=None)
@given(st.text(), st.text())
def test_any_front_matter_and_any_body_can_be_read(front: str, body: str) -> None:
    parsed = parse(f"---\n{front}\n---\n{body}")
    assert parsed.record is None
    assert parsed.faults


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from([CASE_FILE, LESSON_FILE]),
    st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 40), WORDS | st.text(max_size=8)), max_size=4),
)
def test_a_file_damaged_anywhere_can_be_read(text: str, damages: list[tuple[int, int, str]]) -> None:
    for start, length, instead in damages:
        text = text[:start] + instead + text[start + length :]
    parsed = parse(text)
    assert parsed.record is not None or parsed.faults
    assert all(1 <= fault.line <= text.count("\n") + text.count("\r") + 1 for fault in parsed.faults)
    assert list(parsed.faults) == sorted(parsed.faults, key=lambda fault: fault.line)
    if parsed.record is not None and not parsed.faults:
        assert record_of(render(parsed.record)) == parsed.record


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([CASE_FILE, LESSON_FILE]),
    st.integers(0, 60),
    st.sampled_from(SHAPES),
)
def test_a_value_of_any_shape_can_stand_for_any_other(text: str, number: int, value: str) -> None:
    lines = text.split("\n")
    number %= lines.index("---", 1)
    lines[number] = re.sub(r"(: ).*", rf"\1{value}", lines[number])
    parsed = parse("\n".join(lines))
    assert parsed.record is not None or parsed.faults
