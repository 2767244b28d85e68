"""The words of JSON Schema in which `webapp.api.schemas` says what an answer is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from kb.vocabulary import Vocabulary

Schema = dict[str, Any]

_DATE: Final = r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$"


def text(about: str, **more: Any) -> Schema:
    return {"type": "string", "description": about, **more}


def whole(about: str, least: int = 0, **more: Any) -> Schema:
    return {"type": "integer", "description": about, "minimum": least, **more}


def number(about: str, **more: Any) -> Schema:
    return {"type": "number", "description": about, **more}


def flag(about: str) -> Schema:
    return {"type": "boolean", "description": about}


def term(words: Vocabulary, about: str = "") -> Schema:
    return {"type": "string", "enum": list(words.codes), "description": about or words.label}


def several(items: Schema, about: str, **more: Any) -> Schema:
    return {"type": "array", "items": items, "description": about, **more}


def terms(words: Vocabulary) -> Schema:
    return several({"type": "string", "enum": list(words.codes)}, f"{words.label}, one or more")


def or_null(schema: Schema) -> Schema:
    """The same, or null."""
    if "enum" in schema:
        return {**schema, "type": [schema["type"], "null"], "enum": [*schema["enum"], None]}
    return {**schema, "type": [schema["type"], "null"]}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def thing(about: str, members: dict[str, Schema], optional: tuple[str, ...] = ()) -> Schema:
    """An object. Members may be added in time, so that others are not forbidden."""
    required = [name for name in members if name not in optional]
    return {"type": "object", "description": about, "properties": members, "required": required}


def date(about: str) -> Schema:
    return text(f"{about}: a year, a month or a day", pattern=_DATE)
