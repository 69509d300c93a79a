"""`lake bench audit`: every card of a lake audited, beside only reading and parsing the same cards.

A process of its own audits the lake, so that its memory is what an audit needs and nothing else:

- `audit_s`: `audit_lake` over all models (`lake audit --all` without writing the report);
- `parse_s`: the peer: the same cards read from the catalog and parsed by this project, nothing judged;
- `metadata_s`: the outside peer: `huggingface_hub.ModelCard` on the same texts, front matter only.

`memory_mib` is the resident memory before the first card, and the highest after a quarter of the cards and at
the end: what grows with the lake grows between these two.
"""

from __future__ import annotations

import contextlib
import json
import logging
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from tools.errors import UsageError

Progress = Callable[[int, int | None, str], None]
_TARGET_SECONDS = 30.0
_TARGET_CARDS = 956  # what the target was set for
_ROOT = Path(__file__).resolve().parent.parent


def run_audit_bench(
    home: Path | None, source: Path | None = None, *, progress: Progress | None = None
) -> dict[str, Any]:
    """The figures for the lake in `home`, or for one that is made of `source` (a dump or folder) for this."""
    if source is None:
        assert home is not None
        return _measure_apart(home, progress)
    with tempfile.TemporaryDirectory(prefix="lake-bench-") as place:
        started = time.perf_counter()
        _ingest(source, Path(place), progress)
        ingest_s = time.perf_counter() - started
        return {**_measure_apart(Path(place), progress), "ingest_s": round(ingest_s, 2)}


def _ingest(source: Path, home: Path, progress: Progress | None) -> None:
    from tools.ingest import ingest
    from tools.lake import Lake

    with Lake.open(home, embedder=None, command="lake bench audit") as lake:
        ingest(lake, [str(source)], progress=progress)


def _measure_apart(home: Path, progress: Progress | None) -> dict[str, Any]:
    """Run this module on `home` in a process of its own; it tells of its progress line by line."""
    with subprocess.Popen(  # noqa: S603 - our own interpreter and our own module
        [sys.executable, "-m", "eval.bench_audit", str(home)], stdout=subprocess.PIPE, text=True, cwd=_ROOT
    ) as process:
        assert process.stdout is not None
        figures: dict[str, Any] = {}
        try:
            for line in process.stdout:
                told = json.loads(line)
                if isinstance(told, list):
                    if progress is not None:
                        progress(told[0], told[1], "auditing")
                else:
                    figures = told
        except BaseException:
            process.kill()
            raise
        if process.wait() or not figures:
            raise UsageError(
                f"The audit of {str(home)!r} ended with exit code {process.returncode}.",
                hint="Its reason stands above; is another command at work in this home?",
            )
    if not figures["cards"]:
        raise UsageError(f"This lake is empty ({home}).", hint="Try: lake bench audit DUMP.parquet")
    return figures


def measure_lake(home: Path, tell: Callable[[int, int], None]) -> dict[str, Any]:
    """The figures for the lake in `home`, measured in this process. `tell` hears of cards done, of all."""
    from tools.audit import audit_lake, list_rules
    from tools.lake import Lake

    list_rules()
    with Lake.open(home, embedder=None, command="lake bench audit") as lake:
        count = len(lake.catalog.model_names())
        before, quarter = _read_memory("VmRSS"), 0.0
        times: list[float] = []
        findings = 0
        started = last = time.perf_counter()
        for report in audit_lake(lake):
            now = time.perf_counter()
            times.append(now - last)
            findings += len(report.findings)
            if len(times) == max(1, count // 4):
                quarter = _read_memory("VmHWM")
            if len(times) % 50 == 0:
                tell(len(times), count)
            last = time.perf_counter()
        audit_s = time.perf_counter() - started
        peak = _read_memory("VmHWM")
        parse_s, texts = _parse_all(lake)
    metadata_s = _read_metadata(texts)
    times.sort()
    return {
        "suite": "audit",
        "cards": len(times),
        "findings": findings,
        "audit_s": round(audit_s, 2),
        "target_s": round(_TARGET_SECONDS * len(times) / _TARGET_CARDS, 2),
        "card_ms": {
            "mean": round(statistics.fmean(times) * 1e3, 2) if times else None,
            "p50": _pick(times, 0.50),
            "p95": _pick(times, 0.95),
            "max": _pick(times, 1.0),
        },
        "parse_s": round(parse_s, 2),
        "metadata_s": round(metadata_s, 2),
        "audit_to_parse": round(audit_s / parse_s, 2) if parse_s else None,
        "memory_mib": {"before": before, "after_a_quarter": quarter, "peak": peak},
    }


def _parse_all(lake: Any) -> tuple[float, list[str]]:
    started = time.perf_counter()
    texts = []
    for name in lake.catalog.model_names():
        card = lake.catalog.get_card(name)
        if card is not None:
            texts.append(card.text)
    return time.perf_counter() - started, texts


def _read_metadata(texts: list[str]) -> float:
    """Seconds of `huggingface_hub` for the same texts; what it refuses counts as read."""
    import yaml
    from huggingface_hub import ModelCard

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # a card without metadata is no news
    started = time.perf_counter()
    for text in texts:
        with contextlib.suppress(yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError):
            ModelCard(text, ignore_metadata_errors=True)
    return time.perf_counter() - started


def _pick(times: list[float], share: float) -> float | None:
    return round(times[min(len(times) - 1, int(len(times) * share))] * 1e3, 2) if times else None


def _read_memory(field: Literal["VmRSS", "VmHWM"]) -> float:
    """Resident memory of this process in MiB, now or at its highest; the highest where only that is told.

    `getrusage` comes second: on Linux it counts what the parent held before this process began.
    """
    try:
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)
    return round(next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024, 1)


def _main() -> None:
    def say(document: Any) -> None:
        sys.stdout.write(json.dumps(document) + "\n")
        sys.stdout.flush()

    say(measure_lake(Path(sys.argv[1]), lambda done, total: say([done, total])))


if __name__ == "__main__":
    _main()
