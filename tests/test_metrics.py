"""Metric names as people and cards write them, and which way is better."""

from __future__ import annotations

import pytest

from tools.metrics import METRICS, asked_metrics, is_lower_better


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("WER", "WER"), ("word error rate", "WER"), ("Word-Error-Rates", "WER"), ("test_wer", "WER"),
        ("character error rate", "CER"), ("cer", "CER"), ("diarisation error rate", "DER"),
        ("accuracy", "accuracy"), ("Acc", "accuracy"), ("eval_accuracy", "accuracy"),
        ("top-1 accuracy", "top-1 accuracy"), ("top5", "top-5 accuracy"), ("acc@1", "top-1 accuracy"),
        ("balanced_accuracy", "balanced accuracy"),
        ("F1", "F1"), ("macro F1", "F1"), ("f1_weighted", "F1"), ("F-score", "F1"), ("f1score", "F1"),
        ("exact_match", "exact match"), ("exact match", "exact match"), ("EM score", "exact match"),
        ("mAP@50", "mean average precision"), ("mAP50-95", "mean average precision"),
        ("mean average precision", "mean average precision"), ("box AP", "mean average precision"),
        ("rouge1", "ROUGE-1"), ("ROUGE-2", "ROUGE-2"), ("rougeLsum", "ROUGE-Lsum"), ("rouge-l", "ROUGE-L"),
        ("sacrebleu", "BLEU"), ("BLEU-4", "BLEU"), ("chrF++", "chrF"), ("ppl", "perplexity"),
        ("mean_reward", "mean reward"), ("mIoU", "IoU"), ("roc_auc", "AUC"), ("AUROC", "AUC"),
        ("matthews_correlation", "MCC"), ("cosine_spearman", "Spearman correlation"), ("RMSE", "RMSE"),
        ("root mean squared error", "RMSE"), ("mean absolute error", "MAE"), ("MRR@10", "MRR"),
        ("ndcg@10", "NDCG"), ("val loss", "loss"),
    ],
)  # fmt: skip
def test_spellings_of_one_metric(written: str, name: str) -> None:
    assert [metric.name for metric in asked_metrics(written)][:1] == [name]


@pytest.mark.parametrize("name", [metric.name for metric in METRICS])
def test_every_metric_is_found_by_its_own_name(name: str) -> None:
    assert name in [metric.name for metric in asked_metrics(f"Which model has the best {name} on this set?")]


def test_a_special_metric_is_not_found_again_as_the_general_one() -> None:
    assert [metric.name for metric in asked_metrics("top-1 accuracy")] == ["top-1 accuracy"]
    assert [metric.name for metric in asked_metrics("ROUGE-1 and ROUGE-2")] == ["ROUGE-1", "ROUGE-2"]
    assert [metric.name for metric in asked_metrics("precision and recall")] == ["precision", "recall"]


@pytest.mark.parametrize(
    "question",
    [
        "Which model writes answers about power plants?",  # wer
        "Is there a cereal classifier?",  # cer
        "Welcher Lerner ist besser?",
        "Does it access the flower database?",  # acc
        "A model for glossy magazines",  # loss
        "Find a roadmap for Pescara",  # map, cider
        "Un modelo para resumir textos médicos",
        "模型的许可证是什么？",
        "",
    ],
)
def test_parts_of_words_are_no_metrics(question: str) -> None:
    assert asked_metrics(question) == []


@pytest.mark.parametrize(
    "name",
    [
        "wer", "Test WER", "cer", "eval_loss", "perplexity", "RMSE", "mse", "mae", "FID", "EER", "DER",
        "word error rate", "error_rate", "MAPE", "brier score", "false positive rate", "latency", "abs_rel",
        "AbsRel", "Mean Absolute Error", "phoneme error rate", "log loss",
    ],
)  # fmt: skip
def test_of_these_less_is_better(name: str) -> None:
    assert is_lower_better(name)


@pytest.mark.parametrize(
    "name",
    [
        "accuracy", "F1", "bleu", "rouge1", "mAP", "recall", "auc", "mean_reward", "psnr", "spearmanr", "mrr",
        "something nobody has heard of", "", "performance", "pearson", "supermodel score",
    ],
)  # fmt: skip
def test_of_these_more_is_better(name: str) -> None:
    assert not is_lower_better(name)


def test_what_lies_between_nought_and_one() -> None:
    bounded = {metric.name: metric.bounded for metric in METRICS}
    assert all(bounded[name] for name in ("WER", "accuracy", "BLEU", "AUC", "MCC"))
    assert not any(bounded[name] for name in ("perplexity", "loss", "mean reward", "PSNR", "MAE", "R2"))
