"""A lineage as a picture (PNG), drawn with matplotlib."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from tools.plots.glyphs import write_plain
from tools.plots.layout import EDGE_STYLES, Layout, PlacedEdge, lay_out, wrap_name

_COLUMN, _ROW = 3.5, 0.62  # inches
_BOX, _HEIGHT = 2.3, 0.42
_MARGIN = 0.35
_MOST_PIXELS = 30_000  # a side; matplotlib draws fewer than 2 ** 16
_INK, _QUIET, _PAPER = "#1b1f24", "#6b7280", "#ffffff"


def draw_lineage_png(document: Mapping[str, Any]) -> bytes:
    """A PNG of a lineage document (see `tools.lineage.report.describe_lineage`)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    layout = lay_out(document)
    styles = [key for key in EDGE_STYLES if any(edge.style == key for edge in layout.edges)]
    foot = 0.32 * (len(styles) + 1)
    title = f"Lineage of {document['model']}"
    width = max(
        2 * _MARGIN + (layout.columns - 1) * _COLUMN + _BOX, 5.6, min(2 * _MARGIN + 0.115 * len(title), 12.0)
    )
    height = 2 * _MARGIN + 0.4 + layout.rows * _ROW + foot
    figure = Figure(figsize=(width, height), facecolor=_PAPER)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    axes.axis("off")
    top = height - _MARGIN - 0.4
    axes.text(
        _MARGIN, height - _MARGIN, write_plain(title), fontsize=12, weight="bold", color=_INK, va="center"
    )
    _draw_edges(axes, layout, top)
    _draw_models(axes, layout, top)
    _draw_legend(axes, styles, foot)
    buffer = io.BytesIO()
    dpi = min(130.0, _MOST_PIXELS / max(width, height))
    figure.savefig(buffer, format="png", dpi=dpi, facecolor=_PAPER)
    return buffer.getvalue()


def _draw_models(axes: Any, layout: Layout, top: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    for model in layout.models:
        x, y = _MARGIN + model.column * _COLUMN, top - (model.row + 0.5) * _ROW
        axes.add_patch(
            FancyBboxPatch(
                (x, y - _HEIGHT / 2),
                _BOX,
                _HEIGHT,
                boxstyle="round,pad=0,rounding_size=0.08",
                facecolor="#fff6d6" if model.is_focus else "#f3f5f8" if model.in_lake else _PAPER,
                edgecolor=_INK if model.is_focus else "#8a93a0",
                linewidth=1.8 if model.is_focus else 0.9,
                linestyle="solid" if model.in_lake else (0, (3, 2)),
                zorder=3,
            )
        )
        owner, name = wrap_name(model.model)
        lines = [(owner, 6.5, _QUIET, 0.1), (name, 8.0, _INK, -0.07)] if owner else [(name, 8.0, _INK, 0.0)]
        for text, size, colour, rise in lines:
            axes.text(
                x + 0.1,
                y + rise,
                write_plain(text),
                fontsize=size,
                color=colour,
                va="center",
                zorder=4,
                clip_on=True,
            )


def _draw_edges(axes: Any, layout: Layout, top: float) -> None:
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    for edge in layout.edges:
        style = EDGE_STYLES[edge.style]
        points = _find_points(edge, top)
        codes = [Path.MOVETO, *[Path.CURVE4] * 3, *[Path.LINETO, *[Path.CURVE4] * 3] * len(edge.via)]
        axes.add_patch(
            FancyArrowPatch(
                path=Path(points, codes),
                arrowstyle="<|-|>" if edge.edge.get("mutual") else "-|>",
                mutation_scale=9,
                color=style.colour,
                linewidth=1.5,
                linestyle=(0, style.dashes) if style.dashes else "solid",
                zorder=2,
            )
        )
        if edge.label:
            # Nearer to the child, where edges of one parent lie apart.
            (x1, y1), (x2, y2) = points[-4], points[-1]
            axes.text(
                x1 + 0.62 * (x2 - x1),
                y1 + 0.71 * (y2 - y1),
                write_plain(edge.label),
                fontsize=6.5,
                color=style.colour,
                ha="center",
                va="center",
                zorder=5,
                bbox={"facecolor": _PAPER, "edgecolor": "none", "pad": 0.8},
            )


def _find_points(edge: PlacedEdge, top: float) -> list[tuple[float, float]]:
    """Corners of the curve from the parent's box to the child's: four for each step between two columns."""

    def place(column: float, row: float) -> tuple[float, float]:
        return _MARGIN + column * _COLUMN, top - (row + 0.5) * _ROW

    (x1, y1), (x2, y2) = place(edge.parent.column, edge.parent.row), place(edge.child.column, edge.child.row)
    if edge.parent.column >= edge.child.column:  # back, or beside: around the right of both
        x1, x2, side = x1 + _BOX, x2 + _BOX, 0.8
        return [(x1, y1), (x1 + side, y1), (x2 + side, y2), (x2, y2)]
    points = []
    start = (x1 + _BOX, y1)
    for end in (*(place(column, row) for column, row in edge.via), (x2, y2)):
        bend = (end[0] - start[0]) / 2
        points += [start, (start[0] + bend, start[1]), (end[0] - bend, end[1]), end]
        start = (end[0] + _BOX, end[1])
    return points


def _draw_legend(axes: Any, styles: list[str], foot: float) -> None:
    from matplotlib.lines import Line2D

    for at, key in enumerate(styles):
        style, y = EDGE_STYLES[key], foot - 0.28 * at
        axes.add_line(
            Line2D(
                (_MARGIN, _MARGIN + 0.5),
                (y, y),
                color=style.colour,
                linewidth=1.5,
                linestyle=(0, style.dashes) if style.dashes else "solid",
            )
        )
        axes.text(_MARGIN + 0.62, y, style.meaning, fontsize=7.5, color=_INK, va="center")
    axes.text(
        _MARGIN,
        foot - 0.28 * len(styles),
        "Arrows go from parent to child. Dashed boxes: only named, not in the lake.",
        fontsize=7.5,
        color=_QUIET,
        va="center",
    )
