"""Cards for the models an answer recommends or speaks of, and its reported results as a table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assistant.answers import Answer, AnswerStatement
from assistant.page.answer_text import number_sources
from assistant.page.escape import escape, escape_line
from assistant.page.levels import render_badge
from tools.catalog.records import ModelRecord, StoredResult
from tools.catalog.repository import Catalog
from tools.evidence import Evidence

if TYPE_CHECKING:
    from tools.facts import FactField

_MOST_CARDS = 5
_MOST_RESULTS = 2
_MOST_WHY = 2
_UNSAID = '<p class="label">found by the search; the answer says no more of it</p>'
_MARK = re.compile(r"\s*\[E\d+(?:\s*[,;]\s*E\d+)*\]")
_MARKUP = re.compile(r"[`*]+")


def render_cards(answer: Answer, turn: int, catalog: Catalog) -> str:
    """A card for each of the first models; models that have left the lake are passed over."""
    records = catalog.get_models(answer.models[:_MOST_CARDS])
    shown = [records[model] for model in answer.models[:_MOST_CARDS] if model in records]
    if not shown:
        return ""
    cards = "".join(_render_card(record, answer, turn, shown, catalog) for record in shown)
    more = len(answer.models) - len(shown)
    rest = f'<p class="hint">and {more} more in the answer</p>' if more > 0 else ""
    title = "The models of this answer" if len(shown) > 1 else "The model of this answer"
    return f'<section class="cards" aria-label="{title}"><h3>{title}</h3><ul>{cards}</ul>{rest}</section>'


def render_results(answer: Answer, turn: int, catalog: Catalog) -> str:
    """The reported results that an answer cites, one a row, each value opening the place it stands."""
    numbers = number_sources(answer)
    rows: list[tuple[StoredResult, Evidence]] = []
    for item in answer.evidence:
        if item.kind == "results":
            rows += [(row, item) for row in _find_results(item, answer, catalog)]
    if len(rows) < 2:
        return ""
    body = "".join(
        f'<tr><th scope="row"><bdi>{escape_line(row.row.subject or row.model)}</bdi></th>'
        f"<td><bdi>{escape_line(row.row.dataset or row.row.dataset_id) or '–'}</bdi></td>"
        f"<td>{escape_line(row.row.split) or '–'}</td><td>{escape_line(row.row.metric)}</td>"
        f'<td class="value">{escape_line(_write_value(row))} '
        f'<button type="button" class="mk" data-act="source" data-turn="{turn}" data-key="{item.id}" '
        f'data-cite="-1" title="{item.id}" aria-label="Source {numbers[item.id]} of this value. Open it">'
        f"[{numbers[item.id]}]</button></td></tr>"
        for row, item in rows
    )
    return (
        '<section class="results"><h3>Reported results, as cited</h3>'
        '<div class="table" tabindex="0" role="region" aria-label="Reported results"><table><thead><tr>'
        "<th>model</th><th>dataset</th><th>split</th><th>metric</th><th>value</th></tr></thead>"
        f"<tbody>{body}</tbody></table></div></section>"
    )


def count_parameters(number: int | None) -> str:
    """`110M parameters`; "unknown" when neither files nor card say."""
    if number is None:
        return "unknown"
    for size, unit in ((10**9, "B"), (10**6, "M"), (10**3, "K")):
        if number >= size:
            return f"{number / size:.3g}{unit} parameters"
    return f"{number} parameters"


def _render_card(
    record: ModelRecord, answer: Answer, turn: int, shown: list[ModelRecord], catalog: Catalog
) -> str:
    model = record.model
    fields: tuple[tuple[FactField, str, str], ...] = (
        ("task", "task", record.task or "unknown"),
        ("license", "licence", record.license or "not stated"),
        ("parameters", "size", count_parameters(record.parameters)),
        ("downloads", "downloads", "unknown" if record.downloads is None else f"{record.downloads:,}"),
    )
    facts = "".join(_render_fact(model, field, label, value) for field, label, value in fields)
    stored = catalog.results(model=model)
    results = "".join(f"<li>{escape_line(_describe_result(row), 120)}</li>" for row in stored[:_MOST_RESULTS])
    if len(stored) > _MOST_RESULTS:
        results += f"<li>and {len(stored) - _MOST_RESULTS} more</li>"
    why = "".join(
        f"<li>{render_badge(statement.level, statement.reason)} {_shorten_statement(statement, model)}</li>"
        for statement in answer.statements
        if _speaks_of(statement, model)
    )
    origin = '<p class="origin">our summary of its page</p>' if record.source_kind == "sample" else ""
    return (
        f'<li class="card"><h4><bdi>{escape_line(model)}</bdi></h4>{origin}<dl>{facts}</dl>'
        f'<p class="label">reported results</p><ul class="plain">{results or "<li>none stated</li>"}</ul>'
        + (f'<details class="why" data-keep="why-{escape_line(model)}"><summary>why it is named</summary>'
           f'<ul class="plain">{why}</ul></details>' if why else _UNSAID)
        + f'<div class="acts">{_render_buttons(model, shown)}</div></li>'
    )  # fmt: skip


def _render_fact(model: str, field: FactField, label: str, value: str) -> str:
    shown = escape_line(value, 80)
    if value in ("unknown", "not stated"):
        return f'<div><dt>{label}</dt><dd class="unknown">{shown}</dd></div>'
    return (
        f'<div><dt>{label}</dt><dd><button type="button" class="fact" data-act="fact" '
        f'data-model="{escape_line(model)}" data-field="{field}" '
        f'aria-label="{label}: {shown}. Show where that is stated">{shown}</button></dd></div>'
    )


def _render_buttons(model: str, shown: list[ModelRecord]) -> str:
    other = next((record.model for record in shown if record.model != model), None)
    questions = [
        ("compare", f"Compare `{model}` and `{other}`." if other else f"Which models are like `{model}`?"),
        ("lineage", f"Which model does `{model}` come from, and which come from it?"),
        ("audit", f"Audit the card of `{model}`: what is missing or contradicted?"),
        ("draft", f"Draft a model card for `{model}`."),
    ]
    return "".join(
        f'<button type="button" class="small" data-act="ask" data-question="{escape_line(question)}" '
        f'title="Asks: {escape_line(question)}" aria-label="{name} {escape_line(model)}">{name}</button>'
        for name, question in questions
    )


def _speaks_of(statement: AnswerStatement, model: str) -> bool:
    """Whether a statement gives a reason for a model: it names it, and something stands behind it."""
    return model.lower() in statement.text.lower() and statement.level != "unchecked"


def _shorten_statement(statement: AnswerStatement, model: str) -> str:
    """A statement without its marks, markup and the model's own name in front."""
    text = _MARKUP.sub("", _MARK.sub("", statement.text)).strip()
    if text.lower().startswith(model.lower()):
        text = text[len(model) :].lstrip(" :—–-,") or text
    return f"<bdi>{escape(text[:400])}</bdi>"


def _find_results(item: Evidence, answer: Answer, catalog: Catalog) -> list[StoredResult]:
    """The stored results that evidence holds, those whose value the answer says."""
    said = " ".join(statement.text for statement in answer.statements if item.id in statement.marks)
    found = []
    for row in catalog.results(model=item.model):
        value = re.escape(_write_number(row))
        if (
            row.row.text.strip()
            and (row.row.text in item.text or item.text in row.row.text)
            and row.row.locator.startswith(item.locator.partition("/")[0])
            and re.search(rf"(?<![\d.]){value}(?![\d]|\.\d)", said)
        ):
            found.append(row)
    return found[:3]


def _describe_result(row: StoredResult) -> str:
    where = row.row.dataset or row.row.dataset_id
    split = f" ({row.row.split})" if row.row.split else ""
    about = f"{row.row.subject}: " if row.row.subject else ""
    return f"{about}{row.row.metric} {_write_value(row)}" + (f" on {where}{split}" if where else split)


def _write_value(row: StoredResult) -> str:
    return f"{_write_number(row)}{row.row.unit}"


def _write_number(row: StoredResult) -> str:
    value = row.row.value
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)
