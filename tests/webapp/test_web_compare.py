"""Records side by side: what stands beside what, and every way to choose them wrongly."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from made_up import make_case, make_lesson
from made_up_library import MadeUpLibrary

from webapp import create_app
from webapp.assets import read_build

if TYPE_CHECKING:
    from flask.testing import FlaskClient

CASE = "nottingham-robin-hood-energy"
LESSON = "l-7q2m9x"


def comparing(*names: str) -> str:
    return f"/compare?{urlencode([('id', name) for name in names])}"


@pytest.fixture
def several() -> FlaskClient:
    """The app over six cases and a lesson."""
    names = ("First", "Second", "Third", "Fourth", "Fifth", "Fifth")
    cases = [
        make_case(id=f"c-{number}", title=f"Title {number}", organisations=[{"name": f"{name} Council"}])
        for number, name in enumerate(names)
    ]
    library = MadeUpLibrary([*cases, make_lesson()])
    return create_app({"KNOWLEDGE_BASE": library, "QUESTION_MAX": 2000, "TESTING": True}).test_client()


def test_two_records_stand_side_by_side_section_by_section(client: FlaskClient) -> None:
    page = client.get(comparing(CASE, LESSON))
    assert page.status_code == 200
    headings = re.findall(r'<h2[^>]*id="part-[^>]*>([^<]+)<', page.text)
    assert headings[:3] == ["Situation", "What was done", "What happened"]
    cells = page.text.count('class="cf-compare__cell"')
    assert cells == 2 * len(headings)
    assert f'href="/records/{CASE}#situation"' in page.text
    for fact in ("Outcome", "Place", "Years", "Kind", "Services", "Who found it", "How the effect was measured"):
        assert f'<th scope="row">{fact}</th>' in page.text


def test_source_marks_lead_to_the_records_own_page(client: FlaskClient) -> None:
    page = client.get(comparing(CASE, LESSON)).text
    assert f'href="/records/{CASE}#source-s1"' in page
    assert 'href="#source-' not in page


def test_no_id_stands_twice_on_the_page(several: FlaskClient) -> None:
    for path in (comparing("c-0", "c-1", "c-2", "l-2b7xq4"), "/compare"):
        ids = re.findall(r'\sid="([^"]+)"', several.get(path).text)
        assert len(ids) == len(set(ids))


def test_what_a_record_does_not_tell_is_said(several: FlaskClient) -> None:
    page = several.get(comparing("c-0", "l-2b7xq4")).text
    assert page.count("Not told in this record.") == 1  # the case has no warning signs
    assert "Recorded for named cases only" in page
    assert "Recorded for lessons only" in page


def test_a_column_is_named_by_its_body_or_else_by_its_title(several: FlaskClient) -> None:
    page = several.get(comparing("c-0", "c-4", "c-5", "l-2b7xq4")).text
    names = re.findall(r'<td data-name="([^"]+)"', page)[:4]
    assert names == ["First Council", "Title 4", "Title 5", "The dashboard that was green until the regulator came"]


def test_a_record_can_be_taken_out_while_two_are_left(several: FlaskClient) -> None:
    page = several.get(comparing("c-0", "c-1", "c-2")).text
    assert 'href="/compare?id=c-0&amp;id=c-2"' in page
    assert several.get("/compare?id=c-0&id=c-2").status_code == 200
    assert "Take out" not in several.get(comparing("c-0", "c-1")).text


def test_without_ids_the_page_says_how_and_offers_every_record_once(several: FlaskClient) -> None:
    page = several.get("/compare")
    assert page.status_code == 200
    boxes = re.findall(r'type="checkbox" value="([^"]+)"', page.text)
    assert sorted(boxes) == sorted([*(f"c-{number}" for number in range(6)), "l-2b7xq4"])
    assert "govuk-error-summary" not in page.text
    assert " checked>" not in page.text


def test_choosing_again_keeps_what_is_chosen(several: FlaskClient) -> None:
    page = several.get("/compare/choose?id=c-0&id=c-3")
    assert page.status_code == 200
    assert re.findall(r'value="([^"]+)" checked>', page.text) == ["c-0", "c-3"]
    assert "govuk-error-summary" not in page.text


@pytest.mark.parametrize(
    ("names", "status", "said", "kept"),
    [
        (["c-0"], 400, "Choose at least two records; one is chosen.", ["c-0"]),
        (["nowhere"], 404, "There is no record \u201cnowhere\u201d.", []),
        (["c-0", "nowhere"], 404, "There is no record \u201cnowhere\u201d.", ["c-0"]),
        (["c-0", "c-1", "nowhere"], 404, "There is no record \u201cnowhere\u201d.", ["c-0", "c-1"]),
        (["c-0", "c-0"], 400, "\u201cTitle 0\u201d is chosen twice. Choose it once.", ["c-0"]),
        (["c-0", "c-1", "c-0", "c-0"], 400, "\u201cTitle 0\u201d is chosen 3 times.", ["c-0", "c-1"]),
        (
            [f"c-{number}" for number in range(5)],
            400,
            "no more than 4 records; 5 are chosen",
            [f"c-{n}" for n in range(5)],
        ),
    ],
)
def test_a_wrong_choice_is_named_and_the_rest_is_kept(
    several: FlaskClient, names: list[str], status: int, said: str, kept: list[str]
) -> None:
    page = several.get(comparing(*names))
    assert page.status_code == status
    assert said in page.text
    assert re.findall(r'value="([^"]+)" checked>', page.text) == kept
    assert "<title>Error: " in page.text


def test_what_is_right_can_be_compared_at_once(several: FlaskClient) -> None:
    assert 'href="/compare?id=c-0&amp;id=c-1"' in several.get(comparing("c-0", "c-1", "nowhere")).text
    assert 'href="/compare?id=' not in several.get(comparing("c-0", "nowhere")).text


@pytest.mark.parametrize(
    "query",
    [
        "id=",
        "id=&id=c-0&id=c-1",
        "id=%00&id=c-0",
        "id=%ff%fe&id=c-0",
        "id=%3Cscript%3Ealert(1)%3C/script%3E&id=c-0",
        "id=" + "x" * 5000,
        "&".join(["id=c-0"] * 3000),
        "&".join(f"id=n{number}" for number in range(3000)),
        "id[]=c-0&ID=c-1",
        "id=../../etc/passwd&id=c-0'--",
    ],
)
def test_no_address_fails(several: FlaskClient, query: str) -> None:
    for path in ("/compare", "/compare/choose"):
        page = several.get(f"{path}?{query}")
        assert page.status_code in (200, 400, 404)
        assert "<script>alert" not in page.text
        assert len(page.data) < 60_000


def test_without_an_index_there_is_nothing_to_compare(client_without_index: FlaskClient) -> None:
    for path in ("/compare", comparing(CASE, LESSON), "/compare/choose"):
        assert client_without_index.get(path).status_code == 503


@pytest.mark.model
def test_comparing_the_longest_records_stays_light(whole_client: FlaskClient) -> None:
    rest = sum(len(asset.content) for name, asset in read_build().served.items() if name.startswith("app"))
    longest = ["northamptonshire-section-114", "croydon-section-114", "slough-section-114", "birmingham-oracle-erp"]
    page = whole_client.get(comparing(*longest))
    assert page.status_code == 200
    assert len(page.data) + rest < 250_000
    assert len(whole_client.get("/compare").data) + rest < 250_000
