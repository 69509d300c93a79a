"""Results in prose: "WER: 4.74%", "reaches 91.3 accuracy on the dev set", "Dataset: … Result: …" records."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from tools.cards.markup import strip_markup
from tools.cards.metrics import NUMBER_IN_TEXT, Metric, find_metrics, read_number, read_value
from tools.cards.parent_sentences import split_sentences
from tools.cards.record_results import MAX_ROWS, read_metric_name, read_records
from tools.cards.result_context import Setting, read_label, read_setting, speaks_of_evaluation
from tools.cards.types import LineSpan, Passage, ResultRow, Section

_NEAR_LINES = 25
_BULLET = r"^\s*(?:>\s*)*(?:[-*+]\s+|\d{1,2}[.)]\s+|#{1,6}\s+)?"
_LABELLED = re.compile(
    _BULLET + r"(?P<label>[^:=|\d][^:=|]{0,70}?)\s*[:=]\s*(?P<value>[~≈<>]?\s*[-+]?[\d.][^|]{0,80})$"
)
_CODE_PAIR = re.compile(
    r"[\"']?(?P<label>[A-Za-z][\w @-]{0,30})[\"']?\s*[:=]\s*(?P<value>\d{1,3}(?:\.\d{1,20}"
    r")?|0?\.\d{1,20})\s*%?(?=\s*[,}\n]|\s*$)"
)
_PROGRAM = re.compile(
    r"\b(?:import|def|return|print|from_pretrained|pipeline|for \w+ in|torch|np\.)\b|\(\)|>>>"
)
_AFTER = re.compile(
    r"^(?:[- ]?(?:scores?|rates?|values?|metric|results?))?(?:\s*\([^()]{0,40}\))?"
    r"(?:\s+(?:on|in|for|over)\s+[^.;:,]{2,60}?)?"
    r"\s*(?:of|:|=|is|was|at|are|equal to|reache[sd]|→|≈|~|being|to be|up to)\s*"
    r"(?:about|around|approximately|approx\.?|roughly|over|almost|nearly|up to|~|≈)?\s*[*_`]{0,3}"
    rf"(?P<number>{NUMBER_IN_TEXT})\s*(?P<unit>%|percent\b|points\b)?",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    rf"(?P<number>{NUMBER_IN_TEXT})\s*(?P<unit>%|percent)?[*_`]{{0,3}}\s+(?:(?:word"
    rf"|absolute|overall|average|mean|test|validation|dev"
    r"|final|macro|micro|zero-shot|weighted|box|mask|points?|of|in|in terms of|the|classification)\s+){0,3}$",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"\b(?:compar(?:ed|ison)|whereas|while|versus|vs\.?|than|outperform\w*|baselines?"
    r"|previous|prior|human (?:performance|level)"
    r"|improv\w+|increase\w*|decrease\w*|drop\w*|gain\w*|threshold|if\b|target"
    r"|at least|reduction|original model|teacher)\b",
    re.IGNORECASE,
)
_THRESHOLD = re.compile(r"(?:threshold|confidence|iou\s*[=>]|>)\s*$", re.IGNORECASE)


@dataclass(slots=True)
class _Lead:
    """The latest prose of the section: what a following list or record refers to."""

    section: tuple[str, ...] = ()
    text: str = ""
    line: int = 0
    evaluative: bool = False
    setting: Setting = field(default_factory=Setting)


def read_prose_results(
    passages: Iterable[Passage], sections: Iterable[Section], lines: list[str], *, first_line: int
) -> list[ResultRow]:
    """Results that prose, lists, headings and evaluation print-outs state; at most 300.

    `first_line` is the body's first line (1-based). "N/A", "not provided" and the like are no result.
    """
    found = read_records(lines, first_line)
    taken = {row.line for row in found}
    for section in sections:
        if section.level:
            rows = _read_labelled(
                lines[section.lines.start - 1], _Lead(section.path), lines, section.lines.start
            )
            found.extend(rows)
    lead = _Lead()
    for passage in passages:
        if len(found) > 3 * MAX_ROWS:
            break
        if lead.section != passage.section:
            heading = passage.section[-1] if passage.section else ""
            lead = _Lead(passage.section, "", 0, speaks_of_evaluation(heading), read_setting(heading))
        if passage.kind in ("prose", "list"):
            found.extend(row for row in _read_passage(passage, lead, lines) if row.line not in taken)
        elif passage.kind == "code":
            found.extend(_read_print_out(passage, lead, lines))
        if passage.kind == "prose":
            setting = read_setting(_last_sentences(passage.text))
            lead = _Lead(
                passage.section,
                passage.text,
                passage.lines.start if len(passage.text) < 800 else passage.lines.end,
                lead.evaluative or speaks_of_evaluation(_last_sentences(passage.text)),
                Setting(setting.dataset or lead.setting.dataset, setting.split or lead.setting.split),
            )
    return _unique(found)[:MAX_ROWS]


def _last_sentences(text: str) -> str:
    return " ".join(strip_markup(sentence) for sentence, _, _ in split_sentences(text[-800:])[-2:])


def _read_passage(passage: Passage, lead: _Lead, lines: list[str]) -> list[ResultRow]:
    found: list[ResultRow] = []
    labelled: set[int] = set()
    local = lead
    for number in range(passage.lines.start, passage.lines.end + 1):
        line = lines[number - 1]
        rows = _read_labelled(line, local, lines, number)
        if rows:
            found.extend(rows)
            labelled.add(number)
        elif passage.kind == "list" and line.rstrip().endswith(":"):
            setting = read_setting(line)
            local = replace(
                lead,
                setting=Setting(setting.dataset or lead.setting.dataset, setting.split or lead.setting.split),
            )
    for sentence, start, end in split_sentences(passage.text):
        first = passage.lines.start + passage.text.count("\n", 0, start)
        last = passage.lines.start + passage.text.count("\n", 0, end)
        if not any(number in labelled for number in range(first, last + 1)):
            found.extend(_read_sentence(sentence, lead, LineSpan(first, last), lines))
    return found


def _read_labelled(line: str, lead: _Lead, lines: list[str], number: int) -> list[ResultRow]:
    """A line that is `metric: value`, perhaps with data set or split: "- Wer (test): 12.3 %"."""
    if len(line) > 300:
        return []
    matched = _LABELLED.match(_BULLET_MARKS.sub("", strip_markup(line)))
    if matched is None:
        return []
    label = read_label(matched["label"])
    metrics = label.metrics
    if not metrics and matched["label"].strip().lower() in ("exact", "wer", "cer", "map"):
        named = read_metric_name(matched["label"].strip())
        metrics = (named,) if named else ()
    if (
        len(metrics) != 1
        or len(label.rest.split()) > 4
        or re.search(r"\btrain", matched["label"], re.IGNORECASE)
    ):
        return []
    metric = metrics[0]
    if metric.identifier == "loss" and not lead.evaluative:
        return []
    value, tail = _read_leading_value(matched["value"])
    if value is None:
        return []
    placed = read_setting(tail.strip(" ()"), label=True) if tail else Setting()
    own = tail.strip(" ().,") if re.fullmatch(r"\s*\([A-Z][\w .-]{1,40}\)\W*", tail) else ""
    split = label.split or placed.split
    return [
        _row(
            metric,
            value,
            Setting(
                label.dataset or placed.dataset or ("" if split and own.lower() == split else own), split
            ),
            lead,
            LineSpan(number, number),
            lines,
            config=label.rest if len(label.rest) < 40 else "",
        )
    ]


_BULLET_MARKS = re.compile(r"^(?:[-*+•]\s+|\d{1,2}[.)]\s+)?[\"'`*_]{0,3}")


def _read_leading_value(text: str) -> tuple[tuple[float, str] | None, str]:
    """The number a value begins with, and what follows it; None when words make it something else."""
    text = text.strip().rstrip(",;")
    if (whole := read_value(text)) is not None:
        matched = re.search(r"\([^()]*[A-Za-z][^()]*\)", text)
        return whole, matched.group() if matched else ""
    matched = re.match(
        rf"^({NUMBER_IN_TEXT})\s*(%?)(?P<tail>\s*[,(]?\s*(?:on|for|in|\(|at|with|using).{{0,80}})$", text
    )
    if matched is None:
        return None, ""
    number = read_number(matched[1])
    return (None, "") if number is None else ((number, matched[2]), matched["tail"])


def _read_sentence(sentence: str, lead: _Lead, span: LineSpan, lines: list[str]) -> list[ResultRow]:
    if len(sentence) > 1_500 or not re.search(r"\d", sentence):
        return []
    text = strip_markup(sentence)
    if other := _OTHER.search(text):
        text = text[: other.start()]
    metrics = find_metrics(text, sentence=True)
    found = []
    used: set[int] = set()
    for position, metric in enumerate(metrics):
        limit = metrics[position + 1].start if position + 1 < len(metrics) else len(text)
        matched = _AFTER.match(text[metric.end : limit])
        offset = metric.end
        if matched is None:
            begin = metrics[position - 1].end if position else 0
            matched, offset = _BEFORE.search(text[begin : metric.start]), begin
        if matched is None or offset + matched.start("number") in used or metric.identifier == "loss":
            continue
        if matched["number"].startswith(("+", "-")) and metric.identifier != "r_squared":
            continue  # an improvement, not a result
        if _THRESHOLD.search(text[: offset + matched.start("number")]) or _YEAR.fullmatch(matched["number"]):
            continue
        number = read_number(matched["number"])
        if number is None:
            continue
        used.add(offset + matched.start("number"))
        unit = "%" if matched["unit"] in ("%", "percent") else ""
        setting = read_setting(text)
        found.append(_row(metric, (number, unit), setting, lead, span, lines, number=matched["number"]))
    return found


_YEAR = re.compile(r"(?:19|20)\d\d")


def _read_print_out(passage: Passage, lead: _Lead, lines: list[str]) -> list[ResultRow]:
    """A code block that prints an evaluation: lines such as `"f1": 79.5` or `exact = 72.8`."""
    if not lead.evaluative or _PROGRAM.search(passage.text):
        return []
    found = []
    for number in range(passage.lines.start, passage.lines.end + 1):
        for matched in _CODE_PAIR.finditer(lines[number - 1]):
            name = matched["label"].strip()
            metric = read_metric_name(name)
            value = read_number(matched["value"])
            if metric is not None and value is not None:
                found.append(_row(metric, (value, ""), Setting(), lead, LineSpan(number, number), lines))
    return found


def _row(
    metric: Metric,
    value: tuple[float, str],
    setting: Setting,
    lead: _Lead,
    span: LineSpan,
    lines: list[str],
    *,
    config: str = "",
    number: str = "",
) -> ResultRow:
    line = next(
        (at for at in range(span.start, span.end + 1) if number and number in lines[at - 1]), span.start
    )
    dataset, split = setting.dataset or lead.setting.dataset, setting.split or lead.setting.split
    if lead.line and 0 < span.start - lead.line <= _NEAR_LINES and (not setting.dataset or not setting.split):
        # The sentence before says on what: cite it together with the value.
        span = LineSpan(lead.line, span.end)
    return ResultRow(
        metric=metric.name,
        value=value[0],
        metric_type=metric.identifier,
        unit=value[1],
        dataset=dataset,
        split=split.lower(),
        config=config,
        origin="prose",
        locator=f"README.md#{span}",
        text="\n".join(lines[span.start - 1 : span.end]).strip(),
        line=line,
    )


def _unique(rows: list[ResultRow]) -> list[ResultRow]:
    seen: dict[tuple[Any, ...], ResultRow] = {}
    for row in rows:
        seen.setdefault((row.metric, row.value, row.dataset, row.split, row.config), row)
    return list(seen.values())
