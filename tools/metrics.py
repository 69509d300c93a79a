"""Metric names of the field: how people and cards write them, and which way is better."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """`pattern` finds the metric in a question, a card or a metric identifier (case ignored).

    `bounded`: it lies between 0 and 1 (correlations: -1 and 1) and is as often written in percent.
    """

    name: str
    pattern: re.Pattern[str]
    lower_is_better: bool = False
    bounded: bool = True


def _metric(name: str, pattern: str, *, lower: bool = False, bounded: bool = True) -> Metric:
    whole = re.compile(rf"(?<![a-z0-9])(?:{pattern})(?![a-z0-9])", re.IGNORECASE)
    return Metric(name, whole, lower, bounded)


METRICS: tuple[Metric, ...] = (
    _metric("WER", r"wer|word[- _]errors?(?:[- _]rates?)?", lower=True),
    _metric("CER", r"cer|character[- _]error[- _]rates?", lower=True),
    _metric("DER", r"der%?|diari[sz]ation[- _]error[- _]rates?", lower=True),
    _metric("EER", r"eer|equal[- _]error[- _]rates?", lower=True),
    _metric("TER", r"ter|translation[- _](?:edit|error)[- _]rates?", lower=True),
    _metric("exact match", r"exact[- _]?match(?:es)?|exact(?=[\"': ]+[\d.]+)|em(?=[\"':= ]+\d)"
    r"|squad em|em score|(?-i:EM)"),
    _metric("balanced accuracy", r"balanced[- _]accuracy"),
    _metric("top-1 accuracy", r"top[- _]?1(?:[- _]?acc(?:uracy)?)?|acc@1|acc_?1"),
    _metric("top-5 accuracy", r"top[- _]?5(?:[- _]?acc(?:uracy)?)?|acc@5|acc_?5"),
    _metric("accuracy", r"acc|accurac(?:y|ies)|accurate"),
    _metric("F1", r"f1|f[- ]?1[- _]?scores?|f[- ]?scores?|macro[- _]?f1|micro[- _]?f1"
    r"|f1[- _](?:macro|micro|score|weighted)"),
    _metric("mean average precision", r"m?ap(?:@\[?[\d.:\-]+\]?|[- _]?50(?:[-–:]95)?)?"
    r"|mean[- _]average[- _]precision|box[- _]ap"),
    _metric("precision", r"precision"),
    _metric("recall", r"recall"),
    _metric("ROUGE-1", r"rouge[- _]?1"),
    _metric("ROUGE-2", r"rouge[- _]?2"),
    _metric("ROUGE-Lsum", r"rouge[- _]?lsum"),
    _metric("ROUGE-L", r"rouge[- _]?l"),
    _metric("ROUGE", r"rouge"),
    _metric("BLEU", r"(?:sacre)?bleu(?:[- _]?[1-4])?"),
    _metric("chrF", r"chr[- ]?f(?:\+\+|2)?"),
    _metric("METEOR", r"meteor"),
    _metric("BERTScore", r"bert[- ]?score"),
    _metric("perplexity", r"perplexit(?:y|ies)|ppl", lower=True, bounded=False),
    _metric("loss", r"loss(?:es)?", lower=True, bounded=False),
    _metric("IoU", r"m?(?:ean[- _])?iou|jaccard"),
    _metric("AUC", r"(?:roc[- _]?)?auc(?:roc)?|auroc"),
    _metric("MCC", r"mcc|matthews[- _]corr\w*"),
    _metric("Spearman correlation", r"(?:cos(?:ine)?[- _])?spearman\w*(?:[- ](?:rank[- ])?corr\w*)?"),
    _metric("Pearson correlation", r"pearson\w*(?:[- ]corr\w*)?"),
    _metric("MOS", r"mos|mean[- _]opinion[- _]scores?", bounded=False),
    _metric("FID", r"fid", lower=True, bounded=False),
    _metric("PSNR", r"psnr", bounded=False),
    _metric("SSIM", r"ssim"),
    _metric("SI-SNR", r"(?:si|sdr)[- _]?(?:snr|sdr)i?|sdri?", bounded=False),
    _metric("PESQ", r"pesq", bounded=False),
    _metric("STOI", r"stoi"),
    _metric("mean reward", r"mean[- _]reward|rewards?|return", bounded=False),
    _metric("RMSE", r"rmse|root[- _]mean[- _]squared?[- _]error", lower=True, bounded=False),
    _metric("MSE", r"mse|mean[- _]squared?[- _]error", lower=True, bounded=False),
    _metric("MAE", r"mae|mean[- _]absolute[- _]error", lower=True, bounded=False),
    _metric("R2", r"r[- _]?(?:2|²|squared)", bounded=False),
    _metric("MRR", r"mrr(?:@\d+)?"),
    _metric("NDCG", r"ndcg(?:@\d+)?"),
    _metric("CIDEr", r"cider", bounded=False),
    _metric("SPICE", r"spice"),
    _metric("error rate", r"error[- _]rates?", lower=True),
)  # fmt: skip

# Words of other metrics that only occur as identifiers in tables and model-index blocks.
_LOWER = re.compile(
    r"\b(mer|per|mape|brier|bpc|bpb|distance|latency|false|miss|deviation|abs ?rel)\b", re.IGNORECASE
)


def asked_metrics(question: str) -> list[Metric]:
    """Metrics a text names, in the order of METRICS, the more specific instead of the general."""
    found: list[Metric] = []
    rest = question
    for metric in METRICS:
        if metric.pattern.search(rest):
            found.append(metric)
            # "top-1 accuracy" must not be found again as "accuracy".
            rest = metric.pattern.sub(" ", rest)
    return found


def is_lower_better(name: str) -> bool:
    """Whether a smaller value of the metric called `name` is the better one."""
    words = re.sub(r"[_\-]+", " ", name)
    known = asked_metrics(words)
    if known:
        return known[0].lower_is_better
    return _LOWER.search(words) is not None
