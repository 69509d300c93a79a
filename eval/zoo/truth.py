"""The truth about a zoo, as it lies beside its models. Reading it needs no torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TRUTH_FILE = "truth.json"


def read_truth(root: Path) -> dict[str, Any]:
    """The truth of the zoo that was written to `root`."""
    truth: dict[str, Any] = json.loads((root / TRUTH_FILE).read_text("utf-8"))
    return truth
