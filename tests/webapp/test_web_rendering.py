"""Markdown and passages -> safe HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_library import read_records

from kb.passages import split_blocks
from kb.records import Section
from webapp.presenting import date_words, period_words
from webapp.rendering import block_html, line_html, passage_html, section_blocks

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from made_up_library import MadeUpLibrary

SOURCES = frozenset({"s1", "s2"})
HOSTILE = [
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    '<img src="x" onerror="alert(1)">',
    '<a href="https://a.example" onclick="alert(1)" style="x">a</a>',
    "<iframe src=https://a.example></iframe><form action=/x><input name=q></form>",
    "<svg><script>alert(1)</script></svg><style>*{display:none}</style>",
    "![x](https://a.example/x.png)",
    '<h2 id="what-worked">x</h2>',
    "[s2]: javascript:alert(1)\n\n[s2]",
    '<a href="x>[s1] onmouseover=alert(1) y">z</a>',
]


class _Tags(HTMLParser):
    """What a browser would see: the elements, their attributes, and whether they are closed in order."""

    def __init__(self, *, strict: bool = True) -> None:
        super().__init__()
        self.strict = strict
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("br", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert not self.strict or self.open.pop() == tag


def check(html: str) -> _Tags:
    tags = _Tags()
    tags.feed(html)
    assert not tags.open
    for tag, attributes in tags.seen:
        assert tag not in ("script", "style", "img", "iframe", "form", "input", "svg", "h1", "h2")
        assert set(attributes) <= {"href", "class", "aria-label"}
        assert re.match(r"#|/|https?:|mailto:|[^:]*$", attributes.get("href") or "")
    return tags


@pytest.mark.parametrize("text", HOSTILE)
def test_a_records_markdown_is_cleaned(text: str) -> None:
    check(block_html(text, SOURCES))
    check(passage_html(text, text, "r"))
    check(line_html(text, SOURCES))


def test_a_hostile_record_cannot_break_its_page(client: FlaskClient, library: MadeUpLibrary) -> None:
    record = library.records[0]
    hostile = "\n\n".join(HOSTILE)
    sections = (*record.sections[:-1], record.sections[-1].model_copy(update={"text": hostile}))
    library.records[0] = record.model_copy(update={"sections": sections, "title": "<script>alert(2)</script>"})
    for path in (f"/records/{record.id}", "/search?q=alert+hostile+content"):
        page = client.get(path).text
        assert page.count("<script") == 1
        tags = _Tags(strict=False)
        tags.feed(page)
        assert not [name for _, attributes in tags.seen for name in attributes if name.startswith("on")]
        assert not re.search(r"href=\"\s*(javascript|data):", page, re.IGNORECASE)


@given(st.text(max_size=300))
def test_any_text_gives_safe_html(text: str) -> None:
    check(block_html(text, SOURCES))


@given(st.text(alphabet="ab. -*_[]()s1\n#`<&\ue000\ue001", max_size=120), st.data())
def test_any_passage_and_highlight_give_closed_html(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    tags = check(passage_html(text, text[start:end], "r"))
    assert {tag for tag, _ in tags.seen} <= {"p", "ul", "li", "mark", "sup", "a"}


def test_source_marks_become_links() -> None:
    html = block_html("Losses grew [s1], and **more** [s2].", SOURCES)
    assert re.search(r'grew<sup class="cf-mark"><a [^>]*href="#source-s1"[^>]*>1</a></sup>, and', html)
    assert 'aria-label="Source 1"' in html
    assert 'href="#source-s2"' in html


def test_a_mark_without_its_source_stays_as_written() -> None:
    assert "[s9]" in block_html("Losses grew [s9].", SOURCES)
    assert "[s9]" in line_html("Losses [s9]", SOURCES)
    assert "[s1]" in block_html("Write `[s1]` so.", SOURCES)


def test_marks_in_results_lead_into_the_record() -> None:
    html = passage_html("Losses grew [s1].", "", "a-case")
    assert '<a href="/records/a-case#source-s1" aria-label="Source 1">1</a>' in html


def test_a_links_text_that_looks_like_a_mark_is_a_link() -> None:
    assert block_html("[s1](https://a.example)", SOURCES) == '<p><a href="https://a.example">s1</a></p>'


def test_a_highlight_is_marked() -> None:
    html = passage_html("One thing. The *other* thing [s1]. A third.", "The *other* thing [s1].", "r")
    assert html.startswith("<p>One thing. <mark>The other thing<sup")
    assert html.endswith("</sup>.</mark> A third.</p>")


def test_a_highlighted_item_is_marked_within_its_item() -> None:
    html = passage_html("- first\n- second,\n  and more\n- third", "- second,\n  and more", "r")
    assert html == "<ul><li>first</li><li><mark>second, and more</mark></li><li>third</li></ul>"


def test_an_item_alone_is_a_sentence() -> None:
    assert passage_html("- only this", "- only this", "r") == "<p><mark>only this</mark></p>"


def test_a_highlight_over_two_items_is_marked_in_both() -> None:
    html = passage_html("- first\n- second\n\nEnd.", "first\n- sec", "r")
    assert html == "<ul><li><mark>first</mark></li><li><mark>sec</mark>ond</li></ul><p>End.</p>"


def test_a_highlight_that_is_not_there_marks_nothing() -> None:
    assert passage_html("Some words.", "other words", "r") == "<p>Some words.</p>"


@pytest.mark.parametrize("record", read_records(), ids=lambda record: record.id)
def test_each_block_has_its_anchor(client: FlaskClient, record: object) -> None:
    page = client.get(f"/records/{record.id}").text  # type: ignore[attr-defined]
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for section in record.sections:  # type: ignore[attr-defined]
        assert section.anchor in ids
        for number in range(2, len(split_blocks(section.text)) + 1):
            assert f"{section.anchor}-{number}" in ids
    for target in re.findall(r'href="#([^"]+)"', page):
        assert target in ids or target == "main-content"


def test_a_list_is_one_block() -> None:
    section = Section(heading="What worked", text="First.\n\n- a\n\n- b\n\nLast.")
    blocks = section_blocks(section, SOURCES)
    assert [block.anchor for block in blocks] == ["what-worked", "what-worked-2", "what-worked-3"]
    assert blocks[1].html.count("<li>") == 2


@pytest.mark.parametrize(
    ("date", "words"),
    [("2020", "2020"), ("2020-09", "September 2020"), ("2020-09-04", "4 September 2020"), (None, ""), ("", "")],
)
def test_dates_in_words(date: str | None, words: str) -> None:
    assert date_words(date) == words


def test_periods_in_words() -> None:
    assert period_words("case", (2015, 2020)) == "2015 to 2020"
    assert period_words("case", (2015, 2015)) == "2015"
    assert period_words("case", (2015, 2019)) == "2015 to 2019"
    assert period_words("lesson", (2015, 2019)) == "Late 2010s"
    assert period_words("lesson", (2011, 2012)) == "2011 to 2012"
