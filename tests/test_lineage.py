"""Declared lineage: what cards name, joined into a graph that bad metadata cannot lead in circles."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.entries import make_entry
from tests.lakes import open_catalog, put_card, write_card
from tools.catalog.sqlite import SqliteCatalog
from tools.evidence import Evidence, EvidenceLedger
from tools.facts import collect_facts
from tools.hashing import hash_bytes
from tools.ingest import ingest
from tools.lake import Lake
from tools.lineage import trace_declared
from tools.places import Places


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[SqliteCatalog]:
    opened = open_catalog(tmp_path)
    yield opened
    opened.close()


def declare(catalog: SqliteCatalog, **parents: str) -> None:
    """Cards `nimbus/CHILD` that name `nimbus/PARENT` (more than one, separated by spaces)."""
    for child, names in parents.items():
        bases = [name if "/" in name else f"nimbus/{name}" for name in names.split()]
        head: dict[str, Any] = {"base_model": bases[0] if len(bases) == 1 else bases} if bases else {}
        put_card(catalog, f"nimbus/{child}", write_card(f"# {child}\n", **head))


def bare(names: tuple[str, ...]) -> list[str]:
    return [name.removeprefix("nimbus/") for name in names]


def test_ancestors_are_given_nearest_first_and_descendants_too(catalog: SqliteCatalog) -> None:
    declare(catalog, a="", b="a", c="b", d="c", other="")
    lineage = trace_declared(catalog, "nimbus/c")
    assert bare(lineage.ancestors) == ["b", "a"]
    assert bare(lineage.descendants) == ["d"]
    assert [(bare((e.child,))[0], bare((e.parent,))[0]) for e in lineage.edges] == [
        ("c", "b"), ("b", "a"), ("d", "c"),
    ]  # fmt: skip
    assert lineage.cycles == ()
    assert trace_declared(catalog, "nimbus/other").edges == ()


@pytest.mark.parametrize(
    ("depth", "ancestors", "descendants"),
    [(0, [], []), (1, ["c"], ["e"]), (2, ["c", "b"], ["e", "f"]), (20, ["c", "b", "a"], ["e", "f"])],
)
def test_depth_counts_steps_in_both_directions(
    catalog: SqliteCatalog, depth: int, ancestors: list[str], descendants: list[str]
) -> None:
    declare(catalog, a="", b="a", c="b", d="c", e="d", f="e")
    lineage = trace_declared(catalog, "nimbus/d", depth=depth)
    assert (bare(lineage.ancestors), bare(lineage.descendants)) == (ancestors, descendants)
    assert len(lineage.edges) == len(ancestors) + len(descendants)


def test_a_merge_has_several_parents_and_a_diamond_is_no_cycle(catalog: SqliteCatalog) -> None:
    declare(catalog, root="", left="root", right="root", merged="left right")
    lineage = trace_declared(catalog, "nimbus/merged")
    assert bare(lineage.ancestors) == ["left", "right", "root"]
    assert len(lineage.edges) == 4
    assert {edge.declared.relation for edge in lineage.edges if edge.child == "nimbus/merged"} == {"merge"}
    assert lineage.cycles == ()
    assert bare(trace_declared(catalog, "nimbus/root").descendants) == ["left", "right", "merged"]


def test_parents_that_are_in_no_lake_are_named_as_written(catalog: SqliteCatalog) -> None:
    declare(catalog, child="Elsewhere/Big-Base")
    (edge,) = trace_declared(catalog, "nimbus/child").edges
    assert (edge.parent, edge.in_lake) == ("Elsewhere/Big-Base", False)
    upstream = trace_declared(catalog, "elsewhere/big-base")  # asked for in another case
    assert upstream.descendants == ("nimbus/child",)
    assert trace_declared(catalog, "elsewhere/small-base").edges == ()


def test_a_removed_parent_is_only_named(catalog: SqliteCatalog) -> None:
    declare(catalog, old="", parent="old", child="parent")
    catalog.remove_model("nimbus/parent")
    lineage = trace_declared(catalog, "nimbus/child")
    (edge,) = lineage.edges
    assert (edge.parent, edge.in_lake) == ("nimbus/parent", False)
    assert lineage.ancestors == ("nimbus/parent",)  # what it was made from is gone with its card
    assert trace_declared(catalog, "nimbus/parent").descendants == ("nimbus/child",)
    assert trace_declared(catalog, "nimbus/old").descendants == ()


def test_a_removed_child_declares_nothing_any_more(catalog: SqliteCatalog) -> None:
    declare(catalog, parent="", child="parent")
    catalog.remove_model("nimbus/child")
    assert trace_declared(catalog, "nimbus/parent").edges == ()


@pytest.mark.parametrize(
    ("parents", "asked", "circle"),
    [
        ({"egg": "hen", "hen": "egg"}, "egg", {"egg", "hen"}),
        ({"a": "b", "b": "c", "c": "a"}, "b", {"a", "b", "c"}),
        # The circle lies further up: the model asked for is no part of it.
        ({"leaf": "x", "x": "y", "y": "x"}, "leaf", {"x", "y"}),
        # Two ways lead into it, the shorter one from behind.
        ({"leaf": "late early", "early": "p", "late": "q", "p": "q", "q": "p"}, "leaf", {"p", "q"}),
    ],
)
def test_cycles_are_reported_once_and_not_followed(
    catalog: SqliteCatalog, parents: dict[str, str], asked: str, circle: set[str]
) -> None:
    declare(catalog, **parents)
    lineage = trace_declared(catalog, f"nimbus/{asked}")
    (cycle,) = lineage.cycles
    assert cycle[0] == cycle[-1]
    assert set(bare(cycle)) == circle
    assert len(cycle) == len(circle) + 1
    assert set(bare(lineage.ancestors)) == set(parents) - {asked}
    edges = {(edge.child, edge.parent) for edge in lineage.edges}
    assert all(pair in edges for pair in pairwise(cycle))


def test_two_circles_are_two_reports(catalog: SqliteCatalog) -> None:
    declare(catalog, mid="left right", left="mid", right="mid")
    cycles = trace_declared(catalog, "nimbus/mid").cycles
    assert sorted(sorted(set(bare(cycle))) for cycle in cycles) == [["left", "mid"], ["mid", "right"]]


def test_a_card_that_names_itself_has_no_parent(catalog: SqliteCatalog) -> None:
    declare(catalog, selfish="nimbus/Selfish")
    lineage = trace_declared(catalog, "nimbus/selfish")
    assert (lineage.ancestors, lineage.descendants, lineage.cycles) == ((), (), ())


def test_a_bare_name_that_fits_two_models_is_resolved_to_neither(catalog: SqliteCatalog) -> None:
    for owner in ("nimbus", "harbour"):
        put_card(catalog, f"{owner}/tern-base", write_card(f"# By {owner}\n"))
    put_card(catalog, "nimbus/child", write_card("# C\n", base_model="tern-base"))
    (edge,) = trace_declared(catalog, "nimbus/child").edges
    assert (edge.parent, edge.in_lake) == ("tern-base", False)
    assert trace_declared(catalog, "nimbus/tern-base").descendants == ()
    catalog.remove_model("harbour/tern-base")  # now it can only be the other one
    (edge,) = trace_declared(catalog, "nimbus/child").edges
    assert (edge.parent, edge.in_lake) == ("nimbus/tern-base", True)
    assert trace_declared(catalog, "nimbus/tern-base").descendants == ("nimbus/child",)


def test_every_edge_can_be_cited(catalog: SqliteCatalog) -> None:
    prose = "# C\n\nThis model is a fine-tuned version of [nimbus/base](https://example.org) on poems.\n"
    put_card(catalog, "nimbus/base", write_card("# B\n"))
    put_card(catalog, "nimbus/prose", prose)
    declare(catalog, head="base")
    places = Places(catalog)
    edges = trace_declared(catalog, "nimbus/base").edges
    assert {edge.declared.origin for edge in edges} == {"prose", "metadata"}
    for edge in edges:
        assert "nimbus/base" in edge.declared.text
        assert places.check(_cite(edge)).verdict == "holds"


def test_a_large_family_is_traced_quickly(catalog: SqliteCatalog) -> None:
    card = write_card("# A child\n", base_model="nimbus/base")
    entries = [make_entry(f"nimbus/m{number}", card) for number in range(800)]
    catalog.put_models([make_entry("nimbus/base"), *entries], source="made-up")
    began = time.perf_counter()
    lineage = trace_declared(catalog, "nimbus/base")
    assert len(lineage.descendants) == len(lineage.edges) == 800
    assert time.perf_counter() - began < 10


# -- adapters: what PEFT writes beside the weights ----------------------------------------------------


def _cite(edge: Any) -> Evidence:
    return EvidenceLedger().add(
        "lineage", edge.source, edge.declared.locator, edge.declared.text, edge.sha256
    )


def _ingest_adapter(lake: Lake, root: Path, config: str | bytes, card: str | None = "# An adapter\n") -> None:
    folder = root / "nimbus" / "quill-lora"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_bytes(config.encode() if isinstance(config, str) else config)
    if card is not None:
        (folder / "README.md").write_text(card, encoding="utf-8")
    ingest(lake, [str(root)])


@pytest.fixture
def lake(home: Path) -> Iterator[Lake]:
    with Lake.open(home, embedder=None) as opened:
        yield opened


@pytest.mark.parametrize(
    "config",
    [
        json.dumps({"base_model_name_or_path": "harbour/quill-base", "peft_type": "LORA"}, indent=2),
        '{"peft_type":"LORA","base_model_name_or_path":"harbour/quill-base"}',
        '{\n\t"base_model_name_or_path" :\n  "harbour\\/quill-base", "r": 8}',
        '\ufeff{"x": {"base_model_name_or_path": "x/y"}, "base_model_name_or_path": "harbour/quill-base"}',
        '{"base_model_name_or_path": "https://huggingface.co/harbour/quill-base"}',
    ],
)
def test_an_adapter_declares_its_base(lake: Lake, tmp_path: Path, config: str) -> None:
    _ingest_adapter(lake, tmp_path / "models", config)
    (edge,) = trace_declared(lake.catalog, "nimbus/quill-lora").edges
    assert (edge.parent, edge.declared.relation, edge.declared.origin) == (
        "harbour/quill-base",
        "adapter",
        "config",
    )
    assert edge.declared.confidence == 1.0
    assert edge.declared.locator == "adapter_config.json#/base_model_name_or_path"
    assert edge.declared.text in config
    assert edge.sha256 == hash_bytes(config.encode())
    assert Places(lake.catalog).check(_cite(edge)).verdict == "holds"
    assert trace_declared(lake.catalog, "harbour/quill-base").descendants == ("nimbus/quill-lora",)
    (fact,) = collect_facts(lake.catalog, "nimbus/quill-lora", ["base_model"])["base_model"]
    assert (fact.kind, fact.locator, fact.text) == ("config", edge.declared.locator, edge.declared.text)
    assert Places(lake.catalog).check(fact.register(EvidenceLedger())).verdict == "holds"


def test_an_adapter_without_a_card_is_traced_too(lake: Lake, tmp_path: Path) -> None:
    _ingest_adapter(lake, tmp_path / "models", '{"base_model_name_or_path": "harbour/quill-base"}', None)
    assert trace_declared(lake.catalog, "nimbus/quill-lora").ancestors == ("harbour/quill-base",)


@pytest.mark.parametrize(
    "base",
    [
        "/home/someone/models/quill-base", "./checkpoint-500", "../quill", "C:\\models\\quill",
        "a/b/c/quill-base", "", None, 7, ["harbour/quill-base"], "x" * 5000,
    ],
)  # fmt: skip
def test_a_place_on_the_machine_of_training_is_no_parent(lake: Lake, tmp_path: Path, base: Any) -> None:
    _ingest_adapter(lake, tmp_path / "models", json.dumps({"base_model_name_or_path": base}))
    assert lake.catalog.model_names() == ["nimbus/quill-lora"]
    assert trace_declared(lake.catalog, "nimbus/quill-lora").edges == ()


@pytest.mark.parametrize(
    ("card", "origins"),
    [
        (write_card("# A\n", base_model="harbour/quill-base", library_name="peft"), ["config"]),
        (write_card("# A\n", base_model="Harbour/Quill-Base"), ["config"]),
        ("# A\n\nThis is a fine-tuned version of harbour/quill-base on poems.\n", ["config"]),
        # Another model, or another relation to it, is another statement: both places are shown.
        (write_card("# A\n", base_model="mirror/quill-base", library_name="peft"), ["config", "metadata"]),
        (
            write_card("# A\n", base_model="harbour/quill-base", base_model_relation="quantized"),
            ["config", "metadata"],
        ),
    ],
)
def test_what_the_card_says_of_the_same_base_counts_once(
    lake: Lake, tmp_path: Path, card: str, origins: list[str]
) -> None:
    _ingest_adapter(lake, tmp_path / "models", '{"base_model_name_or_path": "harbour/quill-base"}', card)
    edges = trace_declared(lake.catalog, "nimbus/quill-lora").edges
    assert [edge.declared.origin for edge in edges] == origins
    assert all(Places(lake.catalog).check(_cite(edge)).verdict == "holds" for edge in edges)


def test_evidence_of_a_configuration_that_was_changed_since(lake: Lake, tmp_path: Path) -> None:
    root = tmp_path / "models"
    _ingest_adapter(lake, root, '{"base_model_name_or_path": "harbour/quill-base", "r": 8}')
    (edge,) = trace_declared(lake.catalog, "nimbus/quill-lora").edges
    cited = _cite(edge)
    forged = cited.model_copy(update={"text": '"base_model_name_or_path": "harbour/other"'})
    assert Places(lake.catalog).check(forged).verdict == "failed"
    elsewhere = cited.model_copy(update={"locator": "adapter_config.json#/r"})
    assert Places(lake.catalog).check(elsewhere).verdict == "failed"
    _ingest_adapter(lake, root, '{"base_model_name_or_path": "harbour/quill-base", "r": 16}')
    assert Places(lake.catalog).check(cited).verdict == "changed"
    (edge,) = trace_declared(lake.catalog, "nimbus/quill-lora").edges
    assert Places(lake.catalog).check(_cite(edge)).verdict == "holds"
    (root / "nimbus" / "quill-lora" / "adapter_config.json").write_text('{"r": 16}')
    ingest(lake, [str(root)])
    assert Places(lake.catalog).check(cited).verdict == "changed"
    assert trace_declared(lake.catalog, "nimbus/quill-lora").edges == ()
