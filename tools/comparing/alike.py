"""Models whose weights are like those of another, and what a comparison of each says of a common origin."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.comparing.places import ModelPlace, find_place
from tools.errors import SourceError
from tools.evidence import Evidence, EvidenceLedger
from tools.sources.place import find_folder

if TYPE_CHECKING:
    from tools.lake import Lake
    from tools.weights.recovering.confirming import Confirmation, Confirmer

Progress = Callable[[int, int, str], None]  # done, of how many, what

_CITED = 2  # facts of a comparison: the same tensor of both models


@dataclass(frozen=True, slots=True)
class AlikeModel:
    """A model of the lake, how like its fingerprint is (-1 to 1), and what was found when it was compared.

    `verdict` as in `WeightComparison`, None where the two were not compared; `reason` says why in a sentence.
    """

    model: str
    likeness: float
    verdict: str | None
    relation: str | None
    reason: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class AlikeModels:
    """Best first. `notes` are sentences on what was not done."""

    place: ModelPlace
    models: tuple[AlikeModel, ...]
    notes: tuple[str, ...] = ()


def find_alike(
    lake: Lake, name: str, *, k: int, seconds: float = 60.0, progress: Progress | None = None
) -> AlikeModels:
    """The `k` models of the lake whose weights are most like those of `name`, a model of it or a path.

    Likeness finds candidates; a common origin is what the comparison says. After `seconds` no further pair is
    compared. Raises UnknownModelError, UsageError where the lake holds no weights of it, SourceError where
    they have moved, WeightsError where they cannot be read.
    """
    from tools.weights.recovering.confirming import Confirmer
    from tools.weights.recovering.memory import stamp_folder
    from tools.weights.recovering.similar import find_similar_by_weights, open_fingerprint_index

    place = find_place(lake.catalog, name)
    places: dict[str, Path] = {}
    for model, where in lake.catalog.weight_places().items():
        try:
            folder = find_folder(where)
        except SourceError:
            continue
        # A path may lead to what the lake holds already: it is not like itself.
        if folder.resolve() != place.folder.resolve():
            places[model] = folder
    own = place.model if place.model not in places else place.source
    places[own] = place.path
    index = open_fingerprint_index(
        lake.vectors.place if lake.vectors is not None else lake.home.chroma_path, lake.home.lake_id
    )
    try:
        alike = find_similar_by_weights(own, places, lake.catalog, index, k)
    finally:
        index.close()
    until = time.monotonic() + seconds
    ledger = EvidenceLedger()
    models: list[AlikeModel] = []
    stamps = {model: stamp_folder(places[model]) for model in (own, *(found for found, _ in alike))}
    notes: list[str] = []
    with Confirmer(places, stamps, lake.catalog) as confirmer:
        for number, (model, likeness) in enumerate(alike, start=1):
            if time.monotonic() > until:
                notes.append(f"Only the first {number - 1} were compared within {seconds:.0f} s.")
                models += [AlikeModel(*rest, None, None, "", ()) for rest in alike[number - 1 :]]
                break
            models.append(_compare(lake, confirmer, place, own, (model, likeness), ledger))
            if progress is not None:
                progress(number, len(alike), "comparing weights")
    if any(model.verdict not in ("related", "identical") for model in models):
        notes.append("Likeness alone proves no common origin; the comparison of the two is what counts.")
    return AlikeModels(place, tuple(models), tuple(notes))


def _compare(
    lake: Lake,
    confirmer: Confirmer,
    place: ModelPlace,
    own: str,
    candidate: tuple[str, float],
    ledger: EvidenceLedger,
) -> AlikeModel:
    from tools.weights.errors import WeightsError

    model, likeness = candidate
    try:
        found: Confirmation = confirmer.compare(own, model)
    except WeightsError as error:
        return AlikeModel(model, likeness, None, None, str(error), ())
    record = lake.catalog.get_model(model)
    other = record.source if record is not None else model
    evidence = []
    for fact in found.facts[:_CITED]:
        source = place.source if _is_of(fact.source, place.path) else other
        evidence.append(ledger.add("weights", source, fact.locator, fact.text, fact.sha256))
    reason = found.reasons[0] if found.reasons else ""
    return AlikeModel(model, likeness, found.verdict, found.relation, reason, tuple(dict.fromkeys(evidence)))


def _is_of(source: str, path: Path) -> bool:
    """Whether weights opened at `path` name themselves `source`: the path of their folder."""
    return Path(source) in (path, path.parent if path.is_file() else path)
