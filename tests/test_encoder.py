"""Texts -> vectors: the same as sentence-transformers gives, for any text, without torch."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from made_up import DIMENSION, MadeUpEncoder, vector_of

from kb.encoder import OnnxEncoder, normalise, open_encoder
from kb.errors import ModelError
from kb.model import ModelFiles, find_model

if TYPE_CHECKING:
    from pathlib import Path

    from sentence_transformers import SentenceTransformer

    from kb.encoder import Encoder

# More than thirty texts, of the kinds that records, questions and mischief bring.
TEXTS = [
    "How did a council recover after its children's services were judged inadequate?",
    "what works?",
    "a",
    "",
    " ",
    ".",
    "section 114",
    "£38.1m",
    "2018/19",
    "The company reported a loss every year, and the council kept lending.",
    "- Green plan, unchanged audits.\n- Bad news waits for the quarter.",
    "Title of a record > What did not work\nThe board lacked people who knew the sector.",
    "Adroddiad er budd y cyhoedd: beth aeth o'i le?",
    "Beth sy'n gweithio i leihau digartrefedd yng Nghymru?",
    "Dè tha ag obair ann an Alba?",
    "Cad a oibríonn i dTuaisceart Éireann?",
    "خدمات الأطفال في المجلس",
    "שירותי ילדים",
    "子どもの福祉",
    "детские услуги",
    "😀 👩\u200d👧 🏴",
    "café, naïve, Môn, Zürich",
    "e\u0301 combining and é composed",
    "\u202eright to left\u202c",
    "NUL \x00 and bell \x07 inside",
    "tabs\tand\r\nnew lines\u2028everywhere",
    "UPPER and lower and MiXeD",
    "supercalifragilisticexpialidocious" * 5,
    "[CLS] what [SEP] is [MASK] this [PAD]",
    "SELECT * FROM records WHERE 1=1; --",
    "<script>alert('x')</script>",
    "one " * 300,
    "The council met in public and agreed what to stop. " * 60,
    "!" * 400,
    "no spaces" * 200,
    "\ufffd\ufeff\u200b",
    "lone \ud83d surrogate",
]


@pytest.fixture(scope="module")
def theirs() -> SentenceTransformer:
    """The default model as sentence-transformers runs it."""
    from sentence_transformers import SentenceTransformer

    _, folder = find_model("")
    return SentenceTransformer(str(folder), device="cpu")


def clean(texts: list[str]) -> list[str]:
    """What sentence-transformers can take: without lone surrogates."""
    return [text.encode("utf-8", "replace").decode("utf-8") for text in texts]


def encode(encoder: Encoder, texts: list[str], spans: Any = None) -> tuple[Any, list[Any]]:
    return encoder.encode_passages(texts, spans or [[] for _ in texts], lambda _: None)


# --- without a model -------------------------------------------------------------------------------------------------


def test_vectors_are_brought_to_length_one_and_nothing_stays_nothing() -> None:
    unit = normalise([[3.0, 4.0], [0.0, 0.0], [0.0, -2.0]])
    assert unit.tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0.0, 0.0], [0.0, -1.0]]
    assert unit.dtype == np.float32
    assert normalise(np.array([0.0, 5.0])).tolist() == [0.0, 1.0]


def test_a_model_that_was_not_exported_is_named_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no exported model; run `kb index`"):
        open_encoder(ModelFiles(tmp_path), 1)


def test_the_made_up_encoder_knows_words_and_nothing_else() -> None:
    encoder = MadeUpEncoder()
    assert np.allclose(encoder.encode_query("missed bins"), encoder.encode_query("BINS, missed!"))
    assert encoder.encode_query("missed bins") @ vector_of("the bins were missed") > 0.7
    assert not encoder.encode_query("?!").any()
    whole, parts = encode(encoder, ["one two", ""], [[(0, 3), (4, 7)], []])
    assert whole.shape == (2, DIMENSION)
    assert [part.shape for part in parts] == [(2, DIMENSION), (0, DIMENSION)]
    assert np.allclose(parts[0][1], vector_of("two"))
    assert encoder.count_tokens(["one, two.", ""]) == [4, 0]


# --- parity ----------------------------------------------------------------------------------------------------------


@pytest.mark.model
def test_questions_have_the_vectors_of_sentence_transformers(
    real_encoder: Encoder, theirs: SentenceTransformer
) -> None:
    ours = np.stack([real_encoder.encode_query(text) for text in TEXTS])
    wanted = normalise(theirs.encode(clean(TEXTS)))
    cosines = (ours * wanted).sum(axis=1)
    assert len(TEXTS) >= 30
    assert cosines.min() >= 0.9999, TEXTS[int(cosines.argmin())]


@pytest.mark.model
def test_passages_have_the_vectors_of_sentence_transformers(real_encoder: Encoder, theirs: SentenceTransformer) -> None:
    ours, _ = encode(real_encoder, TEXTS)
    wanted = normalise(theirs.encode(clean(TEXTS)))
    assert (ours * wanted).sum(axis=1).min() >= 0.9999


@pytest.mark.model
def test_a_text_has_the_same_vector_in_any_company(real_encoder: Encoder) -> None:
    together, _ = encode(real_encoder, TEXTS)
    backwards, _ = encode(real_encoder, TEXTS[::-1])
    alone = np.stack([encode(real_encoder, [text])[0][0] for text in TEXTS])
    assert (together * backwards[::-1]).sum(axis=1).min() >= 0.99999
    assert (together * alone).sum(axis=1).min() >= 0.99999


@pytest.mark.model
def test_vectors_are_of_length_one_and_of_the_cards_dimension(real_encoder: Encoder) -> None:
    whole, parts = encode(real_encoder, TEXTS, [[(0, len(text))] for text in TEXTS])
    assert whole.shape == (len(TEXTS), real_encoder.dimension) == (len(TEXTS), 384)
    assert whole.dtype == np.float32
    assert np.allclose(np.linalg.norm(whole, axis=1), 1, atol=1e-4)
    assert np.allclose(np.linalg.norm(np.concatenate(parts), axis=1), 1, atol=1e-4)


# --- sentences in their passage --------------------------------------------------------------------------------------

PASSAGE = "Green plan > Warning signs\nThe board met weekly. Audits had not changed. Nobody read a file."
SENTENCES = ["Green plan > Warning signs", "The board met weekly.", "Audits had not changed.", "Nobody read a file."]
SPANS = [(PASSAGE.index(sentence), PASSAGE.index(sentence) + len(sentence)) for sentence in SENTENCES]


@pytest.mark.model
def test_a_sentence_is_the_mean_of_its_word_pieces_in_the_passage(
    real_encoder: Encoder, theirs: SentenceTransformer
) -> None:
    _, (ours,) = encode(real_encoder, [PASSAGE], [SPANS])
    pieces = theirs.encode(PASSAGE, output_value="token_embeddings").numpy()
    offsets = theirs.tokenizer(PASSAGE, return_offsets_mapping=True)["offset_mapping"]
    for row, (start, end) in enumerate(SPANS):
        inside = [number for number, (first, last) in enumerate(offsets) if start <= first < last <= end]
        assert ours[row] @ normalise(pieces[inside].mean(axis=0)) >= 0.9999


@pytest.mark.model
def test_a_sentence_is_nearest_to_a_question_about_it(real_encoder: Encoder) -> None:
    _, (sentences,) = encode(real_encoder, [PASSAGE], [SPANS])
    question = real_encoder.encode_query("had the audits changed?")
    assert int((sentences @ question).argmax()) == SENTENCES.index("Audits had not changed.")


@pytest.mark.model
def test_a_sentence_that_the_model_did_not_read_has_its_passages_vector(real_encoder: Encoder) -> None:
    text = "word " * 400 + "The end."
    whole, (parts,) = encode(real_encoder, [text], [[(0, 4), (2_000, 2_008), (4, 5), (3, 3)]])
    assert np.allclose(parts[1], whole[0])
    assert np.allclose(parts[2], whole[0]), "a space has no word piece"
    assert np.allclose(parts[3], whole[0])
    assert not np.allclose(parts[0], whole[0])


@pytest.mark.model
def test_spans_are_counted_in_letters_whatever_bytes_they_take(real_encoder: Encoder) -> None:
    texts = ["😀 Café met. Audits stood.", "aa Cafe met. Audits stood."]
    start = texts[0].index("Audits")
    _, parts = encode(real_encoder, texts, [[(start, len(texts[0]))], [(texts[1].index("Audits"), len(texts[1]))]])
    assert parts[0][0] @ parts[1][0] > 0.8


@pytest.mark.model
def test_texts_without_spans_and_no_texts_at_all(real_encoder: Encoder) -> None:
    whole, parts = encode(real_encoder, ["one", "two"], [[], [(0, 3)]])
    assert whole.shape == (2, 384)
    assert [part.shape for part in parts] == [(0, 384), (1, 384)]
    none, no_parts = encode(real_encoder, [])
    assert none.shape == (0, 384)
    assert no_parts == []


@pytest.mark.model
def test_progress_adds_up_to_the_texts(real_encoder: Encoder) -> None:
    done: list[int] = []
    texts = [f"{'word ' * (number % 50)}{number}" for number in range(300)]
    real_encoder.encode_passages(texts, [[] for _ in texts], done.append)
    assert sum(done) == 300
    assert len(done) > 1


# --- any text --------------------------------------------------------------------------------------------------------


@pytest.mark.model
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(st.characters(), max_size=200), st.integers(0, 200), st.integers(0, 200))
@example("\ud800", 0, 1)
@example("x" * 20_000, 0, 20_000)
@example("\x00" * 300, 5, 9)
def test_any_text_has_a_vector(real_encoder: Encoder, text: str, start: int, end: int) -> None:
    question = real_encoder.encode_query(text)
    whole, (parts,) = encode(real_encoder, [text], [[(start, end)]])
    for vector in (question, whole[0], parts[0]):
        assert np.isfinite(vector).all()
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-3)
    assert question @ whole[0] >= 0.9999
    assert real_encoder.count_tokens([text])[0] >= 0


@pytest.mark.model
def test_word_pieces_are_counted_without_the_special_ones_and_without_end(
    real_encoder: Encoder, theirs: SentenceTransformer
) -> None:
    texts = [text for text in clean(TEXTS) if text]
    wanted = [len(theirs.tokenizer.tokenize(text)) for text in texts]
    assert real_encoder.count_tokens(texts) == wanted
    assert real_encoder.count_tokens(["word " * 1_000]) == [1_000]
    assert real_encoder.count_tokens([]) == []


@pytest.mark.model
def test_a_long_question_costs_no_more_than_the_model_reads(real_encoder: Encoder) -> None:
    long = "The council met in public. " * 10_000
    assert real_encoder.encode_query(long) @ real_encoder.encode_query(long[:5_000]) >= 0.9999


# --- running ---------------------------------------------------------------------------------------------------------


@pytest.mark.model
def test_several_threads_may_ask_at_once(real_encoder: Encoder) -> None:
    alone = [real_encoder.encode_query(text) for text in TEXTS]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            for ours, wanted in zip(pool.map(real_encoder.encode_query, TEXTS), alone, strict=True):
                assert np.array_equal(ours, wanted)


@pytest.mark.model
def test_asking_imports_no_torch(real_model: ModelFiles) -> None:
    script = """
import sys
from pathlib import Path
from kb.encoder import open_encoder
from kb.model import ModelFiles
encoder = open_encoder(ModelFiles(Path(sys.argv[1])), 1)
encoder.encode_query("what works?")
encoder.encode_passages(["a"], [[(0, 1)]], lambda _: None)
print([name for name in ("torch", "transformers", "sentence_transformers", "onnx") if name in sys.modules])
"""
    command = [sys.executable, "-c", script, str(real_model.folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.model
@pytest.mark.parametrize("part", ["graph", "tokenizer"])
def test_a_damaged_export_is_named_with_a_remedy(real_model: ModelFiles, tmp_path: Path, part: str) -> None:
    files = ModelFiles(tmp_path)
    for name in ("graph", "tokenizer", "card"):
        source, target = getattr(real_model, name), getattr(files, name)
        target.write_bytes(source.read_bytes()[:500]) if name == part else target.symlink_to(source)
    with pytest.raises(ModelError, match=r"the exported model cannot be read: .*; delete the folder"):
        open_encoder(files, 1)


@pytest.mark.model
def test_the_encoder_is_known_by_its_models_id(real_model: ModelFiles, real_encoder: Encoder) -> None:
    card = real_model.read_card()
    assert card is not None
    assert isinstance(real_encoder, OnnxEncoder)
    assert real_encoder.id == card.id
