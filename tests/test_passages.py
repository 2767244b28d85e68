"""Record -> Passages: nothing is lost, nothing is shown that is not in the record, and nothing is too long."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from any_record import any_lesson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up import MadeUpEncoder, make_case, make_lesson, make_library

from kb.passages import (
    PASSAGE_MAX_TOKENS,
    Passage,
    make_passage,
    make_passages,
    pack_blocks,
    plain_text,
    split_blocks,
    split_sentences,
    split_text,
)

if TYPE_CHECKING:
    from kb.records import Record

COUNT = MadeUpEncoder().count_tokens  # words and punctuation marks
SENTENCE = "The council met in public and agreed on what it would stop doing this year. "  # 16 tokens


def sentences_of(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


def dark(text: str) -> str:
    """The text without any white space."""
    return "".join(text.split())


# Markdown as people write it: running sentences, lists, marks, quotations, blank lines and odd letters.
markdown = st.lists(
    st.sampled_from(
        [
            "The bins were full. ", "Nobody came! ", "Why? ", "It cost £3.4m [s2]. ", "Mr. Smith left", " e.g. in May",
            "\n", "\n\n", "\n- ", "\n1. ", "* ", "  ", "**", "_", "`x`", "[a](b)", "[s1]", "[s12]", "### Third\n", "\t",
            "“Quoted.” ", "(So.) ", "...", ".", "A", " ", "日本語。", "\u00a0", "\u200b", "£", "9",
        ]
    ) | st.text(max_size=6),
    max_size=40,
).map("".join)  # fmt: skip


# --- plain text ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("It **fell** by *half*, they __say__.", "It fell by half, they say."),
        ("See [the report](https://example.org/a_b) first.", "See the report first."),
        ("It fell [s1] [s12]. It rose [s2].", "It fell. It rose."),
        ("- one\n- two\n3. three\n4) four\n* five", "one two three four five"),
        ("### Before\n\nIt began.", "Before It began."),
        ("`code` and snake_case_words stay", "code and snake_case_words stay"),
        ("_all of it_ was new", "all of it was new"),
        ("one\ntwo   three\t four", "one two three four"),
        ("2 * 3 is 6", "2 3 is 6"),
        ("", ""),
        ("[s1]", ""),
    ],
)
def test_markdown_gives_its_words_alone(text: str, plain: str) -> None:
    assert plain_text(text) == plain


@settings(max_examples=300, deadline=None)
@given(markdown)
def test_plain_text_is_one_line_and_stays_what_it_is(text: str) -> None:
    plain = plain_text(text)
    assert plain == " ".join(plain.split())
    assert "\n" not in plain


# --- blocks ----------------------------------------------------------------------------------------------------------


def test_paragraphs_are_blocks() -> None:
    assert split_blocks("One\nand still one.\n\nTwo.\n \t\nThree.\n") == ["One\nand still one.", "Two.", "Three."]


def test_the_items_of_a_list_stay_together() -> None:
    text = "They learned:\n\n- one\n- two\n\n- three\n\n  with a second paragraph\n\nThen it ended."
    assert split_blocks(text) == [
        "They learned:",
        "- one\n- two\n\n- three\n\n  with a second paragraph",
        "Then it ended.",
    ]


def test_a_numbered_list_stays_together_too() -> None:
    assert split_blocks("1. one\n\n2. two\n\n10) ten") == ["1. one\n\n2. two\n\n10) ten"]


def test_an_empty_text_has_no_block() -> None:
    assert split_blocks("") == split_blocks("\n \n\n") == []


@settings(max_examples=400, deadline=None)
@given(markdown)
def test_blocks_cover_the_text_in_order(text: str) -> None:
    blocks = split_blocks(text)
    assert dark("".join(blocks)) == dark(text)
    assert all(block.strip() for block in blocks)


# --- sentences -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It fell. It rose! Did it? Yes.", ["It fell.", "It rose!", "Did it?", "Yes."]),
        ("It fell [s1]. It rose [s2] [s3]. Done.", ["It fell [s1].", "It rose [s2] [s3].", "Done."]),
        ("It fell. [s1] It rose.", ["It fell. [s1]", "It rose."]),
        ("“It fell.” So they said. (It did.) True.", ["“It fell.”", "So they said.", "(It did.)", "True."]),
        ('He said "stop." They did.', ['He said "stop."', "They did."]),
        ("It cost £3.4m. £2m came back.", ["It cost £3.4m.", "£2m came back."]),
        ("In 2019. 2020 was worse.", ["In 2019.", "2020 was worse."]),
        ("It rose by 3.5 per cent.", ["It rose by 3.5 per cent."]),
        ("and so. on it went", ["and so. on it went"]),
        ("One\nsentence over\nlines. Another.", ["One\nsentence over\nlines.", "Another."]),
        ("Mr. Smith and Dr. Jones met Cllr. Khan. They did.", ["Mr. Smith and Dr. Jones met Cllr. Khan.", "They did."]),
        ("Councils, e.g. Leeds, i.e. Those that try, cf. Kent etc. Or not.",
         ["Councils, e.g. Leeds, i.e. Those that try, cf. Kent etc. Or not."]),
        ("St. Helens and J. B. Priestley. Both.", ["St. Helens and J. B. Priestley.", "Both."]),
        ("See No. 10, paras. 3 and 4, p. 7. Then stop.", ["See No. 10, paras. 3 and 4, p. 7.", "Then stop."]),
        ("Serco Ltd. Won it.", ["Serco Ltd. Won it."]),
        ("They met the Co. Durham team. Good.", ["They met the Co. Durham team.", "Good."]),
        ("The plan. The end", ["The plan.", "The end"]),
        ("   ", []),
        ("", []),
    ],
)  # fmt: skip
def test_where_sentences_end(text: str, sentences: list[str]) -> None:
    assert sentences_of(text) == sentences


def test_each_item_of_a_list_is_a_sentence_of_its_own() -> None:
    text = "- No full stop\n- Two. Sentences.\n\n- Last"
    assert sentences_of(text) == ["- No full stop", "- Two.", "Sentences.", "- Last"]


def test_words_before_a_list_are_a_sentence_of_their_own() -> None:
    assert sentences_of("They said:\n- one\n- two") == ["They said:", "- one", "- two"]


@settings(max_examples=400, deadline=None)
@given(markdown)
def test_sentences_stand_in_order_inside_the_text_and_cover_it(text: str) -> None:
    spans = split_sentences(text)
    end = 0
    for start, after in spans:
        assert end <= start < after <= len(text)
        assert not text[end:start].strip()
        assert text[start:after] == text[start:after].strip()
        end = after
    assert not text[end:].strip()


# --- passages --------------------------------------------------------------------------------------------------------


def tokens(passage: Passage) -> int:
    return COUNT([passage.searched])[0]


def test_short_neighbours_share_a_passage_and_long_sections_are_cut() -> None:
    text = "Short.\n\nAlso short.\n\n" + SENTENCE * 12 + "\n\n" + SENTENCE * 12
    packed = pack_blocks(text, "prefix", COUNT)
    assert [number for number, _ in packed] == [1, 4]
    assert packed[0][1].startswith("Short.\n\nAlso short.\n\nThe council")


def test_the_prefix_takes_its_room_in_a_passage() -> None:
    block = (SENTENCE * 6).strip()
    assert len(pack_blocks(f"{block}\n\n{block}", "short", COUNT)) == 1
    assert len(pack_blocks(f"{block}\n\n{block}", "a much longer prefix " * 5, COUNT)) == 2


def test_a_passage_begins_where_its_first_block_does() -> None:
    text = f"{SENTENCE * 10}\n\n{SENTENCE * 10}\n\nLast."
    passages = make_passages(make_case(sections={"Situation": text}, answers=[]), COUNT)
    assert [passage.anchor for passage in passages if not passage.way_in] == ["situation", "situation-2"]


def test_a_long_paragraph_is_cut_between_sentences_into_even_pieces() -> None:
    pieces = split_text((SENTENCE * 20).strip(), "title > heading", COUNT)
    assert len(pieces) == 2
    counts = COUNT(pieces)
    assert max(counts) - min(counts) <= COUNT([SENTENCE])[0]
    assert " ".join(pieces) == (SENTENCE * 20).strip()


def test_a_sentence_longer_than_a_passage_is_left_whole() -> None:
    long = "Word " + "word " * 300 + "end."
    assert split_text(f"Short one. {long} Last one.", "p", COUNT) == ["Short one.", long, "Last one."]


def test_a_list_is_cut_between_its_items() -> None:
    text = "\n".join(f"- {SENTENCE.strip()}" for _ in range(20))
    pieces = split_text(text, "prefix", COUNT)
    assert len(pieces) == 2
    assert all(piece.startswith("- The council") for piece in pieces)


def test_a_prefix_of_great_length_still_leaves_room_for_a_text() -> None:
    pieces = split_text((SENTENCE * 10).strip(), "title " * 190, COUNT)
    assert all(COUNT([piece])[0] >= 2 * COUNT([SENTENCE])[0] for piece in pieces[:-1])


def test_a_passage_carries_its_place_and_stance() -> None:
    passages = make_passages(make_lesson(), COUNT)
    told = {passage.section: passage for passage in passages if not passage.way_in}
    assert told["Warning signs"].stance == "warning"
    assert told["Warning signs"].anchor == "warning-signs"
    assert told["Warning signs"].prefix == "The dashboard that was green until the regulator came > Warning signs"
    assert told["Warning signs"].sentences == ("Green every week.", "Nobody could name one tenant.")
    assert told["Warning signs"].searched == (
        "The dashboard that was green until the regulator came > Warning signs\n"
        "Green every week. Nobody could name one tenant."
    )


def test_the_summary_and_the_answers_are_ways_in() -> None:
    record = make_case(answers=["What helps?", "Who should report **missed** streets?"])
    ways = [passage for passage in make_passages(record, COUNT) if passage.way_in]
    assert [way.text for way in ways[:-1]] == [record.summary, *record.answers]
    assert ways[-1].text == f"{record.summary} {' '.join(record.answers)} Environment and waste."
    assert {way.stance for way in ways} == {way.section for way in ways} == {""}
    assert all(way.prefix == record.title for way in ways)
    assert ways[-2].sentences == ("Who should report missed streets?",)


def test_passages_come_in_reading_order_and_ways_in_last() -> None:
    record = make_case()
    passages = make_passages(record, COUNT)
    assert [passage.section for passage in passages if not passage.way_in] == [one.heading for one in record.sections]
    assert [passage.way_in for passage in passages] == sorted(passage.way_in for passage in passages)


def test_marks_alone_are_no_sentence() -> None:
    passage = make_passage("p", "It fell. [s1]\n\n- [s2]\n- It rose.")
    assert passage.sentences == ("It fell.", "It rose.")
    assert [passage.text[start:end] for start, end in passage.spans] == ["It fell. [s1]", "- It rose."]


@settings(max_examples=300, deadline=None)
@given(st.lists(markdown, min_size=1, max_size=12).map("\n\n".join), st.text(max_size=60))
def test_no_passage_is_too_long_and_together_they_are_the_text(text: str, prefix: str) -> None:
    shown = ""
    for _, block in pack_blocks(text, prefix, COUNT):
        for piece in split_text(block, prefix, COUNT):
            passage = make_passage(prefix, piece)
            if len(split_sentences(piece)) > 1:
                assert COUNT([prefix])[0] + sum(COUNT(passage.sentences)) <= PASSAGE_MAX_TOKENS
            shown += piece
    assert dark(shown) == dark(text)


def check_passages(record: Record) -> None:
    passages = make_passages(record, COUNT)
    sections = {section.heading: section.text for section in record.sections}
    for passage in passages:
        assert len(passage.spans) == len(passage.sentences)
        end = 0
        for (start, after), sentence in zip(passage.spans, passage.sentences, strict=True):
            assert end <= start < after <= len(passage.text)
            assert plain_text(passage.text[start:after]) == sentence
            end = after
        if not passage.way_in:
            assert dark(passage.text) in dark(sections[passage.section])
            assert passage.prefix == f"{record.title} > {passage.section}"
    for heading, text in sections.items():
        assert dark("".join(one.text for one in passages if one.section == heading)) == dark(text)


@pytest.mark.parametrize("record", make_library(), ids=lambda record: record.id)
def test_a_passage_is_a_part_of_its_record_and_its_sentences_are_parts_of_it(record: Record) -> None:
    check_passages(record)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(any_lesson())
def test_the_same_holds_for_any_record(record: Record) -> None:
    check_passages(record)


def test_a_long_text_is_cut_quickly() -> None:
    """A record has at most a million characters; awkward ones must not take minutes."""
    for text in (SENTENCE * 3_000, "." * 100_000, "[s1] " * 20_000, "- x\n" * 20_000, '"' * 100_000, "a. " * 30_000):
        assert split_sentences(text)
        assert split_blocks(text)
    assert not re.search(r"\s", dark(SENTENCE))
