"""Where the model comes from: declared parents against weights, licences along the line, missing bases."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.audit.licences import judge_succession
from tools.audit.registry import find, rule
from tools.audit.subject import AuditSubject
from tools.audit.types import Finding
from tools.audit.values import is_placeholder
from tools.evidence import Evidence
from tools.sources.fields import read_names

_QUANTIZED = re.compile(
    r"(?:^|[-_./])(?:gguf|ggml|gptq|awq|exl2|bnb|int8|int4|[48]bit|q[2-8]_[k0-9](?:_[sml])?|onnx-int8)(?:$|[-_./])",
    re.IGNORECASE,
)
_ADAPTER_TAGS = frozenset({"adapter", "lora", "qlora", "peft", "adapter-transformers"})
_QUANTIZED_TAGS = frozenset({"gguf", "ggml", "gptq", "awq", "exl2", "quantized", "4-bit", "8-bit"})


@rule(
    "base-model-contradicted",
    "error",
    "The declared base model does not fit",
    "Weights, an adapter's configuration or the card itself name another origin than the one declared.",
)
def find_contradicted_base(subject: AuditSubject) -> Iterator[Finding]:
    told = set()
    for claim in subject.claims:
        if claim.kind != "base_model" or claim.verdict != "contradicted" or claim.value.lower() in told:
            continue
        told.add(claim.value.lower())
        by_text = all(item.kind in ("card", "metadata") for item in claim.evidence)
        by_weights = any(item.kind == "weights" for item in claim.evidence)
        yield find(
            subject,
            "base-model-contradicted",
            ("" if by_text or not by_weights else f"The weights contradict the base model {claim.value!r}: ")
            + f"{claim.reason.rstrip('.')}.",
            line=claim.line,
            evidence=claim.evidence,
            suggestion="Name the model that this one was made from.",
            severity="warning" if by_text else None,
        )


@rule(
    "base-model-undeclared",
    "warning",
    "A parent was found that the card does not name",
    "Its licence and its limits hold for this model as well.",
)
def find_undeclared_base(subject: AuditSubject) -> Iterator[Finding]:
    for edge in subject.edges:
        if edge.declared or edge.child.lower() != subject.model.lower() or edge.mutual:
            continue
        yield find(
            subject,
            "base-model-undeclared",
            f"The weights show {edge.parent!r} as a parent ({edge.relation or 'relation unknown'}); "
            "the card does not name it.",
            line=subject.line_of("/base_model"),
            evidence=edge.evidence,
            suggestion=f"Add `base_model: {edge.parent}`.",
        )
    if subject.card.metadata.get("base_model") or subject.card.front_matter is None:
        return
    for claim in subject.claims:
        if claim.kind == "base_model" and "/" in claim.value:
            yield find(
                subject,
                "base-model-undeclared",
                f"The text names {claim.value!r} as the base; the metadata has no base_model.",
                line=claim.line,
                suggestion=f"Add `base_model: {claim.value}`.",
                severity="note",
            )
            return


@rule(
    "derived-without-base",
    "warning",
    "A quantised model or an adapter without its base",
    "Neither can be judged, and an adapter cannot be run, without the model it belongs to.",
)
def find_orphan(subject: AuditSubject) -> Iterator[Finding]:
    card = subject.card
    if not is_placeholder(str(card.metadata.get("base_model") or "")):
        return
    tags = {tag.lower() for tag in (*subject.record.tags, *read_names(card.metadata.get("tags")))}
    name = subject.model or subject.target.rstrip("/").rpartition("/")[2]
    adapter = (
        bool(tags & _ADAPTER_TAGS)
        or "peft" in (subject.record.library, card.metadata.get("library_name"))
        or any(file.path == "adapter_config.json" for file in subject.gathered.subject.files)
    )
    quantized = (
        tags & _QUANTIZED_TAGS
        or _QUANTIZED.search(name)
        or subject.gathered.find("config.json", "quantization_config")
    )
    if not (adapter or quantized):
        return
    known = next((k for k in subject.gathered.known.get("base_model", ()) if k.origin == "config"), None)
    named = card.parents[0].name if card.parents else known.shown if known else "org/name"
    yield find(
        subject,
        "derived-without-base",
        f"This is {'an adapter' if adapter else 'a quantised model'}, and its metadata names no base_model.",
        line=card.front_matter.start if card.front_matter else 0,
        evidence=(known.evidence if known else None,),
        suggestion=f"Add `base_model: {named}`.",
    )


@rule(
    "license-drops-restrictions",
    "error",
    "The licence drops what the parent's licence asks for",
    "Restrictions of a parent's licence bind derived models, whatever their card says.",
)
def find_dropped_restrictions(subject: AuditSubject) -> Iterator[Finding]:
    own = subject.card.metadata.get("license")
    if not isinstance(own, str) or is_placeholder(own):
        return
    for parent, licence, evidence in _parent_licences(subject):
        answer, reason = judge_succession(licence, own)
        if answer in ("dropped", "incompatible"):
            yield find(
                subject,
                "license-drops-restrictions",
                f"The licence is {own!r}, that of the parent {parent} {licence!r}: {reason}.",
                line=subject.line_of("/license"),
                evidence=(evidence,),
                suggestion=f"Write `license: {licence}`, or say why it does not hold.",
            )
        elif answer == "unknown":
            yield find(
                subject,
                "license-drops-restrictions",
                f"Whether {own!r} fits the licence {licence!r} of the parent {parent} is not known: "
                f"{reason}.",
                line=subject.line_of("/license"),
                evidence=(evidence,),
                suggestion="Read the two licences.",
                severity="note",
            )


def _parent_licences(subject: AuditSubject) -> Iterator[tuple[str, str, Evidence]]:
    """(parent, its licence, where that stands) for every ancestor of the lake that is declared or found."""
    if subject.catalog is None:
        return
    waiting = [
        *(
            edge.parent
            for edge in subject.edges
            if edge.child.lower() == subject.model.lower() and edge.weights != "contradicted"
        ),
        *(parent.name for parent in subject.card.parents if parent.origin == "metadata"),
    ]
    seen = {subject.model.lower()}
    while waiting and len(seen) < 50:
        name = waiting.pop(0)
        if name.lower() in seen:
            continue
        seen.add(name.lower())
        record, card = subject.catalog.get_model(name), subject.catalog.get_card(name)
        if record is None or card is None or record.removed:
            continue
        waiting.extend(parent.name for parent in card.parents if parent.origin == "metadata")
        span, licence = card.metadata_lines.get("/license"), card.metadata.get("license")
        if span is not None and isinstance(licence, str) and not is_placeholder(licence):
            text = card.lines_text(span)
            yield (
                record.model,
                licence,
                subject.ledger.add("metadata", record.source, "README.md#/license", text, card.sha256),
            )
