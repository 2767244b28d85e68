from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from made_up_library import MadeUpLibrary

SEARCH = "/api/v1/search"


def test_the_answer_is_the_librarys_json(client: FlaskClient, library: MadeUpLibrary) -> None:
    response = client.get(SEARCH, query_string={"q": "loans to a council company", "limit": "1", "outcome": "failed"})
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    question, filters, limit, balanced = library.asked[0]
    assert response.json == json.loads(json.dumps(library.ask(question, filters, limit=limit).as_json()))
    assert (question, limit, balanced) == ("loans to a council company", 1, False)
    assert filters.values("outcome") == ("failed",)
    assert response.json is not None
    assert {
        "rank",
        "record",
        "kind",
        "title",
        "outcome",
        "section",
        "stance",
        "text",
        "highlight",
        "band",
        "url",
    } <= set(response.json["hits"][0])


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("", 400, "q, the question, is missing"),
        ("q=x&limit=0", 400, "1 to 100"),
        ("q=x&limit=101", 400, "1 to 100"),
        ("q=x&limit=ten", 400, "1 to 100"),
        ("q=x&limit=%C2%B2", 400, "1 to 100"),
        ("q=x&outcom=failed", 400, "'outcom' is not a parameter"),
        ("q=x&outcome=good", 400, "outcome 'good' is not one of worked"),
        ("q=x&from=soon", 400, "from 'soon' is not a year between 1900 and 2100"),
        ("q=x&to=1899", 400, "to '1899' is not a year"),
        ("q=x&from=%D9%A2%D9%A0%D9%A1%D9%A5", 400, "is not a year"),
        ("q=x&from=2016&to=2015", 400, "from '2016' to '2015' runs backwards"),
        ("q=" + "x" * 2001, 422, "2,001 characters"),
    ],
)
def test_a_problem_is_named(client: FlaskClient, query: str, status: int, words: str) -> None:
    response = client.get(f"{SEARCH}?{query}")
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    problem = response.get_json(force=True)
    assert problem["status"] == status
    assert problem["title"]
    assert words in problem["detail"]


def test_years_are_a_filter(client: FlaskClient, library: MadeUpLibrary) -> None:
    assert client.get(f"{SEARCH}?q=x&from=2015&to=2017&outcome=failed").status_code == 200
    assert library.asked[0][1].values("year") == ("2015", "2016", "2017")
    assert library.asked[0][1].values("outcome") == ("failed",)
    client.get(f"{SEARCH}?q=x&from=2099&to=")
    assert library.asked[1][1].values("year") == ("2099", "2100")


def test_thousands_of_wrong_values_take_no_longer_than_reading_them(client: FlaskClient) -> None:
    query = "&".join(f"outcome={number}" for number in range(15_000))
    started = time.process_time()
    assert client.get(f"{SEARCH}?q=x&{query}").status_code == 400
    assert client.get(f"/search?q=x&{query}").status_code == 400
    assert time.process_time() - started < 2


def test_other_failures_are_problems_too(client: FlaskClient, library: MadeUpLibrary) -> None:
    missing = client.get("/api/v1/nope")
    assert (missing.status_code, missing.mimetype) == (404, "application/problem+json")
    refused = client.post(SEARCH)
    assert (refused.status_code, refused.mimetype) == (405, "application/problem+json")
    assert set(refused.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    library.failure = RuntimeError("secret words")
    failed = client.get(f"{SEARCH}?q=x")
    assert (failed.status_code, failed.mimetype) == (500, "application/problem+json")
    assert "secret" not in failed.text


def test_without_an_index(client_without_index: FlaskClient) -> None:
    response = client_without_index.get(f"{SEARCH}?q=x")
    assert (response.status_code, response.mimetype) == (503, "application/problem+json")
    assert "kb index" in response.get_json(force=True)["detail"]
