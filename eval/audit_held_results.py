"""Held-out errors in results: impossible values, disagreement, training splits, a broken model-index."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from eval.audit_blind_page import Error, Maker, Page, list_results
from eval.audit_held_page import put, say

_ENTRY = """model-index:
- name: {name}
  results:
  - task:
      type: {task}
      name: {task}
    dataset:
      name: {dataset}
      type: {dataset}
      split: {split}
    metrics:
    - name: {metric}
      type: {metric}
      value: {value}"""


def _entry(metric: str, value: str, *, dataset: str = "trec", split: str = "test") -> str:
    return _ENTRY.format(
        name="fine-model",
        task="text-classification",
        dataset=dataset,
        split=split,
        metric=metric,
        value=value,
    )


def _write(make_rows: Callable[[Page], tuple[str, str, str]]) -> Maker:
    """A model-index (rows, key, what) in a card that has no results."""

    def make(page: Page) -> Iterator[Error]:
        if page.writable and not list_results(page.meta):
            rows, key, what = make_rows(page)
            made, line = page.set_field("model-index", *rows.split("\n"))
            yield made, line, key, what, rows.count("\n") + 1

    return make


def _impossible(page: Page) -> tuple[str, str, str]:
    metric, value = page.chance.choice(
        [
            ("accuracy", "1012"),
            ("rouge1", "-0.2"),
            ("cer", "-1.5"),
            ("f1", "-12"),
            ("precision", "250.0"),
            ("matthews_correlation", "-3"),
            ("exact_match", "119.3"),
            ("recall", "-0.01"),
        ]
    )
    return _entry(metric, value), metric, f"{metric} of {value} in the model-index"


def _no_number(page: Page) -> tuple[str, str, str]:
    value = page.chance.choice(["high", "tbd", "{}", '"> 0.9"', "true", "'~88'", "0.9.1"])
    return _entry("f1", value), "value", f"a value that is no number: {value}"


def _twice(page: Page) -> tuple[str, str, str]:
    value = page.chance.choice(["0.655", "0.87"])
    rows = f"{_entry('f1', '0.87')}\n    - name: f1\n      type: f1\n      value: {value}"
    return rows, "f1", f"f1 on trec (test) stands twice: 0.87 and {value}"


def _broken(page: Page) -> tuple[str, str, str]:
    rows, what = page.chance.choice(
        [
            (
                "model-index:\n- results:\n  - task:\n      type: text-classification",
                "no name, no dataset, no metrics",
            ),
            (
                "model-index:\n- name: x\n  results:\n  - dataset:\n      name: trec\n      type: trec\n"
                "    metrics:\n    - type: f1\n      value: 0.8",
                "no task",
            ),
            (
                "model-index:\n- name: x\n  results:\n  - task:\n      type: text-classification\n"
                "    metrics:\n    - type: f1\n      value: 0.8",
                "no dataset",
            ),
            (
                "model-index:\n- name: x\n  results:\n  - task:\n      type: token-classification\n"
                "    dataset:\n"
                "      name: trec\n      type: trec\n    metrics:\n    - value: 0.8",
                "a metric without a type",
            ),
            (
                "model-index:\n- name: x\n  results:\n  - task:\n      type: token-classification\n"
                "    dataset:\n"
                "      name: trec\n      type: trec\n    metrics:\n      type: f1\n      value: 0.8",
                "a mapping in place of the list of metrics",
            ),
            (
                "model-index:\n- name: x\n  results:\n    task: qa\n    f1: 0.8",
                "a mapping in place of results",
            ),
            ("model-index:\n- fine-model", "a word in place of a model"),
            ("model-index: []", "no model at all"),
            (
                "model-index:\n- name: x\n  results:\n  - task:\n      type: token-classification\n"
                "    dataset:\n"
                "      name: trec\n      type: trec\n    metrics:\n    - type: f1",
                "a metric without a value",
            ),
        ]
    )
    return rows, "model-index", f"the model-index is malformed: {what}"


def _index_dataset(page: Page) -> tuple[str, str, str]:
    name = page.chance.choice(
        [
            "our internal benchmark (v2)",
            "https://acme-labs.io/test.csv",
            "./dev.json",
            "Gold set, 500 rows",
            "acme/sets/test/2",
        ]
    )
    return _entry("f1", "0.87", dataset=name), "dataset", f"a dataset type that is no id: {name}"


def _index_train(page: Page) -> tuple[str, str, str]:
    split = page.chance.choice(["train", "training", "Train", "train[:10%]"])
    return _entry("accuracy", "0.998", split=split), "split", f"a result on the split {split}"


def _otherwise(page: Page) -> Iterator[Error]:
    """The text reports another value than the model-index; a card without results gets both."""
    results = [
        one
        for one in list_results(page.meta)
        if one[2] in {"accuracy", "f1", "precision", "recall", "wer"} and one[3] > 0
    ]
    head: list[str] = []
    if results:
        _, dataset, metric, value = page.chance.choice(results)
    elif (
        page.head
        and page.meta
        and "model-index" not in page.meta
        and not re.search(r"\btrec\b", page.card, re.I)
    ):
        dataset, metric, value = "trec", "f1", 0.712
        head = [row + page.end for row in _entry("f1", "0.712").split("\n")]
    else:
        return
    percent = value * 100 if value <= 1 else value
    wrong = round(percent * 0.8, 1) if percent > 50 else round(percent * 1.5 + 3, 1)
    shown = {"accuracy": "Accuracy", "f1": "F1", "wer": "WER"}.get(metric, metric.capitalize())
    form = page.chance.choice(
        [
            "<table>\n<tr><th>Dataset</th><th>{1}</th></tr>\n<tr><td>{0}</td><td>{2}</td></tr>\n</table>",
            "On {0} we measured {1} = {2}%.",
            "* {0}\n  * {1}: {2} %",
            "**{1} ({0})**: {2}%",
            "| Metric | {0} |\n|:--|--:|\n| {1} | {2} |",
            "It scores {2}% {1} on the {0} test set.",
            "{0} ergibt {1} von {2} %.",
            "> {1} on {0} is {2} %",
        ]
    ).format(dataset, shown, wrong)
    made, line, count = put(page, form)
    lines = made.split("\n")
    both = page.join([*lines[: page.head], *head, *lines[page.head :]])
    yield (
        both,
        line + len(head),
        metric,
        f"the model-index says {metric} {value} on {dataset}: {form!r}",
        count,
    )


def _pair(page: Page) -> Iterator[Error]:
    """Two values of one metric on one dataset in the text, in the same or in different forms."""
    metric, low, high = page.chance.choice([("F1", 62.4, 80.9), ("accuracy", 71.2, 93.5), ("WER", 8.3, 21.7)])
    forms = [
        "On HeronBank (test), {0} is {1}%.",
        "| Dataset | {0} |\n|---|---|\n| HeronBank test | {1} |",
        "* {0} on the HeronBank test set: {1}%",
        "The model gets {1}% {0} on the test set of HeronBank.",
        "<table><tr><th>Dataset</th><th>{0}</th></tr>\n<tr><td>HeronBank test</td><td>{1}</td></tr></table>",
    ]
    one, other = page.chance.sample(forms, 2)
    form = f"{one.format(metric, low)}\n\n{other.format(metric, high)}"
    made, line, count = put(page, form)
    yield made, line, metric, f"{metric} on one test set is {low} and {high}: {form!r}", count


RESULTS: dict[str, Maker] = {
    "metric-above": say(
        "metric",
        "more than a metric can be",
        "<table><tr><td>Accuracy</td><td>128.4%</td></tr></table>",
        "We get Acc=103.2% on dev.",
        "* Evaluation\n  * precision: 140 %",
        "Validation accuracy of 1,012%",
        "F1-Wert: 109,7 %",
        "| Recall | 1.6 |\n|---|---|\n| Precision | 0.8 |",
        "Top-1 accuracy is 230%.",
        "The model scores 101.5% exact match.",
        "**mAP@0.5**: 112.0%",
        "AUROC = 1.08",
        "> test accuracy: 150%",
        "Précision : 132 %",
        "R² of 1.9 on the test set",
        "Cosine similarity: 1.7",
    ),
    "metric-below": say(
        "metric",
        "less than a metric can be",
        "<li>Accuracy: -12.5%</li>",
        "CER = -0.8%",
        "The word error rate is -5.5 % on clean speech.",
        "| MAE | -3.4 |\n|---|---|\n| Steps | 100 |",
        "* ROUGE-L: −14.2",
        "F1-Score: -0,31",
        "Perplexity (test): -8.0",
        "Mean squared error: -0.02",
        "precision=-0.4, measured on dev",
        "mIoU of -22.0 was reached",
        "FID: -4.1",
    ),
    "train-as-test": say(
        "train",
        "a result on what it was trained on",
        "Accuracy was computed on the training split: 99.9%.",
        "<p>Evaluated on train: F1 = 99.2</p>",
        "| Metric | Train |\n|---|---|\n| Accuracy | 0.999 |",
        "F1 (train set): 98.8%",
        "For evaluation we reused the training data and reached 99.4% accuracy.",
        "Test accuracy (on the train set): 99.7 %",
        "Auf den Trainingsdaten erreicht es eine Accuracy von 99,8 %.",
        "Précision sur le jeu d'entraînement : 99,1 %",
        "WER on train-clean-100 (also used for training): 1.2%",
        "* Evaluation split: `train`\n* Accuracy: 0.998",
    ),
    "values-disagree": _pair,
    "index-otherwise": _otherwise,
    "index-impossible": _write(_impossible),
    "index-no-number": _write(_no_number),
    "index-twice": _write(_twice),
    "index-broken": _write(_broken),
    "index-dataset-no-id": _write(_index_dataset),
    "index-trained-split": _write(_index_train),
}
