"""The page of results over the whole library: counts that are filters, facets, views, orders, pages, places."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from kb.knowledge import KnowledgeBase

pytestmark = pytest.mark.model

# Several records bear on each of these, with several outcomes.
QUESTIONS = (
    "how did others get out of a section 114 notice?",
    "our children's services were judged inadequate, what now?",
    "what went wrong with councils that ran an energy company?",
)
MANY = "why did the council not see its finances going wrong?"


def get(client: FlaskClient, question: str, **more: str) -> str:
    response = client.get("/search", query_string={"q": question, **more})
    assert response.status_code == 200
    return response.text


def total(page: str) -> int:
    found = re.search(r"<h1[^>]*>([\d,]+) records? bears? on this", page) or re.search(r"<h1[^>]*>(Nothing)", page)
    assert found
    return 0 if found[1] == "Nothing" else int(found[1])


def tally(page: str) -> list[tuple[str, int, str]]:
    """The counts of the summary line: outcome, count, address."""
    found = re.findall(
        r'<a class="cf-outcome cf-outcome--([a-z-]+)[^"]*" href="([^"]+)">(?:<span[^>]*>[^<]*</span>)?(\d+)', page
    )
    return [(code, int(count), unescape(address)) for code, address, count in found]


def hits(page: str) -> list[str]:
    return re.findall(r'id="hit-\d+"><a class="govuk-link" href="/records/([^#"]+)#', page)


@pytest.mark.parametrize("question", QUESTIONS)
def test_each_count_of_the_summary_is_a_filter_that_leaves_so_many(whole_client: FlaskClient, question: str) -> None:
    page = get(whole_client, question)
    counted = tally(page)
    assert sum(count for _, count, _ in counted) == total(page) > 2
    assert len(counted) > 1
    for code, count, address in counted:
        narrowed = whole_client.get(address).text
        assert parse_qs(urlsplit(address).query)["outcome"] == [code]
        assert total(narrowed) == count
        assert {one: many for one, many, _ in tally(narrowed)}[code] == count


@pytest.mark.parametrize("question", QUESTIONS)
def test_each_value_of_each_facet_leaves_as_many_as_it_says(whole_client: FlaskClient, question: str) -> None:
    page = get(whole_client, question)
    options = re.findall(
        r'name="([a-z_]+)" type="checkbox" value="([^"]+)"[^>]*>\s*<label[^>]*>[^<]*<span[^>]*>\((\d+)', page
    )
    assert len({field for field, _, _ in options}) >= 10
    for field, value, count in options:
        narrowed = total(get(whole_client, question, **{field: unescape(value)}))
        assert narrowed == int(count), (field, value)


def test_a_chosen_facet_still_counts_the_other_values(whole_client: FlaskClient) -> None:
    page = get(whole_client, QUESTIONS[0], outcome="failed")
    assert re.search(r'value="failed" form="ask" checked', page)
    assert re.search(r'value="recovering" form="ask">\s*<label[^>]*>Recovering <span[^>]*>\([1-9]', page)


def test_two_filters_that_exclude_each_other_say_so(whole_client: FlaskClient) -> None:
    page = get(whole_client, QUESTIONS[0], kind="lesson", nation="Wales")
    assert "Nothing was found" in page
    assert page.count("Remove the filter") == 2
    assert "Remove all" in page


def test_each_view_is_of_the_same_records(whole_client: FlaskClient, whole_library: KnowledgeBase) -> None:
    bearing = {hit.record for hit in whole_library.ask(QUESTIONS[0], limit=50).hits if hit.band != "weak"}
    page = get(whole_client, QUESTIONS[0], view="outcomes")
    assert total(page) == len(bearing)
    for stance, label in (("worked", "What worked"), ("did-not-work", "What did not work")):
        shelf = page.split(f'id="shelf-{stance}"')[1].split("</section>")[0]
        assert shelf.startswith(f">{label} ")
        records = re.findall(r'<h3 class="cf-hit__title" id="chit-[a-z-]+\d+"><a[^>]*href="/records/([^#"]+)#', shelf)
        assert records
        assert set(records) <= bearing
        assert set(re.findall(r"cf-passage--([a-z-]+)", shelf)) == {stance}
    # These views are by what a passage tells: counts of the other view's passages would contradict them.
    assert "What the passage tells" not in page
    assert "What the passage tells" in get(whole_client, QUESTIONS[0])
    assert "What the passage tells" in get(whole_client, QUESTIONS[0], view="outcomes", stance="worked")
    signs = get(whole_client, QUESTIONS[0], view="signs")
    assert set(re.findall(r"cf-passage cf-passage--([a-z-]+)", signs)) == {"warning"}
    assert 'href="/signs"' in signs


def test_orders_differ_and_keep_the_filters(whole_client: FlaskClient) -> None:
    pages = {order: get(whole_client, MANY, sort=order, kind="case") for order in ("relevance", "evidence", "newest")}
    assert len({tuple(hits(page)) for page in pages.values()}) == 3
    assert "sort=evidence" not in pages["relevance"].split("Sort by")[0]
    assert re.search(r'name="sort" value="newest" form="ask"', pages["newest"])
    assert re.search(r'href="/search\?q=[^"]*kind=case[^"]*sort=evidence"', pages["relevance"])


def test_pages_show_each_record_once(whole_client: FlaskClient) -> None:
    first = get(whole_client, MANY)
    many = total(first)
    assert many > 10, "this question is to have several pages"
    seen = hits(first)
    address = unescape(re.search(r'rel="next" href="([^"]+)"', first)[1])  # type: ignore[index]
    while address:
        page = whole_client.get(address).text
        seen += hits(page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = unescape(following[1]) if following else ""
    assert len(seen) == len(set(seen)) == many


@pytest.mark.parametrize(("page", "status"), [("10000", 404), ("2", 404), ("0", 400), ("x", 400), ("9" * 40, 400)])
def test_a_page_that_does_not_exist_is_a_clear_one(whole_client: FlaskClient, page: str, status: int) -> None:
    response = whole_client.get("/search", query_string={"q": QUESTIONS[0], "outcome": "failed", "page": page})
    assert response.status_code == status
    assert "There is no such page" in response.text
    assert re.search(r'href="/search\?q=[^"]*outcome=failed">See the first page', response.text)


@pytest.mark.parametrize("way", ["view", "sort", "places"])
def test_a_way_of_showing_that_does_not_exist_is_named(whole_client: FlaskClient, way: str) -> None:
    response = whole_client.get("/search", query_string={"q": QUESTIONS[0], way: "sideways"})
    assert response.status_code == 400
    assert "&ldquo;sideways&rdquo;" in response.text


def test_abbreviations_are_searched_in_both_forms_and_said(whole_client: FlaskClient) -> None:
    page = get(whole_client, "EHCP backlog")
    assert "Searched in both forms: <b>EHCP</b>, education, health and care plan" in page
    assert "surrey-send" in hits(page)


def test_a_gap_is_offered_when_nothing_is_close_and_only_then(whole_client: FlaskClient) -> None:
    nothing = get(whole_client, "a recipe for sourdough bread with rosemary")
    assert "Nothing here comes close" in nothing
    assert '<form class="cf-gapform cf-noprint" method="post" action="/gaps">' in nothing
    assert 'name="q" value="a recipe for sourdough bread with rosemary"' in nothing
    assert "/gaps" not in get(whole_client, QUESTIONS[0])


def test_a_hit_says_why_it_is_here_and_how_good_its_evidence_is(whole_client: FlaskClient) -> None:
    page = get(whole_client, QUESTIONS[0])
    assert page.count("Why it is here:") == page.count('class="cf-evidence"') == len(hits(page))
    assert re.search(r"close in meaning; it, or its title, has \u201csection\u201d", page)
    assert re.search(r'<i class="cf-on"></i>.*<b>Found by: [^<]+</b> \([123] of 3\)\.', page, re.DOTALL)


# --- places ----------------------------------------------------------------------------------------------------------

COUNCIL = "E06000039"  # Slough


def test_a_chosen_council_is_set_beside_each_hit(whole_client: FlaskClient) -> None:
    whole_client.set_cookie("council", COUNCIL)
    page = get(whole_client, QUESTIONS[0])
    assert "Beside Slough:" in page
    assert "the same place" in page, "Slough's own case is among them"
    assert "Only like mine" in page


def test_places_like_mine_come_first_or_alone_and_the_link_works_for_a_colleague(whole_client: FlaskClient) -> None:
    free = get(whole_client, MANY, council=COUNCIL)
    link = re.search(r'<a class="govuk-link" href="([^"]+)"[^>]*>Only like mine', free)
    assert link
    address = unescape(link[1])
    assert f"council={COUNCIL}" in address
    alone = whole_client.get(address).text
    assert 0 < total(alone) < total(free)
    assert alone.count("Beside Slough:") == len(hits(alone))
    first = get(whole_client, MANY, council=COUNCIL, places="first")
    assert total(first) == total(free)
    assert hits(first) != hits(free)


def test_nothing_close_among_places_like_mine_leads_to_all_places(whole_client: FlaskClient) -> None:
    page = get(whole_client, "a recipe for sourdough bread with rosemary", council=COUNCIL, places="like")
    link = re.search(r'<a class="govuk-link" href="([^"]+)">Look at all places</a>', page)
    assert link
    assert "places=" not in link[1]
    assert "Look at all places" not in get(whole_client, MANY, council=COUNCIL, places="like")


def test_an_unknown_council_in_the_address_is_a_clear_page(whole_client: FlaskClient) -> None:
    response = whole_client.get("/search", query_string={"q": MANY, "council": "E99999999"})
    assert response.status_code == 400
    assert "E99999999" in response.text
