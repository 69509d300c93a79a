"""Rules on what weights show: counts that a shape cannot hold, copies that no card declares."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.weighed_lake import LAB, weigh_sample
from tools.audit import audit_target
from tools.lake import Lake

_CARD = """---
license: mit
---
# Model

A text encoder with {count}, trained from the beginning on letters.

| Setting | Value |
| --- | --- |
| Layers | 6 |
| Hidden size | 384 |
| Vocabulary | 30,000 |
"""


@pytest.mark.parametrize(
    ("count", "line"),
    [
        ("350 million parameters", 6),
        ("7B parameters", 6),
        ("22 million parameters", 0),
        ("30M parameters", 0),
        ("22 million parameters, not 350 million parameters", 0),
    ],
)
def test_a_count_is_held_against_the_stated_shape(tmp_path: Path, count: str, line: int) -> None:
    path = tmp_path / "README.md"
    path.write_text(_CARD.format(count=count), encoding="utf-8")
    found = [f for f in audit_target(None, str(path)).findings if f.rule == "parameters-exceed-shape"]
    assert [f.line for f in found] == ([line] if line else [])


def test_experts_and_missing_sizes_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    for text in (
        _CARD.format(count="7B parameters in 64 experts"),
        _CARD.format(count="7B parameters").replace("| Layers | 6 |\n", ""),
    ):
        path.write_text(text, encoding="utf-8")
        assert not [f for f in audit_target(None, str(path)).findings if f.rule == "parameters-exceed-shape"]


def test_a_copy_that_presents_itself_as_new_is_told(
    sample_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Lake.open(weigh_sample(sample_home, tmp_path_factory), embedder=None) as lake:
        (found,) = [f for f in audit_target(lake, f"{LAB}/moss-base").findings if f.rule == "copy-undeclared"]
        assert f"{LAB}/fern-base" in found.message
        assert any(item.kind == "weights" for item in found.evidence)
        honest = audit_target(lake, f"{LAB}/brook-chat")
        assert not [f for f in honest.findings if f.rule in ("copy-undeclared", "base-model-contradicted")]
