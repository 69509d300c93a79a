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
    """Load `prompts/<name>.md`. Raises PromptError when there is none or it is malformed."""
    file = resources.files("prompts").joinpath(f"{name}.md")
    if not file.is_file():
        raise PromptError(f"There is no prompt {name!r}.")
    return parse_prompt(name, file.read_text("utf-8"))


def parse_prompt(name: str, text: str) -> Prompt:
    """Parse one prompt file; `name` must be the name its head gives. Raises PromptError."""
    import hashlib

    matched = _HEAD.match(text)
    try:
        head = yaml.safe_load(matched["head"]) if matched else None
    except yaml.YAMLError as error:
        raise PromptError(f"The head of prompt {name!r} is no YAML.") from error
    if matched is None or not isinstance(head, dict) or set(head) != {"name", "version", "variables"}:
        raise PromptError(f"Prompt {name!r} needs a head with exactly: name, version, variables.")
    variables = head["variables"]
    if not isinstance(variables, list) or not all(isinstance(variable, str) for variable in variables):
        raise PromptError(f"Prompt {name!r} needs a list of names as its variables, not {variables!r}.")
    if not isinstance(head["version"], int):
        raise PromptError(f"Prompt {name!r} needs a whole number as its version, not {head['version']!r}.")
    declared, used = frozenset(variables), frozenset(_VARIABLE.findall(matched["body"]))
    if head["name"] != name:
        raise PromptError(f"Prompt {name!r} calls itself {head['name']!r}.")
    if declared != used:
        raise PromptError(f"Prompt {name!r} declares {sorted(declared)} but uses {sorted(used)}.")
    if "{{" in _VARIABLE.sub("", matched["body"]):
        raise PromptError(f"Prompt {name!r} opens '{{{{' for what is no variable.")
    return Prompt(
        name=name,
        version=head["version"],
        variables=declared,
        body=matched["body"].strip(),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )
