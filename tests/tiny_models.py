"""Models of other kinds than the default one, randomly initialised and tiny, for tests of what `KB_MODEL` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from sentence_transformers import SentenceTransformer

WIDTH = 32
MAX_TOKENS = 48
_LETTERS = [chr(code) for code in range(33, 127)]


def save_tiny_model(folder: Path, *, pooling: str = "cls", include_prompt: bool = True, dense: bool = False,
                    prompts: dict[str, str] | None = None, seed: int = 7) -> Path:  # fmt: skip
    """Saves a BERT of two layers that reads letter by letter, as a sentence-transformers model; gives its folder."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import modules
    from transformers import BertConfig, BertModel

    torch.manual_seed(seed)
    tokenizer = _tokenizer()
    bert = BertModel(
        BertConfig(
            vocab_size=len(tokenizer), hidden_size=WIDTH, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=2 * WIDTH, max_position_embeddings=2 * MAX_TOKENS, initializer_range=0.5,
        )
    )  # fmt: skip
    bert.save_pretrained(folder / "bert")
    tokenizer.save_pretrained(folder / "bert")
    parts: list[Any] = [
        modules.Transformer(str(folder / "bert"), max_seq_length=MAX_TOKENS),
        modules.Pooling(WIDTH, pooling_mode=pooling, include_prompt=include_prompt),
    ]
    if dense:
        parts += [modules.Dense(WIDTH, 20), modules.Normalize()]
    SentenceTransformer(modules=parts, prompts=prompts, device="cpu").save(str(folder / "model"))
    return folder / "model"


def load(folder: Path) -> SentenceTransformer:
    """The model as its makers meant it."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu")


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = {word: number for number, word in enumerate([*special, *_LETTERS, *(f"##{one}" for one in _LETTERS)])}
    letters = Tokenizer(models.WordPiece(words, unk_token="[UNK]", max_input_chars_per_word=200))
    letters.normalizer = normalizers.BertNormalizer(lowercase=False)
    letters.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [("[CLS]", words["[CLS]"]), ("[SEP]", words["[SEP]"])]
    letters.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=letters, unk_token="[UNK]", sep_token="[SEP]", pad_token="[PAD]", cls_token="[CLS]",
        mask_token="[MASK]", model_max_length=MAX_TOKENS,
    )  # fmt: skip
