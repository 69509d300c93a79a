"""What the tools say today of the files of two models, for checking what a saved answer says of them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any

from assistant.toolbox import ToolContext
from assistant.toolbox.arguments import CompareModels, FindSimilarByWeights, TraceLineage
from assistant.toolbox.weighing import compare_models, find_similar_by_weights, trace_lineage
from tools.errors import LakeError
from tools.evidence import Evidence, EvidenceLedger
from tools.lake import Lake

_WORD = re.compile(r"[^\s,;()'\"]+")
_MOST_PARTNERS = 4
_MOST_ALIKE = 20


class Retelling:
    """Runs the tools that look at weights anew, each call once, for the models that evidence names."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._known = frozenset(lake.catalog.model_names())
        self._told: dict[tuple[str, ...], tuple[Evidence, ...]] = {}

    def tell(self, item: Evidence) -> Iterator[str]:
        """Texts that the tools give today for the place of `item`, as long as somebody listens."""
        for told in self._list_calls(item):
            for one in self._run(*told):
                if (one.kind, one.model, one.locator) == (item.kind, item.model, item.locator):
                    yield one.text

    def _list_calls(self, item: Evidence) -> Iterator[tuple[str, ...]]:
        words = (word.rstrip(".:") for word in _WORD.findall(item.text))
        partners = dict.fromkeys(word for word in words if word in self._known and word != item.model)
        if item.locator.endswith("#fingerprint"):
            yield "alike", item.model
            return
        if item.kind == "weights":
            yield "lineage", item.model
        for partner in list(partners)[:_MOST_PARTNERS]:
            yield "compare", item.model, partner
            yield "compare", partner, item.model

    def _run(self, tool: str, *models: str) -> tuple[Evidence, ...]:
        known = self._told.get((tool, *models))
        if known is not None:
            return known
        context = ToolContext(lake=self._lake, ledger=EvidenceLedger())
        call: Callable[[], Any] = {
            "alike": lambda: find_similar_by_weights(
                context, FindSimilarByWeights(model=models[0], limit=_MOST_ALIKE)
            ),
            "lineage": lambda: trace_lineage(context, TraceLineage(model=models[0], depth=1)),
            "compare": lambda: compare_models(context, CompareModels(a=models[0], b=models[-1])),
        }[tool]
        with contextlib.suppress(LakeError):  # what cannot be looked at today says nothing
            call()
        self._told[tool, *models] = found = tuple(context.ledger)
        return found
