"""Results in tables: which cell is a value of which metric, on which dataset and split, for which model."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from tools.cards.metrics import (
    KNOWN_DATASET,
    NOT_METRIC,
    Metric,
    find_metrics,
    find_split,
    read_named_value,
    read_value,
)
from tools.cards.result_context import Setting, read_label, read_setting, speaks_of_evaluation
from tools.cards.table_citations import TableCiter
from tools.cards.types import CardTable, Cell, ResultRow

_ROLES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (role, re.compile(rf"^(?:{pattern})$", re.IGNORECASE))
    for role, pattern in (
        ("metric", r"(?:evaluation |quality )?(?:metrics?|measures?)(?: name)?"),
        (
            "dataset",
            r"(?:evaluation |test |eval )?(?:data ?sets?|benchmarks?(?: name)?|corpus|test ?sets?"
            r"|tasks?|challenge|domain"
            r"|downstream tasks?|evaluation|eval)",
        ),
        ("split", r"splits?|subsets?|partition"),
        (
            "model",
            r"(?:detoxify |our )?(?:models?(?:[- ]?(?:name|id|variant|size|version))?|systems?"
            r"|methods?|checkpoints?"
            r"|variants?|modules?|architectures?|networks?|backbones?|encoder|approach"
            r"|algorithm|size|names?|engine)",
        ),
        (
            "config",
            r"languages?|lang|locale|language pairs?|pairs?|categor(?:y|ies)|capabilit"
            r"(?:y|ies)|labels?|class(?:es)?"
            r"|entit(?:y|ies)|tags?|types?|settings?|# ?shots?|shots|n-?shot|config(?:uration"
            r")?s?|precision mode|iteration",
        ),
        (
            "ignore",
            r"notes?|comments?|parameters|details|description|outputs?|links?|download"
            r"|year|goal|original data source"
            r"|source|reference|paper|epoch|steps?|top kaggle leaderboard score",
        ),
        (
            "value",
            r"|values?|scores?|results?|performance|ours|this model|average|avg\.?|overall"
            r"|all|mean|total",
        ),
    )
)
_LANGUAGE = re.compile(
    r"^(?:[a-z]{2,3}(?:[-_ →>]+[a-z]{2,3})?(?:_tr)?|(?:[A-Z][a-z]{3,12}(?:ish|ian"
    r"|ese|an|ic|ch|ek|li|il|du|di)))$"
)
_MODELISH = re.compile(
    r"\d[bm]\b|-(?:base|large|small|tiny|mini|xl|s|m|l|b\d)\b|\b(?:base|large|small"
    r"|tiny|bert|gpt|net|v\d)\b|[A-Za-z]+-?\d|[a-z][A-Z]"
    r"|\b[A-Z]{3,}[a-z]?|\w+/\w+",
    re.IGNORECASE | re.ASCII,
)
_OURS = re.compile(r"^(?:ours?|this model|our model|this|this work|proposed)\W*$", re.IGNORECASE)
_FORMAT = re.compile(
    r"^(?:original|converted|quanti[sz]ed|optimi[sz]ed|fp(?:16|32)|int8|onnx|pytorch"
    r"|tflite)(?:\s+model)?\W*$",
    re.IGNORECASE,
)
_AVERAGE = re.compile(r"^(?:avg|average|overall|all|mean|total|macro[- ]avg)\b", re.IGNORECASE)
# "By comparison, NAME gives:" announces the results of another model.
_COMPARISON = re.compile(
    r"\b(?:by|for|in|as a) comparison\b(?:[^.:]{0,60}?,\s*(?P<name>[A-Z][\w.-]{1,40}"
    r"))?",
    re.IGNORECASE,
)
_MAX_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a header or a row's labels say about the cells under or beside them."""

    metrics: tuple[Metric, ...] = ()
    dataset: str = ""
    split: str = ""
    subject: str = ""
    config: tuple[str, ...] = ()
    skipped: bool = False  # a row of sizes or speeds among results


def read_table_results(table: CardTable, lines: list[str], *, lead: str = "") -> list[ResultRow]:
    """Result rows of `table`; [] for tables of anything else (sizes, labels, training logs).

    `lines` are the card's; `lead` is the prose right before the table. What the table does not say (metric,
    dataset, split) is taken from its caption, the lead's last sentence or the innermost heading.
    """
    if not table.rows or len(table.header) < 2 or _is_training_log(table.header):
        return []
    reader = _TableReader(table, lead)
    if not reader.values:
        return []
    citer = TableCiter(table, lines)
    found: list[ResultRow] = []
    for facts, row in reader.labelled_rows():
        for column in () if facts.skipped else reader.values:
            if column < len(row) and len(found) < _MAX_ROWS:
                found.extend(
                    citer.cite(result, row[column]) for result in reader.read(facts, column, row[column])
                )
    return found


def _is_training_log(header: tuple[str, ...]) -> bool:
    names = " | ".join(header).lower()
    return bool(re.search(r"\bepochs?\b", names) and re.search(r"\bsteps?\b|loss", names))


class _TableReader:
    def __init__(self, table: CardTable, lead: str) -> None:
        self.table = table
        title = table.section[-1] if table.section else ""
        sentence = re.split(r"(?<=[.!?])\s+(?=[A-Z])", lead.strip())[-1] if lead else ""
        self.around = [text for text in (table.caption, sentence, title) if text]
        self.evaluative = any(speaks_of_evaluation(text) for text in self.around)
        compared = _COMPARISON.search(sentence or table.caption)
        self.other_model = (compared["name"] or "another model") if compared else ""
        self.roles = [self._role(index, name) for index, name in enumerate(table.header)]
        self.named_roles = frozenset(self.roles)  # asked once for each column of tables that may have 10,000
        self.context_metric = self._context_metric()
        self.context = self._context_setting()
        self.labels = [
            index
            for index, role in enumerate(self.roles)
            if role in ("metric", "dataset", "split", "model", "config")
        ]
        if not self.labels and not self._is_numeric(0):
            self.labels = [0]
        self.rows_are_metrics = self._rows_are_metrics()
        self.values = [
            index
            for index, role in enumerate(self.roles)
            if index not in self.labels and role not in ("ignore", "skip") and self._is_numeric(index)
        ]
        self.columns = {index: self._column_facts(index) for index in self.values}
        if any(facts.metrics for facts in self.columns.values()) and not self.rows_are_metrics:
            self.values = [index for index in self.values if self.columns[index].metrics]
        if not self._reports_results():
            self.values = []

    def _role(self, index: int, header: str) -> str:
        text = header.split(" / ")[-1].strip().strip(":")
        for role, pattern in _ROLES:
            if pattern.match(text):
                return "config" if role == "value" and text and self._looks_like_labels(index) else role
        label = read_label(header)
        if label.metrics:
            return "value" if index or self._is_numeric(0) else ""
        return "skip" if NOT_METRIC.search(header) else ""

    def _looks_like_labels(self, index: int) -> bool:
        return index == 0 and not self._is_numeric(0)

    def _is_numeric(self, column: int) -> bool:
        cells = [row[column].text for row in self.table.rows if column < len(row) and row[column].text]
        cells = [cell for cell in cells if re.search(r"\w", cell)]
        numbers = sum(_read_cell(cell) is not None for cell in cells)
        return numbers > 0 and numbers * 2 >= len(cells)

    def _first_cells(self) -> list[str]:
        column = self.labels[0] if self.labels else 0
        return [row[column].text for row in self.table.rows if column < len(row) and row[column].text]

    def _rows_are_metrics(self) -> bool:
        if not self.labels:
            return False
        if "metric" in self.named_roles:
            return True
        cells = self._first_cells()
        return sum(bool(read_label(cell).metrics) for cell in cells) * 2 >= max(1, len(cells))

    def _context_metric(self) -> tuple[Metric, ...]:
        for text in self.around:
            named = {metric.name: metric for metric in find_metrics(text, sentence=True)}
            if len(named) == 1:
                return tuple(named.values())
        return ()

    def _context_setting(self) -> Setting:
        dataset = split = ""
        for text in self.around:
            setting = read_setting(text)
            dataset, split = dataset or setting.dataset, split or setting.split
        return Setting(dataset, split)

    def _reports_results(self) -> bool:
        """A metric is named in the table, or the text around it announces an evaluation of named datasets."""
        if self._counts_things():
            return False
        if self.rows_are_metrics or any(facts.metrics for facts in self.columns.values()):
            return True
        corner = read_label(self.table.header[0])
        if corner.metrics:
            return True
        named = "dataset" in self.named_roles or any(facts.dataset for facts in self.columns.values())
        cells = [
            read_named_value(row[index].text)
            for row in self.table.rows
            for index in self.values
            if index < len(row)
        ]
        if any(pair and find_metrics(pair[0]) for pair in cells):
            return True
        if any(self.roles[index] == "value" for index in self.values) and not self.evaluative:
            return False
        if self.context_metric and self.labels:
            return named or "model" in self.named_roles or self.evaluative
        title = self.table.section[-1] if self.table.section else ""
        if "model" in self.named_roles and speaks_of_evaluation(title) and self._mostly_decimals():
            return True
        return named and self.evaluative

    def _counts_things(self) -> bool:
        """True for numbers of examples and the like: whole numbers only, some over a thousand."""
        cells = [row[index].text for row in self.table.rows for index in self.values if index < len(row)]
        numbers = [read[0] for cell in cells if (read := _read_cell(cell)) is not None]
        if not numbers or any("%" in cell for cell in cells):
            return False
        return all(number == int(number) for number in numbers) and max(numbers) >= 1_000

    def _mostly_decimals(self) -> bool:
        cells = [row[index].text for row in self.table.rows for index in self.values if index < len(row)]
        return sum("." in cell for cell in cells) * 2 > len(cells)

    def _column_facts(self, index: int) -> _Facts:
        header = self.table.header[index]
        label = read_label(header)
        if label.metrics:
            config = (label.rest,) if label.rest and len(label.rest) < 40 else ()
            return _Facts(label.metrics, label.dataset, label.split, config=config)
        text = header.strip()
        if not text or _OURS.match(text):
            return _Facts()
        if find_split(text) and len(text) < 16:
            return _Facts(split=find_split(text))
        if _AVERAGE.match(text) or _FORMAT.match(text) or _LANGUAGE.match(text):
            return _Facts(config=(text,))
        if self.roles[index] == "value":
            return _Facts()
        if self.rows_are_metrics and self.roles[0] == "dataset":
            return _Facts(dataset=text)
        if KNOWN_DATASET.search(text):
            return _Facts(dataset=text)
        if self.rows_are_metrics or "dataset" in self.named_roles:
            return _Facts(subject=text) if _MODELISH.search(text) else _Facts(config=(text,))
        if self._corner_names_dataset() or "model" in self.named_roles:
            return (
                _Facts(dataset=text)
                if re.match(r"[A-Z]", text) and len(text) < 30
                else _Facts(config=(text,))
            )
        return _Facts(config=(text,))

    def _corner_names_dataset(self) -> bool:
        text = self.table.header[0].strip()
        return (
            bool(text)
            and bool(KNOWN_DATASET.search(text) or re.fullmatch(r"[A-Z]\w*[A-Z]\w*", text))
            and not self.roles[0]
        )

    def labelled_rows(self) -> list[tuple[_Facts, tuple[Cell, ...]]]:
        """Each row with what its label cells say; an empty label repeats the one above."""
        out = []
        last: dict[int, str] = {}
        for row in self.table.rows:
            facts = _Facts()
            for index in self.labels:
                text = row[index].text if index < len(row) else ""
                if not text and self.roles[index] in ("dataset", "model", "config", ""):
                    text = last.get(index, "")
                elif text != last.get(index):
                    last = {known: value for known, value in last.items() if known < index}
                last[index] = text
                facts = self._add_label(facts, index, text)
            out.append((facts, row))
        return out

    def _add_label(self, facts: _Facts, index: int, text: str) -> _Facts:
        role = self.roles[index]
        if not text or text in "-–—":
            return facts
        label = read_label(text)
        if role == "metric" or (self.rows_are_metrics and index == self.labels[0] and label.metrics):
            if not label.metrics:
                return facts
            rest = (label.rest,) if label.rest and len(label.rest) < 40 and index == 0 else ()
            return replace(
                facts,
                metrics=label.metrics,
                dataset=label.dataset or facts.dataset,
                split=label.split or facts.split,
                config=facts.config + rest,
            )
        if role == "dataset":
            inner = find_metrics(text)
            name = re.sub(r"\s*\([^()]*\)\s*$", "", text) if inner else text
            bracketed = re.search(r"\(([^()]*)\)\s*$", text)
            split = find_split(bracketed[1]) if bracketed else (find_split(text) if len(text) < 16 else "")
            if split and split == text.strip().lower():
                name = ""
            return replace(
                facts,
                dataset=name,
                metrics=facts.metrics or tuple(inner),
                split=facts.split or split,
                skipped=bool(NOT_METRIC.search(text)) and not inner and not KNOWN_DATASET.search(text),
            )
        if role == "split" and find_split(text):
            return replace(facts, split=text)
        if role == "model":
            return replace(facts, subject="" if _OURS.match(text) else text)
        if role in ("config", "split"):
            shown = (
                f"{text}-shot" if "shot" in self.table.header[index].lower() and text[:1].isdigit() else text
            )
            return replace(facts, config=(*facts.config, shown))
        return self._add_unnamed(facts, text)

    def _add_unnamed(self, facts: _Facts, text: str) -> _Facts:
        """The first column under a header that names no role."""
        corner = self.table.header[0].strip()
        if _OURS.match(text):
            return facts
        if find_split(text) and len(text) < 16:
            return replace(facts, split=find_split(text))
        if KNOWN_DATASET.fullmatch(text.strip()) or (
            not corner and re.search(r"\bdata ?sets?\b", " ".join(self.around), re.I)
        ):
            return replace(facts, dataset=text)
        if _LANGUAGE.match(text) or _AVERAGE.match(text):
            return replace(facts, config=(*facts.config, text))
        if read_label(corner).metrics or self._corner_names_dataset() or _MODELISH.search(text):
            return replace(facts, subject=text)
        return replace(facts, config=(*facts.config, text))

    def read(self, facts: _Facts, column: int, cell: Cell) -> list[ResultRow]:
        """The results of one cell; [] for an empty or textual one, or when no metric can be named."""
        head = self.columns[column]
        corner = read_label(self.table.header[0]) if 0 in self.labels and not self.roles[0] else None
        metrics = head.metrics or facts.metrics or (corner.metrics if corner else ()) or self.context_metric
        if self.rows_are_metrics and not facts.metrics and not head.metrics:
            return []
        text = cell.text
        if named := read_named_value(text):
            own = find_metrics(named[0])
            metrics, text = (tuple(own) or metrics), named[1]
        corner_dataset = ""
        if corner:
            rest = corner.dataset or (corner.rest if corner.metrics else "")
            corner_dataset = rest or (self.table.header[0] if self._corner_names_dataset() else "")
        base = ResultRow(
            metric="",
            value="",
            dataset=facts.dataset or head.dataset or corner_dataset or self.context.dataset,
            config=", ".join(dict.fromkeys(part for part in (*facts.config, *head.config) if part)),
            split=(
                head.split or facts.split or (corner.split if corner else "") or self.context.split
            ).lower(),
            subject=facts.subject or head.subject or self.other_model,
            origin="table",
            line=cell.line,
        )
        parts = [part.strip() for part in text.split("/")]
        if len(metrics) > 1 and len(parts) == len(metrics):
            pairs = list(zip(metrics, parts, strict=True))
        elif metrics:
            pairs = [(metrics[0], text)]
        else:
            pairs = [(Metric("Score", "", 0, 0), text)]
        found = []
        for metric, part in pairs:
            number = _read_cell(part)
            if number is not None:
                found.append(
                    replace(
                        base,
                        metric=metric.name,
                        metric_type=metric.identifier,
                        value=number[0],
                        unit=number[1],
                    )
                )
        return found


def _read_cell(text: str) -> tuple[float, str] | None:
    """A cell's number; of "83.8/72.8" the first, of "top1=84.9%" the value."""
    if named := read_named_value(text):
        text = named[1]
    return read_value(text) or (
        read_value(text.partition("/")[0]) if re.match(r"^[\d.\s]+/[\d.\s]+$", text) else None
    )
