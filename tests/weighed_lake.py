"""The sample lake with its weights weighed once, for all tests that ask about weights."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

LAB = "example-lab"


def weigh_sample(sample_home: Path, factory: pytest.TempPathFactory) -> Path:
    """A home of its own for the tests of a session that read weights and conversations only."""
    home = factory.getbasetemp() / "weighed" / "home"
    if not home.exists():
        shutil.copytree(sample_home, home)
    return home
