"""The main job, from question to source, on the product itself; with scripts and without, on a phone and a desk."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

QUESTION = "How did a council recover after its children's services were judged inadequate?"


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_ask_filter_and_read(
    open_page: Callable[..., Page], site: str, keep: Callable[[Page, str], None], scripts: bool, width: int
) -> None:
    page = open_page(width, scripts=scripts)
    page.goto(site)
    page.get_by_label("What would you like to learn from others?").fill(QUESTION)
    if scripts:
        page.keyboard.press("Enter")
    else:
        page.get_by_role("button", name="Ask").click()

    expect(page).to_have_title(
        re.compile(r"^How did a council recover .*: \d+ records?( \(page 1 of \d+\))? - Critical Friend$")
    )
    expect(page.get_by_label("Your question")).to_have_value(QUESTION)
    hits = page.get_by_role("article")
    first = hits.first
    expect(first.locator("mark").first).to_be_visible()
    expect(first.locator(".cf-outcome")).to_be_visible()
    keep(page, f"product-results-{width}")

    if width == 320:
        page.locator("summary", has_text="Narrow these results").click()
    page.get_by_label(re.compile(r"^Recovered \(\d+\)$")).check()
    page.get_by_role("button", name="Apply filters").click()
    expect(page).to_have_url(re.compile(r"outcome=recovered"))
    outcomes = page.locator("article .cf-outcome").all_inner_texts()
    assert outcomes
    assert {text.split("\n")[-1].removeprefix("Outcome: ") for text in outcomes} == {"Recovered"}

    link = hits.first.locator("h3 a")
    heading, address = link.inner_text(), link.get_attribute("href")
    link.click()
    expect(page.locator("h1")).to_have_text(heading)
    assert address
    target = page.locator(f"[id='{address.split('#')[1]}']")
    expect(target).to_be_in_viewport()
    page.locator("nav").get_by_role("link", name="What happened").click()
    expect(page.locator("#what-happened")).to_be_in_viewport()
    page.go_back()
    page.go_back()
    page.get_by_role("link", name=re.compile("Remove the filter Outcome: Recovered")).click()
    assert "outcome=" not in page.url


def test_further_passages_unfold(open_page: Callable[..., Page], site: str) -> None:
    page = open_page(scripts=False)
    page.goto(f"{site}/search?q={QUESTION}")
    further = page.locator("details.cf-further").first
    expect(further.locator(".cf-passage").first).not_to_be_visible()
    further.locator("summary").click()
    expect(further.locator(".cf-passage").first).to_be_visible()


def test_a_source_mark_leads_to_its_source(open_page: Callable[..., Page], site: str) -> None:
    page = open_page()
    page.goto(f"{site}/records/nottingham-robin-hood-energy")
    mark = page.locator(".cf-block sup a").first
    number = mark.inner_text()
    mark.click()
    expect(page.locator(f"#source-s{number}")).to_be_in_viewport()


def test_a_service_is_a_way_in(open_page: Callable[..., Page], site: str) -> None:
    page = open_page()
    page.goto(site)
    page.get_by_role("link", name=re.compile("^Finance")).click()
    expect(page.get_by_role("link", name="Remove the filter Service: Finance")).to_be_visible()
    assert page.get_by_role("article").count() > 0


def test_examples_find_the_records_they_come_from(open_page: Callable[..., Page], site: str) -> None:
    page = open_page()
    page.goto(site)
    for number in range(page.locator(".cf-examples a").count()):
        page.goto(site)
        page.locator(".cf-examples a").nth(number).click()
        expect(page.locator("h1")).to_contain_text(re.compile("bears? on this"))


def test_a_question_about_something_else(
    open_page: Callable[..., Page], site: str, keep: Callable[[Page, str], None]
) -> None:
    page = open_page()
    page.goto(site)
    page.get_by_label("What would you like to learn from others?").fill("How long should I boil an egg for breakfast?")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("h1")).to_have_text("Nothing here comes close to that")
    keep(page, "product-nothing-close")


def test_shift_and_enter_begin_a_new_line(open_page: Callable[..., Page], site: str) -> None:
    page = open_page()
    page.goto(site)
    page.get_by_label("What would you like to learn from others?").fill("One")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    expect(page.get_by_label("What would you like to learn from others?")).to_have_value("One\ntwo")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
@pytest.mark.parametrize(
    "problem",
    [
        "We may have to issue a section 114 notice. How did others get out of it?",
        "Our EHCP backlog keeps growing and parents are angry",
        "Should we set up a council company to build homes?",
    ],
)
def test_ten_minutes_with_a_real_problem(
    open_page: Callable[..., Page], site: str, scripts: bool, problem: str
) -> None:
    """What worked, what did not, what to watch for, places like mine; and a link that a colleague can open."""
    page = open_page(scripts=scripts)
    page.goto(f"{site}/council")
    if scripts:
        page.get_by_role("combobox").fill("Slough")
        page.get_by_role("option").first.click()
    else:
        page.locator("select").select_option(label="Slough (unitary council)")
    page.get_by_role("button", name=re.compile("council")).first.click()
    page.goto(site)
    page.get_by_label("What would you like to learn from others?").fill(problem)
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"\d+ records? bears? on this"))
    expect(page.get_by_text("Beside Slough:").first).to_be_visible()

    page.get_by_role("link", name="What worked, what did not").click()
    for told in ("What worked", "What did not work"):
        expect(page.get_by_role("region", name=told).get_by_role("article").first).to_be_visible()
    page.get_by_role("navigation", name="Views of this answer").get_by_role("link", name="Warning signs").click()
    expect(page.locator(".cf-shelf--warning mark").first).to_be_visible()

    page.get_by_role("link", name="Like mine first").click()
    expect(page.get_by_role("link", name="Like mine first")).to_have_attribute("aria-current", "true")
    titles = page.locator("article h3").all_inner_texts()
    colleague = open_page(scripts=scripts)
    colleague.goto(page.url)
    assert colleague.locator("article h3").all_inner_texts() == titles
    expect(colleague.get_by_text("Beside Slough:").first).to_be_visible()

    page.locator("article h3 a").first.click()
    transfer = page.locator("#transfer")
    expect(transfer).to_contain_text("Slough")
