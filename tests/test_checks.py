"""The rules that look across a record's parts, each fault with the line on which it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from made_up import line_of, make_case, make_lesson, make_library

from kb.checks import check, check_hidden
from kb.record_file import parse, render

if TYPE_CHECKING:
    from kb.councils import CouncilNames
    from kb.records import Record


def found_in(text: str, names: CouncilNames | None = None) -> list[tuple[int, str]]:
    parsed = parse(text)
    assert parsed.faults == ()
    return [(fault.line, fault.message) for fault in check(parsed, names)]


def found(record: Record, names: CouncilNames | None = None) -> list[tuple[int, str]]:
    return found_in(render(record), names)


@pytest.mark.parametrize("record", make_library(), ids=lambda record: record.id)
def test_the_made_up_library_has_no_fault(record: Record, uk_council_names: CouncilNames) -> None:
    assert found(record, uk_council_names) == []


def test_a_file_that_could_not_be_read_is_not_checked_further() -> None:
    assert check(parse("no front matter"), None) == []


# --- sources and marks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "One line [s1]. Another [s3].",
        "A paragraph [s1].\n\nThe next paragraph\nruns on, as reports do [s3].",
        "- an item [s1]\n- another item [s3]\n- a third",
    ],
)
def test_a_mark_without_a_source_has_the_line_of_the_mark(text: str) -> None:
    sections = {section.heading: section.text for section in make_case().sections}
    markdown = render(make_case(sections={**sections, "What was done": text}))
    assert found_in(markdown) == [(line_of(markdown, "[s3]"), "[s3] has no source; the sources are s1")]


@pytest.mark.parametrize("field", ["cost", "time_to_effect", "contested", "summary"])
def test_a_mark_without_a_source_is_found_in_the_front_matter_too(field: str) -> None:
    markdown = render(make_case(**{field: "Two vans [s9]."}))
    assert found_in(markdown) == [(line_of(markdown, f"{field}:"), "[s9] has no source; the sources are s1")]


def sources(*changes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**make_case().sources[0].model_dump(), **change} for change in changes]


def test_a_source_that_is_never_cited() -> None:
    markdown = render(make_case(sources=sources({}, {"id": "s2", "title": "Minutes"})))
    assert found_in(markdown) == [
        (line_of(markdown, "title: Minutes"), "source s2 is never cited; cite it as [s2] or take it out")
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"measures": [{"what": "vans", "after": "1", "source": "s2"}]},
        {"cost": "One van [s2]."},
        {"time_to_effect": "A month [s2]."},
        {"contested": "The union counts otherwise [s2]."},
    ],
)
def test_a_source_may_be_cited_by_a_measure_or_in_the_front_matter(changes: dict[str, Any]) -> None:
    assert found(make_case(sources=sources({}, {"id": "s2"}), **changes)) == []


def test_a_source_that_is_listed_twice() -> None:
    markdown = render(make_case(sources=sources({}, {"title": "Minutes"})))
    assert found_in(markdown) == [
        (line_of(markdown, "title: Minutes"), "source s1 is listed twice; give each its own id")
    ]


def test_a_measure_whose_source_there_is_not() -> None:
    measures = [
        {"what": "complaints", "before": "90", "after": "4", "source": "s1"},
        {"what": "vans", "before": "2", "after": "3", "source": "s4"},
    ]
    markdown = render(make_case(measures=measures))
    assert found_in(markdown) == [(line_of(markdown, "vans"), "measure 'vans': s4 is not one of the sources")]


def test_a_measure_without_a_source() -> None:
    markdown = render(make_case()).replace(", after: '4', source: s1}", ", after: '4'}")
    markdown = markdown.replace(", after: 4, source: s1}", ", after: 4}")
    assert [(fault.line, fault.message) for fault in parse(markdown).faults] == [
        (line_of(markdown, "complaints a week"), "measures 1 source is missing; every case has it")
    ]


def test_a_measure_without_a_figure() -> None:
    markdown = render(make_case(measures=[{"what": "vans", "before": "", "after": "", "source": "s1"}]))
    assert found_in(markdown) == [
        (line_of(markdown, "what: vans"), "measure 'vans' has no figure; give 'before' or 'after'")
    ]
    assert found(make_case(measures=[{"what": "vans", "before": "2", "source": "s1"}])) == []


def test_one_side_of_a_story_needs_a_word_of_warning() -> None:
    alone = sources({"independent": False})
    markdown = render(make_case(sources=alone))
    assert found_in(markdown) == [
        (
            line_of(markdown, "sources:"),
            "no source is independent of the body; add one, or say in 'contested' that only one side is told",
        )
    ]
    assert found(make_case(sources=alone, contested="Only the council's own account is known.")) == []


# --- dates -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "needle", "message"),
    [
        (
            {"review_due": "2026-10"},
            "review_due:",
            "review_due 2026-10 comes before checked_on 2026-11-01",
        ),
        (
            {"period": {"start": 2017, "end": 2014}},
            "period:",
            "the period runs backwards, 2017 to 2014",
        ),
        (
            {"outcome_as_at": "2013-12"},
            "outcome_as_at:",
            "outcome_as_at 2013-12 comes before the period, which starts in 2014",
        ),
        (
            {"outcome_as_at": "2026-11-02"},
            "outcome_as_at:",
            "outcome_as_at 2026-11-02 comes after checked_on 2026-11-01",
        ),
        (
            {"sources": sources({"date": "2026-12"})},
            "title: Annual audit letter",
            "source s1 is dated 2026-12, after it was read on 2026-11-01",
        ),
        (
            {"sources": sources({"accessed": "2026-11-02"})},
            "title: Annual audit letter",
            "source s1 was read on 2026-11-02, after checked_on 2026-11-01",
        ),
    ],
)
def test_dates_that_run_backwards(changes: dict[str, Any], needle: str, message: str) -> None:
    markdown = render(make_case(**changes))
    assert found_in(markdown) == [(line_of(markdown, needle), message)]


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2018", "2016"),
        ("2018-05", "2018-04"),
        ("2018-05-20", "2018-05-19"),
        ("2018-05", "2017"),
        ("2019", "2018-12-31"),
    ],
)
def test_a_history_runs_from_the_oldest_to_the_newest(first: str, last: str) -> None:
    history = [{"as_at": first, "outcome": "failed"}, {"as_at": last, "outcome": "worked"}]
    markdown = render(make_case(outcome_history=history, outcome_as_at=last))
    assert found_in(markdown) == [
        (
            line_of(markdown, f"as_at: {last}, outcome: worked"),
            f"outcome_history: {last} stands after {first}; oldest first",
        )
    ]


@pytest.mark.parametrize(
    ("first", "last"), [("2016", "2018"), ("2018", "2018"), ("2018", "2018-05"), ("2018-05", "2018")]
)
def test_dates_that_may_be_the_same_do_not_run_backwards(first: str, last: str) -> None:
    history = [{"as_at": first, "outcome": "failed"}, {"as_at": last, "outcome": "worked"}]
    assert (
        found(make_case(outcome_history=history, outcome_as_at="2018", checked_on="2026", review_due="2026-01")) == []
    )


def test_the_outcome_is_the_latest_of_its_history() -> None:
    markdown = render(make_case(outcome_history=[{"as_at": "2018-05", "outcome": "relapsed"}]))
    assert found_in(markdown) == [
        (
            line_of(markdown, "outcome: worked"),
            "outcome 'worked' is not the latest of outcome_history, 'relapsed'; make them agree",
        )
    ]


@pytest.mark.parametrize(
    ("as_at", "message"),
    [
        ("2026-11-02", "outcome_history: 2026-11-02 comes after checked_on 2026-11-01"),
        ("2013-12", "outcome_history: 2013-12 comes before the period, which starts in 2014"),
    ],
)
def test_a_history_lies_between_the_period_and_the_day_of_the_check(as_at: str, message: str) -> None:
    markdown = render(make_case(outcome_history=[{"as_at": as_at, "outcome": "worked"}]))
    assert (line_of(markdown, f"as_at: {as_at}, outcome: worked"), message) in found_in(markdown)


def test_a_history_may_begin_in_the_first_year_of_the_period() -> None:
    history = [{"as_at": "2014", "outcome": "failed"}, {"as_at": "2018", "outcome": "worked"}]
    assert found(make_case(outcome_history=history)) == []


@pytest.mark.parametrize(
    ("last", "as_at", "agree"),
    [
        ("2016", "2016-09", True),
        ("2016-09", "2016", True),
        ("2016-09", "2016-09", True),
        ("2016-09", "2016-10", False),
        ("2016", "2017-01", False),
    ],
)
def test_the_date_of_the_outcome_is_the_latest_of_its_history(last: str, as_at: str, agree: bool) -> None:
    markdown = render(make_case(outcome_history=[{"as_at": last, "outcome": "worked"}], outcome_as_at=as_at))
    fault = f"outcome_as_at {as_at} is not the latest of outcome_history, {last}; make them agree"
    assert found_in(markdown) == ([] if agree else [(line_of(markdown, "outcome_as_at:"), fault)])


# --- links -----------------------------------------------------------------------------------------------------------


def test_a_case_does_not_link_to_a_lesson() -> None:
    markdown = render(make_case(linked=[{"record": "l-2b7xq4", "how": "see also"}]))
    message = "linked: 'l-2b7xq4' is a lesson; a link could tell where it comes from; take it out"
    assert found_in(markdown) == [(line_of(markdown, "record: l-2b7xq4"), message)]


# --- what nobody sees in a lesson ------------------------------------------------------------------------------------

COMMENT = "a lesson has no comments in its front matter: they are stored and published; take it out"


@pytest.mark.parametrize(
    ("line", "hiding"),
    [
        ("kind: lesson", "kind: lesson # Anytown"),
        ("kind: lesson", "# Anytown\nkind: lesson"),
        ("outcome: mixed", "outcome: 'mixed' # Anytown"),
        ("services: [housing]", "services: [housing, # Anytown\n  housing-2]"),
        ("outcome: mixed", "outcome: >- # Anytown\n  mixed"),
        ("outcome: mixed", "outcome: >-\n  mixed\n# Anytown"),
        ("review_due: 2028-11", "review_due: 2028-11\n# Anytown"),
        ("review_due: 2028-11", "review_due: 2028-11\n   # Anytown\n"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_lessons_front_matter_has_no_comments(line: str, hiding: str, newline: str) -> None:
    written = render(make_lesson())
    assert check_hidden(written) == []
    markdown = written.replace(f"{line}\n", f"{hiding}\n", 1)
    assert markdown != written
    faults = [(fault.line, fault.message) for fault in check_hidden(markdown.replace("\n", newline))]
    assert faults == [(line_of(markdown, "# Anytown"), COMMENT)]


@pytest.mark.parametrize(
    "text",
    ["'crew # 4'", '"crew # 4"', "crew#4", ">-\n  crew\n  # 4\n  came", "|\n  # 4 came", "'crew\n\n  # 4'"],
)
def test_a_number_sign_in_a_text_is_no_comment(text: str) -> None:
    markdown = render(make_lesson()).replace("outcome: mixed\n", f"outcome: {text}\n", 1) + "\n# not in front\n"
    assert check_hidden(markdown) == []


@pytest.mark.parametrize("hiding", ["outcome: &anytown mixed", "outcome: !anytown mixed"])
def test_a_lessons_front_matter_has_no_tags_or_anchors(hiding: str) -> None:
    markdown = render(make_lesson()).replace("outcome: mixed", hiding, 1)
    (fault,) = check_hidden(markdown)
    assert fault.line == line_of(markdown, hiding)
    assert fault.message.startswith("a lesson has no tags or anchors in its front matter")


@pytest.mark.parametrize("text", ["", "---", "---\n[", "---\ntitle: 'open # \n---\n"])
def test_what_is_no_yaml_has_nothing_hidden(text: str) -> None:
    assert check_hidden(text) == []


def test_a_lessons_dates_are_checked_too() -> None:
    markdown = render(make_lesson(review_due="2025"))
    assert found_in(markdown) == [
        (line_of(markdown, "review_due:"), "review_due 2025 comes before checked_on 2026-11-01")
    ]


# --- what a lesson may not say ---------------------------------------------------------------------------------------

URL = "take it out"
DATE = "give a band, such as 'in the late 2010s'"
MONEY = "give a band, or say how it compared ('a tenth of its budget')"


@pytest.mark.parametrize(
    ("telling", "what", "remedy"),
    [
        ("https://www.example.org/report?id=3", "URL", URL),
        ("HTTP://EXAMPLE.ORG", "URL", URL),
        ("www.example.org", "URL", URL),
        ("democracy.anytown.gov.uk", "URL", URL),
        ("example.com", "URL", URL),
        ("localgov.example.org/news", "URL", URL),
        ("jo.bloggs@anytown.org", "email address", "take it out"),
        ("AN1 2YT", "postcode", "take it out"),
        ("14 March 2019", "exact date", DATE),
        ("14th of March", "exact date", DATE),
        ("March 14th", "exact date", DATE),
        ("March 2019", "exact date", DATE),
        ("Sept. 2019", "exact date", DATE),
        ("2019-03-14", "exact date", DATE),
        ("14/03/2019", "exact date", DATE),
        ("14/3/19", "exact date", DATE),
        ("14.03.19", "exact date", DATE),
        ("2018/19", "exact date", DATE),
        ("2018-19", "exact date", DATE),
        ("2019", "exact date", DATE),
        ("£3,400", "sum of money", MONEY),
        ("£1.2m", "sum of money", MONEY),
        ("£ 12 million", "sum of money", MONEY),
        ("€40k", "sum of money", MONEY),
        ("$5bn", "sum of money", MONEY),
        ("12 million pounds", "sum of money", MONEY),
        ("300,000 pounds", "sum of money", MONEY),
        ("two million pounds", "sum of money", MONEY),
        ("half a million pounds", "sum of money", MONEY),
        ("GBP 300,000", "sum of money", MONEY),
        ("12 per cent", "exact figure", "say 'about a third', 'most'"),
        ("37.5%", "exact figure", "say 'about a third', 'most'"),
    ],
)
def test_a_lesson_tells_nothing_by_which_it_could_be_traced(telling: str, what: str, remedy: str) -> None:
    sections = {section.heading: section.text for section in make_lesson().sections}
    text = f"It began quietly.\n\nThen somebody\nsaw {telling} on a desk."
    markdown = render(make_lesson(sections={**sections, "What was done": text}))
    assert (line_of(markdown, telling), f"a lesson has no {what}: {telling!r}; {remedy}") in found_in(markdown)


@pytest.mark.parametrize(
    "text",
    [
        "In the late 2010s the team was new, and by the early 2020s it had gone.",
        "It may take 12 people, and may march on. In May, nothing happened.",
        "It cost about a tenth of the budget; millions of pounds were at stake.",
        "Two thirds agreed, 4 of 9 left, and the 3rd try worked.",
        "They met at 9. Nobody came on Mondays, e.g. after a bank holiday.",
        "The plan had 3 parts and 1.5 posts.",
        "An officer said so.No one answered.",
    ],
)
def test_bands_and_plain_words_are_welcome(text: str) -> None:
    assert found(make_lesson(summary=text)) == []


@pytest.mark.parametrize(
    "telling",
    [
        "section 114", "Section 114", "s114", "S.114", "commissioners", "public interest report", "prosecution",
        "coroner", "inquest", "serious case review", "statutory recommendation",
    ],
)  # fmt: skip
def test_an_event_so_rare_that_it_names_the_place(telling: str) -> None:
    markdown = render(make_lesson(summary=f"It ended with the {telling} that all had feared."))
    assert found_in(markdown) == [
        (line_of(markdown, "summary:"), f"{telling!r} is so rare that it can name the place; generalise it")
    ]


def test_a_lesson_cites_no_source() -> None:
    markdown = render(make_lesson(summary="It was green [s1]."))
    assert found_in(markdown) == [(line_of(markdown, "summary:"), "a lesson cites no source: '[s1]'; take it out")]


@pytest.mark.parametrize("field", ["title", "summary", "answers", "withheld"])
def test_every_text_of_a_lesson_is_looked_at(field: str, uk_council_names: CouncilNames) -> None:
    said = "What Nottingham learned"
    markdown = render(make_lesson(**{field: ["Something else", said] if field in ("answers", "withheld") else said}))
    line = line_of(markdown, said)
    assert found_in(markdown, uk_council_names) == [
        (line, "'Nottingham' is a council (Nottingham City Council); a lesson names none")
    ]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Staff had moved from Reading.", "'Reading' is a council (Reading Borough Council)"),
        ("Slough, Reading and Wokingham had tried it.", "'Reading' is a council (Reading Borough Council)"),
        ("Reading's finances were mentioned.", "'Reading' is a council (Reading Borough Council)"),
        ("It had worked in Bath.", "'Bath' is a council (Bath and North East Somerset Council)"),
        ("Bath and North East Somerset did the same.", "'Bath and North East Somerset' is a council"),
        ("Like Kent, they waited.", "'Kent' is a council (Kent County Council)"),
        ("Croydon's troubles were known.", "'Croydon' is a council"),
        ("BANES and B&NES are the same.", "'BANES' is a council (Bath and North East Somerset Council)"),
    ],
)
def test_a_lesson_names_no_council(text: str, named: str, uk_council_names: CouncilNames) -> None:
    markdown = render(make_lesson(summary=text))
    line = line_of(markdown, "summary:")
    faults = found_in(markdown, uk_council_names)
    assert {number for number, _ in faults} == {line}
    assert any(message.startswith(named) and message.endswith("a lesson names none") for _, message in faults)


@pytest.mark.parametrize(
    "text",
    [
        "Reading the files took a day. Reading and writing reports took three.",
        "Bath time was short-staffed, and bath lifts were broken.",
        "Bury the bad news, they said; barking orders helped nobody.",
        "Borders between teams were blurred, and the central office was far away.",
    ],
)
def test_words_that_are_councils_too_may_be_words(text: str, uk_council_names: CouncilNames) -> None:
    assert found(make_lesson(summary=text), uk_council_names) == []


def test_without_the_table_councils_are_not_looked_for() -> None:
    assert found(make_lesson(summary="Nottingham learned this."), None) == []


def test_a_case_names_councils_money_and_dates_freely(uk_council_names: CouncilNames) -> None:
    assert found(make_case(summary="On 3 May 2018 Nottingham saved £4m, 12% of it in Reading."), uk_council_names) == []


# --- all in one run --------------------------------------------------------------------------------------------------


def test_every_fault_of_a_lesson_comes_in_one_run_in_the_order_of_the_lines(uk_council_names: CouncilNames) -> None:
    sections = {section.heading: section.text for section in make_lesson().sections}
    sections["Situation"] = "In 2019 it lost £3m.\nKent had lost as much."
    markdown = render(make_lesson(title="What Bolton learned", review_due="2020", sections=sections))
    lines = [line for line, _ in found_in(markdown, uk_council_names)]
    assert lines == [
        line_of(markdown, "title:"),
        line_of(markdown, "review_due:"),
        line_of(markdown, "£3m"),
        line_of(markdown, "£3m"),
        line_of(markdown, "Kent had"),
    ]


def test_the_same_fault_twice_on_a_line_is_told_once() -> None:
    assert len(found(make_lesson(summary="From £3m to £4m and back to £3m."))) == 2
