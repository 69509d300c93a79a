"""Verdicts on what cards declare, from families, edges and comparisons."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tools.weights.comparison import Direction, Verdict
from tools.weights.recovering.confirming import Confirmation
from tools.weights.recovering.declared import Declaration, DeclarationJudge, Step
from tools.weights.recovering.fingerprints import DIMENSION, Fingerprint
from tools.weights.recovering.inputs import link_declarations
from tools.weights.recovering.recover import LakeModel


def make_print(seed: int, kind: str = "llama") -> Fingerprint:
    vector = np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)
    vector /= np.linalg.norm(vector)
    return Fingerprint(
        content="", sketch={}, folded=vector, tokens=vector, zeros=0.0, layers=2, vocabulary=9,
        bytes_total=1, kind=kind,
    )  # fmt: skip


FAMILY = ["root", "child", "grandchild", "copy", "sibling"]
STEPS = [
    Step("root", "child", 0.85),
    Step("child", "grandchild", 0.85),
    Step("root", "sibling", 0.85),
    Step("root", "copy", 0.95, is_mutual=True),
]


def judge(
    child: str,
    parent: str,
    verdict: Verdict = "related",
    *,
    steps: list[Step] = STEPS,
    direction: Direction = "b_to_a",
    **changes: object,
) -> str:
    prints = {name: make_print(1) for name in FAMILY} | {"stranger": make_print(2)}
    if changes:
        prints["stranger"] = dataclasses.replace(prints["stranger"], **changes)  # type: ignore[arg-type]

    def compare(a: str, b: str) -> Confirmation:
        return Confirmation(a, b, verdict, None, direction, -9.0, 0.0, 0.0, False, ("Said.",), ())

    judged = DeclarationJudge([FAMILY, ["stranger"]], steps, prints, compare)
    return judged.judge(Declaration(child, parent)).verdict


@pytest.mark.parametrize(
    ("child", "parent", "expected"),
    [
        ("child", "root", "supported"),
        ("grandchild", "root", "supported"),
        ("grandchild", "copy", "supported"),
        ("copy", "root", "supported"),
        ("root", "copy", "supported"),
        ("root", "grandchild", "contradicted"),
        ("sibling", "child", "unverifiable"),
        ("child", "absent", "unverifiable"),
        ("child", "child", "unverifiable"),
    ],
)
def test_within_a_family(child: str, parent: str, expected: str) -> None:
    assert judge(child, parent) == expected


def test_a_reversal_that_is_not_sure_contradicts_nothing() -> None:
    assert judge("root", "child", steps=[Step("root", "child", 0.6)]) == "supported"


def test_a_reversal_that_the_two_models_do_not_show_contradicts_nothing() -> None:
    assert judge("root", "child", direction="a_to_b") == "unverifiable"
    less_sure = [Step("root", "child", 0.75)]
    assert judge("root", "child", direction="unknown", steps=less_sure) == "unverifiable"
    assert judge("root", "child", direction="unknown") == "contradicted"


def test_an_independent_model_is_contradicted() -> None:
    assert judge("child", "stranger", "unrelated") == "contradicted"


def test_like_embeddings_may_be_a_disguise() -> None:
    assert judge("child", "stranger", "unrelated", tokens=make_print(1).tokens) == "unverifiable"


def test_other_shapes_contradict_when_the_true_parent_is_known() -> None:
    assert judge("child", "stranger", "incomparable") == "contradicted"
    assert judge("root", "stranger", "incomparable") == "unverifiable"
    assert judge("root", "stranger", "incomparable", kind="bert") == "contradicted"


def test_declared_names_are_linked_where_one_fits(tmp_path: object) -> None:
    from pathlib import Path

    said = (Declaration("b", "ORG/Base"), Declaration("b", "base"), Declaration("b", "org/twin"))
    models = [
        LakeModel("org/base", Path("x")),
        LakeModel("b", Path("y"), said),
        LakeModel("x/twin", Path("z")),
    ]
    linked = {model.name: [one.parent for one in model.declared] for model in link_declarations(models)}
    assert linked["b"] == ["org/base", "x/twin"]
