"""A record's place beside mine: which facts are laid side by side, and what is said of those that cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.corpus import read_corpus
from kb.councils import load_abolished, load_councils
from kb.peers import FACTORS, Peers
from kb.records import Case, Lesson
from kb.transfer import compare
from kb.vocabulary import COUNCIL_TYPE

if TYPE_CHECKING:
    from kb.councils import Council
    from kb.records import Record

CORPUS = Path(__file__).resolve().parent.parent / "corpus"
COUNCILS = load_councils(CORPUS / "councils.csv")
PEERS = Peers(COUNCILS, load_abolished(CORPUS / "councils-abolished.csv"))
RECORDS = [file.record for file in read_corpus([CORPUS], None).files]
BARNSLEY = PEERS.council("Barnsley")
assert BARNSLEY is not None
A_CASE = next(record for record in RECORDS if isinstance(record, Case))
A_LESSON = next(record for record in RECORDS if isinstance(record, Lesson))


def case_about(*bodies: tuple[str, str | None], **more: Any) -> Case:
    organisations = [{"name": name, "gss": gss} for name, gss in bodies]
    return Case.model_validate({**A_CASE.model_dump(), "organisations": organisations, **more})


def test_a_case_is_laid_beside_mine_factor_by_factor() -> None:
    transfer = compare(case_about(("Wakefield Council", "E08000036")), PEERS, BARNSLEY)
    assert transfer.place is PEERS.council("Wakefield")
    assert [row.label for row in transfer.rows] == [*(factor.label for factor in FACTORS), "Statistical neighbours"]
    rows = {row.code: (row.theirs, row.mine, row.agrees, row.words) for row in transfer.rows}
    assert rows["population"] == ("352,000 people", "248,000 people", True, "similar size")
    assert rows["bordering"] == ("One of them", "Borders 7 councils", True, "next door")
    assert rows["neighbours"][0] == "Number 2 of the ten published for Barnsley"
    assert transfer.differing == ("Rural or urban",)
    assert "Population" in transfer.agreeing


def test_the_most_like_of_several_councils_is_compared_and_named() -> None:
    bodies = (("Cornwall Council", "E06000052"), ("Rotherham Council", "E08000018"), ("Capita plc", None))
    transfer = compare(case_about(*bodies), PEERS, BARNSLEY)
    assert transfer.place is PEERS.council("Rotherham")
    assert "Rotherham is compared, the most like Barnsley; not Cornwall." in transfer.notes[0]
    assert transfer.notes[1] == "Also named, and not compared: Capita plc."


def test_an_abolished_council_is_compared_through_its_successor() -> None:
    transfer = compare(case_about(("Northamptonshire County Council", "E10000021")), PEERS, BARNSLEY)
    assert transfer.place is PEERS.council("North Northamptonshire")
    assert transfer.notes[0].startswith(
        "Northamptonshire County Council is no more; North Northamptonshire Council, one"
    )
    alone = compare(case_about(("Copeland Borough Council", "E07000029")), PEERS, BARNSLEY)
    assert "Cumberland Council, its successor, is compared" in alone.notes[0]


def test_a_new_code_of_the_same_council_is_not_taken_for_an_abolition() -> None:
    leeds = PEERS.council("Leeds")
    assert leeds is not None
    transfer = compare(case_about(("Sheffield City Council", "E08000019")), PEERS, leeds)
    assert transfer.place is PEERS.council("Sheffield")
    assert not any("no more" in note for note in transfer.notes)


def test_one_s_own_council_has_nothing_to_compare() -> None:
    transfer = compare(case_about(("Barnsley Council", "E08000016")), PEERS, BARNSLEY)
    assert transfer.rows == ()
    assert transfer.notes == ("This record is about your own council.",)
    cumberland = PEERS.council("Cumberland")
    assert cumberland is not None
    before = compare(case_about(("Copeland Borough Council", "E07000029")), PEERS, cumberland)
    assert before.notes == ("This record is about a council that is no more, whose place Cumberland Council took.",)


def test_a_council_without_statistical_neighbours_is_told_so() -> None:
    norwich = PEERS.council("Norwich")
    assert norwich is not None
    transfer = compare(case_about(("Ipswich Borough Council", "E07000202")), PEERS, norwich)
    assert "neighbours" not in {row.code for row in transfer.rows}
    assert "No statistical neighbours are published for Norwich." in transfer.notes


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"council_type": "police"}, "a police force"),
        ({"council_type": "fire"}, "a fire and rescue service"),
        ({"council_type": "health"}, "a health body"),
        ({"council_type": "other"}, "a body that is no council"),
        ({"council_type": "welsh", "nation": "Wales", "region": "Wales"}, "no one council of the table"),
    ],
)
def test_a_body_that_is_no_council_is_compared_by_what_is_known(body: dict[str, str], words: str) -> None:
    transfer = compare(case_about(("A body", None), **body), PEERS, BARNSLEY)
    assert transfer.place is None
    assert [row.code for row in transfer.rows] == ["tier", "region"]
    assert f"This record is about {words}." in transfer.notes[0]
    assert (transfer.rows[0].agrees is None) == (body["council_type"] != "welsh")


@pytest.mark.parametrize(
    ("place", "agrees", "words"),
    [
        ({"nation": "England", "region": "Yorkshire and The Humber"}, True, "same region"),
        ({"nation": "England", "region": "South West"}, False, "another region"),
        ({"nation": "England", "region": "England"}, True, "takes in your area"),
        ({"nation": "UK", "region": "UK"}, True, "takes in your area"),
        ({"nation": "Scotland", "region": "Scotland"}, False, "another nation"),
    ],
)
def test_the_region_of_a_body_that_is_no_council(place: dict[str, str], agrees: bool, words: str) -> None:
    transfer = compare(case_about(("A force", None), council_type="police", **place), PEERS, BARNSLEY)
    assert (transfer.rows[1].agrees, transfer.rows[1].words) == (agrees, words)


@pytest.mark.parametrize(("family", "agrees"), [("upper-tier-or-unitary", True), ("district", False), ("any", True)])
def test_a_lesson_is_compared_by_its_family_alone(family: str, agrees: bool) -> None:
    lesson = Lesson.model_validate({**A_LESSON.model_dump(), "council_family": family})
    transfer = compare(lesson, PEERS, BARNSLEY)
    assert [(row.code, row.agrees) for row in transfer.rows] == [("tier", agrees)]
    assert "kept back on purpose" in transfer.notes[0]


@given(st.sampled_from(RECORDS), st.sampled_from(COUNCILS))
def test_every_record_beside_every_council_says_something_and_judges_nothing(record: Record, mine: Council) -> None:
    transfer = compare(record, PEERS, mine)
    assert transfer.rows or transfer.notes
    for row in transfer.rows:
        assert row.label
        assert row.theirs
        assert row.mine
        assert row.words
    told = {row.label for row in transfer.rows if row.agrees is not None}
    unsaid = {row.label for row in transfer.rows if row.agrees is False and row.code in ("bordering", "neighbours")}
    assert {*transfer.agreeing, *transfer.differing} == told - unsaid
    assert not hasattr(transfer, "score")


@given(
    st.lists(st.sampled_from([*COUNCILS[::7], None, "E10000021", "E99999999"]), min_size=1, max_size=5),
    st.sampled_from(COUNCIL_TYPE.codes),
    st.sampled_from(COUNCILS),
)
def test_no_mixture_of_bodies_fails(bodies: list[Council | str | None], council_type: str, mine: Council) -> None:
    codes = [body if body is None or isinstance(body, str) else body.gss for body in bodies]
    transfer = compare(case_about(*((f"Body {code}", code) for code in codes), council_type=council_type), PEERS, mine)
    assert (transfer.place is None) == (PEERS.of_bodies([code for code in codes if code], mine) is None)
