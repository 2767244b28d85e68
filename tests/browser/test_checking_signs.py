"""A reader checks a report for signs, in a real browser: with scripts and without, on a phone and at a desk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from looking import overflow
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

REPORT = """Quarter 2 performance and risk report

On 31 October 61 children in need had no named social worker. The head of service advised that this was down to the
usual delay after summer leavers and would right itself by Christmas.

R7	Housing repairs	97% of orders done on the first visit. The measure is supplied by the contractor, and the landlord \
does not telephone residents to confirm it.	Green

Rain will clear eastwards overnight, leaving a cold and mostly dry day with sunny spells."""
LIKELY = """The capital programme has grown to £310m, most of it borrowed short term from other councils, and the
interest is met from the rents of the offices that were bought with it.

The annual fun day was held in Victoria Park and was attended by many residents. The weather was fine."""
WEATHER = "Rain will clear eastwards overnight, leaving a cold and mostly dry day with sunny spells."


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_your_words_beside_theirs(open_page: Callable[..., Page], site: str, scripts: bool, width: int) -> None:
    page = open_page(width, scripts=scripts)
    page.goto(site)
    page.get_by_role("link", name="Check the signs").first.click()
    page.get_by_label("Your text").fill(REPORT)
    page.get_by_role("button", name="Check the signs").click()
    expect(page.locator("h1")).to_have_text("2 signs found in 2 of your 3 paragraphs")
    assert page.url == f"{site}/signs"  # nothing of the text is in the address
    pair = page.locator(".cf-pair").first
    yours, theirs = pair.locator(".cf-pair__yours"), pair.locator(".cf-pair__theirs")
    expect(yours.locator("mark")).to_be_visible()
    first, second = yours.bounding_box(), theirs.bounding_box()
    assert first
    assert second
    beside = second["x"] >= first["x"] + first["width"] - 1
    assert beside == (width == 1280)
    expect(page.get_by_role("heading", name="Those that recovered, and how")).to_be_visible()
    link = theirs.locator(".cf-pair__record a")
    address = link.get_attribute("href") or ""
    link.click()
    expect(page.locator(f"[id='{address.split('#')[1]}']")).to_be_in_viewport()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_what_is_worth_comparing_is_set_apart(open_page: Callable[..., Page], site: str, scripts: bool) -> None:
    page = open_page(scripts=scripts)
    page.goto(f"{site}/signs")
    page.get_by_label("Your text").fill(LIKELY)
    page.get_by_role("button", name="Check the signs").click()
    expect(page.locator("h1")).to_have_text("Nothing matches closely; 1 of your 2 paragraphs is worth comparing")
    expect(page.get_by_role("heading", name="Worth comparing", exact=True)).to_be_visible()
    expect(page.locator(".cf-pair")).to_have_count(0)
    page.get_by_role("link", name="A council borrowed a billion").first.click()
    expect(page.locator("#warning-signs")).to_be_in_viewport()


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("form", None), ("found", REPORT), ("near", LIKELY), ("both", f"{REPORT}\n\n{LIKELY}"), ("none", WEATHER)),
        *(("empty", ""), ("long", "word " * 5000)),
    ],
)
def test_every_state(
    open_page: Callable[..., Page],
    axe: Callable[[Page], None],
    keep: Callable[[Page, str], None],
    site: str,
    name: str,
    text: str | None,
    width: int,
) -> None:
    page = open_page(width, bypass_csp=True)
    page.goto(f"{site}/signs")
    if text is not None:
        page.get_by_label("Your text").fill(text)
        page.get_by_role("button", name="Check the signs").click()
    assert page.locator("h1").count() == 1
    assert overflow(page) == 0
    axe(page)
    keep(page, f"signs-{name}-{width}")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert overflow(page) == 0
    axe(page)


@pytest.mark.parametrize("width", [320, 480, 768, 960, 1024, 1280, 1600])
def test_no_width_scrolls_sideways(open_page: Callable[..., Page], site: str, width: int) -> None:
    page = open_page(width)
    page.goto(f"{site}/signs")
    page.get_by_label("Your text").fill(f"{REPORT}\n\n{LIKELY}\n\n{'Unbroken' * 60} no plan for the budget exists.")
    page.get_by_role("button", name="Check the signs").click()
    expect(page.locator(".cf-pair").first).to_be_visible()
    assert overflow(page) == 0


def test_an_error_leads_to_the_box(open_page: Callable[..., Page], site: str) -> None:
    page = open_page()
    page.goto(f"{site}/signs")
    page.get_by_role("button", name="Check the signs").click()
    page.get_by_role("link", name="Paste a paragraph or more").click()
    expect(page.get_by_label("Your text")).to_be_focused()


def test_the_keyboard_is_enough(open_page: Callable[..., Page], site: str) -> None:
    page = open_page()
    page.goto(f"{site}/signs")
    page.get_by_label("Your text").focus()
    page.keyboard.insert_text(WEATHER)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("No sign found in your paragraph")


@pytest.mark.parametrize("width", [320, 1280])
def test_thanks_for_a_gap(
    open_page: Callable[..., Page],
    axe: Callable[[Page], None],
    keep: Callable[[Page, str], None],
    site: str,
    width: int,
) -> None:
    page = open_page(width, bypass_csp=True)
    page.goto(f"{site}/gaps/recorded")
    assert overflow(page) == 0
    axe(page)
    keep(page, f"gap-recorded-{width}")
