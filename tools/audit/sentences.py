"""Sentences of a card's body that say something of the model itself: its licence, language, training data.

`tools.facts` reads what a card says once and plainly; an audit reads every sentence, since one of them may
contradict the others. What is said of data, code, papers or other models is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.audit.subject import AuditSubject
from tools.audit.values import find_languages, find_licence_names
from tools.cards.metrics import KNOWN_DATASET
from tools.draft.gathering import Known
from tools.search.vocabulary import language_names

_MOST_CHARACTERS = 1_500
_MARKUP = re.compile(r"[*_`]+|\[(?=[^\]]*\]\()|\]\([^)]*\)|<[^>]{0,200}>")
_LICENCE_WORD = r"(?:licen[cs]e|lizenz|licencia|licenza|licença|licentie|лицензия)"
_LICENCE_LABEL = re.compile(
    rf"^[\W_]*(?:the )?(?:(?:model|weights?)(?:'s)? )?{_LICENCE_WORD}(?:\(s\)|s)?"
    r"(?: (?:type|info|information|name|of the model))?"
    r"\s*(?:[:：|=]|[-–—]\s|\bis\b)",
    re.IGNORECASE,
)
_SELF = (
    r"(?:(?:this|the|our|these|all) (?:pre-?trained |fine-?tuned |released |final |trained )?"
    r"(?:models?|weights?|checkpoints?|adapters?|model weights|model checkpoints?|project|work)|model weights"
    r"|weights|use of (?:the|this) model|use|usage"
    r"|(?:everything|all (?:files|contents?|of it)|the contents?|the files) (?:in|of) (?:this|the)"
    r" (?:repo(?:sitory)?|project)"
    r"|this repo(?:sitory)?"
    r"|(?:das|dieses) modell|die gewichte|(?:ce|le) modèle|(?:este|el) modelo|(?:questo|il) modello)"
)
_RELEASED = re.compile(
    rf"\b(?:(?:we|i) (?:release|publish|share|distribute|licen[cs]e|provide|make)\b.{{0,60}}\b"
    r"(?:models?|weights?|checkpoints?|it|them)\b.{0,60}\b(?:under|with)\b"
    rf"|{_SELF}\b.{{0,80}}\b(?:licen[cs]ed?|released|available|distributed|published|shared|provided|covered"
    r"|governed|subject to|open[- ]sourced|public domain|lizenziert|lizenz|licence"
    r"|licencia|licenza|unter|sous|bajo|sotto|under)\b"
    r"|^\W*(?:it is |is )?(?:licen[cs]ed|released|distributed|published) under\b)",
    re.IGNORECASE,
)
_TITLE = re.compile(rf"\b{_LICENCE_WORD}\b|\blicensing\b", re.IGNORECASE)
_LANGUAGE_LABEL = re.compile(
    r"^[\W_]*(?:(?:model|supported|target|input) )?(?:languages?|sprachen?|langues?|idiomas?|lingu[ae])"
    r"(?:\(s\))?(?:\s*\(nlp\))?\s*[:：|=]",
    re.IGNORECASE,
)
_NAME = r"(?P<name>[A-Z][a-z]{3,})"
_LANGUAGE_SAID = (
    re.compile(rf"\blanguages? of (?:this|the) (?:model|training data) (?:is|are) {_NAME}"),
    re.compile(
        rf"\b[Mm]odels? (?:is|was|has been) (?:(?:pre-?|fine-?)?trained|built|made) "
        rf"(?:only |exclusively |solely |purely )?(?:on|for|with) {_NAME}"
        r"(?:[- ](?:language|only|texts?|data|sentences|speech|audio|documents|corpora|tweets|news|reviews"
        r"|recordings|posts|books|articles|comments|poems|songs|Wikipedia)\b| only\b)"
    ),
    re.compile(
        rf"\b(?:[Mm]odel|[Ii]t) (?:only |exclusively |can only |is only able to )?"
        r"(?:supports?|understands?|speaks?|handles?|reads?|covers?|works? (?:on|with|for|in)"
        r"|is (?:limited|restricted) to|was (?:made|built|trained) (?:for|on)) "
        rf"(?:only |exclusively |solely )?{_NAME}"
        r"(?: (?:only|text|texts|input|inputs|speech|language)\b|\s*[.,;]|$)"
    ),
    re.compile(
        rf"\b[Oo]nly {_NAME} (?:is|input is|text is|texts are|speech is) (?:supported|understood|accepted)"
    ),
    re.compile(rf"\b{_NAME} is the only (?:supported )?language"),
    re.compile(
        rf"\b(?:[Tt]his|[Ii]t) is an? (?:monolingual )?{_NAME}(?:(?:-| )language|-only)? (?:\w+ )?model\b"
    ),
    re.compile(
        rf"^\W*(?:An? )?[Mm]odel for {_NAME} (?:text|speech|sentence|language|question|named|document)"
    ),
    re.compile(rf"^\W*[Tt]rained (?:only|exclusively|solely|purely) on {_NAME}\b"),
    re.compile(rf"\b[Tt]raining (?:data|texts?|set|corpus) (?:is|are|was|were) (?:only |all )?in {_NAME}\b"),
)
# What speakers call their languages, for cards that are not in English.
_OWN_NAMES = {
    "deutsch": "German", "englisch": "English", "französisch": "French", "spanisch": "Spanish",
    "français": "French", "anglais": "English", "allemand": "German", "espagnol": "Spanish",
    "español": "Spanish", "inglés": "English", "francés": "French", "alemán": "German",
    "italiano": "Italian", "inglese": "English", "português": "Portuguese", "inglês": "English",
    "nederlands": "Dutch", "русский": "Russian", "polski": "Polish", "türkçe": "Turkish",
}  # fmt: skip
_TRAINED = re.compile(
    r"(?:(?<!pre-)(?<!pre )\b(?:fine-?\s?tuned|trained|adapted|fine-?\s?tuning|training)\b"
    r"[^.!?]{0,60}?\b(?:on|with|from|using)\b"
    r"|^[\W_]*(?:training |fine-?tuning )?data ?sets?(?: used)?\s*[:：|]|^[\W_]*training data\s*[:：|]"
    r"|\btraining (?:set|data|corpus) (?:is|was)\b)"
    r"(?P<rest>.{0,300})",
    re.IGNORECASE,
)
_TUNED = re.compile(
    r"(?:(?<!pre-)(?<!pre )\b(?:fine-?\s?tuned|trained|fine-?\s?tuning)\b(?: \w+){0,3} (?:on|with|using)\b"
    r"|\b(?:training|tuning) (?:only |exclusively |solely )?(?:used|uses|employed|relied on"
    r"|was done (?:on|with)|ran on|drew on|is based on|took place on|consisted of)\b"
    r"|\btraining (?:set|data|corpus) (?:is|was|comes from|came from|consists of)\b)"
    r"(?P<rest>.{0,90})",
    re.IGNORECASE,
)
_USED = re.compile(
    r"\b(?:used|using|uses|took)\b(?P<rest>[^.;!?]{0,90}?)"
    r"\b(?:for|in|to|during) (?:the )?(?:fine-?\s?)?(?:train|tun)",
    re.IGNORECASE,
)
_TESTED = re.compile(r"\b(?:evaluat|test|benchmark|result|performance)", re.IGNORECASE)
_TRAIN = re.compile(r"\btrain|\bfine-?\s?tun", re.IGNORECASE)
_DATASET_ID = re.compile(
    r"huggingface\.co/datasets/(?P<link>[\w.-]+(?:/[\w.-]+)?)|`(?P<code>[\w.-]+/[\w.-]+)`"
    r"|(?<![\w/.@:~%-])(?P<bare>[A-Za-z][\w.-]*/[A-Za-z][\w.-]*[a-z0-9])(?![\w/])"
)


def list_lines(subject: AuditSubject) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """(number, text, headings) of the lines of the body that are no code."""
    for passage in subject.card.passages:
        if passage.kind in ("code", "html"):
            continue
        for offset, line in enumerate(passage.text.split("\n")):
            if line.strip() and len(line) <= _MOST_CHARACTERS:
                yield passage.lines.start + offset, line.strip(), passage.section


def _list_headings(subject: AuditSubject) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    for section in subject.card.sections:
        if section.level and len(section.title) <= _MOST_CHARACTERS:
            yield section.lines.start, section.title, section.path


def read_licences(subject: AuditSubject) -> Iterator[tuple[Known, int]]:
    """Sentences that put the model under a licence, each with its line."""
    for number, line, titles in (*_list_headings(subject), *list_lines(subject)):
        plain = _MARKUP.sub("", line)
        titled = bool(titles) and bool(_TITLE.search(titles[-1]))
        if _LICENCE_LABEL.match(plain):
            said = re.split(r"[:：|=]|[-–—]\s|\bis\b", plain.strip(" |"), maxsplit=1)[-1]
            if find_licence_names(said):
                yield _state(subject, "license", said.strip(" |"), line, number), number
            continue
        for sentence in re.split(r"(?<=[.!?])\s+", plain):
            words = len(sentence.split())
            short = words <= 4 and (titled or (words <= 3 and bool(_TITLE.search(sentence))))
            if (short or _RELEASED.search(sentence)) and find_licence_names(sentence):
                yield _state(subject, "license", sentence, line, number), number


def read_languages(subject: AuditSubject) -> Iterator[tuple[Known, int]]:
    """Sentences that say which language the model is of, each with its line."""
    names = language_names()
    for number, line, _ in list_lines(subject):
        plain = _MARKUP.sub("", line)
        if _LANGUAGE_LABEL.match(plain):
            said = re.split(r"[:：|=]", plain.strip(" |"), maxsplit=1)[-1].strip(" |")
            said = _OWN_NAMES.get(said.strip(" .*_").lower(), said)
            if find_languages(said):
                yield _state(subject, "language", said, line, number), number
            continue
        for pattern in _LANGUAGE_SAID:
            if (found := pattern.search(plain)) and found["name"].lower() in names:
                yield _state(subject, "language", found["name"], line, number), number
                break


def read_datasets(subject: AuditSubject) -> Iterator[tuple[Known, int]]:
    """Datasets that a sentence says the model was trained on, by their ids, each with its line."""
    parents = {parent.name.lower() for parent in subject.card.parents}
    for number, line, titles in list_lines(subject):
        of_tests = bool(titles) and _TESTED.search(titles[-1]) and not _TRAIN.search(titles[-1])
        if of_tests and (_TESTED.search(line) or not _TRAIN.search(line)):
            continue
        for found in (*_TUNED.finditer(line), *_USED.finditer(line)):
            clause = re.split(r"[.;!?](?:\s|$)", found["rest"])[0]
            for name in KNOWN_DATASET.finditer(re.sub(r"\]\([^)]*\)", "]", clause)):
                yield _state(subject, "dataset", name[0], line, number), number
        for found in _TRAINED.finditer(line):
            for name in _DATASET_ID.finditer(found["rest"]):
                said = name["link"] or name["code"] or name["bare"]
                near = found["rest"][max(0, name.start() - 24) : name.end() + 20].lower()
                plain = bool(name["code"]) and not re.search(r"model|checkpoint|base", near)
                if said.lower() not in parents and (name["link"] or plain or "dataset" in near[24:]):
                    yield _state(subject, "dataset", said, line, number), number


def _state(subject: AuditSubject, topic: str, value: str, line: str, number: int) -> Known:
    evidence = subject.ledger.add(
        "card", subject.record.source, f"README.md#L{number}", line, subject.card.sha256
    )
    return Known(topic, value.strip(" *_`"), "prose", evidence)
