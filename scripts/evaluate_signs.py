#!/usr/bin/env python3
"""Measures "Check the signs" on judged texts: is a right record among the first three, and how often is a sign seen
where there is none?

    scripts/evaluate_signs.py [--half tune|test] [--misses]

tests/questions/signs.jsonl has short texts in the voice of committee reports: `sign` texts show a sign that the library
has (`relevant` names the records whose Warning signs say the same), `subject` texts touch on its subjects without any
sign, `unrelated` texts have nothing to do with it.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from kb.knowledge import KnowledgeBase

TEXTS = ROOT / "tests" / "questions" / "signs.jsonl"
FIRST = 3


@dataclass(frozen=True, slots=True)
class Judged:
    """A text, what it is, and the records whose warning signs it shows."""

    text: str
    kind: str
    half: str
    relevant: frozenset[str]


def read_texts(half: str | None = None) -> list[Judged]:
    lines = [json.loads(line) for line in TEXTS.read_text("utf-8").splitlines()]
    texts = [Judged(one["text"], one["kind"], one["half"], frozenset(one["relevant"])) for one in lines]
    return [one for one in texts if half in (None, one.half)]


def measure(knowledge: KnowledgeBase, texts: list[Judged]) -> dict[str, Any]:
    """Counts over these texts; `misses` and `false_alarms` name those that went wrong, with what was found."""
    result: dict[str, Any] = {"first_three": 0, "first": 0, "any": 0, "shown": 0, "right_shown": 0, "misses": []}
    result["false_alarms"] = []
    of_kind: dict[str, int] = {"sign": 0, "subject": 0, "unrelated": 0}
    alarms = dict.fromkeys(of_kind, 0)
    for one in texts:
        of_kind[one.kind] += 1
        found = [sign.whose.record for sign in knowledge.signs(one.text).found]
        if one.kind == "sign":
            right = [record in one.relevant for record in found[:FIRST]]
            result["any"] += bool(found)
            result["first"] += right[:1] == [True]
            result["first_three"] += any(right)
            result["shown"] += len(right)
            result["right_shown"] += sum(right)
            if not any(right):
                result["misses"].append((one.text, found))
        elif found:
            alarms[one.kind] += 1
            result["false_alarms"].append((one.kind, one.text, found))
    return {**result, "texts": of_kind, "alarms": alarms}


def main() -> None:
    from kb.knowledge import KnowledgeBase  # noqa: PLC0415  `--help` needs no search engine
    from kb.settings import Settings  # noqa: PLC0415

    parser = argparse.ArgumentParser(description="Measures `Check the signs` on tests/questions/signs.jsonl.")
    parser.add_argument("--half", choices=("tune", "test"))
    parser.add_argument(
        "--misses", action="store_true", help="print the texts that went wrong; never for the test half"
    )
    chosen = parser.parse_args()
    with KnowledgeBase.open(Settings.from_environment()) as knowledge:
        result = measure(knowledge, read_texts(chosen.half))
    signs = result["texts"]["sign"]
    print(f"texts that show a sign: {signs}")
    print(f"  a right record first / among the first three: {result['first']} / {result['first_three']}")
    print(f"  any sign found: {result['any']}; of {result['shown']} signs shown, {result['right_shown']} judged right")
    for kind in ("subject", "unrelated"):
        print(f"a sign seen in {kind} texts: {result['alarms'][kind]} of {result['texts'][kind]}")
    if chosen.misses:
        for line in (*result["misses"], *result["false_alarms"]):
            print("-", *line)


if __name__ == "__main__":
    main()
