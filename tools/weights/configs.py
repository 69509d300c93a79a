"""JSON files of model repositories, read with care: bounded, no name twice, an object at the top."""

from __future__ import annotations

import json
from typing import Any

from tools.weights.errors import WeightsError

MAX_CONFIG_BYTES = 4 * 2**20


def parse_object(data: bytes, name: str, what: str = "") -> dict[str, Any]:
    """The JSON object in `data`, the content of file `name` (`what` names a part of it in messages).

    Raises WeightsError when it is no JSON, too deep, no object, or names something twice.
    """
    subject = f"{what} of {name!r}" if what else repr(name)
    hint = "Fetch the file again; it is damaged or no such file."
    try:
        value = json.loads(
            data.decode("utf-8-sig"), object_pairs_hook=_refuse_repeats, parse_constant=_refuse
        )
    except _RepeatedNameError as error:
        raise WeightsError(f"{subject} names {error.name!r} twice.", hint=hint, file=name) from error
    except (ValueError, RecursionError) as error:
        reason = "too deep" if isinstance(error, RecursionError) else str(error).splitlines()[0][:120]
        raise WeightsError(f"{subject} is not JSON ({reason}).", hint=hint, file=name) from error
    if not isinstance(value, dict):
        raise WeightsError(
            f"{subject} is a JSON {type(value).__name__}, not an object.", hint=hint, file=name
        )
    return value


class _RepeatedNameError(ValueError):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name[:120]


def _refuse_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _RepeatedNameError(name)
            seen.add(name)
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")
