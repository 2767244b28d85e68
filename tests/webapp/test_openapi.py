"""The description of the API is valid, is of all there is, and is what the API does."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from kb.filters import FIELDS
from kb.records import FRONT_MATTER
from kb.search import ORDERS
from kb.views import VIEWS
from kb.vocabulary import ALL
from webapp import questions
from webapp.api import examples, problems
from webapp.api.document import SERVER, make_document
from webapp.api.schemas import make_schemas

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient

DOCUMENT = make_document(2000)
REGISTRY = Registry().with_resource("urn:api", DRAFT202012.create_resource(DOCUMENT))
NOTTINGHAM = "E06000018"
# For each shape, requests that between them have all of it.
ASKED = {
    "Answer": (
        "/search?q=What+went+wrong+with+our+SEND+transport%3F&view=outcomes&limit=20",
        "/search?q=section+114&view=signs&sort=evidence&council=E06000018&places=first",
        "/search?q=sourdough+bread",
        "/search?q=",
    ),
    "Records": ("/records?limit=100", "/records?kind=lesson&nation=Wales"),
    "Councils": ("/councils",),
    "Similar": (f"/councils/{NOTTINGHAM}/similar?limit=100", f"/councils/{NOTTINGHAM}/similar?factor=region"),
}
TEXT = """The company has asked for a third loan this year, and its accounts are late again.

Reserves cover the overspend in adult social care each quarter. Nobody has asked what happens when they are gone."""


def schema(reference: str) -> dict[str, Any]:
    return {"$ref": f"urn:api#/components/schemas/{reference}"}


def check(value: object, reference: str) -> None:
    """Whether a value has a shape, and no member that the shape does not speak of."""
    validator = jsonschema.Draft202012Validator(schema(reference), registry=REGISTRY)
    assert [f"{fault.json_path}: {fault.message}" for fault in validator.iter_errors(value)] == []
    assert list(undescribed(value, DOCUMENT["components"]["schemas"][reference], reference)) == []


def undescribed(value: object, of: dict[str, Any], path: str) -> Iterator[str]:
    if "$ref" in of:
        of = DOCUMENT["components"]["schemas"][of["$ref"].rsplit("/", 1)[1]]
    if "oneOf" in of:
        if isinstance(value, dict):
            options = [
                DOCUMENT["components"]["schemas"].get(one.get("$ref", "").rsplit("/", 1)[-1]) for one in of["oneOf"]
            ]
            kinds = [one for one in options if one]
            right = [
                one for one in kinds if one["properties"].get("kind", {}).get("const") in (None, value.get("kind"))
            ]
            yield from undescribed(value, right[0], path)
        return
    if isinstance(value, list):
        for entry in value:
            yield from undescribed(entry, of["items"], f"{path}[]")
    elif isinstance(value, dict):
        for name, member in value.items():
            inner = of.get("properties", {}).get(name) or of.get("additionalProperties")
            if inner:
                yield from undescribed(member, inner, f"{path}.{name}")
            else:
                yield f"{path}.{name}"


def test_the_check_finds_what_is_not_described() -> None:
    council = {**examples.COUNCILS["councils"][0], "rank": 1}
    with pytest.raises(AssertionError, match=r"Council\.rank"):
        check(council, "Council")
    with pytest.raises(AssertionError, match="is not one of"):
        check({**council, "nation": "France"}, "Council")


# --- the document -----------------------------------------------------------------------------------------------------


def test_the_document_is_valid() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_the_document_is_served(client: FlaskClient) -> None:
    response = client.get(f"{SERVER}/openapi.json")
    assert response.mimetype == "application/json"
    assert response.get_json() == DOCUMENT
    assert DOCUMENT["servers"][0]["url"] == SERVER


def test_every_route_is_in_the_document_and_the_other_way_round(app: Flask) -> None:
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower(), rule.endpoint.removeprefix("api."))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in rule.methods or ()
        if method not in ("HEAD", "OPTIONS")
    }
    described = {
        (f"{SERVER}{path}", method, operation["operationId"])
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    }
    assert served == described


def test_closed_lists_are_those_of_the_library() -> None:
    parameters = DOCUMENT["components"]["parameters"]
    for field, words in FIELDS.items():
        assert parameters[field]["schema"]["items"]["enum"] == list(words.codes)
    assert parameters["sort"]["schema"]["enum"] == list(ORDERS)
    assert parameters["view"]["schema"]["enum"] == list(VIEWS)
    assert parameters["places"]["schema"]["enum"] == list(questions.WAYS["places"].codes)
    assert parameters["q"]["schema"]["maxLength"] == 2000
    assert make_document(50)["components"]["parameters"]["q"]["schema"]["maxLength"] == 50


@pytest.mark.parametrize("kind", ["case", "lesson"])
def test_a_record_is_described_by_its_front_matter(kind: str) -> None:
    members = make_schemas()[kind.title()]["properties"]
    assert list(members)[: len(FRONT_MATTER[kind])] == list(FRONT_MATTER[kind])
    assert members["kind"]["const"] == kind
    assert members["outcome"]["enum"] == list(ALL["outcome"].codes)


def test_every_parameter_and_member_is_explained() -> None:
    unexplained = [
        f"{name}.{member}"
        for name, one in DOCUMENT["components"]["schemas"].items()
        for member, shape in one.get("properties", {}).items()
        if "$ref" not in shape and not shape.get("description")
    ]
    assert unexplained == []
    assert all(len(one["description"]) > 3 for one in DOCUMENT["components"]["parameters"].values())


@pytest.mark.parametrize(
    ("example", "shape"),
    [
        (examples.ANSWER, "Answer"),
        (examples.RECORDS, "Records"),
        (examples.RECORD, "Record"),
        (examples.COUNCILS, "Councils"),
        (examples.SIMILAR, "Similar"),
        (examples.SIGNS, "Signs"),
    ],
)
def test_an_example_has_the_shape_that_it_shows(example: dict[str, Any], shape: str) -> None:
    check(example, shape)


def test_a_problem_has_its_shape(client: FlaskClient) -> None:
    for path in ("search?limit=0", "nope", "records/nope", "records?page=7", "search?q=" + "x" * 3000):
        check(client.get(f"{SERVER}/{path}").get_json(force=True), "Problem")


# --- the library ------------------------------------------------------------------------------------------------------


@pytest.mark.model
@pytest.mark.parametrize("shape", ASKED)
def test_answers_are_as_described(whole_client: FlaskClient, shape: str) -> None:
    for path in ASKED[shape]:
        response = whole_client.get(f"{SERVER}{path}")
        assert response.status_code == 200
        check(response.get_json(), shape)


@pytest.mark.model
def test_every_record_is_as_described(whole_client: FlaskClient) -> None:
    address: str | None = f"{SERVER}/records?limit=100"
    found = []
    while address:
        answer = whole_client.get(address).get_json()
        found += [entry["id"] for entry in answer["records"]]
        address = answer["next"]
    assert len(found) == len(set(found)) == answer["total"] > 100
    for record in found:
        check(whole_client.get(f"{SERVER}/records/{record}").get_json(), "Record")


@pytest.mark.model
def test_signs_are_as_described(whole_client: FlaskClient) -> None:
    answer = whole_client.post(f"{SERVER}/signs", data=TEXT, content_type="text/plain").get_json()
    assert answer["found"]
    check(answer, "Signs")


@pytest.mark.model
def test_pages_of_an_answer_follow_one_another(whole_client: FlaskClient) -> None:
    first = whole_client.get(f"{SERVER}/search?q=section+114+notice&limit=4").get_json()
    assert first["pages"] == -(-first["total"] // 4)
    assert first["pages"] > 1
    ranks, seen, answer = [], [], first
    while True:
        bearing = [hit for hit in answer["hits"] if hit["band"] != "weak"]
        ranks += [hit["rank"] for hit in bearing]
        seen += [hit["record"] for hit in bearing]
        if answer["next"] is None:
            break
        answer = whole_client.get(answer["next"]).get_json()
    assert ranks == list(range(1, first["total"] + 1))
    assert len(set(seen)) == first["total"]


# --- the page ---------------------------------------------------------------------------------------------------------


def test_the_page_has_all_of_the_document(client: FlaskClient) -> None:
    page = unescape(client.get("/api").text)
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            assert f'id="{operation["operationId"]}"' in page
            assert f"<strong>{method.upper()}</strong> <code>{SERVER}{path}</code>" in page
    for name, parameter in DOCUMENT["components"]["parameters"].items():
        assert f"<code>{parameter['name']}</code>" in page, name
    for name in DOCUMENT["components"]["schemas"]:
        assert f'id="shape-{name}"' in page
    for kind in problems.KINDS:
        assert f'id="{kind.anchor}"' in page


def test_no_link_of_the_page_leads_nowhere(client: FlaskClient) -> None:
    page = client.get("/api").text
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for link in re.findall(r'href="#([^"]+)"', page):
        assert link in ids
    for link in set(re.findall(r'href="(/[^"#]*)', page)):
        assert client.get(link).status_code == 200, link


def test_the_examples_of_the_page_can_be_asked(client: FlaskClient) -> None:
    page = unescape(client.get("/api").text)
    commands = re.findall(r"<code>curl(?: --get)? 'http://localhost([^']+)'(.*?)</code>", page, re.DOTALL)
    assert len(commands) > len(DOCUMENT["paths"])
    for path, rest in commands:
        query = [tuple(pair.split("=", 1)) for pair in re.findall(r"--data-urlencode '([^']*)'", rest)]
        if "--data-binary" in rest:
            response = client.post(path, data="late", content_type="text/plain")
        else:
            response = client.get(path, query_string=query)
        assert response.status_code == 200, path


def test_it_is_found_from_other_pages(client: FlaskClient) -> None:
    assert 'href="/api"' in client.get("/about").text
    assert 'href="/api"' in client.get("/").text
