"""Finding a model, naming its files, and knowing when it has changed."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from kb.errors import ModelError
from kb.model import (
    DEFAULT_NAME,
    DEFAULT_PACKAGE,
    DEFAULT_WEIGHTS_SHA256,
    EXPORT_VERSION,
    ModelCard,
    ModelFiles,
    file_hash,
    find_model,
    folder_name,
    weights_hash,
)

if TYPE_CHECKING:
    from pathlib import Path

CARD = ModelCard("name@0123", "/models/name", 16, 256, "query: ", "", "onnxruntime", 0.99999)


def test_no_name_is_the_default_model_with_the_weights_that_were_measured() -> None:
    name, folder = find_model("")
    assert name == DEFAULT_NAME
    assert folder is not None
    assert file_hash(folder / "model.safetensors") == DEFAULT_WEIGHTS_SHA256


def test_the_default_models_package_is_found_without_being_imported() -> None:
    find_model("")
    assert DEFAULT_PACKAGE not in sys.modules


def test_a_missing_package_is_named_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kb.model.DEFAULT_PACKAGE", "no_such_package")
    with pytest.raises(ModelError, match="the package no-such-package is not installed; run scripts/setup"):
        find_model("")


def test_a_model_is_a_folder_or_else_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my-model").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_model(str(tmp_path / "my-model")) == ("my-model", tmp_path / "my-model")
    assert find_model("~/my-model") == ("my-model", tmp_path / "my-model")
    assert find_model("makers/their-model") == ("makers/their-model", None)


# --- has it changed? -------------------------------------------------------------------------------------------------


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "1_Pooling" / "config.json").write_text("{}")
    (folder / "README.md").write_text("words")
    return folder


@pytest.mark.parametrize(
    ("name", "content"),
    [("model.safetensors", b"Weights"), ("1_Pooling/config.json", b"[]"), ("new.json", b""), ("vocab.txt", b"a")],
)
def test_the_hash_changes_with_whatever_can_change_the_vectors(model: Path, name: str, content: bytes) -> None:
    before = weights_hash(model)
    (model / name).write_bytes(content)
    assert weights_hash(model) != before


def test_the_hash_does_not_change_with_words_or_times(model: Path) -> None:
    before = weights_hash(model)
    (model / "README.md").write_text("other words")
    os.utime(model / "model.safetensors", (1, 1))
    assert weights_hash(model) == before


def test_a_setting_that_moves_to_another_file_changes_the_hash(model: Path) -> None:
    before = weights_hash(model)
    (model / "1_Pooling").rename(model / "2_Pooling")
    assert weights_hash(model) != before


def test_the_exports_folder_changes_with_the_sources_sizes_and_times(model: Path) -> None:
    names = {folder_name("model", model)}
    (model / "model.safetensors").write_bytes(b"more weights")
    names.add(folder_name("model", model))
    os.utime(model / "model.safetensors", (1, 1))
    names.add(folder_name("model", model))
    names.add(folder_name("another", model))
    assert len(names) == 4
    assert folder_name("model", model) == folder_name("model", model)


@pytest.mark.parametrize("label", ["makers/their model:v2", "../../etc/passwd", "é" * 200, "a\x00b", "."])
def test_the_exports_folder_is_one_safe_name(label: str) -> None:
    name = folder_name(label, None)
    assert not set(name) & set("/\\\x00: ")
    assert len(name) < 100
    assert name not in (".", "..")


# --- the card --------------------------------------------------------------------------------------------------------


def write_card(folder: Path, **changes: Any) -> ModelFiles:
    files = ModelFiles(folder)
    files.card.write_text(json.dumps({**asdict(CARD), "export_version": EXPORT_VERSION, **changes}), "utf-8")
    return files


def test_a_card_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert write_card(tmp_path).read_card() == CARD


def test_a_card_of_another_version_is_none(tmp_path: Path) -> None:
    assert write_card(tmp_path, export_version=EXPORT_VERSION + 1).read_card() is None
    assert write_card(tmp_path, colour="blue").read_card() is None


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[]", b'"text"', b"null", b"\xff\xfe"])
def test_what_is_no_card_is_none(tmp_path: Path, content: bytes) -> None:
    files = ModelFiles(tmp_path)
    assert files.read_card() is None
    files.card.write_bytes(content)
    assert files.read_card() is None
