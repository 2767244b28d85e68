"""Every page in every state: accessible, no wider than the window, and kept as a picture."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from looking import overflow

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

BROAD = "why did the council not see its finances going wrong?"
QUESTION = "Who on the company board had run a business in the energy sector?"


def asking(question: str, **filters: str) -> str:
    return f"/search?{urlencode({'q': question, **filters})}"


STATES = {
    "home": ("made_up_site", "/"),
    "prompt": ("made_up_site", "/search?q="),
    "results": ("made_up_site", asking(QUESTION)),
    "filtered": ("made_up_site", asking(QUESTION, outcome="failed", kind="case", nation="England")),
    "years": ("made_up_site", asking(QUESTION, **{"from": "2015", "to": "2017"})),
    "stance": ("made_up_site", asking("cutting handful changes practice family", stance="worked")),
    "none": ("made_up_site", asking(QUESTION, outcome="recovered")),
    "nothing-close": ("made_up_site", asking("a recipe for sourdough bread with rosemary")),
    "no-setback": ("made_up_site", asking("cutting handful changes practice family", kind="lesson")),
    "case": ("made_up_site", "/records/nottingham-robin-hood-energy"),
    "case-at-passage": ("made_up_site", "/records/nottingham-robin-hood-energy#what-did-not-work"),
    "lesson": ("made_up_site", "/records/l-7q2m9x"),
    "about": ("made_up_site", "/about"),
    "api": ("made_up_site", "/api"),
    "not-found": ("made_up_site", "/nope"),
    "overlong": ("made_up_site", asking("why does it fail " * 150)),
    "unknown-filter": ("made_up_site", asking(QUESTION, outcome="good")),
    "wrong-years": ("made_up_site", asking(QUESTION, **{"from": "2016", "to": "2015"})),
    "no-index": ("empty_site", "/"),
    "failure": ("failing_site", asking(QUESTION)),
    # Over the whole library: what two records cannot show.
    "many": ("site", asking(BROAD)),
    "second-page": ("site", asking(BROAD, page="2")),
    "no-such-page": ("site", asking(BROAD, page="99")),
    "what-worked": ("site", asking(BROAD, view="outcomes")),
    "warning-signs": ("site", asking(BROAD, view="signs", outcome="failed")),
    "by-evidence": ("site", asking(BROAD, sort="evidence")),
    "places-like-mine": ("site", asking(BROAD, council="E06000039", places="like")),
    "misspelt": ("site", asking("homlessness and temporary accomodation")),
    "abbreviation": ("site", asking("EHCP backlog")),
    "excluding-filters": ("site", asking(BROAD, kind="lesson", nation="Wales")),
    "gap": ("site", asking("a recipe for sourdough bread with rosemary")),
}


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("state", STATES)
def test_a_page(
    open_page: Callable[..., Page],
    axe: Callable[[Page], None],
    keep: Callable[[Page, str], None],
    request: pytest.FixtureRequest,
    state: str,
    width: int,
) -> None:
    server, path = STATES[state]
    page = open_page(width, bypass_csp=True)
    page.goto(request.getfixturevalue(server) + path)
    assert page.title().endswith(" - Critical Friend")
    assert page.locator("h1").count() == 1
    assert overflow(page) == 0
    axe(page)
    keep(page, f"{state}-{width}")
    # Everything that is folded away, opened.
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert overflow(page) == 0
    axe(page)


def test_the_check_finds_what_is_wrong(
    open_page: Callable[..., Page], axe: Callable[[Page], None], made_up_site: str
) -> None:
    page = open_page(bypass_csp=True)
    page.goto(made_up_site)
    page.evaluate("document.querySelector('label').remove()")
    with pytest.raises(AssertionError, match="label"):
        axe(page)


@pytest.mark.parametrize("state", ["home", "results", "case", "about", "api"])
def test_headings_go_down_one_level_at_a_time(
    open_page: Callable[..., Page], request: pytest.FixtureRequest, state: str
) -> None:
    server, path = STATES[state]
    page = open_page()
    page.goto(request.getfixturevalue(server) + path)
    levels = page.eval_on_selector_all("h1, h2, h3, h4", "all => all.map((one) => Number(one.tagName[1]))")
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("width", [400, 641, 768, 960, 1600])
@pytest.mark.parametrize("state", ["home", "filtered", "case"])
def test_no_width_scrolls_sideways(
    open_page: Callable[..., Page], request: pytest.FixtureRequest, state: str, width: int
) -> None:
    server, path = STATES[state]
    page = open_page(width)
    page.goto(request.getfixturevalue(server) + path)
    assert overflow(page) == 0


def test_the_keyboard_reaches_the_content_at_once(open_page: Callable[..., Page], made_up_site: str) -> None:
    page = open_page()
    page.goto(made_up_site + STATES["results"][1])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "q"


@pytest.mark.parametrize("scripts", [True, False])
def test_an_error_has_the_focus(open_page: Callable[..., Page], made_up_site: str, scripts: bool) -> None:
    page = open_page(scripts=scripts)
    page.goto(made_up_site + STATES["overlong"][1])
    assert page.locator(".govuk-error-summary:focus").count() == 1
    page.get_by_role("link", name="Shorten it to 2,000 characters or fewer").click()
    assert page.locator("#q:focus").count() == 1


def test_large_text_still_fits(open_page: Callable[..., Page], made_up_site: str) -> None:
    """Text at twice its size (WCAG 1.4.4) on a window of ordinary width."""
    page = open_page(1280, bypass_csp=True)
    for state in ("home", "filtered", "case"):
        page.goto(made_up_site + STATES[state][1])
        page.add_style_tag(content="html { font-size: 200%; }")
        assert overflow(page) == 0


def test_print_leaves_out_what_only_a_screen_needs(
    open_page: Callable[..., Page], made_up_site: str, keep: Callable[[Page, str], None]
) -> None:
    page = open_page(800)
    page.goto(made_up_site + STATES["case"][1])
    page.emulate_media(media="print")
    assert not page.locator(".cf-masthead").is_visible()
    assert not page.locator(".cf-contents").is_visible()
    assert page.locator("#source-s1").is_visible()
    keep(page, "case-printed")
