"""The sections and slots of the Hub's annotated model card, in its order.

Slot names are the variables of `huggingface_hub`'s template. `fills` is what a person can do about an empty
slot. Specification: https://huggingface.co/docs/hub/model-card-annotated
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class SlotForm:
    """A slot as the template has it. `label`: it is a labelled line of a list, not a text of its own."""

    slot: str
    name: str
    path: tuple[str, ...]
    fills: str
    label: bool


@lru_cache(maxsize=1)
def list_slots() -> tuple[SlotForm, ...]:
    """All slots in the order of the template."""
    data = tomllib.loads(resources.files("tools.draft").joinpath("sections.toml").read_text("utf-8"))
    slots = []
    for section in data["section"]:
        path = tuple(section["path"])
        for entry in section["slots"]:
            label = entry.get("label", "")
            slots.append(SlotForm(entry["slot"], label or path[-1], path, entry["fills"], bool(label)))
    return tuple(slots)
