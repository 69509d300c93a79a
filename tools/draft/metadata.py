"""The metadata block of a drafted card, written by `huggingface_hub`.

What the author declared stays; fields that other evidence fills are added. Inherited ones say so in a
comment.
"""

from __future__ import annotations

import re
from typing import Any

from tools.draft.gathering import Gathered
from tools.draft.prose import name_library
from tools.draft.relatives import find_edges
from tools.search.vocabulary import normalize_language, normalize_license, normalize_task

_TOPICS = {"license": "license", "task": "pipeline_tag", "library": "library_name"}
# Words of a card's prose to the identifiers that the Hub's metadata wants.
_NAMES = {"license": normalize_license, "task": normalize_task, "library": name_library}
_HUB_ID = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}")
_IDENTIFIER = re.compile(r"[a-z0-9][\w.+-]{0,60}")


def collect_metadata(gathered: Gathered) -> tuple[dict[str, Any], dict[str, str]]:
    """(fields, ancestor by inherited field): the author's own and what evidence adds."""
    fields: dict[str, Any] = {
        key: value for key, value in gathered.subject.card.metadata.items() if value not in (None, "", [])
    }
    inherited: dict[str, str] = {}
    for topic, key in _TOPICS.items():
        fact = gathered.first(topic)
        if key in fields or fact is None:
            continue
        if fact.inherited_from and len({one.shown.lower() for one in gathered.known[topic]}) > 1:
            continue  # parents that differ: which licence is to be chosen is not ours to say
        value = _NAMES[topic](fact.shown)
        if _IDENTIFIER.fullmatch(value):
            fields[key] = value
            if fact.inherited_from:
                inherited[key] = fact.inherited_from
    refuted = {edge.parent for edge in find_edges(gathered) if edge.weights == "contradicted"}
    if refuted and fields.get("base_model") in (*refuted, [*refuted]):
        del fields["base_model"]  # the author's card keeps it; ours names what the weights show
    if "base_model" not in fields:
        edges = [edge for edge in find_edges(gathered) if edge.weights != "contradicted"]
        parents = [edge.parent for edge in edges if _is_id(gathered, edge.parent)]
        if parents:
            fields["base_model"] = parents[0] if len(parents) == 1 else parents
    if "language" not in fields and (fact := gathered.first("language")):
        codes = [normalize_language(code) for code in fact.shown.split(",")]
        if all(re.fullmatch(r"[a-z]{2,3}", code) for code in codes):
            fields["language"] = codes[0] if len(codes) == 1 else codes
            if fact.inherited_from:
                inherited["language"] = fact.inherited_from
    return fields, inherited


def _is_id(gathered: Gathered, name: str) -> bool:
    """Whether the Hub would take a parent's name: an `org/name`, or a bare one that the lake holds."""
    catalog = gathered.subject.catalog
    return _HUB_ID.fullmatch(name) is not None or (
        catalog is not None and catalog.get_model(name) is not None
    )


def build_metadata(gathered: Gathered) -> str:
    """The whole block with its `---` lines."""
    fields, inherited = collect_metadata(gathered)
    return "\n".join(["---", *write_fields(fields, inherited), "---", ""])


def write_fields(fields: dict[str, Any], inherited: dict[str, str]) -> list[str]:
    """Lines of YAML as `huggingface_hub` writes them; a field of an ancestor's says so in a comment.

    A model-index that the Hub would refuse is left out, as it does.
    """
    from huggingface_hub import ModelCardData
    from huggingface_hub.repocard_data import model_index_to_eval_results

    kept = dict(fields)
    if "model-index" in kept:
        try:
            model_index_to_eval_results(kept["model-index"])
        except (KeyError, TypeError, ValueError, AttributeError):
            del kept["model-index"]
    data = ModelCardData(ignore_metadata_errors=True, **kept)
    return [
        f"{line}  # inherited from {inherited[key]}" if (key := line.partition(":")[0]) in inherited else line
        for line in data.to_yaml().split("\n")
    ]
