"""Which files of a repository hold its weights, and that an index names no file outside of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Protocol

from tools.weights.configs import MAX_CONFIG_BYTES, parse_object
from tools.weights.errors import PickledWeightsError, WeightsError
from tools.weights.files import WeightsFile, read_bytes

MAX_INDEX_BYTES = 2**25
INDEX_SUFFIX = ".safetensors.index.json"
ADAPTER_FILES = ("adapter_model.safetensors", "adapter.safetensors")
ADAPTER_CONFIG = "adapter_config.json"
PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_NOT_WEIGHTS = re.compile(r"^(training_args|optimizer|scheduler|rng_state|scaler|random_states)", re.I)
_NUMBERED = re.compile(
    r"^(?P<stem>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<suffix>\.(?:safetensors|gguf))$"
)


class Repository(Protocol):
    """A model's files, in a folder or on the Hub."""

    name: str  # org/name, or the folder's name
    source: str  # as evidence names it

    def list_files(self) -> Sequence[str]:
        """Names of all files, relative, with `/`. Raises WeightsError."""
        ...

    def open_file(self, name: str) -> WeightsFile:
        """Open one file. Raises WeightsError when it is missing or lies outside of the repository."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Choice:
    """The files that hold a model's weights. `owners` is the index: the file of each tensor."""

    files: tuple[str, ...]
    owners: Mapping[str, str] | None = None
    index: str = ""
    is_adapter: bool = False
    problems: tuple[str, ...] = ()


def choose_files(repository: Repository, only: str | None = None) -> Choice:
    """Sharded weights by their index, else `model.safetensors`, an adapter, other safetensors files, GGUF.

    Only files at the top count. `only` names the one to take, an index or a file of weights. Raises
    PickledWeightsError when there are pickle files only, WeightsError when there is nothing to open, a shard
    is missing, or the index names files it may not.
    """
    names = sorted(name for name in repository.list_files() if "/" not in name)
    if only is not None:
        return _choose_named(repository, only, names)
    tensors = [name for name in names if name.endswith(".safetensors")]
    indexes = [name for name in names if name.endswith(INDEX_SUFFIX)]
    if indexes:
        # Variants (model.fp16.safetensors.index.json) stand beside the plain one, which sorts by length.
        return _follow_index(repository, min(indexes, key=lambda name: (len(name), name)), names)
    if "model.safetensors" in tensors:
        return Choice(("model.safetensors",), problems=_mention(tensors, ("model.safetensors",)))
    for adapter in ADAPTER_FILES:
        if adapter in tensors:
            return Choice((adapter,), is_adapter=True)
    own = [name for name in tensors if not name.startswith("consolidated")] or tensors
    if own:
        return choose_largest(repository, own)
    ggufs = [name for name in names if name.lower().endswith(".gguf")]
    models = [name for name in ggufs if "mmproj" not in name.lower()] or ggufs  # not the vision part
    if models:
        return choose_largest(repository, models)
    raise _explain_nothing(repository, names)


def _choose_named(repository: Repository, only: str, names: Sequence[str]) -> Choice:
    if only.endswith(INDEX_SUFFIX):
        return _follow_index(repository, only, names)
    if only.endswith(".safetensors"):
        return Choice((only,), is_adapter=only in ADAPTER_FILES)
    if only.lower().endswith(".gguf"):
        match = _NUMBERED.match(only)
        parts = [name for name in names if match and name.startswith(f"{match['stem']}-")]
        return choose_largest(repository, parts or (only,))
    if only.lower().endswith(PICKLE_SUFFIXES):
        raise PickledWeightsError(repository.name, (only,))
    raise WeightsError(
        f"{only!r} is no file of weights that is known.",
        hint="Name a model's folder, or a .safetensors, .safetensors.index.json or .gguf file.",
        file=only,
    )


def choose_largest(repository: Repository, names: Sequence[str]) -> Choice:
    """Of several files of weights without an index the largest, with all its numbered parts.

    Of several quantisations of one model that is the one that lost least.
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        match = _NUMBERED.match(name)
        groups.setdefault(match["stem"] if match else name, []).append(name)
    chosen = next(iter(groups.values()))
    if len(groups) > 1:
        sizes = {stem: sum(_measure(repository, name) for name in files) for stem, files in groups.items()}
        chosen = groups[max(groups, key=lambda stem: (sizes[stem], stem))]
    _check_parts(chosen, repository.name)
    return Choice(tuple(chosen), problems=_mention(names, chosen))


def parse_index(data: bytes, name: str) -> dict[str, str]:
    """`weight_map` of an index file: the shard of every tensor. Raises WeightsError.

    Every shard must be a plain name beside the index: nothing absolute, no `..`, no other kind of file.
    """
    weight_map = parse_object(data, name).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise WeightsError(f"{name!r} has no weight_map.", hint="Fetch the file again.", file=name)
    for tensor, shard in weight_map.items():
        if not isinstance(shard, str):
            raise WeightsError(
                f"{name!r} gives tensor {tensor[:80]!r} no file but {str(shard)[:80]!r}.",
                hint="Fetch the file again.",
                file=name,
            )
    for shard in set(weight_map.values()):
        check_inside(shard, name)
    return weight_map


def check_inside(shard: str, index: str) -> None:
    """Raise WeightsError unless `shard`, as `index` names it, is a safetensors file of the repository."""
    parts = PurePosixPath(shard).parts
    harmful = not parts or ".." in parts or shard.startswith(("/", "~")) or "\\" in shard or ":" in shard
    if harmful or not shard.isprintable():
        raise WeightsError(
            f"{index!r} names {shard[:160]!r}, a file outside of the model's folder.",
            hint="Nothing of it was read. Correct the index.",
            file=index,
        )
    if not shard.endswith(".safetensors"):
        raise WeightsError(
            f"{index!r} names {shard[:160]!r}, which is no safetensors file: not opened.",
            hint="Convert the weights to safetensors.",
            file=index,
        )


def _follow_index(repository: Repository, index: str, names: Sequence[str]) -> Choice:
    owners = parse_index(read_whole(repository, index, MAX_INDEX_BYTES), index)
    shards = tuple(sorted(set(owners.values())))
    present = set(repository.list_files())
    missing = [shard for shard in shards if shard not in present]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise WeightsError(
            f"{missing[0]!r}{more} of the {len(shards)} shards that {index!r} names is missing from "
            f"{repository.name!r}.",
            hint="Fetch the missing shards.",
            file=missing[0],
        )
    loose = [name for name in names if name.endswith(".safetensors")]
    return Choice(shards, owners, index, problems=_mention(loose, shards))


def _check_parts(names: Sequence[str], model: str) -> None:
    """Raise WeightsError unless numbered files (…-00001-of-00003…) are all there."""
    matches = [match for match in map(_NUMBERED.match, names) if match]
    if not matches:
        return
    first = matches[0]
    count = int(first["count"])
    have = {int(match["number"]) for match in matches}
    if len(have) < count:
        number = next(n for n in range(1, count + 1) if n not in have)
        missing = f"{first['stem']}-{number:05d}-of-{count:05d}{first['suffix']}"
        raise WeightsError(
            f"{missing!r} is missing from {model!r}, which has {len(have)} of {count} shards.",
            hint="Fetch the missing shards.",
            file=missing,
        )


def _mention(names: Iterable[str], chosen: Iterable[str]) -> tuple[str, ...]:
    left = sorted(set(names) - set(chosen))
    return (f"Not opened beside the chosen weights: {', '.join(map(repr, left[:8]))}.",) if left else ()


def _measure(repository: Repository, name: str) -> int:
    file = repository.open_file(name)
    try:
        return file.size
    finally:
        file.close()


def read_whole(repository: Repository, name: str, most: int) -> bytes:
    """The content of a small file. Raises WeightsError when it has more than `most` bytes."""
    file = repository.open_file(name)
    try:
        if file.size > most:
            raise WeightsError(
                f"{name!r} has {file.size:,} bytes; at most {most:,} are read.",
                hint="See whether it is what its name says.",
                file=name,
            )
        return read_bytes(file, 0, file.size)
    finally:
        file.close()


def _explain_nothing(repository: Repository, names: Sequence[str]) -> WeightsError:
    pickles = [n for n in names if n.lower().endswith(PICKLE_SUFFIXES) and not _NOT_WEIGHTS.match(n)]
    if pickles:
        return PickledWeightsError(repository.name, pickles)
    below = sorted(
        {
            name.rpartition("/")[0]
            for name in repository.list_files()
            if name.endswith((".safetensors", ".gguf"))
        }
    )
    if below:
        return WeightsError(
            f"{repository.name!r} has weights only in subfolders ({', '.join(map(repr, below[:4]))}).",
            hint="Name one of them: parts of a pipeline are models of their own.",
        )
    return WeightsError(
        f"{repository.name!r} has no weights: no *.safetensors and no *.gguf.",
        hint="Name a model's folder, a file of weights, or a model of the Hub as org/name.",
    )


def read_config(repository: Repository, name: str) -> dict[str, Any]:
    """The object in a configuration file. Raises WeightsError."""
    return parse_object(read_whole(repository, name, MAX_CONFIG_BYTES), name)
