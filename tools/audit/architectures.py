"""Architectures as cards name them, held against `architectures` and `model_type` of a configuration.

A class ("BertForMaskedLM") must be the one of config.json. A family ("a RoBERTa encoder") is looser: cards
say BERT of a DistilBERT, so only families of unlike design contradict one another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.audit.subject import AuditSubject
from tools.audit.types import Claim, Verdict

_CLASS = re.compile(
    r"(?<![\w./])((?!Auto)[A-Z][A-Za-z0-9]{1,40}?(?:For[A-Z][A-Za-z]{2,40}|LMHeadModel|EncoderModel|Model))"
    r"(?![\w(])"
)
# A line that says what the model is; code and advice on loading name classes for other reasons.
_IS_CLASS = re.compile(
    r"rchitecture|\b(?:model|transformers?)\W{0,4}(?:class|type)\b"
    r"|\b(?:model|it|this) (?:is|uses) (?:an?|the)\b",
    re.IGNORECASE,
)
_LOADING = re.compile(
    r"\b(?:load|import|instantiat|from_pretrained|via|using|wrapper|subclass)", re.IGNORECASE
)

# Families of one design, by the `model_type` of their configurations, with how cards write the names.
_DESIGNS: tuple[dict[str, str], ...] = (
    {"bert": r"bert", "roberta": r"roberta", "distilbert": r"distil-?bert", "albert": r"albert",
     "electra": r"electra", "camembert": r"camembert", "xlm-roberta": r"xlm-?r(?:oberta)?",
     "deberta": r"deberta", "deberta-v2": r"deberta-?v[23]", "mpnet": r"mpnet", "mobilebert": r"mobilebert",
     "modernbert": r"modernbert", "nomic_bert": r"nomic-?bert", "longformer": r"longformer",
     "big_bird": r"big-?bird"},
    {"gpt2": r"gpt-?2", "gpt_neo": r"gpt-?neo", "gptj": r"gpt-?j", "gpt_neox": r"gpt-?neo-?x|pythia",
     "openai-gpt": r"gpt(?:-?1)?", "gpt_bigcode": r"starcoder|santacoder", "opt": r"opt", "bloom": r"bloom",
     "codegen": r"codegen", "xglm": r"xglm"},
    {"llama": r"llama(?:[ -]?\d(?:\.\d)?)?", "mistral": r"mistral", "qwen2": r"qwen(?:[ -]?[\d.]+)?",
     "qwen3": r"qwen(?:[ -]?[\d.]+)?", "gemma": r"gemma", "gemma2": r"gemma", "phi3": r"phi-?3",
     "stablelm": r"stablelm", "internlm2": r"internlm", "mixtral": r"mixtral", "olmo": r"olmo"},
    {"falcon": r"falcon"}, {"mpt": r"mpt"}, {"mamba": r"mamba"}, {"rwkv": r"rwkv"},
    {"t5": r"(?:flan-?)?t5", "mt5": r"mt5", "umt5": r"umt5", "longt5": r"long-?t5", "byt5": r"byt5"},
    {"bart": r"bart", "mbart": r"mbart", "pegasus": r"pegasus", "marian": r"marian(?:mt)?", "m2m_100": r"m2m",
     "led": r"led", "blenderbot": r"blenderbot", "plbart": r"plbart"},
    {"vit": r"vit|vision transformer", "deit": r"deit", "beit": r"beit", "swin": r"swin",
     "dinov2": r"dino(?:v2)?"},
    {"convnext": r"convnext", "resnet": r"resnet", "mobilenet_v2": r"mobilenet",
     "efficientnet": r"efficientnet"},
    {"wav2vec2": r"wav2vec(?:2| 2\.0)?", "hubert": r"hubert", "wavlm": r"wavlm"}, {"whisper": r"whisper"},
    {"clip": r"clip"}, {"blip": r"blip"}, {"segformer": r"segformer"}, {"detr": r"detr", "yolos": r"yolos"},
)  # fmt: skip
_FAMILIES = {
    model_type: (number, re.compile(rf"(?<![\w-])(?:{names})(?![\w])", re.IGNORECASE))
    for number, design in enumerate(_DESIGNS)
    for model_type, names in design.items()
}
_FAMILY_SAID = re.compile(
    r"^[\W_]*(?:model )?architecture[\W_]*[:|=][\s*`_]*(?P<label>[^|\n]{2,80})"
    r"|\b(?:uses|has|with|of|on|is|follows|shares|employs|same) (?:an? |the |same )*"
    r"(?P<said>[\w.+-]+(?: [\w.+-]+)?)[- ](?:based )?architecture\b"
    r"|\b(?:the )?architecture (?:is|of the model is) (?:that of )?(?:an? |the )?(?P<after>[\w .+-]{2,40})",
    re.IGNORECASE,
)


def judge_architecture(subject: AuditSubject, lines: Iterator[tuple[int, str]]) -> Iterator[Claim]:
    """Claims on the architecture in `lines`, (number, text) of the card's body without code."""
    classes = subject.gathered.find("config.json", "architectures")
    family = subject.gathered.find("config.json", "model_type")
    values = (
        [str(item) for item in classes[0].value] if classes and isinstance(classes[0].value, list) else []
    )
    own = str(family[0].value) if family else ""
    for line, text in lines:
        named = _CLASS.findall(text) if _IS_CLASS.search(text) and not _LOADING.search(text) else []
        for name in named:
            if classes is None or not values:
                yield Claim("architecture", text.strip(), line, name)
                continue
            fits = any(name in (value, f"TF{value}", f"Flax{value}") for value in values)
            verdict: Verdict = "supported" if fits else "contradicted"
            reason = f"The card says {name!r}, config.json says {', '.join(values)!r}"
            yield Claim("architecture", text.strip(), line, name, verdict, (classes[1],), reason)
        if named or "rchitecture" not in text or not (said := _FAMILY_SAID.search(text)):
            continue
        shown = (said["label"] or said["said"] or said["after"]).strip(" *`_.")
        answer = _fits(shown, own)
        if family is None or answer is None:
            yield Claim("architecture", text.strip(), line, shown)
            continue
        reason = f"The architecture is {shown!r} here, config.json says {own!r}"
        verdict = "supported" if answer else "contradicted"
        yield Claim("architecture", text.strip(), line, shown, verdict, (family[1],), reason)


def _fits(said: str, model_type: str) -> bool | None:
    """Whether a family that is named may be `model_type`; None where one of them is not known."""
    design = _FAMILIES.get(model_type, (None, None))[0]
    named = {number for number, pattern in _FAMILIES.values() if pattern.search(said)}
    if design is None or not named:
        return None
    return design in named
