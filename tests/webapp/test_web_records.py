"""A record's page: its timeline, versions, citations and neighbours, and how a browser keeps it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from made_up import make_case, make_lesson
from made_up_library import MadeUpLibrary

from webapp import create_app
from webapp.assets import read_build

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from kb.records import Record

CASE = "/records/nottingham-robin-hood-energy"
LESSON = "/records/l-7q2m9x"


def client_of(*records: Record) -> FlaskClient:
    app = create_app({"KNOWLEDGE_BASE": MadeUpLibrary(records), "QUESTION_MAX": 2000, "TESTING": True})
    return app.test_client()


def part(client: FlaskClient, path: str, name: str) -> str:
    """The section of the page that has this id."""
    page = client.get(path).text
    start = page.index(f'id="{name}"')
    return page[start : page.index("</section>", start)]


def test_the_timeline_is_oldest_first_and_ends_with_how_it_stands() -> None:
    history = [
        {"as_at": "2022-11", "outcome": "relapsed", "note": "teams merged away [s1]"},
        {"as_at": "2018", "outcome": "worked", "note": "missed visits down"},
    ]
    case = make_case(outcome="recovering", outcome_as_at="2024-05", outcome_history=history)
    shown = part(client_of(case), "/records/anytown-bins", "history")
    points = re.findall(r'cf-timeline__date">([^<]+)</span>\s*<span class="cf-outcome cf-outcome--([\w-]+)', shown)
    assert points == [("2018", "worked"), ("November 2022", "relapsed"), ("May 2024", "recovering")]
    # Told by a word as well as by a shape and a colour.
    assert shown.count("Outcome: </span>") == 3
    assert shown.count("the latest known") == 1
    assert 'Teams merged away<sup class="cf-mark"><a href="#source-s1"' in shown


def test_every_case_has_a_timeline_and_no_lesson() -> None:
    client = client_of(make_case(), make_lesson())
    assert part(client, "/records/anytown-bins", "history").count("<li>") == 1
    assert 'id="history"' not in client.get("/records/l-2b7xq4").text


def test_the_citations_are_there_with_and_without_a_button(client: FlaskClient) -> None:
    shown = part(client, CASE, "cite")
    assert shown.count("http://localhost/records/nottingham-robin-hood-energy") == 2
    assert shown.count("<cite>") == 2
    for number in (1, 2):
        assert f'<p id="cite-{number}">' in shown
    buttons = re.findall(r'<button type="button"[^>]*data-copy="(cite-\d)"([^>]*)>', shown)
    # Shown by the script alone: without it a button would do nothing.
    assert [(name, rest.strip()) for name, rest in buttons] == [("cite-1", "hidden"), ("cite-2", "hidden")]
    assert shown.count('role="status"') == 2


def test_a_lesson_is_cited_by_its_id_and_has_no_closer_date_than_a_year(client: FlaskClient) -> None:
    shown = part(client, LESSON, "cite")
    assert "Anonymised lesson l-7q2m9x" in shown
    page = client.get(LESSON).text
    assert not re.search(r"\d{4}-\d\d", re.sub(r"<head>.*?</head>", "", page, flags=re.DOTALL))
    assert "This version" not in page
    assert re.search(r"Checked in \d{4};", page)


def test_the_versions_of_a_case_are_dated(client: FlaskClient) -> None:
    page = client.get(CASE).text
    assert "This version: 22 November 2026. Earlier versions: 1 October 2026." in page


def test_a_related_record_can_be_compared_with_this_one(client: FlaskClient) -> None:
    shown = part(client, CASE, "related")
    assert 'href="/compare?id=nottingham-robin-hood-energy&amp;id=l-7q2m9x"' in shown
    assert client.get("/compare?id=nottingham-robin-hood-energy&id=l-7q2m9x").status_code == 200


def test_every_part_that_the_contents_name_is_there(client: FlaskClient) -> None:
    for path in (CASE, LESSON):
        page = client.get(path).text
        contents = page[page.index('class="cf-contents"') : page.index("</nav>", page.index('class="cf-contents"'))]
        for name in re.findall(r'href="#([^"]+)"', contents):
            assert f'id="{name}"' in page
        ids = re.findall(r'\sid="([^"]+)"', page)
        assert len(ids) == len(set(ids))


def test_the_address_is_printed(client: FlaskClient) -> None:
    assert '<p class="cf-onpaper">http://localhost/records/nottingham-robin-hood-energy</p>' in client.get(CASE).text


# --- keeping it ------------------------------------------------------------------------------------------------------


def test_a_page_that_the_browser_has_is_not_sent_again(client: FlaskClient) -> None:
    first = client.get(CASE)
    assert re.fullmatch(r'W/"[0-9a-f]{32}"', first.headers["ETag"])
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = client.get(CASE, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.data == b""
    assert again.headers["ETag"] == first.headers["ETag"]
    packed = client.get(CASE, headers={"If-None-Match": first.headers["ETag"], "Accept-Encoding": "gzip"})
    assert packed.status_code == 304


def test_a_304_leaves_the_policy_alone_since_its_nonce_is_the_kept_pages(client: FlaskClient) -> None:
    first = client.get(CASE)
    again = client.get(CASE, headers={"If-None-Match": first.headers["ETag"]})
    assert "Content-Security-Policy" in first.headers
    assert "Content-Security-Policy" not in again.headers
    assert again.headers["X-Content-Type-Options"] == "nosniff"


def test_whatever_changes_the_page_changes_its_tag() -> None:
    def tag(client: FlaskClient, path: str = "/records/anytown-bins", **more: object) -> str:
        return client.get(path, **more).headers["ETag"]  # type: ignore[arg-type]

    plain = client_of(make_case())
    assert tag(plain) == tag(plain)
    others = {
        tag(plain),
        tag(client_of(make_case(title="Another title"))),
        tag(client_of(make_case(), make_case(id="another-case"))),
        tag(plain, base_url="https://friend.example.org"),
    }
    plain.set_cookie("council", "E09000008")
    others.add(tag(plain))
    assert len(others) == 5


def test_an_address_with_a_query_is_looked_up_as_the_same_page(client: FlaskClient) -> None:
    assert client.get(f"{CASE}?from=mail").status_code == 200


# --- the whole library -----------------------------------------------------------------------------------------------


@pytest.mark.model
def test_no_record_of_the_library_is_heavy_or_shows_a_lesson_beside_a_case(whole_client: FlaskClient) -> None:
    rest = sum(len(asset.content) for name, asset in read_build().served.items() if name.startswith("app"))
    index = whole_client.get("/browse").text
    names = set(re.findall(r'href="/records/([^"#]+)"', index))
    assert len(names) > 160
    for name in sorted(names):
        page = whole_client.get(f"/records/{name}")
        assert len(page.data) + rest < 250_000
        if 'id="related"' not in page.text:
            continue
        related = page.text[page.text.index('id="related"') : page.text.index('id="cite"')]
        others = set(re.findall(r'href="/records/([^"#]+)"', related))
        assert others
        assert name not in others
        assert {other.startswith("l-") for other in others} == {name.startswith("l-")}
