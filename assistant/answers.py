"""The answer of one turn, as `lake ask` returns it, and how it is put together from what was written.

The writer (a language model or the offline engine) only writes; levels, citations and what is unsupported
come from the verifier.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tools.evidence import Evidence, EvidenceLedger
from tools.verification import annotate_answer, verify_answer
from tools.verification.types import CitationStatus, Level, Statement

_MARK_GROUP = re.compile(r"\[(E\d+(?:\s*[,;]\s*E\d+)*)\]")
_BACKTICKED = re.compile(r"`([^`\s]+)`")
_ABSTENTION = re.compile(
    r"\b(?:does not state|do not state|not stated|is not in this lake|are not in this lake|"
    r"outside (?:my|what)|I can(?:no|')t|no model in this lake|nothing in this lake|unknown)\b",
    re.IGNORECASE,
)

_NOTHING_FITS = re.compile(
    r"\b(?:(?:is|are) not in (?:this|the) lake|(?:no|none of the) models? in (?:this|the) lake"
    r"|nothing in (?:this|the) lake|outside (?:my|what))\b",
    re.IGNORECASE,
)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AnswerCitation(_Frozen):
    """One mark of the answer, in order."""

    evidence: str
    quote: str
    status: CitationStatus


class AnswerStatement(_Frozen):
    """A sentence, item or row with its level; `reason` says why a failed one failed."""

    text: str
    level: Level
    marks: list[str]
    reason: str = ""


class ToolView(_Frozen):
    """What a tool found as a document that a front end can draw beside the answer.

    `kind` says which: "comparison" is what `lake compare --json` prints, "lineage" what `lake lineage --json`
    prints, "results" holds `rankings`, each {"metric", "lower_is_better", "rows": [{"model", "metric",
    "value", "unit", "dataset", "config", "split", "verified", "keys": [evidence keys]}]}, "card" a drafted
    card, {"model", "markdown"}. Evidence in a document is numbered in the ledger of the conversation.
    """

    kind: Literal["comparison", "lineage", "results", "card"]
    document: dict[str, Any]


class ToolCall(_Frozen):
    """A tool the engine used; `found` is one line on what came of it."""

    name: str
    arguments: dict[str, Any]
    ok: bool
    seconds: float
    found: str = ""
    view: ToolView | None = None


class Answer(_Frozen):
    """What one turn returns. Contract: "Answers" of the command line."""

    answer: str
    models: list[str]
    suggestions: list[str]
    evidence: list[Evidence]
    retrieved: list[Evidence]
    citations: list[AnswerCitation]
    statements: list[AnswerStatement]
    unsupported: list[str]
    abstained: bool
    tools: list[ToolCall]
    engine: str
    thread: str
    usage: dict[str, Any] = Field(default_factory=dict)
    question: str = ""  # whose words the answer may repeat; without it nobody could check the answer again


class Outline(_Frozen):
    """What an engine knows of its own answer beyond the text; None where the text has to tell."""

    models: list[str] | None = None
    suggestions: list[str] | None = None
    abstained: bool | None = None
    framing: list[str] = Field(default_factory=list)  # the engine's own fixed sentences, which claim nothing


def marked_keys(text: str) -> list[str]:
    """Evidence keys marked in `text`, in order, repeats kept."""
    return [key.strip() for group in _MARK_GROUP.findall(text) for key in re.split(r"[,;]", group)]


def named_models(text: str, known: Collection[str]) -> list[str]:
    """Ids of the lake that stand in backticks in `text`, in order, once each."""
    by_folded = {model.lower(): model for model in known}
    found = (by_folded.get(name.partition("@")[0].lower()) for name in _BACKTICKED.findall(text))
    return list(dict.fromkeys(model for model in found if model))


def read_outline(statements: Sequence[Statement], known: Collection[str]) -> Outline:
    """What an answer's own words tell of it: the models, the near misses, and whether it abstains.

    It abstains when it says so at its beginning, or says so and nothing else that holds. Models that are
    named only where something is not stated are near misses, unless that is the whole answer.
    """
    claims = [statement for statement in statements if statement.level != "unchecked" or statement.marks]
    first = next((s for s in statements if _ABSTENTION.search(s.text) or s in claims), None)
    holds = any(statement.level in ("quoted", "facts") for statement in statements)
    abstains = any(_ABSTENTION.search(statement.text) for statement in statements)
    abstained = first is not None and abstains and (not holds or bool(_ABSTENTION.search(first.text)))
    named = named_models("\n".join(statement.text for statement in statements), known)
    if any(_NOTHING_FITS.search(statement.text) for statement in statements) and not holds:
        return Outline(models=[], suggestions=named, abstained=True)
    kept = [s.text for s in statements if abstained or not _ABSTENTION.search(s.text)]
    models = named_models("\n".join(kept), known)
    return Outline(models=models, suggestions=[n for n in named if n not in models], abstained=abstained)


def build_answer(
    text: str,
    *,
    outline: Outline,
    ledger: EvidenceLedger,
    read: Sequence[str],
    known_models: Collection[str],
    tools: Sequence[ToolCall],
    engine: str,
    thread: str,
    asked: Sequence[str],
    usage: dict[str, Any],
) -> Answer:
    """Verify `text` against the ledger and assemble the answer.

    `read` are the keys of the evidence the tools gave in this turn; `known_models` the ids of the lake;
    `asked` what the person said, whose words an answer may repeat.
    """
    verification = verify_answer(
        text, ledger, known_models=known_models, allowed=asked, framing=outline.framing
    )
    shown = annotate_answer(text, verification)
    marked = list(dict.fromkeys(citation.evidence for citation in verification.citations))
    cited = [item for key in marked if (item := ledger.get(key)) is not None]
    retrieved = [item for key in dict.fromkeys(read) if key not in marked and (item := ledger.get(key))]
    told = read_outline(verification.statements, known_models)
    models = outline.models if outline.models is not None else told.models or []
    suggestions = outline.suggestions if outline.suggestions is not None else told.suggestions or []
    abstained = outline.abstained if outline.abstained is not None else bool(told.abstained)
    return Answer(
        answer=shown,
        models=models,
        suggestions=suggestions,
        evidence=cited,
        retrieved=retrieved,
        citations=[
            AnswerCitation(evidence=c.evidence, quote=c.quote, status=c.status)
            for c in verification.citations
        ],
        statements=[
            AnswerStatement(text=s.text, level=s.level, marks=list(s.marks), reason=s.reason)
            for s in verification.statements
        ],
        unsupported=list(verification.unsupported),
        abstained=abstained,
        tools=list(tools),
        engine=engine,
        thread=thread,
        usage=usage,
        question=asked[-1] if asked else "",
    )
