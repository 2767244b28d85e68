"""Atom feeds: every MUST of RFC 4287 that bears on them, what a lesson does not tell, and refusals."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree as Xml

import feedparser
import pytest

from kb.browse import Catalogue, Entry
from kb.drafts import make_card
from webapp import feeds

if TYPE_CHECKING:
    from flask.testing import FlaskClient

ATOM = f"{{{feeds.ATOM}}}"
QUESTION = "Who on the company board had run a business in the energy sector?"
FEEDS = [
    "/browse.atom",
    "/browse.atom?outcome=failed",
    "/browse.atom?outcome=worked",
    f"/search.atom?{urlencode({'q': QUESTION})}",
]
ONCE = ("id", "title", "updated")
KNOWN = {
    "feed": {"author", "category", "id", "link", "subtitle", "title", "updated", "entry"},
    "entry": {"id", "title", "updated", "link", "summary", "category"},
}


def read(client: FlaskClient, path: str) -> Xml.Element:
    response = client.get(path)
    assert response.status_code == 200
    assert response.content_type.startswith("application/atom+xml")
    return Xml.fromstring(response.data)


def texts(element: Xml.Element, name: str) -> list[str]:
    return [one.text or "" for one in element.findall(f"{ATOM}{name}")]


@pytest.mark.parametrize("path", FEEDS)
def test_a_feed_is_valid_by_rfc_4287(client: FlaskClient, path: str) -> None:
    root = read(client, path)
    assert root.tag == f"{ATOM}feed"
    check(root, "feed")
    # 4.1.1: every entry has an author, its own or the feed's; persons have a name (3.2.1).
    (author,) = root.findall(f"{ATOM}author")
    assert texts(author, "name") == ["Critical Friend"]
    links = {link.get("rel"): link for link in root.findall(f"{ATOM}link")}
    assert set(links) == {"self", "alternate"}
    assert links["self"].get("type") == "application/atom+xml"
    entries = root.findall(f"{ATOM}entry")
    for entry in entries:
        check(entry, "entry")
        # 4.1.2: without content there is an alternate link, of each type and language one at most.
        assert [link.get("rel") for link in entry.findall(f"{ATOM}link")] == ["alternate"]
        assert texts(entry, "summary")
    ids = [*texts(root, "id"), *(texts(entry, "id")[0] for entry in entries)]
    assert len(set(ids)) == len(ids)
    assert texts(root, "updated")[0] >= max((texts(entry, "updated")[0] for entry in entries), default="")


def check(element: Xml.Element, kind: str) -> None:
    """What a feed and an entry have alike: each child known, those of 4.1.1 and 4.1.2 once, dates, ids, links."""
    assert {child.tag.removeprefix(ATOM) for child in element} <= KNOWN[kind]
    for name in ONCE:
        (text,) = texts(element, name)
        assert text.strip() == text != ""
    # 3.3: an RFC 3339 date with a time and an upper-case T and Z.
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", texts(element, "updated")[0])
    assert datetime.fromisoformat(texts(element, "updated")[0])
    # 4.2.6: an absolute IRI that never changes.
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", texts(element, "id")[0])
    for link in element.findall(f"{ATOM}link"):
        address = urlsplit(link.get("href", ""))
        assert address.scheme in {"http", "https"}
        assert address.netloc
        assert "/" in link.get("type", "")
    for category in element.findall(f"{ATOM}category"):
        assert category.get("term")
        assert urlsplit(category.get("scheme", "")).scheme


@pytest.mark.parametrize("path", FEEDS)
def test_a_feed_reader_reads_it(client: FlaskClient, path: str) -> None:
    parsed = feedparser.parse(client.get(path).data)
    assert not parsed.bozo
    assert parsed.version == "atom10"
    for entry in parsed.entries:
        assert client.get(urlsplit(entry.link).path).status_code == 200
    assert client.get(urlsplit(parsed.feed.link)._replace(scheme="", netloc="").geturl()).status_code == 200


def test_the_feed_has_what_its_page_shows(client: FlaskClient) -> None:
    root = read(client, "/browse.atom?outcome=failed&service=finance")
    assert texts(root, "title") == ["Critical Friend: Failed; Finance"]
    own = [link.get("href") for link in root.findall(f"{ATOM}link")]
    assert own == [
        "http://localhost/browse.atom?outcome=failed&service=finance",
        "http://localhost/browse?outcome=failed&service=finance",
    ]
    (entry,) = root.findall(f"{ATOM}entry")
    terms = {category.get("label") for category in entry.findall(f"{ATOM}category")}
    assert {"Failed", "Named case", "Finance"} <= terms
    assert texts(entry, "summary")[0].startswith("Failed, as at ")


def test_a_search_feed_has_only_what_bears_on_the_question(client: FlaskClient) -> None:
    found = texts(read(client, FEEDS[-1]), "title")
    assert found == [f"Critical Friend: {QUESTION}"]
    assert read(client, FEEDS[-1]).findall(f"{ATOM}entry")
    nothing = read(client, "/search.atom?q=a+recipe+for+sourdough+bread+with+rosemary")
    assert nothing.findall(f"{ATOM}entry") == []


def test_ids_are_the_same_on_every_site_and_for_every_choice(client: FlaskClient) -> None:
    def ids(path: str, site: str) -> set[str]:
        root = Xml.fromstring(client.get(path, base_url=site).data)
        return {texts(entry, "id")[0] for entry in root.findall(f"{ATOM}entry")}

    whole = ids("/browse.atom", "https://friend.example.org")
    assert ids("/browse.atom", "http://localhost:8000") == whole
    assert ids("/browse.atom?outcome=failed", "http://localhost:8000") < whole


def entry_of(kind: str, name: str, checked_on: str) -> Entry:
    from made_up import make_case, make_lesson

    record = (make_case if kind == "case" else make_lesson)(id=name, checked_on=checked_on)
    return Catalogue([make_card(record)], [set()], lambda _: "").select().entries[0]


def feed_of(*entries: Entry, title: str = "A title") -> Xml.Element:
    feed = feeds.Feed("name", title, "What it is", "/browse", "/browse.atom", entries)
    return Xml.fromstring(feeds.make_feed(feed, "http://localhost/"))


def test_a_case_is_updated_when_it_was_checked_and_a_lesson_only_in_that_year() -> None:
    root = feed_of(
        entry_of("case", "a", "2026-11-22"),
        entry_of("case", "b", "2026-07"),
        entry_of("lesson", "l-2b7xq4", "2026-11-22"),
    )
    updated = [texts(entry, "updated")[0] for entry in root.findall(f"{ATOM}entry")]
    assert updated == ["2026-11-22T00:00:00Z", "2026-07-01T00:00:00Z", "2026-01-01T00:00:00Z"]
    assert "11-22" not in Xml.tostring(root.findall(f"{ATOM}entry")[2], "unicode")


def test_a_title_may_hold_what_xml_cannot() -> None:
    root = feed_of(title="<b>Bins & \ufffe\uffff\ud800boxes</b> \U0001f5d1")
    assert texts(root, "title") == ["<b>Bins & boxes</b> \U0001f5d1"]
    check(root, "feed")


def test_a_feed_that_a_reader_has_already_is_not_sent_again(client: FlaskClient) -> None:
    first = client.get("/browse.atom")
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = client.get("/browse.atom", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.data == b""
    other = client.get("/browse.atom?outcome=failed", headers={"If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200


def test_the_feed_of_a_question_is_in_no_cache(client: FlaskClient) -> None:
    assert client.get(FEEDS[-1]).headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/search.atom", "The parameter q, the question, is missing."),
        ("/search.atom?q=+%00+", "The parameter q, the question, is missing."),
        ("/search.atom?q=bins&outcome=good", "outcome 'good' is not one of"),
        ("/search.atom?q=" + "x" * 2001, "2,001 characters"),
        ("/browse.atom?service=magic", "service 'magic' is not one of"),
        ("/browse.atom?from=abc", "is not a year"),
        ("/browse.atom?page=none", "page 'none'"),
    ],
)
def test_what_cannot_be_followed_is_a_problem_detail(client: FlaskClient, path: str, detail: str) -> None:
    response = client.get(path)
    assert response.status_code == 400
    assert response.content_type == "application/problem+json"
    assert detail in response.get_json()["detail"]


def test_without_an_index_there_is_nothing_to_follow_yet(client_without_index: FlaskClient) -> None:
    for path in FEEDS:
        assert client_without_index.get(path).status_code == 503


def test_a_feed_is_packed_where_the_client_takes_it(client: FlaskClient) -> None:
    assert client.get("/browse.atom", headers={"Accept-Encoding": "gzip"}).headers["Content-Encoding"] == "gzip"


@pytest.mark.model
def test_the_feeds_of_the_whole_library(whole_client: FlaskClient) -> None:
    root = read(whole_client, "/browse.atom")
    entries = root.findall(f"{ATOM}entry")
    assert len(entries) == feeds.MOST_ENTRIES
    updated = [texts(entry, "updated")[0] for entry in entries]
    assert updated == sorted(updated, reverse=True)
    asked = read(whole_client, "/search.atom?q=our+repairs+contractor+is+failing+tenants")
    assert 1 <= len(asked.findall(f"{ATOM}entry")) <= feeds.MOST_ENTRIES
    for element in (root, *entries):
        check(element, element.tag.removeprefix(ATOM))
    assert len(whole_client.get("/browse.atom").data) < 250_000
