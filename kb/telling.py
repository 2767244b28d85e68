"""What the `kb` command prints: answers, states and progress as text, or as JSON for a machine."""

from __future__ import annotations

import json
import sys
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from kb import vocabulary
from kb.passages import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kb.answer import Answer, Hit
    from kb.councils import Council
    from kb.gaps import Gap
    from kb.knowledge import Status
    from kb.peers import Likeness
    from kb.signs import Recovery, Sign, Signs


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
    if answer.spelling:
        lines.append(f"Did you mean: {answer.spelling}")
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


def signs_text(found: Signs) -> str:
    """The signs that a text shows, then those worth comparing with it, then the places that got better."""
    count = len(found.paragraphs)
    if not found.paragraphs:
        return "There is no text to check."
    if not found.found and not found.near:
        return (
            f"No sign found in {counted(count, 'paragraph')}. It is no proof that all is well: the library holds what "
            "some places wrote down, and a paper tells what its author chose to tell."
        )
    shown = sum(bool(one.signs) for one in found.paragraphs)
    worth = f"{len(found.paragraphs_near())} of {counted(count, 'paragraph')} worth comparing"
    if shown:
        lines = [f"Signs found in {shown} of {counted(count, 'paragraph')}. Each is a reason to ask, not a finding."]
    else:
        lines = [f"Nothing matches closely; {worth}. It is no proof that all is well."]
    lines += [_tell_sign(one) for one in found.found]
    if found.near:
        lines.append("Worth comparing: on the same subject, and your text may say the opposite.")
    lines += [_tell_sign(one) for one in found.near]
    if found.recovered:
        lines.append("Those that recovered, and how:")
    lines += [_tell_recovery(one) for one in found.recovered]
    return "\n\n".join(lines)


def _tell_sign(sign: Sign) -> str:
    whose = sign.whose
    as_at = f" as at {whose.outcome_as_at}" if whose.outcome_as_at else ""
    outcome = vocabulary.OUTCOME.label_of(whose.outcome)
    parts = [f"{sign.number}. {sign.words} [{sign.band}]"]
    parts += [
        _filled(f"paragraph {match.paragraph}: {' '.join(match.sentence.split())}", "   > ", "     ")
        for match in sign.matches
    ]
    parts.append(_filled(f"{whose.title}. {whose.place}, {whose.years[0]}-{whose.years[1]}. {outcome}{as_at}."))
    if sign.then:
        parts.append(_filled(f"{sign.then.section}: {plain_text(sign.then.highlight)}"))
    return "\n".join([*parts, f"   {sign.url}"])


def _tell_recovery(one: Recovery) -> str:
    outcome = vocabulary.OUTCOME.label_of(one.whose.outcome)
    told = _filled(f"{one.how.section}: {plain_text(one.how.highlight)}")
    return f"- {one.whose.title}. {one.whose.place}. {outcome}.\n{told}\n   {one.url}"


def _filled(text: str, first: str = "   ", then: str = "   ") -> str:
    return textwrap.fill(text, 100, initial_indent=first, subsequent_indent=then)


def gaps_text(found: Sequence[Gap]) -> str:
    if not found:
        return "No gap is recorded."
    return "\n".join(f"{one.times:>4}  since {one.first_asked}  {one.question}" for one in found)


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
