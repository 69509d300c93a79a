"""Where two models differ: layers across, parts of a layer down, how far apart they are as colour."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tools.plots.glyphs import write_plain
from tools.weights.roles import Role, read_role

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CELL = 0.3  # inches
_WIDEST = 15.0
_LEAST, _MOST = 1e-4, 2.0  # of relative L2: below is drawn as equal, independent models reach about 1.4
_PARTS = {
    "embed": "embeddings",
    "token_type": "token types",
    "position": "positions",
    "embed_norm": "norm of embeddings",
    "norm_attention": "norm of attention",
    "qkv": "q, k, v",
    "q": "q",
    "k": "k",
    "v": "v",
    "o": "attention output",
    "norm_mlp": "norm of MLP",
    "gate_up": "gate, up",
    "gate": "gate",
    "up": "up",
    "down": "down",
    "norm_final": "last norm",
    "head": "head",
}
_LONGEST = 34  # characters of a row's name
_MOST_ROWS = 48
_REST = "everything else"
_INK, _QUIET, _PAPER = "#1b1f24", "#6b7280", "#ffffff"


def draw_comparison_png(document: Mapping[str, Any]) -> bytes | None:
    """A PNG of a comparison document (see `tools.comparing.report`); None when no tensor was compared.

    Relative L2, |B - A| / |A|, on a logarithmic scale; grey where the tensors are equal, white where there is
    none. Tensors outside the layers (embeddings, head) stand in the first column.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    rows, columns, values, equal = _arrange(document["layers"])
    if not rows:
        return None
    cell = min(_CELL, _WIDEST / len(columns))
    left, right, top, bottom = 2.5, 1.5, 0.95, 0.75
    width = max(left + cell * len(columns) + right, 7.2)
    height = top + _CELL * len(rows) + bottom
    figure = Figure(figsize=(width, height), facecolor=_PAPER)
    FigureCanvasAgg(figure)
    axes = figure.add_axes(
        (left / width, bottom / height, cell * len(columns) / width, _CELL * len(rows) / height)
    )
    axes.imshow(_paint_equal(equal), aspect="auto", interpolation="nearest")
    drawn = axes.imshow(
        values, aspect="auto", interpolation="nearest", cmap="viridis_r", norm=LogNorm(_LEAST, _MOST)
    )
    axes.set_yticks(range(len(rows)), [write_plain(row) for row in rows], fontsize=7.5, color=_INK)
    step = max(1, math.ceil(len(columns) / 24))
    shown = [at for at, _ in enumerate(columns) if at % step == 0]
    axes.set_xticks(shown, [columns[at] for at in shown], fontsize=7.5, color=_INK)
    axes.set_xlabel("layer", fontsize=8, color=_QUIET)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_edgecolor("#c5cbd3")
    bar = figure.add_axes(
        (
            (left + cell * len(columns) + 0.25) / width,
            bottom / height,
            0.16 / width,
            _CELL * len(rows) / height,
        )
    )
    figure.colorbar(drawn, cax=bar)
    bar.tick_params(labelsize=7, colors=_INK)
    bar.set_title("relative L2", fontsize=7.5, color=_QUIET, loc="left")
    title = write_plain(f"{document['a']} / {document['b']}")
    size = min(10.0, 10.0 * (width - 0.3) / (0.095 * len(title)))
    figure.text(0.15 / width, 1 - 0.28 / height, title, fontsize=size, weight="bold", color=_INK, va="center")
    figure.text(0.15 / width, 1 - 0.52 / height, _describe(document), fontsize=8, color=_QUIET, va="center")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130, facecolor=_PAPER)
    return buffer.getvalue()


def _describe(document: Mapping[str, Any]) -> str:
    said = str(document["verdict"])
    if document["relation"]:
        said += f", {document['relation']}"
    log10_p = document["log10_p"]
    if log10_p is not None:
        said += f", p = {10**log10_p:.2g}" if log10_p > -300 else f", p = 1e{log10_p:.0f}"
    return said + ". Grey: equal. White: nothing to compare. –: outside the layers."


def _arrange(
    layers: Sequence[Mapping[str, Any]],
) -> tuple[list[str], list[str], NDArray[np.float64], NDArray[np.bool_]]:
    """Names of rows and columns, relative L2 (NaN where there is none) and where the tensors are equal."""
    import numpy as np

    found: dict[tuple[str, str], list[float]] = {}
    numbers: set[int] = set()
    for layer in layers:
        if layer["relative_l2"] is None:
            continue
        role = read_role(str(layer["name"]))
        column = "–" if role.layer is None else str(role.layer)
        if role.layer is not None:
            numbers.add(role.layer)
        found.setdefault((_name_row(role, str(layer["name"])), column), []).append(
            float(layer["relative_l2"])
        )
    rows = sorted(dict.fromkeys(row for row, _ in found), key=_place_row)
    if len(rows) > _MOST_ROWS:
        kept, joined = set(rows[: _MOST_ROWS - 1]), dict[tuple[str, str], list[float]]()
        for (row, column), several in found.items():
            joined.setdefault((row if row in kept else _REST, column), []).extend(several)
        found, rows = joined, [*rows[: _MOST_ROWS - 1], _REST]
    outside = any(column == "–" for _, column in found)
    columns = (["–"] if outside else []) + [str(number) for number in sorted(numbers)]
    values = np.full((len(rows), len(columns)), np.nan)
    for (row, column), several in found.items():
        values[rows.index(row), columns.index(column)] = math.sqrt(sum(v * v for v in several) / len(several))
    equal = values == 0.0
    shown = np.where(equal | np.isnan(values), np.nan, np.clip(values, _LEAST, _MOST))
    return rows, columns, shown, equal


def _name_row(role: Role, name: str) -> str:
    if role.part == "other":
        # Experts and the like are one row, and names that say nothing to a reader stay short.
        return _shorten(re.sub(r"(?<![^.])\d+(?![^.])", "*", role.rest or name))
    return _PARTS.get(role.part, role.part) + (" (bias)" if role.bias else "")


def _shorten(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST // 2 - 1]}…{name[-_LONGEST // 2 :]}"


def _place_row(row: str) -> tuple[int, str]:
    """Parts in the order in which a token meets them; what has no known place comes last."""
    part = row.removesuffix(" (bias)")
    known = list(_PARTS.values())
    return (known.index(part) if part in known else len(known), row)


def _paint_equal(equal: NDArray[np.bool_]) -> NDArray[np.float64]:
    import numpy as np

    picture = np.ones((*equal.shape, 3))
    picture[equal] = (0.86, 0.88, 0.9)
    return picture
