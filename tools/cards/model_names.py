"""How cards write the name of a model: a Hub link, `code`, org/name, a hyphenated token, a family's name."""

from __future__ import annotations

import re
from typing import NamedTuple

from tools.cards.markup import strip_markup
from tools.cards.metrics import KNOWN_DATASET

_HUB_URL = re.compile(
    r"^(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/(?P<path>[\w.-]{1,96}"
    r"(?:/[\w.-]{1,96})?)/?(?:[?#].*|"
    r"/(?:tree|blob|resolve|commit)/.*)?$"
)
_NOT_MODELS = frozenset(
    [
        "datasets",
        "spaces",
        "docs",
        "models",
        "papers",
        "blog",
        "collections",
        "tasks",
        "join",
        "pricing",
        "organizations",
        "search",
        "course",
        "learn",
        "transformers",
    ]
)
_WORD = r"[A-Za-z0-9][\w.+]*"
NAME = (
    r"(?:"
    r"\[(?P<{n}label>[^\[\]\n]{{1,120}})\]\((?P<{n}url>[^()\s]{{1,300}})[^()]{{0,80}}\)"
    r"|(?P<{n}quote>`|\*\*\*|\*\*|\*|_|\"|')(?P<{n}quoted>[A-Za-z0-9][\w./+-]{{1,100}}"
    r"(?: [\w.+-]{{1,20}}){{0,3}})"
    r"(?P={n}quote)"
    r"|(?P<{n}id>[A-Za-z0-9][\w.-]{{0,60}}/[A-Za-z0-9][\w.-]{{1,90}}(?<![.]))"
    r"|(?P<{n}token>(?:[A-Za-z][A-Za-z0-9]{{0,30}}(?:[-_.][A-Za-z0-9]{{1,30}}){{1,9}}"
    r"|[A-Za-z]{{0,12}}[A-Z][A-Za-z]{{0,12}}"
    r"[A-Z0-9][A-Za-z0-9]{{0,20}}|[A-Z]{{2,12}}|[A-Z][a-z]{{2,15}}[0-9][A-Za-z0-9]{{0,10}}"
    r"|[A-Z][a-z]{{2,15}} [A-Z][a-z]{{2,15}}(?= (?:v?\d|model\b|checkpoint\b))"
    r"|[A-Z][a-z]{{2,20}}(?=[- ](?:\d|v\d|base|small|large|medium|tiny|xl|model\b|checkpoint\b)))"
    r"(?:[ -](?:v?\d[\w.]{{0,8}}(?:-\d{{1,2}})?|base|small|large|medium|tiny|mini"
    r"|nano|xl|xxl|uncased|cased|LARGE|BASE|Base|Large|Small"
    r"|\d{{1,4}}[MBmb]|Instruct|Chat|Diffusion|LED)(?![\w-])){{0,4}})"
    r"(?![\w/-]|['’]s\b))"
)
# Names that stand where a model's would and are none: libraries, architectures' parts, sources of data.
_NOT_A_NAME = re.compile(
    r"^(?:pytorch|tensorflow\w*|tf[12]?|keras|jax|flax|onnx\w*|openvino|optimum"
    r"|transformers?|diffusers|fairseq|espnet|nemo"
    r"|speechbrain|spacy|stanza|flair|fastai|sklearn|scikit-?learn|haystack|hugging ?face"
    r"|huggingface|simple ?transformers"
    r"|sentence[- ]?transformers?|wikipedia|common ?crawl|opensubtitles|reddit"
    r"|twitter|github|google|facebook|microsoft"
    r"|openai|nvidia|intel|meta|lstm|bilstm|cnn|rnn|gan|vae|ctc|crf|mlp|svm|k-?nn"
    r"|u-?net|encoder|decoder|encoder-decoder"
    r"|seq2seq|sequence-to-sequence|sentencepiece|wordpiece|bpe|adamw?|sgd|gpus?"
    r"|tpus?|tpu v\d\S*|cuda|fp16|bf16|int8|mlm|nsp"
    r"|nlp|nli|ner|asr|tts|ocr|vqa|qa|rlhf|dpo|sft|lora|qlora|peft|api|json|csv"
    r"|faq|english|german|french|spanish|chinese"
    r"|japanese|korean|arabic|hindi|russian|dutch|italian|portuguese|turkish|polish"
    r"|tokenizer|state-of-the-art|pre-trained"
    r"|pre-training|fine-tuned|fine-tuning|fine-tune|self-supervised|self-attention"
    r"|zero-shot|few-shot|open-source|end-to-end"
    r"|multi-lingual|cross-lingual|mono-lingual|high-quality|large-scale|text-to-\w+"
    r"|image-to-\w+|speech-to-\w+|down-?stream"
    r"|language-specific|e\.g|i\.e|et al|none|unknown|arxiv\S*|autotrain\w*|autonlp"
    r"|deepspeed|megatron-?(?:lm|deepspeed)"
    r"|t5x|mesh-\w+|tpu ?v?\d\S*|timm|tf ?hub|ppo|dqn|td3|a2c|sac|ddpg|trpo|qr-?dqn"
    r"|rl zoo|google colab|colab|latent diffusion|conv\w{0,3}|attention|swiglu"
    r"|rope)$",
    re.IGNORECASE,
)
_FILE = re.compile(
    r"\.(?:py|ipynb|sh|md|txt|json|ya?ml|csv|pdf|png|jpe?g|gif|zip|tar|gz|html?|js|c|cpp|h)$", re.IGNORECASE
)
_DATA_WORD = re.compile(r"dataset|corpus|corpora|benchmark|\bdata\b|wiki(?:pedia)?$|_data\b", re.IGNORECASE)


class NamedModel(NamedTuple):
    """A model's name in a sentence; `certain` when a Hub link, org/name or code marks it as an identifier."""

    name: str
    certain: bool


def name_pattern(prefix: str = "") -> str:
    """A regular expression for one name; its groups carry `prefix`, so that it can stand twice."""
    return NAME.format(n=prefix)


def read_name(groups: dict[str, str | None], prefix: str = "") -> NamedModel | None:
    """The model that a match of `name_pattern(prefix)` names, or None when it cannot be a model."""
    label, url = groups.get(f"{prefix}label"), groups.get(f"{prefix}url")
    if label is not None and url is not None:
        if "/datasets/" in url or "/spaces/" in url:
            return None
        if identifier := model_id_of_url(url):
            return NamedModel(identifier, True)
        text = strip_markup(label)
        if re.search(
            r"\b(?:repo\w*|library|code|script|card|paper|work|team|project|toolkit|website)$",
            text,
            re.IGNORECASE,
        ):
            return None
        if re.search(r"arxiv|\.pdf|wikipedia|/docs/", url) and not re.search(r"[-/\d]", text):
            return NamedModel(text, False) if _plausible(text) and text[:1].isupper() else None
        return NamedModel(text, False) if _plausible(text) else None
    if quoted := groups.get(f"{prefix}quoted"):
        text = quoted.strip()
        return NamedModel(text, "/" in text or "-" in text) if _plausible(text) else None
    if identifier := groups.get(f"{prefix}id"):
        text = identifier.rstrip(".,;:")
        return NamedModel(text, True) if _plausible(text) and not _is_alternative(text) else None
    if token := groups.get(f"{prefix}token"):
        text = token.rstrip(".,;:-_")
        return NamedModel(text, False) if _plausible(text) else None
    return None


def model_id_of_url(url: str) -> str | None:
    """`org/name` (or a bare name) of a Hub model page's address, else None."""
    matched = _HUB_URL.match(url.strip())
    if matched is None:
        return None
    path = matched["path"].rstrip("/")
    first = path.partition("/")[0].lower()
    return None if first in _NOT_MODELS else path


def same_model(name: str, other: str) -> bool:
    """True when both write the same model, whatever the case and whether or not with its organisation."""
    name, other = name.lower(), other.lower()
    if "/" in name and "/" in other:
        return name == other
    return name.rpartition("/")[2] == other.rpartition("/")[2]


def _plausible(text: str) -> bool:
    return bool(
        2 <= len(text) <= 120
        and len(text.split()) <= 5
        and re.search(r"[A-Za-z]", text)
        and not _NOT_A_NAME.match(text)
        and not _FILE.search(text)
        and not _DATA_WORD.search(text)
        and not re.search(r"-(?:based|style|like|sized|trained|tuned|finetuned)$", text, re.IGNORECASE)
        and not re.search(r"For[A-Z]\w+$", text)  # a class such as BertForMaskedLM
        and not _is_compound_word(text)
        and not KNOWN_DATASET.fullmatch(text)
        and not re.match(
            r"^(?:this|that|these|the|our|your|its|a|an|here|paper|link|repo\w*|model)\b", text, re.IGNORECASE
        )
    )


def _is_compound_word(text: str) -> bool:
    """True for an English compound such as "high-resolution": no digit, no size or casing part."""
    if not re.fullmatch(r"[a-z]+(?:-[a-z]+)+", text):
        return False
    parts = text.split("-")
    sized = {
        "base",
        "large",
        "small",
        "tiny",
        "mini",
        "medium",
        "xl",
        "xxl",
        "cased",
        "uncased",
        "nano",
        "instruct",
    }
    return not sized & set(parts) and (len(parts) < 3 or parts[-1].endswith(("ed", "ing", "based")))


def _is_alternative(text: str) -> bool:
    """True for "and/or" and the like: two plain words around a slash."""
    return bool(re.fullmatch(r"[a-z]{1,12}/[a-z]{1,12}", text)) and text.partition("/")[0] in (
        "and",
        "train",
        "his",
        "he",
        "input",
        "input",
        "read",
        "on",
        "yes",
        "pre",
        "km",
        "w",
    )
