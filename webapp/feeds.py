"""Atom feeds (RFC 4287): what a page of the index or of results shows, for a feed reader to follow.

An entry's id is a UUID made from the record's own id, and so the same for good, whatever the site's address is. An
entry of a lesson is updated on the first day of the year in which it was checked: Atom wants a date, and no closer one
may be told (design, de-identification).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin
from xml.etree import ElementTree as Xml

from flask import Blueprint, Response, current_app, request

from kb.browse import newest_first
from webapp import browse, presenting, questions
from webapp.api import problems
from webapp.councils import UnknownCouncil, chosen_council
from webapp.library import knowledge
from webapp.revalidation import revalidated

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kb.browse import Entry

blueprint = Blueprint("feeds", __name__)

MIMETYPE: Final = "application/atom+xml"
ATOM: Final = "http://www.w3.org/2005/Atom"
MOST_ENTRIES: Final = 50
_AUTHOR: Final = "Critical Friend"
# Never changed: a feed reader knows what it has read by the ids that are made from it.
_IDS: Final = uuid.UUID("8d0f3f3e-4b0b-5a8f-9c59-5d5c1a1f2b7e")
# When nothing is in a feed nothing was ever updated; a date it must have.
_NEVER: Final = "2000-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed before it is XML. `name` is what its id is made from; `page` and `own` are the paths of what it
    follows and of itself."""

    name: str
    title: str
    subtitle: str
    page: str
    own: str
    entries: Sequence[Entry]


@blueprint.get("/browse.atom")
def browse_feed() -> Response:
    try:
        asked = browse.read_choice()
    except (questions.UnknownFilter, questions.WrongYears, questions.WrongPage) as error:
        return _refused(str(error))
    query = browse.choice_query(asked.at(1))
    words = browse.in_words(asked)
    feed = Feed(
        name=f"browse?{query}",
        title=f"Critical Friend: {words or 'all records'}",
        subtitle="Records of local public services: what worked, what did not, and what came before.",
        page=f"/browse{'?' if query else ''}{query}",
        own=f"/browse.atom{'?' if query else ''}{query}",
        entries=newest_first(knowledge().catalogue().select(asked.filters).entries)[:MOST_ENTRIES],
    )
    return revalidated(make_feed(feed, request.url_root), mimetype=MIMETYPE)


@blueprint.get("/search.atom")
def search_feed() -> Response:
    try:
        asked = questions.read(request.args, current_app.config["QUESTION_MAX"]).at(1)
    except (
        questions.OverlongQuestion,
        questions.UnknownFilter,
        questions.WrongYears,
        questions.WrongPage,
    ) as error:
        return _refused(str(error))
    if not asked.question:
        return _refused("The parameter q, the question, is missing.")
    try:
        council = chosen_council()
    except UnknownCouncil as error:
        return _refused(str(error))
    places = asked.way("places") if council else "all"
    answer = knowledge().ask(asked.question, asked.filters, limit=MOST_ENTRIES, council=council, places=places)
    # What is merely nearest, when nothing is close, is nothing to follow.
    bearing = {hit.record for hit in answer.hits if answer.close and hit.band != "weak"}
    found = [entry for entry in knowledge().catalogue().select().entries if entry.record in bearing]
    words = browse.in_words(asked)
    feed = Feed(
        name=f"search?{asked.query}",
        title=f"Critical Friend: {asked.question}",
        subtitle=f"Records that bear on this question{f', within: {words}' if words else ''}.",
        page=f"/search?{asked.query}",
        own=f"/search.atom?{asked.query}",
        entries=newest_first(found),
    )
    # The question stands in the address: no cache but the reader's own may keep the answer.
    return revalidated(make_feed(feed, request.url_root), mimetype=MIMETYPE, cache="private, no-store")


def make_feed(feed: Feed, site: str) -> bytes:
    """The feed as XML; `site` is the absolute address of the whole site."""
    root = Xml.Element("feed", {"xmlns": ATOM, "xml:lang": "en-GB"})
    _text(root, "id", _id(feed.name))
    _text(root, "title", feed.title)
    _text(root, "subtitle", feed.subtitle)
    _text(root, "updated", max((_updated(entry) for entry in feed.entries), default=_NEVER))
    _text(Xml.SubElement(root, "author"), "name", _AUTHOR)
    _link(root, "self", MIMETYPE, urljoin(site, feed.own))
    _link(root, "alternate", "text/html", urljoin(site, feed.page))
    for entry in feed.entries:
        _add_entry(root, entry, site)
    return bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True))


def _add_entry(root: Xml.Element, entry: Entry, site: str) -> None:
    one = Xml.SubElement(root, "entry")
    _text(one, "id", _id(f"records/{entry.record}"))
    _text(one, "title", entry.title)
    _text(one, "updated", _updated(entry))
    _link(one, "alternate", "text/html", urljoin(site, f"/records/{entry.record}"))
    outcome = presenting.label("outcome", entry.outcome)
    as_at = f", as at {presenting.date_words(entry.outcome_as_at)}" if entry.outcome_as_at else ""
    _text(one, "summary", f"{outcome}{as_at}. {entry.place}. {entry.summary}")
    for field, codes in _categories(entry):
        for code in codes:
            scheme = urljoin(site, f"/browse#{field}")  # the vocabulary that the term is of
            Xml.SubElement(one, "category", {"term": code, "scheme": scheme, "label": presenting.label(field, code)})


def _categories(entry: Entry) -> Iterable[tuple[str, tuple[str, ...]]]:
    return ("outcome", (entry.outcome,)), ("kind", (entry.kind,)), ("services", entry.services)


def _updated(entry: Entry) -> str:
    """The date of the check as RFC 3339 wants it; a month or a year alone stands for its first day."""
    year, month, day = (*entry.checked_on.split("-"), "01", "01")[:3]
    return f"{year}-{month}-{day}T00:00:00Z"


def _id(name: str) -> str:
    return uuid.uuid5(_IDS, name).urn


def _text(parent: Xml.Element, name: str, text: str) -> None:
    Xml.SubElement(parent, name).text = "".join(letter for letter in text if _fits(letter))


def _fits(letter: str) -> bool:
    """Whether XML 1.0 can hold the character at all (its section 2.2)."""
    return letter in "\t\n\r" or "\x20" <= letter <= "\ud7ff" or "\ue000" <= letter <= "\ufffd" or letter > "\uffff"


def _link(parent: Xml.Element, relation: str, mimetype: str, address: str) -> None:
    Xml.SubElement(parent, "link", {"rel": relation, "type": mimetype, "href": address})


def _refused(detail: str) -> Response:
    return problems.as_response(problems.Problem(problems.WRONG_PARAMETERS, detail))
