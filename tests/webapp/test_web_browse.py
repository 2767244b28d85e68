"""The index without a question: what it lists and counts, its filters in the address, and wrong addresses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from made_up import make_case, make_lesson, make_library
from made_up_library import MadeUpLibrary

from webapp import browse, create_app
from webapp.assets import read_build

if TYPE_CHECKING:
    from flask.testing import FlaskClient

TITLE = re.compile(r'<li><a class="govuk-link" href="/records/([^"]+)">')


@pytest.fixture
def six() -> FlaskClient:
    """The app over the six made-up records of kb/."""
    app = create_app({"KNOWLEDGE_BASE": MadeUpLibrary(make_library()), "QUESTION_MAX": 2000, "TESTING": True})
    return app.test_client()


def listed(client: FlaskClient, query: str = "") -> list[str]:
    """The records of the index itself, without those that are new."""
    page = client.get(f"/browse{query}")
    assert page.status_code == 200
    return TITLE.findall(page.text[page.text.index('id="index"') :])


def test_every_record_is_listed_by_title_with_its_facts(six: FlaskClient) -> None:
    assert listed(six) == [
        "l-2b7xq4",
        "valley-care-rota",
        "otherham-library-trust",
        "anytown-bins",
        "glen-foster-carers",
        "l-9kd3ws",
    ]
    page = six.get("/browse").text
    entry = page[page.rindex('href="/records/valley-care-rota"') :].split("</li>")[0]
    for fact in ("A home care rota that relapsed", "Valley Council", "2016 to 2022", "Named case", "Relapsed"):
        assert fact in entry
    assert "as at November 2022" in entry


def test_what_is_new_are_cases_by_their_check_and_no_lesson(six: FlaskClient) -> None:
    page = six.get("/browse").text
    new = page[page.index('id="new"') : page.index('id="index"')]
    assert len(TITLE.findall(new)) == 4
    assert "l-" not in " ".join(TITLE.findall(new))
    assert "checked on 1 November 2026" in new
    assert 'id="new"' not in six.get("/browse?outcome=failed").text


def test_a_lesson_tells_no_date_in_the_index(six: FlaskClient) -> None:
    page = six.get("/browse?kind=lesson").text
    assert "November" not in page
    assert "2026" not in page


def test_filters_combine_and_stand_in_the_address_and_as_tags(six: FlaskClient) -> None:
    assert listed(six, "?outcome=failed&outcome=relapsed") == [
        "valley-care-rota",
        "otherham-library-trust",
        "l-9kd3ws",
    ]
    assert listed(six, "?outcome=failed&outcome=relapsed&kind=case") == ["valley-care-rota", "otherham-library-trust"]
    page = six.get("/browse?outcome=failed&service=finance").text
    assert 'href="/browse?service=finance"' in page
    assert 'href="/browse?outcome=failed"' in page
    assert re.findall(r'value="(\w+)" checked', page) == ["finance", "failed"]
    assert 'href="/browse.atom?outcome=failed&amp;service=finance"' in page


def test_counts_are_what_choosing_would_give(six: FlaskClient) -> None:
    page = six.get("/browse?kind=case").text
    for field, value, count in re.findall(
        r'name="(\w+)" type="checkbox" value="([\w-]+)"[^>]*><label[^>]*>[^<]+<span class="cf-count">\((\d+)\)', page
    ):
        others = "" if field == "kind" else "&kind=case"
        assert len(listed(six, f"?{field}={value}{others}")) == int(count), (field, value)


def test_a_filter_without_a_box_is_kept_and_can_be_removed(six: FlaskClient) -> None:
    page = six.get("/browse?nation=Scotland&from=2010").text
    assert '<input type="hidden" name="nation" value="Scotland">' in page
    assert '<input type="hidden" name="from" value="2010">' in page
    assert 'href="/browse?from=2010"' in page
    assert listed(six, "?nation=Scotland&from=2010") == ["glen-foster-carers"]


def test_nothing_that_fits_is_said(six: FlaskClient) -> None:
    page = six.get("/browse?outcome=worked&service=finance")
    assert page.status_code == 200
    assert "No record fits all of the filters you chose" in page.text
    assert "Remove the filter" in page.text


@pytest.mark.parametrize(
    ("query", "status", "said", "back"),
    [
        ("outcome=good&service=housing", 400, "There is no such filter", "/browse?service=housing"),
        ("outcome=good", 400, "&ldquo;good&rdquo;", "/browse"),
        ("stance=nowhere", 400, "what the passage tells", "/browse"),
        ("from=2020&to=2010&kind=case", 400, "those years run backwards", "/browse?kind=case"),
        ("from=soon", 400, "that is not a year between", "/browse"),
        ("page=0", 400, "that is no page number", "/browse"),
        ("page=none&kind=case", 400, "that is no page number", "/browse?kind=case"),
        ("page=2", 404, "the list has 1 page", "/browse"),
        ("page=10000", 404, "the list has 1 page", "/browse"),
        ("outcome=%ff%00%3Cb%3E", 400, "There is no such filter", "/browse"),
    ],
)
def test_a_wrong_address_says_what_is_wrong_and_leads_back(
    six: FlaskClient, query: str, status: int, said: str, back: str
) -> None:
    page = six.get(f"/browse?{query}")
    assert page.status_code == status
    assert said in page.text
    assert f'href="{back.replace("&", "&amp;")}"' in page.text
    assert six.get(back).status_code == 200


@pytest.mark.parametrize("query", ["?q=bins", "?colour=red", "?q=" + "x" * 3000, "?view=nonsense&sort=nonsense"])
def test_what_the_index_does_not_know_is_left_alone(six: FlaskClient, query: str) -> None:
    assert len(listed(six, query)) == 6


NAMES = ("service", "outcome", "stance", "kind", "decade", "from", "to", "page", "id", "q", "council", "view", "x")
VALUES = some.one_of(
    some.sampled_from(["housing", "failed", "case", "2010s", "2015", "1", "10000", "anytown-bins", "l-2b7xq4", ""]),
    some.text(max_size=30),
    some.binary(max_size=12),
)
QUERIES = some.lists(some.tuples(some.sampled_from(NAMES), VALUES), max_size=6)


@given(
    path=some.sampled_from(["/browse", "/browse.atom", "/search.atom", "/compare", "/compare/choose"]), query=QUERIES
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_address_ends_in_a_failure(six: FlaskClient, path: str, query: list[tuple[str, str | bytes]]) -> None:
    response = six.get(f"{path}?{urlencode(query, errors='surrogatepass')}")
    assert response.status_code in (200, 400, 404)
    assert response.data


def test_a_long_list_has_an_alphabet_and_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browse, "PAGE_ENTRIES", 60)
    letters = "abcdefghijklmnopqrstuvwxyz"
    cases = [make_case(id=f"c-{number}", title=f"{letters[number % 26]} title {number}") for number in range(130)]
    library = MadeUpLibrary([*cases, make_lesson()])
    client = create_app({"KNOWLEDGE_BASE": library, "QUESTION_MAX": 2000, "TESTING": True}).test_client()
    pages = [listed(client, f"?page={number}") for number in (1, 2, 3)]
    assert [len(page) for page in pages] == [60, 60, 11]
    assert len({name for page in pages for name in page}) == 131
    text = client.get("/browse?kind=case&page=2").text
    assert 'aria-label="Alphabet"' in text
    assert 'href="/browse?kind=case&amp;page=2" aria-current="page"' in text
    assert 'href="/browse?kind=case"' in text
    for anchor in re.findall(r'href="#(letter-\d+)"', text):
        assert f'id="{anchor}"' in text
    assert client.get("/browse?page=4").status_code == 404


def test_without_an_index_there_is_nothing_to_browse(client_without_index: FlaskClient) -> None:
    assert client_without_index.get("/browse").status_code == 503


@pytest.mark.model
def test_the_whole_library_is_one_light_page(whole_client: FlaskClient) -> None:
    page = whole_client.get("/browse")
    assert len(listed(whole_client)) == sum(
        int(count)
        for count in re.findall(r'name="kind"[^>]*><label[^>]*>[^<]+<span class="cf-count">\((\d+)\)', page.text)
    )
    rest = sum(len(asset.content) for name, asset in read_build().served.items() if name.startswith("app"))
    assert len(page.data) + rest < 250_000
