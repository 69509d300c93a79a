"""Shapes of questions as regular expressions, kept as data in shapes.toml."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources

# Shapes that only count as a command, so behind "please" or at the start.
_COMMANDS = frozenset({"action", "payload", "write"})


@cache
def _load() -> dict[str, re.Pattern[str]]:
    data = tomllib.loads(resources.files("assistant.offline").joinpath("shapes.toml").read_text("utf-8"))
    please = data.pop("please")[0]
    return {
        name: re.compile(
            (please if name in _COMMANDS else "") + "(?:" + "|".join(alternatives) + ")", re.IGNORECASE
        )
        for name, alternatives in data.items()
    }


def find_shape(name: str, text: str) -> re.Match[str] | None:
    """The first place where `text` has the shape `name`."""
    return _load()[name].search(text)


def has_shape(name: str, text: str) -> bool:
    """Whether `text` has the shape `name` anywhere."""
    return find_shape(name, text) is not None


def sub_shape(name: str, replacement: str, text: str) -> str:
    """`text` with the shape `name` replaced wherever it stands."""
    return _load()[name].sub(replacement, text)
