"""Texts -> vectors, on onnxruntime and tokenizers, without torch.

A passage is embedded once. The vectors of its sentences are the means of their word pieces' vectors from that same
pass, so that a sentence is understood in its passage and costs nothing more ("late chunking", Guenther et al., 2024,
arXiv 2409.04701).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from kb.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt
    from sentence_transformers import SentenceTransformer
    from tokenizers import Encoding

    from kb.model import ModelCard, ModelFiles

    Vectors = npt.NDArray[np.float32]

# Word pieces of one batch, padding included: large enough to keep two cores busy, small enough for their caches
# (measured: 2,048 to 4,096 embed fastest; see docs/performance.md).
BATCH_TOKENS: Final = 4096
# A question of more characters than this holds no more word pieces that the model would read.
_MOST_CHARACTERS_PER_TOKEN: Final = 20


class Encoder(Protocol):
    """Anything that turns texts into normalised vectors of `dimension` numbers."""

    @property
    def id(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def encode_query(self, question: str) -> Vectors:
        """One vector, shape (dimension,)."""

    def encode_passages(
        self, texts: Sequence[str], spans: Sequence[Sequence[tuple[int, int]]], progress: Callable[[int], None]
    ) -> tuple[Vectors, list[Vectors]]:
        """The vectors of the texts, shape (texts, dimension), and for each text those of its spans (character offsets).

        `progress` is called with the number of texts done since the last call.
        """

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The word pieces of each text, without the special ones."""


def normalise(vectors: Any) -> Vectors:
    """The same vectors at length 1; a zero vector stays zero."""
    array = np.asarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(array, axis=-1, keepdims=True)
    unit: Vectors = np.divide(array, lengths, out=np.zeros_like(array), where=lengths > 0)
    return unit


class OnnxEncoder:
    """An exported model on onnxruntime. Safe to use from several threads at once."""

    def __init__(self, files: ModelFiles, *, max_tokens: int, threads: int, card: ModelCard | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Threads that spin while they wait take the processor from the requests that others are working on.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(files.graph), options, providers=["CPUExecutionProvider"])
            self._tokenizer = Tokenizer.from_file(str(files.tokenizer))
            self._counter = Tokenizer.from_file(str(files.tokenizer))
        except Exception as error:
            raise ModelError(
                f"{files.folder}: the exported model cannot be read: {error}; delete the folder"
            ) from error
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens)
        self._counter.no_padding()
        self._counter.no_truncation()
        self._inputs = tuple(entry.name for entry in self._session.get_inputs())
        self._most_characters = max_tokens * _MOST_CHARACTERS_PER_TOKEN
        self._card = card

    @property
    def id(self) -> str:
        return self._card.id if self._card else ""

    @property
    def dimension(self) -> int:
        return self._card.dimension if self._card else int(self._session.get_outputs()[0].shape[-1])

    def encode_query(self, question: str) -> Vectors:
        prompt = self._card.query_prompt if self._card else ""
        encoding = self._tokenizer.encode(_encodable(prompt + question[: self._most_characters]))
        vector: Vectors = normalise(self._run([encoding], ["embedding"])[0][0])
        return vector

    def encode_passages(
        self, texts: Sequence[str], spans: Sequence[Sequence[tuple[int, int]]], progress: Callable[[int], None]
    ) -> tuple[Vectors, list[Vectors]]:
        prompt = self._card.document_prompt if self._card else ""
        encodings = self._tokenizer.encode_batch([_encodable(prompt + text) for text in texts])
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        of_spans: list[Vectors] = [np.zeros((0, self.dimension), dtype=np.float32)] * len(texts)
        for batch in _batches(encodings):
            wanted = ["embedding", "token_embeddings"] if any(spans[index] for index in batch) else ["embedding"]
            embedded, *pieces = self._run([encodings[index] for index in batch], wanted)
            vectors[batch] = normalise(embedded)
            for row, index in enumerate(batch) if pieces else ():
                shifted = [(start + len(prompt), end + len(prompt)) for start, end in spans[index]]
                of_spans[index] = _span_vectors(encodings[index], pieces[0][row], shifted, vectors[index])
            progress(len(batch))
        return vectors, of_spans

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        encodings = self._counter.encode_batch_fast([_encodable(text) for text in texts], add_special_tokens=False)
        return [len(encoding.ids) for encoding in encodings]

    def _run(self, encodings: Sequence[Encoding], outputs: list[str]) -> list[Any]:
        longest = max(len(encoding.ids) for encoding in encodings)
        feed = {name: np.zeros((len(encodings), longest), dtype=np.int64) for name in self._inputs}
        for row, encoding in enumerate(encodings):
            length = len(encoding.ids)
            for name, values in (("input_ids", encoding.ids), ("token_type_ids", encoding.type_ids)):
                if name in feed:
                    feed[name][row, :length] = values
            if "attention_mask" in feed:
                feed["attention_mask"][row, :length] = 1
        found: list[Any] = self._session.run(outputs, feed)
        return found


def _encodable(text: str) -> str:
    """The text without lone surrogates, which the tokenizer cannot take."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _batches(encodings: Sequence[Encoding]) -> Iterator[list[int]]:
    """Indices of texts of like length, so that little is spent on padding."""
    order = sorted(range(len(encodings)), key=lambda index: -len(encodings[index].ids))
    begin = 0
    while begin < len(order):
        longest = max(1, len(encodings[order[begin]].ids))
        end = begin + max(1, BATCH_TOKENS // longest)
        yield order[begin:end]
        begin = end


def _span_vectors(encoding: Encoding, pieces: Vectors, spans: Sequence[tuple[int, int]], whole: Vectors) -> Vectors:
    """The mean vector of the word pieces inside each span; a span that the model did not read has the whole's."""
    offsets = np.asarray(encoding.offsets, dtype=np.int32).reshape(-1, 2)
    real = np.asarray(encoding.special_tokens_mask) == 0
    sums = np.empty((len(spans), whole.shape[0]), dtype=np.float32)
    for row, (start, end) in enumerate(spans):
        inside = real & (offsets[:, 0] >= start) & (offsets[:, 1] <= end)
        sums[row] = pieces[: len(inside)][inside].mean(axis=0) if inside.any() else whole
    return normalise(sums)


class SentenceTransformersEncoder:
    """A model that would not export, on sentence-transformers; spans are embedded as texts of their own."""

    def __init__(self, card: ModelCard) -> None:
        self._card = card
        self._model = load_sentence_transformer(card.name)

    @property
    def id(self) -> str:
        return self._card.id

    @property
    def dimension(self) -> int:
        return self._card.dimension

    def encode_query(self, question: str) -> Vectors:
        vector: Vectors = normalise(self._model.encode_query(_encodable(question), show_progress_bar=False))
        return vector

    def encode_passages(
        self, texts: Sequence[str], spans: Sequence[Sequence[tuple[int, int]]], progress: Callable[[int], None]
    ) -> tuple[Vectors, list[Vectors]]:
        pieces = [_encodable(text[start:end]) for text, inner in zip(texts, spans, strict=True) for start, end in inner]
        whole = self._embed([_encodable(text) for text in texts])
        progress(len(texts))
        ends = np.cumsum([len(inner) for inner in spans], dtype=np.intp)[:-1]
        return whole, list(np.split(self._embed(pieces), ends))

    def _embed(self, texts: list[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        vectors: Vectors = normalise(self._model.encode_document(texts, show_progress_bar=False))
        return vectors

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        tokenizer: Any = self._model.tokenizer
        ids = tokenizer([_encodable(text) for text in texts], add_special_tokens=False, truncation=False)["input_ids"]
        return [len(one) for one in ids]


def load_sentence_transformer(name: str) -> SentenceTransformer:
    """The model as sentence-transformers loads it, never asking a hub. Raises ModelError when it cannot."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415  torch takes seconds to import
        from transformers.utils import logging as transformers_logging  # noqa: PLC0415  likewise

        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        return SentenceTransformer(name, device="cpu")
    except Exception as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"the model {name!r} cannot be loaded: {why}; KB_MODEL takes the folder of a sentence-transformers model, "
            "or a name that is in the local cache (no hub is asked)"
        ) from error


def open_encoder(files: ModelFiles, threads: int) -> Encoder:
    """The encoder of an exported model. Raises ModelError when there is none, or it cannot be run."""
    card = files.read_card()
    if card is None:
        raise ModelError(f"{files.folder}: no exported model; run `kb index`")
    if card.runtime != "onnxruntime":
        return SentenceTransformersEncoder(card)
    return OnnxEncoder(files, max_tokens=card.max_tokens, threads=threads, card=card)
