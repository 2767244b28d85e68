"""What the `kb` command prints: answers, states and progress as text, or as JSON for a machine."""

from __future__ import annotations

import json
import sys
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from kb import vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kb.answer import Answer, Hit
    from kb.councils import Council
    from kb.knowledge import Status
    from kb.peers import Likeness


class Bar:
    """A progress bar on stderr; nothing at all where stderr is no terminal."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._stage = ""

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._finish()

    @property
    def step(self) -> Callable[[str, int, int], None]:
        return self._step

    def _step(self, stage: str, done: int, total: int) -> None:
        if not sys.stderr.isatty() or not total:
            return
        if stage != self._stage:
            from tqdm import tqdm  # noqa: PLC0415  only where somebody sees it

            self._finish()
            self._bar = tqdm(total=total, desc=stage, unit="", file=sys.stderr, leave=True)
            self._stage = stage
        self._bar.update(done - self._bar.n)

    def _finish(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def to_json(data: Any) -> str:
    """What no encoding can write, such as an argument's bytes that are not UTF-8, is escaped as JSON escapes it."""
    return json.dumps(data, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace").decode("utf-8")


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def tell(answer: Answer) -> str:
    if not answer.hits:
        return "Nothing to search for: ask in a few words." if not answer.question.strip() else "No record fits."
    lines = []
    if answer.close:
        outcomes = ", ".join(f"{count} {code}" for code, count in answer.counts["outcome"].items())
        lines.append(
            f"{counted(answer.total, 'record')} {'bears' if answer.total == 1 else 'bear'} on this: {outcomes}."
        )
    else:
        lines.append("Nothing in the library comes close to this. The nearest, all weak:")
    lines += [_tell_hit(hit) for hit in answer.hits]
    if answer.close and not answer.setbacks:
        lines.append("Nothing is recorded on what did not work.")
    return "\n\n".join(lines)


def _tell_hit(hit: Hit) -> str:
    as_at = f" as at {hit.outcome_as_at}" if hit.outcome_as_at else ""
    outcome = vocabulary.OUTCOME.label_of(hit.outcome)
    basis = vocabulary.FINDING_BASIS.label_of(hit.finding_basis)
    first, last = hit.years
    head = f"{hit.rank}. {hit.title}\n   {hit.place}, {first}-{last}. {outcome}{as_at}. {basis}. [{hit.band}]"
    text = textwrap.fill(f"{hit.passage.section}: {' '.join(hit.passage.text.split())}", 100)
    mark = textwrap.fill(f"> {' '.join(hit.passage.highlight.split())}", 100, subsequent_indent="  ")
    return "\n".join([head, textwrap.indent(f"{mark}\n{text}\n{hit.url}", "   ")])


def similar_json(one: Likeness) -> dict[str, Any]:
    return {
        "gss": one.council.gss,
        "name": one.council.name,
        "score": round(one.score, 4),
        "words": one.words,
        "neighbour_rank": one.neighbour_rank,
        "factors": [asdict(match) for match in one.factors],
    }


def similar_text(mine: Council, found: Sequence[Likeness]) -> str:
    """The councils with their words, the most alike first, under a line that says what is listed."""
    lines = [f"Places like {mine.name}, the most alike first. Likeness is of places, never of performance."]
    for one in found:
        rank = f" [published neighbour {one.neighbour_rank}]" if one.neighbour_rank else ""
        lines.append(f"{one.council.short_name} ({one.council.gss}): {one.words}{rank}")
    return "\n".join(lines)


def status_json(state: Status) -> dict[str, Any]:
    manifest = state.manifest
    return {
        "ok": state.health.ok,
        "message": state.health.message,
        "generation": state.health.generation,
        "records": state.health.records,
        "passages": state.health.passages,
        "stored_records": state.stored,
        "stale": state.stale,
        "bytes": state.bytes,
        "created": manifest.created if manifest else "",
        "model": manifest.model if manifest else "",
        "folder": str(state.folder),
    }


def status_text(state: Status) -> str:
    if not state.health.ok or state.manifest is None:
        return f"No usable index. {state.health.message}"
    stale = "stale: the records have changed since; run `kb index`" if state.stale else "up to date"
    return (
        f"{state.health.generation} ({stale})\n"
        f"built {state.manifest.created} with {state.manifest.model}, in {state.manifest.seconds} s\n"
        f"{counted(state.health.records, 'record')} of {state.stored} in the store, "
        f"{counted(state.health.passages, 'passage')}, {state.bytes / 1e6:.1f} MB in {state.folder}"
    )
