"""`lake eval ask FILE…`: questions in people's words, scored per kind, and how the verifier judged."""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant.agent import Assistant
from eval.scoring import score_answers
from tools.errors import SourceError


def run_ask(
    assistant: Assistant,
    files: Sequence[Path],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Ask every question of `files` and score the answers.

    Gives, over all files: passed by kind, words a turn, facts wrongly abstained on, levels of the statements
    (a share of `failed` above zero means the engine wrote something its own evidence does not carry), and the
    failed questions with the reasons.
    """
    questions = [question for file in files for question in read_questions(file)]
    answers: list[dict[str, Any]] = []
    levels: Counter[str] = Counter()
    seconds: list[float] = []
    longest = 0
    for number, question in enumerate(questions, start=1):
        turns = []
        thread = None
        for turn in question.get("turns") or [{"user": question.get("question", "")}]:
            start = time.perf_counter()
            answer = assistant.ask(str(turn["user"]), thread)
            seconds.append(time.perf_counter() - start)
            thread = answer.thread
            levels.update(statement.level for statement in answer.statements)
            longest = max(longest, len(answer.answer.split()))
            turns.append(answer.model_dump(mode="json"))
        answers.append(
            {"id": question["id"], "turns": turns}
            if "turns" in question
            else {"id": question["id"], **turns[0]}
        )
        if progress is not None:
            progress(number, len(questions))
    scores = score_answers(questions, answers)
    by_id = {str(question["id"]): question for question in questions}
    return {
        **{key: value for key, value in scores.items() if key != "results"},
        "longest_answer_words": longest,
        "statement_levels": dict(levels),
        "seconds_p50": round(statistics.median(seconds), 3) if seconds else None,
        "seconds_max": round(max(seconds), 3) if seconds else None,
        "failed": [
            {
                "id": result["id"],
                "kind": result["kind"],
                "question": by_id[result["id"]].get("question")
                or [turn["user"] for turn in by_id[result["id"]].get("turns", [])],
                "reasons": result["reasons"],
            }
            for result in scores["results"]
            if not result["passed"]
        ],
    }


def read_questions(file: Path) -> Iterator[Mapping[str, Any]]:
    """The questions of one JSON Lines file. Raises SourceError for a missing file or a broken line."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError as error:
        raise SourceError(
            f"{str(file)!r} cannot be read: {error.strerror}.", hint="Name a .jsonl file."
        ) from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield json.loads(line)
        except ValueError as error:
            raise SourceError(
                f"Line {number} of {str(file)!r} is not JSON.", hint="Mend the line."
            ) from error
