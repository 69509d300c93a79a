"""`lake bench`: what the product adds in time and memory, beside the bare parts it is made of.

The language model is a scripted one that answers at once, so that what is left is our own. `agent` puts our
turn (tools, verifier, storage) beside LangChain's bare `create_agent` with the same model and the same tools;
`search` puts our search beside a plain BM25 look-up.
"""

from __future__ import annotations

import gc
import math
import os
import re
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from assistant.agent import Assistant
from assistant.engine import Engine
from assistant.events import TextDelta, TextDiscarded
from assistant.settings import Settings
from assistant.toolbox import ToolContext, make_tools
from eval.honest import answer_honestly
from eval.scripted import ScriptedChatModel
from prompts import load_prompt
from tools.evidence import EvidenceLedger
from tools.lake import Lake
from tools.search.engine import search

FIRST_CHARACTER_TARGET_MS = 300.0
_CONVERSATION = 20  # turns of one conversation in the memory run
_EARLY = 100  # turns after which memory is looked at first: caches are full by then
_QUESTIONS = (
    "Which model could summarise legal contracts?",
    "I need speech recognition for German under a permissive licence.",
    "A small sentence embedding model, please.",
    "Find something that translates English to French.",
    "Which model detects objects in photographs?",
    "named entity recognition for medical text",
    "I want to generate images from a description.",
    "What can answer questions about a passage in Chinese?",
)

Progress = Callable[[int, int], None]


def run_agent_bench(
    lake: Lake, *, rounds: int = 30, turns: int = 0, progress: Progress | None = None
) -> dict[str, Any]:
    """Overhead of a turn, time to the first character, and with `turns` the growth of memory.

    All times are in milliseconds. `overhead_ms` is the median of what our turn takes longer than the bare
    agent's on the same question. The conversations are stored in the lake's home, as any are, and deleted.
    """
    total = 2 * (rounds + 1) + len(_QUESTIONS) + turns
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    settings = Settings(home=lake.home.path, llm="offline")
    engine = Engine(name="scripted", model=_make_model(), service="in this process", model_name="scripted")
    with closing(Assistant(lake, settings, engine=engine)) as assistant:
        ours, offline = _Stopwatch(), _Stopwatch()
        bare: list[float] = []
        # By turns, so that whatever else the machine does meets both alike. The first round is cold.
        for number in range(rounds + 1):
            question = _QUESTIONS[number % len(_QUESTIONS)]
            ours.take(assistant, question)
            step()
            bare.append(_run_bare(lake, question))
            step()
        for question in _QUESTIONS:
            offline.take(assistant, question, engine="offline")
            step()
        memory = _measure_memory(assistant, turns, step) if turns else None
    added = statistics.median(turn - plain for turn, plain in zip(ours.turns[1:], bare[1:], strict=True))
    first = _summarize(ours.first[1:])
    return {
        "suite": "agent",
        "models": lake.catalog.status().models,
        "embedder": lake.embedder.name if lake.embedder else None,
        "rounds": rounds,
        "turn_ms": _summarize(ours.turns[1:]),
        "bare_agent_turn_ms": _summarize(bare[1:]),
        "overhead_ms": round(added, 1),
        "ratio": round(statistics.median(ours.turns[1:]) / statistics.median(bare[1:]), 3),
        "first_character_ms": {
            **first,
            "cold": round(ours.first[0], 1),
            "target": FIRST_CHARACTER_TARGET_MS,
            "reached": first["p50"] <= FIRST_CHARACTER_TARGET_MS,
        },
        "offline_turn_ms": _summarize(offline.turns[1:]),
        "offline_first_character_ms": _summarize(offline.first[1:]),
        "memory": memory,
    }


def run_search_bench(lake: Lake, *, rounds: int = 100) -> dict[str, Any]:
    """Milliseconds of a search by the product, and of a plain BM25 look-up of the same words."""
    ours: list[float] = []
    plain: list[float] = []
    for number in range(rounds + 1):
        query = _QUESTIONS[number % len(_QUESTIONS)]
        words = re.findall(r"\w+", query)
        start = time.perf_counter()
        search(lake, query)
        between = time.perf_counter()
        lake.catalog.match_models(words, limit=10)
        ours.append((between - start) * 1e3)
        plain.append((time.perf_counter() - between) * 1e3)
    return {
        "suite": "search",
        "models": lake.catalog.status().models,
        "embedder": lake.embedder.name if lake.embedder else None,
        "rounds": rounds,
        "search_ms": {**_summarize(ours[1:]), "cold": round(ours[0], 1)},
        "bm25_ms": _summarize(plain[1:]),
        "ratio": round(statistics.median(ours[1:]) / statistics.median(plain[1:]), 1),
    }


class _Stopwatch:
    """Times of turns: until the first character of the answer, and until it is checked and stored."""

    def __init__(self) -> None:
        self.first: list[float] = []
        self.turns: list[float] = []

    def take(self, assistant: Assistant, question: str, *, engine: str | None = None) -> None:
        """One turn of a new conversation, which is forgotten afterwards."""
        thread = assistant.new_thread("bench")
        start = time.perf_counter()
        first: float | None = None
        for event in assistant.stream(question, thread, engine=engine):
            if isinstance(event, TextDelta) and first is None:
                first = time.perf_counter()
            elif isinstance(event, TextDiscarded):
                first = None  # these words were no answer
        self.turns.append((time.perf_counter() - start) * 1e3)
        self.first.append(((first or math.inf) - start) * 1e3)
        assistant.forget(thread)


def _make_model() -> ScriptedChatModel:
    """Looks up what is asked and quotes what it was given, at once."""
    return ScriptedChatModel(script=answer_honestly)


def _run_bare(lake: Lake, question: str) -> float:
    """Milliseconds of LangChain's own agent with our tools: nothing is checked, stored or remembered."""
    from langchain.agents import create_agent
    from langchain_core.messages import HumanMessage

    context = ToolContext(lake=lake, ledger=EvidenceLedger())
    prompt = load_prompt("assistant").render(lake_summary="A lake.")
    start = time.perf_counter()
    agent = create_agent(_make_model(), make_tools(context), system_prompt=prompt)
    asked: Any = {"messages": [HumanMessage(question)]}
    for _ in agent.stream(asked, stream_mode=["messages", "updates"]):
        pass
    return (time.perf_counter() - start) * 1e3


def _measure_memory(assistant: Assistant, turns: int, step: Callable[[], None]) -> dict[str, Any]:
    """Resident memory of this process in MiB, garbage collected, after the first turns and after all."""
    thread, early = "", None
    threads: list[str] = []
    for number in range(turns):
        if number % _CONVERSATION == 0:
            thread = assistant.new_thread("bench")
            threads.append(thread)
        engine = "offline" if number % 2 else None
        assistant.ask(_QUESTIONS[number % len(_QUESTIONS)], thread, engine=engine)
        step()
        if number + 1 == min(_EARLY, turns):
            early = measure_resident()
    late = measure_resident()
    for name in threads:
        assistant.forget(name)
    growth = late - early if early is not None and late is not None else None
    return {
        "turns": turns,
        "after_turns": min(_EARLY, turns),
        "resident_mib_early": early,
        "resident_mib": late,
        "growth_mib": round(growth, 1) if growth is not None else None,
    }


def measure_resident() -> float | None:
    """Resident memory of this process in MiB after a collection; None where the system does not tell."""
    gc.collect()
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return None
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


def _summarize(values: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile and greatest, rounded."""
    ordered = sorted(values)
    return {
        "p50": round(statistics.median(ordered), 1),
        "p95": round(ordered[min(len(ordered) - 1, math.ceil(0.95 * len(ordered)) - 1)], 1),
        "max": round(ordered[-1], 1),
    }
