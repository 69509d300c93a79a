"""Reported results: values that a metric cannot have, and a model-index that is malformed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.audit.registry import find, rule
from tools.audit.sentences import list_lines
from tools.audit.subject import AuditSubject
from tools.audit.types import Finding
from tools.audit.values import fold_metric
from tools.cards.types import ResultRow
from tools.metrics import METRICS

_ERROR_RATES = frozenset({"WER", "CER", "DER", "TER"})  # insertions may take them over 100 %
_SIGNED = frozenset({"MCC", "Spearman correlation", "Pearson correlation", "R2", "BERTScore", "METEOR"})
_SHARES = frozenset(
    {"accuracy", "balanced accuracy", "top-1 accuracy", "top-5 accuracy", "F1", "precision", "recall", "AUC",
     "exact match", "IoU", "ROUGE-1", "ROUGE-2", "ROUGE-L", "ROUGE-Lsum", "ROUGE", "BLEU", "EER",
     "mean average precision"}
)  # fmt: skip


_FRACTIONS = frozenset(
    {"accuracy", "balanced accuracy", "F1", "precision", "recall", "AUC", "exact match", "IoU", "MCC", "R2",
     "Spearman correlation", "Pearson correlation"}
)  # fmt: skip
_POSITIVE = frozenset(
    {"perplexity", "FID", "MSE", "RMSE", "MAE", "error rate", "MRR", "NDCG", "SSIM", "STOI", "PESQ", "MOS",
     "chrF", "CIDEr", "SPICE"}
)  # fmt: skip


_OTHER_MEASURE = re.compile(r"neg|imp|diff|delta|change|gain|drop|@|_at_|relative", re.IGNORECASE)


def _number(row: ResultRow) -> float | None:
    return (
        float(row.value) if isinstance(row.value, int | float) and not isinstance(row.value, bool) else None
    )


def _name_metric(row: ResultRow) -> str:
    """The metric by its name, else by its identifier ("Test WER", type: wer), else by words in its name."""
    names = {metric.name for metric in METRICS}
    for name in (fold_metric(row.metric), fold_metric(row.metric_type)):
        if name in names:
            return name
    inside = {metric.name for metric in METRICS if metric.pattern.search(row.metric)}
    if len(inside) == 1 and inside <= _SHARES | _ERROR_RATES and not _OTHER_MEASURE.search(row.metric):
        return inside.pop()
    return fold_metric(row.metric)


@rule(
    "metric-out-of-range",
    "error",
    "A value that the metric cannot have",
    "It was mistyped, or is another metric.",
)
def find_impossible_value(subject: AuditSubject) -> Iterator[Finding]:
    told: set[tuple[int, str]] = set()
    in_percent = {
        row.origin
        for row in subject.card.results
        if _name_metric(row) in _SHARES | _SIGNED and 2 <= (_number(row) or 0) <= 100
    }
    for row in subject.card.results:
        value, metric = _number(row), _name_metric(row)
        if value is None or (row.line, metric) in told:
            continue
        known = next((m for m in METRICS if m.name == metric), None)
        if metric in _SHARES:
            low, high = 0.0, 100.0
        elif metric in _ERROR_RATES:
            low, high = 0.0, 1000.0
        elif metric in _SIGNED and known is not None:
            low, high = -100.0, 100.0
        elif metric in _POSITIVE and "neg" not in row.text.lower():  # negated, so that higher is better
            low, high = 0.0, float("inf")
        else:
            continue
        if (
            fold_metric(row.metric) in _FRACTIONS
            and 1 < value < 2
            and not row.unit
            and (row.origin == "prose" or row.origin not in in_percent)
        ):
            told.add((row.line, metric))
            yield find(
                subject,
                "metric-out-of-range",
                f"{row.metric} is {row.value}: it ends at 1, and {row.value} % is hardly meant.",
                line=row.line,
                suggestion="Correct the value, or write the percent sign.",
                severity="warning",
            )
        elif not low <= value <= high:
            told.add((row.line, metric))
            yield find(
                subject,
                "metric-out-of-range",
                f"{row.metric} is {row.value}{row.unit}, which lies outside of {low:g} to {high:g}.",
                line=row.line,
                suggestion="Correct the value, or the name of the metric.",
            )
    yield from _find_negative(subject, told)


def _find_negative(subject: AuditSubject, told: set[tuple[int, str]]) -> Iterator[Finding]:
    """Negative scores in sentences, which reading results takes for no score at all."""
    metrics = [metric for metric in METRICS if metric.name in _SHARES | _ERROR_RATES | _POSITIVE]
    seen = {line for line, _ in told}
    for line, text, _ in list_lines(subject):
        over = _OVER.search(text) if line not in seen else None
        if over and float(over["value"].replace(",", ".")) > 100:
            yield find(
                subject,
                "metric-out-of-range",
                f"{over[0][:80]!r} is more than all of the data.",
                line=line,
                suggestion="Correct the value, or the name of the metric.",
            )
        if text.startswith("|") or not (signed := _NEGATIVE.search(text)):
            continue
        before = text[max(0, signed.start() - 60) : signed.start()]
        for metric in metrics:
            named = list(metric.pattern.finditer(before))
            if not named or not _BETWEEN.fullmatch(before[named[-1].end() :]) or (line, metric.name) in told:
                continue
            if _OTHER_MEASURE.search(before):
                continue
            yield find(
                subject,
                "metric-out-of-range",
                f"{named[-1][0]} is {signed['value']}, and it is never negative.",
                line=line,
                suggestion="Correct the value, or the name of the metric.",
            )
            break


_OVER = re.compile(
    r"\b(?:accuracy|precision|recall|f1(?:[- ]score)?|auc|exact match"
    r"|genauigkeit|trefferquote|treffergenauigkeit|exactitude|justesse|précision|rappel|exactitud|precisión"
    r"|exhaustividad|accuratezza|acurácia|precisão|nauwkeurigheid)\b[^.\d\n]{0,40}"
    r"(?P<value>(?:1\d\d|[2-9]\d\d)(?:[.,]\d+)?)\s?%",
    re.IGNORECASE,
)
_NEGATIVE = re.compile(
    r"(?:(?<=\s)|(?<=[:=]))(?P<value>[-\u2212]\s?\d{1,4}(?:[.,]\d+)?)(?![\d\w]|\s*[-\u2013]\s*\d)"
)
_BETWEEN = re.compile(
    r"[\s*_`\")\]]{0,4}(?:\([^()]{1,20}\)|\[[^\[\]]{1,20}\])?[*_`\s]{0,4}(?:scores?|rates?|values?)?\s*"
    r"(?:of|is|was|were|are|:|=|at|equals|reached|reaches)[\s*_`]{0,4}",
    re.IGNORECASE,
)


@rule("model-index-malformed", "error", "model-index is malformed", "The Hub refuses or ignores the results.")
def find_malformed_index(subject: AuditSubject) -> Iterator[Finding]:
    for problem in subject.card.problems:
        if problem.code == "model-index":
            yield find(
                subject,
                "model-index-malformed",
                problem.message,
                line=problem.line or subject.line_of("/model-index") or 1,
                suggestion="A result needs task.type, dataset.type, dataset.name and metrics with value.",
                # Evaluators write nan themselves, most often for a loss that overflowed.
                severity="warning" if problem.message.endswith("is nan, no number.") else None,
            )
    index = subject.card.metadata.get("model-index")
    for number, entry in enumerate(index if isinstance(index, list) else []):
        results = entry.get("results") if isinstance(entry, dict) else None
        for place, result in enumerate(results if isinstance(results, list) else []):
            if not isinstance(result, dict):
                continue
            base = f"/model-index/{number}/results/{place}"
            yield from _find_missing_parts(subject, result, base)
            yield from _find_texts(subject, result, base)


def _find_texts(subject: AuditSubject, result: dict[str, object], base: str) -> Iterator[Finding]:
    """Values that are no numbers; a number in quotes is read by all who read results."""
    metrics = result.get("metrics")
    for number, metric in enumerate(metrics if isinstance(metrics, list) else []):
        value = metric.get("value") if isinstance(metric, dict) else None
        if isinstance(value, str) and value.strip() and not _NUMBER.fullmatch(value.strip()):
            pointer = f"{base}/metrics/{number}"
            yield find(
                subject,
                "model-index-malformed",
                f"The value {value[:60]!r} is text, no number.",
                line=subject.line_of(f"{pointer}/value") or subject.line_of(pointer),
                suggestion="Write the bare number.",
                severity="note" if len(value) > 24 else "warning",
            )


_NUMBER = re.compile(
    r"[-+]?\d*\.?\d+(?:e[-+]?\d+)?|\.?(?:nan|inf)|\d[\d.]* ?\+/- ?[\d.]+|\d[\d.]* ?± ?[\d.]+", re.IGNORECASE
)


def _find_missing_parts(subject: AuditSubject, result: dict[str, object], base: str) -> Iterator[Finding]:
    if not result.get("metrics"):
        yield find(
            subject,
            "model-index-malformed",
            "A result has no metrics.",
            line=subject.line_of(base),
            suggestion="Add `metrics:` with `type:` and `value:`.",
            severity="warning",
        )
    for part, keys in (("task", ("type",)), ("dataset", ("type", "name"))):
        node = result.get(part)
        lost = [key for key in keys if not isinstance(node, dict) or not node.get(key)]
        if lost and result.get("metrics"):
            yield find(
                subject,
                "model-index-malformed",
                f"A result has no {' and no '.join(f'{part}.{key}' for key in lost)}.",
                line=subject.line_of(f"{base}/{part}") or subject.line_of(base),
                suggestion=f"Add {', '.join(f'`{key}:`' for key in lost)} under `{part}:`.",
                severity="warning",
            )
