"""The controlled terms: closed, labelled, and complete where other parts of the library lean on them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from kb import vocabulary

if TYPE_CHECKING:
    from kb.vocabulary import Vocabulary

EVERY = pytest.mark.parametrize("words", vocabulary.ALL.values(), ids=list(vocabulary.ALL))


@EVERY
def test_codes_and_labels_are_each_used_once(words: Vocabulary) -> None:
    assert len(set(words.codes)) == len(words.terms)
    assert len({term.label for term in words.terms}) == len(words.terms)


@EVERY
def test_every_term_has_a_label_for_people(words: Vocabulary) -> None:
    for term in words.terms:
        assert words.label_of(term.code) == term.label == term.label.strip() != ""
        assert not re.search(r"[_]|-[a-z]+-", term.label), "a label is English, not a code"


@EVERY
def test_a_vocabulary_is_closed(words: Vocabulary) -> None:
    assert "no such thing" not in words
    assert "" not in words
    assert words.terms[0].code in words


def test_an_unknown_code_is_its_own_label_so_that_no_page_fails_on_it() -> None:
    assert vocabulary.OUTCOME.label_of("splendid") == "splendid"
    assert vocabulary.OUTCOME.note_of("splendid") == ""


def test_notes_explain_the_terms_that_need_it() -> None:
    assert "failed, and was put right" in vocabulary.OUTCOME.note_of("recovered")
    assert all(vocabulary.FINDING_BASIS.note_of(code) for code in vocabulary.FINDING_BASIS.codes)
    assert all(vocabulary.EFFECT_EVIDENCE.note_of(code) for code in vocabulary.EFFECT_EVIDENCE.codes)


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        (vocabulary.OUTCOME, "worked mixed failed recovering recovered relapsed too-early"),
        (
            vocabulary.THEME,
            "continuous-improvement leadership governance culture use-of-resources service-delivery "
            "partnerships-and-engagement",
        ),
        (
            vocabulary.SERVICE,
            "finance children send education adults public-health housing homelessness planning-and-regeneration "
            "transport environment-and-waste digital cyber commercial workforce procurement community-safety emergency "
            "reorganisation-and-devolution customer-services culture-and-leisure economy",
        ),
        (
            vocabulary.COUNCIL_TYPE,
            "county district unitary metropolitan london-borough combined-authority scottish welsh northern-irish fire "
            "police health other",
        ),
        (vocabulary.COUNCIL_FAMILY, "upper-tier-or-unitary district combined any"),
        (
            vocabulary.SECTOR,
            "local-government health police fire education voluntary central-government private",
        ),
        (
            vocabulary.FINDING_BASIS,
            "statutory-inspection auditor public-inquiry regulator independent-evaluation peer-team self-report press",
        ),
        (vocabulary.EFFECT_EVIDENCE, "0 1 2 3 4"),
        (vocabulary.CORROBORATION, "1 2-4 5+"),
        (vocabulary.KIND, "case lesson"),
    ],
)
def test_the_terms_are_those_of_the_design(words: Vocabulary, codes: str) -> None:
    assert set(words.codes) == set(codes.split())


def test_each_heading_gives_a_stance_of_its_own() -> None:
    assert tuple(vocabulary.HEADINGS.values()) == vocabulary.STANCE.codes
    assert {*vocabulary.REQUIRED_HEADINGS, *vocabulary.REQUIRED_ONE_OF} <= set(vocabulary.HEADINGS)


def test_failures_are_outcomes() -> None:
    assert set(vocabulary.OUTCOME.codes) > vocabulary.FAILURES


@pytest.mark.parametrize(
    ("band", "years"),
    [
        ("early 2000s", (2000, 2004)),
        ("late 2010s", (2015, 2019)),
        ("2010s", (2010, 2019)),
        ("mid 2020s", (2024, 2026)),
    ],
)
def test_the_years_of_a_period_band(band: str, years: tuple[int, int]) -> None:
    assert vocabulary.band_years(band) == years


def test_every_period_band_has_years_of_its_decade() -> None:
    for band in vocabulary.PERIOD_BAND.codes:
        first, last = vocabulary.band_years(band)
        assert str(first)[:3] == str(last)[:3] == band.removesuffix("s")[-4:-1]
        assert first < last


@pytest.mark.parametrize("band", ["", "1990s", "late 2010", "2010", "middle 2010s"])
def test_a_band_that_is_not_of_the_vocabulary_is_refused(band: str) -> None:
    with pytest.raises(KeyError):
        vocabulary.band_years(band)
