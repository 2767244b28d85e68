"""The app's one knowledge base, and how it comes to serve a newly published index generation."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final, cast

from flask import current_app

from kb.errors import KbError
from kb.knowledge import KnowledgeBase
from webapp import rendering

if TYPE_CHECKING:
    from flask import Flask

    from kb.settings import Settings

# A new generation is noticed within this time. Looking costs one small read, so no request but one a second pays it.
REFRESH_SECONDS: Final = 1.0


class Refresher:
    """Asks the knowledge base at most once a second whether there is a newer generation; any thread may call it."""

    def __init__(self, knowledge: KnowledgeBase) -> None:
        self._knowledge = knowledge
        self._lock = threading.Lock()
        self._due = time.monotonic() + REFRESH_SECONDS
        self._told = ""
        self._seen = ""

    def __call__(self) -> None:
        if time.monotonic() < self._due or not self._lock.acquire(blocking=False):
            return
        try:
            self._due = time.monotonic() + REFRESH_SECONDS
            self._knowledge.refresh()
            self._told = ""
            generation = self._knowledge.health().generation
            if generation != self._seen:  # what is withdrawn is to be gone from here too
                rendering.forget()
                self._seen = generation
        except (KbError, OSError) as error:
            # The generation that is open goes on answering; one that is not there is met, and told, by the page itself.
            if str(error) != self._told:  # once, and not once a second
                self._told = str(error)
                current_app.logger.warning("The library could not be refreshed: %s", error)
        finally:
            self._lock.release()


def init_app(app: Flask, settings: Settings | None) -> None:
    """Opens the knowledge base unless the configuration has one."""
    if "KNOWLEDGE_BASE" not in app.config:
        assert settings is not None  # noqa: S101  create_app reads the settings when there is no knowledge base
        app.config["KNOWLEDGE_BASE"] = KnowledgeBase.open(settings)
    refresher = Refresher(app.config["KNOWLEDGE_BASE"])
    app.before_request(refresher)


def knowledge() -> KnowledgeBase:
    """The knowledge base that the current request is answered from."""
    return cast("KnowledgeBase", current_app.config["KNOWLEDGE_BASE"])
