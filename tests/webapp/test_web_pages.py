"""Every page, in every state: what it says, and with which status."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up_library import MadeUpLibrary

from webapp import create_app

if TYPE_CHECKING:
    from flask.testing import FlaskClient

QUESTION = "Who on the company board had run a business in the energy sector?"


def title(page: str) -> str:
    found = re.search(r"<title>(.*?)</title>", page)
    assert found
    return found[1]


def test_home_offers_a_box_and_questions_of_the_library(client: FlaskClient) -> None:
    response = client.get("/")
    assert response.status_code == 200
    assert '<label class="govuk-label" for="q">' in response.text
    assert "Our trading company keeps asking for another loan. When do we stop?" in response.text
    assert "2 records" in response.text
    assert "1 named case" in response.text
    assert "It finds and ranks people&rsquo;s words; it makes nothing up." in response.text


def test_home_leads_in_by_service(client: FlaskClient) -> None:
    page = client.get("/").text
    assert "/search?q=What+worked,+and+what+did+not,+in+finance?&amp;service=finance" in page


def test_results_show_what_a_reader_weighs(client: FlaskClient) -> None:
    response = client.get("/search", query_string={"q": QUESTION})
    page = response.text
    assert response.status_code == 200
    assert title(page) == f"{QUESTION}: 1 record - Critical Friend"
    assert "1 record bears on this" in page
    assert "cf-outcome--failed" in page
    assert "as at September 2020" in page
    assert "Nottingham City Council" in page
    assert "2015 to 2020" in page
    assert "External auditor" in page
    assert "Before and after" in page
    assert "<mark>" in page
    assert re.search(r'href="/records/nottingham-robin-hood-energy#[a-z-]+(-\d)?"', page)


def test_results_ask_for_balance(client: FlaskClient, library: MadeUpLibrary) -> None:
    client.get("/search", query_string={"q": QUESTION})
    assert library.asked[0][2:] == (10, True)


def test_a_lesson_shows_its_band_of_years_and_its_accounts(client: FlaskClient) -> None:
    page = client.get("/search", query_string={"q": "improvement plan nearly green inspectors weekly meetings"}).text
    assert "Late 2010s" in page
    assert "Two to four accounts" in page
    assert "2015 to 2019" not in page


def test_nothing_close_is_said_first(client: FlaskClient) -> None:
    page = client.get("/search", query_string={"q": "recipe for sourdough bread with rosemary"}).text
    assert title(page).endswith("nothing close - Critical Friend")
    assert page.index("Nothing here comes close to that") < page.index("The nearest records")
    assert "cf-bars--weak" in page


def test_no_setback_recorded_is_said(client: FlaskClient, library: MadeUpLibrary) -> None:
    library.records = [record for record in library.records if record.kind == "lesson"]
    with_setback = client.get("/search", query_string={"q": "weekly meetings agency managers"}).text
    without = client.get("/search", query_string={"q": "cutting handful changes practice family"}).text
    assert "No passage on what did not work" not in with_setback
    assert "No passage on what did not work" in without


def test_a_stance_filter_is_not_taken_for_a_lack_of_setbacks(client: FlaskClient, library: MadeUpLibrary) -> None:
    library.records = [record for record in library.records if record.kind == "lesson"]
    asked = {"q": "cutting handful changes practice family"}
    page = client.get("/search", query_string={**asked, "stance": "worked"}).text
    assert "so what did not work is left out here" in page
    assert "No passage on what did not work" not in page
    assert "is left out here" not in client.get("/search", query_string={**asked, "kind": "lesson"}).text


def test_no_record_fits_the_filters(client: FlaskClient) -> None:
    response = client.get("/search", query_string={"q": QUESTION, "outcome": "recovered"})
    assert response.status_code == 200
    assert "Nothing was found" in response.text
    assert title(response.text).endswith("nothing found - Critical Friend")


@pytest.mark.parametrize("query", ["", "?q=", "?q=%20%20", "?q=%00", "?outcome=failed"])
def test_an_empty_question_goes_back_to_the_box(client: FlaskClient, query: str, library: MadeUpLibrary) -> None:
    response = client.get(f"/search{query}")
    assert response.status_code == 200
    assert "The box was empty." in response.text
    assert not library.asked


def test_an_overlong_question_is_kept_and_explained(client: FlaskClient, library: MadeUpLibrary) -> None:
    question = "why does it fail " * 150
    response = client.get("/search", query_string={"q": question})
    assert response.status_code == 422
    assert question.strip() in response.text
    assert title(response.text) == "Error: your question is too long - Critical Friend"
    assert '<a href="#q">Shorten it to 2,000 characters or fewer</a>' in response.text
    assert 'aria-describedby="q-error"' in response.text
    assert not library.asked


def test_the_longest_question_is_taken(client: FlaskClient) -> None:
    assert client.get("/search", query_string={"q": "x" * 2000}).status_code == 200
    assert client.get("/search", query_string={"q": "x" * 2001}).status_code == 422


@pytest.mark.parametrize(
    "question",
    [
        "?",
        '"quotes" AND (OR NOT)',
        "<script>alert(1)</script>",
        "\U0001f9ef \u0645\u0631\u062d\u0628\u0627 Beth sy'n gweithio?",
        "%s %(x)s {0} {{ 7*7 }}",
        "\ud7ff\ufffe\x00\x1b",
    ],
)
def test_no_question_breaks_the_page(client: FlaskClient, question: str) -> None:
    response = client.get("/search", query_string={"q": question})
    assert response.status_code == 200
    assert "<script>alert" not in response.text
    assert "{{ 7*7 }}" not in question or "{{ 7*7 }}" in response.text


def test_broken_utf8_in_the_address_breaks_nothing(client: FlaskClient) -> None:
    assert client.get("/search?q=%ff%fe%80hello").status_code == 200


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["q", "outcome", "kind", "from", "to", "limit", "x"]), st.text(max_size=40)),
        max_size=5,
    )
)
def test_no_address_ends_in_a_failure(client: FlaskClient, query: list[tuple[str, str]]) -> None:
    address = urlencode(query, errors="surrogatepass")
    assert client.get(f"/search?{address}").status_code in (200, 400)
    assert client.get(f"/api/v1/search?{address}").status_code in (200, 400)


# --- filters ---------------------------------------------------------------------------------------------------------


def test_filters_reach_the_library_and_can_be_removed(client: FlaskClient, library: MadeUpLibrary) -> None:
    query = [("q", QUESTION), ("outcome", "failed"), ("outcome", "mixed"), ("kind", "case"), ("outcome", "failed")]
    response = client.get("/search", query_string=query)
    filters = library.asked[0][1]
    assert filters.values("outcome") == ("failed", "mixed")
    assert filters.values("kind") == ("case",)
    page = response.text
    assert "Remove the filter </span>Outcome: Failed" in page
    assert re.search(r'href="/search\?q=Who[^"]*outcome=mixed&amp;kind=case"', page)
    assert re.search(r'value="failed" form="ask" checked', page)
    assert "Remove all" in page


def test_a_facet_counts_what_each_value_would_leave(client: FlaskClient) -> None:
    free = client.get("/search", query_string={"q": QUESTION}).text
    assert re.search(r"Failed <span class=\"cf-count\">\(1\)</span>", free)
    assert "Mixed" not in re.sub(r"(?s)<ol class=\"cf-hits\".*", "", free)


def test_filters_without_a_facet_still_work(client: FlaskClient, library: MadeUpLibrary) -> None:
    page = client.get("/search", query_string={"q": QUESTION, "nation": "England"}).text
    assert library.asked[0][1].values("nation") == ("England",)
    assert "Nation: England" in page


def test_a_hidden_filter_survives_the_next_question(client: FlaskClient) -> None:
    page = client.get("/search", query_string={"q": QUESTION, "council_type": "unitary"}).text
    assert '<input type="hidden" name="council_type" value="unitary" form="ask">' in page


def test_an_unknown_filter_value_is_named_and_can_be_left_out(client: FlaskClient, library: MadeUpLibrary) -> None:
    response = client.get("/search", query_string={"q": QUESTION, "outcome": ["good", "failed"]})
    assert response.status_code == 400
    assert "&ldquo;good&rdquo;" in response.text
    assert re.search(r'href="/search\?q=[^"]*&amp;outcome=failed">Search without it', response.text)
    assert re.search(r'href="/search\?q=[^"]*&amp;outcome=failed&amp;outcome=mixed">Mixed</a>', response.text)
    assert re.search(r'href="/search\?q=[^"]*&amp;outcome=failed">Failed</a>', response.text), "it is chosen already"
    response = client.get("/search", query_string={"q": QUESTION, "sort": "oldest"})
    assert re.search(r'href="/search\?q=[^"]*&amp;sort=newest">Newest</a>', response.text)
    assert not library.asked


def test_years_are_a_filter(client: FlaskClient, library: MadeUpLibrary) -> None:
    query = {"q": QUESTION, "to": " 2017", "kind": "case", "from": "2015", "unheard": "of"}
    page = client.get("/search", query_string=query).text
    assert library.asked[0][1].values("year") == ("2015", "2016", "2017")
    assert re.search(
        r'href="/search\?q=[^"]*&amp;kind=case&amp;to=2017"><span><span [^>]*>Remove [^<]*</span>From: 2015', page
    )
    assert re.search(r'<input [^>]*id="from"[^>]* value="2015" form="ask">', page)
    assert re.search(r'<input [^>]*id="to"[^>]* value="2017" form="ask">', page)
    assert 'type="hidden"' not in page


def test_years_survive_a_page_without_filters(client: FlaskClient) -> None:
    page = client.get("/search", query_string={"q": QUESTION, "from": "2099"}).text
    assert "Nothing was found" in page
    assert '<input type="hidden" name="from" value="2099" form="ask">' in page
    assert "From: 2099" in page


@pytest.mark.parametrize(
    ("years", "said", "left"),
    [
        ({"from": "<b>", "to": "2015"}, "from &ldquo;&lt;b&gt;&rdquo;, and that is not a year", "&amp;to=2015"),
        ({"from": "2016", "to": "2015"}, "from &ldquo;2016&rdquo; to &ldquo;2015&rdquo;, and those", ""),
    ],
)
def test_wrong_years_are_named_and_can_be_left_out(
    client: FlaskClient, library: MadeUpLibrary, years: dict[str, str], said: str, left: str
) -> None:
    response = client.get("/search", query_string={"q": "loan", "kind": "case", **years})
    assert response.status_code == 400
    assert said in response.text
    assert f'href="/search?q=loan&amp;kind=case{left}">Search without' in response.text
    assert not library.asked


# --- records ---------------------------------------------------------------------------------------------------------


def test_a_case_is_shown_whole(client: FlaskClient, library: MadeUpLibrary) -> None:
    record = library.record("nottingham-robin-hood-energy")
    assert record
    page = client.get(f"/records/{record.id}").text
    assert title(page).endswith("why nobody stopped lending to it - Critical Friend")
    for section in record.sections:
        assert page.count(f'id="{section.anchor}"') == 1
        assert f'href="#section-{section.anchor}"' in page
    for source in record.sources:  # type: ignore[union-attr]
        assert page.count(f'id="source-{source.id}"') == 1
    assert "Independent of those it is about." in page
    assert "Published by the body itself or a partner." in page
    assert "Cumulative losses of" in page  # the outcome's history
    assert "£43m put in and £16.5m guaranteed" in page  # a measure
    assert "stressed its aim" in page  # contested
    assert "The same failure elsewhere" in page  # related


def test_a_lesson_says_what_is_kept_back(client: FlaskClient) -> None:
    page = client.get("/records/l-7q2m9x").text
    assert "Kept back on purpose" in page
    assert "Region, council type, people, dates, figures" in page
    assert "Late 2010s" in page
    assert 'id="sources"' not in page


@pytest.mark.parametrize("path", ["/records/nope", "/records/..%2f..%2fetc", "/records/", "/nope", "/static/x.css"])
def test_what_is_not_there_is_a_page_that_says_so(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert "There is no such page" in response.text
    assert 'for="q"' in response.text


def test_about_explains_the_words(client: FlaskClient) -> None:
    page = client.get("/about").text
    assert "It was put right, and then went wrong again." in page
    assert "Compared with people or places that did not have it." in page


# --- when something is wrong -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/search?q=loan", "/records/x"])
def test_without_an_index_the_pages_say_what_to_do(client_without_index: FlaskClient, path: str) -> None:
    response = client_without_index.get(path)
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    assert "scripts/server" in response.text
    assert "kb index" in response.text


def test_without_an_index_about_still_works(client_without_index: FlaskClient) -> None:
    assert client_without_index.get("/about").status_code == 200


def test_a_failure_is_a_page_in_plain_english(client: FlaskClient, library: MadeUpLibrary) -> None:
    library.failure = RuntimeError("boom")
    response = client.get("/search?q=loan")
    assert response.status_code == 500
    assert "Something went wrong on our side" in response.text
    assert "boom" not in response.text
    assert "Content-Security-Policy" in response.headers


def test_when_even_the_page_for_a_failure_fails(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> str:
        raise RuntimeError("no template")

    monkeypatch.setattr("webapp.ask.render_template", broken)
    monkeypatch.setattr("webapp.errors.render_template", broken)
    response = client.get("/")
    assert response.status_code == 500
    assert "Something went wrong" in response.text
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"].startswith("private, no-")


def test_other_methods_are_refused_in_words(client: FlaskClient) -> None:
    response = client.post("/search", data={"q": "loan"})
    assert response.status_code == 405
    assert "That cannot be done here" in response.text
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    assert response.mimetype == "text/html"


def test_health(client: FlaskClient, client_without_index: FlaskClient) -> None:
    good = client.get("/healthz")
    assert (good.status_code, good.json) == (200, {"ok": True, "generation": "made-up", "records": 2, "passages": 99})
    bad = client_without_index.get("/healthz")
    assert bad.status_code == 503
    assert bad.json is not None
    assert bad.json["ok"] is False


def test_a_new_generation_is_looked_for_at_most_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    library = MadeUpLibrary()
    now = [100.0]
    monkeypatch.setattr("webapp.library.time.monotonic", lambda: now[0])
    client = create_app({"KNOWLEDGE_BASE": library, "QUESTION_MAX": 2000}).test_client()
    for _ in range(5):
        client.get("/about")
    assert library.refreshed == 0
    now[0] += 1.5
    for _ in range(5):
        client.get("/about")
    assert library.refreshed == 1
