"""The scorer of answers, and the question files it is meant for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.scoring import TOP, check_turn, list_cited_sources, score_answers
from tools.errors import UsageError

DATA = Path(__file__).resolve().parent.parent / "eval" / "data"
KINDS = {
    "find": 25,
    "constrained": 15,
    "fact": 25,
    "conflict": 5,
    "unknown": 12,
    "compare": 10,
    "lineage": 10,
    "results": 8,
    "out_of_scope": 8,
    "help": 3,
}


def evidence(key: str, source: str) -> dict[str, str]:
    return {
        "id": key,
        "kind": "card",
        "source": source,
        "locator": "README.md#L1-L1",
        "text": "x",
        "sha256": "0",
    }


def reply(text: str, models: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return {"answer": text, "models": list(models), "evidence": [], "abstained": False, **more}


def read_lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    ("expected", "holds"),
    [
        ({"expect_any": [r"\b1162\b"]}, True),
        ({"expect_any": [r"1,162"]}, True),
        ({"expect_any": ["1163"]}, False),
        ({"expect_all": ["licence mit", "1162"]}, True),
        ({"expect_all": ["1162", "apache"]}, False),
        ({"forbid_any": ["MIT"]}, False),
        ({"expect_models_any": ["a/y"]}, True),
        ({"expect_models_any": ["a/q"]}, False),
        ({"forbid_models": ["a/x"]}, False),
        ({"forbid_models": ["a/q"]}, True),
        ({"expect_no_models": True}, False),
        ({"expect_no_models": False}, True),
        ({"expect_cited": ["b/b", "a/X"]}, True),
        ({"expect_cited": "c/unmarked"}, False),
        ({"expect_abstain": True}, False),
    ],
)
def test_one_expectation(expected: dict[str, Any], holds: bool) -> None:
    answer = reply(
        "It has **1,162** downloads; licence `MIT` [E1].",
        ("A/X", "https://huggingface.co/a/y"),
        evidence=[evidence("E1", "a/x@abc"), evidence("E2", "c/unmarked")],
    )
    assert all(reason is None for reason in check_turn(expected, answer).values()) is holds


def test_only_the_first_three_models_count() -> None:
    answer = reply("", ("b/1", "b/2", "b/3", "a/x"))
    assert TOP == 3
    assert check_turn({"expect_models_any": ["a/x"]}, answer)["expect_models_any"] is not None
    assert check_turn({"forbid_models": ["a/x"]}, answer)["forbid_models"] is None


def test_marks_decide_what_is_cited() -> None:
    answer = reply(
        "Both [E1, E3], again [E1]. E2 is only named.",
        evidence=[evidence("E1", "a/x@r1"), evidence("E2", "b/y"), evidence("E3", "paper-1")],
    )
    assert list_cited_sources(answer) == ["a/x", "paper-1"]


@pytest.mark.parametrize(
    "text",
    [
        "The model card doesn't mention its carbon footprint.",
        "The licence isn’t stated.",
        "That model is not in this lake.",
        "I couldn't find any model like that.",
        "No information about latency is given.",
        "Its training cost is *not* stated in the card.",
        "The stored card is cut off before the results.",
        "More information needed.",
    ],
)
def test_admitting_not_to_know_is_recognised(text: str) -> None:
    assert check_turn({"expect_abstain": True}, reply(text))["expect_abstain"] is None


@pytest.mark.parametrize(
    "text",
    [
        "It was trained on 128 A100 GPUs and reaches 75.5 %.",
        "The licence is MIT.",
        "It does not need a GPU and listens at 16 kHz.",
        "Use org/model, which has 124 million parameters and was trained for 3 days.",
    ],
)
def test_an_answer_is_no_abstention(text: str) -> None:
    assert check_turn({"expect_abstain": True}, reply(text))["expect_abstain"] is not None


def test_report_counts_kinds_turns_words_and_abstentions() -> None:
    questions: list[dict[str, Any]] = [
        {"id": "f1", "kind": "fact", "question": "?", "expect_any": ["mit"]},
        {"id": "f2", "kind": "fact", "question": "?", "expect_any": ["7"]},
        {"id": "u1", "kind": "unknown", "question": "?", "expect_abstain": True},
        {"id": "lost", "kind": "find", "question": "?", "expect_models_any": ["a/x"]},
        {"id": "broken", "kind": "find", "question": "?", "forbid_models": ["a/x"]},
        {
            "id": "d1",
            "kind": "dialogue",
            "turns": [
                {"user": "?", "expect_models_any": ["a/x"]},
                {"user": "its licence?", "expect_any": ["mit"]},
            ],
        },
    ]
    answers = [
        {"id": "f1", **reply("The licence is MIT, though it is late.", abstained=True)},
        {"id": "f2", **reply("Seven")},
        {"id": "u1", **reply("The card does not state it.", abstained=True)},
        {"id": "broken", "error": {"type": "x", "message": "y", "hint": ""}},
        {"id": "d1", "turns": [reply("This one.", ("a/x",)), reply("GPL.")]},
    ]
    report = score_answers(questions, answers)
    assert report["kinds"]["fact"] == {"passed": 1, "total": 2}
    assert report["kinds"]["find"] == {"passed": 0, "total": 2}
    assert report["kinds"]["dialogue"] == {"passed": 0, "total": 1}
    assert report["dialogue_turns"] == {"passed": 1, "total": 2}
    assert (report["questions"], report["passed"]) == (6, 2)
    assert report["overall"] == pytest.approx(2 / 6)
    assert report["macro"] == pytest.approx((0.5 + 1 + 0 + 0) / 4)
    assert report["unanswered"] == ["lost", "broken"]
    assert report["abstained_on_facts"] == ["f1"]
    assert report["words_per_turn"] == pytest.approx((8 + 1 + 6 + 0 + 0 + 2 + 1) / 7)
    reasons = {result["id"]: result["reasons"] for result in report["results"]}
    assert reasons["d1"] == ["turn 2 expect_any: none of ['mit']"]
    assert reasons["lost"] == ["no answer with this id"]


def test_a_missing_turn_fails_the_dialogue() -> None:
    question = {"id": "d", "kind": "dialogue", "turns": [{"user": "a"}, {"user": "b", "expect_any": ["x"]}]}
    report = score_answers([question], [{"id": "d", "turns": [reply("x")]}])
    assert report["passed"] == 0
    assert report["dialogue_turns"] == {"passed": 1, "total": 2}


def test_nothing_to_score() -> None:
    report = score_answers([], [])
    assert (report["questions"], report["overall"], report["words_per_turn"]) == (0, 0.0, 0.0)


def test_an_invalid_regex_names_the_question() -> None:
    with pytest.raises(UsageError, match="'q9'"):
        score_answers(
            [{"id": "q9", "kind": "fact", "question": "?", "expect_any": ["("]}], [{"id": "q9", **reply("x")}]
        )


def test_question_files_are_whole() -> None:
    questions = read_lines("ask_questions.jsonl")
    dialogues = read_lines("dialogues.jsonl")
    searches = read_lines("search_questions.jsonl")
    for kind, least in KINDS.items():
        assert sum(question["kind"] == kind for question in questions) >= least, kind
    assert len(dialogues) >= 12
    assert all(2 <= len(dialogue["turns"]) <= 4 for dialogue in dialogues)
    assert len(searches) >= 60
    assert all({"id", "query", "relevant", "task"} <= line.keys() for line in searches)
    ids = [line["id"] for line in [*questions, *dialogues, *searches]]
    assert len(ids) == len(set(ids))


def test_silence_and_nonsense_pass_almost_nothing() -> None:
    questions = [*read_lines("ask_questions.jsonl"), *read_lines("dialogues.jsonl")]

    def answer_all(text: str, models: tuple[str, ...]) -> float:
        one = reply(text, models)
        answers = [{"id": q["id"], **one, "turns": [one] * len(q.get("turns", []))} for q in questions]
        return score_answers(questions, answers)["overall"]

    assert answer_all("lorem ipsum dolor sit amet", ("qq/zz-1", "qq/zz-2")) == 0.0
    assert answer_all("I could not find this; the card does not state it.", ()) < 0.2


def test_questions_name_models_of_the_lake(real_lake: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(real_lake / "model_cards_with_metadata.parquet", columns=["modelId"])
    known = set(table.column("modelId").to_pylist())
    for line in [*read_lines("ask_questions.jsonl"), *read_lines("dialogues.jsonl")]:
        for expected in line.get("turns", [line]):
            cited = expected.get("expect_cited", [])
            named = {*expected.get("expect_models_any", []), *expected.get("forbid_models", [])}
            assert named | set([cited] if isinstance(cited, str) else cited) <= known, line["id"]
    asked_text = (real_lake / "search_questions_dev.jsonl").read_text(encoding="utf-8")
    asked = {json.loads(line)["relevant"] for line in asked_text.splitlines()}
    for line in read_lines("search_questions.jsonl"):
        assert line["relevant"] in known - asked, line["id"]
