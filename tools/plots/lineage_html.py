"""A lineage as one page of HTML that needs nothing else: click a model or an edge to see its evidence.

The picture is SVG; names and evidence are escaped where they are written into it, and given to the script as
data. The page's own policy (Content-Security-Policy) forbids every request.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Any

from tools.plots.layout import EDGE_STYLES, Layout, PlacedEdge, PlacedModel, lay_out, wrap_name

_COLUMN, _ROW = 330, 62  # pixels
_BOX, _HEIGHT = 216, 44
_MARGIN = 24


def draw_lineage_html(document: Mapping[str, Any]) -> str:
    """The page for a lineage document (see `tools.lineage.report.describe_lineage`)."""
    layout = lay_out(document)
    script, style = _read("lineage.js"), _read("lineage.css")
    title = escape(f"Lineage of {document['model']}")
    styles = [key for key in EDGE_STYLES if any(edge.style == key for edge in layout.edges)]
    notes = "".join(f"<li>{escape(str(note))}</li>" for note in document.get("notes", ()))
    for cycle in document.get("cycles", ()):
        circle = " → ".join(escape(str(name)) for name in cycle)
        notes += f"<li>The declarations go in a circle: {circle}.</li>"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '{_hash(style)}';
 script-src '{_hash(script)}'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{style}</style></head>
<body><h1>{title}</h1>
<p class="hint">Arrows go from parent to child. Choose a model or an arrow to see what it stands on.</p>
<ul class="legend">{"".join(_draw_key(key) for key in styles)}</ul>
<main><div class="graph" tabindex="-1">{_draw_graph(layout)}</div>
<aside aria-live="polite" id="details"><p class="hint">Nothing is chosen.</p></aside></main>
{f'<ul class="notes">{notes}</ul>' if notes else ""}
<script type="application/json" id="data">{_write_data(layout)}</script>
<script>{script}</script></body></html>
"""


def _read(name: str) -> str:
    return (files("tools.plots") / "assets" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _write_data(layout: Layout) -> str:
    """What the script shows: models and edges in the order of the picture. `<` cannot close the element."""
    data = {
        "models": [
            {"model": model.model, "in_lake": model.in_lake, "problem": model.problem}
            for model in layout.models
        ],
        "edges": [{**edge.edge, "standing": EDGE_STYLES[edge.style].meaning} for edge in layout.edges],
    }
    text = json.dumps(data, ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _draw_key(key: str) -> str:
    return (
        f'<li><svg width="44" height="10" aria-hidden="true">'
        f'<line x1="0" y1="5" x2="44" y2="5" class="edge {key}"/></svg>'
        f"{escape(EDGE_STYLES[key].meaning)}</li>"
    )


def _draw_graph(layout: Layout) -> str:
    width = 2 * _MARGIN + (layout.columns - 1) * _COLUMN + _BOX
    height = 2 * _MARGIN + layout.rows * _ROW
    heads = "".join(
        f'<marker id="head-{key}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="11" markerHeight="11" '
        f'markerUnits="userSpaceOnUse" '
        f'orient="auto-start-reverse"><path d="M0 0 8 4 0 8z" class="head {key}"/></marker>'
        for key in EDGE_STYLES
    )
    drawn = [_draw_edge(at, edge) for at, edge in enumerate(layout.edges)]
    drawn += [_draw_model(at, model) for at, model in enumerate(layout.models)]
    return (
        f'<svg viewBox="0 0 {width} {height:.0f}" width="{width}" height="{height:.0f}" role="group" '
        f'aria-label="Graph of the lineage"><defs>{heads}</defs>{"".join(drawn)}</svg>'
    )


def _place(model: PlacedModel) -> tuple[float, float]:
    return _MARGIN + model.column * _COLUMN, _MARGIN + (model.row + 0.5) * _ROW


def _draw_model(at: int, model: PlacedModel) -> str:
    x, y = _place(model)
    owner, name = wrap_name(model.model)
    kind = "model" + (" focus" if model.is_focus else "") + ("" if model.in_lake else " named")
    lines = f'<text x="{x + 10}" y="{y + (14 if owner else 5):.1f}" class="name">{escape(name)}</text>'
    if owner:
        lines += f'<text x="{x + 10}" y="{y - 5:.1f}" class="owner">{escape(owner)}</text>'
    return (
        f'<g class="{kind}" data-model="{at}" tabindex="0" role="button" aria-label="{escape(model.model)}">'
        f"<title>{escape(model.model)}</title>"
        f'<rect x="{x}" y="{y - _HEIGHT / 2:.1f}" width="{_BOX}" height="{_HEIGHT}" rx="7"/>{lines}</g>'
    )


def _draw_edge(at: int, edge: PlacedEdge) -> str:
    (x1, y1), (x2, y2) = _place(edge.parent), _place(edge.child)
    if edge.parent.column < edge.child.column:
        ends = [(_MARGIN + column * _COLUMN, _MARGIN + (row + 0.5) * _ROW) for column, row in edge.via]
        x1 += _BOX
        path = f"M{x1} {y1:.1f}"
        for number, (x, y) in enumerate([*ends, (x2, y2)]):
            if number:  # across the column, through the gap
                x1 += _BOX
                path += f"H{x1}"
            bend = (x - x1) / 2
            path += f"C{x1 + bend} {y1:.1f} {x - bend} {y:.1f} {x} {y:.1f}"
            if number < len(ends):
                x1, y1 = x, y
    else:
        x1, x2, side = x1 + _BOX, x2 + _BOX, _BOX / 2
        path = f"M{x1} {y1:.1f}C{x1 + side} {y1:.1f} {x2 + side} {y2:.1f} {x2} {y2:.1f}"
    back = f' marker-start="url(#head-{edge.style})"' if edge.edge.get("mutual") else ""
    label = ""
    if edge.label:
        x, y = x1 + 0.62 * (x2 - x1), y1 + 0.71 * (y2 - y1)
        label = f'<text x="{x:.1f}" y="{y - 4:.1f}" class="label {edge.style}">{escape(edge.label)}</text>'
    said = f"{edge.parent.model} to {edge.child.model}: {EDGE_STYLES[edge.style].meaning}"
    return (
        f'<g class="link" data-edge="{at}" tabindex="0" role="button" aria-label="{escape(said)}">'
        f'<path d="{path}" class="reach"/>'
        f'<path d="{path}" class="edge {edge.style}" marker-end="url(#head-{edge.style})"{back}/>{label}</g>'
    )
