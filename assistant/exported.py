"""Reading an answer somebody saved, and checking it against a lake: what `lake verify` does."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from pydantic import ValidationError

from assistant.answers import Answer
from assistant.engine import OFFLINE
from assistant.export import FORMAT, FORMAT_VERSION, find_version, hash_document
from assistant.offline.phrases import FRAMING
from assistant.retelling import Retelling
from assistant.toolbox.counting import tell_again
from tools.errors import UsageError
from tools.evidence import Evidence
from tools.lake import Lake
from tools.places import Places
from tools.recheck import Finding, RecordedAnswer, recheck_answer

_KEY = re.compile(r"E[1-9]\d{0,8}")
_MOST_TURNS = 1000
# The offline engine's own words with something of the question filled in; they say nothing of any model.
_OWN_WORDS = (
    re.compile(r"(?:^(?:- )?|(?<=\. ))(Conditions I read from your words: [^\n]{1,500})$", re.MULTILINE),
    re.compile(
        r"^(Not counted as matches, because their cards do not state the [^\n]{1,500})$", re.MULTILINE
    ),
    re.compile(r"^(I found no (?:other )?model in this lake that fits \([^\n]{1,300}?\)\.)", re.MULTILINE),
    re.compile(
        r"^(No card of this lake speaks of “[^\n]{1,200}”; nearest in meaning, with what their cards say:)$",
        re.MULTILINE,
    ),
    re.compile(r"^(Open, because no evidence states it: [^\n`]{1,1000}\.)$", re.MULTILINE),
    re.compile(r"^(Of [\d,]{1,12} that fit, [\d,]{1,12} do not state it\.)$", re.MULTILINE),
    re.compile(r"^(Also found: `[^\n]{1,4000}`\.)$", re.MULTILINE),
    re.compile(r"^(\d{1,6} more cards do\.)$", re.MULTILINE),
    re.compile(
        r"^(I keep no dictionary, and explain [^\n.]{1,60} only as far as a card of this lake does\.)"
    ),
    re.compile(r"(?<=\. )(Ask which model reports the best [^\n.]{1,130} of one model\.)$", re.MULTILINE),
    re.compile(r"^(?:- )?(Did you mean `[^\n]{1,500}\?)$", re.MULTILINE),
)
# What the program adds below an answer when a language model fails it.
_NOTE = re.compile(
    r"[^\n]{1,500} The offline engine answered instead\."
    r"|The language model's answer was cut at its length limit\."
)
_HINT = "Give what `lake ask --json` or `lake export` wrote."


@dataclass(frozen=True, slots=True)
class SavedTurn:
    """One question and the answer that was saved with it."""

    question: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class SavedAnswers:
    """A saved document. `intact`: whether its checksum fits, None when it has none."""

    turns: tuple[SavedTurn, ...]
    intact: bool | None = None
    lake_id: str | None = None
    version: str | None = None


def read_answers(text: str, name: str) -> SavedAnswers:
    """Read an exported conversation, an answer as `lake ask --json` prints it, or a line of a batch.

    `name` is the file's, for messages. Raises UsageError when it is none of them.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
        raise UsageError(f"{name!r} is not JSON: {reason}.", hint=_HINT) from None
    if not isinstance(document, dict):
        raise UsageError(f"{name!r} holds no answer: it is not a JSON object.", hint=_HINT)
    if document.get("format") == FORMAT:
        return _read_export(document, name)
    if "answer" in document:
        answers = [_read_answer({k: v for k, v in document.items() if k != "id"}, name)]
    elif isinstance(document.get("turns"), list) and document["turns"]:
        answers = [_read_answer(answer, name) for answer in document["turns"][:_MOST_TURNS]]
    else:
        raise UsageError(f"{name!r} holds no answer.", hint=_HINT)
    return SavedAnswers(tuple(SavedTurn(answer.question, answer) for answer in answers))


def check_answers(saved: SavedAnswers, lake: Lake) -> dict[str, Any]:
    """Check saved answers against `lake`: the document that `lake verify --json` prints.

    `changed` lists what the lake no longer holds as it was, `failed` what does not hold; `ok` is true when
    both are empty. `unsupported` are statements that failed when they were written and are shown so.
    """
    catalog = lake.catalog
    known = catalog.model_names()
    removed = [record.model for record in catalog.list_models(removed=True)]
    places = Places(catalog, described=partial(tell_again, lake), retell=Retelling(lake).tell)
    findings: list[tuple[int, Finding]] = []
    counts: dict[str, int] = {}
    unsupported: list[str] = []
    asked: list[str] = []
    earlier: list[Evidence] = []
    for number, turn in enumerate(saved.turns, start=1):
        asked.append(turn.question)
        done = recheck_answer(
            _record(turn.answer, asked),
            places,
            known_models=known,
            removed_models=removed,
            earlier=earlier,
        )
        findings += [(number, finding) for finding in done.findings]
        counts = {key: counts.get(key, 0) + value for key, value in done.counts.items()}
        unsupported += done.unsupported
        earlier += [*turn.answer.evidence, *turn.answer.retrieved]
        if turn.question != turn.answer.question and turn.answer.question:
            said = Finding("document", "question", "failed", "the question is not the one that was answered")
            findings.append((number, said))
    if saved.intact is False:
        altered = Finding("document", "sha256", "failed", "the file was altered after it was exported")
        findings.append((0, altered))
    return {
        "ok": not findings,
        "checked": sum(counts.values()),
        "counts": {"turns": len(saved.turns), **counts},
        "changed": _show(findings, "changed"),
        "failed": _show(findings, "failed"),
        "unsupported": unsupported,
        "notes": _list_notes(saved, lake),
    }


def _read_export(document: Mapping[str, Any], name: str) -> SavedAnswers:
    if document.get("version") != FORMAT_VERSION:
        raise UsageError(
            f"{name!r} is of version {document.get('version')!r}; this program reads {FORMAT_VERSION}.",
            hint="Use the program that wrote it, or a newer one.",
        )
    turns = document.get("turns")
    if not isinstance(turns, list) or not turns or not all(isinstance(turn, dict) for turn in turns):
        raise UsageError(f"{name!r} holds no turns.", hint=_HINT)
    lake, product = document.get("lake"), document.get("product")
    return SavedAnswers(
        tuple(
            SavedTurn(str(turn.get("question", "")), _read_answer(turn.get("answer"), name))
            for turn in turns[:_MOST_TURNS]
        ),
        intact=document.get("sha256") == hash_document(document),
        lake_id=str(lake.get("id")) if isinstance(lake, dict) else None,
        version=str(product.get("version")) if isinstance(product, dict) else None,
    )


def _read_answer(value: Any, name: str) -> Answer:
    try:
        answer = Answer.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the answer"
        raise UsageError(f"{name!r} holds no answer: {where}: {first['msg']}.", hint=_HINT) from None
    for item in (*answer.evidence, *answer.retrieved):
        if not _KEY.fullmatch(item.id):
            raise UsageError(f"{name!r} holds no answer: {item.id[:80]!r} is no key.", hint=_HINT)
    return answer


def _record(answer: Answer, asked: list[str]) -> RecordedAnswer:
    return RecordedAnswer(
        text=answer.answer,
        evidence=tuple(answer.evidence),
        retrieved=tuple(answer.retrieved),
        citations=tuple((c.evidence, c.quote, c.status) for c in answer.citations),
        statements=tuple((s.text, s.level, tuple(s.marks), s.reason) for s in answer.statements),
        unsupported=tuple(answer.unsupported),
        models=tuple(answer.models),
        asked=tuple(asked),
        framing=tuple(_find_own_words(answer)),
    )


def _find_own_words(answer: Answer) -> list[str]:
    """Sentences of our own that claim nothing, found by their wording and not by what the document says."""
    own: list[str] = []
    if answer.engine == OFFLINE:
        own += [*FRAMING, *(found[1] for words in _OWN_WORDS for found in words.finditer(answer.answer))]
    note = answer.usage.get("note")
    if isinstance(note, str) and _NOTE.fullmatch(note):
        own += [note, f"*{note}*"]
    return own


def _show(findings: list[tuple[int, Finding]], verdict: str) -> list[dict[str, Any]]:
    return [
        {"turn": number, **{key: value for key, value in asdict(finding).items() if key != "verdict"}}
        for number, finding in findings
        if finding.verdict == verdict
    ]


def _list_notes(saved: SavedAnswers, lake: Lake) -> list[str]:
    """What helps to understand a difference."""
    notes = []
    if saved.lake_id is not None and saved.lake_id != lake.home.lake_id:
        notes.append(
            f"The answers come from another lake ({saved.lake_id}); this one is {lake.home.lake_id}."
        )
    if saved.version is not None and saved.version != find_version():
        notes.append(f"They were checked by version {saved.version}; this is {find_version()}.")
    if saved.intact is None:
        notes.append("The file has no checksum: engine, tools and usage are not checked.")
        if not all(turn.question for turn in saved.turns):
            notes.append("It does not say what was asked, so words of the question count as claims.")
    return notes
