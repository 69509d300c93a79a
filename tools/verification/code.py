"""Code blocks in an answer: commands and snippets claim nothing, but facts must not hide in them."""

from __future__ import annotations

import re

from tools.evidence import EvidenceLedger
from tools.verification.links import find_links, fold_link
from tools.verification.names import Names
from tools.verification.needs import read_need
from tools.verification.readings import read_text
from tools.verification.words import is_free

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
    for line in body.split("\n"):
        code, _, comment = line.partition("#")
        prose = comment if _CODE_LINE.match(code) or not code.strip() else line
        part = read_text(prose)
        need = read_need(part, names.spans(part))
        if (
            need.numbers
            or need.licences
            or need.metrics
            or sum(not is_free(w.low) for w in (*need.names, *need.words)) > 1
        ):
            return "uncited: facts in a code block"
        if (
            _CODE_LINE.match(code)
            and (read_text(code).metrics or read_need(read_text(code)).licences)
            and re.search(r"\d", code)
        ):
            return "uncited: facts in a code block"
    return ""
