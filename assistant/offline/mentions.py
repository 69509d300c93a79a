"""Finding the models a question names: full ids, bare names, loose spellings, "someone's Korean model".

Names are matched by their parts and by how rare those parts are in this lake, so that "gpt neox "
"20b" finds its
model and "bert" alone, which many share, names none.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from tools.catalog.records import ModelRecord, PassageRow
from tools.metrics import asked_metrics
from tools.reading import STOPWORDS, content_words, stem_word
from tools.search.constraints import read_constraints

_ID = re.compile(
    r"(?<![\w/.:@-])([A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.+-]{0,150}\w"
    r"|[A-Za-z0-9][\w.-]{0,95}/\w)"
)
_WORD = re.compile(r"[A-Za-z0-9À-ÿ]+")
_SIZE = r"(?:tiny|mini|small|base|medium|large|x+l|huge|giant|\d+(?:\.\d+)?[bBmM])"
# A token that looks like a model's name though no model of the lake has it: letters with digits or inner
# hyphens, such as "GPT-5", "Mixtral-8x7B" or "t5-base".
_NAME_LIKE = re.compile(
    r"\b(?=[\w.-]*[A-Za-z])(?:[A-Z][A-Za-z]+(?:[-_.][\w]+)*[-_.]?\d[\w.-]*|[a-z]+(?:[-_][a-z0-9.]+){2,}"
    rf"|[a-zA-Z][a-zA-Z0-9]+[-_]{_SIZE})\b"
)
_SIZE_BEHIND = re.compile(rf"[-_]({_SIZE})\b")
_NOT_A_MODEL = re.compile(
    r"^(?:rouge|bleu|f|r|top|map|acc|squad|sst|conll|cifar|imagenet|wmt|mnist|common|voice"
    r"|librispeech|arxiv|cc|apache|gpl|"
    r"agpl|lgpl|bsd|mit|llama|openrail|coco|glue|pascal|voc|xsum|cnn|dm|ms|utf|iso|v?\d+"
    r"|[ahvprt]\d+|co\d|rtx|gtx|top\d)\W*[\d.]*k?$"
    r"|-(?:of|to|the|and|in|on|for|based|tuned|trained|end|aware|specific|free|like|only|level"
    r"|friendly)\b|^(?:state|end|fine|"
    r"pre|text|image|speech|audio|video|zero|few|one|open|non|multi|cross|self|semi|un|out|up|real"
    r"|long|short|high|low|part)-",
    re.IGNORECASE,
)
_THE_MODEL = re.compile(r"\bthe ((?=\w*[A-Z])[A-Za-z]\w*) models?\b")
_MAX_PASSAGES = 20_000  # enough of a sample to know the ordinary words
_MANY_AUTHORS = 3  # whose cards use a word in lower case: then it is a word before it is a name
MentionKind = Literal["exact", "bare", "loose", "author", "family", "unknown"]


@dataclass(frozen=True, slots=True)
class Mention:
    """A model named in a question. For `unknown`, `model` is the name as written: the lake has no such model.

    A `family` is no model either, but part of the names of some.

    `also` are other models the same words could mean, most downloaded first.
    """

    model: str
    words: str
    start: int
    kind: MentionKind
    also: tuple[str, ...] = ()


class MentionIndex:
    """Names of a lake's models, ready to be found in questions."""

    def __init__(self, records: Iterable[ModelRecord], passages: Iterable[PassageRow] = ()) -> None:
        """`passages` show which words are ordinary: a part that other models' cards use is no name."""
        self._records = {record.model: record for record in records}
        self._by_folded = {model.lower(): model for model in self._records}
        self._by_joined: dict[str, list[str]] = defaultdict(list)
        self._by_author: dict[str, list[str]] = defaultdict(list)
        part_count: Counter[str] = Counter()
        for model in self._records:
            author, _, name = model.rpartition("/")
            self._by_joined[_join(name)].append(model)
            if author:
                self._by_author[author.lower()].append(model)
            part_count.update(set(name_parts(name)))
        self._part_count = part_count
        self._datasets = {name.lower() for record in self._records.values() for name in record.datasets}
        self._by_coined = self._find_coined(islice(passages, _MAX_PASSAGES))
        for found in (*self._by_joined.values(), *self._by_author.values()):
            found.sort(key=self._popularity)

    def find(self, question: str) -> list[Mention]:
        """Mentions in the order they stand, none overlapping another."""
        taken: list[tuple[int, int]] = []
        mentions: list[Mention] = []

        def take(mention: Mention, end: int) -> None:
            if not any(start < end and mention.start < stop for start, stop in taken):
                taken.append((mention.start, end))
                mentions.append(mention)

        for found in _ID.finditer(question):
            written = found[1].rstrip(".")
            bare = written.partition("@")[0]
            model = self._by_folded.get(bare.lower())
            if model:
                take(Mention(model, written, found.start(), "exact"), found.end())
            elif self._looks_like_id(bare) and bare.lower() not in self._datasets:
                take(Mention(bare, written, found.start(), "unknown"), found.end())
        for start, end, models in self._joined_windows(question):
            also = tuple(models[1:])
            take(Mention(models[0], question[start:end], start, "bare", also), end)
        for mention, end in self._by_authors(question):
            take(mention, end)
        for mention, end in self._rare_parts(question):
            take(mention, end)
        if not mentions:
            for found in _NAME_LIKE.finditer(question):
                # "YOLOv8" is a family when models of the lake carry it in their names.
                pattern = re.compile(rf"{re.escape(_join(found[0]))}(?!\d)")
                if _NOT_A_MODEL.search(found[0]):
                    continue
                family = any(pattern.search(joined) for joined in self._by_joined)
                kind: MentionKind = "family" if family else "unknown"
                take(Mention(found[0], found[0], found.start(), kind), found.end())
            for found in _THE_MODEL.finditer(question):
                # "the BERT model", where several carry the name and none has it alone
                called = sorted(
                    (model for model in self._records if found[1].lower() in name_parts(model)),
                    key=self._popularity,
                )
                if len(called) > 1 and not read_constraints(found[1]):
                    also = tuple(called[:3])
                    take(Mention(found[1], found[1], found.start(1), "family", also), found.end(1))
        return _merge_authors(sorted(mentions, key=lambda mention: mention.start))

    def find_author(self, question: str) -> str:
        """The author of this lake after a "by": "list the models by someone"; "" when there is none."""
        pattern = (
            r"\b(?:by|authors?|organi[sz]ation)\s+@?(?P<by>[\w-]+)"
            r"|\b(?:did|does|has)\s+@?(?P<did>[\w-]+)\s+(?:publish|release|upload|make|made|train|built?|offer)"
        )
        for found in re.finditer(pattern, question, re.IGNORECASE):
            name = found["by"] or found["did"]
            models = self._by_author.get(name.lower())
            if models and name.lower() not in STOPWORDS:
                return models[0].partition("/")[0]
        return ""

    def nearest(self, name: str, limit: int = 3) -> list[str]:
        """Ids of the lake that look most like `name`."""
        import difflib

        wanted = _join(name.rpartition("/")[2])
        joined = difflib.get_close_matches(wanted, list(self._by_joined), n=limit, cutoff=0.6)
        near = [self._by_joined[key][0] for key in joined]
        parts = set(name_parts(name))
        scored = sorted(
            (
                (sum(1 / max(1, self._part_count[part]) for part in parts & set(name_parts(model))), model)
                for model in self._records
            ),
            reverse=True,
        )
        near += [model for score, model in scored[:limit] if score >= 0.1]
        return list(dict.fromkeys(near))[:limit]

    def siblings(self, model: str) -> list[str]:
        """Models of the same author, those whose names share most with this one's first."""
        own = set(name_parts(model))
        author = model.rpartition("/")[0].lower()
        others = [m for m in self._by_author.get(author, ()) if m != model] if author else []
        others += [m for m in self.nearest(model, 8) if m != model and m not in others]
        return sorted(others, key=lambda m: -len(own & set(name_parts(m))) / len(own | set(name_parts(m))))

    def _find_coined(self, passages: Iterable[PassageRow]) -> dict[str, list[str]]:
        """Words of names that are coined, not descriptive: no card's summary uses them in lower case."""
        described: set[str] = set()
        authors: dict[str, set[str]] = defaultdict(set)
        for record in self._records.values():
            own = {stem_word(part) for part in name_parts(record.model)}
            described.update(stem_word(word) for word in re.findall(r"\b[a-z]{4,}\b", record.summary))
            told = _words(f"{record.summary} {record.title} {record.task or ''}")
            described.update(stem for word in told if (stem := stem_word(word)) not in own)
        for passage in passages:
            if passage.kind in ("prose", "list"):
                folded = passage.owner.lower()
                words = set(re.findall(r"(?<![\w./`-])[a-z]{4,}(?![\w/`-])", passage.text))
                foreign = {stem_word(word) for word in words if word not in folded}
                described.update(foreign)
                for stem in foreign:
                    authors[stem].add(folded.partition("/")[0])
        self._ordinary = {stem for stem, found in authors.items() if len(found) >= _MANY_AUTHORS}
        coined: dict[str, list[str]] = defaultdict(list)
        for model in sorted(self._records, key=self._popularity):
            # A coined name stands first ("riffusion-model"); what follows describes, or names a version.
            author, _, name = model.rpartition("/")
            for part in dict.fromkeys([*name_parts(author)[:1], *name_parts(name)[:1]]):
                plain = (
                    part.isdigit() or stem_word(part) in described or part in STOPWORDS or asked_metrics(part)
                )
                if len(part) >= 5 and not plain:
                    coined[part].append(model)
        return coined

    def _popularity(self, model: str) -> tuple[int, str]:
        return (-(self._records[model].downloads or 0), model)

    def _looks_like_id(self, name: str) -> bool:
        """`and/or`, `yes/no`, `24/7` are not ids; a known author, a digit or a hyphen makes one."""
        author, _, rest = name.partition("/")
        if author.lower() in self._by_author:
            return True
        return bool(re.search(r"[A-Za-z]", rest) and re.search(r"\d|[-_.]", rest) and len(rest) > 3)

    def _joined_windows(self, question: str) -> list[tuple[int, int, list[str]]]:
        """Windows of words that, run together, are the bare name of a model; longest first."""
        words = list(_WORD.finditer(question))
        found = []
        for length in range(min(14, len(words)), 0, -1):
            for at in range(len(words) - length + 1):
                start, end = words[at].start(), words[at + length - 1].end()
                text = question[start:end]
                joined = _join(text)
                if len(joined) < 4 or joined not in self._by_joined or "\n" in text:
                    continue
                if re.search(r"[,;!?()\"]", text) or _inside_a_name(question, start, end):
                    continue
                plain = length == 1 and text.isalpha() and self._is_plain_word(text)
                if not plain:
                    found.append((start, end, self._by_joined[joined]))
        return found

    def _is_plain_word(self, word: str) -> bool:
        """A name that is also an everyday word of these cards only counts when written with its author."""
        if word.lower() in STOPWORDS:
            return True
        return word.islower() and (self._part_count[word] > 3 or stem_word(word) in self._ordinary)

    def _by_authors(self, question: str) -> list[tuple[Mention, int]]:
        """ "kresnik's Korean wav2vec2", "the punctuation model by felflare"."""
        found = []
        lowered = question.lower()
        for author, models in self._by_author.items():
            if author not in lowered:
                continue
            pattern = rf"(?<![\w/-]){re.escape(author)}(?![\w/-])(?P<own>['’]s?(?= |$))?"
            for match in re.finditer(pattern, question, re.IGNORECASE):
                by = re.search(r"\b(?:by|from|of)\s+$", question[: match.start()], re.IGNORECASE)
                if author in STOPWORDS and not (match["own"] or by):
                    continue
                if author.isalpha() and len(author) < 4 and not match["own"]:
                    continue
                # "CLIPs" are models; an author who is called so is written as they write themselves.
                written = {model.partition("/")[0] for model in models}
                if author.isalpha() and not (match["own"] or by) and match[0] not in written:
                    continue
                best = self._best_by_words(models, question, drop=author)
                if best is None:
                    continue
                found.append((Mention(best, match[0], match.start(), "author"), match.end()))
        return found

    def _best_by_words(self, models: Sequence[str], question: str, *, drop: str) -> str | None:
        """The model of `models` whose name, title or summary the question describes best."""
        if len(models) == 1:
            return models[0]
        asked = set(content_words(question, drop=[drop]))
        scored = []
        for model in models:
            record = self._records[model]
            name = {stem_word(part) for part in name_parts(model)}
            about = set(content_words(f"{record.title} {record.summary} {record.task or ''}"))
            score = 2.0 * len(asked & name) + 1.0 * len(asked & (about - name))
            scored.append((score, -self._popularity(model)[0], model))
        scored.sort(reverse=True)
        return scored[0][2] if scored[0][0] > 0 else None

    def _rare_parts(self, question: str) -> list[tuple[Mention, int]]:
        """One word that only one family of names in the lake has, e.g. "riffusion"."""
        found = []
        for word in _WORD.finditer(question):
            text = word[0].lower()
            models = self._by_coined.get(text, [])
            if size := _SIZE_BEHIND.match(question, word.end()):
                # "zephyrine-13b" is not the 7b that the lake holds.
                models = [model for model in models if size[1].lower() in name_parts(model)]
            if _inside_a_name(question, word.start(), word.end()):
                continue
            if models and len(models) <= 4:
                best = self._best_by_words(models, question, drop=text) or models[0]
                also = tuple(model for model in models if model != best)
                found.append((Mention(best, word[0], word.start(), "loose", also), word.end()))
        return found


def _inside_a_name(question: str, start: int, end: int) -> bool:
    """Whether the words are part of a longer hyphenated name: "t5" of "flan-t5"."""
    return question[max(0, start - 1) : start] in ("-", "_", "/") or question[end : end + 1] in ("_", "/")


def _merge_authors(mentions: list[Mention]) -> list[Mention]:
    """ "deepset's roberta base squad2" is one model: the author chooses among those that share the name."""
    authors = {m.model.partition("/")[0].lower() for m in mentions if m.kind == "author"}
    merged = []
    for mention in mentions:
        if mention.kind in ("bare", "loose") and mention.also and authors:
            choices = (mention.model, *mention.also)
            chosen = next((c for c in choices if c.partition("/")[0].lower() in authors), None)
            if chosen:
                mention = replace(mention, model=chosen, also=())
        merged.append(mention)
    named = {m.model.partition("/")[0].lower() for m in merged if m.kind in ("exact", "bare", "loose")}
    return [m for m in merged if m.kind != "author" or m.model.partition("/")[0].lower() not in named]


def name_parts(name: str) -> list[str]:
    """ "wav2vec2-large-xlsr_53" -> wav2vec2, large, xlsr, 53 (lower case)."""
    return [part.lower() for part in re.split(r"[^A-Za-z0-9]+", name) if part]


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]{4,}", text.lower())


def _join(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", name.lower())
