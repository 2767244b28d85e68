"""Reading, comparing and browsing on the product itself: whole, narrow, without scripts, by keyboard and on paper."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from looking import overflow
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

CASE = "/records/croydon-section-114"
LESSON = "/records/l-84dawp"
TWO = "/compare?id=croydon-section-114&id=slough-section-114"
FOUR = f"{TWO}&id=woking-section-114&id=l-84dawp"
PAGES = {
    "reading": CASE,
    "reading-lesson": LESSON,
    "reading-your-council": f"{CASE}?council=E09000008",
    "compare": TWO,
    "compare-four": FOUR,
    "compare-choose": "/compare/choose?id=croydon-section-114",
    "compare-wrong": "/compare?id=croydon-section-114&id=nowhere&id=l-84dawp&id=l-84dawp",
    "browse": "/browse",
    "browse-filtered": "/browse?service=housing&service=homelessness&outcome=mixed&nation=England",
    "browse-none": "/browse?outcome=worked&service=cyber",
    "browse-wrong": "/browse?outcome=good",
    "browse-far": "/browse?page=10000",
}


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("state", PAGES)
def test_a_page(
    open_page: Callable[..., Page],
    axe: Callable[[Page], None],
    keep: Callable[[Page, str], None],
    site: str,
    state: str,
    width: int,
) -> None:
    page = open_page(width, bypass_csp=True)
    page.goto(site + PAGES[state])
    assert page.title().endswith(" - Critical Friend")
    assert page.locator("h1").count() == 1
    levels = page.eval_on_selector_all("h1, h2, h3, h4", "all => all.map((one) => Number(one.tagName[1]))")
    while levels[0] != 1:  # an error summary stands before the heading of its page
        levels.pop(0)
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert overflow(page) == 0
    axe(page)
    keep(page, f"{state}-{width}")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert overflow(page) == 0
    axe(page)


@pytest.mark.parametrize("width", [400, 641, 768, 960, 1600])
@pytest.mark.parametrize("state", ["reading", "compare-four", "compare-choose", "browse-filtered"])
def test_no_width_scrolls_sideways(open_page: Callable[..., Page], site: str, state: str, width: int) -> None:
    page = open_page(width)
    page.goto(site + PAGES[state])
    assert overflow(page) == 0


def test_large_text_still_fits(open_page: Callable[..., Page], site: str) -> None:
    page = open_page(1280, bypass_csp=True)
    for state in ("reading", "compare-four", "browse-filtered"):
        page.goto(site + PAGES[state])
        page.add_style_tag(content="html { font-size: 200%; }")
        assert overflow(page) == 0, state


# --- citing ----------------------------------------------------------------------------------------------------------


def test_a_citation_is_copied_and_it_is_said(open_page: Callable[..., Page], site: str) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto(site + CASE)
    page.get_by_role("button", name="Copy this citation: Plain").click()
    status = page.locator(".cf-cite__done").nth(1)
    expect(status).to_have_text("Copied")
    expect(status).to_have_attribute("role", "status")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#cite-2").inner_text()
    assert copied.endswith(f" {site}{CASE}")


def test_where_there_is_no_clipboard_it_is_copied_the_old_way(open_page: Callable[..., Page], site: str) -> None:
    """As on a plain http address that is not the reader's own machine."""
    page = open_page(permissions=["clipboard-read"])
    page.add_init_script("delete Navigator.prototype.clipboard")
    page.goto(site + CASE)
    page.get_by_role("button", name="Copy this citation: APA").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".cf-cite__done").first).to_have_text("Copied")
    assert page.evaluate("getSelection().toString()").strip() == page.locator("#cite-1").inner_text()


def test_without_scripts_the_citation_is_selected_with_one_click(open_page: Callable[..., Page], site: str) -> None:
    page = open_page(scripts=False)
    page.goto(site + CASE)
    assert page.get_by_role("button", name=re.compile("^Copy")).count() == 0
    citation = page.locator("#cite-1")
    citation.click()
    assert citation.evaluate("one => getComputedStyle(one).userSelect") == "all"


# --- keeping a page --------------------------------------------------------------------------------------------------


def test_a_kept_page_still_runs_its_script(open_page: Callable[..., Page], site: str) -> None:
    """A 304 must not bring a nonce that the kept page does not have. `open_page` fails on any complaint."""
    page = open_page()
    buttons = page.locator("button[data-copy]:visible")
    sizes = []
    for _ in range(3):
        page.goto(site + CASE)
        expect(buttons).to_have_count(2)
        sizes.append(page.evaluate("performance.getEntriesByType('navigation')[0].transferSize"))
        page.goto(f"{site}/about")
    # The first came whole; the others were asked about, and only headers came.
    assert sizes[0] > 2000
    assert all(0 < size < 1000 for size in sizes[1:])


# --- comparing and browsing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_from_browsing_to_a_comparison(open_page: Callable[..., Page], site: str, scripts: bool) -> None:
    page = open_page(1280, scripts=scripts)
    page.goto(f"{site}/browse")
    if not page.get_by_label(re.compile(r"^Cyber security \(\d+\)$")).is_visible():
        page.locator("summary", has_text="more for service").click()
    page.get_by_label(re.compile(r"^Cyber security \(\d+\)$")).check()
    page.get_by_role("button", name="Apply filters").click()
    expect(page).to_have_url(re.compile(r"/browse\?service=cyber$"))
    expect(page.get_by_role("link", name="Remove the filter Service: Cyber security")).to_be_visible()
    page.get_by_role("link", name=re.compile("^Ransomware over a bank holiday")).click()

    page.get_by_role("link", name=re.compile("^Compare side by side with A dormant account")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("2 records side by side")
    page.get_by_role("link", name="Add or change records").click()
    assert page.locator("input:checked").count() == 2
    page.get_by_label(re.compile("^A small council rebuilt every server")).check()
    page.get_by_role("button", name="Compare side by side").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("3 records side by side")
    page.get_by_role("link", name=re.compile("^Take out A small council")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("2 records side by side")


def test_columns_stand_side_by_side_on_a_desk_and_below_each_other_on_a_phone(
    open_page: Callable[..., Page], site: str
) -> None:
    for width, beside in ((1280, True), (320, False)):
        page = open_page(width)
        page.goto(site + TWO)
        first, second = (page.locator(".cf-compare__cell").nth(number).bounding_box() for number in (0, 1))
        assert first is not None
        assert second is not None
        assert (first["y"] == second["y"]) is beside
        # Below each other, each fact says whose it is.
        label = page.locator("td[data-name]").first.evaluate("one => getComputedStyle(one, '::before').content")
        assert (label == '"London Borough of Croydon"') is not beside


# --- on paper --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "wide", "most"), [("reading", False, 9), ("compare", True, 7), ("browse-filtered", False, 2)]
)
def test_a_printed_page_is_of_the_right_shape_and_length(
    open_page: Callable[..., Page], site: str, tmp_path: Path, state: str, wide: bool, most: int
) -> None:
    page = open_page()
    page.goto(site + PAGES[state])
    path = tmp_path / "page.pdf"
    page.pdf(path=path, prefer_css_page_size=True)
    boxes = re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]", path.read_bytes())
    assert 1 <= len(boxes) <= most
    assert all((float(width) > float(height)) is wide for width, height in boxes)


def test_paper_has_the_address_and_the_sources_and_nothing_to_click(
    open_page: Callable[..., Page], site: str, keep: Callable[[Page, str], None]
) -> None:
    page = open_page(800)
    page.goto(site + CASE)
    page.emulate_media(media="print")
    expect(page.locator(".cf-onpaper")).to_have_text(f"{site}{CASE}")
    for gone in (".cf-masthead", ".cf-footer", ".cf-contents", "#transfer", "button"):
        assert page.locator(f"{gone}:visible").count() == 0, gone
    source = page.locator("#source-s1 a")
    assert source.evaluate("one => getComputedStyle(one, '::after').content").startswith('" (')
    related = page.locator(".cf-related__title").first
    assert related.evaluate("one => getComputedStyle(one, '::after').content") == "none"
    keep(page, "reading-printed")
    page.goto(site + TWO)
    expect(page.locator(".cf-onpaper")).to_have_text(site + TWO)
    keep(page, "compare-printed")
