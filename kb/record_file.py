"""A record's file: Markdown with YAML front matter <-> Record, keeping the line on which everything stands.

Reading never stops at the first fault: `parse` gives back either a record or every fault that it found, each with
its line. Writing is canonical and lossless: `parse(render(record))` is the record, for every record (property-tested).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from pydantic import BaseModel, ValidationError
from yaml.reader import ReaderError

from kb import vocabulary
from kb.records import FRONT_MATTER, KINDS, Place, Record
from kb.stand_ins import with_stand_ins

_FENCE: Final = "---"
_HEADING: Final = re.compile(r"^## +(.*?)\s*$")
_TITLE_HEADING: Final = re.compile(r"^# ")
_FOLDED: Final = ("summary", "contested")
_FOLD_AT_CHARACTERS: Final = 118
_NEVER_FOLD: Final = 1_000_000
_NEWLINE: Final = re.compile(r"\r\n?")


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in a file: the line (from 1), what is wrong and what would be right."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a file holds: the record (None when it could not be made), the faults, and the line of each part.

    `lines` maps a place such as `("sources", 0, "url")` or `("sections", 2)` to its line, counted from 1. For
    `kb.checks` alone: `partial` is the record or, when it could not be made, what there is of it with stand-ins for
    the rest, and `doubtful` has the places that could not be read.
    """

    record: Record | None
    faults: tuple[Fault, ...]
    lines: dict[Place, int] = field(default_factory=dict)
    partial: Record | None = None
    doubtful: frozenset[Place] = frozenset()

    def text_line(self, section: int) -> int:
        """The line on which the text of a section begins."""
        return self.lines["sections", section, "text"]

    def line_of(self, place: Place) -> int:
        """The line of a place, or of the nearest part around it that stands in the file."""
        for length in range(len(place), -1, -1):
            if place[:length] in self.lines:
                return self.lines[place[:length]]
        return 1


def parse(text: str) -> Parsed:
    """Reads a record's file. Raises nothing for bad content: every fault comes back with its line."""
    lines = _NEWLINE.sub("\n", text).removeprefix("\ufeff").split("\n")
    if lines[0].rstrip() != _FENCE:
        return Parsed(
            None,
            (Fault(1, "does not begin with '---'; a record begins with YAML front matter between two '---' lines"),),
        )
    end = next((number for number, line in enumerate(lines[1:], start=1) if line.rstrip() == _FENCE), None)
    if end is None:
        return Parsed(None, (Fault(1, "the front matter is never closed; end it with a line '---'"),))
    faults: list[Fault] = []
    places: dict[Place, int] = {(): 1}
    data = _front_matter("\n".join(lines[1:end]), places, faults)
    before = len(faults)
    sections = _sections(lines, end + 1, places, faults)
    # What stands under a heading that is not known was not read.
    doubtful: set[Place] = {("sections",)} if len(faults) > before else set()
    record, partial = (None, None) if data is None else _record(data, sections, places, faults, doubtful)
    faults.sort(key=lambda fault: fault.line)
    return Parsed(record, tuple(faults), places, partial, frozenset(doubtful))


class _Loader(yaml.BaseLoader):
    """Every scalar is text, and no part may stand for another: a few lines of aliases can unfold without end."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "an alias ('*name'), which records do not use", mark)
        return super().compose_node(parent, index)


def _front_matter(text: str, places: dict[Place, int], faults: list[Fault]) -> dict[str, Any] | None:
    try:
        node = yaml.compose(text, Loader=_Loader)
    except RecursionError:
        faults.append(Fault(2, "is not YAML of a record: it is nested too deeply; write lists and keys one level deep"))
        return None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 2
        faults.append(Fault(line, f"has the control character U+{int(error.character):04X}; remove it"))
        return None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 2
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        faults.append(Fault(line, f"is not YAML: {problem}; put a text that holds ': ' or '#' in double quotes"))
        return None
    if not isinstance(node, yaml.MappingNode):
        faults.append(Fault(2, "the front matter is not a list of 'key: value' lines"))
        return None
    value = _value(node, (), places, faults)
    assert isinstance(value, dict)  # noqa: S101  a MappingNode always gives a dict
    return value


def _value(node: yaml.Node, place: Place, places: dict[Place, int], faults: list[Fault]) -> Any:
    """The plain value of a YAML node: every scalar stays text, so that no `no` becomes False and no date a date."""
    line = node.start_mark.line + 2  # the mark counts from 0, and the fence stands above
    if place:
        places.setdefault(place, line)
    if isinstance(node, yaml.SequenceNode):
        return tuple(_value(item, (*place, index), places, faults) for index, item in enumerate(node.value))
    if not isinstance(node, yaml.MappingNode):
        return node.value
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        inner = (*place, key)
        if key in values:
            faults.append(Fault(key_node.start_mark.line + 2, f"{key!r} stands twice; keep one"))
            continue
        places[inner] = key_node.start_mark.line + 2
        values[key] = _value(value_node, inner, places, faults)
    return values


def _sections(lines: list[str], start: int, places: dict[Place, int], faults: list[Fault]) -> list[dict[str, str]]:
    """The body's sections; `start` is the index in `lines` of the first line behind the front matter."""
    found: list[tuple[str, int, list[str]]] = []
    for index in range(start, len(lines)):
        match = _HEADING.match(lines[index])
        if match:
            found.append((match[1], index + 1, []))
        elif _TITLE_HEADING.match(lines[index]):
            faults.append(
                Fault(index + 1, "a '# ' heading; the title stands in the front matter, sections begin with '## '")
            )
        elif found:
            found[-1][2].append(lines[index])
        elif lines[index].strip():
            faults.append(Fault(index + 1, "text before the first heading; put it under '## Situation'"))
    sections: list[dict[str, str]] = []
    seen: dict[str, int] = {}
    for heading, line, body in found:
        if heading not in vocabulary.HEADINGS:
            faults.append(
                Fault(line, f"{heading!r} is not a heading of a record; use one of {', '.join(vocabulary.HEADINGS)}")
            )
        elif heading in seen:
            faults.append(
                Fault(line, f"the heading {heading!r} stands already on line {seen[heading]}; put both parts under one")
            )
        elif not "".join(body).strip():
            faults.append(Fault(line, f"nothing stands under {heading!r}; write it or take the heading out"))
        else:
            seen[heading] = line
            places["sections", len(sections)] = line
            blank = next(number for number, text in enumerate(body) if text.strip())
            places["sections", len(sections), "text"] = line + 1 + blank
            sections.append({"heading": heading, "text": "\n".join(body).strip()})
    _check_order(sections, places, faults)
    _check_required(seen, len(lines) if lines[-1] else len(lines) - 1, faults)
    return sections


def _check_order(sections: list[dict[str, str]], places: dict[Place, int], faults: list[Fault]) -> None:
    order = list(vocabulary.HEADINGS)
    for number in range(1, len(sections)):
        before, after = sections[number - 1]["heading"], sections[number]["heading"]
        if order.index(before) > order.index(after):
            faults.append(
                Fault(places["sections", number], f"{after!r} comes after {before!r}; it stands before it in a record")
            )


def _check_required(seen: dict[str, int], last_line: int, faults: list[Fault]) -> None:
    faults.extend(
        Fault(last_line, f"the heading {heading!r} is missing; every record has it")
        for heading in vocabulary.REQUIRED_HEADINGS
        if heading not in seen
    )
    if not any(heading in seen for heading in vocabulary.REQUIRED_ONE_OF):
        faults.append(
            Fault(last_line, "neither 'What worked' nor 'What did not work' is there; a record has at least one")
        )


def _record(
    data: dict[str, Any],
    sections: list[dict[str, str]],
    places: dict[Place, int],
    faults: list[Fault],
    doubtful: set[Place],
) -> tuple[Record | None, Record | None]:
    """The record, or None; and what there is of it, for the checks. Adds its faults, and the places that have them."""
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        said = "is missing" if kind is None else f"{kind!r} is not one of {', '.join(KINDS)}"
        faults.append(Fault(places.get(("kind",), 2), f"kind {said}; write 'kind: case' or 'kind: lesson'"))
        return None, None
    if "sections" in data:  # a field of the model, but no key: its place is the body
        faults.append(Fault(places["sections",], _unknown_key("sections", kind)))
    values = {**data, "sections": tuple(sections)}
    try:
        record = KINDS[kind].model_validate(values)
    except ValidationError as error:
        parsed = Parsed(None, (), places)
        faulty: set[Place] = set()
        found = error.errors()
        for fault in found:
            place = tuple(fault["loc"])
            # A list whose only item is at fault counts as too short besides; the item alone is worth telling.
            inside = any(len(one["loc"]) > len(place) and one["loc"][: len(place)] == place for one in found)
            if not (fault["type"] == "too_short" and inside):
                faults.append(Fault(parsed.line_of(place), _explain(place, fault, kind)))
                faulty.add(place)
        doubtful |= faulty
        return None, with_stand_ins(kind, values, faulty)
    return record, record


def _unknown_key(name: str, kind: str) -> str:
    return f"{name} is not a key of a {kind}; the keys are {', '.join(FRONT_MATTER[kind])}"


def _explain(place: Place, fault: Any, kind: str) -> str:
    """A pydantic error in the words of somebody who edits the file: `sources 2, date: '99' is not a date; ...`."""
    name = _name_of(place)
    given = fault.get("input")
    match fault["type"]:
        case "value_error":
            return f"{name} {str(fault['ctx']['error']).removeprefix('Value error, ')}"
        case "missing":
            return f"{name} is missing; every {kind} has it"
        case "extra_forbidden":
            return _unknown_key(name, kind) if len(place) == 1 else f"{name} is not a key of a {kind}; take it out"
        case "string_pattern_mismatch":
            return f"{name} {given!r} does not have the form {fault['ctx']['pattern']}"
        case "string_too_long" | "too_long":
            return f"{name} is {len(str(given))} characters long; the most is {fault['ctx']['max_length']}"
        case "string_too_short" | "too_short":
            return f"{name} is empty; give at least one"
        case "int_parsing" | "bool_parsing":
            wanted = "a whole number" if fault["type"] == "int_parsing" else "true or false"
            return f"{name} {given!r} is not {wanted}"
        case "tuple_type":
            return f"{name} is not a list; write [a, b] or one '- ' line each"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{name} is not a list of 'key: value' pairs"
        case _:
            return f"{name}: {fault['msg']}"


def _name_of(place: Place) -> str:
    parts = [f"{part + 1}" if isinstance(part, int) else str(part) for part in place]
    return " ".join(parts) or "the record"


# --- writing ---------------------------------------------------------------------------------------------------------


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indents the items of a list below its key, as people write it."""
        super().increase_indent(flow, False)


def render(record: Record) -> str:
    """The record's file, in canonical form: keys in order, empty ones left out, short lists on one line."""
    front: list[str] = []
    for key in FRONT_MATTER[record.kind]:
        value = getattr(record, key)
        if value is None or value == ():
            continue
        pair = yaml.MappingNode("tag:yaml.org,2002:map", [(_scalar(key), _node(value, key))], flow_style=False)
        # Only running text is folded: one item of a list stays on one line, so that a diff shows what changed.
        width = _FOLD_AT_CHARACTERS if key in _FOLDED else _NEVER_FOLD
        front.append(yaml.serialize(pair, Dumper=_Dumper, allow_unicode=True, width=width))
    body = "\n\n".join(f"## {section.heading}\n\n{section.text}" for section in record.sections)
    return f"{_FENCE}\n{''.join(front)}{_FENCE}\n\n{body}\n"


def _node(value: Any, key: str = "") -> yaml.Node:
    if isinstance(value, BaseModel):
        pairs = [(_scalar(name), _node(inner)) for name, inner in value if inner is not None]
        return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=True)
    if isinstance(value, tuple):
        items = [_node(item) for item in value]
        plain = key != "answers" and not any(isinstance(item, BaseModel) for item in value)
        return yaml.SequenceNode("tag:yaml.org,2002:seq", items, flow_style=plain)
    return _scalar(value, fold=key in _FOLDED)


def _scalar(value: str | int | bool, *, fold: bool = False) -> yaml.ScalarNode:
    """Text that YAML would read as something else (`no`, `1.5`) is quoted; dates, years and flags stay plain."""
    if isinstance(value, bool):
        return yaml.ScalarNode("tag:yaml.org,2002:bool", str(value).lower())
    if isinstance(value, int):
        return yaml.ScalarNode("tag:yaml.org,2002:int", str(value))
    if fold and len(value) > _FOLD_AT_CHARACTERS:
        return yaml.ScalarNode("tag:yaml.org,2002:str", value, style=">")
    resolved = yaml.SafeLoader("").resolve(yaml.ScalarNode, value, (True, False))  # type: ignore[no-untyped-call]
    if resolved in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:int") and value.replace("-", "").isdigit():
        return yaml.ScalarNode(resolved, value)
    return yaml.ScalarNode("tag:yaml.org,2002:str", value)
