"""What stands around a conversation: the header, the list of conversations, the empty page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from assistant.cli.start import EXAMPLES
from assistant.conversations import ThreadSummary
from assistant.page.escape import escape_line
from assistant.page.levels import render_legend
from tools.catalog.records import LakeStatus, ModelRecord
from tools.lake import Lake
from tools.metrics import is_lower_better

_MOST_EXAMPLES = 5


def render_header(status: LakeStatus) -> str:
    """Name, what the lake holds, and how it is searched."""
    embedder = status.embedder or "none: words only"
    return (
        '<div class="brand"><span class="logo" aria-hidden="true"></span><h1>Model Lake Assistant</h1></div>'
        '<dl class="facts">'
        f'<div title="{escape_line(status.home)}"><dt>lake</dt><dd>{_count(status.models, "model")}, '
        f"{_count(status.papers, 'paper')}, {_count(status.results, 'reported result')}</dd></div>"
        f'<div title="{escape_line(embedder)}"><dt>search by</dt>'
        f"<dd><bdi>{escape_line(_name_embedder(status.embedder))}</bdi></dd></div></dl>"
        '<button type="button" class="small narrow-only" data-act="rail" aria-controls="lake-rail" '
        'aria-expanded="false">conversations</button>'
        '<button type="button" class="small" data-act="theme" aria-label="Switch between dark and light">'
        "◐</button>"
    )


def render_rail(threads: Sequence[ThreadSummary], current: str) -> str:
    """An owner's conversations, the latest first; the open one is marked."""
    if not threads:
        return (
            '<p class="hint">Your conversations will be listed here. They stay when you close the page.</p>'
        )
    items = "".join(_render_thread(thread, thread.thread == current) for thread in threads)
    return f'<ul class="threads">{items}</ul>'


def render_documents(names: Sequence[str]) -> str:
    """The documents a person has added to the conversation, "" when there are none."""
    if not names:
        return ""
    items = "".join(f"<li><bdi>{escape_line(name, 80)}</bdi></li>" for name in names)
    return f'<ul class="documents" aria-label="Documents you added">{items}</ul>'


def render_empty(lake: Lake) -> str:
    """What a person meets before the first question."""
    records = lake.catalog.list_models()
    if not records:
        return (
            '<section class="welcome"><h2>This lake is empty</h2>'
            "<p>There is nothing to ask about yet. Stop this server, fill the lake, and start it again:</p>"
            "<pre><code>lake ingest sample:        # short summaries to try it with\n"
            "lake ingest cards.parquet  # a dump of model cards\n"
            "lake ingest ~/models       # a folder of model repositories</code></pre></section>"
        )
    buttons = "".join(
        f'<li><button type="button" class="example" data-act="ask" data-question="{escape_line(question)}">'
        f"<bdi>{escape_line(question)}</bdi></button></li>"
        for question in choose_examples(lake, records)
    )
    return (
        '<section class="welcome"><h2>Ask a lake of models in plain words</h2>'
        "<p>Every statement of an answer is cited to the lines it stands on, and a program checks it before "
        "you see its mark. You can also drop in a model card or a paper and ask about that.</p>"
        f'<h3>For example</h3><ul class="examples">{buttons}</ul>{render_legend()}</section>'
    )


def choose_examples(lake: Lake, records: Sequence[ModelRecord]) -> list[str]:
    """Questions this very lake can answer; the sample lake has its own."""
    if all(record.source_kind == "sample" for record in records):
        return [question for question in EXAMPLES if not question.startswith("What licence does the second")]
    examples = []
    tasks = [task for task, _ in Counter(r.task for r in records if r.task).most_common(2)]
    if tasks:
        examples.append(f"Find a {tasks[0].replace('-', ' ')} model that I may use commercially.")
    results = Counter(
        (row.row.dataset or row.row.dataset_id, row.row.metric)
        for row in lake.catalog.results()
        if row.row.metric and (row.row.dataset or row.row.dataset_id) and not isinstance(row.row.value, str)
    )
    if results:
        (dataset, metric), _ = results.most_common(1)[0]
        best = "lowest" if is_lower_better(metric) else "highest"
        examples.append(f"Which model reports the {best} {metric} on {dataset}?")
    known = max(records, key=lambda record: record.downloads or 0)
    examples.append(f"What was `{known.model}` trained on?")
    if len(tasks) > 1:
        examples.append(f"Which {tasks[1].replace('-', ' ')} model is downloaded most?")
    examples.append("What is in this lake?")
    return examples[:_MOST_EXAMPLES]


def _render_thread(thread: ThreadSummary, current: bool) -> str:
    title = escape_line(thread.title, 80) or "(no words)"
    here = ' aria-current="true"' if current else ""
    name = f'data-thread="{escape_line(thread.thread)}"'
    when = f"{_count(thread.turns, 'question')}, {_describe_time(thread.updated)}"
    return (
        f"<li{' class=current' if current else ''}>"
        f'<button type="button" class="thread" data-act="open" {name}{here}>'
        f'<bdi class="thread-title">{title}</bdi>'
        f'<span class="thread-when">{when}</span>'
        f'</button><button type="button" class="small" data-act="delete" '
        f'{name} aria-label="Delete the conversation: {title}">✕</button></li>'
    )


def _describe_time(updated: str) -> str:
    """A time of the store (UTC), roughly, as seen from now."""
    try:
        then = datetime.fromisoformat(updated).replace(tzinfo=UTC)
    except ValueError:
        return escape_line(updated, 20)
    minutes = (datetime.now(UTC) - then).total_seconds() / 60
    if minutes < 2:
        return "just now"
    if minutes < 120:
        return f"{minutes:.0f} minutes ago"
    if minutes < 48 * 60:
        return f"{minutes / 60:.0f} hours ago"
    return then.date().isoformat()


def _name_embedder(embedder: str | None) -> str:
    if embedder is None:
        return "words only"
    return f"words and meaning ({embedder.partition('@')[0].rpartition('/')[2]})"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
