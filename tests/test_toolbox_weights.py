"""The tools that look at weights, and what the verifier makes of statements on what they find."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.answers import ToolView
from assistant.mcp.schemas import input_schema
from assistant.toolbox import ToolContext, make_tools
from tests.weighed_lake import LAB, weigh_sample
from tools.comparing.finding import Finding, FindingKind, read_finding, write_finding
from tools.evidence import EvidenceLedger
from tools.lake import Lake
from tools.verification import verify_answer

Call = Callable[..., tuple[dict[str, Any], ToolView | None, ToolContext]]


@pytest.fixture(scope="module")
def lake(sample_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with Lake.open(weigh_sample(sample_home, tmp_path_factory), embedder=None) as opened:
        yield opened


@pytest.fixture
def call(lake: Lake) -> Call:
    def run(name: str, **arguments: Any) -> tuple[dict[str, Any], ToolView | None, ToolContext]:
        context = ToolContext(lake=lake, ledger=EvidenceLedger())
        tool: Any = {tool.name: tool for tool in make_tools(context)}[name]
        text, outcome = tool.func(**arguments)
        return json.loads(text), outcome["view"], context

    return run


def test_a_comparison_says_verdict_statistic_and_differences(call: Call) -> None:
    found, view, context = call("compare_models", a="brook-base", b="brook-chat-sparse")
    assert found["weights"]["verdict"] == "related"
    passage = context.ledger.get(found["weights"]["key"])
    assert passage is not None
    assert passage.kind == "weights"
    assert read_finding(passage.text) == Finding("made", f"{LAB}/brook-chat-sparse", f"{LAB}/brook-base")
    assert "p = 10^-" in passage.text
    assert "zeros" in passage.text
    assert [edge["child"] for edge in found["lineage"]["path"]] == [
        f"{LAB}/brook-chat-sparse",
        f"{LAB}/brook-chat",
    ]
    assert found["tokenizer"]["same"]
    assert found["same_config"]["key"]
    assert view is not None
    assert view.kind == "comparison"
    assert {item["id"] for item in view.document["evidence"]} <= {item.id for item in context.ledger}
    assert len(json.dumps(found)) < 8_000  # it fills a language model's context


def test_a_configuration_is_cited_verbatim(call: Call, lake: Lake) -> None:
    found, _, context = call("compare_models", a="fern-base", b="fern-reviews")
    sides = next(entry for entry in found["config"] if entry["field"] == "architectures")["sides"]
    passages = [context.ledger.get(side["key"]) for side in sides]
    assert [item and item.locator for item in passages] == ["config.json#/architectures"] * 2
    assert passages[0] is not None
    assert "BertForMaskedLM" in passages[0].text


def test_a_false_parent_is_told_beside_the_true_one(call: Call) -> None:
    found, view, context = call("trace_lineage", model="delta-notes")
    (declared,) = found["edges"]
    assert (declared["parent"], declared["weights"]) == (f"{LAB}/delta-base", "contradicted")
    assert "contradicted" in declared["weights_text"]
    assert "p = 0." in declared["weights_text"]
    assert [edge["parent"] for edge in found["found"]] == [f"{LAB}/brook-base"]
    assert found["ancestors"] == [f"{LAB}/brook-base"]
    assert view is not None
    assert view.kind == "lineage"
    assert {declared["key"], declared["weights_key"]} <= set(context.read)


def test_the_whole_lake_is_looked_through(call: Call) -> None:
    found, _, _ = call("trace_lineage")
    assert [edge["child"] for edge in found["contradicted"]] == [f"{LAB}/delta-notes"]
    assert {edge["child"] for edge in found["undeclared"]} >= {f"{LAB}/quiet-mill", f"{LAB}/delta-notes"}
    assert {frozenset((edge["child"], edge["parent"])) for edge in found["copies"]} == {
        frozenset((f"{LAB}/fern-base", f"{LAB}/moss-base"))
    }


def test_neighbours_by_weights_are_compared(call: Call) -> None:
    found, _, context = call("find_similar_by_weights", model="moss-base", limit=3)
    first = found["models"][0]
    assert (first["model"], first["relation"]) == (f"{LAB}/fern-base", "duplicate")
    passage = context.ledger.get(first["key"])
    assert passage is not None
    assert read_finding(passage.text) == Finding("copies", f"{LAB}/moss-base", f"{LAB}/fern-base")


def test_without_weights_the_cards_speak(call: Call, lake: Lake) -> None:
    card_only = next(n for n in lake.catalog.model_names() if n not in lake.catalog.weight_places())
    found, view, _ = call("compare_models", a=card_only, b="brook-base")
    assert found["without_weights"] == [card_only]
    assert "weights" not in found
    assert view is None
    assert found["cards"]
    missing, _, _ = call("compare_models", a="brook-base", b="no-such-lab/no-such-model")
    assert "hint" in missing
    same, _, _ = call("compare_models", a="brook-base", b=f"{LAB}/brook-base")
    assert "Name two models" in same["hint"]


def test_schemas_are_small(lake: Lake) -> None:
    tools: list[Any] = make_tools(ToolContext(lake=lake, ledger=EvidenceLedger()))
    for tool in tools:
        if tool.name in ("compare_models", "trace_lineage", "find_similar_by_weights"):
            assert len(json.dumps(input_schema(tool.args_schema))) < 500


# -- findings and statements on them -------------------------------------------------------------

NOTES, BASE, OTHER = "pond-lab/reed-notes", "pond-lab/reed-base", "pond-lab/moss-v1.5"
MATCHED = (
    "192 of 192 sampled neurons of model.layers.0.mlp.gate_proj.weight match the neuron of the same number "
    "in the other model; over all 3 layers tested p = 10^-1,063 for independent training."
)
CHANCE = (
    "3 of 576 neurons sampled from 3 layers match the neuron of the same number, as many as chance gives "
    "where two models were trained independently (p = 0.73). The two differ most in 'lm_head.weight' "
    "(relative L2 1.45, cosine -0.0493)."
)
_FOUND: tuple[tuple[FindingKind, str, str, str, str], ...] = (
    ("made", NOTES, BASE, " (finetune, confidence 0.85); no card declares it", MATCHED),  # E1
    ("not_made", NOTES, OTHER, "; what the card declares is contradicted", CHANCE),  # E2
    ("unrelated", BASE, OTHER, "", CHANCE),  # E3
    ("copies", BASE, OTHER, "; no card declares it", MATCHED),  # E4
    ("related", NOTES, OTHER, " (confidence 0.80); which of them came first is not known", MATCHED),  # E5
)


def make_ledger() -> EvidenceLedger:
    ledger = EvidenceLedger()
    for kind, first, second, detail, statistic in _FOUND:
        text = write_finding(Finding(kind, first, second), detail=detail, statistic=statistic)
        ledger.add("weights", f"{first}@1a2b3c", "model.safetensors#x", text, "a" * 64)
    ledger.add("lineage", f"{NOTES}@1a2b3c", "README.md#/base_model", f"base_model: {OTHER}", "b" * 64)  # E6
    unknown = write_finding(Finding("unknown", NOTES, OTHER), statistic="The two share no layer.")
    ledger.add("weights", f"{NOTES}@1a2b3c", "model.safetensors#x", unknown, "a" * 64)  # E7
    return ledger


def levels(text: str) -> list[str]:
    found = verify_answer(text, make_ledger(), known_models=[NOTES, BASE, OTHER])
    return [statement.level for statement in found.statements]


@pytest.mark.parametrize(
    "text",
    [
        f"`{NOTES}` was made from `{BASE}` [E1].",
        f"By their weights, `{NOTES}` was fine-tuned from `{BASE}` (confidence 0.85) [E1].",
        f"`{NOTES}` was made from `{BASE}` with p = 10^-1,063 [E1].",
        f"`{NOTES}` was made from `{BASE}` with p < 1e-300 [E1].",
        f"192 of 192 sampled neurons of `{NOTES}` and `{BASE}` match [E1].",
        f"`{BASE}` is the base model of `{NOTES}` [E1].",
        f"The weights do not contradict that `{NOTES}` was made from `{BASE}` [E1].",
        f"No, `{NOTES}` was not made from `{OTHER}`: only 3 of 576 neurons match [E2].",
        f"The card of `{NOTES}` declares `{OTHER}` [E6], but its weights contradict that [E2].",
        f"`{BASE}` and `{OTHER}` are not related [E3].",
        f"The weights of `{BASE}` and `{OTHER}` differ most in lm_head.weight (cosine -0.0493) [E3].",
        f"`{BASE}` and `{OTHER}` are copies of each other [E4].",
        f"`{NOTES}` and `{OTHER}` have a common origin [E5].",
        f"It is unknown whether `{NOTES}` is related to `{OTHER}` [E7].",
    ],
)
def test_a_true_statement_on_weights_holds(text: str) -> None:
    assert levels(text) == ["facts"]


@pytest.mark.parametrize(
    "text",
    [
        # swapped direction
        f"`{BASE}` was made from `{NOTES}` [E1].",
        f"`{BASE}` comes from `{NOTES}` [E1].",
        f"`{NOTES}` is the base model of `{BASE}` [E1].",
        f"`{NOTES}` was fine-tuned into `{BASE}` [E1].",
        # swapped subject
        f"`{NOTES}` was made from `{OTHER}` [E1].",
        f"`{OTHER}` and `{NOTES}` are unrelated [E1].",
        f"`{NOTES}` and `{BASE}` have a cosine of -0.0493 [E3].",
        # planted numbers
        f"`{NOTES}` was made from `{BASE}` with p = 10^-1,036 [E1].",
        f"`{NOTES}` was made from `{BASE}` with p < 10^-2000 [E1].",
        f"`{NOTES}` was made from `{BASE}` with p = 0.73 [E1][E2].",
        f"`{NOTES}` was made from `{BASE}` (confidence 0.95) [E1].",
        f"`{NOTES}` was not made from `{OTHER}` (p = 0.37) [E2].",
        f"`{NOTES}` was not made from `{OTHER}`: 30 of 576 neurons match [E2].",
        f"`{BASE}` and `{OTHER}` differ most in lm_head.weight, with a cosine of 0.0493 [E3].",
        f"Only 19 of 192 sampled neurons match between `{NOTES}` and `{BASE}` [E1].",
        # another verdict
        f"`{NOTES}` and `{BASE}` are unrelated [E1].",
        f"`{NOTES}` was not made from `{BASE}` [E1].",
        f"`{NOTES}` is a copy of `{BASE}` [E1].",
        f"`{NOTES}` was pruned from `{BASE}` [E1].",
        f"`{NOTES}` and `{BASE}` were trained independently [E1].",
        f"`{NOTES}` was made from `{OTHER}` [E2].",
        f"The weights support that `{NOTES}` was made from `{OTHER}` [E2].",
        f"`{NOTES}` declares `{OTHER}` [E6], and the weights confirm it [E2].",
        f"`{BASE}` and `{OTHER}` are related [E3].",
        f"`{BASE}` and `{OTHER}` are unrelated [E4].",
        f"`{BASE}` and `{OTHER}` are not copies of each other [E4].",
        f"`{NOTES}` was made from `{OTHER}` [E5].",
        f"`{NOTES}` is related to `{OTHER}` [E7].",
        f"`{NOTES}` was made from `{BASE}` under MIT [E1].",
    ],
)
def test_a_planted_fault_in_a_statement_on_weights_fails(text: str) -> None:
    assert levels(text) == ["failed"]


@pytest.mark.parametrize("kind", [entry[0] for entry in _FOUND])
def test_a_finding_is_read_back(kind: FindingKind) -> None:
    finding = Finding(kind, NOTES, OTHER)
    assert read_finding(write_finding(finding, detail=" (finetune)", statistic=MATCHED)) == finding
    assert read_finding(MATCHED) is None
