"""Errors in reported results: out of range, altered, twice, on training data, malformed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from eval.audit_injections import Injection, Maker, Page

_VALUE = re.compile(r"^(?P<before>\s*(?:-\s+)?value:\s*)(?P<value>['\"]?-?\d+(?:\.\d+)?['\"]?)\s*$")
_SHARE_NAMES = ("accuracy", "f1", "precision", "recall")


def _values(page: Page) -> list[tuple[int, re.Match[str]]]:
    """Lines (0-based) of the model-index that hold a value."""
    span = page.card.metadata_lines.get("/model-index")
    if span is None:
        return []
    places = range(span.start - 1, span.end)
    return [(index, found) for index in places if (found := _VALUE.match(page.lines[index]))]


def _near(page: Page, index: int) -> str:
    """The lines of one metric of a model-index: those around its value."""
    return " ".join(page.lines[max(0, index - 3) : index + 4]).lower()


def _out_of_range(page: Page) -> Iterator[Injection]:
    names = (*_SHARE_NAMES, "wer", "rouge", "bleu")
    fitting = [
        (index, found, name)
        for index, found in _values(page)
        for name in names
        if re.search(rf"(?:type|name):\s*['\"]?{name}\b", _near(page, index))
    ]
    if not fitting:
        return
    index, found, name = page.chance.choice(fitting)
    value = page.chance.choice(["-3", "-0.31"] if name == "wer" else ["137", "104.2", "-0.8", "213.7"])
    card = page.change(index, f"{found['before']}{value}")
    yield Injection("metric out of range (metadata)", card, index + 1, name, f"{name} {value}", 1)


def _out_of_range_prose(page: Page) -> Iterator[Injection]:
    sentence = page.chance.choice(
        ["It reaches an accuracy of 137% on the test set.", "- Accuracy: 104.3 %", "- F1: -0.81",
         "On the test set the word error rate (WER) is -3.0.", "Accuracy: 117.2%", "- WER: -12.4",
         "The model achieves an F1 score of 112.5 on the test split.", "- Precision: 1.3e2",
         "| Metric | Value |\n| --- | --- |\n| Accuracy | 143.1 |",
         "| Dataset | Accuracy |\n| --- | --- |\n| SST-2 | 119.0 |"]
    )  # fmt: skip
    rows = sentence.split("\n")
    text, line = page.insert(*rows, before_heading=page.chance.random() < 0.5)
    word = next(name for name in ("accuracy", "f1", "wer", "precision") if name in sentence.lower())
    yield Injection("metric out of range (text)", text, line, word, sentence, len(rows))


def _altered(page: Page) -> Iterator[Injection]:
    """A value of the metadata that a line or row of the text repeats, altered in one of the two places."""
    fitting = []
    for index, found in _values(page):
        value = found["value"].strip("'\"")
        if re.fullmatch(r"\d+\.\d{2,}", value):
            pattern = re.compile(rf"(?<![\w.]){re.escape(value)}(?!\d)")
            body = range(page.front + 1, len(page.lines))
            hits = [place for place in body if pattern.search(page.lines[place])]
            named = any(name in _near(page, index) for name in (*_SHARE_NAMES, "wer", "bleu", "rouge"))
            if named and len(hits) == 1:
                fitting.append((index, found, hits[0], pattern, value))
    if not fitting:
        return
    index, found, place, pattern, value = page.chance.choice(fitting)
    factor = page.chance.choice([0.93, 0.88, 0.81, 0.96])
    other = f"{float(value) * factor:.{len(value.partition('.')[2])}f}"
    what = f"{value} made {other}"
    card = page.change(index, f"{found['before']}{other}")
    yield Injection("result altered (metadata)", card, index + 1, other, what)
    card = page.change(place, pattern.sub(other, page.lines[place]))
    where = "table" if "|" in page.lines[place] else "prose"
    yield Injection(f"result altered ({where})", card, place + 1, other, what)


_NAMES = {"accuracy": "Accuracy", "f1": "F1", "wer": "WER", "bleu": "BLEU", "rouge1": "ROUGE-1"}


def _told_otherwise(page: Page) -> Iterator[Injection]:
    """A result of the metadata told in a sentence or a table, with another value."""
    fitting = [
        (row, _NAMES[row.metric_type])
        for row in page.card.results
        if row.origin == "metadata" and row.metric_type in _NAMES and isinstance(row.value, float)
        and row.value and (row.dataset or row.dataset_id)
        and row.metric_type in row.metric.lower().replace("-", "")
    ]  # fmt: skip
    if not fitting:
        return
    row, name = page.chance.choice(fitting)
    value = float(row.value) * page.chance.choice([0.91, 0.87, 0.78])
    shown = page.chance.choice(
        [f"{value:.3f}", f"{value * 100:.1f}%"] if float(row.value) <= 1 else [f"{value:.1f}"]
    )
    data = row.dataset or row.dataset_id
    split = f"{row.split} " if row.split else ""
    what = f"{name} {row.value} against {shown}"
    sentence = page.chance.choice(
        [f"The model reaches an {name} of {shown} on the {split}set of {data}.",
         f"On {data} it achieves a {name} of {shown}.", f"- {name} on {data}: {shown}"]
    )  # fmt: skip
    text, line = page.insert(sentence, before_heading=page.chance.random() < 0.5)
    yield Injection("result in prose differs", text, line, shown, f"{what}: {sentence}")
    rows = page.chance.choice(
        [[f"| Dataset | {name} |", "| --- | --- |", f"| {data} | {shown} |"],
         ["| Metric | Dataset | Value |", "|---|---|---|", f"| {name} | {data} | {shown} |"]]
    )  # fmt: skip
    text, line = page.insert("## Evaluation", "", *rows)
    yield Injection("result in table differs", text, line + 2, shown, f"{what}: {rows}", len(rows))


def _on_train(page: Page) -> Iterator[Injection]:
    for index, line in enumerate(page.lines[: max(page.front, 0)]):
        found = re.match(r"^(\s*(?:-\s+)?split:\s*)['\"]?(?:test|validation|dev)\S*\s*$", line)
        if found:
            split = page.chance.choice(["train", "training", "train[:10%]", '"train"'])
            card = page.change(index, f"{found[1]}{split}")
            yield Injection("result on train", card, index + 1, "train", f"split {split}", 12)
            return


def _conflicting(page: Page) -> Iterator[Injection]:
    """A metric of the model-index a second time, with another value."""
    for index, found in _values(page):
        block = _block(page, index)
        if block is None or float(found["value"].strip("'\"")) <= 0:
            continue
        start, end = block
        other = f"{float(found['value'].strip(chr(39) + chr(34))) * 0.83:.4f}"
        copy = [
            _VALUE.sub(lambda m: f"{m['before']}{other}", line)  # noqa: B023
            for line in page.lines[start:end]
        ]
        card = "\n".join([*page.lines[:end], *copy, *page.lines[end:]])
        yield Injection(
            "result twice, two values", card, end + 1, other, f"{found['value']} and {other}", len(copy)
        )
        return


def _block(page: Page, index: int) -> tuple[int, int] | None:
    """Lines [start, end) of the list item that holds line `index`, where it has a plain form."""
    for start in range(index, max(index - 6, -1), -1):
        if item := re.match(r"^(\s*)- ", page.lines[start]):
            indent = len(item[1])
            end = start + 1
            while end < page.front and re.match(rf"^\s{{{indent + 2}}}\s*\w", page.lines[end]):
                end += 1
            return (start, end) if start <= index < end and end - start >= 2 else None
    return None


def _malformed(page: Page) -> Iterator[Injection]:
    span = page.card.metadata_lines.get("/model-index")
    index = page.card.metadata.get("model-index")
    if span is None or not isinstance(index, list) or not index:
        return
    head = page.lines[span.start - 1]
    makers = [
        ("results is a word", ["model-index:", "- name: model", "  results: accuracy 0.91"]),
        ("no name, no list", ["model-index:", "  results:", "  - accuracy: 0.91"]),
        ("a sentence", ["model-index: see the paper"]),
        ("a result without metrics", ["model-index:", "- name: model", "  results:", "  - task:",
                                      "      type: text-classification", "    dataset:",
                                      "      name: GLUE", "      type: glue"]),
        ("a metric without value", ["model-index:", "- name: model", "  results:", "  - task:",
                                    "      type: text-classification", "    dataset:", "      name: GLUE",
                                    "      type: glue", "    metrics:", "    - type: accuracy"]),
        ("a metric without type", ["model-index:", "- name: model", "  results:", "  - task:",
                                   "      type: text-classification", "    dataset:", "      name: GLUE",
                                   "      type: glue", "    metrics:", "    - value: 0.91"]),
        ("a result without dataset", ["model-index:", "- name: model", "  results:", "  - task:",
                                      "      type: text-classification", "    metrics:",
                                      "    - type: accuracy", "      value: 0.9"]),
    ]  # fmt: skip
    what, fields = page.chance.choice(makers)
    made = page.put("model-index", *fields)
    if made and head:
        yield Injection("model-index malformed", made[0], made[1], "model-index", what, len(fields))


RESULT_MAKERS: tuple[Maker, ...] = (
    _out_of_range,
    _out_of_range_prose,
    _altered,
    _told_otherwise,
    _on_train,
    _conflicting,
    _malformed,
)
