"""The documents of the commands as readable text. All of a card's words pass through `safe_text`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from assistant.cli.safe_text import clean_line, clean_text

if TYPE_CHECKING:
    from rich.console import Console

_SHORT_CHARACTERS = 240
_READABLE_COLUMNS = 100
_UNKNOWN_SHOWN = 5
_LINES = re.compile(r"^(?P<file>.+)#L(?P<first>\d+)(?:-L(?P<last>\d+))?$")
_POINTER = re.compile(r"^(?P<file>.+)#/(?P<pointer>.*)$")
_FIELD_NAMES = {
    "license": "licence",
    "derived_from": "derived from",
    "base_model": "base model",
    "last_modified": "last modified",
}
_STATUS = {
    "exact": "✓ stands there word for word",
    "normalized": "✓ stands there, up to spacing and typography",
    "misattributed": "⚠ stands elsewhere",
    "fabricated": "⚠ stands nowhere",
}
_LEVELS = {
    "quoted": "quoted (the words were found in the source)",
    "facts": "facts (numbers and names were found together in the source)",
    "unchecked": "unchecked (nothing in it can be checked)",
    "failed": "⚠ failed",
}


def shorten(text: str, limit: int = _SHORT_CHARACTERS) -> str:
    """`text` on one clean line of at most `limit` characters."""
    line = clean_line(text)
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def describe_locator(locator: str) -> str:
    """A locator in words: `README.md#L12-L18` is "README.md, lines 12–18"."""
    if lines := _LINES.match(locator):
        first, last = lines["first"], lines["last"]
        span = f"lines {first}–{last}" if last and last != first else f"line {first}"
        return f"{clean_line(lines['file'])}, {span}"
    if pointer := _POINTER.match(locator):
        # A result's cell is found by its index path; a person looks for the block.
        field = pointer["pointer"].partition("/")[0]
        return clean_line(f"{pointer['file']}, field {field}")
    return clean_line(locator)


def render_search(console: Console, document: dict[str, Any]) -> None:
    """Ranked models with why, and the conditions that were understood."""
    if document["constraints"]:
        console.print(Text("Understood: " + "; ".join(map(_describe_constraint, document["constraints"]))))
    for rank, hit in enumerate(document["hits"], start=1):
        _render_hit(console, rank, hit)
    if not document["hits"]:
        console.print(Text("No model in this lake fits."))
        if document["suggestions"]:
            console.print(Text("Close names: " + ", ".join(map(clean_line, document["suggestions"]))))
    if document["unknown"]:
        console.print(Text("\nMight fit, but the card does not say:", style="bold"))
        for item in document["unknown"][:_UNKNOWN_SHOWN]:
            fields = ", ".join(dict.fromkeys(_FIELD_NAMES.get(name, name) for name in item["not_stated"]))
            console.print(Text(f"  {clean_line(item['model'])} ({fields} not stated)"), soft_wrap=True)
        more = len(document["unknown"]) - _UNKNOWN_SHOWN
        if more > 0:
            console.print(Text(f"  and {more} more (all of them with --json)"))
    for text in document["notes"]:
        console.print(Text(clean_line(text), style="dim"))


def render_answer(console: Console, document: dict[str, Any], links: dict[str, str]) -> None:
    """The answer, how its statements were checked, and its numbered sources.

    `links` maps sample models to the page that our summary speaks of.
    """
    from rich.markdown import Markdown

    # Links show their address: a card must not be able to hide one behind other words.
    answer = Markdown(clean_text(document["answer"]), hyperlinks=False)
    console.print(answer, width=min(console.width, _READABLE_COLUMNS))
    if document["evidence"] or any(item["level"] == "failed" for item in document["statements"]):
        console.print()
        console.print(Text("Checked: " + _count_levels(document["statements"]), style="dim"))
    if document["evidence"]:
        console.print(Text("Sources", style="bold"))
    by_key: dict[str, dict[str, Any]] = {}
    for citation in document["citations"]:
        by_key.setdefault(citation["evidence"], citation)
    for item in document["evidence"]:
        _render_source(console, item, by_key.get(item["id"]), links)
    if document["suggestions"]:
        console.print(
            Text("Close names: " + ", ".join(map(clean_line, document["suggestions"])), style="dim")
        )


def render_record(console: Console, document: dict[str, Any]) -> None:
    """One model: facts with their places, outline, results, lineage, files, problems of the card."""
    console.print(Text(clean_line(f"{document['model']}@{document['revision']}"), style="bold"))
    if link := document.get("our_summary_of"):
        console.print(Text(f"our summary of {clean_line(link)}", style="italic"), soft_wrap=True)
    if document["removed"]:
        console.print(Text("Removed from this lake; its name is kept for the models that come from it."))
    places = {item["id"]: item for item in document["evidence"]}
    facts = _make_table("field", "value", "where")
    for field, found in document["facts"].items():
        for fact in found:
            where = describe_locator(places[fact["evidence"]]["locator"])
            facts.add_row(_FIELD_NAMES.get(field, field), shorten(fact["value"]), where)
    unstated = [_FIELD_NAMES.get(field, field) for field, found in document["facts"].items() if not found]
    console.print(facts)
    if unstated:
        console.print(Text("Not stated: " + ", ".join(unstated), style="dim"))
    for section in document["sections"]:
        first, last = section["lines"]
        indent = "  " * max(section["level"], 1)
        title = clean_line(section["title"]) or "(before the first heading)"
        console.print(Text(f"{indent}{title}  lines {first}–{last}"), soft_wrap=True)
    if document["results"]:
        render_results(console, {"rows": document["results"], "conflicts": []})
    for edge in document["lineage"]["edges"]:
        where = edge["evidence"][0]
        console.print(
            Text(
                f"{clean_line(edge['child'])} is declared to come from {clean_line(edge['parent'])} "
                f"({edge['relation'] or 'relation not said'}; {clean_line(where['source'])}, "
                f"{describe_locator(where['locator'])})"
            )
        )
    for file in document["files"]:
        console.print(Text(f"  {clean_line(file['path'])}  {file['size']:,} bytes"), soft_wrap=True)
    for problem in document["problems"]:
        line = f" (line {problem['line']})" if problem["line"] else ""
        console.print(Text(f"⚠ {clean_line(problem['message'])}{line}", style="yellow"))


def render_results(console: Console, document: dict[str, Any]) -> None:
    """Reported results, each metric best first, with the places they stand."""
    table = _make_table("model", "metric", "value", "dataset", "split", "where")
    for row in document["rows"]:
        about = f" (of {clean_line(row['subject'])})" if row["subject"] else ""
        table.add_row(
            clean_line(row["model"]) + about,
            clean_line(row["metric"]),
            shorten(f"{row['value']}{row['unit']}", 40) + (" ✓" if row["verified"] else ""),
            shorten(" ".join(filter(None, (row["dataset"], row["config"]))), 60),
            shorten(row["split"], 30),
            describe_locator(row["source"]["locator"]),
        )
    if document["rows"]:
        console.print(table)
    else:
        console.print(Text("No reported result in this lake fits."))
    for conflict in document["conflicts"]:
        values = " and ".join(clean_line(str(value)) for value in conflict["values"])
        places = "; ".join(describe_locator(item["locator"]) for item in conflict["sources"])
        console.print(
            Text(
                f"⚠ {clean_line(conflict['model'])} reports {values} for {clean_line(conflict['metric'])} on "
                f"{clean_line(conflict['dataset'])} ({places})",
                style="yellow",
            )
        )


def render_models(console: Console, models: list[dict[str, Any]]) -> None:
    """A list of models."""
    table = _make_table("model", "task", "licence", "downloads")
    for model in models:
        table.add_row(clean_line(model["model"]), *_known_fields(model))
    console.print(table)
    console.print(Text(f"{len(models):,} models", style="dim"))


def render_figures(console: Console, document: dict[str, Any], *, depth: int = 0) -> None:
    """Any document of figures as an indented list; lists of objects as tables."""
    for key, value in document.items():
        name = f"{'  ' * depth}{clean_line(str(key))}"
        if isinstance(value, dict):
            console.print(Text(name, style="bold"))
            render_figures(console, value, depth=depth + 1)
        elif isinstance(value, (list, tuple)) and value and all(isinstance(item, dict) for item in value):
            console.print(Text(name, style="bold"))
            console.print(_table_of(value))
        else:
            console.print(Text(f"{name}: {_show_figure(value)}"), soft_wrap=True)


def _table_of(rows: Sequence[dict[str, Any]]) -> Table:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    table = _make_table(*map(clean_line, columns))
    for row in rows:
        table.add_row(*(_show_figure(row.get(column, "")) for column in columns))
    return table


def _show_figure(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return shorten(", ".join(map(_show_figure, value))) or "none"
    return shorten(str(value))


def _render_hit(console: Console, rank: int, hit: dict[str, Any]) -> None:
    facts = " · ".join(part for part in _known_fields(hit) if part)
    head = Text(f"\n{rank}. ")
    head.append(clean_line(hit["model"]), style="bold")
    head.append(f"  {facts}" if facts else "", style="dim")
    console.print(head)
    if hit["why"]:
        console.print(Padding.indent(Text("why: " + "; ".join(map(clean_line, hit["why"]))), 3))
    if link := hit.get("our_summary_of"):
        console.print(Text(f"   our summary of {clean_line(link)}", style="italic"), soft_wrap=True)
    for item in hit["evidence"][:2]:
        shown = f"[{item['id']}] {describe_locator(item['locator'])}: “{shorten(item['text'])}”"
        console.print(Padding.indent(Text(shown), 3))


def _render_source(
    console: Console, item: dict[str, Any], citation: dict[str, Any] | None, links: dict[str, str]
) -> None:
    console.print(
        Text(f"[{item['id']}] ", style="bold")
        .append(clean_line(item["source"]), style="cyan")
        .append(f", {describe_locator(item['locator'])}", style="default")
    )
    if link := links.get(item["source"].partition("@")[0]):
        console.print(Text(f"     our summary of {clean_line(link)}", style="italic"), soft_wrap=True)
    quote = clean_line(citation["quote"]) if citation else ""
    shown = Text(f"“{quote or shorten(item['text'])}”", style="dim")
    if citation and quote:
        shown.append(f"  {_STATUS[citation['status']]}")
    console.print(Padding.indent(shown, 5))


def _count_levels(statements: list[dict[str, Any]]) -> str:
    counts = {level: sum(item["level"] == level for item in statements) for level in _LEVELS}
    return "; ".join(f"{count} {_LEVELS[level]}" for level, count in counts.items() if count) or "nothing"


def _describe_constraint(constraint: dict[str, Any]) -> str:
    name = _FIELD_NAMES.get(constraint["field"], constraint["field"])
    sign = {"is": "is", "min": "at least", "max": "at most"}[constraint["op"]]
    strength = "required" if constraint["hard"] else "guessed"
    negation = "not " if constraint["negated"] else ""
    return f"{name} {sign} {negation}{clean_line(str(constraint['value']))} ({strength})"


def _known_fields(model: dict[str, Any]) -> tuple[str, str, str]:
    downloads = model["downloads"]
    return (
        clean_line(model["task"] or ""),
        clean_line(model["license"] or ""),
        f"{downloads:,} downloads" if downloads else "",
    )


def _make_table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column == "model")
    return table
