"""Lineage that weights show: recovered where it is not known yet, and kept in the catalog."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tools.catalog.weighed import FoundEdge, WeighedClaim, WeighedModel
from tools.errors import SourceError
from tools.hashing import hash_text
from tools.sources.place import find_folder

if TYPE_CHECKING:
    from tools.catalog.repository import Catalog
    from tools.weights.comparison import WeightFact
    from tools.weights.recovering.recover import LakeModel, Recovery

Progress = Callable[[int, int, str], None]  # done, of how many, what


class FoundLineage:
    """What is kept of found lineage and still holds: the files of both models are as they were weighed."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._places = catalog.weight_places()
        self._weighed = catalog.weighed_models()
        self._current: dict[str, bool] = {}

    def has_weights(self, model: str) -> bool:
        """Whether the model came with a folder of files. Whether they hold weights is seen on opening."""
        return model in self._places

    def edges_of(self, model: str) -> list[FoundEdge]:
        """Edges to and from a model."""
        return [
            edge
            for edge in self._catalog.found_edges([model])
            if self._is_current(edge.parent) and self._is_current(edge.child)
        ]

    def find_claim(self, child: str, parent: str) -> WeighedClaim | None:
        """The verdict on a declared edge, None where it was not weighed."""
        if not (self._is_current(child) and self._is_current(parent)):
            return None
        return self._catalog.weighed_claim(child, parent)

    def find_error(self, model: str) -> str:
        """Why the weights of a model could not be read, "" when they could or were not tried."""
        return self._weighed[model].error if self._is_current(model) else ""

    def _is_current(self, model: str) -> bool:
        known = self._current.get(model)
        if known is None:
            weighed = self._weighed.get(model)
            stamp = _stamp(self._places.get(model)) if weighed is not None else None
            known = self._current[model] = weighed is not None and stamp == weighed.stamp
        return known


def weigh_models(
    catalog: Catalog, names: Iterable[str], *, seconds: float, progress: Progress | None = None
) -> bool:
    """Recover the lineage of these models of the lake and keep it, unless it is known already.

    Models whose files are no longer there are left out. False when it was not finished within `seconds`:
    what was read until then is kept, and the next call goes on from there.
    """
    from tools.weights.recovering.inputs import list_lake_models
    from tools.weights.recovering.recover import recover

    places = catalog.weight_places()
    stamps = {name: stamp for name in names if (stamp := _stamp(places.get(name))) is not None}
    if not stamps:
        return True
    models = list_lake_models(catalog, sorted(stamps))
    key = _name_recovery(models, stamps)
    weighed = catalog.weighed_models()
    if all(name in weighed and weighed[name].recovery == key for name in stamps):
        return True
    until = time.monotonic() + seconds

    def tell(done: int, of: int, what: str) -> None:
        if time.monotonic() > until:
            raise _OutOfTimeError
        if progress is not None:
            progress(done, of, what)

    try:
        result = recover(models, memory=catalog, progress=tell)
    except _OutOfTimeError:
        return False
    keep_recovery(catalog, models, result)
    return True


def keep_recovery(catalog: Catalog, models: Sequence[LakeModel], result: Recovery) -> None:
    """Keep what a recovery found between models of the lake; folders that are in no lake are passed over."""
    ids = _find_ids(catalog, models)
    stamps = {
        ids[model.name]: stamp
        for model in models
        if model.name in ids and (stamp := _stamp_path(model.place)) is not None
    }
    kept = [replace(model, name=ids[model.name]) for model in models if ids.get(model.name) in stamps]
    key = _name_recovery(kept, stamps)
    sources = {str(model.place): ids[model.name] for model in models if model.name in ids}
    weighed = [
        WeighedModel(ids[name], stamps[ids[name]], key, result.failed.get(name, ""))
        for name in ids
        if ids[name] in stamps
    ]
    edges: dict[tuple[str, str], FoundEdge] = {}
    for asserted, found in ((True, result.edges), (False, result.candidates)):
        for edge in found:
            parent, child = ids.get(edge.parent), ids.get(edge.child)
            if parent in stamps and child in stamps:
                facts = _pack(edge.facts, sources)
                edges.setdefault(
                    (parent, child),
                    FoundEdge(parent, child, edge.relation, edge.confidence, asserted, edge.is_mutual, facts),
                )
    claims: dict[tuple[str, str], WeighedClaim] = {}
    for judged in result.declared:
        parent, child = ids.get(judged.declaration.parent), ids.get(judged.declaration.child)
        if parent in stamps and child in stamps:
            facts = _pack(judged.facts, sources)
            claims[parent, child] = WeighedClaim(parent, child, judged.verdict, judged.reason, facts)
    catalog.store_found_edges(weighed, list(edges.values()), list(claims.values()))


@dataclass(frozen=True, slots=True)
class KeptFact:
    """A fact of a found edge or a weighed claim; `model` is the id of the model it is of."""

    model: str
    locator: str
    text: str
    sha256: str


def unpack_facts(facts: str) -> list[KeptFact]:
    """The facts of a `FoundEdge` or `WeighedClaim`."""
    return [KeptFact(**fact) for fact in json.loads(facts)]


class _OutOfTimeError(Exception):
    """The time for a recovery is over."""


def _pack(facts: Sequence[WeightFact], sources: Mapping[str, str]) -> str:
    kept = [
        KeptFact(sources[fact.source], fact.locator, fact.text, fact.sha256)
        for fact in facts
        if fact.source in sources
    ]
    return json.dumps([asdict(fact) for fact in kept], ensure_ascii=False)


def _find_ids(catalog: Catalog, models: Sequence[LakeModel]) -> dict[str, str]:
    """The ids that the lake has for these models, by their names in a recovery: the same files count."""
    by_folder: dict[Path, str] = {}
    for name, place in catalog.weight_places().items():
        try:
            by_folder[find_folder(place).resolve()] = name
        except SourceError:
            continue
    found = {}
    for model in models:
        folder = model.place if model.place.is_dir() else model.place.parent
        known = by_folder.get(folder.resolve())
        if known is not None:
            found[model.name] = known
    return found


def _stamp(place: str | None) -> str | None:
    try:
        return _stamp_path(find_folder(place)) if place is not None else None
    except SourceError:
        return None


def _stamp_path(path: Path) -> str | None:
    from tools.weights.recovering.memory import stamp_folder

    try:
        return stamp_folder(path)
    except OSError:
        return None


def _name_recovery(models: Sequence[LakeModel], stamps: Mapping[str, str]) -> str:
    """Names a recovery by all that goes into it: the files, and what is declared."""
    lines = [
        "\0".join((model.name, stamps[model.name], *sorted(said.parent for said in model.declared)))
        for model in sorted(models, key=lambda model: model.name)
    ]
    return hash_text("\n".join(lines))
