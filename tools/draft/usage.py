"""What kind of model it is, and the code that loads it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.draft.gathering import Gathered
from tools.draft.types import Statement, say

_MODEL_ID = re.compile(r"[A-Za-z0-9][\w.\-]*(?:/[\w.\-]+)?")
_TASK = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def compose_type(gathered: Gathered) -> Iterator[Statement]:
    """Task and architecture."""
    if task := gathered.first("task"):
        yield say("{}", (task.shown, task.evidence), inherited_from=task.inherited_from)
    if found := gathered.find("config.json", "model_type"):
        yield say("architecture {}", (found[0].shown, found[1]))
    elif found := gathered.find("adapter_config.json", "peft_type"):
        yield say("adapter of the type {}", (found[0].shown, found[1]))


def compose_start(gathered: Gathered) -> Iterator[Statement]:
    """A snippet by the metadata's own task and library; none where they do not tell."""
    model = gathered.subject.record.model
    task, library = gathered.first("task"), gathered.first("library")
    if task is None or library is None or not _MODEL_ID.fullmatch(model):
        return
    name = task.shown.lower()
    if library.shown.lower() != "transformers" or not _TASK.fullmatch(name):
        return
    facts = ((library.shown.lower(), library.evidence), (name, task.evidence), (model, task.evidence))
    wording = '```python\nfrom {} import pipeline\n\npipe = pipeline("{}", model="{}")\n```'
    yield say(wording, *facts)
