"""What a label, caption or sentence says about a result besides its number: metric, dataset, split."""

from __future__ import annotations

import re
from typing import NamedTuple

from tools.cards.markup import strip_markup
from tools.cards.metrics import KNOWN_DATASET, NOT_METRIC, Metric, find_metrics, find_split

_ON = re.compile(
    r"\b(?:on|over|for|using|@|from)\s+(?:the\s+|an?\s+|our\s+)?(?P<name>[^,;:()\n]{2,70}?)[\s'’]+"
    r"(?:data ?sets?|corpus|corpora|benchmarks?|tasks?|test ?sets?|dev(?:elopment"
    r")? sets?|validation sets?|eval\w* sets?"
    r"|test (?:data|splits?)|validation splits?|dev splits?|sets?\b|leaderboard)",
    re.IGNORECASE,
)
# "on the validation split of table-extraction": the name stands behind the split.
_OF_SPLIT = re.compile(
    r"\b(?:set|split|partition|portion)s? of (?:the )?[`\"']?(?P<name>[\w./-]*[A-Z0-9_/-][\w./-]*\w)"
)
_FURTHER = re.compile(r"\b(?:on|over|for|using|from)\s+(?:the\s+|an?\s+)?", re.IGNORECASE)
_SAID = re.compile(r"\b(?:is|are|was|were|has|have|reach\w*|achiev\w*)\b|(?:^|\s)\d*\.\d", re.IGNORECASE)
_SPLIT_SET = re.compile(
    r"\b(?P<split>test[-_. ]clean|test[-_. ]other|dev[-_. ]clean|dev[-_. ]other"
    r"|held[- ]?out|validation|development|dev"
    r"|evaluation|eval|test(?:ing)?)[- ]?(?:sets?|splits?|partition|portion|data)\b",
    re.IGNORECASE,
)
_VAGUE = re.compile(
    r"^(?:an?\s+)?(?:the|this|that|its|same|unknown|none|own|following|private"
    r"|custom|various|different|all|our|other|public"
    r"|held-?out|official|respective|corresponding|downstream|several|internal"
    r"|standard|final|whole|full|entire|evaluation|eval"
    r"|test(?:ing)?|validation|dev(?:elopment)?|train(?:ing)?|original|above|benchmark|data)*$",
    re.IGNORECASE,
)
_PART = re.compile(r" \([A-Za-z][\w.-]{0,15}\)")
_EVALUATION = re.compile(
    r"result|evaluat|perform|metric|benchmark|accurac|score|achiev|reach|quality"
    r"|validation|\btest\b|leaderboard|compar",
    re.IGNORECASE,
)
_LABEL_NOISE = re.compile(
    r"[↑↓%*†‡]|\b(?:score|scores|rate|value|results?|mean|avg|average|overall|total"
    r"|final|best|expected|eval|global|the|of|on"
    r"|for|in|our|model|performance|metric)\b",
    re.IGNORECASE,
)


class Setting(NamedTuple):
    """Where a result holds; "" for what is not said."""

    dataset: str = ""
    split: str = ""


class Label(NamedTuple):
    """A label such as "WER @ LibriSpeech test-clean" taken apart; `rest` is what nothing accounts for."""

    metrics: tuple[Metric, ...]
    dataset: str
    split: str
    rest: str


def read_label(text: str) -> Label:
    """Take a header cell, row label or `label:` apart into metrics, dataset, split and the rest."""
    named = find_metrics(text)
    rest = text
    for metric in reversed(named):
        rest = rest[: metric.start] + " " + rest[metric.end :]
    metrics = tuple({metric.identifier: metric for metric in reversed(named)}.values())[::-1]
    if metrics and NOT_METRIC.search(re.sub(r"\([^()]*\)", " ", rest)):
        metrics = ()
    setting = read_setting(text if metrics else "", label=True)
    dataset = setting.dataset
    if metrics and not dataset:
        placed = re.search(r"(?:@|\bon\b)\s*(.{2,60})$", rest) or re.search(
            r"\(\s*([A-Z][^()]{1,50})\s*\)", rest
        )
        if placed:
            name = re.sub(
                rf"[\s(,-]*{re.escape(setting.split)}[\s)]*$", "", placed[1].strip(" ()"), flags=re.IGNORECASE
            )
            dataset = "" if not re.search(r"[A-Za-z]{2}", name) or _VAGUE.match(name) else name.strip()
    rest = _LABEL_NOISE.sub(" ", re.sub(r"[()\[\]/,:@=_-]", " ", rest))
    rest = rest.replace(dataset, " ") if dataset else rest
    told = {*re.split(r"[\W_]+", f"{dataset} {setting.split}".lower()), "set", "split", "data"}
    words = [word for word in rest.split() if word.lower() not in told]
    return Label(metrics, dataset, setting.split, " ".join(words))


def read_setting(text: str, *, label: bool = False) -> Setting:
    """Dataset and split that a caption, heading or sentence names; a dataset only when it is the only one.

    In a `label` a bare "test" is a split; in prose it must be a "test set".
    """
    text = strip_markup(text)
    if label:
        split = find_split(text)
    else:
        matched = _SPLIT_SET.search(text)
        split = matched["split"].lower() if matched else ""
    names: dict[str, str] = {}
    for matched in (*_ON.finditer(text[:2000]), *_OF_SPLIT.finditer(text[:2000])):
        name = re.sub(
            r"\s+(?:(?:test|dev)[-_. ](?:clean|other)|test|dev|validation|evaluation|eval|train)$",
            "",
            _FURTHER.split(matched["name"])[-1].strip(" []`*\"'"),
            flags=re.IGNORECASE,
        )
        name = re.sub(r"^(?:official|public|standard|full)\s+", "", name)
        if (
            not _VAGUE.match(name)
            and not _SAID.search(name)
            and len(name.split()) <= 6
            and (re.search(r"[A-Z0-9_/-]", name) or _is_known(name))
        ):
            names.setdefault(name.lower(), name)
    if not names:
        for matched in KNOWN_DATASET.finditer(text[:2000]):
            # "LibriSpeech (clean)": the part is named in brackets right behind.
            part = _PART.match(text, matched.end())
            name = f"{matched.group()}{part[0] if part else ''}"
            names.setdefault(name.lower(), name)
    names = {
        key: name for key, name in names.items() if not any(key != other and key in other for other in names)
    }
    return Setting(next(iter(names.values())) if len(names) == 1 else "", split)


def speaks_of_evaluation(text: str) -> bool:
    """True when a heading or sentence announces results."""
    return bool(_EVALUATION.search(text))


def _is_known(name: str) -> bool:
    return bool(KNOWN_DATASET.search(name))
