"""Wordings that introduce a model's origin, each with the relation it states and how sure it is."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from tools.cards.model_names import name_pattern

# What may stand between a cue and the name it governs.
_FILL = (
    r"(?:\s+(?:the|a|an|our|their|its|original|pre-?trained|pretrained|public(?:ly availab"
    r"le)?|released|official|base"
    r"|baseline|multilingual|english|large|uncased|cased|language|multi-?modal"
    r"|generic|general|existing|google's|meta's"
    r"|facebook's|openai's|microsoft's|huggingface's|[A-Z][\w-]{1,30}['’]s?|model"
    r"|checkpoints?|weights|weights of|weights from"
    r"|checkpoints? of|checkpoints? from|model's|version of|encoder|transformer"
    r"|backbone)){0,6}\s+(?:\*\*|\*|_)?"
)
_TUNE = r"(?:fine[- ]?tun|instruction[- ]?tun|instruct[- ]?tun)(?:ed|ing|e)"
_KIND = (
    r"(?:fine[- ]?tuned|instruction[- ]?tuned|instruct[- ]?tuned|chat[- ]?tuned"
    r"|domain[- ]?adapted|adapted|aligned|trained"
    r"|further[- ]?trained|continued|re-?trained|specialized|specialised|extended|uncensored)"
)
_COPY = r"(?:version|variant|checkpoint|copy|edition|adaptation|derivative)"
_QUANT = (
    r"(?:quanti[sz]ed|quanti[sz]ations?|quants?|GGUF|GGML|GPTQ|AWQ|EXL2|int[48]"
    r"|INT[48]|fp8|FP8|[2-8][- ]?bits?|NF4|nf4"
    r"|8-bit|4-bit)"
)
_FROM = r"(?:from|with|using|by)"


class Cue(NamedTuple):
    pattern: re.Pattern[str]
    relation: str
    confidence: float
    loose: bool  # the name must be an identifier, or be followed by "model": the cue alone says little


def _cue(before: str, relation: str, confidence: float, *, after: str = "", loose: bool = False) -> Cue:
    """A cue before the name (`before NAME after`); "" for none on that side."""
    pattern = re.compile(f"(?i:{before}){name_pattern()}(?i:{after})")  # names keep their case
    return Cue(pattern, relation, confidence, loose)


_AFTER_TUNED = (
    r"(?:\*\*|\*|_)?(?:\s*\([^()]{0,60}\))?(?:\s+(?:language\s+)?(?:model|checkpoint"
    r"|weights|transformer|architecture model)s?)?"
    r"\s*,?\s+(?:(?:that|which)\s+(?:was|is|has been|were)\s+|(?P<verb>was|is|has been"
    r"|were)\s+|model\s+)?(?:further\s+|then\s+)?"
    r"(?:fine[- ]?tuned|instruction[- ]?tuned)\b(?!\s+from\b)"
)
# A sentence without any of these words names no parent; the patterns below are then not tried.
CUE_WORDS = re.compile(
    r"tun(?:ed|ing|e)\b|distill?|teacher|quanti[sz]|gguf|gptq|awq|ggml|lora|adapt"
    r"|merge|mix|blend|initiali[sz]"
    r"|start|resum|continu|further|train|applied|buil[dt]|top of|basis|deriv|prun|convert|port|base|backbone"
    r"|parent|foundation|weights|checkpoint|variant|version",
    re.IGNORECASE,
)


@lru_cache(maxsize=1)
def list_cues() -> tuple[Cue, ...]:
    """All cues. Built on first use: compiling them takes longer than importing the rest of the parser."""
    return (
        _cue(rf"\b{_KIND}\s+(?:[\w-]+\s+){{0,2}}?{_COPY}s?\s+(?:of|for){_FILL}", "finetune", 0.95),
        _cue(
            rf"\bdistill?ed\s+(?:version|variant|student|checkpoint|copy)?\s*(?:of|from"
            rf"){_FILL}",
            "distillation",
            0.9,
        ),
        _cue(rf"\bdistillation\s+(?:of|from){_FILL}", "distillation", 0.85),
        _cue(
            rf"\b(?:teacher(?:\s+model)?\s*(?:is|was|:)|(?:from|by)\s+(?:the|a|its)\s+teacher"
            rf"(?:\s+model)?){_FILL}",
            "distillation",
            0.85,
        ),
        _cue(
            r"\b(?:using|with|from)(?:\s+the)?\s+(?:\*\*|\*|_)?",
            "distillation",
            0.85,
            after=r"(?:\*\*|\*|_)?\s+(?:model\s+)?as\s+(?:the|a|its)?\s*teacher",
        ),
        _cue(
            rf"\b{_QUANT}\s+(?:\w+\s+){{0,2}}?(?:versions?|variants?|quanti[sz]ations?|weights"
            rf"|conversions?|files|format(?:\s+\w+)?\s+files|export|copy|model)?\s*(?:of"
            rf"|for|from){_FILL}",
            "quantization",
            0.9,
        ),
        _cue(rf"\b(?:(?:we|i)\s+quanti[sz]ed|quanti[sz](?:ed|ation)\s+from){_FILL}", "quantization", 0.85),
        _cue(
            rf"\b(?:QLoRA|LoRA|PEFT|LoKr|IA3|adapters?|adapter\s+weights|control\s?net)"
            rf"(?:\s+(?:adapters?|weights|checkpoint|model|module|finetune)){{0,2}}\s*(?:for"
            rf"|of|on|on top of|trained on(?: top of)?|fine-?tuned from|to be used with"
            rf"){_FILL}",
            "adapter",
            0.9,
        ),
        _cue(r"(?:^\W*|\b(?:an?|the)\s+)(?:\d-bit\s+)?quanti[sz]ed\s+", "quantization", 0.8, loose=True),
        _cue(rf"\badapters?\b[^.]{{0,60}}?\bon\s+top\s+of{_FILL}", "adapter", 0.9),
        _cue(rf"\b(?:merge|merged\s+model|mix|blend|mixture)\s+of{_FILL}", "merge", 0.9),
        _cue(rf"\b(?:merged|blended)\s+(?:from|using){_FILL}", "merge", 0.9),
        _cue(rf"\b{_TUNE}\s+(?:starting\s+)?(?:from|on\s+top\s+of|over|off){_FILL}", "finetune", 0.9),
        _cue(
            r"^\W*(?:finetuned|fine-tuned)\s+from(?:\s+model)?(?:\s*\[optional\])?\W*\s*[:：]\W{0,6"
            r"}?",
            "finetune",
            0.95,
        ),
        _cue(
            r"^\W*(?:base|parent|source|foundation|starting)\s+(?:model|checkpoint)(?:\s+"
            r"(?:name|used))?\W{0,4}[:：](?:\*\*)?\s*",
            "",
            0.9,
        ),
        _cue(
            rf"(?:^|\b(?:we|i|was|were|is|been|by|have|after|of|and)\s+)(?:\W{{0,6}})(?:"
            rf"(?:the|an?)\s+)?(?:further\s+|then\s+)?{_TUNE}{_FILL}",
            "finetune",
            0.85,
            after=r"(?=(?:\*\*|\*|_)?(?:\s+\([^()]{0,40}\))?(?:\s+(?:model|checkpoint))?\s+(?:on"
            r"|in|for|with|using|to|over|by|via|trained)\b|\s*[.]?\s*$)",
        ),
        _cue(
            rf"\b(?:obtained|created|produced|made|derived|built|trained)\s+(?:by|after"
            rf"|through|via)\s+(?:further\s+|continued\s+)?(?:{_TUNE}|training|pre-?training"
            rf"){_FILL}",
            "finetune",
            0.85,
        ),
        _cue(
            r"(?:\b(?:an?|the|is|base|pre-?trained|using|by|with|,)\s+|^\W*)(?:(?:base"
            r"|uncased|cased|multilingual|[A-Z][a-z]+['’]s)\s+)?(?:\*\*|\*|_)?",
            "finetune",
            0.75,
            after=_AFTER_TUNED,
        ),
        _cue(
            rf"\b(?:initiali[sz]ed|warm[- ]started|bootstrapped|initiali[sz]ation|initiali[sz]e"
            rf")\s+(?:its\s+weights\s+)?{_FROM}{_FILL}",
            "finetune",
            0.85,
        ),
        _cue(
            rf"\b(?:starting|starts|started|start|resumed?|resuming|restored|restoring)\s+"
            rf"(?:training\s+|training\s+it\s+|fine-?tuning\s+)?(?:from|off){_FILL}",
            "finetune",
            0.85,
        ),
        _cue(
            rf"\b(?:continued?|continuing|continues|further|additional(?:ly)?)\s+(?:to\s+"
            rf")?(?:the\s+)?(?:pre-?)?train(?:ed|ing)?\s*(?:of|from|on top of|with)?{_FILL}",
            "finetune",
            0.8,
        ),
        _cue(
            rf"\b(?:pre-?)?train(?:ed|ing)\s+(?:on\s+top\s+of|starting\s+from|from\s+(?:the\s+"
            rf")?checkpoints?\s+of){_FILL}",
            "finetune",
            0.8,
        ),
        _cue(
            rf"\b(?:DPO|RLHF|SFT|ORPO|KTO|PPO|instruction[- ]tuning|alignment)\s+(?:was"
            rf"|is|has been)?\s*(?:applied\s+)?(?:to|on(?:\s+top\s+of)){_FILL}",
            "finetune",
            0.8,
        ),
        _cue(
            rf"\bwe\s+(?:took|take|trained|train|adapted|adapt|extended|extend|tuned){_FILL}",
            "finetune",
            0.75,
            after=r"(?=[^.]{0,80}\b(?:train|tun|adapt|extend)|[^.]{0,5}$|\s+(?:on|with|for)\b"
            r")",
            loose=True,
        ),
        _cue(
            r"\b(?:uses?|used|using|utilis\w+|utiliz\w+|took|takes?|with|has|have)(?:\s+"
            r"(?:the|a|our))?(?:\s+pre-?trained|\s+multilingual\s+version\s+of)?\s+(?:\*\*"
            r"|\*|_)?",
            "finetune",
            0.85,
            after=r"(?:\*\*|\*|_)?(?:\s+(?:model|checkpoint))?\s+as\s+(?:the|an?|our|its)?\s*"
            r"(?:base|backbone|starting|initial|foundation|pre-?trained|parent)",
        ),
        _cue(
            rf"\b(?:as\s+)?(?:(?:the|a|our)\s+)?(?:base|backbone|foundation|parent|starting"
            rf")(?:\s+(?:model|checkpoint|point|language model|LLM))?(?:\s+of\s+\S{{1,40}}"
            rf")?\s*(?:is|was|,|we\s+use[d]?|we\s+chose){_FILL}",
            "finetune",
            0.8,
        ),
        _cue(
            r"\b(?:used?|uses|using)\s+(?:the\s+)?pre-?trained\s+",
            "finetune",
            0.75,
            after=r"(?=[^.]{0,60}\b(?:fine-?tun|train))",
        ),
        _cue(
            rf"\b(?:weights?|parameters|checkpoints?)\s+(?:\w+\s+){{0,2}}(?:come|comes|came"
            rf"|taken|stem|stems|are|is|were|was)?\s*(?:taken\s+)?from{_FILL}",
            "finetune",
            0.75,
        ),
        _cue(
            rf"\b{_TUNE}\s+on\s+.{{2,200}}?\b(?:dataset|corpus)\s+(?:starting\s+)?from{_FILL}",
            "finetune",
            0.75,
            loose=True,
        ),
        _cue(
            r"\binitiali[sz]ed\s+(?:(?:from|with)\s+)?",
            "finetune",
            0.8,
            after=r"(?=\W{0,3}\s+(?:for|as)\s+(?:the\s+|its\s+)?(?:en|de)coder)",
        ),
        _cue(
            r"\b(?:encoder|initiali[sz]ed[^.]{0,120})\s+and\s+(?:with\s+)?",
            "finetune",
            0.75,
            after=r"(?=\W{0,3}\s+(?:for|as)\s+(?:the\s+|its\s+)?(?:en|de)coder)",
        ),
        _cue(rf"\bon\s+the\s+basis\s+of{_FILL}", "finetune", 0.8),
        _cue(rf"\b{_TUNE}\s+with{_FILL}", "finetune", 0.8, after=r"(?=\W{0,3}\s+(?:model|checkpoint)\b)"),
        _cue(
            r"(?:^|\b(?:the|pre-?trained)\s+)\W{0,4}",
            "finetune",
            0.8,
            after=r"\W{0,4}\s+(?:model\s+)?(?:is|was)\s+used\s+(?:to|for)\s+(?:the\s+)?fine-?tun",
        ),
        _cue(
            rf"\b(?:converted|ported|exported|conversion|port|export)\s+(?:version\s+)?"
            rf"(?:from|of){_FILL}",
            "",
            0.7,
            loose=True,
        ),
        _cue(rf"\b(?:derived|pruned|adapted|forked|modified)\s+from{_FILL}", "finetune", 0.75),
        _cue(
            rf"\b(?:pruned|compressed|sparse|sparsified|smaller|lighter|trimmed|reduced"
            rf"|extended|long)\s+version\s+of{_FILL}",
            "finetune",
            0.7,
            loose=True,
        ),
        _cue(
            rf"\b(?:built|builds?|building)\s+(?:up)?on(?:\s+top\s+of)?{_FILL}", "finetune", 0.7, loose=True
        ),
        _cue(rf"\bbased\s+(?:up)?on{_FILL}", "finetune", 0.65, loose=True),
    )
