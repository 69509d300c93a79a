"""What structured formats take from a draft: values of slots, parents, figures, hashes of weights."""

from __future__ import annotations

from collections.abc import Sequence

from tools.draft.figures import find_value
from tools.draft.gathering import Gathered, Known
from tools.draft.relatives import find_edges
from tools.draft.technical import is_weights
from tools.draft.types import SlotDraft
from tools.hashing import hash_file

_MOST_BYTES = 64 * 2**30


def find_values(slots: Sequence[SlotDraft], name: str) -> list[str]:
    """The values stated in the slot `name`, in order; quotations have none."""
    return [value for slot in slots if slot.slot == name for said in slot.statements for value in said.values]


def list_parents(gathered: Gathered) -> list[tuple[str, str]]:
    """(parent, relation or "") of those that nothing contradicts."""
    edges = find_edges(gathered)
    if edges:
        return [(edge.parent, edge.relation or "") for edge in edges if edge.weights != "contradicted"]
    return [(known.shown, "") for known in gathered.known.get("base_model", ())[:1]]


def list_datasets(gathered: Gathered) -> list[str]:
    """The datasets that the metadata names, each once."""
    facts = [fact for fact in gathered.known.get("dataset", []) if fact.origin in ("metadata", "record")]
    return list(dict.fromkeys(name for fact in facts for name in fact.shown.split(", ")))


def list_figures(gathered: Gathered) -> list[tuple[str, str, str]]:
    """(metric, value as written, dataset or "") of all reported results, each once."""
    rows = sorted(gathered.results, key=lambda pair: pair[0].origin != "metadata")
    figures = [(row.metric, find_value(row), row.dataset or row.dataset_id) for row, _ in rows]
    return list(dict.fromkeys(figure for figure in figures if figure[0] and figure[1]))


def gather_hashes(gathered: Gathered) -> None:
    """Add topic "weights_hash": (file, sha256) of each file of weights of the model's folder."""
    subject = gathered.subject
    if subject.folder is None:
        return
    chosen = [file for file in subject.files if is_weights(file.path) and "/" not in file.path]
    if chosen and subject.headers_only:
        gathered.faults["weights_hash"] = (
            "Of the weights only the headers are at hand; their hashes are left out."
        )
        return
    if sum(file.size for file in chosen) > _MOST_BYTES:
        gathered.notes.append("The weights are too large to be hashed here; their hashes are left out.")
        return
    for file in chosen:
        try:
            digest = hash_file(subject.folder / file.path)
        except OSError as error:
            gathered.notes.append(f"{file.path} cannot be read: {error.strerror or error}.")
            continue
        text = f"{file.path}: {file.size:,} bytes with the sha256 {digest}"
        evidence = gathered.ledger.add("weights", subject.record.source, file.path, text, digest)
        gathered.add(Known("weights_hash", (file.path, digest), "weights", evidence))
