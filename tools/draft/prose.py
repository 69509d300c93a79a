"""Facts that a card's metadata lacks and its body, its tags or its code states: licence, languages, library.

Only what is said of the model itself counts: a sentence on the licence of the data or the code is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.cards.types import LineSpan
from tools.draft.gathering import Gathered, Known
from tools.draft.json_places import read_members
from tools.search.vocabulary import language_names
from tools.verification.licences import find_licences

_MOST_CHARACTERS = 1_500
_LICENSED = re.compile(
    r"\blicen[cs]ed?\b|\breleased under\b|\b(?:available|distributed|published) under\b", re.IGNORECASE
)
# The licence of something else than the model; together with it ("code and models") it counts.
_OF_OTHERS = re.compile(
    r"\b(?:data ?sets?|corpus|corpora|data|code|repository|library|images?|paper|benchmark"
    r"|(?:original|base) model)\b"
    r"|代码|数据|code source|données|datos|código",
    re.IGNORECASE,
)
_TOGETHER = re.compile(
    r"\b(?:code|data)\b\W{1,3}(?:and|&)(?: the)?(?: \w+){0,2} (?:models?|weights?|checkpoints?)\b"
    r"|\b(?:models?|weights?|checkpoints?)\b\W{1,3}(?:and|&)(?: the)?(?: \w+){0,2} (?:code|data)\b",
    re.IGNORECASE,
)
_LISTED = re.compile(
    r"(?<!source )(?<!target )\blanguages?(?:\(s\))?(?:\s*\(nlp\))?\s*[*_]*\s*[:：]", re.IGNORECASE
)
# A name, or several: "English", "English, French and Thai".
_NAMES = re.compile(r"\b[A-Z][a-z]{2,}(?:(?:, and |, | and | & )[A-Z][a-z]{2,})*\b")
_IMPORT = re.compile(
    r"^\s*(?:>>> )?(?:from|import)\s+(?P<name>transformers|diffusers|sentence_transformers|peft|timm"
    r"|flair|spacy|fairseq|espnet2?|nemo|stanza|open_clip|setfit|speechbrain|keras|fastai|allennlp"
    r"|stable_baselines3|ultralytics|adapters?)\b",
    re.MULTILINE,
)
_LIBRARIES = {"sentence_transformers": "sentence-transformers", "stable_baselines3": "stable-baselines3"}


def gather_prose(gathered: Gathered) -> None:
    """Add to topics that nothing better filled: "license", "language", "library", "dataset", "base_model"."""
    for known in (*_read_tags(gathered), *_read_licences(gathered), *_read_languages(gathered)):
        gathered.add(known)
    if not gathered.known.get("library"):
        for known in _read_libraries(gathered):
            gathered.add(known)
    if not gathered.known.get("base_model"):
        for known in _read_parents(gathered):
            gathered.add(known)


def _read_tags(gathered: Gathered) -> Iterator[Known]:
    """Tags of the Hub's forms in the record: `license:mit`, `dataset:squad`, `base_model:org/name`."""
    record = gathered.subject.record
    member = read_members(record.record_json).get("/tags")
    tags = member.value if member is not None and isinstance(member.value, list) else []
    for topic, prefix in (("license", "license:"), ("dataset", "dataset:"), ("base_model", "base_model:")):
        names = [str(tag)[len(prefix) :] for tag in tags if str(tag).lower().startswith(prefix)]
        names = [
            name for name in names if name and not re.match(r"(?:finetune|adapter|quantized|merge):", name)
        ]
        if member is None or not names or gathered.known.get(topic):
            continue
        evidence = gathered.ledger.add(
            "metadata", record.source, "record.json#/tags", member.text, record.record_sha256
        )
        yield Known(topic, ", ".join(names), "record", evidence)


def _read_licences(gathered: Gathered) -> Iterator[Known]:
    """Licences named in sentences about the model, by the words that name them."""
    known = gathered.known.get("license", [])
    if any(fact.origin in ("metadata", "record") for fact in known):
        return
    # Labelled lines ("License: MIT"); sentences are read below, for they may speak of something else.
    kept = [fact for fact in known if len(fact.shown) <= 60 and fact.shown not in _strip(fact.evidence.text)]
    gathered.known["license"] = kept
    if kept:
        return
    for number, line, titles in _list_lines(gathered):
        about = f"{' '.join(titles[-1:])} {line}" if re.search("licen", " ".join(titles[-1:]), re.I) else line
        if not _LICENSED.search(about):
            continue
        for sentence in re.split(r"(?<=[.!?])\s+", line):
            found = find_licences(sentence)
            if not found:
                continue
            first = found[0]
            before = sentence[: first.start]
            if _OF_OTHERS.search(before) and not _TOGETHER.search(before):
                continue
            name = sentence[first.start : first.end].strip()
            yield _state(gathered, "license", name, line, number)
            return


def _strip(line: str) -> tuple[str, str]:
    """A line as it stands and without its markup, as `tools.facts` shows one that has no label."""
    return line, " ".join(re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", line).strip(" *_`.").split())


def _read_languages(gathered: Gathered) -> Iterator[Known]:
    """Languages in a labelled line, or named as such: "a German language model", "in the Thai language"."""
    if gathered.known.get("language"):
        return
    for number, line, _ in _list_lines(gathered):
        if said := _find_languages(line):
            yield _state(gathered, "language", said, line, number)
            return


def _find_languages(line: str) -> str:
    """The first names of languages in `line` that are called so, as they stand there, "" for none."""
    names = language_names()
    for found in _NAMES.finditer(line):
        words = re.findall(r"[A-Z][a-z]{2,}", found[0])
        if not all(word.lower() in names for word in words) or line[: found.start()].endswith(
            ("non-", "Non-")
        ):
            continue
        before, after = line[: found.start()], line[found.end() :]
        if _LISTED.search(before) or re.match(r"[- ](?:(?:speech|text|natural)[- ])?languages?\b", after):
            return ", ".join(words)
        if re.search(r"\blanguages?(?:\s+(?:is|are))?\s*[:：]?\s*$", before):
            return ", ".join(words)
    return ""


def _read_libraries(gathered: Gathered) -> Iterator[Known]:
    """The library that the card's own code imports, or that wrote the configuration."""
    subject = gathered.subject
    for passage in subject.card.passages:
        if passage.kind != "code":
            continue
        for offset, line in enumerate(passage.text.split("\n")):
            if found := _IMPORT.match(line):
                yield _state(gathered, "library", found["name"], line.strip(), passage.lines.start + offset)
                return
    if written := gathered.find("config.json", "transformers_version"):
        yield Known("library", "transformers", "config", written[1])


def _read_parents(gathered: Gathered) -> Iterator[Known]:
    subject = gathered.subject
    for parent in subject.card.parents[:1]:
        evidence = gathered.ledger.add(
            "lineage", subject.record.source, parent.locator, parent.text, subject.card.sha256
        )
        yield Known("base_model", parent.name, "prose", evidence)


def name_library(value: str) -> str:
    """The library's name as the Hub writes it, for a module's name."""
    return _LIBRARIES.get(value, value)


def _list_lines(gathered: Gathered) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """(number, text, headings) of the body's lines that are no code and not too long to quote."""
    for passage in gathered.subject.card.passages:
        if passage.kind in ("code", "html"):
            continue
        for offset, line in enumerate(passage.text.split("\n")):
            if line.strip() and len(line) <= _MOST_CHARACTERS and "[More Information Needed]" not in line:
                yield passage.lines.start + offset, line.strip(), passage.section


def _state(gathered: Gathered, topic: str, value: str, line: str, number: int) -> Known:
    subject = gathered.subject
    locator = f"README.md#{LineSpan(number, number)}"
    evidence = gathered.ledger.add("card", subject.record.source, locator, line, subject.card.sha256)
    return Known(topic, value, "prose", evidence)
