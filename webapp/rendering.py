"""A record's Markdown -> safe HTML, with its source marks as links and an id for every block.

Two ways, for two needs. A record's page gets full Markdown, cleaned by nh3. A page of results shows up to 30 short
passages and must cost little: they are shown as paragraphs and list items of plain, escaped text, with the answering
sentence in <mark>. Both are cached by the text itself, which is the record's and never the reader's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import Element, SubElement

import markdown
import nh3
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor
from markupsafe import Markup, escape

from kb.passages import split_blocks

if TYPE_CHECKING:
    from kb.records import Section

# Ahead of links (160) and references (170), behind code (190): `[s2]` is a mark unless it is written as code.
_MARK_PRIORITY: Final = 175
_TAGS: Final = {
    *("p", "ul", "ol", "li", "strong", "em", "code", "pre", "blockquote", "h3", "h4", "h5", "h6", "br", "hr"),
    *("a", "sup", "table", "thead", "tbody", "tr", "th", "td", "dl", "dt", "dd", "del"),
}
_ATTRIBUTES: Final = {"a": {"href", "aria-label"}, "sup": {"class"}}
_SCHEMES: Final = {"http", "https", "mailto"}


_SOURCE: Final = re.compile(r"\s*\[s([1-9]\d{0,2})\]")


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph or list of a section, with the id that links land on."""

    anchor: str
    html: Markup


def section_blocks(section: Section, sources: frozenset[str]) -> list[Block]:
    """The blocks of a section: the first has the section's anchor for its id, the n-th that and `-n`."""
    return [
        Block(section.anchor if number == 1 else f"{section.anchor}-{number}", block_html(text, sources))
        for number, text in enumerate(split_blocks(section.text), start=1)
    ]


def forget() -> None:
    """Lets go of all text that was rendered: a record that is withdrawn is to be gone from memory as well."""
    for one in (block_html, line_html, passage_html):
        one.cache_clear()


@lru_cache(maxsize=4096)
def block_html(text: str, sources: frozenset[str]) -> Markup:
    """Markdown -> safe HTML. `sources` are the ids that a mark such as `[s2]` may point to; others stay as written."""
    html = markdown.markdown(text, extensions=[_SourceMarks(sources), "sane_lists"], output_format="html")
    clean = nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel=None)
    return Markup(clean)  # noqa: S704  nh3 has cleaned it


@lru_cache(maxsize=4096)
def line_html(text: str, sources: frozenset[str]) -> Markup:
    """One line of plain text (a cost, a note, a figure), escaped, with its source marks as links."""

    def mark(match: re.Match[str]) -> str:
        return _mark_html(match[1]) if f"s{match[1]}" in sources else match[0]

    html = _SOURCE.sub(mark, str(escape(text)))
    return Markup(html)  # noqa: S704  every word in it was escaped above


def _mark_html(number: str, page: str = "") -> str:
    address = f"{page}#source-s{number}"
    return f'<sup class="cf-mark"><a href="{address}" aria-label="Source {number}">{number}</a></sup>'


class _SourceMark(InlineProcessor):
    def __init__(self, sources: frozenset[str]) -> None:
        super().__init__(r"[ \n]*\[(s[1-9]\d{0,2})\](?![(\[:])")
        self._sources = sources

    def handleMatch(  # type: ignore[override]  # noqa: N802  the name is the library's
        self, match: re.Match[str], data: str
    ) -> tuple[Element | None, int | None, int | None]:
        if match[1] not in self._sources:
            return None, None, None
        mark = Element("sup", {"class": "cf-mark"})
        number = match[1].removeprefix("s")
        SubElement(mark, "a", {"href": f"#source-{match[1]}", "aria-label": f"Source {number}"}).text = number
        return mark, match.start(0), match.end(0)


class _SourceMarks(Extension):
    def __init__(self, sources: frozenset[str]) -> None:
        super().__init__()
        self._sources = sources

    def extendMarkdown(self, md: markdown.Markdown) -> None:  # noqa: N802  the name is the library's
        md.inlinePatterns.register(_SourceMark(self._sources), "source_mark", _MARK_PRIORITY)


# --- passages --------------------------------------------------------------------------------------------------------

# Private-use characters that stand for the ends of the highlight while the text around it is worked on.
_OPEN: Final = "\ue000"
_CLOSE: Final = "\ue001"
_LIST_ITEM: Final = re.compile(rf"^\s{{0,3}}({_OPEN}?)\s*(?:[-*+]|\d{{1,3}}[.)])\s+")
_LINK: Final = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_EMPHASIS: Final = re.compile(r"\*\*|__|\*|`|(?<!\w)_|_(?!\w)")
_HEADING: Final = re.compile(rf"^({_OPEN}?)#{{3,6}}\s+")


@lru_cache(maxsize=4096)
def passage_html(text: str, highlight: str, record: str) -> Markup:
    """A passage as the results show it: its words, the answering sentence marked, its sources linked in the record."""
    marked = text.replace(_OPEN, "").replace(_CLOSE, "")
    start = marked.find(highlight) if highlight else -1
    if start >= 0:
        end = start + len(highlight)
        marked = f"{marked[:start]}{_OPEN}{highlight}{_CLOSE}{marked[end:]}"
    parts: list[str] = []
    in_list = in_mark = False
    for is_item, words in _plain_blocks(marked):
        if is_item != in_list:
            parts.append("<ul>" if is_item else "</ul>")
            in_list = is_item
        html = str(escape(words))
        # A highlight that goes on over several items is marked in each: a <mark> cannot span two elements.
        html = f"{_OPEN}{html}" if in_mark else html
        in_mark = html.rfind(_OPEN) > html.rfind(_CLOSE)
        html = f"{html}{_CLOSE}" if in_mark else html
        html = html.replace(_OPEN, "<mark>").replace(_CLOSE, "</mark>")
        html = _SOURCE.sub(lambda match: _mark_html(match[1], f"/records/{record}"), html)
        parts.append(f"<li>{html}</li>" if is_item else f"<p>{html}</p>")
    if in_list:
        parts.append("</ul>")
    return Markup("".join(parts))  # noqa: S704  every word in it was escaped above


def _plain_blocks(text: str) -> list[tuple[bool, str]]:
    """The paragraphs and list items of a text, in plain words: whether it is an item, and its words."""
    blocks: list[tuple[bool, list[str]]] = []
    fresh = True
    for line in text.split("\n"):
        item = _LIST_ITEM.match(line)
        if not line.strip():
            fresh = True
        elif item:
            blocks.append((True, [item[1] + line[item.end() :]]))
            fresh = False
        elif fresh and not line.startswith("  "):
            blocks.append((False, [_HEADING.sub(r"\1", line)]))
            fresh = False
        elif blocks:
            blocks[-1][1].append(line.strip())
            fresh = False
        else:
            blocks.append((False, [line.strip()]))
            fresh = False
    alone = len(blocks) == 1  # a list of one item, cut out of its list, reads better as a sentence
    return [(is_item and not alone, _EMPHASIS.sub("", _LINK.sub(r"\1", " ".join(lines)))) for is_item, lines in blocks]
