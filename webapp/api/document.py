"""The OpenAPI 3.1 document of the API: made from the tables by which the API itself reads and answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kb.pasted import TEXT_MAX_CHARACTERS
from webapp.api import examples, parameters
from webapp.api.parameters import GSS_PATTERN, LIMIT, PAGE, Parameter
from webapp.api.problems import (
    FAILED,
    MIMETYPE,
    NO_SUCH_COUNCIL,
    NO_SUCH_PAGE,
    NO_SUCH_RECORD,
    NOT_OPEN,
    TOO_LARGE,
    TOO_LONG,
    UNREADABLE,
    WRONG_BODY,
    WRONG_PARAMETERS,
    WRONG_TYPE,
    Kind,
)
from webapp.api.schemas import RECORD_ID, make_schemas
from webapp.api.shapes import Schema, ref
from webapp.api.signs import JSON, PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterable
    from http import HTTPStatus

VERSION: Final = "1.0.0"
SERVER: Final = "/api/v1"
LICENCE: Final = {"name": "CC BY 4.0", "identifier": "CC-BY-4.0"}

# The words that go with the document as a whole, by heading; the page shows them as paragraphs.
NOTES: Final = {
    "Paging": (
        f"A list comes in pages: `page` from {PAGE.least}, `limit` entries on each (up to {LIMIT.most}, as a rule "
        f"{LIMIT.default}). `total` and `pages` say how much there is; `previous` and `next` are the addresses of the "
        "pages beside this one, or null. A page after the last is a problem that says how many there are.",
    ),
    "Limits": (
        "A question, a text and a list have the limits that stand with them. There is no key and no quota: the server "
        "answers a few requests at a time, and others wait their turn. Ask one after the other, and keep what you got: "
        "a record has an `ETag`, and `If-None-Match` costs next to nothing.",
    ),
    "Versions": (
        "This is version 1, and its addresses begin with `/api/v1`. It stays compatible: members, parameters and codes "
        "may be added, none is taken away or given another meaning. So pass over members that you do not know. "
        "Anything else would be `/api/v2`, beside this one.",
    ),
    "What is kept of a request": (
        "Nothing of a question or of a text is written to a log or stored, and no cookie is read or set.",
    ),
    "Other sites": (
        "Call the API from a server or a script. A browser that shows another site's page is not let in (no CORS "
        "headers are sent): a library can stand inside a council's own network, and no page that somebody there visits "
        "may read it through their browser.",
    ),
    "Licence": (
        'Records: CC BY 4.0. Credit "Critical Friend library", with the record\'s id and its `checked_on` date. '
        "The sources that a record cites belong to their publishers. Nothing here ranks councils, and it may not be "
        "presented as if it did.",
    ),
}


@dataclass(frozen=True, slots=True)
class PathPart:
    """A part of a path that varies."""

    name: str
    about: str
    schema: Schema
    example: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of the API, as the document describes it. `name` is the Flask endpoint that answers it.

    `schema` is the shape of the answer, `example` an answer, `asked` the query that it answers; `problems` are its own,
    beside those that every address can have. `cached` answers have an ETag.
    """

    name: str
    path: str
    summary: str
    about: str
    schema: Schema
    example: Any
    parts: tuple[PathPart, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    problems: tuple[Kind, ...] = ()
    method: str = "get"
    body: Schema | None = None
    cached: bool = False
    asked: tuple[tuple[str, str], ...] = ()


_RECORD_ID: Final = PathPart(
    "record_id", "The record's id, as lists and hits have it", RECORD_ID, examples.RECORD["id"]
)


_GSS: Final = PathPart(
    "gss",
    "GSS code of the council, a former one too",
    {"type": "string", "pattern": f"^{GSS_PATTERN}$"},
    examples.SIMILAR["council"]["gss"],
)


def _text_body() -> Schema:
    """The body of a text, as itself or as the one member of an object."""
    text = {"type": "string", "minLength": 1, "maxLength": TEXT_MAX_CHARACTERS}
    sent = {
        "type": "object",
        "description": "A text",
        "properties": {"text": {**text, "description": "The text"}},
        "required": ["text"],
        "additionalProperties": False,
    }
    content = {
        PLAIN: {"schema": text, "example": examples.TEXT},
        JSON: {"schema": sent, "example": {"text": examples.TEXT}},
    }
    described = f"A situation, a report or a register: up to {TEXT_MAX_CHARACTERS:,} characters, in UTF-8"
    return {"description": described, "required": True, "content": content}


def endpoints(question_max: int) -> tuple[Endpoint, ...]:
    """Every address of the API, in the order in which the page shows them."""
    return (
        Endpoint(
            "search",
            "/search",
            "Ask a question",
            "Ranked records, each led by the passage that answers best. Values of one filter are alternatives, filters "
            "are combined, and all of them apply before anything is ranked. Where nothing is close, `close` is false "
            "and the hits are the nearest there are, all weak.",
            ref("Answer"),
            examples.ANSWER,
            parameters=(parameters.question(question_max), *parameters.SEARCH),
            problems=(NO_SUCH_PAGE, TOO_LONG),
            asked=examples.ASKED,
        ),
        Endpoint(
            "records",
            "/records",
            "List records",
            "The records that fit the filters, by title. Without filters: the whole library.",
            ref("Records"),
            examples.RECORDS,
            parameters=parameters.LIST,
            problems=(NO_SUCH_PAGE,),
            cached=True,
            asked=examples.LISTED,
        ),
        Endpoint(
            "record",
            "/records/{record_id}",
            "Read a record",
            "The whole of it: its facts, its sources and its sections.",
            ref("Record"),
            examples.RECORD,
            parts=(_RECORD_ID,),
            problems=(NO_SUCH_RECORD,),
            cached=True,
        ),
        Endpoint(
            "councils",
            "/councils",
            "List councils",
            "Every principal authority of the United Kingdom, by name, with its GSS code. One list, without pages.",
            ref("Councils"),
            examples.COUNCILS,
            cached=True,
        ),
        Endpoint(
            "similar",
            "/councils/{gss}/similar",
            "Find places alike",
            "The councils whose places are most like this one's, by facts of the place: what the council runs, its "
            "population, how rural and how deprived it is, its region and its borders. It says nothing of how well any "
            "council does.",
            ref("Similar"),
            examples.SIMILAR,
            parts=(_GSS,),
            parameters=parameters.SIMILAR,
            problems=(NO_SUCH_COUNCIL,),
            cached=True,
            asked=examples.LIKENED,
        ),
        Endpoint(
            "signs",
            "/signs",
            "Check a text for warning signs",
            "Each paragraph of the text is held against the warning signs of the library: which of them it shows, or "
            "is worth comparing with, what happened next where they came first, and who got better, and how. Nothing "
            "of the text is stored or written to a log.",
            ref("Signs"),
            examples.SIGNS,
            problems=(TOO_LARGE, WRONG_TYPE, WRONG_BODY, TOO_LONG),
            method="post",
            body=_text_body(),
        ),
        Endpoint(
            "openapi",
            "/openapi.json",
            "Read this description",
            "The OpenAPI 3.1 document that this page is made from.",
            {"type": "object", "description": "An OpenAPI 3.1 document", "required": ["openapi", "info", "paths"]},
            {"openapi": "3.1.1", "info": {"title": "Critical Friend", "version": VERSION}, "paths": {}},
            cached=True,
        ),
    )


def make_document(question_max: int) -> dict[str, Any]:
    """The whole document; `question_max` is the longest question, in characters."""
    every = endpoints(question_max)
    used = {parameter.key: parameter for endpoint in every for parameter in endpoint.parameters}
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in every:
        paths.setdefault(endpoint.path, {})[endpoint.method] = _operation(endpoint)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Critical Friend",
            "version": VERSION,
            "summary": "What worked, what did not, and what came before: the experience of local public services.",
            "description": "\n\n".join(f"## {heading}\n\n{' '.join(words)}" for heading, words in NOTES.items()),
            "license": LICENCE,
        },
        "servers": [{"url": SERVER, "description": "This server"}],
        "paths": paths,
        "components": {
            "schemas": make_schemas(),
            "parameters": {name: _parameter(parameter) for name, parameter in used.items()},
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    parts = [
        {
            "name": part.name,
            "in": "path",
            "required": True,
            "description": part.about,
            "schema": part.schema,
            "example": part.example,
        }
        for part in endpoint.parts
    ]
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": endpoint.about,
        "parameters": [*parts, *({"$ref": f"#/components/parameters/{one.key}"} for one in endpoint.parameters)],
        "responses": _responses(endpoint),
    }
    if endpoint.body is not None:
        operation["requestBody"] = endpoint.body
    return operation


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    content = {JSON: {"schema": endpoint.schema, "example": endpoint.example}}
    done: dict[str, Any] = {"description": "Done", "content": content}
    responses: dict[str, Any] = {"200": done}
    if endpoint.cached:
        etag = {"description": "Changes when the answer does", "schema": {"type": "string"}}
        done["headers"] = {"ETag": etag}
        responses["304"] = {"description": "You have it already: `If-None-Match` named its `ETag`"}
    by_status: dict[HTTPStatus, list[Kind]] = {}
    for kind in (WRONG_PARAMETERS, UNREADABLE, *endpoint.problems, FAILED, NOT_OPEN):
        by_status.setdefault(kind.status, []).append(kind)
    for status, kinds in sorted(by_status.items()):
        responses[str(int(status))] = _problem(kinds)
    return responses


def _problem(kinds: Iterable[Kind]) -> dict[str, Any]:
    listed = list(kinds)
    examples = {
        kind.name: {
            "summary": kind.title,
            "value": {
                "type": kind.type,
                "title": kind.title,
                "status": int(kind.status),
                "detail": kind.meaning,
                "instance": f"{SERVER}/",
            },
        }
        for kind in listed
    }
    description = "; or ".join(kind.title[0].lower() + kind.title[1:] for kind in listed)
    return {
        "description": description[0].upper() + description[1:],
        "content": {MIMETYPE: {"schema": ref("Problem"), "examples": examples}},
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema = _values(parameter)
    described: dict[str, Any] = {"name": parameter.name, "in": "query", "description": parameter.about}
    if parameter.required:
        described["required"] = True
    if parameter.several:
        schema = {"type": "array", "items": schema}
        described |= {"style": "form", "explode": True, "example": [parameter.example]}
    else:
        described["example"] = int(parameter.example) if parameter.most else parameter.example
    return {**described, "schema": schema}


def _values(parameter: Parameter) -> Schema:
    if parameter.codes:
        schema: Schema = {"type": "string", "enum": list(parameter.codes)}
    elif parameter.most:
        schema = {"type": "integer", "minimum": parameter.least, "maximum": parameter.most}
    else:
        schema = {"type": "string"}
    if parameter.longest:
        schema["maxLength"] = parameter.longest
    if parameter.pattern:
        schema["pattern"] = f"^{parameter.pattern}$"
    if parameter.default:
        schema["default"] = int(parameter.default) if parameter.most else parameter.default
    return schema
