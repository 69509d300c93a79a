"""What a draft consists of: statements, each standing on evidence, in the slots of a card's template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from tools.evidence import Evidence

DraftFormat = Literal["markdown", "json", "cyclonedx", "spdx", "eu"]
FORMATS: tuple[DraftFormat, ...] = ("markdown", "json", "cyclonedx", "spdx", "eu")
Status = Literal["filled", "inherited", "unknown"]
# Where a fact was read; "lineage" is what weights show of a model's parent.
Origin = Literal["metadata", "record", "config", "weights", "files", "logs", "prose", "lineage", "paper"]


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence, quotation or block of a draft with the evidence it stands on.

    `text` is Markdown without marks. `values` are the parts of it that claim something, each of which must
    stand in the evidence; the rest is fixed wording of ours. A quotation (`> …`, a code block) is checked as
    a whole and has none. `inherited_from` is the ancestor whose fact it is, "" for the model's
    own. `written` tells that a language model worded it.
    """

    text: str
    evidence: tuple[Evidence, ...]
    values: tuple[str, ...] = ()
    inherited_from: str = ""
    written: bool = False

    def mark(self) -> str:
        """The text with `[E1]` behind it, as the verifier reads it."""
        return f"{self.text} {''.join(f'[{item.id}]' for item in self.evidence)}".rstrip()


def say(wording: str, *facts: tuple[str, Evidence], inherited_from: str = "") -> Statement:
    """A statement of ours: `wording` with a value of the evidence in each `{}`."""
    values = tuple(value for value, _ in facts)
    evidence = tuple(dict.fromkeys(item for _, item in facts))
    return Statement(wording.format(*values), evidence, values, inherited_from)


@dataclass(frozen=True, slots=True)
class SlotDraft:
    """A slot of the template with what was found for it; `fills` says what would fill an empty one."""

    slot: str  # the template's variable, e.g. "training_data"
    name: str  # the heading or label a reader sees, e.g. "Training Data"
    path: tuple[str, ...]  # headings it stands under
    fills: str
    statements: tuple[Statement, ...] = ()

    @property
    def status(self) -> Status:
        if not self.statements:
            return "unknown"
        return "inherited" if all(said.inherited_from for said in self.statements) else "filled"

    @property
    def evidence(self) -> tuple[str, ...]:
        """Keys of all evidence its statements stand on, each once."""
        return tuple(dict.fromkeys(item.id for said in self.statements for item in said.evidence))


@dataclass(frozen=True, slots=True)
class Draft:
    """A drafted card. `card` holds it in `format`; all else is the same whatever the format.

    `document` is the object behind a `card` that is JSON or a form, None for Markdown. `dropped` are the
    statements that failed verification and reached no card; `notes` sentences on what could not be read.
    `proposal` is a unified diff against the card the model has already, "" where it has none or nothing is to
    be added; `proposed` is that card with the diff applied. `others` holds it in further formats.
    """

    model: str
    format: DraftFormat
    card: str
    slots: tuple[SlotDraft, ...]
    evidence: tuple[Evidence, ...]
    document: dict[str, Any] | None = None
    dropped: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)
    proposal: str = ""
    proposed: str = ""
    others: Mapping[DraftFormat, str] = field(default_factory=dict)


class SectionWriter(Protocol):
    """Who words a slot from evidence alone: a language model behind `assistant.drafting`."""

    def write(self, model: str, slot: SlotDraft) -> str:
        """Prose with `[E1]` marks for `slot`, "" when there is nothing to say. Raises ServiceError."""
        ...
