#!/usr/bin/env python3
"""Measures "Check the signs" on judged texts: is a right record among the first three, and how often is a sign seen
where there is none?

    scripts/evaluate_signs.py [--set signs|signs-fresh] [--half tune|test] [--misses]

tests/questions/signs.jsonl and signs-fresh.jsonl have short texts in the voice of committee reports: `sign` texts show
a sign that the library has (`relevant` names the records whose Warning signs say the same), `subject` texts touch on
its subjects without any sign, `unrelated` texts have nothing to do with it. Each figure is given for what is found, and
for what is found or, where nothing is, near.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from kb.knowledge import KnowledgeBase

QUESTIONS = ROOT / "tests" / "questions"
SETS = ("signs", "signs-fresh")
KINDS = ("sign", "subject", "unrelated")
FIRST = 3
_COUNTS = (
    *("any", "any_or_near", "first", "first_three", "first_three_or_near"),
    *("shown", "right_shown", "near_shown", "near_right"),
)


@dataclass(frozen=True, slots=True)
class Judged:
    """A text, what it is, and the records whose warning signs it shows."""

    text: str
    kind: str
    half: str
    relevant: frozenset[str]


def read_texts(name: str, half: str | None = None) -> list[Judged]:
    """The texts of one of SETS, or of one half of it."""
    lines = [json.loads(line) for line in (QUESTIONS / f"{name}.jsonl").read_text("utf-8").splitlines()]
    texts = [Judged(one["text"], one["kind"], one["half"], frozenset(one["relevant"])) for one in lines]
    return [one for one in texts if half in (None, one.half)]


def measure(knowledge: KnowledgeBase, texts: list[Judged]) -> dict[str, Any]:
    """Counts over these texts; `misses` and `false_alarms` name those that went wrong, with what was found or near."""
    counts: Counter[str] = Counter()
    of_kind, alarms, near_alarms = Counter[str](), Counter[str](), Counter[str]()
    misses, false_alarms = [], []
    for one in texts:
        of_kind[one.kind] += 1
        answer = knowledge.signs(one.text)
        found = [sign.whose.record for sign in answer.found]
        both = [*found, *(sign.whose.record for sign in answer.near)]
        if one.kind == "sign":
            right = [record in one.relevant for record in both]
            counts["any"] += bool(found)
            counts["any_or_near"] += bool(both)
            counts["first"] += right[:1] == [True] and bool(found)
            counts["first_three"] += any(right[: min(len(found), FIRST)])
            counts["first_three_or_near"] += any(right[:FIRST])
            counts["shown"] += len(right[: min(len(found), FIRST)])
            counts["right_shown"] += sum(right[: min(len(found), FIRST)])
            counts["near_shown"] += len(answer.near)
            counts["near_right"] += sum(right[len(found) :])
            if not any(right[:FIRST]):
                misses.append((one.text, both))
        elif both:
            alarms[one.kind] += bool(found)
            near_alarms[one.kind] += 1
            false_alarms.append((one.kind, "found" if found else "near", one.text, both))
    return {
        **{name: counts[name] for name in _COUNTS},
        "texts": {kind: of_kind[kind] for kind in KINDS},
        "alarms": {kind: alarms[kind] for kind in KINDS[1:]},
        "alarms_or_near": {kind: near_alarms[kind] for kind in KINDS[1:]},
        "misses": misses,
        "false_alarms": false_alarms,
    }


def main() -> None:
    from kb.knowledge import KnowledgeBase  # noqa: PLC0415  `--help` needs no search engine
    from kb.settings import Settings  # noqa: PLC0415

    parser = argparse.ArgumentParser(description="Measures `Check the signs` on tests/questions/signs*.jsonl.")
    parser.add_argument("--set", choices=SETS, help="one of the sets of texts; without it, both, one after the other")
    parser.add_argument("--half", choices=("tune", "test"))
    parser.add_argument(
        "--misses", action="store_true", help="print the texts that went wrong; never for the test half"
    )
    chosen = parser.parse_args()
    with KnowledgeBase.open(Settings.from_environment()) as knowledge:
        for name in [chosen.set] if chosen.set else SETS:
            print(f"{name}, {chosen.half or 'both halves'}")
            _tell(measure(knowledge, read_texts(name, chosen.half)), misses=chosen.misses)


def _tell(result: dict[str, Any], *, misses: bool) -> None:
    kinds = result["texts"]
    print(f"  texts that show a sign: {kinds['sign']}")
    print(f"    any sign found / found or near: {result['any']} / {result['any_or_near']}")
    print(f"    a right record first: {result['first']}")
    print(f"    a right record among the first three found: {result['first_three']}; or near: ", end="")
    print(result["first_three_or_near"])
    print(f"    of {result['shown']} shown as found, {result['right_shown']} judged right; ", end="")
    print(f"of {result['near_shown']} near, {result['near_right']}")
    for kind in KINDS[1:]:
        alarms = f"{result['alarms'][kind]} / {result['alarms_or_near'][kind]}"
        print(f"  a sign found / found or near in {kind} texts: {alarms} of {kinds[kind]}")
    if misses:
        for line in (*result["misses"], *result["false_alarms"]):
            print("-", *line)


if __name__ == "__main__":
    main()
