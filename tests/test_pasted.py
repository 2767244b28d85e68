"""What is pasted from Word, from a PDF or from a spreadsheet, as paragraphs: nothing lost, nothing too long to read."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.errors import TextRefused
from kb.pasted import (
    PARAGRAPH_MAX_CHARACTERS,
    PARAGRAPHS_MAX,
    TEXT_MAX_CHARACTERS,
    decode_text,
    sentence_spans,
    split_paragraphs,
)

LONG = "The savings plan was agreed by the committee in March, and the report sets out how it has gone since then."


def test_blank_lines_part_paragraphs() -> None:
    assert split_paragraphs(f"{LONG}\n\n{LONG} Again.\r\n\r\n  {LONG}") == [LONG, f"{LONG} Again.", LONG]


def test_lines_cut_hard_are_put_together() -> None:
    cut = LONG.replace(", ", ",\n")
    assert split_paragraphs(cut) == [LONG]


def test_long_lines_of_a_block_are_paragraphs_of_their_own() -> None:
    first, second = (f"{LONG} " * 4).strip(), (f"{LONG} " * 5).strip()
    assert split_paragraphs(f"{first}\n{second}") == [first, second]


@pytest.mark.parametrize("mark", ["- ", "* ", "\u2022 ", "1. ", "(a) ", "4.12 "])
def test_the_items_of_a_list_are_paragraphs_of_their_own(mark: str) -> None:
    assert len(split_paragraphs(f"{mark}{LONG}\n{mark}{LONG}")) == 2


@pytest.mark.parametrize("row", [f"R1\tHousing\t{LONG}\tGreen", f"| R1 | Housing | {LONG} | Green |"])
def test_rows_of_a_table_are_paragraphs_of_their_own(row: str) -> None:
    wanted = f"R1 \u00b7 Housing \u00b7 {LONG} \u00b7 Green"
    assert split_paragraphs(f"{row}\n|---|---|---|---|\n{row}") == [wanted, wanted]


def test_a_heading_goes_with_what_it_stands_over() -> None:
    assert split_paragraphs(f"Risks\n\n{LONG}\n\nEnd") == [f"Risks \u00b7 {LONG} End"]


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    parts = split_paragraphs(f"{LONG} " * 30)
    assert len(parts) > 3
    assert all(part.endswith(".") and len(part) <= PARAGRAPH_MAX_CHARACTERS for part in parts)


def test_thousands_of_short_lines_make_few_paragraphs() -> None:
    text = "\n\n".join(["Budget under pressure"] * 900)
    assert len(split_paragraphs(text)) <= PARAGRAPHS_MAX


@given(st.text(max_size=3000))
def test_no_letter_is_lost_and_no_paragraph_is_too_long(text: str) -> None:
    paragraphs = split_paragraphs(text)
    assert all(0 < len(one) <= PARAGRAPH_MAX_CHARACTERS for one in paragraphs)

    def letters(some: str) -> str:
        return re.sub(r"[\W_]", "", some)

    assert letters("".join(paragraphs)) == letters(text)
    for one in paragraphs:
        spans = sentence_spans(one)
        assert letters("".join(one[start:end] for start, end in spans)) == letters(one)


def test_a_few_letters_are_no_sentence() -> None:
    assert [*sentence_spans("A. B. C. D. The contract was signed in haste by one officer.")] == [(0, 60)]
    assert sentence_spans("x. Y" * 200)[-1][1] == 800
    assert len(sentence_spans("x. Y" * 200)) <= 33


def test_a_cell_of_a_row_is_a_sentence_and_bare_ones_go_with_the_next() -> None:
    row = split_paragraphs("R3\tCompany\tAccounts not received. A further loan was requested\t16\tDirector of Place")[0]
    told = [row[start:end] for start, end in sentence_spans(row)]
    assert told == ["R3 · Company · Accounts not received.", "A further loan was requested · 16 · Director of Place"]
    cells = "The accounts of the company are late · The director of place owns this risk"
    assert [cells[start:end] for start, end in sentence_spans(cells)] == cells.split(" · ")


def test_bytes_that_are_no_text_are_refused_with_their_place() -> None:
    assert decode_text("\ufeffcafé\r\n".encode(), "report.txt") == "café\n"
    with pytest.raises(TextRefused, match=r"report\.txt: is not UTF-8: byte 4 belongs"):
        decode_text(b"abc \xff", "report.txt")


@pytest.mark.parametrize("letter", ["x", "\U0001f600"])
def test_the_longest_text_is_taken_and_one_character_more_is_not(letter: str) -> None:
    assert len(decode_text((letter * TEXT_MAX_CHARACTERS).encode(), "-")) == TEXT_MAX_CHARACTERS
    with pytest.raises(TextRefused, match="longer than 20,000 characters"):
        decode_text((letter * (TEXT_MAX_CHARACTERS + 1)).encode(), "-")
