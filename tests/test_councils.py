"""The council tables as they are in the corpus, and the finding of councils' names in text."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.councils import (
    Council,
    CouncilNames,
    CouncilTableError,
    by_gss,
    load_abolished,
    load_councils,
)

ROOT = Path(__file__).resolve().parent.parent
CURRENT = ROOT / "corpus" / "councils.csv"
ABOLISHED = ROOT / "corpus" / "councils-abolished.csv"
REFERENCE = ROOT.parent / "shared" / "reference"

COUNCILS = load_councils(CURRENT)
FORMER = load_abolished(ABOLISHED)
NAMES = CouncilNames(COUNCILS, FORMER)
BY_SHORT_NAME = {council.short_name: council for council in COUNCILS}
UPPER_TIER = {"county", "unitary", "metropolitan", "london-borough"}
# More than ten times what it takes, so that only a change of its order fails on a busy machine.
SPEED_LIMIT_SECONDS = 0.1


def found(text: str) -> list[str]:
    return [mention.text for mention in NAMES.find(text)]


# --- the table of current councils ---


def test_as_many_councils_of_each_type_as_the_law_makes() -> None:
    assert Counter(council.type for council in COUNCILS) == {
        "county": 21,
        "district": 164,
        "unitary": 63,  # 62 and the Isles of Scilly
        "metropolitan": 36,
        "london-borough": 33,  # 32 and the City
        "combined-authority": 15,  # as in the ONS boundaries of December 2025
        "scottish": 32,
        "welsh": 22,
        "northern-irish": 11,
        "other": 1,  # the Greater London Authority
    }


def test_codes_are_unique_and_agree_with_type_and_nation() -> None:
    prefixes = {
        "county": "E10", "district": "E07", "unitary": "E06", "metropolitan": "E08", "london-borough": "E09",
        "combined-authority": "E47", "scottish": "S12", "welsh": "W06", "northern-irish": "N09", "other": "E61",
    }  # fmt: skip
    nations = {"E": "England", "S": "Scotland", "W": "Wales", "N": "Northern Ireland"}
    codes = [code for council in COUNCILS for code in (council.gss, *council.former_gss)]
    assert len(codes) == len(set(codes))
    assert [council.gss for council in COUNCILS] == sorted(council.gss for council in COUNCILS)
    for council in COUNCILS:
        assert council.gss.startswith(prefixes[council.type]), council.name
        assert council.nation == nations[council.gss[0]], council.name


def test_no_name_belongs_to_two_councils() -> None:
    owners: dict[str, set[str]] = {}
    for council in COUNCILS:
        for name in (council.name, council.short_name, *council.alternative_names):
            assert name == name.strip()
            assert name[0].isupper()
            owners.setdefault(name.casefold(), set()).add(council.gss)
    assert {name: codes for name, codes in owners.items() if len(codes) > 1} == {}


def test_populations_add_up_to_the_united_kingdom() -> None:
    local = [c.population for c in COUNCILS if c.type not in {"county", "combined-authority", "other"}]
    assert 67_000_000 < sum(local) < 67_200_000  # mid-2020: 67.08 million
    assert BY_SHORT_NAME["Cambridgeshire and Peterborough"].population == 859_830  # not its people twice
    boroughs = sum(c.population for c in COUNCILS if c.type == "london-borough")
    assert BY_SHORT_NAME["GLA"].population == boroughs


def test_classes_are_the_published_ones() -> None:
    assert {c.rural_urban for c in COUNCILS} == {"Urban", "Urban with rural areas", "Rural", "Sparse and rural"}
    assert {c.deprivation_quintile for c in COUNCILS} == {1, 2, 3, 4, 5}
    assert BY_SHORT_NAME["Blackpool"].deprivation_quintile == 1
    assert BY_SHORT_NAME["Surrey"].deprivation_quintile == 5
    assert BY_SHORT_NAME["East Midlands CCA"].deprivation_quintile == 3  # with its counties, not its two cities alone


def test_density_and_deprivation_tell_a_city_from_the_country_and_rich_from_poor() -> None:
    assert BY_SHORT_NAME["Islington"].density > 10_000
    assert BY_SHORT_NAME["Powys"].density < 100
    by_score = sorted(COUNCILS, key=lambda council: council.deprivation_score)
    assert by_score[0].deprivation_quintile == 5
    assert by_score[-1].deprivation_quintile == 1
    boroughs = [council for council in COUNCILS if council.type == "london-borough"]
    area = sum(council.population / council.density for council in boroughs)
    assert BY_SHORT_NAME["GLA"].population / BY_SHORT_NAME["GLA"].density == pytest.approx(area, rel=0.01)


def test_borders_lead_to_other_councils_and_back() -> None:
    councils = {council.gss: council for council in COUNCILS}
    for council in COUNCILS:
        assert council.gss not in council.bordering
        assert len(set(council.bordering)) == len(council.bordering)
        for other in council.bordering:
            assert council.gss in councils[other].bordering, f"{council.name} and {councils[other].name}"


def test_statistical_neighbours_are_ten_others_for_every_upper_tier_council_and_none_for_the_rest() -> None:
    councils = {council.gss: council for council in COUNCILS}
    for council in COUNCILS:
        neighbours = council.statistical_neighbours
        assert len(set(neighbours)) == len(neighbours) == (10 if council.type in UPPER_TIER else 0), council.name
        assert council.gss not in neighbours
        assert {councils[other].type for other in neighbours} <= UPPER_TIER
    assert [councils[g].short_name for g in BY_SHORT_NAME["Barnsley"].statistical_neighbours][:3] == [
        "Rotherham", "Wakefield", "Tameside",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("council", "others"),
    [
        ("Cumberland", {"Northumberland", "Westmorland and Furness", "Dumfries and Galloway", "Scottish Borders"}),
        ("Somerset", {"Bath and North East Somerset", "North Somerset", "Wiltshire", "Dorset", "Devon",
                      "East Devon", "Mid Devon", "North Devon"}),
        ("Kent", {"Medway", "Thurrock", "Bexley", "Bromley", "Surrey", "East Sussex"}),
        ("Nottingham", {"Nottinghamshire", "Ashfield", "Broxtowe", "Gedling", "Rushcliffe"}),
        ("Tees Valley", {"North East CA", "York and North Yorkshire"}),
        ("Isles of Scilly", set()),
    ],
)  # fmt: skip
def test_borders_of_merged_councils_of_counties_and_of_combined_authorities(council: str, others: set[str]) -> None:
    councils = {c.gss: c for c in COUNCILS}
    assert {councils[gss].short_name for gss in BY_SHORT_NAME[council].bordering} == others


def test_look_up_by_code_knows_earlier_codes() -> None:
    councils = by_gss(COUNCILS)
    assert councils["E08000035"].short_name == "Leeds"
    assert councils["E08000019"] is councils["E08000039"] is BY_SHORT_NAME["Sheffield"]
    assert councils["E47000010"].short_name == "North East CA"


# --- the table of abolished councils ---


def test_every_abolished_council_has_successors_of_today() -> None:
    current = {council.gss for council in COUNCILS}
    every_code = {code for council in COUNCILS for code in (council.gss, *council.former_gss)}
    codes = [former.gss for former in FORMER if former.gss]
    assert len(codes) == len(set(codes))
    assert not set(codes) & every_code
    for former in FORMER:
        assert former.replaced_by, former.name
        assert set(former.replaced_by) <= current, former.name


@pytest.mark.parametrize(
    ("name", "gss", "end_date", "replaced_by"),
    [
        ("Northamptonshire County Council", "E10000021", "2021-03-31", ("E06000061", "E06000062")),
        ("Cumbria County Council", "E10000006", "2023-03-31", ("E06000063", "E06000064")),
        ("Allerdale Borough Council", "E07000026", "2023-03-31", ("E06000063",)),
        ("Taunton Deane Borough Council", "E07000190", "2019-03-31", ("E06000066",)),  # through a second merger
        ("North of Tyne Combined Authority", "E47000011", "2024-05-06", ("E47000014",)),
        ("Macclesfield Borough Council", "E07000017", "2009-03-31", ("E06000049",)),
        ("Lisburn City Council", "", "2015-03-31", ("N09000007",)),
    ],
)
def test_abolished_councils(name: str, gss: str, end_date: str, replaced_by: tuple[str, ...]) -> None:
    (former,) = [council for council in FORMER if council.name == name]
    assert (former.gss, former.end_date, former.replaced_by) == (gss, end_date, replaced_by)


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference tables are not on this machine")
def test_the_files_are_what_the_script_writes(tmp_path: Path) -> None:
    script = ROOT / "scripts" / "council_table.py"
    subprocess.run([sys.executable, script, REFERENCE, "--out", tmp_path], check=True, capture_output=True)
    for name in ("councils.csv", "councils-abolished.csv", "councils.README.md"):
        assert (tmp_path / name).read_bytes() == (ROOT / "corpus" / name).read_bytes(), name


# --- faults of a table ---

HEADER = ",".join(Council.__slots__)
ROW = "Leeds City Council,Leeds,,E08000035,metropolitan,England,Yorkshire and The Humber,798786,1447.6,Urban,2,24.1,,,"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([HEADER.replace(",gss", ""), ROW], r"councils\.csv:1: no column gss"),
        ([HEADER, ROW, ROW], r"councils\.csv:3: gss 'E08000035' is malformed or is used twice"),
        ([HEADER, ROW.replace("E08000035", "Leeds")], r"councils\.csv:2: gss 'Leeds'"),
        ([HEADER, ROW.replace("metropolitan", "parish")], r"councils\.csv:2: type 'parish' is not one of county, "),
        ([HEADER, ROW.replace("798786", "many")], r"councils\.csv:2: population must be a whole number"),
        ([HEADER, ROW.replace(",2,", ",6,")], r"councils\.csv:2: .*deprivation_quintile 1 to 5"),
        (
            [HEADER, ROW.replace(",24.1,,,", ",24.1,,E08000036,")],
            r"councils\.csv:2: E08000036 is no council of this table",
        ),
        ([HEADER, ROW.replace("1447.6", "dense")], r"councils\.csv:2: density must be a number"),
        ([HEADER, ROW.replace("24.1", "")], r"councils\.csv:2: deprivation_score must be a number"),
        ([HEADER, ROW + ",more"], r"councils\.csv:2: too few or too many cells"),
        ([HEADER, "Leeds City Council,Leeds"], r"councils\.csv:2: too few or too many cells"),
    ],
)
def test_a_faulty_table_is_refused_with_file_and_line(tmp_path: Path, lines: list[str], message: str) -> None:
    path = tmp_path / "councils.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(CouncilTableError, match=message):
        load_councils(path)


def test_a_missing_or_unreadable_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CouncilTableError, match=r"none\.csv:1: cannot be read"):
        load_councils(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes(b"name\xff")
    with pytest.raises(CouncilTableError, match=r"latin\.csv:1: cannot be read"):
        load_councils(tmp_path / "latin.csv")
    (tmp_path / "gone.csv").write_text("name,short_name,gss,end_date,replaced_by\nA,B,,soon,E06000001\n")
    with pytest.raises(CouncilTableError, match=r"gone\.csv:2: end_date must be YYYY-MM-DD"):
        load_abolished(tmp_path / "gone.csv")


# --- names in text ---


@pytest.mark.parametrize("council", COUNCILS, ids=lambda council: council.gss)
def test_every_name_of_every_council_is_found_as_that_council(council: Council) -> None:
    for name in (council.name, council.short_name, *council.alternative_names):
        body = " Council" if name == "Westminster" else ""  # by itself it is Parliament
        for text in (f"lessons from {name}{body}", f"Officers in {name}{body}.", f"LESSONS FROM {name.upper()}{body}"):
            (mention,) = NAMES.find(text)
            assert mention.gss == council.gss
            assert mention.name == council.name


def test_every_abolished_council_is_found_by_its_full_name() -> None:
    for former in FORMER:
        (mention,) = NAMES.find(f"the former {former.name} was told")
        assert (mention.gss, mention.name) == (former.gss, former.name)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        # ambiguous names, where the words around them tell
        ("Reading Borough Council set a budget.", ["Reading Borough Council"]),
        ("Services in Reading improved.", ["Reading"]),
        ("In Reading, the council acted.", ["Reading"]),
        ("Reading Council papers were late.", ["Reading"]),
        ("Last year Reading council was praised.", ["Reading"]),
        ("Reading's finances held up.", ["Reading"]),
        ("Slough, Reading and Wokingham share a service.", ["Slough", "Reading", "Wokingham"]),
        ("Reading and Slough share a service.", ["Reading", "Slough"]),
        ("Bath and North East Somerset merged two teams.", ["Bath and North East Somerset"]),
        ("Hospitals in Bath were full.", ["Bath"]),
        ("Bury council cut its budget.", ["Bury"]),
        ("The Borough of Bury owns it.", ["Bury"]),
        ("Rugby Borough Council left the scheme.", ["Rugby Borough Council"]),
        ("Barking and Dagenham built homes.", ["Barking and Dagenham"]),
        ("It opened at Barking.", ["Barking"]),
        ("Boston Borough Council raised rents.", ["Boston Borough Council"]),
        ("Flooding in Boston was worse.", ["Boston"]),
        ("Lincoln City Council was praised.", ["Lincoln"]),
        ("The City of Lincoln Council was praised.", ["City of Lincoln Council"]),
        ("Lancaster City and Preston City councils merged teams.", ["Lancaster", "Preston"]),
        ("Stafford Borough left.", ["Stafford"]),
        ("Warwick District Council left.", ["Warwick District Council"]),
        ("Craven District Council is no more.", ["Craven District Council"]),
        ("Commissioners in Dudley reported.", ["Dudley"]),
        ("Sutton's housing arm lost money.", ["Sutton"]),
        ("Hastings and Rother work together.", ["Hastings", "Rother"]),
        ("Brent Council insourced it.", ["Brent"]),
        ("Angus Council merged depots.", ["Angus Council"]),
        ("Schools in Angus were merged.", ["Angus"]),
        ("Westminster City Council sold it.", ["Westminster City Council"]),
        ("Camden, Westminster and Islington agreed.", ["Camden", "Westminster", "Islington"]),
        ("Eden District Council was abolished.", ["Eden District Council"]),
        ("Services in the Borders were rural.", ["Borders"]),
        ("IN READING BOROUGH COUNCIL'S VIEW", ["READING BOROUGH COUNCIL"]),
        # plain names
        ("Leeds's approach was copied.", ["Leeds"]),
        ("Leeds\u2019s approach, and Hackney\u2019s, were copied.", ["Leeds", "Hackney"]),
        ("St Helens' approach was copied.", ["St Helens"]),
        ("Mole Valley saved money.", ["Mole Valley"]),
        ("Tunbridge Wells, Tower Hamlets and Slough.", ["Tunbridge Wells", "Tower Hamlets", "Slough"]),
        ("Highland, Kent, Essex, Moray, Fife and the Scottish Borders",
         ["Highland", "Kent", "Essex", "Moray", "Fife", "Scottish Borders"]),
        ("Hammersmith & Fulham and Telford & Wrekin", ["Hammersmith & Fulham", "Telford & Wrekin"]),
        ("King\u2019s Lynn & West Norfolk", ["King\u2019s Lynn & West Norfolk"]),
        ("Kings Lynn and West Norfolk", ["Kings Lynn and West Norfolk"]),
        ("Stoke on Trent and Newcastle-upon-Tyne", ["Stoke on Trent", "Newcastle-upon-Tyne"]),
        ("Bournemouth Christchurch and Poole", ["Bournemouth Christchurch and Poole"]),
        ("St. Helens and St Helens", ["St. Helens", "St Helens"]),
        ("a Leeds-based firm", ["Leeds"]),
        ("**Leeds** and _Croydon_", ["Leeds", "Croydon"]),
        ("LEEDS CITY COUNCIL: ANNUAL REPORT", ["LEEDS CITY COUNCIL"]),
        ("Leeds City\nCouncil", ["Leeds City\nCouncil"]),
        ("Cambridgeshire is not Cambridge.", ["Cambridgeshire", "Cambridge"]),
        ("Ynys Mo\u0302n and Sir Ddinbych", ["Ynys Mo\u0302n", "Sir Ddinbych"]),
        ("Northamptonshire failed in 2018, Cumbria did not.", ["Northamptonshire", "Cumbria"]),
        ("GMCA and the West Midlands Combined Authority", ["GMCA", "West Midlands Combined Authority"]),
    ],
)  # fmt: skip
def test_text_that_names_councils(text: str, names: list[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "Reading the report, members were surprised.",
        "Reading and understanding the accounts takes time.",
        "Reading council papers takes time.",
        "READING THE REPORT",
        "Pupils improved in Reading, Writing and Maths.",
        "Results in Reading and maths rose.",
        "Bury the cable before winter.",
        "Bath time and bed time are supervised.",
        "Barking dogs were reported.",
        "Rugby is played in the park.",
        "The future of Rugby League was in doubt.",
        "Borders between services were blurred.",
        "The Garden of Eden was a metaphor; the Eden Project was not.",
        "Down the road a school closed.",
        "Central government said no; Central Office too.",
        "Deal with the backlog first. Sale of assets followed.",
        "Wells were dug and Wells Fargo lent the money.",
        "President Lincoln was quoted. Lincoln said so.",
        "The barristers of Lincoln's Inn advised.",
        "Boston Consulting Group wrote the report.",
        "A study in Boston, Massachusetts, found the same.",
        "Cambridge, Massachusetts and Birmingham, Alabama",
        "New York and New Hampshire cut taxes.",
        "Jane Sutton's report was blunt.",
        "Councillor Dudley and Mr Preston spoke; so did Dr Kent.",
        "An email from Dudley Moore arrived.",
        "Lancaster (2019) and Hart (2021) disagree.",
        "Angus Deaton and Warwick Davis spoke.",
        "Stafford Beer coined it.",
        "Hackney carriage licences and a Hackney Carriage driver",
        "The price of Brent crude rose.",
        "Shops in Stoke Newington closed.",
        "It won the Stirling Prize.",
        "Westminster decided, and in Westminster nobody knew.",
        "the West Midlands, the North East, the East Midlands and Greater London",
        "Richmond, Kingston and Windsor are surnames too.",
        "leeds, croydon, kent, reading borough council",
        "Kentish, Leedsian and Essexboy are not whole words; nor is Leeds2.",
        "Our business continuity plan (BCP) failed.",
        "",
    ],
)
def test_text_that_names_none(text: str) -> None:
    assert found(text) == []


def test_words_of_one_name_must_stand_together() -> None:
    assert found("Bath and\n\nNorth East Somerset") == ["Somerset"]
    assert found("Bath, and North East Somerset") == ["Somerset"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Cheshire and Warrington Combined Authority", ["Cheshire", "Warrington"]),
        ("Cumbria Combined Authority", ["Cumbria"]),
        ("Sussex and Brighton Combined County Authority", ["Brighton"]),
        ("Hampshire and the Solent Combined County Authority", ["Hampshire"]),
        ("Norfolk and Suffolk Combined County Authority", ["Norfolk", "Suffolk"]),
        ("Greater Essex Combined County Authority", ["Essex"]),
    ],
)
def test_authorities_that_the_table_lacks_are_caught_by_their_members(text: str, names: list[str]) -> None:
    assert found(text) == names


def test_a_name_of_two_councils_is_the_current_one() -> None:
    assert [m.gss for m in NAMES.find("Somerset, North Yorkshire, Dorset")] == ["E06000066", "E06000065", "E06000059"]
    assert [m.gss for m in NAMES.find("Somerset County Council")] == ["E10000027"]


WORDS = [name for c in COUNCILS for name in (c.name, c.short_name, *c.alternative_names)]
FILLER = ["in", "the", "Reading", "Bath", "and", ", ", ". ", "\n\n", "'s", "\u2019s", "-", " & ", "St.", "Mr ", "🙂"]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(WORDS), st.sampled_from(FILLER), st.text(max_size=8)), max_size=12),
       st.sampled_from(["", " ", "  "]))  # fmt: skip
def test_offsets_point_at_the_text_in_order_without_overlap(parts: list[str], separator: str) -> None:
    text = separator.join(parts)
    names = {council.name for council in (*COUNCILS, *FORMER)}
    end = 0
    for mention in NAMES.find(text):
        assert text[mention.start : mention.end] == mention.text != ""
        assert mention.start >= end
        assert mention.name in names
        end = mention.end


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40), st.sampled_from(COUNCILS), st.text(max_size=40))
def test_a_full_name_is_found_whatever_paragraphs_stand_around_it(before: str, council: Council, after: str) -> None:
    text = f"{before}\n\n{council.name}\n\n{after}"
    assert council.gss in {mention.gss for mention in NAMES.find(text)}


def test_twenty_thousand_characters_are_quick() -> None:
    sentence = "Reading the report, Leeds City Council and officers of Bath and North East Somerset saw St Helens. "
    awkward = ("Bath " * 4_000, "St." + " " * 20_000 + "Helens", "Leeds" + " " * 20_000, "Bath and North East " * 1_000)
    for text in ((sentence * 200)[:20_000], *awkward):
        times = []
        for _ in range(3):
            start = time.perf_counter()
            NAMES.find(text)
            times.append(time.perf_counter() - start)
        assert min(times) < SPEED_LIMIT_SECONDS
