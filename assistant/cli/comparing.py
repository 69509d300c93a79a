"""Commands that open weights: compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.cli.invocation import Invocation
from assistant.cli.plotting import require_plot_path, write_plot

_SHOWN_LAYERS = 8
_SHOWN_KEYS = 12


def compare(
    context: typer.Context,
    a: Annotated[
        str, typer.Argument(metavar="A", help="A model of the lake, its folder, or a weights file.")
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="The other one.")],
    full: Annotated[bool, typer.Option("--full", help="Read every value, not a sample of rows.")] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw where the two differ, layer by layer.")
    ] = None,
) -> None:
    """Are two models related by their weights, how, and which came first? What else differs?"""
    from tools.comparing.places import find_place
    from tools.comparing.report import compare_places

    invocation: Invocation = context.obj
    invocation.obey_offline()
    require_plot_path(plot, (".png",))
    if all(name.startswith("hub:") or Path(name).exists() for name in (a, b)):
        places = find_place(None, a), find_place(None, b)
    else:
        with invocation.open_lake("compare", embedding=False) as lake:
            places = find_place(lake.catalog, a), find_place(lake.catalog, b)
    with invocation.progress("comparing tensors") as steps:
        document = compare_places(
            *places, full=full, progress=lambda done, of, _: steps.update(done, of, "comparing tensors")
        )
    if plot is not None:
        _plot(invocation, document, plot)
    if invocation.json:
        invocation.emit(document)
    else:
        _render(invocation, document)


def _plot(invocation: Invocation, document: dict[str, Any], plot: Path) -> None:
    from tools.plots import draw_comparison_png

    picture = draw_comparison_png(document)
    if picture is None:
        invocation.note("No tensor of the two could be compared, so there is no picture.")
        return
    write_plot(plot, picture)
    invocation.note(f"The picture is in {plot}.")


def _render(invocation: Invocation, document: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    from assistant.cli.safe_text import clean_line
    from tools.comparing.report import summarize_comparison

    console = invocation.terminal

    def say(text: str, style: str = "") -> None:
        console.print(Text(clean_line(text), style=style))

    for at, sentence in enumerate(summarize_comparison(document)):
        say(sentence, "" if at else "bold")
    for reason in document["reasons"]:
        say(f"- {reason}")
    changed = [layer for layer in document["layers"] if layer["relative_l2"]]
    changed.sort(key=lambda layer: -layer["relative_l2"])
    if changed and document["verdict"] == "related":
        table = Table(title="Where they differ most", title_justify="left")
        for name in ("tensor", "cosine", "relative L2", "rank of the difference, at least"):
            table.add_column(name, overflow="fold", justify="left" if name == "tensor" else "right")
        for layer in changed[:_SHOWN_LAYERS]:
            rank = "" if layer["delta_rank"] is None else str(layer["delta_rank"])
            table.add_row(
                clean_line(layer["name"]), f"{layer['cosine'] or 0:.5f}", f"{layer['relative_l2']:.4g}", rank
            )
        console.print(table)
    _render_differences(document, say)
    for problem in document["problems"]:
        say(f"Note: {problem}")
    for item in document["evidence"]:
        say(f"[{item['id']}] {item['source']}, {item['locator']}: {item['text']}")
        say(f"     sha256 of the bytes read {item['sha256'][:16]}…")
    read, total = document["bytes_read"], document["bytes_total"]
    more = "" if read > 0.9 * total or not read else " --full reads all."
    say(f"Read {read:,} of {total:,} bytes in {document['seconds']:.1f} s.{more}")


def _render_differences(document: dict[str, Any], say: Any) -> None:
    config = document["config_diff"]
    if config:
        say(f"Configuration: {len(config)} keys differ")
        for key, pair in list(config.items())[:_SHOWN_KEYS]:
            say(f"  {key}: {pair['a']!r} / {pair['b']!r}")
    elif config is not None:
        say("Configuration: the same")
    tokenizer = document["tokenizer_diff"]
    if tokenizer is not None:
        sizes = tokenizer["size"]
        same = "the same" if tokenizer["same"] else f"{tokenizer['overlap']:.1%} of all tokens shared"
        say(f"Tokenizer: {same} ({sizes['a']:,} / {sizes['b']:,} tokens)")
    card = document["card_diff"]
    if card is not None:
        for name, pair in card["fields"].items():
            say(f"Card, {name}: {pair['a']!r} / {pair['b']!r}")
        for row in card["results"][:_SHOWN_KEYS]:
            say(f"Card, {row['metric']} on {row['dataset'] or 'unnamed data'}: {row['a']} / {row['b']}")
