"""What people ask of a model, and the words in which cards answer.

Each attribute ties the words of a question ("GPUs", "how long") to the words a card uses for the same thing
("NVIDIA", "A100", "hours"). The vocabulary is data: tools/data/attributes.toml.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Attribute:
    """`asked` matches the question; `stated` must match in a passage for it to count as an answer.

    `field` names a structured field (see tools.facts) that answers it first. `numeric`: an answer holds
    a number. `label` is what a person calls it: "the {label} is not stated".
    """

    name: str
    label: str
    asked: re.Pattern[str]
    stated: re.Pattern[str]
    field: str = ""
    numeric: bool = False


@lru_cache(maxsize=1)
def load_attributes() -> tuple[Attribute, ...]:
    """All attributes, most specific first."""
    data = tomllib.loads(resources.files("tools.data").joinpath("attributes.toml").read_text("utf-8"))
    return tuple(
        Attribute(
            name=entry["name"],
            label=entry["label"],
            asked=re.compile(entry["asked"], re.IGNORECASE),
            stated=re.compile(entry["stated"], re.IGNORECASE),
            field=entry.get("field", ""),
            numeric=entry.get("numeric", False),
        )
        for entry in data["attribute"]
    )


def asked_attributes(question: str) -> list[Attribute]:
    """The attributes a question asks for, most specific first."""
    return [attribute for attribute in load_attributes() if attribute.asked.search(question)]
