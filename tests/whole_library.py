"""The repository's own library, indexed with the real model: what tests of relevance and of whole pages run on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from kb.corpus import find_files
from kb.knowledge import KnowledgeBase
from kb.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kb.encoder import Encoder

ROOT = Path(__file__).resolve().parent.parent
# A folder with `instance` and `index` of an earlier run: only what changed since is embedded again (a minute saved).
WARM = "KB_TEST_LIBRARY"


def settings_in(folder: Path) -> Settings:
    return Settings.from_environment(
        {
            "KB_CORPUS": str(ROOT / "corpus"),
            "KB_INSTANCE": str(folder / "instance"),
            "KB_INDEX": str(folder / "index"),
        }
    )


def indexed(folder: Path, encoder: Encoder, paths: Sequence[Path] = ()) -> KnowledgeBase:
    """A knowledge base over these records of the repository's corpus, or all of them, indexed with the real model."""
    if os.environ.get(WARM) and not paths:
        for part in ("instance", "index"):
            shutil.copytree(Path(os.environ[WARM]) / part, folder / part)
    knowledge = KnowledgeBase(settings_in(folder), encoder=encoder)
    _, faults = knowledge.load(paths, prune=not paths)
    assert not faults
    assert knowledge.build().records == (len(paths) or len(find_files([ROOT / "corpus"])))
    return knowledge
