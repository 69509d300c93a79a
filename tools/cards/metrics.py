"""Names of metrics, splits and well-known evaluation sets, and numbers as cards write them."""

from __future__ import annotations

import re
from typing import NamedTuple

# (pattern, name a reader knows, identifier); longer and more special patterns first.
_METRICS: tuple[tuple[str, str, str], ...] = (
    (r"rouge[- ]?l[- ]?sum", "ROUGE-Lsum", "rougelsum"),
    (r"rouge[- ]?(?P<rouge>[12l])", "ROUGE-{rouge}", "rouge{rouge}"),
    (r"rouge", "ROUGE", "rouge"),
    (r"sacre ?bleu", "SacreBLEU", "sacrebleu"),
    (r"bleu[- ]?(?P<bleu>[1-4])(?!\d)", "BLEU-{bleu}", "bleu{bleu}"),
    (r"bleu", "BLEU", "bleu"),
    (r"chr-?f(?:\+\+|2\+\+)?", "chrF", "chrf"),
    (r"meteor", "METEOR", "meteor"),
    (r"cider(?:-d)?", "CIDEr", "cider"),
    (r"bert ?score", "BERTScore", "bertscore"),
    (r"(?:word[- ]error[- ]rate|wer)", "WER", "wer"),
    (r"(?:char(?:acter)?[- ]error[- ]rate|cer)", "CER", "cer"),
    (r"(?:phon(?:e|eme)[- ]error[- ]rate|\bper(?= ?(?:\(%\)|%|[:=]|$)))", "PER", "per"),
    (r"(?:diari[sz]ation[- ]error[- ]rate|der)(?= ?(?:\(%\)|%|[:=(@]|$|\d|\bof\b))", "DER", "der"),
    (r"(?:equal[- ]error[- ]rate|eer)", "EER", "eer"),
    (
        r"(?P<average>macro|micro|weighted)[- _]?(?:avg|average)?[- _]?f[- ]?1(?:[- ]?(?:score|measure))?",
        "{average} F1",
        "f1_{average}",
    ),
    (r"f[- ]?(?P<beta>[0-9](?:\.\d)?)(?:[- ]?(?:score|measure))?", "F{beta}", "f{beta}"),
    (r"f[- ](?:score|measure)", "F-score", "f1"),
    (
        r"(?P<average>macro|micro|weighted|mean|average)[- _](?P<kind>(?<!mean )(?<!average "
        r")precision|recall|accuracy)(?!@)",
        "{average} {kind}",
        "{average}_{kind}",
    ),
    (
        r"top[- ]?(?P<top>[1-9]0?)(?:[- ]?(?:acc(?:uracy|\.)?|error|performance))?",
        "Top-{top} accuracy",
        "top{top}_accuracy",
    ),
    (r"acc(?:uracy|\.)?@(?P<top>\d{1,2})", "Top-{top} accuracy", "top{top}_accuracy"),
    (r"pass@(?P<k>\d{1,3})", "pass@{k}", "pass@{k}"),
    (
        r"(?P<kind>precision|recall|ndcg|mrr|map|hits?|p|r)@(?P<k>\d{1,4})(?!\.?\d)",
        "{kind}@{k}",
        "{kind}@{k}",
    ),
    (r"(?:ndcg)", "NDCG", "ndcg"),
    (r"(?:mrr|mean reciprocal rank)", "MRR", "mrr"),
    (r"(?:exact[- _]?match|em)", "Exact match", "exact_match"),
    (r"balanced[- ]accuracy", "Balanced accuracy", "balanced_accuracy"),
    (r"pixel[- ](?:acc(?:uracy)?)", "Pixel accuracy", "pixel_accuracy"),
    (r"(?:accuracy|accuracies|\bacc\b\.?)", "Accuracy", "accuracy"),
    (r"cmap(?P<at>\d{0,2})", "cmAP{at}", "cmap{at}"),
    (
        r"(?:mean[- ]avera?ge?[- ]precision|map(?:\d{1,2})?|coco[- ]map)(?:@[\[\d.:, \]-]{1,"
        r"14})?",
        "mAP",
        "map",
    ),
    (
        r"(?:average[- ]precision|(?:box|mask)[- ]?ap|\bap)"
        r"(?P<at>[- ]?(?:50|75)|[smlbr]|@[\[\d.:, \]-]{1,14})?",
        "AP{at}",
        "ap{at}",
    ),
    (r"(?:mean[- ]?iou|m[- ]?iou)", "mIoU", "mean_iou"),
    (r"(?:iou|jaccard(?: index| score)?)", "IoU", "iou"),
    (r"dice(?:[- ](?:score|coefficient))?", "Dice", "dice"),
    (r"(?:auroc|roc[- ]?auc|auc(?:[- ]roc)?|area under the (?:roc )?curve)", "AUC", "auc"),
    (r"(?:mcc|matthews(?:[- ]corr\w{0,10}(?:[- ]coefficient)?)?)", "MCC", "matthews_correlation"),
    (r"pearson(?:'s|s)?(?:[- ](?:r|corr\w{0,12}))?(?:[- ]coefficient)?", "Pearson correlation", "pearsonr"),
    (
        r"spearman(?:'s|s)?(?:[- ](?:rho|rank|r|corr\w{0,12})){0,3}(?:[- ]coefficient)?",
        "Spearman correlation",
        "spearmanr",
    ),
    (r"kendall(?:'s)?(?:[- ]tau)?", "Kendall tau", "kendalltau"),
    (r"(?:rmsle)", "RMSLE", "rmsle"),
    (r"(?:log[- _])?(?:rmse|root mean squared? error)", "RMSE", "rmse"),
    (r"(?:log[- _])?(?:mae|mean absolute error)", "MAE", "mae"),
    (r"(?:mse|mean squared? error)", "MSE", "mse"),
    (r"(?:abs[- _]rel|sq[- _]rel)", "AbsRel", "abs_rel"),
    (r"delta[- _]?(?P<delta>[123])", "Delta{delta}", "delta{delta}"),
    (r"r(?:\^2|²|2)(?: score)?", "R²", "r_squared"),
    (r"(?:perplexity|ppl)", "Perplexity", "perplexity"),
    (r"(?:bits? per (?:character|byte)|bpc|bpb)", "Bits per character", "bpc"),
    (r"(?:fr[eé]chet inception distance|fid)(?: score)?", "FID", "fid"),
    (r"(?:inception score|\bis(?= ?(?:\(|$)))", "Inception score", "inception_score"),
    (r"(?:mean opinion score|mos)", "MOS", "mos"),
    (r"psnr", "PSNR", "psnr"),
    (r"(?:ms-)?ssim", "SSIM", "ssim"),
    (r"lpips", "LPIPS", "lpips"),
    (r"pesq", "PESQ", "pesq"),
    (r"stoi", "STOI", "stoi"),
    (r"si[- _]?sn?dr(?:[- _]?i(?:mp)?)?", "SI-SDR", "si_sdr"),
    (r"sdr(?:[- _]?i(?:mp)?)?", "SDR", "sdr"),
    (r"(?:uas|unlabell?ed attachment score)", "UAS", "uas"),
    (r"(?:las|labell?ed attachment score)", "LAS", "las"),
    (r"(?:panoptic quality|\bpq\b)", "PQ", "pq"),
    (r"(?:win[- ]?rate)", "Win rate", "win_rate"),
    (r"mean[- _]reward", "Mean reward", "mean_reward"),
    (r"cohen'?s? kappa|kappa", "Kappa", "kappa"),
    (r"precision", "Precision", "precision"),
    (r"recall", "Recall", "recall"),
    (r"sensitivity", "Sensitivity", "sensitivity"),
    (r"specificity", "Specificity", "specificity"),
    (r"(?:eval(?:uation)?|validation|test)?[- _]?loss", "Loss", "loss"),
)
_COMPILED = tuple(
    (re.compile(rf"(?<![A-Za-z0-9]){pattern}(?![A-Za-z0-9])", re.IGNORECASE), name, identifier)
    for pattern, name, identifier in _METRICS
)
_ANY_METRIC = re.compile(
    "(?<![A-Za-z0-9])(?:"
    + "|".join(re.sub(r"\(\?P<\w+>", "(?:", pattern) for pattern, _, _ in _METRICS)
    + ")(?![A-Za-z0-9])",
    re.IGNORECASE,
)
# Quantities that tables hold beside results and that are none.
NOT_METRIC = re.compile(
    r"param|flop|\bmacs?\b|g?ops\b|latency|speed|throughput|tokens?\b|memory|\bsize\b"
    r"|\bms\b|\bsec(?:ond)?s?\b"
    r"|\bhours?\b|\btime\b|\bdate\b|\byears?\b|\bepochs?\b|\bsteps?\b|batch|learning|\blr\b|samples|examples"
    r"|\bcount\b|number of|#|layers|heads|dim(?:ension)?s?\b|hidden|\bfps\b|\bgpus?\b"
    r"|power|emission|\bco2|context"
    r"|resolution|threshold|\bweights?\b|\bmin\b|\bmax\b|duration|vocab|seed|decay"
    r"|dropout|\bid\b|species\b|shots?\b"
    r"|climate|sentences|articles|cutoff",
    re.IGNORECASE,
)
SPLIT = re.compile(
    r"(?<![A-Za-z0-9])(?P<split>test[-_. ](?:clean|other|dev)|dev[-_. ](?:clean|other)|held[- ]?out(?: test)?"
    r"|validation|valid|val|development|dev|evaluation|eval|testing|test|training|train|mini-?val\w{0,4})"
    r"(?=[-_ ]?(?:set|split|data|partition|dataset)?(?![A-Za-z]))",
    re.IGNORECASE,
)
_DATASETS = (
    r"imagenet(?:[- ]?(?:1k|21k|22k|v2|a|r|real|sketch))?|(?:ms[- ]?)?coco(?:[- ]?20\d\d"
    r")?|pascal voc(?: ?20\d\d)?"
    r"|voc ?20\d\d|voc20\d\d|cityscapes|ade ?20k|camvid|kitti|nyu(?: ?(?:depth"
    r")? ?v2)?|kinetics[- ]?\d00|ucf[- ]?101"
    r"|something[- ]something(?:[- ]?v2)?|cifar[- ]?100?|mnist|fashion[- ]?mnist"
    r"|svhn|wider(?: ?face)?|lfw|market-?1501"
    r"|squad(?:[ _-]?v?[12](?:\.[01])?)?|xquad|mlqa|tydi ?qa|natural ?questions"
    r"|triviaqa|hotpotqa|boolq|piqa|siqa|copa"
    r"|glue|superglue|cola|sst-?[25]|mrpc|qqp|sts-?b(?:enchmark)?|mnli(?:-?mm?"
    r")?|qnli|rte|wnli|multi-?nli|snli|xnli|anli"
    r"|conll[- ]?20\d\d(?:[- ]?\w{2})?|ontonotes(?: ?[v5.0]{1,4})?|wikiann|pan-?x"
    r"|udpos|tatoeba|flores(?:-?\d+)?"
    r"|wmt[- ]?'?\d\d(?:\d\d)?(?:[- ][a-z]{2}-[a-z]{2})?|iwslt\w{0,6}|opus[- ]?100"
    r"|cnn[ /_-]?daily ?mail|xsum|xl-?sum"
    r"|samsum|gigaword|multi-?news|pubmed(?:qa)?|imdb|yelp(?: ?polarity)?|amazon[- ]polari"
    r"ty|ag[ _]?news|dbpedia"
    r"|common[ _-]?voice(?:[ _]?\d{1,2}(?:[._]\d)?)?|libri ?speech|libri(?:tts"
    r"|2mix|3mix|light)|voxpopuli|fleurs|tedlium"
    r"|voxceleb[12]?|aishell(?:-?\d)?|ami|ljspeech|vctk|wsj(?:0-?[23]mix)?|speech ?command"
    r"s|iemocap|ravdess|callhome"
    r"|mmlu(?:[- ]pro)?|hellaswag|arc[- ](?:challenge|easy)|truthfulqa|gsm-?8k"
    r"|winogrande|humaneval|mbpp|big-?bench"
    r"|drop|lambada|wikitext(?:-?\d+)?|penn treebank|ptb|c4|ms[- ]?marco|beir|mteb"
    r"|docvqa|vqav?2|textvqa|chartqa|gqa"
    r"|okvqa|flickr30k|nocaps|funsd|rvl-?cdip|librimix|musan|urbansound8k|audioset|esc-?50|fquad|germanquad"
)
KNOWN_DATASET = re.compile(rf"(?<![\w/-])(?:{_DATASETS})(?![\w])", re.IGNORECASE)
_NUMBER = (
    r"[-+−]?(?:\d{1,3}(?:[, ]\d{3})+(?:\.\d+)?|\d{1,12}(?:[.,]\d{1,20})?|\.\d{1,20})(?:[eE][-+]?\d{1,2})?"
)
_VALUE = re.compile(
    rf"^(?:[~≈<>≤≥=]|about|approx\.?)?\s*(?P<number>{_NUMBER})\s*(?P<unit>%|‰|percent\b|dB\b|points?\b)?"
    r"(?P<rest>\s*(?:[*†‡^\\]{1,4}|(?:±|\+/-|\+-|\\pm)\s*[\d.]+\s*%?|\([^()]{0,60}\)"
    r"|\[[^\[\]]{0,60}\]|[↑↓])*)\s*[.,;]?$"
)
NUMBER_IN_TEXT = rf"(?<![\w.,/-])(?:{_NUMBER})(?![\w/]|[.,:]\d|-[A-Za-z\d])"
_NAMED_VALUE = re.compile(r"^(?P<name>[A-Za-z][\w @.-]{0,30})\s*[=:]\s*(?P<value>.{1,40})$")
_ARXIV_LIKE = re.compile(r"^\d{4}\.\d{5}$")


_ALSO_WORDS = frozenset(
    {
        "inception_score",
        "der",
        "per",
        "exact_match",
        "ap{at}",
        "map",
        "las",
        "mos",
        "meteor",
        "dice",
        "cider",
        "fid",
    }
)


_MAX_TEXT = 2_000
_MAX_FOUND = 30


class Metric(NamedTuple):
    """A metric named in a text: display name, identifier, and where it stands."""

    name: str
    identifier: str
    start: int
    end: int


def find_metrics(text: str, *, sentence: bool = False) -> list[Metric]:
    """Metrics named in `text`, left to right, not overlapping.

    In a `sentence`, abbreviations that are also words ("is", "per", "map") count only in capitals.
    """
    if len(text) > _MAX_TEXT or not _ANY_METRIC.search(text):
        return []
    found: list[Metric] = []
    for pattern, name, identifier in _COMPILED:
        for matched in pattern.finditer(text):
            if len(found) >= _MAX_FOUND or any(
                matched.start() < other.end and other.start < matched.end() for other in found
            ):
                continue
            written = matched.group().strip()
            if sentence and identifier in _ALSO_WORDS and written.islower() and len(written) < 7:
                continue
            groups = {key: (value or "").strip() for key, value in matched.groupdict().items()}
            shown = {
                key: value.capitalize() if key in ("average", "kind") else value.upper()
                for key, value in groups.items()
            }
            if groups.get("kind", "").lower() in ("ndcg", "mrr", "p", "r", "map"):
                shown["kind"] = {"map": "MAP"}.get(groups["kind"].lower(), groups["kind"].upper())
            display = name.format(**shown)
            if groups.get("average") and groups.get("kind"):
                display = f"{shown['average']} {groups['kind'].lower()}"
            ident = identifier.format(**{key: value.lower() for key, value in groups.items()})
            found.append(Metric(display, ident.replace(" ", ""), matched.start(), matched.end()))
    return sorted(found, key=lambda metric: metric.start)


def name_metric(identifier: str) -> str:
    """The name a reader knows for an identifier such as `wer` or `rouge1`; unknown ones as written."""
    found = find_metrics(identifier.replace("_", " "))
    if len(found) == 1 and found[0].end - found[0].start >= len(identifier) - 1:
        return found[0].name
    return identifier


def read_value(text: str) -> tuple[float, str] | None:
    """A number with its unit ("%", "dB" or "") when `text` is one: "82.9 %", "1,234", "83.1 ± 0.2"."""
    text = text.strip()
    if len(text) > 120 or _ARXIV_LIKE.match(text):
        return None
    matched = _VALUE.match(text)
    if matched is None:
        return None
    number = read_number(matched["number"])
    if number is None:
        return None
    unit = (matched["unit"] or "").strip()
    if not unit and re.match(r"\s*(?:±|\+/-)\s*[\d.]+\s*%", matched["rest"]):
        unit = "%"
    return number, "%" if unit == "percent" else unit


def read_number(text: str) -> float | None:
    """The number of digits with thousands separators or a decimal comma; None when out of range."""
    text = text.strip().replace("−", "-").replace(" ", "")
    if re.fullmatch(r"[-+]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?", text):
        text = text.replace(",", "")
    text = text.replace(",", ".")
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < 1e15 else None


def read_named_value(text: str) -> tuple[str, str] | None:
    """("top1", "84.9%") from a cell such as "top1=84.9%"."""
    matched = _NAMED_VALUE.match(text.strip())
    return (matched["name"].strip(), matched["value"].strip()) if matched else None


def find_split(text: str) -> str:
    """The split that `text` names ("test", "dev", "validation", "test-clean", …), as written, lower case."""
    matched = SPLIT.search(text)
    return matched["split"].lower() if matched else ""
