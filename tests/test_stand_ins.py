"""What takes the place of what could not be read: enough for the checks to go on, and never a fault of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import make_case, make_lesson

from kb.checks import check
from kb.record_file import parse, render
from kb.records import FRONT_MATTER, KINDS
from kb.stand_ins import _COMPLETE, with_stand_ins

if TYPE_CHECKING:
    from kb.record_file import Parsed

PROOF = make_case().sources[0].model_dump()
RECORDS = {
    "case": make_case(
        organisations=[{"name": "Anytown Council", "gss": "E07000001"}, {"name": "The Trust"}],
        services=["digital", "finance"],
        outcome_history=[
            {"as_at": "2016", "outcome": "failed", "note": "x"},
            {"as_at": "2018", "outcome": "worked", "note": "y"},
        ],
        contested="The union counts otherwise [s2].",
        cost="A van [s1].",
        time_to_effect="A year.",
        measures=[
            {"what": "vans", "before": "1", "after": "2", "source": "s3"},
            {"what": "bins", "before": "1", "after": "2", "source": "s1"},
        ],
        sources=[PROOF, {**PROOF, "id": "s2", "independent": False}, {**PROOF, "id": "s3"}],
        linked=[{"record": "x", "how": "see also"}],
    ),
    "lesson": make_lesson(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_a_stand_in_for_every_key(kind: str) -> None:
    assert set(_COMPLETE[kind]) == {*FRONT_MATTER[kind], "sections"}
    record = with_stand_ins(kind, {}, {(key,) for key in _COMPLETE[kind]})
    assert record == KINDS[kind].model_validate(_COMPLETE[kind])
    for name, field in KINDS[kind].model_fields.items():
        value = getattr(record, name)
        for part in value if isinstance(value, tuple) else (value,):
            assert all(getattr(part, inner) is not None for inner in getattr(type(part), "model_fields", ())), field


@pytest.mark.parametrize("kind", KINDS)
def test_stand_ins_are_found_no_fault_with(kind: str) -> None:
    record = KINDS[kind].model_validate(_COMPLETE[kind])
    faults = [fault.message for fault in check(parse(render(record)), None)]
    assert faults in ([], ["source s999 is never cited; cite it as [s999] or take it out"])


def test_only_what_is_faulty_is_replaced() -> None:
    data = {**make_case().model_dump(), "outcome": "good", "price": "high"}
    data["sources"] = ({**PROOF, "date": "soon"}, {**PROOF, "id": "s2"})
    record = with_stand_ins("case", data, {("outcome",), ("price",), ("sources", 0, "date")})
    assert record == make_case(outcome="mixed", sources=[{**PROOF, "date": "2000"}, {**PROOF, "id": "s2"}])


def test_where_one_word_of_a_list_is_faulty_the_list_is_replaced() -> None:
    data = {**make_case().model_dump(), "services": ("economy", "magic"), "answers": ("", "b")}
    record = with_stand_ins("case", data, {("services", 1), ("answers", 0)})
    assert record == make_case(services=["economy"], answers=[])


# --- a record spoilt in one place or in several ---

Place = tuple[str | int, ...]


def values_of(kind: str) -> dict[str, Any]:
    return {"kind": kind, **RECORDS[kind].model_dump(mode="json", exclude_none=True)}


def places_in(value: Any, place: Place = ()) -> list[Place]:
    """Every place of these values that holds no further ones."""
    if isinstance(value, dict):
        return [inner for key, part in value.items() if key != "kind" for inner in places_in(part, (*place, key))]
    if isinstance(value, list):
        return [inner for number, part in enumerate(value) for inner in places_in(part, (*place, number))]
    return [place] if place[-1] != "heading" else []


PLACES = {kind: places_in(values_of(kind)) for kind in KINDS}
ALL_PLACES = [(kind, place) for kind in KINDS for place in PLACES[kind]]


def spoilt(kind: str, *places: Place, **changes: Any) -> Parsed:
    """The record's file with a bell, which no field may hold, at each of these places."""
    values = {**values_of(kind), **changes}
    for place in places:
        part: Any = values
        for step in place[:-1]:
            part = part[step]
        part[place[-1]] = "\a"
    body = "\n\n".join(f"## {section['heading']}\n\n{section['text']}" for section in values.pop("sections"))
    return parse(f"---\n{yaml.safe_dump(values, sort_keys=False, width=1000)}---\n\n{body}\n")


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_amiss_before_anything_is_spoilt(kind: str) -> None:
    parsed = spoilt(kind)
    assert parsed.partial is parsed.record == RECORDS[kind]
    assert check(parsed, None) == []


@pytest.mark.parametrize(("kind", "place"), ALL_PLACES, ids=str)
def test_one_spoilt_place_is_one_fault(kind: str, place: Place) -> None:
    parsed = spoilt(kind, place)
    assert parsed.record is None
    assert [fault.line for fault in parsed.faults] == [parsed.line_of(place)]
    assert parsed.partial is not None
    assert check(parsed, None) == []


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(list(KINDS)))
def test_as_many_faults_as_places_are_spoilt(data: st.DataObject, kind: str) -> None:
    places = data.draw(st.sets(st.sampled_from(PLACES[kind])))
    parsed = spoilt(kind, *places)
    assert sorted(fault.line for fault in parsed.faults) == sorted(parsed.line_of(place) for place in places)
    assert parsed.partial is not None
    assert check(parsed, None) == []


@pytest.mark.parametrize("place", [place for place in PLACES["case"] if place[0] != "period"], ids=str)
def test_a_fault_elsewhere_is_told_all_the_same(place: Place) -> None:
    parsed = spoilt("case", place, period={"start": 2017, "end": 2014})
    assert [fault.message for fault in check(parsed, None)] == ["the period runs backwards, 2017 to 2014"]
