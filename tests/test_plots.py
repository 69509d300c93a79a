"""Pictures of lineages and comparisons: what they hold, and that hostile names stay names."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
from matplotlib.image import imread

from tests.lineage_documents import FAMILY, HOSTILE, make_document, make_edge
from tools.plots import draw_comparison_png, draw_lineage_html, draw_lineage_png
from tools.plots.layout import EDGE_STYLES, lay_out, wrap_name


def test_generations_are_columns_and_no_two_models_share_a_place() -> None:
    layout = lay_out(FAMILY)
    columns = {model.model: model.column for model in layout.models}
    assert columns == {"lab/base": 0, "lab/chat": 1, "lab/other": 1, "lab/quiet": 1, "lab/blend": 2}
    places = {(model.column, model.row) for model in layout.models}
    assert len(places) == len(layout.models)
    assert {edge.style for edge in layout.edges} == {"supported", "contradicted", "found", "unverifiable"}
    assert layout.columns == 3
    assert layout.rows == 3


def test_a_circle_is_drawn_and_a_copy_of_a_copy_ends() -> None:
    layout = lay_out(
        make_document("a/a", [make_edge("a/a", "a/b"), make_edge("a/b", "a/a"), make_edge("a/b", "a/b")])
    )
    assert len(layout.edges) == 3
    assert draw_lineage_png(make_document("a/a", [make_edge("a/a", "a/b"), make_edge("a/b", "a/a")]))


@pytest.mark.parametrize("count", [0, 1, 60])
def test_the_picture_grows_with_the_family(count: int) -> None:
    edges = [make_edge("lab/base", f"lab/child-{n}-" + "long" * 20) for n in range(count)]
    picture = imread(io.BytesIO(draw_lineage_png(make_document("lab/base", edges))))
    assert picture.shape[0] >= 130 * 0.5 * count
    assert picture.std() > 0.01  # something is drawn


def test_the_page_holds_evidence_as_data_and_asks_nobody() -> None:
    page = draw_lineage_html(FAMILY)
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.S)[1])  # type: ignore[index]
    assert [edge["child"] for edge in data["edges"]] == [edge["child"] for edge in FAMILY["edges"]]
    assert data["edges"][1]["standing"] == EDGE_STYLES["contradicted"].meaning
    assert "default-src 'none'" in page
    assert not re.search(r"(?:src|href)=", page)
    assert page.count('class="link"') == 5
    assert page.count("data-model=") == 5


def test_hostile_names_stay_names() -> None:
    document = make_document(HOSTILE, [make_edge(HOSTILE, "lab/child")], notes=["<img onerror=x>"])
    page = draw_lineage_html(document)
    assert "<script>alert" not in page
    assert "<img" not in page
    assert page.count("<script") == 2  # the data and our own
    assert draw_lineage_png(document)


def test_cycles_and_notes_are_told() -> None:
    page = draw_lineage_html(
        make_document("a/a", [], cycles=[["a/a", "a/b", "a/a"]], notes=["Stopped early."])
    )
    assert "a/a → a/b → a/a" in page
    assert "Stopped early." in page


def test_long_names_are_cut_in_the_middle() -> None:
    owner, name = wrap_name("org/" + "x" * 50 + "-v2")
    assert owner == "org/"
    assert len(name) <= 30
    assert name.endswith("-v2")
    assert wrap_name("bare") == ("", "bare")


def _comparison(layers: Sequence[tuple[str, float | None]]) -> dict[str, Any]:
    rows = [{"name": n, "cosine": 1.0, "relative_l2": v, "delta_rank": None} for n, v in layers]
    head = {"a": "lab/a", "b": "lab/b", "verdict": "related", "relation": "finetune", "log10_p": -1063.2}
    return {**head, "layers": rows}


def test_a_comparison_is_a_map_of_layers_and_parts() -> None:
    names = [f"model.layers.{n}.self_attn.{part}_proj.weight" for n in range(80) for part in "qkvo"]
    layers: list[tuple[str, float | None]] = [(name, 0.0 if "q_proj" in name else 0.1) for name in names]
    layers += [("model.embed_tokens.weight", 0.5), ("model.norm.weight", None)]
    wide = imread(io.BytesIO(draw_comparison_png(_comparison(layers)) or b""))
    small = imread(io.BytesIO(draw_comparison_png(_comparison(layers[:8])) or b""))
    assert wide.shape[1] > small.shape[1]
    assert wide.shape[1] < 3000


def test_nothing_to_compare_is_no_picture() -> None:
    assert draw_comparison_png(_comparison([("model.norm.weight", None)])) is None
    assert draw_comparison_png(_comparison([])) is None


def test_an_edge_over_a_generation_passes_between_the_models() -> None:
    edges = [make_edge("a/a", "a/b"), make_edge("a/b", "a/c"), make_edge("a/a", "a/c", relation="merge")]
    layout = lay_out(make_document("a/a", edges))
    long = next(edge for edge in layout.edges if edge.label == "merge")
    assert [column for column, _ in long.via] == [1]
    rows = {model.model: model.row for model in layout.models}
    assert abs(long.via[0][1] - rows["a/b"]) >= 1


def test_names_in_any_script_are_drawn_without_a_warning() -> None:
    name = "组织/模型-\u202e𝔘\x00\n$\\frac"
    assert draw_lineage_png(make_document(name, [make_edge(name, "lab/child")]))
    document = {**_comparison([("model.norm.weight", 0.1)]), "a": name}
    assert draw_comparison_png(document)


def test_equal_weights_are_a_picture_too() -> None:
    picture = draw_comparison_png(_comparison([("model.norm.weight", 0.0)]))
    assert picture is not None


def test_a_chain_of_two_hundred_models_is_drawn() -> None:
    chain = [make_edge(f"lab/m{n}", f"lab/m{n + 1}") for n in range(200)]
    picture = imread(io.BytesIO(draw_lineage_png(make_document("lab/m0", chain))))
    assert picture.shape[1] <= 30_001


def test_strange_and_many_tensors_stay_readable() -> None:
    odd = [(f"decoder.{'inner' * 20}.block{n}.strange{n}.weight", 0.1) for n in range(200)]
    experts = [(f"model.layers.{n}.mlp.experts.{e}.w1.weight", 0.2) for n in range(4) for e in range(64)]
    picture = imread(io.BytesIO(draw_comparison_png(_comparison([*odd, *experts])) or b""))
    assert picture.shape[0] < 2600
    # The names of the rows begin inside of the picture: its left edge is blank.
    assert float(picture[:, :8, :3].min()) == 1.0
