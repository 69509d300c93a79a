"""Checking a finished answer once more, from what was written down of it, against the lake as it is today.

Nothing the document says of itself is taken on trust: sources are looked up, statements and citations are
judged anew and compared with what was recorded.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tools.evidence import Evidence, EvidenceLedger
from tools.model_files import Verdict
from tools.places import Places
from tools.verification import annotate_answer, verify_answer
from tools.verification.annotate import write_note
from tools.verification.types import Verification

_UNSEEN = re.compile("[\u202a-\u202e\u2066-\u2069]")

# What it says of characters that are taken out of the text when it is shown: they cannot be found again.
_DECEPTIVE = "it holds characters that change the direction of reading"

Part = Literal["evidence", "citation", "statement", "model", "document"]


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """An answer as it was written down.

    `citations` are (key, quote, status) and `statements` (text, level, marks, reason), in order; `asked` are
    the person's words up to then; `framing` fixed sentences of our own engine that stand in the text.
    """

    text: str
    evidence: tuple[Evidence, ...]
    retrieved: tuple[Evidence, ...]
    citations: tuple[tuple[str, str, str], ...]
    statements: tuple[tuple[str, str, tuple[str, ...], str], ...]
    unsupported: tuple[str, ...]
    models: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    framing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold, or cannot be told any more. `subject`: a key, a model or the text."""

    part: Part
    subject: str
    verdict: Verdict
    reason: str
    source: str = ""
    locator: str = ""


@dataclass(frozen=True, slots=True)
class Recheck:
    """What came of it. `counts`: how many of each were looked at; `unsupported` failed from the first."""

    counts: dict[str, int]
    findings: tuple[Finding, ...]
    unsupported: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether everything stands as recorded. Statements shown as not supported count as recorded."""
        return not self.findings


def recheck_answer(
    recorded: RecordedAnswer,
    places: Places,
    *,
    known_models: Collection[str],
    removed_models: Collection[str] = (),
    earlier: Sequence[Evidence] = (),
) -> Recheck:
    """Check a recorded answer against the lake behind `places`.

    `known_models` and `removed_models` are the ids the lake holds and held; `earlier` is the evidence of
    former turns, whose keys the answer may mark.
    """
    findings: list[Finding] = []
    items = [*recorded.evidence, *recorded.retrieved]
    doubtful: dict[str, Verdict] = {}
    for item in items:
        verdict, reason = places.check(item, [*earlier, *items])
        if verdict != "holds":
            findings.append(Finding("evidence", item.id, verdict, reason, item.source, item.locator))
            doubtful[item.id] = verdict
    findings += _find_doubles([*earlier, *items])
    findings += _check_models(recorded.models, known_models, removed_models)
    statements = _Statements(recorded, [*earlier, *items], [*known_models, *removed_models])
    findings += statements.compare(doubtful)
    counts = {
        "evidence": len(items),
        "citations": len(recorded.citations),
        "statements": len(recorded.statements),
        "models": len(recorded.models),
    }
    return Recheck(counts, tuple(findings), recorded.unsupported)


class _Statements:
    """The answer's text judged anew, beside what was recorded of it."""

    def __init__(self, recorded: RecordedAnswer, items: Sequence[Evidence], known: Sequence[str]) -> None:
        self._recorded = recorded
        self._items = sorted({item.id: item for item in items}.values(), key=lambda item: int(item.id[1:]))
        self._written = _take_out_notes(recorded)
        self._known = known
        self._now = self._judge(known)

    def _judge(self, known: Collection[str]) -> Verification:
        return verify_answer(
            self._written,
            EvidenceLedger(self._items),
            known_models=known,
            allowed=self._recorded.asked,
            framing=self._recorded.framing,
        )

    def compare(self, doubtful: dict[str, Verdict]) -> list[Finding]:
        """What differs. `doubtful`: keys of evidence that does not hold, nor what stands on it."""
        findings = self._compare_document()
        now = [(_show(s.text), s.level, s.marks, s.reason) for s in self._now.statements]
        then = [(_show(text), level, marks, why) for text, level, marks, why in self._recorded.statements]
        if [text for text, *_ in now] != [text for text, *_ in then]:
            said = {text for text, *_ in now}
            recorded = {text for text, *_ in then}
            odd = [text for text, *_ in then if text not in said]
            odd += [text for text, *_ in now if text not in recorded]
            reason = "the statements recorded are not those of the answer"
            findings += [Finding("statement", text, "failed", reason) for text in odd or [then[0][0]]]
            return findings
        for (text, level, marks, why), (_, recorded_level, recorded_marks, said_why) in zip(
            now, then, strict=True
        ):
            if marks != recorded_marks:
                reason = f"it marks {_join(marks)}; recorded is {_join(recorded_marks)}"
                findings.append(Finding("statement", text, "failed", reason))
            elif level != recorded_level:
                reason = f"recorded as {recorded_level!r}, now {level!r}" + (f": {why}" if why else "")
                findings.append(Finding("statement", text, self._explain(text, recorded_level), reason))
            elif why != said_why and _DECEPTIVE not in said_why:
                reason = f"recorded is {_shorten(said_why)!r} as the reason, now {_shorten(why)!r}"
                findings.append(Finding("statement", text, "failed", reason))
            elif level in ("quoted", "facts") and any(doubtful.get(key) == "failed" for key in marks):
                bad = [key for key in marks if doubtful.get(key) == "failed"]
                findings.append(Finding("statement", text, "failed", f"{_join(bad)} does not hold"))
        return findings + self._compare_citations()

    def _explain(self, text: str, recorded_level: str) -> Verdict:
        """Whether the level differs only because the lake holds other models than it did."""
        named = {item.model for item in self._items} | set(self._recorded.models)
        for known in (named, named | {name for name in self._known if name in text}):
            for statement in self._judge(known).statements:
                if _show(statement.text) == text and statement.level == recorded_level:
                    return "changed"
        return "failed"

    def _compare_citations(self) -> list[Finding]:
        now = [(c.evidence, c.quote, c.status) for c in self._now.citations]
        then = list(self._recorded.citations)
        if len(now) != len(then):
            reason = f"the answer has {len(now)} marks; {len(then)} are recorded"
            return [Finding("citation", "", "failed", reason)]
        findings = []
        for (key, quote, status), (old_key, old_quote, old_status) in zip(now, then, strict=True):
            if (key, status) != (old_key, old_status):
                reason = f"recorded as {old_key} {old_status!r}, now {key} {status!r}"
            elif quote != old_quote:
                reason = f"its quote is {_shorten(quote)!r}; recorded is {_shorten(old_quote)!r}"
            else:
                continue
            findings.append(Finding("citation", old_key, "failed", reason))
        return findings

    def _compare_document(self) -> list[Finding]:
        """Whether the answer's own lists agree with its text."""
        findings = []
        warned = _replace_notes(
            annotate_answer(self._written, self._now), {s.reason for s in self._now.statements}, "⚠"
        )
        shown = _replace_notes(self._recorded.text, {why for *_, why in self._recorded.statements}, "⚠")
        levels = [level for _, level, *_ in self._recorded.statements]
        if _show(warned) != _show(shown) and levels == [s.level for s in self._now.statements]:
            reason = "the warnings in the text are not the verifier's"
            findings.append(Finding("document", "answer", "failed", reason))
        held = {item.id for item in self._items}
        marked = [key for key in dict.fromkeys(c.evidence for c in self._now.citations) if key in held]
        if marked != [item.id for item in self._recorded.evidence]:
            reason = f"the answer marks {_join(marked)}; its evidence is " + _join(
                [item.id for item in self._recorded.evidence]
            )
            findings.append(Finding("document", "evidence", "failed", reason))
        failed = tuple(text for text, level, *_ in self._recorded.statements if level == "failed")
        if failed != self._recorded.unsupported:
            reason = "it does not list the statements that are recorded as failed"
            findings.append(Finding("document", "unsupported", "failed", reason))
        return findings


def _find_doubles(items: Sequence[Evidence]) -> list[Finding]:
    first: dict[str, Evidence] = {}
    return [
        Finding("evidence", item.id, "failed", "its key stands for two different places", item.source)
        for item in items
        if first.setdefault(item.id, item) != item
    ]


def _check_models(names: Sequence[str], known: Collection[str], removed: Collection[str]) -> list[Finding]:
    held, gone = set(known), set(removed)
    findings = []
    for name in names:
        if name in held:
            continue
        if name in gone:
            findings.append(Finding("model", name, "changed", "it was removed from this lake"))
        else:
            findings.append(Finding("model", name, "failed", "this lake never held it"))
    return findings


def _take_out_notes(recorded: RecordedAnswer) -> str:
    """The text as it was written, without what the verifier put behind statements that failed."""
    return _replace_notes(
        recorded.text, {why for _, level, _, why in recorded.statements if level == "failed"}
    )


def _replace_notes(text: str, reasons: Collection[str], by: str = "") -> str:
    """`text` with the verifier's notes for these reasons replaced, white space before them included."""
    notes = sorted(map(write_note, reasons), key=len, reverse=True)
    return re.sub(rf"\n*[ \t]?(?:{'|'.join(map(re.escape, notes))})", by, text) if notes else text


def _show(text: str) -> str:
    """Text as both the writer's and the annotated form show it: annotating opens what was hidden, closes
    code and sets bars of tables apart."""
    shown = _UNSEEN.sub("", text).replace("&lt;!--", "<!--").replace("--&gt;", "-->")
    return re.sub(r"\s*(?:`{3,}|~{3,})$", "", re.sub(r" ?\| ?", "|", " ".join(shown.split())))


def _join(keys: Sequence[Any]) -> str:
    return ", ".join(map(str, keys)) or "nothing"


def _shorten(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
