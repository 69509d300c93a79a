"""Opening a model's weights, wherever they lie, behind one interface: `open_weights`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from tools.weights.dtypes import Floats
from tools.weights.errors import WeightsError
from tools.weights.files import WeightsFile
from tools.weights.folder import FolderRepository
from tools.weights.gguf_file import describe_config, read_gguf
from tools.weights.quantized import join_scales
from tools.weights.safetensors_file import read_tensors
from tools.weights.shards import ADAPTER_CONFIG, Choice, Repository, choose_files, read_config
from tools.weights.stored import ReadableTensor, StoredTensor, read_blocks, read_rows
from tools.weights.types import TensorInfo


class OpenedWeights:
    """A model's weights, read lazily (see `tools.weights.types.Weights`). Closes itself as a context manager.

    `problems` are sentences on what was left aside; `nonfinite` the tensors of which a row that was read with
    `rows` holds NaN or Inf. One row of a scalar is the scalar.
    """

    def __init__(
        self,
        repository: Repository,
        files: Sequence[WeightsFile],
        readers: Mapping[str, ReadableTensor],
        *,
        config: Mapping[str, Any],
        adapter: Mapping[str, Any] | None,
        problems: Sequence[str],
    ) -> None:
        """Built by `open_weights`; `readers` stand on `files`, which belong to `repository`."""
        self.name = repository.name
        self.source = repository.source
        self.tensors: Mapping[str, TensorInfo] = {name: reader.info for name, reader in readers.items()}
        self.config = config
        self.adapter = adapter
        self.problems = tuple(problems)
        self.nonfinite: set[str] = set()
        self.bytes_total = sum(file.size for file in files)
        self._repository = repository
        self._files = tuple(files)
        self._readers = readers

    @property
    def bytes_read(self) -> int:
        """Bytes of weight files that were read: once each, or as often as they came over a network."""
        return sum(file.bytes_read for file in self._files)

    def rows(self, name: str, rows: Sequence[int] | slice) -> Floats:
        """The given rows of a tensor, shape (len(rows), *shape[1:]). Raises WeightsError and IndexError."""
        import numpy as np

        values = read_rows(self._find(name), rows)
        if not np.isfinite(values).all():
            self.nonfinite.add(name)
        return values

    def blocks(self, name: str, max_bytes: int = 2**24) -> Iterator[Floats]:
        """The whole tensor in consecutive blocks of rows of at most `max_bytes` each, a row at least."""
        return read_blocks(self._find(name), max_bytes)

    def stream(self, name: str, max_bytes: int = 2**24) -> Iterator[Floats]:
        """As `blocks`, but each block is overwritten by the next: quicker, for what keeps none of them."""
        return read_blocks(self._find(name), max_bytes, reuse=True)

    def hash_read(self, name: str) -> str:
        """sha256 of the tensor's bytes that were read so far, each once, in the file's order."""
        return self._find(name).hash_read()

    def close(self) -> None:
        """Close files and connections."""
        for file in self._files:
            file.close()
        self._repository.close()

    def __enter__(self) -> OpenedWeights:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _find(self, name: str) -> ReadableTensor:
        try:
            return self._readers[name]
        except KeyError as error:
            raise WeightsError(
                f"{self.name!r} has no tensor {name!r}.", hint="`tensors` lists them."
            ) from error


def open_weights(place: Path | str, *, endpoint: str = "", root: Path | None = None) -> OpenedWeights:
    """Open the weights at `place`: a folder, one file of weights, or `hub:org/name[@revision]`.

    Of a model on the Hub (at `endpoint`, HF_ENDPOINT unless given) only the parts that are read come over the
    network. `root` is the folder that links inside a model's folder may lead into, that folder itself unless
    said. Headers are read, no values. Raises WeightsError, naming the file, when there is nothing that can be
    opened.
    """
    path = Path(place)
    repository: Repository
    only = None
    if str(place).startswith("hub:"):
        from tools.hub import HubClient, parse_hub_name
        from tools.weights.remote import HubRepository

        repository = HubRepository(HubClient(endpoint), parse_hub_name(str(place)))
    elif path.is_dir():
        repository = FolderRepository(path, root=root)
    elif path.is_file():
        repository = FolderRepository(path.parent, root=root)
        only = path.name
    else:
        raise WeightsError(f"{str(place)!r} does not exist.", hint="Name a model's folder.")
    try:
        return _open_repository(repository, only)
    except BaseException:
        repository.close()
        raise


def _open_repository(repository: Repository, only: str | None) -> OpenedWeights:
    choice = choose_files(repository, only)
    problems = list(choice.problems)
    config = _read_config(repository, problems)
    adapter = _read_adapter(repository, choice)
    files: list[WeightsFile] = []
    try:
        stored, metadata = _read_headers(repository, choice, files)
        readers = join_scales(stored, config, problems)
    except BaseException:
        for file in files:
            file.close()
        raise
    return OpenedWeights(
        repository,
        files,
        readers,
        config=config or describe_config(metadata),
        adapter=adapter,
        problems=problems,
    )


def _read_headers(
    repository: Repository, choice: Choice, files: list[WeightsFile]
) -> tuple[dict[str, StoredTensor], dict[str, Any]]:
    """All tensors of the chosen files, which are added to `files` as they are opened, and GGUF's metadata."""
    found: dict[str, StoredTensor] = {}
    metadata: dict[str, Any] = {}
    for name in choice.files:
        file = repository.open_file(name)
        files.append(file)
        if name.lower().endswith(".gguf"):
            tensors, more = read_gguf(file)
            metadata = metadata or more
        else:
            tensors = read_tensors(file)
        for tensor, reader in tensors.items():
            if tensor in found:
                raise WeightsError(
                    f"Tensor {tensor!r} stands in {name!r} and in {found[tensor].info.shard!r}.",
                    hint="One of the two files does not belong here.",
                    file=name,
                )
            found[tensor] = reader
    for tensor, shard in (choice.owners or {}).items():
        if tensor not in found or found[tensor].info.shard != shard:
            raise WeightsError(
                f"{choice.index!r} says that tensor {tensor[:80]!r} is in {shard!r}, which does not hold it.",
                hint="Fetch the index and the shards of one revision.",
                file=shard,
            )
    if not found:
        raise WeightsError(
            f"{choice.files[0]!r} holds no tensors.", hint="Fetch the file again.", file=choice.files[0]
        )
    return found, metadata


def _read_config(repository: Repository, problems: list[str]) -> Mapping[str, Any]:
    """`config.json`; {} and a problem when it cannot be read, since weights can be compared without."""
    if "config.json" not in repository.list_files():
        return {}
    try:
        return read_config(repository, "config.json")
    except WeightsError as error:
        problems.append(error.message)
        return {}


def _read_adapter(repository: Repository, choice: Choice) -> Mapping[str, Any] | None:
    if not choice.is_adapter:
        return None
    if ADAPTER_CONFIG not in repository.list_files():
        raise WeightsError(
            f"{choice.files[0]!r} is an adapter without {ADAPTER_CONFIG!r} beside it.",
            hint="Fetch that file too: it says to what the adapter belongs and how it is scaled.",
            file=choice.files[0],
        )
    return read_config(repository, ADAPTER_CONFIG)
