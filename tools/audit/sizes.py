"""Sizes that a card states, held against the headers of the weights and the configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tools.audit.architectures import judge_architecture
from tools.audit.subject import AuditSubject
from tools.audit.types import Claim
from tools.audit.values import agrees_in_size, scale_number
from tools.draft.gathering import Known


def judge_sizes(subject: AuditSubject) -> Iterator[Claim]:
    """Claims on parameters, context length, vocabulary, layers, heads, hidden size and architecture."""
    yield from _judge_parameters(subject)
    yield from _judge_dimensions(subject)
    yield from judge_architecture(subject, _prose_lines(subject))


@dataclass(frozen=True, slots=True)
class Dimension:
    """A size that prose states and a configuration holds, under one of `keys`."""

    kind: str
    pattern: re.Pattern[str]
    keys: tuple[str, ...]


_COUNT = r"(?P<n>\d{1,3}(?:,\d{3})+|\d{1,7}(?:\.\d+)?)(?P<k>[kK](?![\w]))?"


_LINK = r"\W{0,4}(?:\s*(?:of|is|are|was|:|=|to|up to)){0,2}[\s*`:=|]{0,8}"


def _dimension(kind: str, label: str, keys: tuple[str, ...], after: str = "") -> Dimension:
    before = rf"(?<!\w)(?:{label})\b{_LINK}{_COUNT}(?![\w%]|[.,-]\w|\s*x\b)"
    other = (
        rf"|(?<![\w.,-]){_COUNT.replace('<n>', '<n2>').replace('<k>', '<k2>')}[\s-]{{1,2}}(?:{after})\b"
        if after
        else ""
    )
    return Dimension(kind, re.compile(before + other, re.IGNORECASE), keys)


_LENGTHS = (
    "max_position_embeddings",
    "n_positions",
    "max_sequence_length",
    "n_ctx",
    "seq_length",
    "max_seq_len",
)


_READS = re.compile(
    r"(?<!\w)(?:(?:reads?|accepts?|handles?|process(?:es)?|supports?|takes?|sees?)"
    r" (?:inputs? |sequences? |texts? |documents? |contexts? )?(?:of )?"
    r"(?:up to|at most|a maximum of|as many as)"
    r"|(?:inputs?|sequences?|texts?|context) (?:is |are )?(?:of|limited to|cut(?: off)? (?:at|to))"
    rf"(?: at most| up to)?) {_COUNT}[ -](?:sub-?)?(?:tokens?|word ?-?pieces)\b",
    re.IGNORECASE,
)


DIMENSIONS = (
    Dimension("context_length", _READS, _LENGTHS),
    _dimension(
        "context_length",
        r"context[- ]?(?:length|window|size)"
        r"|max(?:imum|imal|\.)? (?:context|sequence|input)[- ]?(?:length|size)"
        r"|max(?:imum)?[_ ]position[_ ]embeddings"
        r"|kontext(?:länge|fenster|größe)|(?:longueur|fenêtre|taille) (?:de|du) contexte"
        r"|(?:longitud|ventana) de contexto|(?:lunghezza|finestra) (?:di|del) contesto"
        r"|janela de contexto",
        _LENGTHS,
        r"tokens? context(?: (?:length|window))?|(?:token )?context (?:length|window)|tokens of context",
    ),
    _dimension(
        "vocabulary",
        r"vocab(?:ulary)?[_ ]?size|vocabulary",
        ("vocab_size",),
        r"(?:tokens?|words?|entries) vocabulary",
    ),
    _dimension(
        "hidden_size",
        r"hidden[_ ](?:size|dimensions?|dim)|d_model",
        ("hidden_size", "d_model", "n_embd", "dim"),
        r"hidden (?:dimensions?|size)",
    ),
    _dimension(
        "layers",
        r"(?:number of |num[_ ]|(?:transformer|hidden|decoder|encoder) )(?:hidden[_ ])?layers|n_layers?"
        r"|^[\s*|•-]*(?:hidden )?layers",
        ("num_hidden_layers", "n_layer", "num_layers", "n_layers"),
        r"(?:transformer |hidden |decoder )?layers",
    ),
    _dimension(
        "heads",
        r"(?:(?:number of|num)[_ ])?attention[_ ]heads|(?:number of|num)[_ ]heads|n_heads?",
        ("num_attention_heads", "n_head", "num_heads", "n_heads"),
        r"attention heads",
    ),
)


# Of a part of the model, or of what was added to it, configurations say nothing.
_PART_BEFORE = re.compile(
    r"\b(?:last|first|top|bottom|upper|lower|every|each|another|extra|additional|add(?:ed|ing|s)?|new|final"
    r"|remaining|other|frozen|linear|dense|dropp?ed|remov\w+)\s+(?:the\s+)?$",
    re.IGNORECASE,
)
_PART_AFTER = re.compile(r"^\s*(?:on top|of the|of each|per\b|each\b|were\b|frozen|\(of)", re.IGNORECASE)


_COUNTED = re.compile(
    r"(?:\bparam(?:eter)?s?\b(?: count)?|\bmodel size)[*_`]*\s*(?:[:=|≈~]|is\b|are\b)[\s*_`|:=≈~]{0,8}"
    r"(?P<said>(?:about |approximately |ca\. |circa )?"
    r"\d[\d.,]{0,20}[\s-]{0,2}(?:k|m|b|t|thousand|million|billion|trillion)?\b)"
    r"|\b(?P<size>\d+(?:\.\d+)?(?:[MB]|[ -](?:million|billion)))[- ](?:param(?:eter)?s?\b|model\b)"
    r"|(?<![\w.,])(?P<foreign>\d[\d.,]{0,20}\s?(?:k|m|b|tausend|mio\.?|millionen|mrd\.?|milliarden|millions?"
    r"|milliards?|mil millones|millones|milioni|miliardi|milhões|bilhões)?)\s(?:de |di |d['’])?"
    r"(?:parametern?|paramètres|parámetros|parametri|parâmetros)(?!\w)",
    re.IGNORECASE,
)
_SOME_PARAMETERS = re.compile(
    r"\b(?:trainable|active|activated|embedding|frozen|hyper\W?parameters?|base|teacher|than|vs|compared"
    r"|original|larger|smaller)\b",
    re.IGNORECASE,
)


def _read_counts(subject: AuditSubject) -> Iterator[tuple[Known, int]]:
    """Counts of parameters in labelled lines, rows of tables and sentences, each with its line."""
    for line, text in _prose_lines(subject):
        found = _COUNTED.search(text)
        if found is None or _SOME_PARAMETERS.search(text):
            continue
        evidence = subject.ledger.add(
            "card", subject.record.source, f"README.md#L{line}", text.strip(), subject.card.sha256
        )
        said = found["said"] or found["size"] or _translate(found["foreign"])
        yield Known("parameters", said, "prose", evidence), line
    for table in subject.card.tables:
        # A column of counts over one row is of the model itself; over several, of as many models.
        cells = [
            cell
            for row in table.rows[:1]
            for head, cell in zip(table.header, row, strict=False)
            if _COUNT_HEAD.fullmatch(head.strip()) and _COUNT_CELL.fullmatch(cell.text.strip())
        ]
        if len(table.rows) == 1 and len(cells) == 1:
            yield (
                Known("parameters", cells[0].text.strip(), "prose", subject.cite_lines(cells[0].line)),
                cells[0].line,
            )


_COUNT_HEAD = re.compile(
    r"(?:#|no\.?|number of|total|model)? ?param(?:eter)?s?(?: count)?|(?:model )?size", re.IGNORECASE
)
_COUNT_CELL = re.compile(r"[~≈]?\s?\d[\d.,]*\s?(?:k|m|b|t|thousand|million|billion|trillion)?", re.IGNORECASE)
_UNITS = {"tausend": "thousand", "mio": "million", "millionen": "million", "mrd": "billion",
          "milliarden": "billion", "milliard": "billion", "milliards": "billion", "mil millones": "billion",
          "millones": "million", "milioni": "million", "miliardi": "billion", "milhões": "million",
          "bilhões": "billion", "millions": "million"}  # fmt: skip


def _translate(text: str) -> str:
    """A count in English: "2,7 Milliarden" as "2.7 billion"; in these languages the comma is the point."""
    number = text.strip()
    while number and not number[-1].isdigit():
        number = number[:-1]
    unit = text.strip()[len(number) :].strip(" .,")
    number = re.sub(r"^(\d{1,3}),(\d{1,2})$", r"\1.\2", number)
    number = re.sub(r"\.(?=\d{3}(?:\.|$))", "", number) if number.count(".") > 1 or not unit else number
    return f"{number} {_UNITS.get(unit.lower(), unit)}".strip()


# A comparison, or a word for a model that is not this one.
_OTHER_MODEL = re.compile(
    r"\b(?:teachers?|students? of|baselines?|originals?|compared|than|vs\.?|versus|larger|smaller|bigger"
    r"|lighter|other (?:\w+ )?models?|previous|earlier|predecessors?|successors?|unlike|whereas|variants?"
    r"|siblings?|(?<!this )versions?|models of|models with|outperform\w*|similar to|such as)\b",
    re.IGNORECASE,
)
_THIS_MODEL = re.compile(r"\b(?:(?:this|the|our) (?:\w+[ -]){0,2}model|it|ours|we)\b", re.IGNORECASE)
# GPT-3, RoBERTa, LLaMA-2-7b, Mistral-7B: two capitals in one word, or a capital with a digit after it.
_MODEL_NAME = re.compile(
    r"(?<![\w/.-])(?:[A-Z]\w*[a-z]\w*[A-Z]\w*|[A-Z]{2,}\w*|[A-Z]\w*(?=-\w*\d))(?:[-.]\w+)*"
)
_NO_MODEL = frozenset({"api", "gpu", "cpu", "llm", "lm", "lora", "ffn", "mlm", "mlp", "moe", "nlp", "tpu"})


def _is_of_another(subject: AuditSubject, text: str, at: int) -> bool:
    """Whether the sentence of `text` around `at` speaks of another model's size; labelled lines never do."""
    start = max((found.end() for found in re.finditer(r"[.!?]\s+(?=[A-Z])", text[:at])), default=0)
    end = re.search(r"[.!?](?:\s|$)", text[at:])
    sentence = text[start : at + end.end()] if end else text[start:]
    before = text[start:at]
    if _THIS_MODEL.search(before) and not _OTHER_MODEL.search(sentence):
        return False
    if _OTHER_MODEL.search(sentence):
        return True
    heading = next((section.title for section in subject.card.sections if section.level), "")
    own = re.sub(r"[\W_]+", "", f"{subject.model} {heading}".lower())
    for name in _MODEL_NAME.findall(before):
        plain = re.sub(r"[\W_]+", "", name.lower())
        if plain not in _NO_MODEL and plain not in own:
            return True
    return False


def _judge_parameters(subject: AuditSubject) -> Iterator[Claim]:
    header = subject.gathered.first("header")
    config = subject.gathered.find("config.json", "quantization_config")
    counts: dict[str, int] = header.value if header else {}
    total = sum(counts.values())
    packed = config is not None or any(
        name in counts for name in ("I32", "U8", "I8", "U32", "F8_E4M3", "BOOL")
    )
    facts = subject.facts("parameters", "prose")
    told = {line for _, line in facts}
    for known, line in (*facts, *(item for item in _read_counts(subject) if item[1] not in told)):
        stated = scale_number(known.shown)
        if stated is None:
            continue
        text = known.evidence.text
        other = _is_of_another(subject, text, max(text.find(known.shown), 0))
        if header is None or packed or not total or other:
            yield Claim("parameters", known.evidence.text, line, known.shown)
            continue
        fits = agrees_in_size(known.shown, total)
        yield Claim(
            "parameters",
            known.evidence.text,
            line,
            known.shown,
            "supported" if fits else "contradicted",
            (header.evidence,),
            f"The card says {known.shown!r}, the weights hold {total:,} parameters",
        )


def _prose_lines(subject: AuditSubject) -> Iterator[tuple[int, str]]:
    for passage in subject.card.passages:
        if passage.kind in ("code", "html"):
            continue
        for offset, line in enumerate(passage.text.split("\n")):
            yield passage.lines.start + offset, line[:2000]


def _judge_dimensions(subject: AuditSubject) -> Iterator[Claim]:
    for line, text in _prose_lines(subject):
        lowered = text.lower()
        for size in DIMENSIONS:
            if not any(
                mark in lowered
                for mark in (
                    "context",
                    "kontext",
                    "contexte",
                    "contexto",
                    "contesto",
                    "tokens",
                    "piece",
                    "length",
                    "vocab",
                    "hidden",
                    "layer",
                    "head",
                    "d_model",
                    "embd",
                    "position",
                )
            ):
                break
            matched = size.pattern.search(text)
            if matched is None or (
                size.kind in ("layers", "heads")
                and (_PART_BEFORE.search(text[: matched.start()]) or _PART_AFTER.match(text[matched.end() :]))
            ):
                continue
            groups = matched.groupdict()
            number = float((groups["n"] or groups.get("n2") or "0").replace(",", ""))
            if thousands := groups["k"] or groups.get("k2"):
                number *= 1000
            found = subject.gathered.find("config.json", *size.keys)
            other = _is_of_another(subject, text, matched.start())
            if found is None or not _is_size(found[0].value) or number < 2 or other:
                yield Claim(size.kind, text.strip(), line, matched[0])
                continue
            value = found[0].value
            scaled = subject.gathered.find("config.json", "rope_scaling", "rope_parameters", "alibi")
            close = abs(value - number) <= (0.03 * value if thousands or size.kind == "vocabulary" else 2)
            if not close and size.kind == "context_length" and scaled is not None:
                yield Claim(size.kind, text.strip(), line, matched[0])
                continue
            yield Claim(
                size.kind,
                text.strip(),
                line,
                matched[0],
                "supported" if close else "contradicted",
                (found[1],),
                f"The card says {matched[0]!r}, config.json says {value}",
            )


def _is_size(value: object) -> bool:
    """Whether a configuration's value is a count that can be: digits beyond a float's are none."""
    return isinstance(value, int) and 0 <= value < 10**15
