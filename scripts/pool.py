#!/usr/bin/env -S .venv/bin/python
"""What is still to be judged in a file of questions: the records that any leg finds first and nobody has judged.

    scripts/pool.py tests/questions/library.jsonl              the first ten of each leg and of the fusion
    scripts/pool.py tests/questions/library.jsonl --depth 5

Prints a JSON line a question that has any: {"id", "question", "unjudged": [{"id", "title", "summary"}]}, from the index
that answers now. Judge each by reading the record: add it to the question's "relevant" with a grade (3 answers it,
2 helps, 1 touches it), or to its "irrelevant". Pooling: Spärck Jones and van Rijsbergen (1975).
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from kb.errors import KbError
from kb.evaluate import rank_by_leg, read_questions
from kb.knowledge import KnowledgeBase
from kb.settings import Settings


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("questions", type=Path, help="JSON lines of questions")
    parser.add_argument("--depth", type=int, default=10, help="records of each leg and of the fusion; 10")
    options = parser.parse_args()
    questions = read_questions(options.questions)
    with KnowledgeBase.open(Settings.from_environment()) as knowledge:
        searcher = knowledge.searcher()
        cards = {card["id"]: card for card in searcher.cards}
        for one in questions:
            orders = rank_by_leg(searcher, searcher.rank(one.question)).values()
            found = dict.fromkeys(record for order in orders for record in order[: options.depth])
            unjudged = [record for record in found if record not in one.relevant and record not in one.irrelevant]
            if unjudged:
                told = [{field: cards[record][field] for field in ("id", "title", "summary")} for record in unjudged]
                print(json.dumps({"id": one.id, "question": one.question, "unjudged": told}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KbError as error:
        sys.exit(f"pool.py: {error}")
