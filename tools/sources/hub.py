"""Models of the Hugging Face Hub: card, configuration, list of files, and headers of weights. Never weights.

Routes: `GET /api/models/{id}`, `GET /api/models?search=…`, `GET /{id}/resolve/{commit}/{file}` with ranges.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from tools.catalog.adapters import ADAPTER_CONFIG, quote_adapter_base
from tools.catalog.records import FileRow
from tools.errors import UsageError
from tools.hub import HubClient, HubModel, HubName, HubServiceError, list_top, parse_hub_name
from tools.sources.description import MAX_CARD_BYTES, build_record, check_card
from tools.sources.fields import RowError, check_model_id, decode_text, read_names, read_text
from tools.sources.folder import CONFIG_KEYS
from tools.sources.types import SourceFailure, SourceItem, SourceModel

_CONFIG_BYTES = 4 * 2**20
_MOST_SHARDS = 256
_LIMIT = 100
_CONDITIONS = {"search": "search", "author": "author", "task": "pipeline_tag"}


class HubModels:
    """The models that `hub:org/name[@revision]` or `hub:?search=…&author=…&task=…&limit=…` names."""

    def __init__(self, spec: str, client: HubClient | None = None) -> None:
        """Raises UsageError for what names no models; asks the Hub for the list of a search."""
        self.name = spec
        self._client = client or HubClient()
        given = spec.strip().partition(":")[2]
        if given.startswith("?"):
            found = _search(self._client, given[1:], spec)
            self._names = tuple(HubName(model, None) for model in found)
        else:
            self._names = (parse_hub_name(spec),)
        self.total: int | None = len(self._names)

    def __iter__(self) -> Iterator[SourceItem]:
        alone = len(self._names) == 1
        for name in self._names:
            try:
                yield from _read_model(self._client, self._client.describe(name))
            except (RowError, HubServiceError) as error:
                # Asked for one model, the failure is the command's; of many, the rest goes in.
                if alone and isinstance(error, HubServiceError):
                    raise
                text = error.message if isinstance(error, HubServiceError) else f"{error}."
                yield SourceFailure(name.model, text)


def _search(client: HubClient, query: str, spec: str) -> list[str]:
    given = dict(parse_qsl(query))
    unknown = sorted(set(given) - {*_CONDITIONS, "limit"})
    limit = given.pop("limit", str(_LIMIT))
    if unknown or not given or not limit.isdecimal() or not 0 < int(limit) <= 10_000:
        raise UsageError(
            f"{spec!r} is no search of the Hub.",
            hint="Write hub:?search=WORDS&author=NAME&task=TASK&limit=N; one of the first three is needed.",
        )
    conditions = {_CONDITIONS[key]: value for key, value in given.items()}
    return client.search(limit=int(limit), **conditions)


def _read_model(client: HubClient, model: HubModel) -> Iterator[SourceItem]:
    name = check_model_id(model.model)
    problems: list[str] = []
    card = _read_card(client, model)
    columns: dict[str, Any] = dict(model.columns)
    config = _read_json(client, model, "config.json", problems)
    columns |= {key: config[key] for key in CONFIG_KEYS if read_names(config.get(key))}
    tags = [*read_names(config.get("model_type")), *read_names(config.get("architectures"))]
    adapter = _read_bytes(client, model, ADAPTER_CONFIG, _CONFIG_BYTES)
    if adapter is not None:
        columns |= _describe_adapter(adapter, problems)
        tags += [f"adapter:{kind.lower()}" for kind in read_names(columns.pop("peft_type", None))]
    columns["tags"] = list(dict.fromkeys([*columns.get("tags", ()), *tags]))
    parameters = None if adapter is not None else _count_parameters(client, model, problems)
    if parameters is not None:
        columns["parameters"] = parameters
    record = build_record(
        name,
        {key: value for key, value in columns.items() if value},
        card,
        source_kind="hub",
        parameters=parameters,
    )
    files = tuple(FileRow(path, size or 0, None) for path, size in sorted(model.files.items()))
    yield SourceModel(record, card, files)
    for problem in problems:
        yield SourceFailure(name, problem)


def _read_card(client: HubClient, model: HubModel) -> str:
    data = _read_bytes(client, model, "README.md", MAX_CARD_BYTES)
    return "" if data is None else check_card(decode_text(data, "README.md"))


def _read_bytes(client: HubClient, model: HubModel, name: str, most: int) -> bytes | None:
    return client.read_file(model, name, most) if name in model.files else None


def _read_json(client: HubClient, model: HubModel, name: str, problems: list[str]) -> Mapping[str, Any]:
    data = _read_bytes(client, model, name, _CONFIG_BYTES)
    if data is None:
        return {}
    try:
        value = json.loads(decode_text(data, name))
    except (ValueError, RecursionError) as error:
        problems.append(f"{name} cannot be read: {str(error).splitlines()[0][:160]}.")
        return {}
    if not isinstance(value, dict):
        problems.append(f"{name} holds a JSON {type(value).__name__}, not an object.")
        return {}
    return value


def _describe_adapter(data: bytes, problems: list[str]) -> dict[str, Any]:
    try:
        text = decode_text(data, ADAPTER_CONFIG)
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        problems.append(f"{ADAPTER_CONFIG} cannot be read: {str(error).splitlines()[0][:160]}.")
        return {}
    base = read_text(value.get("base_model_name_or_path")) if isinstance(value, dict) else None
    if not base:
        return {}
    return {
        "adapter_base_model": base,
        "adapter_config": quote_adapter_base(data, text),
        "library_name": "peft",
        "peft_type": value.get("peft_type"),
    }


def _count_parameters(client: HubClient, model: HubModel, problems: list[str]) -> int | None:
    """The exact number of parameters by the headers of the safetensors files at the top, or None."""
    from math import prod

    from tools.weights.errors import WeightsError
    from tools.weights.remote import HubFile
    from tools.weights.safetensors_file import read_tensors

    shards = list_top(model.files, ".safetensors")
    consolidated = [name for name in shards if name.startswith("consolidated")]
    if consolidated and len(consolidated) < len(shards):  # the same weights once more, in another layout
        shards = [name for name in shards if name not in consolidated]
    if not shards or len(shards) > _MOST_SHARDS:
        return None
    total = 0
    for name in shards:
        file = HubFile(client, model, name, model.files[name] or 0)
        try:
            total += sum(prod(tensor.info.shape) for tensor in read_tensors(file).values())
        except WeightsError as error:
            problems.append(f"Parameters are not counted: {error.message}")
            return None
        finally:
            file.close()
    return total or None
