"""Making a zoo, where torch is installed."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from tools.errors import UsageError

Size = Literal["small", "full"]
INSTALL_HINT = "Install it with `make zoo`, or with `pip install -r requirements-zoo.lock`."


def require_torch() -> None:
    """Raises UsageError, which says how to install it, where torch is missing."""
    if find_spec("torch") is None:
        raise UsageError("A zoo is trained with torch, which is not installed.", hint=INSTALL_HINT)


def make_zoo(root: Path, size: Size, seed: int, report: Callable[[str], None]) -> dict[str, Any]:
    """Train a zoo, write it to `root`, and give its truth. Raises UsageError without torch.

    One thread, so that the same seed gives the same zoo on one kind of machine.
    """
    require_torch()
    import torch

    from eval.zoo.plan import build_full, build_small

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        zoo = (build_small if size == "small" else build_full)(seed, report)
    finally:
        torch.set_num_threads(before)
    return zoo.write(root)
