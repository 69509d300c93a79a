"""Sentences that say what a model was made from: "a fine-tuned version of X", "distilled from X", …

Precision first: a cue counts only when a name stands right after (or before) it, in a clause that is about
this model and not about another, about data, or about what it is compared with.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tools.cards.markup import strip_markup
from tools.cards.model_names import NamedModel, name_pattern, read_name, same_model
from tools.cards.parent_cues import CUE_WORDS, Cue, list_cues

_MAX_SENTENCE = 1_000
FAMILY_ONLY = 0.4  # "based on the BERT model": perhaps only its architecture
_SENTENCE_END = re.compile(
    r"[.!?。](?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bvs\.)(?<!\bcf\.)[\"')\]*_]{0,3}(?=\s)"
    r"|\n(?:(?=\s*(?:[-*+#>]|\d+[.)])\s)|[ \t\r]*\n)"
)
# After the name: what makes it an architecture, a library, a paper or data instead of a parent.
_NOT_AFTER = re.compile(
    r"^[`*_\"'’]{0,3}(?:\s*\([^()]{0,60}\))?\s*(?:[\w-]+\s+){0,2}?(?:architectures?"
    r"|librar(?:y|ies)|framework|toolkit|paper|datasets?|data\b|corpus|corpora"
    r"|benchmark|"
    r"implementation|tokeni[sz]er|vocabulary|scripts?|code|codebase|repo(?:sitory"
    r")?|notebook|approach|method|recipe|blocks?|layers?|"
    r"transcripts?|tasks?\b|test set|dev set|training set|splits?|optimi[sz]er"
    r"|objective|loss|style|cards?\b|-like|-style|family of architectures|design"
    r")",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    r"\b(?:not|n't|never|unlike|compared?|comparison|contrast|rather than|instead"
    r"|whereas|than|baselines?|inspired|"
    r"same (?:architecture|recipe|design|data)|competitive with|outperforms?|similar to"
    r"|like|against|alternative|analogous|"
    r"as opposed to|different(?:ly)? from|independent|could|would|should|can|may"
    r"|might|if you|want to|see|check out|please|other|others|"
    r"several|community|for example|e\.g\.|such as|how to|you|your|to be|available (?:at|here)|without)\b",
    re.IGNORECASE,
)
_RESTART = re.compile(
    r"[,;:—–]\s*(?:this|it|our|we|the|these)\s+(?:model|version|checkpoint|one"
    r"|network|is|was|has|weights|encoder)?",
    re.IGNORECASE,
)
_FOREIGN_SUBJECT = re.compile(
    r"\b(?:data ?sets?|corpus|corpora|labels?|licen[cs]e|tokeni[sz]ers?|vocabulary"
    r"|scripts?|code|implementation|evaluation|predictions?|"
    r"scores?|results?|summar(?:y|ies)|questions?|annotations?|captions|benchmark"
    r"|learning rate|training data|images|sentences|prompts?|"
    r"library|repository|notebook|cards?|metrics?|reports?|answers?|examples?|documents?"
    r"|pages?|demo|app|paper|article|texts?|noise|embeddings? were)"
    r"\b[^,;]{0,60}$",
    re.IGNORECASE,
)
_BEFORE_REVERSE = re.compile(
    r"\b(?:of|from)\s+(?:this|our|the present)\s+(?:model|checkpoint)", re.IGNORECASE
)
_MODEL_AFTER = re.compile(
    r"^[`*_]{0,3}\s*(?:\w+\s+)?(?:model|checkpoint|weights|LLM|language model|backbone|encoder)\b",
    re.IGNORECASE,
)
_LIST_MORE = re.compile(
    r"^[`*_\"']{0,3}\s*(?:,\s*(?:and\s+)?|\s+and\s+|\s*\+\s*|\s*&\s*|\s+with\s+|/\s*)(?:the\s+)?[*_]{0,2}"
    + name_pattern()
)

_OPENING_NAME = re.compile(
    r"^\W{0,6}?"
    + name_pattern()
    + r"[`*_\s]{0,4}(?:[:：]|(?=[*_ ]*(?:Resumed|Fine-?tuned|Trained|Initiali)))"
)
_BACKBONE = re.compile(
    r"^[`*_)]{0,3}\s*(?:as\s+(?:an?\s+|the\s+)?)?(?:backbone|feature extractor)", re.IGNORECASE
)
_TUNED_SOMEWHERE = re.compile(r"tun(?:ed|ing)|further|adapted|continu", re.IGNORECASE)


class ParentClaim(NamedTuple):
    """One model a sentence names as the origin of the card's own."""

    name: str
    relation: str
    confidence: float


def split_sentences(text: str) -> list[tuple[str, int, int]]:
    """(verbatim sentence, start, end offset) of a passage; items of a list are sentences of their own."""
    sentences = []
    at = 0
    for matched in _SENTENCE_END.finditer(text):
        sentences.append((at, matched.end()))
        at = matched.end()
    sentences.append((at, len(text)))
    found = []
    for start, end in sentences:
        piece = text[start:end]
        stripped = piece.strip()
        if stripped:
            begin = start + len(piece) - len(piece.lstrip())
            found.append((stripped, begin, begin + len(stripped)))
    return found


def read_parent_sentence(sentence: str, *, model_id: str | None = None) -> list[ParentClaim]:
    """The models that `sentence` (Markdown, verbatim) names as parents; [] for most sentences.

    With `model_id`, sentences about a sibling ("`other-model`: resumed from …") and names that are only the
    model's own family are left out.
    """
    if len(sentence) > _MAX_SENTENCE or not CUE_WORDS.search(sentence):
        return []
    if model_id and _is_about_sibling(sentence, model_id):
        return []
    claims: dict[str, ParentClaim] = {}
    for wording in dict.fromkeys((sentence, sentence.replace("**", ""))):  # "a **distilled** version of"
        _collect_claims(wording, model_id, claims)
    return list(claims.values())


def _collect_claims(sentence: str, model_id: str | None, claims: dict[str, ParentClaim]) -> None:
    for cue in list_cues():
        for matched in cue.pattern.finditer(sentence):
            name = read_name(matched.groupdict())
            end = _name_end(matched)
            if name is None or _is_own_family(matched, name, model_id):
                continue
            if not _speaks_of_this_model(sentence, matched, end, cue, name):
                continue
            names = [name]
            if cue.relation == "merge":
                names += _more_names(sentence, end)
            for one in names:
                confidence = cue.confidence if one.certain else cue.confidence - 0.1
                if _is_family_only(sentence, end, cue, one, model_id):
                    confidence = FAMILY_ONLY
                known = claims.get(one.name.lower())
                if known is None or confidence > known.confidence:
                    claims[one.name.lower()] = ParentClaim(one.name, cue.relation, round(confidence, 2))


def _name_end(matched: re.Match[str]) -> int:
    """Where the name itself ends (a cue may look further)."""
    ends = [matched.end(group) for group in ("url", "quoted", "id", "token") if matched[group] is not None]
    end = max(ends)
    if matched["url"] is not None:
        end = matched.string.find(")", end) + 1
    elif matched["quoted"] is not None:
        end += len(matched["quote"])
    return end


def _name_start(matched: re.Match[str]) -> int:
    return min(
        matched.start(group) for group in ("label", "quoted", "id", "token") if matched[group] is not None
    )


def _speaks_of_this_model(
    sentence: str, matched: re.Match[str], end: int, cue: Cue, name: NamedModel
) -> bool:
    before, after = sentence[: _name_start(matched)], sentence[end : end + 120]
    clause = before[: matched.start()] + " " if matched.start() else ""
    if _NOT_AFTER.match(after):
        return False
    certain = name.certain or bool(re.search(r"\d|-", name.name)) or bool(_MODEL_AFTER.match(after))
    if not certain and re.search(r"\ban?\s+\W{0,3}$", before, re.IGNORECASE):
        return False  # "started from a ResNet": a kind, not a model
    if re.search(r"arxiv\.org|\.pdf|model_?card", matched["url"] or "", re.IGNORECASE) and cue.loose:
        return False
    if re.match(
        r"^\W{0,3}\s*(?:is|are|was)\s+(?:an?|the)\b.{0,60}\b(?:of|from)\s+this\b", after, re.IGNORECASE
    ):
        return False
    for negation in _NEGATION.finditer(before):
        if not _RESTART.search(before[negation.end() :]):
            return False
    if _FOREIGN_SUBJECT.search(strip_markup(clause)):
        return False
    if _BEFORE_REVERSE.search(before):
        return False
    return certain or not cue.loose


def _is_about_sibling(sentence: str, model_id: str) -> bool:
    """True for a list item that opens with another model's name and a colon."""
    matched = _OPENING_NAME.match(sentence)
    if matched is None:
        return False
    name = read_name(matched.groupdict())
    if (
        name is None
        or not re.search(r"[-/\d]", name.name)
        or re.search(r"\.(?:ckpt|pth?|bin|safetensors)$", name.name)
    ):
        return False
    return not same_model(name.name, model_id)


def _is_family_only(sentence: str, end: int, cue: Cue, name: NamedModel, model_id: str | None) -> bool:
    """True when the name may be an architecture: "based on the X model", "X as a backbone"."""
    if name.certain:
        return False
    if _BACKBONE.match(sentence[end:]):
        return True
    if re.search(r"\d|-| ", name.name):
        return False
    if cue.loose and not _TUNED_SOMEWHERE.search(sentence):
        return True
    own, named = (
        re.sub(r"[^a-z0-9]", "", text.lower()) for text in ((model_id or "").rpartition("/")[2], name.name)
    )
    return cue.confidence < 0.8 and named in own


def _is_own_family(matched: re.Match[str], name: NamedModel, model_id: str | None) -> bool:
    """True for "BLIP is fine-tuned on …" in the card of some/blip-large: the subject is the model itself."""
    if model_id is None or name.certain or not matched.groupdict().get("verb"):
        return False
    own, named = (re.sub(r"[^a-z0-9]", "", text.lower()) for text in (model_id.rpartition("/")[2], name.name))
    return named in own


def _more_names(sentence: str, end: int) -> list[NamedModel]:
    names: list[NamedModel] = []
    while len(names) < 12:
        matched = _LIST_MORE.match(sentence[end:])
        if matched is None:
            return names
        name = read_name(matched.groupdict())
        if name is None:
            return names
        names.append(name)
        end += _name_end(matched)
    return names
