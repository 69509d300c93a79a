"""`lake similar --by weights`: the document it prints, as that of a search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assistant.cli.views import view_origin

if TYPE_CHECKING:
    from tools.comparing.alike import AlikeModel, Progress
    from tools.lake import Lake

_VERDICTS = {
    "identical": "the weights are identical",
    "related": "the weights show a common origin",
    "unrelated": "the weights show no common origin",
    "incomparable": "the weights cannot tell whether they have a common origin",
}


def list_alike(lake: Lake, model: str, *, k: int, progress: Progress | None = None) -> dict[str, Any]:
    """Models like `model`, one of the lake or a path, by their weights. Errors are those of `find_alike`."""
    from tools.comparing.alike import find_alike

    found = find_alike(lake, model, k=k, progress=progress)
    hits = [_view(lake, one) for one in found.models]
    return {
        "query": found.place.model,
        "constraints": [],
        "hits": hits,
        "unknown": [],
        "suggestions": [],
        "confidence": round(max(0.0, min(1.0, found.models[0].likeness)), 4) if hits else 0.0,
        "notes": list(found.notes),
    }


def _view(lake: Lake, found: AlikeModel) -> dict[str, Any]:
    record = lake.catalog.get_model(found.model)
    assert record is not None  # its weights are in the lake
    said = _VERDICTS.get(found.verdict or "", "not compared")
    why = [f"fingerprints with a cosine of {found.likeness:.3f}"]
    why.append(f"{said} ({found.relation})" if found.relation else said)
    if found.reason:
        why.append(found.reason)
    return {
        "model": found.model,
        "score": round(found.likeness, 6),
        "task": record.task,
        "license": record.license,
        "downloads": record.downloads,
        "why": why,
        "not_stated": [],
        **view_origin(record),
        "verdict": found.verdict,
        "relation": found.relation,
        "evidence": [item.model_dump(mode="json") for item in found.evidence],
    }
