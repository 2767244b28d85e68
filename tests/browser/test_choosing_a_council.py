"""Choosing a council, the places like it, and a record's place beside one's own, as somebody meets them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from looking import overflow

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

BARNSLEY, NORWICH = "E08000038", "E07000148"
CASE, LESSON = "/records/nottingham-robin-hood-energy", "/records/l-7q2m9x"
STATES = {
    "council": "/council",
    "council-unknown": "/council?council=E99999999",
    "council-place": f"/councils/{BARNSLEY}",
    "council-place-factors": f"/councils/{NORWICH}?factor=tier&factor=population",
    "council-factor-unknown": f"/councils/{BARNSLEY}?factor=wealth",
    "councils": "/councils",
    "transfer-case": f"{CASE}?council={BARNSLEY}",
    "transfer-lesson": f"{LESSON}?council={NORWICH}",
}


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("state", STATES)
def test_a_page(
    open_page: Callable[..., Page],
    axe: Callable[[Page], None],
    keep: Callable[[Page, str], None],
    made_up_site: str,
    state: str,
    width: int,
) -> None:
    page = open_page(width, bypass_csp=True)
    page.goto(made_up_site + STATES[state])
    assert page.locator("h1").count() == 1
    assert overflow(page) == 0
    axe(page)
    keep(page, f"{state}-{width}")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert overflow(page) == 0
    axe(page)


@pytest.mark.parametrize("width", [320, 1280])
def test_choosing_by_keyboard_under_the_policy(
    open_page: Callable[..., Page], keep: Callable[[Page, str], None], made_up_site: str, width: int
) -> None:
    """The policy is on: the fixture fails on whatever the browser refuses."""
    page = open_page(width)
    page.goto(f"{made_up_site}/council?next={CASE}")
    box = page.get_by_role("combobox", name="Council or combined authority")
    box.focus()
    page.keyboard.type("st hel")
    assert page.get_by_role("option").all_inner_texts() == ["St Helens (metropolitan borough)"]
    keep(page, f"council-typing-{width}")
    page.keyboard.press("Escape")
    box.fill("bcp")  # a name that is not in what is shown
    page.get_by_role("option", name="Bournemouth, Christchurch and Poole").wait_for()
    page.keyboard.press("Enter")
    assert box.input_value() == "Bournemouth, Christchurch and Poole (unitary council)"
    page.keyboard.press("Enter")
    page.wait_for_url(made_up_site + CASE)
    assert page.locator("#transfer").get_by_text("Here: Bournemouth").count() == 1
    assert [cookie["name"] for cookie in page.context.cookies()] == ["council"]
    assert overflow(page) == 0


def test_the_open_list_and_its_faults_are_accessible(
    open_page: Callable[..., Page], axe: Callable[[Page], None], keep: Callable[[Page, str], None], made_up_site: str
) -> None:
    page = open_page(320, bypass_csp=True)
    page.goto(f"{made_up_site}/council")
    page.locator("#council").type("north")
    page.get_by_role("option").first.wait_for()
    assert page.get_by_role("option").first.inner_text().startswith("North ")  # before Ards and North Down
    axe(page)
    page.locator("#council").fill("Atlantis")
    page.get_by_role("listbox").wait_for(state="hidden")
    axe(page)
    page.get_by_role("button", name="Choose council").click()
    assert page.locator(".govuk-error-summary:focus").count() == 1
    assert page.get_by_text("There is no council called \u201cAtlantis\u201d today.").count() == 1
    axe(page)
    keep(page, "council-error-320")
    page.get_by_role("link", name="Choose a council from the list").click()
    assert page.locator("input#council:focus").count() == 1


def test_a_changed_mind_is_not_taken_for_the_choice_before(open_page: Callable[..., Page], made_up_site: str) -> None:
    page = open_page()
    page.goto(f"{made_up_site}/council")
    box = page.locator("#council")
    box.type("barnsl")
    page.get_by_role("option").first.click()
    box.fill("Leeds")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Choose council").click()
    assert page.locator("h1").inner_text() == "Leeds City Council"


def test_choosing_changing_and_forgetting_without_scripts(open_page: Callable[..., Page], made_up_site: str) -> None:
    page = open_page(scripts=False)
    page.goto(f"{made_up_site}{CASE}")
    page.get_by_role("link", name="Choose your council").click()
    page.get_by_label("Council or combined authority").select_option(label="Barnsley (metropolitan borough)")
    page.get_by_role("button", name="Choose council").click()
    assert page.url == made_up_site + CASE
    assert page.get_by_role("columnheader", name="Here: Barnsley").count() == 1
    page.get_by_role("link", name="Your council: Barnsley").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Barnsley Metropolitan Borough Council"
    page.get_by_role("link", name="Change or forget it").click()
    assert page.get_by_label("Council or combined authority").input_value() == BARNSLEY
    page.get_by_role("button", name="Forget my council").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Which council are you with?"
    assert page.context.cookies() == []


def test_making_a_place_one_s_own_and_switching_factors(open_page: Callable[..., Page], made_up_site: str) -> None:
    page = open_page()
    page.goto(f"{made_up_site}/councils/{BARNSLEY}")
    page.get_by_role("button", name="Make this my council").click()
    assert page.get_by_text("This is your council.").count() == 1
    for factor in ("Population", "Rural or urban", "Deprivation", "Bordering"):
        page.get_by_label(factor, exact=True).uncheck()
    page.get_by_role("button", name="Update the list").click()
    assert page.url.endswith("?factor=tier&factor=region")
    assert page.locator(".cf-peers thead th").all_inner_texts() == ["Council", "Type and tier", "Region and nation"]


@pytest.mark.parametrize("width", [400, 641, 768, 960, 1600])
@pytest.mark.parametrize("state", ["council", "council-place", "transfer-case"])
def test_no_width_scrolls_sideways(open_page: Callable[..., Page], made_up_site: str, state: str, width: int) -> None:
    page = open_page(width)
    page.goto(made_up_site + STATES[state])
    assert overflow(page) == 0
