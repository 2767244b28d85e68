"""A gap is recorded by a click, and by nothing else; its words are in no address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kb.errors import StoreError
from webapp import create_app

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from kb.knowledge import KnowledgeBase

QUESTION = "Who has moved a museum's collection?"


@pytest.fixture
def gap_client(knowledge: KnowledgeBase) -> FlaskClient:
    return create_app({"KNOWLEDGE_BASE": knowledge, "QUESTION_MAX": 2000, "TESTING": True}).test_client()


def test_a_click_records_the_question(gap_client: FlaskClient, knowledge: KnowledgeBase) -> None:
    response = gap_client.post("/gaps", data={"q": QUESTION})
    assert response.status_code == 303
    assert response.headers["Location"] == "/gaps/recorded"
    assert response.headers["Cache-Control"] == "private, no-store"
    assert [(one.question, one.times) for one in knowledge.gaps()] == [(QUESTION, 1)]
    page = gap_client.get(response.headers["Location"])
    assert "Thank you: the gap is recorded" in page.text
    assert "museum" not in page.text
    assert "Set-Cookie" not in response.headers


def test_merely_asking_records_nothing(gap_client: FlaskClient, knowledge: KnowledgeBase) -> None:
    for path in ("/", f"/search?q={QUESTION}", f"/api/v1/search?q={QUESTION}", "/gaps/recorded"):
        assert gap_client.get(path).status_code == 200
    assert gap_client.get(f"/gaps?q={QUESTION}").status_code in (404, 405)
    assert knowledge.gaps() == ()


@pytest.mark.parametrize(
    ("question", "status", "told"),
    [
        ("", 422, "There is no question to record"),
        ("?!", 422, "There is no question to record"),
        ("x" * 2001, 422, "2,001 characters; the most that is recorded is 2,000"),
        ("x" * 60_000, 413, "far longer than a question"),
    ],
)
def test_what_is_no_question_is_refused_by_a_clear_page(
    gap_client: FlaskClient, knowledge: KnowledgeBase, question: str, status: int, told: str
) -> None:
    response = gap_client.post("/gaps", data={"q": question})
    assert response.status_code == status
    assert told in response.text
    assert knowledge.gaps() == ()


def test_bytes_that_are_no_text_are_refused(gap_client: FlaskClient, knowledge: KnowledgeBase) -> None:
    response = gap_client.post("/gaps", data=b"q=%ff", content_type="application/x-www-form-urlencoded")
    assert response.status_code == 400
    assert "belong to no character" in response.text
    assert knowledge.gaps() == ()


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}])
def test_a_form_of_another_site_records_nothing(
    gap_client: FlaskClient, knowledge: KnowledgeBase, headers: dict[str, str]
) -> None:
    assert gap_client.post("/gaps", data={"q": QUESTION}, headers=headers).status_code == 403
    assert knowledge.gaps() == ()


def test_a_store_that_cannot_be_written_is_told_without_its_folders(
    gap_client: FlaskClient, knowledge: KnowledgeBase, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: str) -> None:
        raise StoreError("/secret/kb.sqlite: has an older shape; run `kb load`")

    monkeypatch.setattr(knowledge, "record_gap", refuse)
    response = gap_client.post("/gaps", data={"q": QUESTION})
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "60"
    assert "/secret" not in response.text
    assert "kb load" in response.text
    assert "/secret/kb.sqlite" in caplog.text
    assert "museum" not in caplog.text
