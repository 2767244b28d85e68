"""How to cite a record: what stands in it, and what never does."""

from __future__ import annotations

import pytest
from made_up import make_case, make_lesson

from kb.citation import citations, cite_apa, cite_plain

URL = "https://friend.example.org/records/anytown-bins"


def test_a_case_in_apa_has_author_year_title_kind_and_address() -> None:
    citation = cite_apa(make_case(), URL)
    assert citation.text == (
        "Critical Friend. (2026). Missed bins, and the crews who put them right "
        f"[Case study: Anytown Council, 2014 to 2017]. {URL}"
    )
    assert citation.title == "Missed bins, and the crews who put them right"


def test_a_case_in_plain_words() -> None:
    assert cite_plain(make_case(), URL).text == (
        f"Missed bins, and the crews who put them right. Anytown Council, 2014 to 2017. Critical Friend, 2026. {URL}"
    )


def test_the_year_is_that_of_the_last_check() -> None:
    for citation in citations(make_case(checked_on="2027-02"), URL):
        assert "2027" in citation.text
        assert "2026" not in citation.text


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["One"], "One, 2014"),
        (["One", "Two"], "One and Two, 2014"),
        (["One", "Two", "Three"], "One and others, 2014"),
    ],
)
def test_many_bodies_are_summed_up(names: list[str], said: str) -> None:
    case = make_case(organisations=[{"name": name} for name in names])
    assert all(said in citation.text for citation in citations(case, URL))


def test_a_single_year_is_said_once() -> None:
    case = make_case(period={"start": 2016, "end": 2016})
    assert "Anytown Council, 2016]" in cite_apa(case, URL).text


def test_a_lesson_is_cited_by_its_id_alone() -> None:
    lesson = make_lesson()
    url = f"https://friend.example.org/records/{lesson.id}"
    apa, plain = (citation.text for citation in citations(lesson, url))
    assert apa == f"Critical Friend. (2026). Anonymised lesson {lesson.id}. {url}"
    assert plain == f"Anonymised lesson {lesson.id}. Critical Friend, 2026. {url}"
