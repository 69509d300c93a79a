"""The models a person names for a recovery, with what their cards declare."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tools.catalog.adapters import merge_adapter_parent, read_adapter_base
from tools.catalog.names import resolve_model
from tools.catalog.naming import bare_key, model_key
from tools.errors import UsageError
from tools.sources.folder import RepositoryFolder, find_repositories
from tools.sources.place import find_folder
from tools.sources.types import SourceModel
from tools.weights.recovering.declared import Declaration
from tools.weights.recovering.recover import LakeModel

if TYPE_CHECKING:
    from tools.cards.types import DeclaredParent
    from tools.catalog.repository import Catalog


def list_folder_models(root: Path) -> list[LakeModel]:
    """The models in a folder, named by their places below it. Raises UsageError when there are none."""
    folders = find_repositories(root)
    if not folders:
        raise UsageError(f"{str(root)!r} holds no model folders.", hint="Name the folder above the models.")
    models = []
    for folder in folders:
        name = folder.relative_to(root).as_posix() if folder != root else root.resolve().name
        models.append(LakeModel(name, folder, _read_declarations(name, folder, root)))
    return link_declarations(models)


def list_lake_models(catalog: Catalog, names: Sequence[str]) -> list[LakeModel]:
    """Models of the lake by name, all that came with files when none is named.

    Raises UnknownModelError for a name that is not there, UsageError for a model without files.
    """
    places = catalog.weight_places()
    chosen = list(dict.fromkeys(resolve_model(catalog, name) for name in names)) or list(places)
    if not chosen:
        raise UsageError(
            "No model of this lake came with weights.", hint="Ingest a folder of models, or name the folder."
        )
    models = []
    for name in chosen:
        if name not in places:
            raise UsageError(
                f"The lake holds the card of {name!r}, not its weights.",
                hint="Download the model and ingest its folder, or name the folder itself.",
            )
        declared = tuple(
            _declare(name, parent.declared, parent.source, parent.sha256)
            for parent in catalog.parents_of(name)
        )
        models.append(LakeModel(name, find_folder(places[name]), declared))
    return link_declarations(models)


def link_declarations(models: Iterable[LakeModel]) -> list[LakeModel]:
    """The models with declared parents under the names they have here, where one name fits: the whole
    name in any case, else its last part."""
    models = list(models)
    whole = {model_key(model.name): model.name for model in models}
    bare: dict[str, set[str]] = {}
    for model in models:
        bare.setdefault(bare_key(model.name), set()).add(model.name)

    def find(parent: str) -> str:
        if known := whole.get(model_key(parent)):
            return known
        near = bare.get(bare_key(parent), set())
        return next(iter(near)) if len(near) == 1 else parent

    linked = []
    for model in models:
        seen: dict[str, Declaration] = {}
        for said in model.declared:
            named = replace(said, parent=find(said.parent))
            seen.setdefault(named.parent, named)  # the first is of the highest standing
        linked.append(replace(model, declared=tuple(seen.values())))
    return linked


def _read_declarations(name: str, folder: Path, root: Path) -> tuple[Declaration, ...]:
    """What the card and the adapter configuration in `folder` declare; nothing when they cannot be read."""
    for item in RepositoryFolder([folder], root, name):
        if isinstance(item, SourceModel):
            record, card = item.parse()
            base = read_adapter_base(record.record_json)
            return tuple(
                _declare(
                    name,
                    parent,
                    str(folder),
                    base.sha256 if base and parent.origin == "config" else card.sha256,
                )
                for parent in merge_adapter_parent(card.parents, base)
            )
    return ()


_KINDS: dict[str, Literal["metadata", "card", "config"]] = {
    "prose": "card",
    "table": "card",
    "config": "config",
}


def _declare(child: str, parent: DeclaredParent, source: str, sha256: str) -> Declaration:
    return Declaration(
        child,
        parent.name,
        parent.relation,
        _KINDS.get(parent.origin, "metadata"),
        source,
        parent.locator,
        parent.text,
        sha256,
    )
