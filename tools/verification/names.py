"""Model ids in an answer: which are known, which stand in no source, and whose documentation is meant."""

from __future__ import annotations

import re
from collections.abc import Collection

from tools.evidence import LAKE_SOURCE, Evidence, EvidenceLedger
from tools.metrics import METRICS
from tools.search.vocabulary import language_names, task_names
from tools.verification.needs import read_need
from tools.verification.passages import read_passage
from tools.verification.readings import Reading, read_text
from tools.verification.talk import MASK
from tools.verification.words import alternatives

_ID = re.compile(
    r"(?<![\w./@:])(?P<id>[A-Za-z0-9][\w.\-]*/[A-Za-z0-9][\w.\-]*[A-Za-z0-9+])(?:@[\w.\-]+)?(?![\w/])"
)
_PAPER = re.compile(r"(?<![\w:])arxiv:[\w.\-/]*\w", re.IGNORECASE)
_LOOKS_LIKE_ID = re.compile(r"\d|[A-Z]|-|_|\.")
_HOW_MUCH = re.compile(
    r"\bhow (?:(?P<long>long)|many|much|often|large|big)\b|\bthe number of\b", re.IGNORECASE
)
_PLACEHOLDER = re.compile(r"more information needed|\bto ?do\b|\bunknown\b|\bn/?a\b|\bnot\b", re.IGNORECASE)
_FIELDS: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("licence", re.compile(r"\blicen[cs]e", re.I), "license"),
    ("number of downloads", re.compile(r"\bdownload", re.I), "downloads"),
    ("number of likes", re.compile(r"\blikes\b", re.I), "likes"),
    ("language", re.compile(r"\blanguages?\b(?! model)", re.I), "language"),
    ("dataset", re.compile(r"\bdata ?sets?\b", re.I), "datasets"),
    ("base model", re.compile(r"\bbase model\b", re.I), "base_model"),
    ("task", re.compile(r"\bpipeline tag\b|\btask\b", re.I), "pipeline_tag"),
    ("library", re.compile(r"\blibrary\b", re.I), "library_name"),
)


class Names:
    """The model ids that may be named: those of the lake, those of the evidence, and what the user named."""

    def __init__(self, ledger: EvidenceLedger, known: Collection[str], allowed: Collection[str]) -> None:
        self._ledger = ledger
        sources = {item.model for item in ledger if item.source != LAKE_SOURCE}
        self._known = {name.lower(): name for name in [*known, *sources]}
        self._lake = {name.lower(): name for name in known}
        self._allowed = " ".join(allowed).lower()
        # A bare name stands for its model where it cannot be taken for a plain word.
        self._bare: dict[str, str] = {}
        tasks = frozenset(task_names())
        for low, name in sorted(self._known.items()):
            bare = low.rpartition("/")[2]
            if bare in tasks and bare != low:
                continue  # "voice-activity-detection" says what a model does, whoever called one so
            if (
                (len(bare) > 4 or (bare == low and len(bare) > 2))
                and re.search(r"[-_\d]", bare)
                and (bare not in self._known or bare == low)
            ):
                # The same bare name of two owners names neither.
                self._bare[bare] = "" if bare in self._bare else name
        # Dumps hold ids that no Hub would give: "load('org/name')".
        self._odd = [low for low in self._known if re.search(r"[^\w./@-]", low)]
        self._texts: list[str] | None = None

    def ids(self, reading: Reading) -> list[tuple[str, int, int]]:
        """(id as written without revision, start, end) in the folded text, known bare names resolved."""
        text = reading.folded.text
        found = []
        for match in _ID.finditer(text):
            name = match["id"]
            if name.lower() in self._known or _LOOKS_LIKE_ID.search(name):
                found.append((self._known.get(name.lower(), name), match.start(), match.end()))
        for match in _PAPER.finditer(text):
            # A paper of the evidence by its id; the digits in it count nothing.
            if match[0].lower() in self._known:
                found = [f for f in found if not match.start() <= f[1] < match.end()]
                found.append((self._known[match[0].lower()], match.start(), match.end()))
        for match in re.finditer(r"(?<![\w/.\-@])[A-Za-z0-9][\w.\-]*[A-Za-z0-9](?![\w/\-])", text):
            low = match[0].lower()
            if self._bare.get(low) and not any(s <= match.start() < e for _, s, e in found):
                found.append((self._bare[low], match.start(), match.end()))
        for odd in self._odd:
            if (at := text.lower().find(odd)) >= 0:
                found = [f for f in found if not at <= f[1] < at + len(odd)]
                found.append((self._known[odd], at, at + len(odd)))
        return sorted(found, key=lambda item: item[1])

    def spans(self, reading: Reading) -> list[tuple[int, int]]:
        """Spans of ids that are known."""
        return [(start, end) for name, start, end in self.ids(reading) if name.lower() in self._known]

    def known_in(self, reading: Reading) -> list[str]:
        """Ids of the lake (or of the evidence, when the lake's are not given) that a text names."""
        lake = self._lake or self._known
        return [name for name, _, _ in self.ids(reading) if name.lower() in lake]

    def unknown_ids(self, reading: Reading) -> list[str]:
        """Ids that stand neither in the lake nor in any evidence nor in what the user said."""
        return [
            name
            for name, _, _ in self.ids(reading)
            if name.lower() not in self._known and not self.is_mentioned(name)
        ]

    def unknown_spans(self, reading: Reading) -> list[tuple[int, int]]:
        return [(s, e) for name, s, e in self.ids(reading) if name.lower() not in self._known]

    def is_mentioned(self, text: str) -> bool:
        """Whether a text stands in some evidence or in what the user said, as written but for case."""
        if self._texts is None:
            self._texts = [item.text.lower() for item in self._ledger]
        wanted = re.compile(rf"(?<!\w){re.escape(text.lower())}(?!\w)")
        return any(wanted.search(known) for known in [self._allowed, *self._texts])

    def is_known(self, name: str) -> bool:
        return name.lower() in self._known

    def is_model(self, name: str) -> bool:
        """Whether what looks like an id is one: known, built like one, or linked or quoted as one."""
        if self.is_known(name) or re.search(r"[\d_]|-.*-", name):
            return True
        if self._texts is None:
            self._texts = [item.text.lower() for item in self._ledger]
        linked = re.compile(rf"(?:huggingface\.co/|[`\[\"'(]){re.escape(name.lower())}(?![\w-])")
        return any(linked.search(text) for text in self._texts)

    def contradiction(self, reading: Reading, ledger: EvidenceLedger, subjects: Collection[str] = ()) -> str:
        """For "X does not state its licence": the evidence of X that does; "" when there is none.

        Where X is not named it is one of `subjects` (lower case), else the only model of the evidence.
        """
        models = {name.lower() for name, _, _ in self.ids(reading)} or set(subjects)
        models = models or {item.model.lower() for item in ledger}
        if not models or (len(models) > 1 and not self.ids(reading) and not subjects):
            return ""
        text = reading.folded.text
        if re.search(r"\b(?:other|another|further|additional|more)\b", text, re.IGNORECASE):
            return ""  # what is not stated is something besides what is
        wanted_metrics = {name for name, _, _ in reading.metrics}
        unnamed = text
        for _, start, end in self.ids(reading):
            unnamed = unnamed[:start] + MASK * (end - start) + unnamed[end:]
        fields = [(label, key) for label, pattern, key in _FIELDS if pattern.search(unnamed)]
        for item in ledger:
            if item.model.lower() not in models:
                continue
            for label, key in fields:
                if item.locator.endswith(f"/{key}") and re.search(r"[:\s]\s*\S", item.text.partition(":")[2]):
                    return f"{item.id} states the {label}"
            if item.locator.endswith("/language") and (spoken := _languages(text) & _languages(item.text)):
                return f"{item.id} lists {', '.join(sorted(spoken))}"
            if wanted_metrics and states_metric(item, wanted_metrics, text):
                return f"{item.id} states {', '.join(sorted(wanted_metrics))}"
            if not wanted_metrics and not fields and speaks_of(item, self._topic(reading), text):
                return f"{item.id} speaks of it"
        return ""

    def _topic(self, reading: Reading) -> frozenset[str]:
        """Stems of what a denial is about: all its words but ids, documents and what documents do."""
        need = read_need(reading, [(start, end) for _, start, end in self.ids(reading)])
        saying = re.compile(rf"{alternatives('absence', 'says')}|{alternatives('absence', 'said')}")
        return frozenset(
            word.stem for word in (*need.names, *need.words) if not saying.fullmatch(word.low)
        ) - {"long"}


def _languages(text: str) -> set[str]:
    """Codes of the languages a text names, in words or as the entries of a list."""
    listed = re.findall(r"^\s*-\s*[\"']?([a-z]{2,3})\b", text, re.MULTILINE)
    words = [*listed, *(word.low for word in read_text(text).words if len(word.low) > 3)]
    return {code for word in words if (code := language_names().get(word))}


def speaks_of(item: Evidence, topic: Collection[str], asked: str) -> bool:
    """Whether a sentence of a card holds all words of a topic; of one word, with the number asked for."""
    wanted = _HOW_MUCH.search(asked)
    if not topic or (len(topic) < 2 and not wanted) or item.kind not in ("card", "paper"):
        return False
    for unit in read_passage(item).units:
        if unit.text.lstrip().startswith("#") or _PLACEHOLDER.search(unit.text):
            continue
        timed = wanted is None or wanted["long"] is None
        numbers = [number for number in unit.reading.numbers if timed or number.kind in ("time", "months")]
        if set(topic) <= unit.reading.stems and (not wanted or numbers):
            return True
    return False


def states_metric(item: Evidence, metrics: Collection[str], asked: str) -> bool:
    """Whether one unit of the evidence gives a number for one of the metrics, on what was asked for."""
    datasets = {
        word.stem
        for word in read_text(asked).words
        if word.is_name and not any(m.pattern.search(word.text) for m in METRICS)
    }
    passage = read_passage(item)
    datasets -= passage.about.stems
    for unit in passage.units:
        here = {name for name, _, _ in (*unit.reading.metrics, *unit.around.metrics)}
        if (
            here & set(metrics)
            and unit.reading.numbers
            and datasets <= (unit.reading.stems | unit.around.stems)
        ):
            return True
    return False


_GOES_ON = re.compile(r"\s*(?:\d|is\b|has\b|reach\w*|achiev\w*|gets?\b|needs?\b|uses?\b|with\s+\d)")
_AS_OBJECT = re.compile(
    r"\b(?:of|from|on|upon|with|to|by|than|like|base(?:_| )model\W*|using|unlike|initiali[sz]ed)\W*"
    r"(?:the |a |an )?(?:\w+/)?$"
)


def is_subject(name: str, unit: Reading) -> bool:
    """Whether a unit speaks of `name`, and not of what is made from it or compared to it."""
    text = unit.folded.lower
    bare = name.lower().rpartition("/")[2]
    for wanted in {name.lower(), bare, bare.replace("-", " "), bare.replace("_", " ")}:
        for match in re.finditer(rf"(?<![\w/]){re.escape(wanted)}(?![\w])", text):
            before = text[: match.start()]
            after = text[match.end() :]
            if re.search(r"(?:\band|,|;|\bwhile)\s*$", before) and _GOES_ON.match(after):
                return True
            early = len(before.split()) <= max(3, len(text.split()) // 3)
            if early and not _AS_OBJECT.search(before):
                return True
    return False
