"""A new generation is published while people ask: no request fails, and the next question is answered from it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from made_up_library import RECORDS

from kb.knowledge import KnowledgeBase
from kb.settings import Settings
from kb.store import RecordStore
from webapp import create_app
from webapp.rendering import block_html

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from flask import Flask
    from flask.testing import FlaskClient

    from kb.encoder import Encoder

PATHS = (
    *("/", "/search?q=loans+to+a+company", "/search?q=loans+to+a+company&view=signs", "/search.atom?q=improvement"),
    *("/records/l-7q2m9x", "/browse", "/browse.atom?kind=lesson", "/compare", "/healthz"),
    *("/api/v1/search?q=improvement+plan&sort=newest", "/api/v1/records?kind=lesson", "/api/v1/records/l-7q2m9x"),
)
SIGNS = "The board was told that all was well. Nobody asked to see the loans."
GENERATIONS = 4
# Opening a generation takes a moment where four threads ask without a pause and the machine is busy besides.
SERVED_WITHIN_SECONDS = 20.0
CASE = "nottingham-robin-hood-energy"
LESSON = "l-7q2m9x"


def publish(settings: Settings, encoder: Encoder, kind: str, record: str, markdown: str) -> str:
    """Loads a record, and builds and publishes a generation; gives back its name."""
    with RecordStore(settings.instance / "kb.sqlite", migrate=True) as store:
        store.load({record: (kind, markdown)})
    with KnowledgeBase(settings, encoder=encoder) as builder:
        return builder.build().generation


def ask_until(app: Flask, over: threading.Event, statuses: list[int]) -> None:
    client = app.test_client()
    while not over.is_set():
        statuses.extend(client.get(path).status_code for path in PATHS)
        statuses.append(client.post("/api/v1/signs", data=SIGNS, content_type="text/plain").status_code)


def served_within(client: FlaskClient, generation: str, seconds: float) -> bool:
    """Whether the app comes to serve this generation in that time."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        health = client.get("/healthz").json
        if health is not None and health["generation"] == generation:
            return True
        time.sleep(0.01)
    return False


def test_publishing_while_serving(tmp_path: Path, made_up_encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.library.REFRESH_SECONDS", 0.02)
    settings = replace(Settings.from_environment({}), instance=tmp_path / "instance", index=tmp_path / "index")
    settings.instance.mkdir()
    publish(settings, made_up_encoder, "lesson", LESSON, (RECORDS / f"{LESSON}.md").read_text("utf-8"))
    with KnowledgeBase(settings, encoder=made_up_encoder) as knowledge:
        app = create_app({"KNOWLEDGE_BASE": knowledge, "QUESTION_MAX": 2000})
        client = app.test_client()
        assert client.get(f"/records/{CASE}").status_code == 404
        statuses: list[int] = []
        over = threading.Event()
        threads = [threading.Thread(target=ask_until, args=(app, over, statuses)) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for number in range(GENERATIONS):
                changed = (RECORDS / f"{CASE}.md").read_text("utf-8")
                changed = changed.replace("A city's own", f"A city's own ({number})")
                generation = publish(settings, made_up_encoder, "case", CASE, changed)
                assert served_within(client, generation, SERVED_WITHIN_SECONDS)
                assert f"A city&#39;s own ({number})" in client.get(f"/records/{CASE}").text
        finally:
            over.set()
            for thread in threads:
                thread.join(30)
    assert len(statuses) > 50
    assert set(statuses) == {200}


def test_what_was_rendered_is_let_go_with_its_generation(
    tmp_path: Path, made_up_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.library.REFRESH_SECONDS", 0.0)
    settings = replace(Settings.from_environment({}), instance=tmp_path / "instance", index=tmp_path / "index")
    settings.instance.mkdir()
    text = (RECORDS / f"{LESSON}.md").read_text("utf-8")
    publish(settings, made_up_encoder, "lesson", LESSON, text)
    with KnowledgeBase(settings, encoder=made_up_encoder) as knowledge:
        client = create_app({"KNOWLEDGE_BASE": knowledge, "QUESTION_MAX": 2000}).test_client()
        assert client.get(f"/records/{LESSON}").status_code == 200
        assert block_html.cache_info().currsize
        publish(settings, made_up_encoder, "case", CASE, (RECORDS / f"{CASE}.md").read_text("utf-8"))
        client.get("/about")
        assert not block_html.cache_info().currsize
