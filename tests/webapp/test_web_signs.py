"""Check the signs, as a page: what it takes, what it refuses, what it shows, and that it keeps nothing."""

from __future__ import annotations

import contextlib
import logging
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kb.signs import CheckedParagraph, Match, Recovery, Sign, Signs, Told, Whose
from webapp.signs import excerpt, make_pairs, mark_yours

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from made_up_library import MadeUpLibrary

    from kb.knowledge import KnowledgeBase

CANARY = "zanzibarmarmalade"
SERVER = Path(__file__).parent / "serve_made_up.py"
FORM = "application/x-www-form-urlencoded"
WHOSE = Whose(
    *("nottingham-robin-hood-energy", "case", "An <energy> company", "Nottingham City Council", (2015, 2021)),
    *("failed", "2021-06", "auditor", "0", None),
)
WARNING = Told(
    "Warning signs", "warning", "warning-signs", "- Loans & more loans.\n- Nobody asks.", "- Loans & more loans."
)
THEN = Told("What happened", "result", "what-happened", "First. It closed [s1]. Then the sale.", "It closed [s1].")
WORKED = Told("What worked", "worked", "what-worked", "- A sale in time.", "- A sale in time.")
YOURS = "The company <asks> again. It wants a further loan in May."


def made_up_signs(*paragraphs: str) -> Signs:
    match = Match(1, "It wants a further loan in May.", ("loan",), 0.6, "strong")
    second = Match(1, "It wants a further loan in May.", (), 0.5, "fair")
    signs = (
        Sign(1, "Loans & more loans.", WARNING, WHOSE, THEN, (match,), "strong"),
        Sign(2, "Nobody asks.", WARNING, WHOSE, None, (second,), "fair"),
    )
    checked = [
        CheckedParagraph(number, text, (1, 2) if number == 1 else ()) for number, text in enumerate(paragraphs, 1)
    ]
    recovered = (Recovery(WHOSE, WORKED, 1),)
    return Signs(tuple(checked), signs, (), recovered, 1, "made-up", {"total": 1.0})


# --- the form ---------------------------------------------------------------------------------------------------------


def test_the_form_says_what_becomes_of_the_text(client: FlaskClient) -> None:
    response = client.get("/signs")
    assert response.status_code == 200
    assert "Nothing that you paste is stored or logged" in response.text
    assert '<form class="cf-signbox" action="/signs" method="post"' in response.text
    assert response.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("text", ["", " \r\n\t", "\x00", "---"])
def test_an_empty_text_is_asked_for(client: FlaskClient, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    library = client.application.config["KNOWLEDGE_BASE"]
    monkeypatch.setattr(library, "signs", lambda _: Signs((), (), (), (), 0, "", {}))
    response = client.post("/signs", data={"text": text})
    assert response.status_code == 422
    assert "There is no text to check" in response.text
    assert '<a href="#text">Paste a paragraph or more</a>' in response.text
    assert client.post("/signs").status_code == 422


def test_a_text_that_is_too_long_is_given_back(client: FlaskClient, library: MadeUpLibrary) -> None:
    text = "word " * 5000
    response = client.post("/signs", data={"text": text})
    assert response.status_code == 422
    assert "It has 25,000 characters, and 20,000 can be checked at once" in response.text
    assert '<a href="#text">Shorten your text to 20,000 characters or fewer</a>' in response.text
    assert text.strip() in response.text
    assert library.checked == []


@pytest.mark.parametrize("letter", ["x", "é", "\U0001f600"])
def test_the_longest_text_is_checked_in_any_script(client: FlaskClient, library: MadeUpLibrary, letter: str) -> None:
    assert client.post("/signs", data={"text": letter * 20_000}).status_code == 200
    assert library.checked == [letter * 20_000]


def test_line_breaks_count_once(client: FlaskClient, library: MadeUpLibrary) -> None:
    assert client.post("/signs", data={"text": "x\r\n" * 10_000}).status_code == 200
    assert library.checked == ["x\n" * 10_000]


def test_a_megabyte_is_refused_by_a_clear_page(client: FlaskClient, library: MadeUpLibrary) -> None:
    response = client.post("/signs", data={"text": "x" * 1_000_000})
    assert response.status_code == 413
    assert "Your text is far too long" in response.text
    assert '<a href="#text">Paste 20,000 characters or fewer</a>' in response.text
    assert library.checked == []


@pytest.mark.parametrize("body", [b"text=%ff%fe", b"text=caf\xe9", b"text=%ed%a0%80"])
def test_bytes_that_are_no_text_are_refused_by_a_clear_page(client: FlaskClient, body: bytes) -> None:
    response = client.post("/signs", data=body, content_type=FORM)
    assert response.status_code == 400
    assert "Your text could not be read" in response.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
    ],
)
def test_a_form_of_another_site_is_refused(
    client: FlaskClient, library: MadeUpLibrary, headers: dict[str, str]
) -> None:
    assert client.post("/signs", data={"text": "Something"}, headers=headers).status_code == 403
    assert library.checked == []


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}, {}])
def test_a_form_of_ours_is_taken(client: FlaskClient, headers: dict[str, str]) -> None:
    assert client.post("/signs", data={"text": "Something"}, headers=headers).status_code == 200


def test_other_addresses_still_take_little(client: FlaskClient) -> None:
    assert client.post("/council", data={"council": "x" * 100_000}).status_code == 413


# --- the answer -------------------------------------------------------------------------------------------------------


def test_nothing_found_is_no_all_clear(client: FlaskClient) -> None:
    page = client.post("/signs", data={"text": "One thing.\n\nAnother thing."}).text
    assert "No sign found in your 2 paragraphs" in page
    assert "Finding no sign is no proof that all is well" in page
    assert "Why this is no all-clear" in page


def test_your_words_stand_beside_theirs(
    client: FlaskClient, library: MadeUpLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "signs", lambda _: made_up_signs(YOURS, "All else.", "And more."))
    response = client.post("/signs", data={"text": "anything"})
    page = response.text
    assert response.headers["Cache-Control"] == "private, no-store"
    assert "1 sign found in 1 of your 3 paragraphs" in page
    assert "The company &lt;asks&gt; again. <mark>It wants a further <b>loan</b> in May.</mark>" in page
    assert "Loans &amp; more loans.</h2>" in page
    assert (
        '<a class="govuk-link" href="/records/nottingham-robin-hood-energy#warning-signs">An &lt;energy&gt; company</a>'
        in page
    )
    assert "What happened next there" in page
    assert "<mark>It closed" in page
    assert "as at June 2021" in page
    assert "1 more sign like your words" in page
    assert "Nobody asks.</span>" in page
    assert "1 weaker likeness is left out" in page
    assert page.index("Those that recovered, and how") < page.index("A sale in time.")
    assert "/records/nottingham-robin-hood-energy#what-worked" in page
    assert not re.search(r"\brisk score\b|\bfailing\b", page)


def test_a_paragraph_stands_under_its_nearest_sign_alone() -> None:
    answer = made_up_signs(YOURS, "Else.")
    (pair,) = make_pairs(answer)
    assert [one.number for one in pair.yours] == [1]
    assert [words for words, _ in pair.further] == ["Nobody asks."]


def only_near(*paragraphs: str) -> Signs:
    """Two signs near the first paragraph, the first of them near the third as well."""
    first = Match(1, "The company <asks> again.", (), 0.4, "near")
    second = Match(1, "It wants a further loan in May.", (), 0.4, "near")
    third = Match(3, paragraphs[2], (), 0.4, "near")
    near = (
        Sign(1, "Loans & more loans.", WARNING, WHOSE, THEN, (first, third), "near"),
        Sign(2, "Nobody asks.", WARNING, WHOSE, None, (second,), "near"),
    )
    checked = [CheckedParagraph(number, text, ()) for number, text in enumerate(paragraphs, 1)]
    return Signs(tuple(checked), (), near, (), 0, "made-up", {"total": 1.0})


def test_what_is_near_is_worth_comparing_and_no_sign(
    client: FlaskClient, library: MadeUpLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "signs", lambda _: only_near(YOURS, "All else.", "And more.", "And."))
    page = client.post("/signs", data={"text": "anything"}).text
    assert "Nothing matches closely; 2 of your 4 paragraphs are worth comparing</h1>" in page
    assert "<title>Nothing matches closely, 2 paragraphs worth comparing" in page
    assert "your text may say the opposite" in page
    assert "The company &lt;asks&gt; again. It wants a further loan in May.</p></blockquote>" in page
    assert 'href="/records/nottingham-robin-hood-energy#warning-signs">An &lt;energy&gt; company</a>' in page
    assert "as at June 2021" in page
    assert "also near your paragraph 3" in page
    assert "What happened next:</span> It closed.</p>" in page
    assert page.count("<b>Worth comparing</b>") == 2
    assert "How far to trust this" in page
    for nowhere in ("No sign found", "Why this is no all-clear", "cf-pair__theirs", "Sign found"):
        assert nowhere not in page


def test_one_paragraph_worth_comparing(
    client: FlaskClient, library: MadeUpLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = only_near(YOURS, "", "")
    one = replace(answer, paragraphs=answer.paragraphs[:1], near=answer.near[1:])
    monkeypatch.setattr(library, "signs", lambda _: one)
    page = client.post("/signs", data={"text": "anything"}).text
    assert "Nothing matches closely; your paragraph is worth comparing</h1>" in page


def test_what_is_near_comes_after_what_is_found(
    client: FlaskClient, library: MadeUpLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = made_up_signs(YOURS, "All else.")
    near = Sign(3, "Late accounts.", WARNING, WHOSE, None, (Match(2, "All else.", (), 0.4, "near"),), "near")
    monkeypatch.setattr(library, "signs", lambda _: replace(answer, near=(near,)))
    page = client.post("/signs", data={"text": "anything"}).text
    assert "1 sign found in 1 of your 2 paragraphs" in page
    assert '1 more of your paragraphs is <a class="govuk-link" href="#near">worth comparing</a>' in page
    assert page.index("Nobody asks.") < page.index("Late accounts.") < page.index("Those that recovered, and how")


def test_an_excerpt_has_its_sentences_once_and_in_their_order() -> None:
    text = "First this. Then that. Last of all."
    assert excerpt(text, ["Then that.", "First this.", "Then that."]) == "First this. Then that."
    assert excerpt(text, ["Last of all.", "First this."]) == "First this. … Last of all."


def test_marks_never_open_what_the_reader_wrote() -> None:
    html = mark_yours("<script>a</script> loan", Match(1, "loan", ("loan", "script"), 0.5, "fair"))
    assert html == "&lt;<b>script</b>&gt;a&lt;/<b>script</b>&gt; <mark><b>loan</b></mark>"


@pytest.mark.model
def test_the_whole_library_answers_a_report(whole_client: FlaskClient) -> None:
    text = (
        "On 31 October 61 children in need had no named social worker. The head of service advised that this was down "
        "to the usual delay after summer leavers."
    )
    page = whole_client.post("/signs", data={"text": text}).text
    assert "1 sign found in your paragraph" in page
    for address, anchor in set(re.findall(r'href="/records/([\w-]+)#([\w-]+)"', page)):
        assert f'id="{anchor}"' in whole_client.get(f"/records/{address}").text
    assert len(page) < 60_000


# --- nothing is kept --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failing", [False, True])
@pytest.mark.parametrize("text", [CANARY, CANARY * 2000, f"{CANARY} \x00 %s {{}}"])
def test_no_log_record_holds_the_text(
    client: FlaskClient, library: MadeUpLibrary, caplog: pytest.LogCaptureFixture, text: str, failing: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    if failing:
        library.failure = ValueError(f"cannot encode {CANARY}")
    client.post("/signs", data={"text": text})
    client.post("/signs", data=f"text={CANARY}%ff", content_type=FORM)
    client.post("/gaps", data={"q": text})
    assert CANARY not in caplog.text
    assert all(CANARY not in record.getMessage() + str(record.args) for record in caplog.records)


@pytest.mark.parametrize("failing", [[], ["--failing", f"could not check {CANARY}"]], ids=["well", "failing"])
def test_the_server_process_writes_nothing_of_a_text(failing: list[str]) -> None:
    """The server as it is run, its own log and waitress's at DEBUG."""
    process = subprocess.Popen(
        [sys.executable, "-X", "dev", SERVER, *failing], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    bodies = [
        urllib.parse.urlencode({"text": f"{CANARY} and the budget."}).encode(),
        urllib.parse.urlencode({"text": CANARY * 2000}).encode(),
        urllib.parse.urlencode({"text": CANARY * 60_000}).encode(),
        f"text={CANARY}%ff".encode(),
    ]
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        statuses = []
        for body in bodies:
            with contextlib.suppress(urllib.error.HTTPError):
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/signs", data=body, timeout=20) as response:
                        statuses.append(response.status)
                except urllib.error.HTTPError as error:
                    statuses.append(error.code)
                    error.close()
        assert statuses == [500 if failing else 200, 422, 413, 400]
    finally:
        process.terminate()
        out, err = process.communicate(timeout=20)
    assert CANARY not in out + err


@pytest.mark.model
def test_no_file_changes_by_a_check(whole_client: FlaskClient, whole_library: KnowledgeBase) -> None:
    folders = (whole_library.settings.instance, whole_library.settings.index)

    def state() -> dict[str, tuple[int, int]]:
        files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in files}

    before = state()
    assert whole_client.post("/signs", data={"text": f"{CANARY} and no plan for the budget."}).status_code == 200
    assert state() == before
