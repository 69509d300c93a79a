"""Comparisons and lineages as HTML: what the views show, and what stands inline in the chat."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import escape as escape_html
from typing import Any

from assistant.answers import Answer
from assistant.page.escape import escape, escape_line
from tools.comparing.report import summarize_comparison

_ROWS = 12
_VALUE = 160  # characters of a configuration's value
_LEAST_HEIGHT, _MOST_HEIGHT = 460, 720  # pixels of a graph
_FRAME, _ROW = 210, 64


def render_views(answer: Answer) -> str:
    """What the tools of an answer found and can be drawn: comparisons, lineages and drafted cards."""
    shown = []
    for call in answer.tools:
        if call.view is not None and call.view.kind == "comparison":
            shown.append(render_comparison(call.view.document, inline=True))
        elif call.view is not None and call.view.kind == "lineage" and call.view.document["edges"]:
            shown.append(render_lineage(call.view.document))
        elif call.view is not None and call.view.kind == "card":
            shown.append(render_card(call.view.document))
    return "".join(f'<section class="drawing">{html}</section>' for html in shown)


def render_card(document: Mapping[str, Any]) -> str:
    """A drafted card as its Markdown, folded; nothing of it is run or fetched."""
    text = str(document["markdown"])
    copied = escape_html(text, quote=True)
    return (
        f"<details class='card-text' data-keep='card'><summary>The drafted card of "
        f"<bdi>{escape_line(str(document['model']))}</bdi>, {text.count(chr(10)) + 1:,} lines</summary>"
        f'<button type="button" class="small" data-act="copy" data-copy="{copied}">copy</button>'
        f"<pre>{escape(text)}</pre></details>"
    )


def render_comparison(document: Mapping[str, Any], *, inline: bool = False) -> str:
    """A comparison document (see `tools.comparing.report`); `inline` shows the picture and little else."""
    first, *more = summarize_comparison(document)
    head = f'<h3 class="verdict {escape_line(document["verdict"])}"><bdi>{escape(first)}</bdi></h3>'
    picture = _draw_comparison(_Frozen(document))
    drawn = ""
    if picture:
        title = (
            f"Where {document['a']} and {document['b']} differ, layer by layer: relative L2 of their tensors"
        )
        drawn = f'<img class="map" alt="{escape_line(title)}" src="data:image/png;base64,{picture}">'
    if inline:
        return head + drawn
    said = head + "".join(f"<p><bdi>{escape(text)}</bdi></p>" for text in more) + drawn
    said += _list("Why", document["reasons"]) + _list("Left aside", document["problems"])
    said += _render_layers(document["layers"]) + _render_config(document["config_diff"])
    said += _render_tokenizer(document["tokenizer_diff"]) + _render_card(document["card_diff"])
    said += _render_evidence(document["evidence"])
    read = f"Read {document['bytes_read']:,} of {document['bytes_total']:,} bytes"
    return f'{said}<p class="hint">{read} in {document["seconds"]:.1f} s.</p>'


def render_lineage(document: Mapping[str, Any]) -> str:
    """A lineage document as a graph to click through, in a frame of its own that may ask for nothing."""
    from tools.plots import draw_lineage_html

    rows: dict[str, int] = {}
    for edge in document["edges"]:
        rows[edge["parent"]] = rows.get(edge["parent"], 0) + 1
    height = min(_MOST_HEIGHT, max(_LEAST_HEIGHT, _FRAME + _ROW * max(rows.values(), default=1)))
    page = escape_html(draw_lineage_html(document), quote=True)
    title = escape_line(f"Lineage of {document['model']}")
    return (
        f'<iframe class="graph" title="{title}" sandbox="allow-scripts" height="{height}" srcdoc="{page}">'
        "</iframe>"
    )


class _Frozen:
    """A document as a key: equal to itself only, so that a picture is drawn once for each."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document

    def __hash__(self) -> int:
        return hash((self.document["a"], self.document["b"], self.document["seconds"]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Frozen) and other.document == self.document


@lru_cache(maxsize=32)
def _draw_comparison(frozen: _Frozen) -> str:
    from tools.plots import draw_comparison_png

    picture = draw_comparison_png(frozen.document)
    return base64.b64encode(picture).decode() if picture else ""


def _list(title: str, texts: Sequence[str]) -> str:
    if not texts:
        return ""
    items = "".join(f"<li><bdi>{escape(text)}</bdi></li>" for text in texts)
    return f"<h4>{title}</h4><ul>{items}</ul>"


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose cells are escaped here."""
    if not rows:
        return ""
    top = "".join(f"<th>{escape_line(name)}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td><bdi>{escape_line(cell, _VALUE)}</bdi></td>" for cell in row) + "</tr>"
        for row in rows
    )
    return (
        f'<h4>{escape_line(title)}</h4><div class="table" tabindex="0" role="region" '
        f'aria-label="{escape_line(title)}"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _render_layers(layers: Sequence[Mapping[str, Any]]) -> str:
    changed = sorted(
        (layer for layer in layers if layer["relative_l2"]), key=lambda layer: -float(layer["relative_l2"])
    )
    rows = [
        (
            str(layer["name"]),
            "–" if layer["cosine"] is None else f"{layer['cosine']:.5f}",
            f"{layer['relative_l2']:.4g}",
            "–" if layer["delta_rank"] is None else f"≥ {layer['delta_rank']}",
        )
        for layer in changed[:_ROWS]
    ]
    return _table(
        "Where they differ most", ("tensor", "cosine", "relative L2", "rank of the difference"), rows
    )


def _render_config(config: Mapping[str, Any] | None) -> str:
    if config is None:
        return ""
    if not config:
        return "<h4>Configuration</h4><p>The same in both.</p>"
    rows = [(key, repr(pair["a"]), repr(pair["b"])) for key, pair in config.items()]
    return _table("Configuration", ("key", "first", "second"), rows)


def _render_tokenizer(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    sizes = found["size"]
    said = "The same in both" if found["same"] else f"{found['overlap']:.1%} of all tokens are shared"
    return f"<h4>Tokenizer</h4><p>{said} ({sizes['a']:,} and {sizes['b']:,} tokens).</p>"


def _render_card(card: Mapping[str, Any] | None) -> str:
    if card is None:
        return ""
    rows = [(name, str(pair["a"]), str(pair["b"])) for name, pair in card["fields"].items()]
    rows += [
        (f"{row['metric']} on {row['dataset'] or 'unnamed data'}", str(row["a"]), str(row["b"]))
        for row in card["results"]
    ]
    return _table("Cards", ("what", "first", "second"), rows)


def _render_evidence(evidence: Sequence[Mapping[str, Any]]) -> str:
    items = "".join(
        f'<li><bdi>{escape(item["text"])}</bdi><br><span class="hint"><bdi>{escape_line(item["source"])}, '
        f"{escape_line(item['locator'])}</bdi>, sha256 {escape_line(item['sha256'])[:16]}…</span></li>"
        for item in evidence
    )
    return f"<h4>What it stands on</h4><ul>{items}</ul>" if items else ""
