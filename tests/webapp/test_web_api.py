"""The API over the made-up library: what it reads, what it answers, and how it says no."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any

import pytest

from kb.filters import FIELDS
from kb.pasted import TEXT_MAX_CHARACTERS

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from made_up_library import MadeUpLibrary
    from werkzeug.test import TestResponse

SEARCH = "/api/v1/search"
RECORDS = "/api/v1/records"
SIGNS = "/api/v1/signs"
NOTTINGHAM = "E06000018"


def problem_of(response: TestResponse, status: int, name: str) -> dict[str, Any]:
    """The problem detail of a response, which must have that status and be of that kind."""
    assert (response.status_code, response.mimetype) == (status, "application/problem+json")
    problem: dict[str, Any] = json.loads(response.data)
    assert problem["status"] == status
    assert problem["type"] == f"/api#problem-{name}"
    assert problem["title"]
    assert problem["detail"]
    return problem


# --- search -----------------------------------------------------------------------------------------------------------


def test_the_answer_is_the_librarys_json(client: FlaskClient, library: MadeUpLibrary) -> None:
    response = client.get(SEARCH, query_string={"q": "loans to a council company", "limit": "1", "outcome": "failed"})
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    question, filters, limit, balanced = library.asked[0]
    answer = json.loads(json.dumps(library.ask(question, filters, limit=limit).as_json()))
    assert response.json is not None
    assert {name: response.json[name] for name in answer} == answer
    assert (question, limit, balanced) == ("loans to a council company", 1, False)
    assert filters.values("outcome") == ("failed",)


def test_years_are_a_filter(client: FlaskClient, library: MadeUpLibrary) -> None:
    assert client.get(f"{SEARCH}?q=x&from=2015&to=2017&outcome=failed").status_code == 200
    assert library.asked[0][1].values("year") == ("2015", "2016", "2017")
    assert library.asked[0][1].values("outcome") == ("failed",)
    client.get(f"{SEARCH}?q=x&from=2099")
    assert library.asked[1][1].values("year") == ("2099", "2100")


def test_a_page_order_and_view_reach_the_library(client: FlaskClient, library: MadeUpLibrary) -> None:
    question = "quarterly board papers"
    assert client.get(SEARCH, query_string={"q": question, "sort": "newest", "view": "signs"}).status_code == 200
    assert library.ordered[-1] == (0, "newest", "signs")
    first = client.get(SEARCH, query_string={"q": question, "limit": "1"}).get_json()
    assert (first["page"], first["pages"], first["previous"]) == (1, first["total"], None)
    assert first["total"] > 1
    second = client.get(first["next"]).get_json()
    assert second["hits"][0]["rank"] == 2
    assert second["question"] == question
    assert client.get(second["previous"]).get_json()["hits"] == first["hits"]


def test_a_page_after_the_last_says_how_many_there_are(client: FlaskClient) -> None:
    for page in ("2", "10000"):
        problem = problem_of(client.get(f"{SEARCH}?q=loans+to+a+council+company&page={page}"), 404, "no-such-page")
        assert problem["pages"] == 1
        assert problem["total"] >= 1
    problem = problem_of(client.get(f"{RECORDS}?page=10000"), 404, "no-such-page")
    assert f"{problem['total']} entries on 1 page." in problem["detail"]


def test_filters_that_exclude_each_other_give_an_empty_page(client: FlaskClient) -> None:
    for path in (f"{SEARCH}?q=loans&kind=lesson&council_type=county", f"{RECORDS}?kind=lesson&council_type=county"):
        answer = client.get(path).get_json()
        assert (answer["total"], answer["page"], answer["pages"], answer["next"]) == (0, 1, 1, None)


def test_a_council_and_places_like_it(client: FlaskClient, library: MadeUpLibrary) -> None:
    assert client.get(f"{SEARCH}?q=x&council={NOTTINGHAM}&places=like").status_code == 200
    assert library.placed[-1] == (NOTTINGHAM, "like")
    problem = problem_of(client.get(f"{SEARCH}?q=x&places=first"), 400, "wrong-parameters")
    assert problem["errors"][0]["parameter"] == "places"
    assert problem_of(client.get(f"{SEARCH}?q=x&council=E99999999"), 404, "no-such-council")
    assert problem_of(client.get(f"{SEARCH}?q=x&council=Nottingham"), 400, "wrong-parameters")


@pytest.mark.parametrize(
    ("query", "parameter", "words"),
    [
        ("", "q", "q is missing"),
        ("q=x&limit=0", "limit", "1 to 100"),
        ("q=x&limit=101", "limit", "1 to 100"),
        ("q=x&limit=ten", "limit", "1 to 100"),
        ("q=x&limit=", "limit", "1 to 100"),
        ("q=x&limit=%C2%B2", "limit", "1 to 100"),
        ("q=x&limit=5&limit=6", "limit", "limit stands 2 times"),
        ("q=x&page=0", "page", "from 1"),
        ("q=x&page=-1", "page", "from 1"),
        ("q=x&page=" + "9" * 5000, "page", "from 1"),
        ("q=x&q=y", "q", "q stands 2 times"),
        ("q=x&outcom=failed", "outcom", "'outcom' is not a parameter"),
        ("q=x&outcome=good", "outcome", "outcome 'good' is not one of worked"),
        ("q=x&sort=best", "sort", "sort 'best' is not one of relevance"),
        ("q=x&view=all", "view", "view 'all' is not one of best"),
        ("q=x&from=soon", "from", "from 'soon' is not a whole number from 1900 to 2100"),
        ("q=x&to=1899", "to", "to '1899' is not"),
        ("q=x&from=%D9%A2%D9%A0%D9%A1%D9%A5", "from", "1900 to 2100"),
        ("q=x&from=2016&to=2015", "from", "from 2016 to 2015 runs backwards"),
        ("q=x&council=%00", "council", "does not look like E06000018"),
    ],
)
def test_a_wrong_parameter_is_named(client: FlaskClient, query: str, parameter: str, words: str) -> None:
    problem = problem_of(client.get(f"{SEARCH}?{query}"), 400, "wrong-parameters")
    assert words in problem["detail"]
    assert problem["errors"] == [{"parameter": parameter, "detail": problem["detail"]}]


def test_all_that_is_wrong_is_told_at_once(client: FlaskClient) -> None:
    problem = problem_of(client.get(f"{SEARCH}?limit=0&outcome=good&outcom=x&page=1"), 400, "wrong-parameters")
    assert {one["parameter"] for one in problem["errors"]} == {"q", "limit", "outcome", "outcom"}


@pytest.mark.parametrize("value", ["%ff%fe", "%c3", "%ed%a0%80", "\xff"])
def test_an_address_that_is_not_utf_8(client: FlaskClient, library: MadeUpLibrary, value: str) -> None:
    response = client.get("/", environ_overrides={"PATH_INFO": SEARCH, "QUERY_STRING": f"q=x{value}"})
    problem_of(response, 400, "unreadable")
    assert library.asked == []


def test_a_question_can_be_too_long(client: FlaskClient) -> None:
    problem = problem_of(client.get(f"{SEARCH}?q={'x' * 2001}"), 422, "too-long")
    assert "2,001 characters long; the most is 2,000" in problem["detail"]
    assert client.get(f"{SEARCH}?q={'x' * 2000}").status_code == 200


def test_thousands_of_wrong_values_take_no_longer_than_reading_them(client: FlaskClient) -> None:
    values = "&".join(f"outcome={number}" for number in range(15_000))
    names = "&".join(f"x{number}=" for number in range(15_000))
    started = time.process_time()
    for query in (values, names):
        assert len(client.get(f"{SEARCH}?q=x&{query}").data) < 20_000
    assert client.get(f"/search?q=x&{values}").status_code == 400
    assert time.process_time() - started < 2


# --- records ----------------------------------------------------------------------------------------------------------


def test_records_are_listed_and_lead_to_themselves(client: FlaskClient, library: MadeUpLibrary) -> None:
    answer = client.get(RECORDS).get_json()
    assert answer["total"] == len(library.records) == len(answer["records"])
    for entry in answer["records"]:
        whole = client.get(f"{RECORDS}/{entry['id']}").get_json()
        assert {name: whole.get(name) for name in entry} == entry
        assert client.get(entry["url"]).status_code == 200


def test_the_list_takes_the_filters_and_pages(client: FlaskClient) -> None:
    lessons = client.get(f"{RECORDS}?kind=lesson").get_json()
    assert {entry["kind"] for entry in lessons["records"]} == {"lesson"}
    first = client.get(f"{RECORDS}?limit=1").get_json()
    second = client.get(first["next"]).get_json()
    assert second["page"] == 2
    assert second["records"] != first["records"]
    problem = problem_of(client.get(f"{RECORDS}?q=loans"), 400, "wrong-parameters")
    assert "'q' is not a parameter; the parameters are page, limit" in problem["detail"]
    assert all(field in problem["detail"] for field in FIELDS)


def test_a_record_is_whole(client: FlaskClient, library: MadeUpLibrary) -> None:
    for record in library.records:
        whole = client.get(f"{RECORDS}/{record.id}").get_json()
        assert [section["text"] for section in whole["sections"]] == [section.text for section in record.sections]
        own = set(type(record).model_fields)
        assert own | {"place", "years", "url"} == set(whole)


def test_a_lesson_tells_no_day(client: FlaskClient, library: MadeUpLibrary) -> None:
    lesson = next(record for record in library.records if record.kind == "lesson")
    whole = client.get(f"{RECORDS}/{lesson.id}").get_json()
    assert whole["checked_on"] == lesson.checked_on[:4]
    assert whole["review_due"] == lesson.review_due[:4]
    assert not {"organisations", "sources", "region", "period", "outcome_as_at", "linked"} & set(whole)


def test_what_a_client_has_already_is_not_sent_again(client: FlaskClient) -> None:
    for path in (f"{RECORDS}/l-7q2m9x", RECORDS, "/api/v1/councils", "/api/v1/openapi.json"):
        first = client.get(path, headers={"Accept-Encoding": "gzip"})
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        assert client.get(path, headers={"If-None-Match": 'W/"another"'}).status_code == 200
    assert client.get(f"{RECORDS}/l-7q2m9x").headers["Cache-Control"] == "private, no-cache"
    assert client.get(f"{SEARCH}?q=x").headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("name", ["nope", "%00", "..%2F..%2Fetc", "%ff%fe", "l-7q2m9x%20", "a" * 5000])
def test_an_unknown_record(client: FlaskClient, name: str) -> None:
    response = client.get(f"{RECORDS}/{name}")
    assert (response.status_code, response.mimetype) == (404, "application/problem+json")


# --- councils ---------------------------------------------------------------------------------------------------------


def test_councils_are_listed(client: FlaskClient) -> None:
    answer = client.get("/api/v1/councils").get_json()
    assert answer["total"] == len(answer["councils"]) > 300
    assert {"gss": NOTTINGHAM, "name": "Nottingham City Council"}.items() <= next(
        one for one in answer["councils"] if one["short_name"] == "Nottingham"
    ).items()


def test_places_alike_say_in_what(client: FlaskClient) -> None:
    path = f"/api/v1/councils/{NOTTINGHAM}/similar"
    answer = client.get(f"{path}?limit=3&factor=population&factor=region").get_json()
    assert answer["council"]["gss"] == NOTTINGHAM
    assert answer["factors"] == ["population", "region"]
    scores = [one["score"] for one in answer["similar"]]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert [factor["code"] for factor in answer["similar"][0]["factors"]] == ["population", "region"]
    assert len(client.get(path).get_json()["similar"]) == 20


def test_an_unknown_council_or_factor(client: FlaskClient) -> None:
    for gss in ("E99999999", "Nottingham", "%00", "e06000018"):
        problem_of(client.get(f"/api/v1/councils/{gss}/similar"), 404, "no-such-council")
    problem = problem_of(client.get(f"/api/v1/councils/{NOTTINGHAM}/similar?factor=wealth"), 400, "wrong-parameters")
    assert "is not one of tier, population" in problem["detail"]


# --- signs ------------------------------------------------------------------------------------------------------------


def test_a_text_is_checked_as_itself_or_as_json(client: FlaskClient, library: MadeUpLibrary) -> None:
    text = "Papers come late \u2013 and nobody asks.\n\nThe loan is renewed."
    plain = client.post(SIGNS, data=text.encode(), content_type="text/plain; charset=UTF-8")
    as_json = client.post(SIGNS, json={"text": text})
    assert plain.status_code == as_json.status_code == 200
    assert plain.get_json() == as_json.get_json()
    assert library.checked == [text, text]
    assert plain.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "name"),
    [
        (b"text=late", "application/x-www-form-urlencoded", 415, "wrong-type"),
        (b"late", "", 415, "wrong-type"),
        (b"late", "text/plain; charset=utf-16", 415, "wrong-type"),
        (b"<p>late</p>", "text/html", 415, "wrong-type"),
        (b"late \xff\xfe papers", "text/plain", 400, "unreadable"),
        (b'{"text": "late \xff"}', "application/json", 400, "unreadable"),
        (b'{"text": "late', "application/json", 400, "unreadable"),
        (b"", "application/json", 400, "unreadable"),
        (b"[" * 100_000, "application/json", 400, "unreadable"),
        (b"9" * 10_000, "application/json", 400, "unreadable"),
        (b"", "text/plain", 422, "wrong-body"),
        (b'{"text": ""}', "application/json", 422, "wrong-body"),
        (b"null", "application/json", 422, "wrong-body"),
        (b'["late"]', "application/json", 422, "wrong-body"),
        (b'{"text": 7}', "application/json", 422, "wrong-body"),
        (b'{"text": "late", "more": 1}', "application/json", 422, "wrong-body"),
        (b"x" * 20_001, "text/plain", 422, "too-long"),
        (b'{"text": "' + b"x" * 20_001 + b'"}', "application/json", 422, "too-long"),
        (b"x" * 1_000_000, "text/plain", 413, "too-large"),
        (b'{"text": "' + b"x" * 1_000_000 + b'"}', "application/json", 413, "too-large"),
    ],
)
def test_a_wrong_text_is_refused(
    client: FlaskClient, library: MadeUpLibrary, body: bytes, content_type: str, status: int, name: str
) -> None:
    problem_of(client.post(SIGNS, data=body, content_type=content_type), status, name)
    assert library.checked == []


def test_the_longest_text_fits_however_it_is_written(client: FlaskClient, library: MadeUpLibrary) -> None:
    text = "\U0001f600" * TEXT_MAX_CHARACTERS
    assert client.post(SIGNS, data=text.encode(), content_type="text/plain").status_code == 200
    escaped = json.dumps({"text": text})
    assert client.post(SIGNS, data=escaped, content_type="application/json").status_code == 200
    assert library.checked == [text, text]


def test_half_a_surrogate_pair_goes_in_and_comes_out(client: FlaskClient) -> None:
    """JSON can write what UTF-8 cannot hold."""
    response = client.post(SIGNS, data=b'{"text": "late \\ud800 papers"}', content_type="application/json")
    assert response.status_code == 200
    response.data.decode("utf-8")


@pytest.mark.parametrize("failing", [False, True])
def test_nothing_of_a_text_is_logged(
    client: FlaskClient, library: MadeUpLibrary, caplog: pytest.LogCaptureFixture, failing: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    canary = "zanzibarmarmalade"
    if failing:
        library.failure = ValueError(f"cannot encode {canary}")
    for body, content_type in (
        (canary, "text/plain"),
        (f'{{"text": "{canary}"}}', "application/json"),
        (f'{{"text": "{canary}', "application/json"),
        (canary * 2000, "text/plain"),
    ):
        client.post(SIGNS, data=body, content_type=content_type)
    assert canary not in caplog.text
    assert ("POST /api/v1/signs failed" in caplog.text) is failing


# --- failures ---------------------------------------------------------------------------------------------------------


def test_other_failures_are_problems_too(client: FlaskClient, library: MadeUpLibrary) -> None:
    problem_of(client.get("/api/v1/nope"), 404, "no-such-address")
    problem_of(client.get("/api/"), 404, "no-such-address")
    refused = client.post(SEARCH)
    problem_of(refused, 405, "wrong-method")
    assert set(refused.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    library.failure = RuntimeError("secret words")
    failed = client.get(f"{SEARCH}?q=x")
    problem_of(failed, 500, "failed")
    assert "secret" not in failed.text


def test_a_problem_does_not_repeat_the_question(client: FlaskClient) -> None:
    problem = problem_of(client.get(f"{SEARCH}?q=zanzibarmarmalade&page=0"), 400, "wrong-parameters")
    assert problem["instance"] == SEARCH
    assert "zanzibar" not in json.dumps(problem)


def test_without_an_index(client_without_index: FlaskClient) -> None:
    response = client_without_index.get(f"{SEARCH}?q=x")
    assert "kb index" in problem_of(response, 503, "not-open")["detail"]
    assert int(response.headers["Retry-After"]) > 0


def test_the_api_reads_and_sets_no_cookie(client: FlaskClient, library: MadeUpLibrary) -> None:
    """A program's answer does not hang on which council a person once chose in the same browser."""
    client.set_cookie("council", NOTTINGHAM)
    response = client.get(f"{SEARCH}?q=x")
    assert library.placed[-1] == ("", "all")
    assert "Set-Cookie" not in response.headers
    assert "Cookie" not in response.headers.get("Vary", "")


def test_pages_of_other_sites_are_not_let_in(client: FlaskClient) -> None:
    """A library inside a council's network is not to be read through the browser of somebody who works there."""
    elsewhere = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "GET"}
    for response in (client.get(RECORDS, headers=elsewhere), client.options(RECORDS, headers=elsewhere)):
        assert not [name for name, _ in response.headers if name.lower().startswith("access-control-")]
        assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
