"""What the tests of kb/ share: the made-up encoder, a library in a folder of its own, and the real model, once."""

from __future__ import annotations

import kb  # noqa: F401  before numpy, as in the program: it says on how many threads that multiplies

# isort: split
import os
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from made_up import MadeUpEncoder, make_library, write_corpus
from whole_library import indexed

from kb.corpus import council_names
from kb.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kb.councils import CouncilNames
    from kb.encoder import Encoder
    from kb.knowledge import KnowledgeBase
    from kb.model import ModelFiles

ROOT = Path(__file__).resolve().parent.parent

# An example that has to wait its turn on a busy machine is not slow; pytest's own time limit ends what hangs.
hypothesis.settings.register_profile("busy", hypothesis.settings.default, deadline=None)
hypothesis.settings.load_profile("busy")

# No test asks a hub for a model: what it needs is installed, or is made in the test.
os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture
def made_up_encoder() -> MadeUpEncoder:
    return MadeUpEncoder()


@pytest.fixture
def made_up_corpus(tmp_path: Path) -> Path:
    """A corpus folder of the six made-up records, without a council table."""
    return write_corpus(tmp_path / "corpus", make_library())


@pytest.fixture
def kb_settings(tmp_path: Path, made_up_corpus: Path) -> Settings:
    """Settings whose every folder is the test's own; only the corpus is there already."""
    return Settings.from_environment(
        {
            "KB_CORPUS": str(made_up_corpus),
            "KB_INSTANCE": str(tmp_path / "instance"),
            "KB_INDEX": str(tmp_path / "index"),
            "KB_THREADS": "1",
        }
    )


@pytest.fixture
def knowledge(kb_settings: Settings, made_up_encoder: MadeUpEncoder) -> Iterator[KnowledgeBase]:
    """A knowledge base over the six made-up records, loaded and indexed with the made-up encoder."""
    from kb.corpus import read_corpus
    from kb.knowledge import KnowledgeBase
    from kb.store import RecordStore

    with KnowledgeBase(kb_settings, encoder=made_up_encoder) as opened:
        files = read_corpus([kb_settings.corpus], None).files
        with RecordStore(opened.store_path, migrate=True) as store:
            store.load({file.record.id: (file.record.kind, file.markdown) for file in files}, whole=True)
        opened.build()
        yield opened


@pytest.fixture(scope="session")
def uk_council_names() -> CouncilNames:
    """The names of all UK councils, from the repository's own table."""
    names = council_names(ROOT / "corpus")
    assert names is not None
    return names


@pytest.fixture(scope="session")
def real_model(tmp_path_factory: pytest.TempPathFactory) -> ModelFiles:
    """The default model, exported once a session. Only tests that are marked `model` may ask for it."""
    from kb.export import ensure_export

    return ensure_export("", tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def real_encoder(real_model: ModelFiles) -> Encoder:
    from kb.encoder import open_encoder

    return open_encoder(real_model, 2)


@pytest.fixture(scope="session")
def library_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the whole library's instance and index lie; `whole_library` fills it."""
    return tmp_path_factory.mktemp("library")


@pytest.fixture(scope="session")
def whole_library(library_folder: Path, real_encoder: Encoder) -> Iterator[KnowledgeBase]:
    """The whole library with the real model, built once a session (a minute). Only tests marked `model` may ask."""
    with indexed(library_folder, real_encoder) as knowledge:
        yield knowledge
