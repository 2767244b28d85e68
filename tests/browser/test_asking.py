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
