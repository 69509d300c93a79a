"""Prompts are versioned data: Markdown files with a YAML head that names the variables they use.

A prompt whose declared variables differ from those used does not load, so that a typing error is found at
start-up and not in an answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import yaml

_HEAD = re.compile(r"\A---\n(?P<head>.*?)\n---\n(?P<body>.*)\Z", re.DOTALL)
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


class PromptError(ValueError):
    """A prompt file is malformed, or is rendered with other variables than it declares."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A loaded prompt. `sha256` is that of the file; answers carry it."""

    name: str
    version: int
    variables: frozenset[str]
    body: str
    sha256: str

    def render(self, **values: str) -> str:
        """The text with each `{{ variable }}` replaced once; values are never searched for variables."""
        if set(values) != self.variables:
            raise PromptError(
                f"Prompt {self.name!r} needs {sorted(self.variables)}, was given {sorted(values)}."
            )
        return _VARIABLE.sub(lambda match: values[match[1]], self.body)


@lru_cache(maxsize=32)
def load_prompt(name: str) -> Prompt:
    """Load `prompts/<name>.md`. Raises PromptError when it is malformed."""
    return parse_prompt(name, resources.files("prompts").joinpath(f"{name}.md").read_text("utf-8"))


def parse_prompt(name: str, text: str) -> Prompt:
    """Parse one prompt file; `name` must be the name its head gives."""
    import hashlib

    matched = _HEAD.match(text)
    head = yaml.safe_load(matched["head"]) if matched else None
    if matched is None or not isinstance(head, dict) or set(head) != {"name", "version", "variables"}:
        raise PromptError(f"Prompt {name!r} needs a head with exactly: name, version, variables.")
    declared, used = frozenset(head["variables"]), frozenset(_VARIABLE.findall(matched["body"]))
    if head["name"] != name or declared != used:
        raise PromptError(f"Prompt {name!r} declares {sorted(declared)} but uses {sorted(used)}.")
    return Prompt(
        name=name,
        version=int(head["version"]),
        variables=declared,
        body=matched["body"].strip(),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )
