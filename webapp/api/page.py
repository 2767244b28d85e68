"""The page for developers: the OpenAPI document, laid out for people."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from flask import Blueprint, current_app, render_template, request

from kb.filters import FIELDS
from webapp.api.document import NOTES, SERVER, Endpoint, endpoints, make_document
from webapp.api.problems import KINDS
from webapp.revalidation import revalidated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flask.typing import ResponseReturnValue

blueprint = Blueprint("developers", __name__)

_REFERENCE: Final = "#/components/schemas/"
# As many codes as a line of the table has room for; more are folded away.
_CODES_SHOWN: Final = 8
# Stands for the address of the server in the commands that the page shows.
SITE: Final = "{site}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: a parameter, or a member of an answer. `shape` names the shape that its type leads to."""

    name: str
    type: str
    about: str
    shape: str = ""
    codes: tuple[str, ...] = ()
    required: bool = False
    default: str = ""

    @property
    def folded(self) -> bool:
        return len(self.codes) > _CODES_SHOWN


@dataclass(frozen=True, slots=True)
class Operation:
    """One address with all that is to be said of it."""

    id: str
    method: str
    path: str
    summary: str
    about: str
    parameters: tuple[Row, ...]
    filtered: bool
    shape: str
    command: str
    example: str
    problems: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Laid:
    """The whole document as the page has it."""

    version: str
    operations: tuple[Operation, ...]
    filters: tuple[Row, ...]
    shapes: tuple[tuple[str, Mapping[str, Any], tuple[Row, ...]], ...]


@blueprint.get("/api")
def page() -> ResponseReturnValue:
    laid = _lay_out(current_app.config["QUESTION_MAX"])
    site = request.host_url.rstrip("/")
    return revalidated(render_template("api.html", laid=laid, site=site, server=SERVER, notes=NOTES, kinds=KINDS))


@lru_cache(maxsize=4)
def _lay_out(longest: int) -> Laid:
    """Made once for each greatest length of a question, of which an app has one."""
    document = make_document(longest)
    every = {endpoint.name: endpoint for endpoint in endpoints(longest)}
    operations = [
        _operation(document, every[operation["operationId"]], operation)
        for methods in document["paths"].values()
        for operation in methods.values()
    ]
    parameters, schemas = document["components"]["parameters"], document["components"]["schemas"]
    return Laid(
        document["info"]["version"],
        tuple(operations),
        tuple(_parameter_row(parameters[field]) for field in FIELDS),
        tuple((name, schema, _members(schema)) for name, schema in schemas.items()),
    )


def _operation(document: Mapping[str, Any], endpoint: Endpoint, operation: Mapping[str, Any]) -> Operation:
    parameters = [_resolved(document, one) for one in operation["parameters"]]
    answer = operation["responses"]["200"]["content"]["application/json"]
    return Operation(
        id=endpoint.name,
        method=endpoint.method.upper(),
        path=f"{SERVER}{endpoint.path}",
        summary=operation["summary"],
        about=operation["description"],
        parameters=tuple(_parameter_row(one) for one in parameters if one["name"] not in FIELDS),
        filtered=any(one["name"] in FIELDS for one in parameters),
        shape=_shape(answer["schema"]),
        command=_command(endpoint),
        example=json.dumps(answer["example"], ensure_ascii=False, indent=2),
        problems=endpoint.problems,
    )


def _resolved(document: Mapping[str, Any], parameter: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in parameter:
        return parameter
    found: Mapping[str, Any] = document["components"]["parameters"][parameter["$ref"].rsplit("/", 1)[1]]
    return found


def _parameter_row(parameter: Mapping[str, Any]) -> Row:
    schema = parameter["schema"]
    value = schema.get("items", schema)
    words = "any of these codes" if schema.get("type") == "array" else "one of these codes"
    codes = tuple(value.get("enum", ()))
    return Row(
        parameter["name"],
        words if codes else _type(schema),
        parameter["description"],
        codes=codes,
        required=parameter.get("required", False),
        default=str(schema.get("default", "")),
    )


def _command(endpoint: Endpoint) -> str:
    """The request that the example answers, for a terminal."""
    path = endpoint.path
    for part in endpoint.parts:
        path = path.replace(f"{{{part.name}}}", quote(part.example))
    address = f"'{SITE}{SERVER}{path}'"
    if endpoint.method == "post":
        lines = [f"curl {address}", "--header 'Content-Type: text/plain; charset=utf-8'", "--data-binary @report.txt"]
    else:
        lines = [f"curl{' --get' if endpoint.asked else ''} {address}"]
        lines += [f"--data-urlencode '{name}={value}'" for name, value in endpoint.asked]
    return " \\\n  ".join(lines)


# --- shapes -----------------------------------------------------------------------------------------------------------


def _members(schema: Mapping[str, Any], prefix: str = "") -> tuple[Row, ...]:
    """The members of a shape, those of shapes without a name under the member that has them."""
    return tuple(
        row for name, member in schema.get("properties", {}).items() for row in _rows(f"{prefix}{name}", member)
    )


def _rows(name: str, member: Mapping[str, Any]) -> Iterator[Row]:
    value = member.get("items", member)
    codes = tuple(str(code) for code in value.get("enum", ()) if code is not None)
    yield Row(name, _type(member), member.get("description") or value.get("description", ""), _shape(member), codes)
    yield from _members(value, f"{name}[]." if value is not member else f"{name}.")


def _shape(schema: Mapping[str, Any]) -> str:
    """The name of the shape that a member has, or that the entries of a list have; empty for one without a name."""
    reference: str = schema.get("items", schema).get("$ref", "")
    return reference.removeprefix(_REFERENCE)


def _type(schema: Mapping[str, Any]) -> str:
    """What a value is, in words."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(_REFERENCE)
    kinds = schema.get("type", "object")
    kind, or_null = (kinds[0], " or null") if isinstance(kinds, list) else (kinds, "")
    if kind == "array":
        return f"list of {_plural(_type(schema['items']))}{or_null}"
    if kind == "integer" and "maximum" in schema:
        most = schema["maximum"]
        return f"whole number, {schema['minimum']} to {most if most < 10_000 else f'{most:,}'}{or_null}"
    words = {"integer": "whole number", "string": "text", "boolean": "true or false"}.get(kind, kind)
    if "enum" in schema:
        words = "code"
    if "const" in schema:
        words = f"always \u201c{schema['const']}\u201d"
    longest = f", up to {schema['maxLength']:,} characters" if schema.get("maxLength", 0) >= 1000 else ""
    return f"{words}{longest}{or_null}"


def _plural(word: str) -> str:
    return {"Entry": "Entry", "text": "texts"}.get(word, word if word[:1].isupper() else f"{word}s")
