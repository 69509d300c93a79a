"""How many models of a lake meet conditions, which values are frequent, which models state none."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tools.catalog.records import ModelRecord
from tools.search.conditions import judge
from tools.search.index import open_index
from tools.search.types import Constraint
from tools.search.vocabulary import language_label, normalize_language

if TYPE_CHECKING:
    from tools.lake import Lake

CountField = Literal["task", "license", "language", "dataset", "library", "author"]


@dataclass(frozen=True, slots=True)
class Counted:
    """Models that meet all conditions, the most downloaded first.

    `unclear` models may meet them: what they state does not say. `values` are those of the field that was
    counted with the number of fitting models that state them, the most frequent first; `unstated` are the
    fitting models that state no value of it.
    """

    total: int
    fitting: tuple[ModelRecord, ...]
    unclear: int
    values: tuple[tuple[str, int], ...] = ()
    unstated: tuple[ModelRecord, ...] = ()


def count_models(lake: Lake, constraints: Sequence[Constraint] = (), by: CountField | None = None) -> Counted:
    """Count the models that meet every constraint, hard or soft, and the values of `by` among them."""
    index = open_index(lake)
    verdicts = [judge(lake, index, constraint) for constraint in constraints]
    fitting, unclear = [], 0
    for number, record in enumerate(index.records):
        held = [int(verdict[number]) for verdict in verdicts]
        if all(value == 1 for value in held):
            fitting.append(record)
        elif 0 not in held:
            unclear += 1
    fitting.sort(key=lambda record: (-(record.downloads or 0), record.model))
    if by is None:
        return Counted(len(index.records), tuple(fitting), unclear)
    spellings: defaultdict[str, Counter[str]] = defaultdict(Counter)
    unstated = []
    for record in fitting:
        values = {value.lower(): value for value in _read_values(record, by)}
        for folded, value in values.items():
            spellings[folded][value] += 1
        if not values:
            unstated.append(record)
    counts = [(counter.most_common(1)[0][0], counter.total()) for counter in spellings.values()]
    counts.sort(key=lambda pair: (-pair[1], pair[0].lower()))
    return Counted(len(index.records), tuple(fitting), unclear, tuple(counts), tuple(unstated))


def _read_values(record: ModelRecord, by: CountField) -> Iterable[str]:
    match by:
        case "language":
            return [language_label(normalize_language(language)) for language in record.languages]
        case "dataset":
            return record.datasets
        case "author":
            owner = record.author or record.model.rpartition("/")[0]
            return [owner] if owner else []
    value = getattr(record, by)
    return [value] if value else []
