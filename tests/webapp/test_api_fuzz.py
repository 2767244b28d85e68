"""The API and the pages under any input at all: by schemathesis from their own description, and by Hypothesis."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished
from schemathesis.openapi.checks import RejectedPositiveData

from kb.filters import FIELDS
from webapp import create_app
from webapp.api.document import SERVER
from webapp.questions import WAYS

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from schemathesis import HookContext, Response
    from schemathesis.core.failures import Failure
    from werkzeug.test import TestResponse

    from kb.knowledge import KnowledgeBase

pytestmark = pytest.mark.model

SEED = 20261123
# Of each address and kind of data, beside the cases that schemathesis makes of every limit and every wrong value.
EXAMPLES = 30
TOLD = 300  # characters of a failing request
CONFIG = {
    "seed": SEED,
    "headers": {"Accept-Encoding": "identity"},  # it reads a body as it comes
    "generation": {"mode": "all", "max-examples": EXAMPLES, "deterministic": True, "database": "none"},
}


# --- by its description -----------------------------------------------------------------------------------------------


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: schemathesis.Case, response: Response) -> bool:
    """Leaves out what OpenAPI cannot say: parameters must fit each other, and each of these is right by itself."""
    query = case.query or {}
    backwards = str(query.get("from", "")) > str(query.get("to", "9999"))
    alone = query.get("places") in ("first", "like") and "council" not in query
    return not (isinstance(failure, RejectedPositiveData) and (backwards or alone))


def test_the_api_does_what_its_description_says(whole_library: KnowledgeBase) -> None:
    """Right and wrong data, every check: no 5xx, only statuses and shapes described, wrong refused, right taken."""
    app = create_app({"KNOWLEDGE_BASE": whole_library, "QUESTION_MAX": 2000, "TESTING": True})
    config = schemathesis.Config.from_dict(CONFIG)
    schema = schemathesis.openapi.from_wsgi(f"{SERVER}/openapi.json", app, config=config)
    cases, failures, errors = 0, set(), []
    for event in from_schema(schema).execute():
        if isinstance(event, ScenarioFinished):
            cases += len(event.recorder.interactions)
            for checks in event.recorder.checks.values():
                failures |= {
                    f"{event.phase.value} {check.name}: {found.code_sample[:TOLD]}\n{found.failure}"
                    for check in checks
                    if (found := check.failure_info)
                }
        elif isinstance(event, NonFatalError | FatalError):
            errors.append(event)
    assert errors == []
    assert not failures, "\n\n".join(sorted(failures))
    assert cases > 300


# --- any address, any body --------------------------------------------------------------------------------------------

NAMES = (
    *("q", *FIELDS, "from", "to", *WAYS, "page", "limit", "council", "id", "factor", "show", "next", "order", "letter"),
    *("nonsense", "", "%00", "%ff", "q%5B%5D"),
)
VALUES = (
    *(code for words in (*FIELDS.values(), *WAYS.values()) for code in words.codes[:2]),
    *("E06000018", "E99999999", "e06000018", "Nottingham", "nottingham-robin-hood-energy", "l-7q2m9x", "nope"),
    *("", "0", "1", "2", "-1", "100", "10000", "1e3", "1.5", "9" * 400, "2015", "1899", "\u0662\u0660\u0661\u0665"),
    *("section 114", "children's services", "<script>alert(1)</script>", "//elsewhere.example", "/\\elsewhere"),
)
# As they stand in an address: broken UTF-8, halves of surrogate pairs, NUL, line breaks, half an escape.
BROKEN = (
    b"%ff%fe",
    b"%ed%a0%80",
    b"%c3",
    b"%00",
    b"%0d%0aSet-Cookie:%20a=b",
    b"%",
    b"%u0041",
    b"\xff\xfe",
    b"\xc3(",
    b"+",
)
PARTS = {
    "record_id": ("nottingham-robin-hood-energy", "l-7q2m9x", "nope"),
    "gss": ("E06000018", "E99999999", "Nottingham", "E08000039"),
    "name": ("app.css", "../../kb/settings.py"),
}

raw = st.one_of(
    st.sampled_from(VALUES).map(lambda text: text.encode()),
    st.sampled_from(BROKEN),
    st.text(max_size=30).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=12),
)
queries = st.lists(st.tuples(st.sampled_from(NAMES), raw), max_size=6).map(
    lambda pairs: b"&".join(name.encode() + b"=" + value.replace(b"&", b"%26") for name, value in pairs)
)


def rules_of(app: Flask, method: str) -> list[str]:
    """Every address of the app that takes a method, so that one added later is tried as well."""
    return sorted(rule.rule for rule in app.url_map.iter_rules() if method in (rule.methods or ()))


def ask(client: FlaskClient, method: str, path: bytes, query: bytes, **more: Any) -> TestResponse:
    """Sends bytes as they are: a client that is well behaved would never send these."""
    overrides = {"PATH_INFO": path.decode("latin-1"), "QUERY_STRING": query.decode("latin-1")}
    return client.open("/", method=method, environ_overrides=overrides, **more)


def check(response: TestResponse, path: bytes) -> None:
    """Whatever was asked: no failure of ours; one heading on a page; JSON, and problems as problems, from the API."""
    assert response.status_code < 500
    assert "\n" not in "".join(value for _, value in response.headers)
    if path.startswith(b"/api/"):
        assert response.mimetype == ("application/json" if response.status_code < 400 else "application/problem+json")
        json.loads(response.data)
    elif response.mimetype == "text/html" and response.status_code not in (301, 302, 303, 304, 307, 308):
        assert len(re.findall(r"<h1[ >]", response.text)) == 1
        assert "<script>alert" not in response.text


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data(), query=queries)
def test_no_address_breaks_anything(whole_client: FlaskClient, data: st.DataObject, query: bytes) -> None:
    rule = data.draw(st.sampled_from(rules_of(whole_client.application, "GET")))
    path = rule.encode()
    for name, values in PARTS.items():
        part = st.one_of(st.sampled_from(values).map(str.encode), st.binary(min_size=1, max_size=8))
        path = re.sub(rf"<(?:\w+:)?{name}>".encode(), lambda _, p=part: data.draw(p), path)
    assert b"<" not in rule.encode() or path != rule.encode(), f"{rule}: give PARTS values for its parts"
    headers = {"Cookie": data.draw(st.sampled_from(("", "council=E06000018", "council=E99999999", "council=%ff")))}
    check(ask(whole_client, "GET", path, query, headers=headers), path)


BODIES = (
    b"",
    b"x" * 1_000_000,
    b"text=" + b"x" * 1_000_000,
    b"text=" + b"late+papers+" * 1_600,
    b"text=%ff%fe&council=%ff&question=%00&typed=%ed%a0%80",
    b"text=\xff\xfe",
    b"&" * 20_000,
    b"council=E99999999&typed=nowhere&next=//elsewhere.example",
    b'{"text": "late"}',
    b"\x00" * 100,
)
TYPES = (
    "application/x-www-form-urlencoded",
    "text/plain",
    "application/json",
    "multipart/form-data; boundary=x",
    "\x01",
    "",
)


@pytest.mark.parametrize("content_type", TYPES)
def test_no_body_breaks_anything(whole_client: FlaskClient, content_type: str) -> None:
    rules = rules_of(whole_client.application, "POST")
    assert f"{SERVER}/signs" in rules
    for rule in rules:
        for body in BODIES:
            response = ask(whole_client, "POST", rule.encode(), b"", data=body, content_type=content_type)
            check(response, rule.encode())
            if len(body) >= 1_000_000:
                assert response.status_code in (400, 413, 415, 422), rule
