"""Results on the data a model was trained with."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.audit.registry import find, rule
from tools.audit.sentences import list_lines
from tools.audit.subject import AuditSubject
from tools.audit.types import Finding


@rule(
    "result-on-train",
    "warning",
    "A result on training data",
    "What a model scores on the data it was trained with says little of new data.",
)
def find_train_result(subject: AuditSubject) -> Iterator[Finding]:
    told = set()
    for row in subject.card.results:
        if row.origin == "metadata" and re.fullmatch(
            r"train(?:ing)?(?:[ _-]?(?:set|split|data))?(?:\[.*\])?", row.split.strip(), re.IGNORECASE
        ):
            key = (row.dataset, row.config)
            if key in told:
                continue
            told.add(key)
            yield find(
                subject,
                "result-on-train",
                f"{row.metric} {row.value} on {row.dataset or 'a dataset'} is of the split {row.split!r}.",
                line=row.line,
                suggestion="Report a split the model was not trained on, or correct the split's name.",
                severity="note" if re.search(r"generator|imagefolder", row.dataset_id) else None,
            )
    yield from _find_train_tables(subject)
    yield from _find_train_sentences(subject)


def _find_train_tables(subject: AuditSubject) -> Iterator[Finding]:
    """Tables that give the training split alone; beside other splits it is plain reporting."""
    rows = [row for row in subject.card.results if row.origin == "table" and row.split]
    for table in subject.card.tables if rows else ():
        inside = [row for row in rows if table.lines.start <= row.line <= table.lines.end]
        if inside and all(_TRAIN.match(row.split) for row in inside):
            row = inside[0]
            yield find(
                subject,
                "result-on-train",
                f"{row.metric} {row.value}{row.unit} is of the split {row.split!r}, and of no other.",
                line=row.line,
                suggestion="Report a split the model was not trained on as well.",
            )


_TRAIN = re.compile(r"train", re.IGNORECASE)

_MEASURED = (
    r"(?:evaluated|tested|measured|validated|benchmarked|scores?|accuracy|precision|recall|f1|auc|bleu|wer|rouge"
    r"|results?|performance|evaluation|metrics?|reache[sd]|achieve[sd]?|obtained|report(?:ed)?)"
)
_ON_TRAIN = re.compile(
    rf"\b{_MEASURED}\b[^.!?]{{0,60}}\b(?:on|over|for|from|using)\s+(?:the\s+|our\s+|its\s+)?"
    r"(?:same\s+)?train(?:ing)?[- ](?:set|split|data|partition|corpus|samples|examples)\b"
    rf"|\b{_MEASURED}\b[^!?]{{0,60}}\b(?:on|over|using)\s+the\s+(?:(?:very\s+)?same\s+)?(?:data|examples"
    r"|samples|sentences|images|recordings|texts)(?:set)?\s+(?:(?:that|which)\s+)?"
    r"(?:(?:was|were|we|it was|it is|is)\s+)?"
    r"(?:also\s+)?(?:used|seen|taken)\s+(?:for|in|during|to)\s+(?:the\s+)?(?:fine-?)?(?:train|tun)"
    r"|\bauf (?:(?:den|dem|seinen|ihren|denselben) )?trainings(?:daten|satz|set|split|menge)\w*"
    r"|\bsur (?:les données|le jeu|l['’]ensemble)(?: de données)? d['’]entra[iî]nement"
    r"|\b(?:en|sobre|con) (?:el conjunto|los datos)(?: de datos)? de entrenamiento"
    r"|\b(?:sul|sui|sugli) (?:set|dati|insieme|esempi) di (?:addestramento|training)"
    r"|\b(?:no|nos|em) (?:conjunto|dados)(?: de dados)? de trein(?:o|amento)"
    r"|在?训练(?:集|数据)上?的?(?:准确率|精度|结果)",
    re.IGNORECASE,
)
_FOREIGN = re.compile(r"^(?:auf|sur|en|sobre|con|sul|sui|sugli|no|nos|em)\b", re.IGNORECASE)
_NOT_ON_TRAIN = re.compile(
    r"\b(?:not|never|unlike|instead of|rather than|trained|training time|train(?:ing)? loss|convert|overlap"
    r"|held[- ]out|n['’]t|leave|nicht|pas|trainiert|entraîné)\b",
    re.IGNORECASE,
)
_SCORE = re.compile(
    r"\d[\d.,]*\s?%|[01][.,]\d+|evalu|getestet|gemessen|évalué|testé|misurat|medid", re.IGNORECASE
)


def _find_train_sentences(subject: AuditSubject) -> Iterator[Finding]:
    for line, text, _ in list_lines(subject):
        found = _ON_TRAIN.search(text)
        if found is None or _NOT_ON_TRAIN.search(found[0]):
            continue
        # In other languages the phrase has no verb before it: a score, or being tested, must stand beside.
        if not _FOREIGN.match(found[0]) or (_SCORE.search(text) and not _NOT_ON_TRAIN.search(text)):
            yield find(
                subject,
                "result-on-train",
                f"The text says so itself: {found[0][:120]!r}.",
                line=line,
                suggestion="Report a split the model was not trained on.",
            )
