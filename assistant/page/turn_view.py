"""One turn as the parts of HTML the page is made of: question, steps, text, cards, foot.

Parts are replaced one by one while a turn goes on, so that what a person has unfolded stays so.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from assistant.answers import Answer
from assistant.page.answer_text import render_answer, render_pending, render_statements
from assistant.page.drawings import render_views
from assistant.page.escape import escape, escape_line
from assistant.page.levels import render_counts
from assistant.page.model_cards import render_cards, render_results
from assistant.page.running import Step, TurnState
from tools.catalog.repository import Catalog

Parts = dict[str, str]

_TOOLS = {
    "search_models": "Searched the models",
    "rank_models": "Ranked the models",
    "read_card": "Read a card",
    "compare_documentation": "Read several cards side by side",
    "list_results": "Listed reported results",
    "trace_lineage": "Traced origins",
    "compare_models": "Compared two models",
    "find_similar_by_weights": "Looked for similar weights",
    "search_papers": "Searched the papers",
    "audit_card": "Audited a card",
    "draft_card": "Drafted a card",
    "count_models": "Counted models",
    "describe_lake": "Counted what the lake holds",
}


def render_done(number: int, question: str, answer: Answer, catalog: Catalog, *, last: bool) -> Parts:
    """A stored turn. `last`: only the last one can be undone."""
    steps = [Step(call=str(n), name=c.name, arguments=c.arguments, ok=c.ok, seconds=c.seconds, found=c.found)
             for n, c in enumerate(answer.tools)]  # fmt: skip
    return {
        "question": _render_question(number, question, last=last, running=False),
        "steps": _render_steps(steps),
        "text": f'<div class="answer">{render_answer(answer, number)}</div>',
        "more": render_views(answer)
        + render_results(answer, number, catalog)
        + render_cards(answer, number, catalog),
        "foot": _render_foot(number, answer),
    }


def render_running(state: TurnState) -> Parts:
    """A turn at work, or one that ended without an answer."""
    ended = state.error is not None or state.stopped
    text = f'<div class="answer pending">{render_pending(state.text)}</div>' if state.text else ""
    notices = "".join(f'<p class="notice">{escape(notice)}</p>' for notice in state.notices)
    return {
        "question": _render_question(state.number, state.question, last=False, running=not ended),
        "steps": notices + _render_steps(state.steps),
        "text": text,
        "more": "",
        "foot": _render_end(state) if ended else _render_waiting(state),
    }


def _render_question(number: int, question: str, *, last: bool, running: bool) -> str:
    acts = "" if running else (
        f'<button type="button" class="small" data-act="edit" data-turn="{number}" '
        f'aria-label="Edit question {number} and ask it again">edit</button>'
        + (f'<button type="button" class="small" data-act="undo" data-turn="{number}" '
           f'aria-label="Undo question {number}">undo</button>' if last else "")
    )  # fmt: skip
    return (
        f'<div class="question"><h3 class="sr">Question {number}</h3>'
        f'<div class="said" dir="auto" data-said>{escape(question)}</div><div class="acts">{acts}</div></div>'
    )


def _render_steps(steps: Sequence[Step]) -> str:
    if not steps:
        return ""
    items = "".join(_render_step(step) for step in steps)
    return f'<ol class="steps" aria-label="What was looked up">{items}</ol>'


def _render_step(step: Step) -> str:
    state = "running" if step.ok is None else "ok" if step.ok else "bad"
    sign = {"running": "…", "ok": "✓", "bad": "✗"}[state]
    said = {"running": "at work", "ok": "done", "bad": "failed"}[state]
    seconds = f'<span class="step-time">{step.seconds:.2f} s</span>' if step.seconds is not None else ""
    arguments = "".join(
        f"<dt>{escape_line(name)}</dt><dd><bdi>{escape_line(_write_argument(value), 400)}</bdi></dd>"
        for name, value in step.arguments.items()
    )
    found = f'<p class="step-found"><bdi>{escape(step.found)}</bdi></p>' if step.found else ""
    title = _TOOLS.get(step.name, "Used a tool")
    return (
        f'<li><details class="step {state}" data-keep="step-{escape_line(step.call)}"><summary>'
        f'<span class="step-sign" aria-hidden="true">{sign}</span><span class="step-title">{title}</span>'
        f'<span class="sr">, {said}</span> <code>{escape_line(step.name, 60)}</code>{seconds}</summary>'
        f'<div class="step-body">{f"<dl>{arguments}</dl>" if arguments else ""}{found}</div></details></li>'
    )


def _write_argument(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _render_waiting(state: TurnState) -> str:
    doing = "Writing; not checked yet" if state.text else "Looking it up"
    if state.waiting:
        doing = "Waiting for the question before this one"
    return f'<p class="waiting"><span class="dots" aria-hidden="true"></span>{doing} …</p>'


def _render_end(state: TurnState) -> str:
    if state.error is not None:
        message, hint = state.error
        said = (
            f'<div class="trouble" role="alert"><p><strong>{escape(message)}</strong></p>'
            f"<p>{escape(hint)}</p></div>"
        )
    else:
        said = '<p class="notice">Stopped. Nothing of this answer was kept.</p>'
    return (
        f'{said}<div class="acts"><button type="button" class="small" data-act="ask" '
        f'data-question="{escape_line(state.question)}">ask again</button></div>'
    )


def _render_foot(number: int, answer: Answer) -> str:
    seconds = answer.usage.get("seconds")
    took = f" in {seconds:.1f} s" if isinstance(seconds, (int, float)) else ""
    tokens = answer.usage.get("input_tokens"), answer.usage.get("output_tokens")
    used = f", {tokens[0]:,} + {tokens[1]:,} tokens" if all(isinstance(n, int) for n in tokens) else ""
    counts = render_counts(statement.level for statement in answer.statements)
    sources = len(answer.evidence)
    return (
        f'<div class="foot"><details class="checked" data-keep="checked-{number}"><summary>'
        f'<span class="counts">{counts or "nothing to check"}</span></summary>'
        f"{render_statements(answer)}</details>"
        f'<div class="acts"><button type="button" class="small" data-act="source" data-turn="{number}" '
        f'data-key="" data-cite="-1" aria-label="Sources of answer {number}: {sources}">sources ({sources})'
        f'</button><button type="button" class="small" data-act="copy-answer" '
        f'data-copy="{escape(answer.answer)}" aria-label="Copy answer {number} as Markdown">copy</button>'
        f'<button type="button" class="small" data-act="retry" data-turn="{number}" '
        f'aria-label="Ask question {number} again">retry</button>'
        f'<span class="by">by {escape_line(answer.engine, 60)}{took}{used}</span></div></div>'
    )
