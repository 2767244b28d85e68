from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from made_up_library import MadeUpLibrary

# The folder tests/ is on the path, and holds this folder `webapp`: without the root, Python takes it for the package.
sys.path.append(str(Path(__file__).parents[2]))

from webapp import create_app

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from kb.knowledge import KnowledgeBase


@pytest.fixture
def library() -> MadeUpLibrary:
    return MadeUpLibrary()


@pytest.fixture
def app(library: MadeUpLibrary) -> Flask:
    return create_app({"KNOWLEDGE_BASE": library, "QUESTION_MAX": 2000, "TESTING": True})


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def client_without_index() -> FlaskClient:
    app = create_app({"KNOWLEDGE_BASE": MadeUpLibrary(without_index=True), "QUESTION_MAX": 2000, "TESTING": True})
    return app.test_client()


@pytest.fixture
def whole_client(whole_library: KnowledgeBase) -> FlaskClient:
    """The app over the repository's whole library and the real model; tests that ask for it are marked `model`."""
    app = create_app({"KNOWLEDGE_BASE": whole_library, "QUESTION_MAX": 2000, "TESTING": True})
    return app.test_client()
