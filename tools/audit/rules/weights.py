"""What the weights show beside parents: copies, and sizes that cannot be those of the stated shape."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.audit.registry import find, rule
from tools.audit.subject import AuditSubject
from tools.audit.types import Finding
from tools.audit.values import scale_number
from tools.sources.fields import read_names

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?\s*[kK]?")
_EXPERTS = re.compile(r"\bexperts?\b|\bmoe\b|\bmixture\b", re.IGNORECASE)
# Bounds of what a card may leave out: a gated feed-forward part of up to eight times the hidden size, cross
# attention of a decoder, a vocabulary of the largest tokenizers in use for both ends.
_WIDEST = 8
_LARGEST_VOCABULARY = 300_000


@rule(
    "copy-undeclared",
    "warning",
    "The weights are those of another model",
    "Work of others is taken for new, and its licence and limits are lost.",
)
def find_undeclared_copy(subject: AuditSubject) -> Iterator[Finding]:
    named = {name.lower() for name in read_names(subject.card.metadata.get("base_model"))}
    for edge in subject.edges:
        other = edge.parent if edge.child.lower() == subject.model.lower() else edge.child
        if not edge.mutual or edge.declared or other.lower() in named:
            continue
        yield find(
            subject,
            "copy-undeclared",
            f"The weights are a copy of those of {other!r}, or these of them; the card does not say so.",
            line=subject.line_of("/base_model"),
            evidence=edge.evidence,
            suggestion=f"Add `base_model: {other}`, unless this model was first.",
        )


@rule(
    "parameters-exceed-shape",
    "warning",
    "More parameters than the stated layers can hold",
    "The size or the shape is that of another model.",
)
def find_oversized(subject: AuditSubject) -> Iterator[Finding]:
    """A transformer is bounded by its layers, hidden size and vocabulary (Kaplan et al., 2020, section 2)."""
    sizes: dict[str, float] = {}
    for claim in subject.claims:
        if claim.kind in ("layers", "hidden_size", "vocabulary"):
            for number in _NUMBER.findall(claim.value):
                value = float(re.sub(r"[,kK\s]", "", number)) * (1000 if number[-1] in "kK" else 1)
                sizes[claim.kind] = max(value, sizes.get(claim.kind, 0.0))
    if not {"layers", "hidden_size"} <= sizes.keys() or _EXPERTS.search(subject.card.text):
        return
    layers, hidden = sizes["layers"], sizes["hidden_size"]
    vocabulary = sizes.get("vocabulary", _LARGEST_VOCABULARY)
    most = 2 * (layers * (8 * hidden**2 + 3 * _WIDEST * hidden**2) + 2 * vocabulary * hidden)
    for claim in subject.claims:
        if claim.kind != "parameters" or claim.verdict == "supported":
            continue
        stated = scale_number(claim.value)
        if stated is not None and stated > most and not _denied(claim.text, claim.value):
            yield find(
                subject,
                "parameters-exceed-shape",
                f"The card says {claim.value!r}; {layers:g} layers of hidden size {hidden:g} hold at most "
                f"about {most / 1e6:,.0f} million.",
                line=claim.line,
                suggestion="Correct the count, or the layers and sizes.",
            )


def _denied(text: str, value: str) -> bool:
    """Whether the text gives the value only to deny it: "5 million, not 350 million"."""
    before = text[: text.find(value)] if value in text else ""
    return (
        re.search(r"\b(?:not|never|instead of|rather than)\W+(?:\w+\W+)?$", before, re.IGNORECASE) is not None
    )
