"""Blind errors in results: values that no metric has, values that disagree, and a broken model-index."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from eval.audit_blind_page import Error, Maker, Page, list_results


def _text(key: str, why: str, *forms: str) -> Maker:
    def make(page: Page) -> Iterator[Error]:
        rows = page.chance.choice(forms).split("\n")
        made, line = page.add(*rows)
        yield made, line, key, f"{why}: {rows[-1]}", len(rows)

    return make


def _conflict_table(page: Page) -> Iterator[Error]:
    metric, low, high = page.chance.choice(
        [("F1", "71.4", "83.9"), ("Accuracy", "0.782", "0.941"), ("BLEU", "21.3", "34.8")]
    )
    form = page.chance.choice(
        ["| Dataset | Metric | Value |\n| --- | --- | --- |\n"
         "| Meadow-QA (test) | {0} | {1} |\n| Meadow-QA (test) | {0} | {2} |",
         "| Model | Meadow-QA test {0} |\n|:--|--:|\n| this model | {1} |\n\n"
         "On the Meadow-QA test set the model's {0} is {2}."]
    )  # fmt: skip
    rows = form.format(metric, low, high).split("\n")
    made, line = page.add(*rows)
    yield made, line, metric, f"{metric} on one dataset is {low} and {high}", len(rows)


def _conflict_prose(page: Page) -> Iterator[Error]:
    first, second = page.chance.choice(
        [("The model reaches an accuracy of 91.3 % on the Meadow-QA test set.",
          "On the Meadow-QA test set, it achieves an accuracy of 84.7 %."),
         ("- Accuracy (Meadow-QA, test): 0.913", "- Accuracy (Meadow-QA, test): 0.847"),
         ("We obtain an accuracy of 0.913 on Meadow-QA (test).",
          "| Dataset | Split | Accuracy |\n|--|--|--|\n| Meadow-QA | test | 84.7 |"),
         ("Accuracy on Meadow-QA test: 91.3%", "Accuracy on Meadow-QA test: 84.7%")]
    )  # fmt: skip
    rows = [first, "", *second.split("\n")]
    made, line = page.add(*rows)
    yield made, line, "accuracy", "accuracy on one dataset is 91.3 % and 84.7 %", len(rows)


def _index(dataset: str, metrics: list[str], *, split: str = "test", name: str = "my-model") -> list[str]:
    rows = ["model-index:", f"- name: {name}", "  results:", "  - task:", "      type: text-classification",
            "    dataset:",
            f"      type: {dataset}", f"      name: {dataset}", f"      split: {split}"]  # fmt: skip
    return [*rows, *(["    metrics:", *metrics] if metrics else [])]


def _metric(kind: str, value: str) -> list[str]:
    return [f"    - type: {kind}", f"      value: {value}"]


def _write_index(rows: Callable[[Page], tuple[list[str], str, str]]) -> Maker:
    """A model-index of `rows`, (rows, key, what), in a card that has none with results."""

    def make(page: Page) -> Iterator[Error]:
        if page.writable and not list_results(page.meta):
            made_rows, key, what = rows(page)
            made, line = page.set_field("model-index", *made_rows)
            yield made, line, key, what, len(made_rows)

    return make


def _out_of_range(page: Page) -> tuple[list[str], str, str]:
    kind, value = page.chance.choice(
        [("accuracy", "137.0"), ("wer", "-3.2"), ("f1", "104.5"), ("perplexity", "-12"), ("bleu", "131")]
    )
    return _index("imdb", _metric(kind, value)), kind, f"{kind} of {value} in the model-index"


def _text_value(page: Page) -> tuple[list[str], str, str]:
    value = page.chance.choice(
        ["ninety percent", "'91.3 %'", '"about 0.9"', "state of the art", "[]", "91,3"]
    )
    return _index("imdb", _metric("accuracy", value)), "value", f"a value that is no number: {value}"


def _two_values(page: Page) -> tuple[list[str], str, str]:
    rows = _index("imdb", [*_metric("accuracy", "0.912"), *_metric("accuracy", "0.741")])
    return rows, "accuracy", "accuracy on imdb (test) is 0.912 and 0.741 in the model-index"


def _no_metrics(page: Page) -> tuple[list[str], str, str]:
    rows = _index("imdb", []) + page.chance.choice([[], ["    metrics: []"], ["    metrics:"]])
    return rows, "metrics", "a result of the model-index has no metrics"


def _malformed(page: Page) -> tuple[list[str], str, str]:
    rows, what = page.chance.choice(
        [(["model-index: accuracy 0.91"], "a sentence"),
         (["model-index:", "  name: my-model", "  results: good"], "a mapping with a word for its results"),
         (["model-index:", "- name: my-model", "  results:", "  - metrics:", "    - type: accuracy",
           "      value: 0.91"],
          "a result without task and dataset"),
         (["model-index:", "- name: my-model", "  results:", "  - task: text-classification",
           "    dataset: imdb",
           "    metrics: accuracy"], "words in place of mappings")]
    )  # fmt: skip
    return rows, "model-index", f"the model-index is malformed: {what}"


def _train_split(page: Page) -> tuple[list[str], str, str]:
    return _index("imdb", _metric("accuracy", "0.991"), split="train"), "split", "a result on the split train"


def _index_against_prose(page: Page) -> Iterator[Error]:
    """The text gives another value than the model-index; where the card has no results, both are written."""
    results = [
        one
        for one in list_results(page.meta)
        if one[2] in {"accuracy", "f1", "bleu", "wer", "rouge1", "precision"}
    ]
    if results:
        _, dataset, metric, value = page.chance.choice(results)
        scale = 100 if 0 < value <= 1 else 1
        wrong = round(value * scale * 0.7, 1) if value * scale > 40 else round(value * scale + 9.4, 1)
        form = page.chance.choice(
            ["The model reaches {1} {2} % on {0}.", "On {0}, the {1} is {2} %.", "- {1} on {0}: {2}%",
             "| Dataset | {1} |\n| --- | --- |\n| {0} | {2} |"]
        ).format(dataset, metric, wrong)  # fmt: skip
        rows = form.split("\n")
        made, line = page.add(*rows)
        yield (
            made,
            line,
            metric,
            f"the model-index says {metric} {value} on {dataset}, the text {wrong}",
            len(rows),
        )
    elif page.writable and page.head and "model-index" not in page.meta:
        index = _index("imdb", _metric("accuracy", "0.846"))
        form = page.chance.choice(
            ["The model reaches an accuracy of 0.947 on IMDB (test).",
             "- Accuracy on the imdb test set: 94.7%",
             "| Dataset | Split | Accuracy |\n| --- | --- | --- |\n| imdb | test | 94.7 |"]
        )  # fmt: skip
        rows = form.split("\n")
        made, line = page.add(*rows)
        head = [row + page.end for row in index]
        lines = made.split("\n")
        both = page.join([*lines[: page.head], *head, *lines[page.head :]])
        yield (
            both,
            line + len(head),
            "accuracy",
            f"the model-index says accuracy 0.846 on imdb, the text: {rows[-1]}",
            len(rows),
        )


def _change_index_value(page: Page) -> Iterator[Error]:
    """A value of the card's own model-index spoilt: impossible, or a word."""
    place = page.find_field("model-index")
    numbers = [
        at
        for at in range(*(place or (0, 0)))
        if page.lines[at].strip().removeprefix("- ").startswith("value:")
        and any(
            f"type: {kind}" in "\n".join(page.lines[max(at - 2, 0) : at + 3])
            for kind in ("accuracy", "f1", "bleu", "wer")
        )
    ]
    if numbers:
        at = page.chance.choice(numbers)
        value = page.chance.choice(["-7.5", "'very good'", "n/a"])
        lines = [*page.lines]
        lines[at] = lines[at].split("value:")[0] + f"value: {value}{page.end}"
        yield page.join(lines), at + 1, "value", f"a value of the model-index is {value}", 1


RESULTS: dict[str, Maker] = {
    "over-hundred": _text(
        "metric", "more than all of it", "The model reaches an accuracy of 104 % on the test set.",
        "- Accuracy: 137%", "| Metric | Value |\n| --- | --- |\n| Accuracy | 104.2 % |",
        "**F1 score:** 112.5%",
        "| Accuracy | F1 |\n|:--:|:--:|\n| 131.0% | 88.1% |", "Recall of 118 percent was measured."),
    "over-hundred-foreign": _text(
        "metric", "more than all of it", "Das Modell erreicht eine Accuracy von 104 %.", "- Accuracy : 131 %",
        "Exactitud (accuracy): 118 %", "| Metrik | Wert |\n| --- | --- |\n| Accuracy | 137 % |",
        "Le modèle atteint un score F1 de 112,5 %."),
    "over-one": _text(
        "metric", "more than a perfect score", "An accuracy of 1.37 (where 1.0 is perfect) was reached.",
        "The ROC AUC is 1.4 on held-out data.", "- MCC: 1.82",
        "| Metric | Value |\n| --- | --- |\n| AUC | 1.31 |",
        "The Spearman correlation is 1.27."),
    "negative": _text(
        "metric", "less than nothing", "The model has a perplexity of -12.4 on held-out text.",
        "- WER: -3.1 %",
        "| Metric | Value |\n| --- | --- |\n| Accuracy | -0.42 |", "**RMSE:** -0.83", "BLEU score: -7.2",
        "WER : −4,2 %", "The F1 score is -0.61."),
    "trained-split": _text(
        "train", "a result on what it was trained on",
        "The model was evaluated on the training set and reaches 99.1 % accuracy.",
        "- Accuracy on the train split: 99.1%", "| Split | Accuracy |\n| --- | --- |\n| train | 99.1 |",
        "Accuracy on the training data: 0.991",
        "We report F1 of 98.7 measured on the same data used for training.",
        "Accuracy auf dem Trainingsdatensatz: 99,1 %"),
    "conflict-table": _conflict_table,
    "conflict-prose": _conflict_prose,
    "index-against-prose": _index_against_prose,
    "index-value-spoilt": _change_index_value,
    "index-range": _write_index(_out_of_range),
    "index-text-value": _write_index(_text_value),
    "index-two-values": _write_index(_two_values),
    "index-no-metrics": _write_index(_no_metrics),
    "index-malformed": _write_index(_malformed),
    "index-train-split": _write_index(_train_split),
}  # fmt: skip
