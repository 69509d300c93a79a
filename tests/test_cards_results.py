"""Results: model-index, tables of many shapes, prose, records."""

from __future__ import annotations

from typing import Any

import pytest

from tools.cards import parse_card
from tools.cards.metrics import find_metrics, name_metric, read_value
from tools.cards.types import ResultRow

INDEX = """---
model-index:
- name: my-model
  results:
  - task:
      type: automatic-speech-recognition
      name: Speech
    dataset:
      name: Common Voice 8
      type: mozilla-foundation/common_voice_8_0
      config: de
      args:
        split: test
    metrics:
    - type: wer
      value: 12.5
      name: Test WER
      verified: true
      verifyToken: abc
    - type: rouge1
      value: "40.1 %"
    - type: cer
      value:
  - dataset: squad
    metrics:
      type: f1
      value: {f1: 0.9, exact_match: 0.8}
  - nonsense
---
# my-model
"""


def results_of(text: str, origin: str | None = None) -> list[ResultRow]:
    return [row for row in parse_card(text).results if origin is None or row.origin == origin]


def short(rows: list[ResultRow]) -> list[tuple[Any, ...]]:
    return [(row.metric, row.value, row.dataset, row.split, row.subject) for row in rows]


def assert_cited(text: str) -> None:
    """Text stands at its locator's lines, the value on the row's line."""
    card = parse_card(text)
    for row in card.results:
        assert row.text in text
        assert row.context in text
        assert row.text
        if row.locator.startswith("README.md#L"):
            numbers = [int(part.lstrip("L")) for part in row.locator.partition("#")[2].split("-")]
            block = "\n".join(text.split("\n")[numbers[0] - 1 : numbers[-1]])
            assert row.text in block
            assert numbers[0] <= row.line <= numbers[-1]
        else:
            assert row.locator.removeprefix("README.md#") in card.metadata_lines


def test_model_index_rows() -> None:
    rows = results_of(INDEX)
    first = rows[0]
    assert (first.metric, first.metric_type, first.value, first.verified) == ("Test WER", "wer", 12.5, True)
    assert (first.task, first.dataset, first.dataset_id) == (
        "automatic-speech-recognition",
        "Common Voice 8",
        "mozilla-foundation/common_voice_8_0",
    )
    assert (first.config, first.split, first.line, first.subject) == ("de", "test", 16, "")
    assert first.locator == "README.md#/model-index/0/results/0/metrics/0"
    assert first.text.startswith("    - type: wer\n      value: 12.5")
    assert "verifyToken" not in first.text
    assert first.context_locator == "README.md#/model-index/0/results/0/dataset"
    assert first.context.startswith("    dataset:\n      name: Common Voice 8")
    assert (rows[1].metric, rows[1].value, rows[1].unit) == ("ROUGE-1", 40.1, "%")
    assert [(row.metric, row.value, row.dataset) for row in rows[2:]] == [
        ("F1", 0.9, "squad"),
        ("Exact match", 0.8, "squad"),
    ]
    assert_cited(INDEX)


def test_malformed_model_index_is_reported_not_lost() -> None:
    problems = [problem.message for problem in parse_card(INDEX).problems]
    assert len(problems) == 3
    assert "/metrics/2 has no value" in problems[0]
    assert any("/results/2 is not a mapping" in message for message in problems)
    for index in (
        "5",
        "[1, 2]",
        "{name: x}",
        "[{name: x, results: 3}]",
        "[{results: [{metrics: [7, {value: 2}]}]}]",
    ):
        card = parse_card(f"---\nmodel-index: {index}\n---\n")
        assert card.results == ()
        assert index == "{name: x}" or card.problems


def test_metrics_as_rows() -> None:
    text = (
        "## Accuracy\n\n| Metric | Value |\n|---|---|\n| AP (WIDER) | 92.9% |\n| WER @ LibriS"
        "peech test-clean | 8.4% |\n"
        "| GFlops | 2.4 |\n| mAP on COCO 2017 test set | 31.2 |\n| Source framework | 3 |\n"
    )
    assert short(results_of(text)) == [
        ("AP", 92.9, "WIDER", "", ""),
        ("WER", 8.4, "LibriSpeech", "test-clean", ""),
        ("mAP", 31.2, "COCO 2017", "test", ""),
    ]
    assert_cited(text)


def test_metrics_as_columns_with_several_models() -> None:
    text = (
        "# Eval\n\n| Model | Top-1 Acc. | Params | F1 (dev) |\n|---|---|---|---|\n"
        "| Net-S | 83.9% | 21M | 0.5 |\n| ours | **85** | 30M | - |\n"
    )
    assert short(results_of(text)) == [
        ("Top-1 accuracy", 83.9, "", "", "Net-S"),
        ("F1", 0.5, "", "dev", "Net-S"),
        ("Top-1 accuracy", 85.0, "", "", ""),
    ]
    row = results_of(text)[2]
    assert (row.line, row.locator) == (6, "README.md#L3-L6")


def test_splits_as_columns() -> None:
    rows = results_of("metric|dev|test\n-|-|-\nf1 |95.1 |91.3\nrecall |95.3 |91.9\n")
    assert short(rows) == [
        ("F1", 95.1, "", "dev", ""),
        ("F1", 91.3, "", "test", ""),
        ("Recall", 95.3, "", "dev", ""),
        ("Recall", 91.9, "", "test", ""),
    ]


def test_benchmarks_with_a_metric_column_and_models_as_columns() -> None:
    rows = results_of(
        "| Category | Benchmark | # Shots | Metric | Owl 1B | Owl 3B |\n|--|--|--"
        "|--|--|--|\n| General | MMLU | 5 | macro_avg/acc | 32.2 | 58 |\n"
        "| | GSM8K (CoT) | 8 | em_maj1@1 | 44.4 | No support |\n"
    )
    assert short(rows) == [
        ("Accuracy", 32.2, "MMLU", "", "Owl 1B"),
        ("Accuracy", 58.0, "MMLU", "", "Owl 3B"),
        ("Exact match", 44.4, "GSM8K (CoT)", "", "Owl 1B"),
    ]
    assert rows[2].config == "General, 8-shot"


def test_metric_in_the_corner_and_pairs_in_cells() -> None:
    rows = results_of("| XQUAD (F1/EM) | en | hi |\n|--|--|--|\n| mBERT | 83.8/72.9 | 58.5/43.5 |\n")
    assert [(row.metric, row.value, row.dataset, row.config, row.subject) for row in rows] == [
        ("F1", 83.8, "XQUAD", "en", "mBERT"),
        ("Exact match", 72.9, "XQUAD", "en", "mBERT"),
        ("F1", 58.5, "XQUAD", "hi", "mBERT"),
        ("Exact match", 43.5, "XQUAD", "hi", "mBERT"),
    ]


def test_metric_and_dataset_from_the_sentence_before() -> None:
    rows = results_of(
        "Here is the WER on the Fleurs test set:\n\n| Language | small | large |\n"
        "|--|--|--|\n| German | 12.3 | 6.4 |\n"
    )
    assert [(r.metric, r.value, r.dataset, r.split, r.config) for r in rows] == [
        ("WER", 12.3, "Fleurs", "test", "German, small"),
        ("WER", 6.4, "Fleurs", "test", "German, large"),
    ] or [(r.metric, r.value, r.dataset, r.split) for r in rows] == [
        ("WER", 12.3, "Fleurs", "test"),
        ("WER", 6.4, "Fleurs", "test"),
    ]


@pytest.mark.parametrize(
    "table",
    [
        "| Training Loss | Epoch | Step | Validation Loss | Wer |\n|--|--|--|--|--"
        "|\n| 1.2 | 1 | 10 | 0.9 | 0.5 |\n",
        "| Hyperparameter | Value |\n|--|--|\n| learning_rate | 3e-5 |\n| batch size | 8 |\n",
        "| Model | Parameters | Layers |\n|--|--|--|\n| a-base | 110 | 12 |\n",
        "| Dataset | LOC | PER |\n|--|--|--|\n| Train | 7140 | 6600 |\n| Test | 1668 | 1617 |\n",
        "| Model | Latency (ms) | Size (MB) |\n|--|--|--|\n| a-base | 11.5 | 12 |\n",
        "| Name | Link |\n|--|--|\n| a | http://x.y |\n",
    ],
)
def test_other_tables_hold_no_results(table: str) -> None:
    assert results_of("## Results of the evaluation\n\n" + table, "table") == []


def test_a_row_far_below_its_header_has_it_as_context() -> None:
    rows = "".join(f"| m{number}-base | {number}.5 |\n" for number in range(60))
    text = "| Model | WER |\n|--|--|\n" + rows
    last = results_of(text)[-1]
    assert last.text == "| m59-base | 59.5 |"
    assert last.context == "| Model | WER |"
    assert (last.locator, last.context_locator) == ("README.md#L62", "README.md#L1")
    assert_cited(text)


def test_labelled_lines_take_dataset_and_split_from_the_sentence_before() -> None:
    text = (
        "This model is a fine-tuned version of a/b on the news-short dataset.\nIt achieves th"
        "e following results on the "
        "evaluation set:\n- Loss: 0.31\n- Rouge1: 41.2\n- Gen Len: 12.0\n"
    )
    rows = results_of(text, "prose")
    assert short(rows) == [
        ("Loss", 0.31, "news-short", "evaluation", ""),
        ("ROUGE-1", 41.2, "news-short", "evaluation", ""),
    ]
    assert rows[1].locator == "README.md#L1-L4"
    assert rows[1].line == 4
    assert_cited(text)


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("It achieves 91.3 accuracy on the dev set.", [("Accuracy", 91.3, "", "dev")]),
        (
            "The model reaches a WER of 4.7% on the LibriSpeech test-clean set.",
            [("WER", 4.7, "LibriSpeech", "test-clean")],
        ),
        ("### Expected WER: 4.74%", [("WER", 4.74, "", "")]),
        ("F1-Score: **90.93** (Ontonotes)", [("F1", 90.93, "Ontonotes", "")]),
        (
            "A box AP of **40.1** and a PQ of 45.1 on COCO 2017 validation set.",
            [("AP", 40.1, "COCO 2017", "validation"), ("PQ", 45.1, "COCO 2017", "validation")],
        ),
        ("It improves accuracy by 3.2 points.", []),
        ("Compared to it, the baseline has an accuracy of 80.1.", []),
        ("We keep boxes with an IoU threshold of 0.5.", []),
        ("Training ran for 3 epochs with a learning rate of 5e-5 and batch size 16.", []),
        ("This model is (2023) the best, 12 per day.", []),
        ("Accuracy: N/A", []),
    ],
)
def test_sentences(sentence: str, expected: list[tuple[Any, ...]]) -> None:
    rows = results_of(sentence + "\n")
    assert [(row.metric, row.value, row.dataset, row.split) for row in rows] == expected
    assert_cited(sentence + "\n")


def test_an_evaluation_print_out() -> None:
    text = (
        "## Performance\n\nEvaluated on the SQuAD 2.0 dev set with the official script.\n```"
        '\n"exact": 76.1,\n"f1": 79.4,\n"total": 11873\n```\n'
    )
    assert short(results_of(text)) == [
        ("Exact match", 76.1, "SQuAD 2.0", "dev", ""),
        ("F1", 79.4, "SQuAD 2.0", "dev", ""),
    ]
    assert results_of("## Usage\n\n```py\nimport torch\nf1 = 0.5\n```\n") == []


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("Dataset: boats\n\nResult: 0.892", [("Result", 0.892, "boats", "")]),
        ("Dataset: unknown\n\nResult: 12.3%", [("Result", 12.3, "", "")]),
        ("Dataset: code\n\nResult: 20.26 BLEU score", [("BLEU", 20.26, "code", "")]),
        ("Dataset: passages\n\nResult: 69.84 (NDCG@10)", [("NDCG@10", 69.84, "passages", "")]),
        (
            'Dataset: d\n\nResult: {"top-1": 70.6, "top-5": 92.6}',
            [("Top-1 accuracy", 70.6, "d", ""), ("Top-5 accuracy", 92.6, "d", "")],
        ),
        (
            'Dataset: xnli\n\nResult: {"validation": 81.4, "test": null}',
            [("Result", 81.4, "xnli", "validation")],
        ),
        (
            'Dataset: [{"name": "A-1", "accuracy": {"DER%": 14.6}}, {"name": "B", "accuracy": 0.5'
            "}]\n\nResult: null",
            [("DER", 14.6, "A-1", ""), ("Accuracy", 0.5, "B", "")],
        ),
        ('Dataset: {"SQuAD1.1": "90.2/83.2"}\n\nResult: null', [("Result", "90.2/83.2", "SQuAD1.1", "")]),
        ("Dataset: N/A\n\nResult: N/A", []),
        ("Dataset: d\n\nResult: Not provided", []),
        ("Dataset: arxiv\n\nResult: 2109.02492", []),
        ("Dataset: d\n\nResult: 24.0% improvement over last year", []),
        ("Dataset: [{broken\n\nResult: {", []),
    ],
)
def test_records(record: str, expected: list[tuple[Any, ...]]) -> None:
    text = f"# a/b\n\nA model.\n\n## Performance\n\n{record}\n"
    assert [(row.metric, row.value, row.dataset, row.split) for row in results_of(text)] == expected
    assert_cited(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("82.9 %", (82.9, "%")),
        ("0.829", (0.829, "")),
        ("1,234", (1234.0, "")),
        ("0,829", (0.829, "")),
        ("83.1 ± 0.2", (83.1, "")),
        ("12.99dB", (12.99, "dB")),
        ("50.2 (2.6x)", (50.2, "")),
        ("0.91*", (0.91, "")),
        ("−3.5", (-3.5, "")),
        ("1e-3", (0.001, "")),
        ("N/A", None),
        ("3 layers", None),
        ("1908.10063", None),
        ("9" * 400, None),
        ("", None),
    ],
)
def test_values(text: str, value: tuple[float, str] | None) -> None:
    assert read_value(text) == value


def test_names_of_metrics() -> None:
    assert [name_metric(name) for name in ("wer", "rougeL", "f1", "mean_iou", "home_made")] == [
        "WER",
        "ROUGE-L",
        "F1",
        "mIoU",
        "home_made",
    ]
    assert [metric.name for metric in find_metrics("mAP@0.5 and Recall@10, macro F1")] == [
        "mAP",
        "Recall@10",
        "Macro F1",
    ]
    assert find_metrics("it is as good as before, per day", sentence=True) == []
