"""The library's records about a place and its like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kb.councils import load_abolished, load_councils
from kb.nearby import records_near
from kb.peers import Peers, UnknownFactor

CORPUS = Path(__file__).resolve().parent.parent / "corpus"
PEERS = Peers(load_councils(CORPUS / "councils.csv"), load_abolished(CORPUS / "councils-abolished.csv"))
LEEDS, WAKEFIELD, CORNWALL = "E08000035", "E08000036", "E06000052"


def card(name: str, *bodies: str) -> dict[str, Any]:
    return {
        "id": name, "title": name.title(), "outcome": "worked", "outcome_as_at": "2024", "place": name,
        "bodies": list(bodies),
    }  # fmt: skip


CARDS = [
    card("far", CORNWALL),
    card("both", CORNWALL, WAKEFIELD),
    card("near", WAKEFIELD),
    card("own", LEEDS, CORNWALL),
    card("lesson"),
    card("former", "E07000190"),  # Taunton Deane, now Somerset
]


def names(found: tuple[Any, ...]) -> list[str]:
    return [one.record for one in found]


def test_a_council_s_own_records_stand_apart_and_the_most_alike_come_first() -> None:
    leeds = PEERS.council(LEEDS)
    assert leeds is not None
    found = records_near(CARDS, PEERS, leeds, limit=10)
    assert names(found.own) == ["own"]
    assert names(found.alike)[:2] == ["both", "near"]
    assert set(names(found.alike)) == {"both", "near", "far", "former"}
    assert found.alike[0].likeness.council.gss == WAKEFIELD
    assert names(records_near(CARDS, PEERS, leeds, limit=1).alike) == ["both"]


def test_the_chosen_factors_decide_what_is_alike() -> None:
    somerset = PEERS.council("Somerset")
    assert somerset is not None
    found = records_near(CARDS, PEERS, somerset, limit=2, factors=("region",))
    assert names(found.own) == ["former"]
    assert names(found.alike) == ["both", "far"]
    with pytest.raises(UnknownFactor):
        records_near(CARDS, PEERS, somerset, limit=2, factors=("wealth",))
