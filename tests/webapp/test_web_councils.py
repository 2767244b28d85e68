"""A person's council: choosing, keeping and forgetting it; the page of a place; a record's place beside one's own."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up_library import MadeUpLibrary

from kb.errors import KbError
from webapp import create_app
from webapp.councils import COOKIE, local_address

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

BARNSLEY, LEEDS, NORWICH = "E08000038", "E08000035", "E07000148"
CASE, LESSON = "/records/nottingham-robin-hood-energy", "/records/l-7q2m9x"
FUZZ = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def words_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


# --- choosing ---


def test_the_list_has_every_council_once_by_the_name_it_goes_by(client: FlaskClient) -> None:
    page = client.get("/council").text
    assert len(re.findall(r'<option value="[ENSW]\d{8}"', page)) == 398
    assert f'<option value="{BARNSLEY}"' in page
    assert ">Barnsley (metropolitan borough)</option>" in page
    assert ">Cardiff (Welsh council)</option>" in page
    assert "selected" not in page


def test_choosing_keeps_one_cookie_and_goes_on_to_the_place(client: FlaskClient) -> None:
    response = client.post("/council", data={"council": BARNSLEY})
    assert (response.status_code, response.location) == (303, f"/councils/{BARNSLEY}")
    cookies = response.headers.getlist("Set-Cookie")
    assert len(cookies) == 1
    parts = {part.strip() for part in cookies[0].split(";")}
    assert {f"{COOKIE}={BARNSLEY}", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=31536000"} <= parts
    assert "Secure" not in parts
    page = client.get("/about").text
    link = rf'<a class="govuk-link" href="/councils/{BARNSLEY}">\s*<span[^>]*>Your council: </span>Barnsley</a>'
    assert re.search(link, page)
    door = re.search(r'<a class="govuk-link" href="([^"]+)">Places like Barnsley</a>', client.get("/").text)
    assert door
    assert door[1] == f"/councils/{BARNSLEY}"


def test_over_https_the_cookie_is_never_sent_in_the_clear(client: FlaskClient) -> None:
    response = client.post("/council", data={"council": BARNSLEY}, base_url="https://localhost")
    assert "Secure" in response.headers["Set-Cookie"]


def test_no_page_sets_a_cookie_before_a_council_is_chosen(client: FlaskClient) -> None:
    for address in ("/", "/council", "/councils", f"/councils/{BARNSLEY}", f"/?council={LEEDS}", CASE, "/about"):
        assert "Set-Cookie" not in client.get(address).headers, address


@pytest.mark.parametrize(
    "typed", ["barnsley", "Barnsley Metropolitan Borough Council", "BARNSLEY COUNCIL", "E08000016"]
)
def test_what_was_typed_is_found_too(client: FlaskClient, typed: str) -> None:
    response = client.post("/council", data={"council": "", "typed": typed})
    assert response.status_code == (303 if typed != "BARNSLEY COUNCIL" else 422)


@pytest.mark.parametrize("data", [{}, {"council": ""}, {"council": "E99999999"}, {"typed": "Atlantis <b>"}])
def test_a_choice_that_is_none_is_told_so_by_its_field(client: FlaskClient, data: dict[str, str]) -> None:
    response = client.post("/council", data={**data, "next": CASE})
    assert response.status_code == 422
    assert "Set-Cookie" not in response.headers
    assert 'href="#council"' in response.text
    assert "Choose a council from the list" in response.text
    assert f'name="next" value="{CASE}"' in response.text
    assert "<b>" not in response.text.split("<main")[1]


def test_forgetting_takes_the_cookie_away(client: FlaskClient) -> None:
    client.post("/council", data={"council": BARNSLEY})
    assert "You chose <strong>Barnsley" in client.get("/council").text
    response = client.post("/council", data={"forget": "1", "next": "/about"})
    assert (response.status_code, response.location) == (303, "/about")
    assert "Max-Age=0" in response.headers["Set-Cookie"]
    assert "You chose" not in client.get("/council").text


def test_the_way_back_is_kept_and_followed(client: FlaskClient) -> None:
    page = client.get("/council", query_string={"next": "/search?q=bins&outcome=failed"}).text
    assert 'name="next" value="/search?q=bins&amp;outcome=failed"' in page
    response = client.post("/council", data={"council": LEEDS, "next": "/search?q=bins&council=E08000038#hit-2"})
    assert response.location == "/search?q=bins#hit-2"  # without the council of before


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "\\/evil.example", "///evil.example", "evil",
        "javascript:alert(1)", "/\t/evil.example", "/\n/evil.example", " //evil.example", "/a\r\nSet-Cookie: a=b",
        "http:/evil.example", "", "/" + "a" * 9000, "/a b", "/\x00", "/\ud800",
    ],
)  # fmt: skip
def test_no_other_site_is_gone_on_to(client: FlaskClient, address: str) -> None:
    assert local_address(address) == ""
    if "\ud800" not in address:
        response = client.post("/council", data={"council": LEEDS, "next": address})
        assert response.location == f"/councils/{LEEDS}"


@given(st.text(max_size=40))
def test_an_address_to_go_on_to_is_a_path_of_this_site_or_nothing(text: str) -> None:
    for address in (text, f"/{text}", f"//{text}", f"/?{text}"):
        following = local_address(address)
        assert following == "" or re.match(r"/(?![/\\])", following)
        assert not re.search(r"[\x00-\x20\\]", following)
        assert local_address(following) == following


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    ],
)
def test_a_form_from_another_site_is_refused(client: FlaskClient, headers: dict[str, str]) -> None:
    response = client.post("/council", data={"council": LEEDS}, headers=headers)
    assert response.status_code == 403
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize(
    "headers", [{}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": "http://localhost"}]
)
def test_a_form_of_this_site_is_taken(client: FlaskClient, headers: dict[str, str]) -> None:
    assert client.post("/council", data={"council": LEEDS}, headers=headers).status_code == 303


def test_the_pages_with_a_form_say_where_it_comes_from(client: FlaskClient) -> None:
    """Without a referrer policy of their own a browser sends `Origin: null`, which is refused."""
    for address in ("/council", f"/councils/{LEEDS}"):
        assert '<meta name="referrer" content="same-origin">' in client.get(address).text


# --- which council a page is seen from ---


def test_the_address_wins_over_the_cookie(client: FlaskClient) -> None:
    client.post("/council", data={"council": BARNSLEY})
    assert "You chose <strong>Leeds City Council" in client.get(f"/council?council={LEEDS}").text


@pytest.mark.parametrize("kept", ["", "E99999999", "x" * 4000, "E08000038 ", "leeds", "\u00e9"])
def test_a_cookie_that_is_no_council_counts_for_nothing(client: FlaskClient, kept: str) -> None:
    client.set_cookie(COOKIE, kept)
    response = client.get("/council")
    assert response.status_code == 200
    assert "You chose" not in response.text


def test_a_cookie_with_the_code_of_before_still_counts(client: FlaskClient) -> None:
    client.set_cookie(COOKIE, "E08000016")
    assert "You chose <strong>Barnsley" in client.get("/council").text


@pytest.mark.parametrize("value", ["E99999999", "leeds", "<script>", "E0800003", "x" * 5000])
def test_an_address_with_a_council_that_is_none_says_so(client: FlaskClient, value: str) -> None:
    for address in ("/council", LESSON):
        response = client.get(address, query_string={"council": value, "a": "b"})
        assert response.status_code == 400
        assert "There is no such council" in response.text
        assert f'href="{address}?a=b"' in response.text
        assert "<script>" not in response.text.split("<main")[1]


# --- the page of a place ---


def test_a_place_has_its_facts_and_those_like_it_in_words(client: FlaskClient) -> None:
    page = client.get(f"/councils/{BARNSLEY}").text
    words = words_of(page)
    assert "248,000 people" in words
    assert "Urban, 754 people to the km\u00b2" in words
    assert "mySociety" in words
    rows = re.findall(r'<tr><th scope="row">(.*?)</tr>', page, re.DOTALL)
    assert len(rows) == 10
    assert words_of(rows[0]) == (
        "Rotherham Statistical neighbour same type similar size as urban similarly deprived same region next door"
    )
    assert "Published by the Department for Education in 2025" in words
    assert len(re.findall(r"<td data-label=", page)) == 60
    assert len(client.get(f"/councils/{BARNSLEY}?show=20").text) > len(page)


def test_factors_are_switched_by_the_address(client: FlaskClient) -> None:
    page = client.get(f"/councils/{BARNSLEY}?factor=tier&factor=region").text
    assert set(re.findall(r'data-label="([^"]+)"', page)) == {"Type and tier", "Region and nation"}
    ticked = re.findall(r'value="(\w+)" checked', page)
    assert ticked == ["tier", "region"]
    assert "factor=tier&amp;factor=region&amp;show=20" in page
    assert re.findall(r'value="(\w+)" checked', client.get(f"/councils/{BARNSLEY}").text) == [
        "tier", "population", "rural_urban", "deprivation", "region", "bordering",
    ]  # fmt: skip


def test_a_factor_that_is_none_is_named_with_those_there_are(client: FlaskClient) -> None:
    response = client.get(f"/councils/{BARNSLEY}?factor=tier&factor=%3Cwealth%3E")
    assert response.status_code == 400
    assert "&lt;wealth&gt;" in response.text
    assert f'href="/councils/{BARNSLEY}?factor=deprivation"' in response.text


def test_a_district_has_no_published_neighbours(client: FlaskClient) -> None:
    page = client.get(f"/councils/{NORWICH}").text
    assert "Published statistical neighbours" not in page
    assert page.count('<tr><th scope="row">') == 10


def test_a_place_shows_what_the_library_has_about_it_and_its_like(client: FlaskClient) -> None:
    own = client.get("/councils/E06000018").text  # Nottingham
    assert "In the library about Nottingham" in own
    assert "In the library about places like it" not in own
    like = words_of(client.get(f"/councils/{LEEDS}").text)
    assert "In the library about places like it" in like
    assert re.search(r"Nottingham City Council.* same tier, smaller", like)


def test_without_an_index_a_place_has_its_facts_and_no_records(client_without_index: FlaskClient) -> None:
    response = client_without_index.get(f"/councils/{LEEDS}")
    assert response.status_code == 200
    assert "In the library" not in response.text


def test_making_a_place_one_s_own_from_its_page(client: FlaskClient) -> None:
    assert "Make this my council" in client.get(f"/councils/{LEEDS}").text
    response = client.post("/council", data={"council": LEEDS, "next": f"/councils/{LEEDS}"}, follow_redirects=True)
    assert "This is your council" in response.text


def test_a_code_of_before_leads_to_that_of_today(client: FlaskClient) -> None:
    response = client.get("/councils/E08000016?factor=tier")
    assert (response.status_code, response.location) == (302, f"/councils/{BARNSLEY}?factor=tier")


@pytest.mark.parametrize("code", ["E99999999", "leeds", "e08000035", "E07000029", "%00", "\u00e9", "x" * 3000])
def test_a_place_that_is_none_is_not_found(client: FlaskClient, code: str) -> None:
    response = client.get(f"/councils/{quote(code, safe='%')}")
    assert response.status_code == 404
    assert "There is no such council" in response.text
    assert 'href="/councils"' in response.text


def test_every_council_has_a_page_and_stands_in_the_list(client: FlaskClient) -> None:
    page = client.get("/councils").text
    codes = set(re.findall(r'href="/councils/([ENSW]\d{8})"', page))
    assert len(codes) == 398
    for code in sorted(codes)[::9]:
        assert client.get(f"/councils/{code}").status_code == 200


# --- would it transfer here? ---


def test_a_record_invites_to_choose_a_council_and_to_come_back(client: FlaskClient) -> None:
    page = client.get(CASE).text
    assert 'id="transfer-heading"' in page
    assert f'href="/council?next={quote(CASE)}"' in page or f'href="/council?next={CASE}"' in page
    assert "cf-beside" not in page


def test_a_case_is_laid_beside_the_chosen_council(client: FlaskClient) -> None:
    client.post("/council", data={"council": LEEDS})
    page = client.get(CASE).text
    part = words_of(page[page.index('id="transfer-heading"') :])
    assert "There: Nottingham Here: Leeds Compared" in part
    assert "Alike in type and tier" in part
    assert "a statistical neighbour" in part
    assert "%" not in part.split("Change your council")[0]  # no score


def test_a_lesson_says_what_cannot_be_compared(client: FlaskClient) -> None:
    page = words_of(client.get(f"{LESSON}?council={NORWICH}").text)
    assert "another kind of council" in page
    assert "The place is kept back on purpose" in page


# --- without a table, and with anything at all ---


class _WithoutTable(MadeUpLibrary):
    @property
    def peers(self) -> object:  # type: ignore[override]
        raise KbError("corpus/councils.csv: no such file; run scripts/council_table.py")


@pytest.fixture
def app_without_table() -> Flask:
    return create_app({"KNOWLEDGE_BASE": _WithoutTable(), "QUESTION_MAX": 2000, "TESTING": True})


def test_without_a_council_table_all_else_works(app_without_table: Flask, caplog: pytest.LogCaptureFixture) -> None:
    client = app_without_table.test_client()
    assert "The table of councils is missing" in client.get("/council").text
    for address in ("/", CASE, f"{CASE}?council={LEEDS}", "/councils"):
        assert client.get(address).status_code == 200
    assert client.get(f"/councils/{LEEDS}").status_code == 404
    assert client.post("/council", data={"council": LEEDS}).status_code == 422
    assert [record.message for record in caplog.records if "no councils to choose from" in record.message] == [
        "There are no councils to choose from: corpus/councils.csv: no such file; run scripts/council_table.py"
    ]


ANYTHING = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [BARNSLEY, "E08000016", "//x", "/search?q=a", "%ff", "a;b", "<b>", "\ud7ff", "tier", "20", "E07000029"]
    ),
)


@FUZZ
@given(data=st.dictionaries(st.sampled_from(["council", "typed", "next", "forget", "x"]), ANYTHING))
def test_nothing_that_is_posted_fails(client: FlaskClient, data: dict[str, str]) -> None:
    assert client.post("/council", data=data).status_code in (303, 422)


@FUZZ
@given(body=st.binary(max_size=200), kind=st.sampled_from(["application/x-www-form-urlencoded", "text/plain", ""]))
def test_no_body_fails(client: FlaskClient, body: bytes, kind: str) -> None:
    assert client.post("/council", data=body, content_type=kind).status_code in (303, 422)


@FUZZ
@given(
    path=st.one_of(ANYTHING, st.sampled_from(["", BARNSLEY])),
    query=st.lists(st.tuples(st.sampled_from(["factor", "show", "council", "next"]), ANYTHING), max_size=4),
    cookie=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='";,\\'), max_size=20),
)
def test_no_address_fails(client: FlaskClient, path: str, query: list[tuple[str, str]], cookie: str) -> None:
    client.set_cookie(COOKIE, cookie)
    for address in (f"/councils/{quote(path)}", "/councils", "/council"):
        assert client.get(address, query_string=query).status_code < 500, address


@pytest.mark.parametrize("query", ["council=%ff%fe", "next=%ff", "factor=%c3%28", "council=%00"])
def test_broken_utf_8_is_no_failure(client: FlaskClient, query: str) -> None:
    for address in ("/council", f"/councils/{LEEDS}"):
        assert client.get(f"{address}?{query}").status_code in (200, 400)
