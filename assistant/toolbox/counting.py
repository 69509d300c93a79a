"""Counting models in the catalog, as lines that can be cited and told again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, get_args

from assistant.toolbox.arguments import CountModels, DescribeLake
from assistant.toolbox.auditing import tell_again as retell_audit
from assistant.toolbox.context import ToolContext
from assistant.toolbox.finding import describe_lake
from assistant.toolbox.results import count_noun
from tools.catalog.records import ModelRecord
from tools.evidence import EvidenceLedger
from tools.hashing import hash_text
from tools.lake import Lake
from tools.search.constraints import read_constraints
from tools.search.counting import Counted, CountField, count_models
from tools.search.types import Constraint
from tools.search.vocabulary import language_label

_LOCATOR = "catalog/count"
_NAMED = 8  # models that are named; the others are counted
_MOST_VALUES = 8
_PLURALS: dict[CountField, str] = {
    "task": "tasks", "license": "licences", "language": "languages", "dataset": "datasets",
    "library": "libraries", "author": "authors",
}  # fmt: skip
_STATE_NONE: dict[CountField, str] = {
    "task": "no task is stated by", "license": "no licence is declared by",
    "language": "no language is declared by", "dataset": "no dataset is named in the metadata of",
    "library": "no library is stated by", "author": "no author is named by",
}  # fmt: skip


def count_lake(context: ToolContext, arguments: CountModels) -> dict[str, Any]:
    """How many models meet conditions, the frequent values of a field, or who states none."""
    constraints = read_constraints(arguments.query)
    counted = count_models(context.lake, constraints, arguments.by)
    if arguments.by is None:
        line, named = _tell_fitting(counted, constraints), counted.fitting
    elif arguments.unstated:
        line, named = _tell_unstated(counted, constraints, arguments.by), counted.unstated
    else:
        line, named = _tell_values(counted, constraints, arguments.by), ()
    locator = f"{_LOCATOR}?{json.dumps(arguments.model_dump(), ensure_ascii=True)}"
    cited = context.cite("metadata", "lake", locator, line, hash_text(line))
    return {
        "constraints": [asdict(constraint) for constraint in constraints],
        "lines": [{"key": cited.id, "text": line}],
        "models": [record.model for record in named[:_NAMED]],
        "fitting": len(counted.fitting),
        "unclear": counted.unclear,
    }


def tell_again(lake: Lake, locator: str) -> list[str]:
    """What the lake says of itself today at a locator of the tools that count, audit and draft."""
    if (told := retell_audit(lake, locator)) is not None:
        return told
    context = ToolContext(lake=lake, ledger=EvidenceLedger())
    if not locator.startswith(f"{_LOCATOR}?"):
        return [str(line["text"]) for line in describe_lake(context, DescribeLake())["lines"]]
    try:
        arguments = CountModels.model_validate_json(locator.removeprefix(f"{_LOCATOR}?"))
    except ValueError:
        return []
    return [str(line["text"]) for line in count_lake(context, arguments)["lines"]]


def _tell_fitting(counted: Counted, constraints: Sequence[Constraint]) -> str:
    told = _tell_conditions(constraints)
    fit = f"fit ({told})" if told else "are in this lake"
    line = f"{len(counted.fitting):,} of {count_noun(counted.total, 'model', 'models')} {fit}"
    return f"{line}{_name(counted.fitting)}{_tell_unclear(counted)}."


def _tell_unstated(counted: Counted, constraints: Sequence[Constraint], by: CountField) -> str:
    among = _tell_among(counted, constraints)
    said = _STATE_NONE[by][0].upper() + _STATE_NONE[by][1:]
    return f"{said} {len(counted.unstated):,} of {among}{_name(counted.unstated)}."


def _tell_values(counted: Counted, constraints: Sequence[Constraint], by: CountField) -> str:
    among = _tell_among(counted, constraints)
    if not counted.values:
        return f"Of {among}, {_STATE_NONE[by]} {len(counted.unstated):,}."
    shown = ", ".join(f"{value} ({count:,})" for value, count in counted.values[:_MOST_VALUES])
    more = len(counted.values) - _MOST_VALUES
    others = f", and {more:,} others" if more > 0 else ""
    line = f"The most frequent {_PLURALS[by]} of {among}: {shown}{others}"
    return f"{line}; {_STATE_NONE[by]} {len(counted.unstated):,}." if counted.unstated else f"{line}."


def _tell_among(counted: Counted, constraints: Sequence[Constraint]) -> str:
    told = _tell_conditions(constraints)
    models = count_noun(len(counted.fitting), "model", "models")
    return f"the {models} that fit ({told})" if told else models


def _tell_conditions(constraints: Sequence[Constraint]) -> str:
    told = []
    for constraint in constraints:
        value = constraint.value
        if constraint.field == "language":
            value = " to ".join(language_label(code) for code in value.split("-"))
        elif value == "commercial":
            value = "that allows commercial use"
        elif value.isdigit():
            value = f"{int(value):,}"
        sign = {"min": "at least ", "max": "at most "}.get(constraint.op, "")
        name = "licence" if constraint.field == "license" else constraint.field.replace("_", " ")
        told.append(f"{name} {'not ' if constraint.negated else ''}{sign}{value}")
    return "; ".join(told)


def _name(records: tuple[ModelRecord, ...]) -> str:
    if not records:
        return ""
    more = len(records) - _NAMED
    shown = ", ".join(record.model for record in records[:_NAMED])
    return f": {shown} and {more:,} more" if more > 0 else f": {shown}"


def _tell_unclear(counted: Counted) -> str:
    return f"; {counted.unclear:,} more do not state enough to tell" if counted.unclear else ""


assert set(_PLURALS) == set(_STATE_NONE) == set(get_args(CountField))
