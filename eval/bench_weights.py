"""`lake bench weights`: a full comparison of two large checkpoints beside the least and the usual cost.

Two checkpoints of at least 500 MB in bfloat16 are written into a temporary folder: a made-up Llama, and the
same with a small change everywhere. All is then read from the system's cache (warm), best of a few runs:

- `compare_s`: `compare_weights(full=True)`: cosine and relative L2 of every tensor, p-value, facts, hashes;
- `read_s`: (a) both files read from end to end and nothing done with them;
- `script_s`: (b) the script most people would write: load both files, to float32, cosine and relative L2 per
  tensor. With torch where it is installed, else the same with safetensors.numpy and ml_dtypes.

Memory is what one comparison adds to the anonymous memory of a fresh process at its highest. Beside it stand
the comparisons that `lake recover` makes of growing lakes, and the p-values of pairs trained independently.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

from eval.null_pairs import measure_null
from eval.recover_growth import measure_growth

_HIDDEN, _INNER, _VOCABULARY, _SHARED = 1536, 4096, 32000, 512
_LAYERS = 8
_RUNS = 3
_READ_BYTES = 2**22


def run_weights_bench(
    *, rounds: int = _RUNS, layers: int = _LAYERS, progress: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """The figures; `layers` scales the checkpoints (8: 590 MB each)."""
    with tempfile.TemporaryDirectory(prefix="lake-bench-") as place:
        first, second = Path(place, "base"), Path(place, "tuned")
        _write_checkpoints(first, second, layers)
        files = [folder / "model.safetensors" for folder in (first, second)]
        steps: dict[str, Callable[[], float]] = {
            "read_s": lambda: _time_reading(files),
            "compare_s": lambda: _time_comparison(first, second, full=True),
            "first_look_s": lambda: _time_comparison(first, second, full=False),
            "script_s": lambda: _time_script(files),
        }
        best: dict[str, float] = {}
        for number in range(rounds):  # in turn, so that a busy moment of the machine falls on all alike
            for at, (name, step) in enumerate(steps.items()):
                if progress:
                    progress(number * len(steps) + at, rounds * len(steps))
                best[name] = min(best.get(name, float("inf")), step())
        memory = {mode: _measure_memory(first, second, mode) for mode in ("first_look", "full")}
        return {
            "suite": "weights",
            "bytes_each": files[0].stat().st_size,
            "rounds": rounds,
            "threads": os.cpu_count(),
            **{name: round(value, 3) for name, value in best.items()},
            "script": "torch" if _has_torch() else "numpy with ml_dtypes (torch is not installed)",
            "compare_to_read": round(best["compare_s"] / best["read_s"], 2),
            "script_to_compare": round(best["script_s"] / best["compare_s"], 2),
            "anonymous_mib": {mode: figures["anonymous_mib"] for mode, figures in memory.items()},
            "share_read_first_look": memory["first_look"]["share_read"],
            "log10_p": memory["full"]["log10_p"],
            "recover": measure_growth(),
            "independent_pairs": measure_null(),
        }


def _write_checkpoints(first: Path, second: Path, layers: int) -> None:
    import numpy as np
    from ml_dtypes import bfloat16
    from safetensors.numpy import save_file

    random = np.random.default_rng(5)
    ours: dict[str, NDArray[Any]] = {}
    theirs: dict[str, NDArray[Any]] = {}
    for name, shape in _iter_shapes(layers):
        values = random.standard_normal(shape, np.float32) * np.float32(0.02)
        ours[name] = values.astype(bfloat16)
        values += random.standard_normal(shape, np.float32) * np.float32(0.002)
        theirs[name] = values.astype(bfloat16)
    config = {
        "model_type": "llama",
        "hidden_size": _HIDDEN,
        "num_attention_heads": _HIDDEN // 64,
        "num_key_value_heads": _SHARED // 64,
        "num_hidden_layers": layers,
    }
    for folder, tensors in ((first, ours), (second, theirs)):
        folder.mkdir()
        save_file(tensors, folder / "model.safetensors")
        (folder / "config.json").write_text(json.dumps(config), "utf-8")


def _iter_shapes(layers: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "model.embed_tokens.weight", (_VOCABULARY, _HIDDEN)
    for layer in range(layers):
        stem = f"model.layers.{layer}"
        for part, shape in (
            ("self_attn.q_proj", (_HIDDEN, _HIDDEN)),
            ("self_attn.k_proj", (_SHARED, _HIDDEN)),
            ("self_attn.v_proj", (_SHARED, _HIDDEN)),
            ("self_attn.o_proj", (_HIDDEN, _HIDDEN)),
            ("mlp.gate_proj", (_INNER, _HIDDEN)),
            ("mlp.up_proj", (_INNER, _HIDDEN)),
            ("mlp.down_proj", (_HIDDEN, _INNER)),
        ):
            yield f"{stem}.{part}.weight", shape
        yield f"{stem}.input_layernorm.weight", (_HIDDEN,)
    yield "lm_head.weight", (_VOCABULARY, _HIDDEN)


def _time_reading(files: list[Path]) -> float:
    started = time.perf_counter()
    buffer = bytearray(_READ_BYTES)
    for path in files:
        with path.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass
    return time.perf_counter() - started


def _time_comparison(first: Path, second: Path, *, full: bool) -> float:
    from tools.weights.compare import compare_weights
    from tools.weights.opening import open_weights

    started = time.perf_counter()
    with open_weights(first) as a, open_weights(second) as b:
        compare_weights(a, b, full=full)
    return time.perf_counter() - started


def _has_torch() -> bool:
    return find_spec("torch") is not None


def _time_script(files: list[Path]) -> float:
    started = time.perf_counter()
    (_script_torch if _has_torch() else _script_numpy)(files)
    return time.perf_counter() - started


def _script_torch(files: list[Path]) -> dict[str, tuple[float, float]]:
    import torch
    from safetensors.torch import load_file

    a, b = load_file(files[0]), load_file(files[1])
    found = {}
    for name in a:
        x, y = a[name].float().flatten(), b[name].float().flatten()
        cosine = torch.nn.functional.cosine_similarity(x, y, dim=0).item()
        found[name] = (cosine, (torch.linalg.norm(y - x) / torch.linalg.norm(x)).item())
    return found


def _script_numpy(files: list[Path]) -> dict[str, tuple[float, float]]:
    import numpy as np
    from safetensors.numpy import load_file

    a, b = load_file(files[0]), load_file(files[1])
    found = {}
    for name in a:
        x, y = a[name].astype(np.float32).ravel(), b[name].astype(np.float32).ravel()
        norm = np.linalg.norm(x)
        cosine = float(np.dot(x, y) / (norm * np.linalg.norm(y)))
        found[name] = (cosine, float(np.linalg.norm(y - x) / norm))
    return found


_MEASURED = """
import sys, threading, json
from pathlib import Path
import scipy.optimize, scipy.stats
from tools.weights.compare import compare_weights
from tools.weights.opening import open_weights
def anonymous():
    for line in open("/proc/self/status"):
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
before, most, done = anonymous(), [0.0], threading.Event()
def watch():
    while not done.wait(0.005):
        most[0] = max(most[0], anonymous() or 0.0)
threading.Thread(target=watch, daemon=True).start()
with open_weights(Path(sys.argv[1])) as a, open_weights(Path(sys.argv[2])) as b:
    found = compare_weights(a, b, full=sys.argv[3] == "full")
done.set()
print(json.dumps({
    "anonymous_mib": None if before is None else round(max(most[0], before) - before, 1),
    "share_read": round(found.bytes_read / found.bytes_total, 5),
    "log10_p": round(found.log10_p, 1),
}))
"""


def _measure_memory(first: Path, second: Path, mode: str) -> dict[str, Any]:
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(  # noqa: S603 - our own interpreter and our own text
        [sys.executable, "-c", _MEASURED, str(first), str(second), mode],
        check=True,
        capture_output=True,
        text=True,
        cwd=root,
    )
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures
