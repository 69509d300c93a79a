"""What kind of model it is, and the code that loads it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.draft.gathering import Gathered
from tools.draft.types import Statement

_MODEL_ID = re.compile(r"[A-Za-z0-9][\w.\-]*(?:/[\w.\-]+)?")
_TASK = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def compose_type(gathered: Gathered) -> Iterator[Statement]:
    """Task and architecture."""
    if task := gathered.first("task"):
        yield Statement(task.shown, (task.evidence,))
    if found := gathered.find("config.json", "model_type"):
        member, evidence = found
        yield Statement(f"{member.value} architecture", (evidence,))
    elif found := gathered.find("adapter_config.json", "peft_type"):
        member, evidence = found
        yield Statement(f"{member.value} adapter", (evidence,))


def compose_start(gathered: Gathered) -> Iterator[Statement]:
    """A snippet by the metadata's own task and library; none where they do not tell."""
    model = gathered.subject.record.model
    task, library = gathered.first("task"), gathered.first("library")
    if task is None or library is None or not _MODEL_ID.fullmatch(model):
        return
    name = task.shown.lower()
    if library.shown.lower() != "transformers" or not _TASK.fullmatch(name):
        return
    code = f'```python\nfrom transformers import pipeline\n\npipe = pipeline("{name}", model="{model}")\n```'
    yield Statement(code, (task.evidence, library.evidence))
