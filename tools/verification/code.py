"""Code blocks in an answer: commands and snippets claim nothing, but facts must not hide in them."""

from __future__ import annotations

import re

from tools.evidence import EvidenceLedger
from tools.verification.links import find_links, fold_link
from tools.verification.names import Names
from tools.verification.needs import read_need
from tools.verification.readings import read_text
from tools.verification.words import is_free

# What a block may hold that is no code: data and prose, which say what they say.
_DATA = frozenset(
    {
        "json",
        "jsonl",
        "yaml",
        "yml",
        "toml",
        "csv",
        "ini",
        "xml",
        "html",
        "mermaid",
        "text",
        "txt",
        "markdown",
    }
)
# Strings that are the text a model is run on: the argument of a call, or a variable called after it.
_SAMPLE = re.compile(
    r"\b(?:texts?|sentences?|prompts?|inputs?|questions?|contexts?|documents?|articles?|quer(?:y|ies)"
    r"|examples?|audio|images?|urls?|messages?|samples?|labels?|candidate_labels|content|role"
    r"|sequences?|premise|hypothesis|paragraphs?|passages?|body|title|path|file(?:name)?|tasks?|model(?:_id|_name)?|name|device|repo_id)"
    r"[\"']?\s*[:=]\s*(?:[\[(]\s*)?$",
    re.IGNORECASE,
)
_SHOWS = re.compile(
    r"\b(?:print|echo|puts|logg(?:er|ing)\.\w+|log|warn|raise\s+\w+|assert|display)\b", re.IGNORECASE
)
_STRING = re.compile(r"(?P<quote>\"{3}|'{3}|\"|')(?P<text>.*?)(?P=quote)")
_OF_MODEL = re.compile(r"\b(?:this|the|our) model\b|\btrained\b|\blicen[cs]ed?\b", re.IGNORECASE)
_CODE_LINE = re.compile(
    r"^\s*(?:from\s+[\w.]+\s+import\b|import\s+\w|(?:def|class|return|for|while|if|else|elif|with|try"
    r"|except|print|pip|"
    r"python3?|git|lake|curl|wget|export|cd|\$|>>>|\.\.\.|@)|[\w.\[\]\"', ]+\s*[-+*/]?=(?!=)|[\w.]+\("
    r"|[)\]}]|[\"'{\[(])"
)


def judge_code(block: str, names: Names, ledger: EvidenceLedger) -> str:
    """Why a code block fails; "" when it is code that claims nothing."""
    lines = block.split("\n")
    body = "\n".join(line for line in lines if not re.match(r"^\s*(?:`{3,}|~{3,})", line))
    if any(body.strip() and body.strip() in item.text for item in ledger):
        return ""
    for link in find_links(body):
        wanted = fold_link(link)
        page = wanted.removeprefix("hf.co/").removeprefix("huggingface.co/")
        if not names.is_mentioned(wanted) and not (page != wanted and names.is_known(page)) and "://" in link:
            return f"the link {link[:80]} stands in no source"
    reading = read_text(body)
    if unknown := names.unknown_ids(reading):
        return f"{unknown[0]} is in no source"
    info = re.match(r"^\s*(?:`{3,}|~{3,})\s*(\w*)", block)
    written = info is not None and info[1].lower() in _DATA
    for line in body.split("\n"):
        code, _, comment = line.partition("#")
        is_code = not written and _CODE_LINE.match(code) is not None
        prose = comment if is_code or not code.strip() else line
        part = read_text(prose)
        need = read_need(part, names.spans(part))
        if (
            need.numbers
            or need.licences
            or need.metrics
            or sum(not is_free(w.low) for w in (*need.names, *need.words)) > 1
        ):
            return "uncited: facts in a code block"
        if is_code and (_assigns_fact(code) or _holds_prose(code, names)):
            return "uncited: facts in a code block"
    return ""


def _assigns_fact(code: str) -> bool:
    """Whether a line of code gives a metric its value or a licence its name: `"accuracy": 0.99`."""
    reading = read_text(code)
    valued = any(
        re.match(r"\w*[\"']?\s*[:=]\s*[\"']?\d", reading.folded.text[end:]) for _, _, end in reading.metrics
    )
    return valued or re.search(r"licen[cs]e[\"']?\s*[:=]\s*[\"']?\w", code, re.IGNORECASE) is not None


def _holds_prose(code: str, names: Names) -> bool:
    """Whether a line of code holds a string that says something, and is no sample a model is run on."""
    shown = _SHOWS.match(code.strip()) is not None and not re.search(r"\w\(", _SHOWS.sub("", code, count=1))
    for match in _STRING.finditer(code):
        reading = read_text(match["text"])
        need = read_need(reading, names.spans(reading))
        words = [word for word in (*need.names, *need.words) if word.low.isalpha()]
        if len(words) < 2 or " " not in match["text"].strip():
            continue
        before = code[: match.start()]
        sample = _SAMPLE.search(before) or re.search(r"[\w\])]\s*\((?:[^()]*,)?\s*\[?\s*$", before)
        if shown or not sample or names.spans(reading) or _OF_MODEL.search(match["text"]):
            return True
    return False
