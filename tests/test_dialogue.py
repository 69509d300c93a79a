"""Follow-ups: what earlier turns leave, which words point back, and whole conversations over a small lake."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from assistant.agent import Assistant
from assistant.answers import Answer
from assistant.offline.dialogue import (
    Turn,
    read_turns,
    resolve_references,
    shown_list,
    shown_models,
    strip_references,
)
from assistant.settings import Settings
from tests.assistant_lake import (
    CONTRACTS,
    CONTRACTS_DUTCH,
    CONTRACTS_LARGE,
    DISEASES,
    FERRY,
    FRENCH,
    GERMAN,
    GERMAN_2,
    SENTIMENT,
    TERN_APACHE,
    TERN_MIT,
    UPSTREAM,
    find_faults,
)
from tools.lake import Lake

LISTED = Turn("which models?", "…", ("a/one", "b/two", "c/three"), {"intent": "find"})
LOOKED = Turn("its licence?", "…", ("a/one",), {"intent": "fact"})


# -- words that point back -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "models"),
    [
        ("the second one", ("b/two",)),
        ("what about the 2nd?", ("b/two",)),
        ("the third model's licence?", ("c/three",)),
        ("number 3, please", ("c/three",)),
        ("and #2?", ("b/two",)),
        ("the last one", ("c/three",)),
        ("its licence?", ("a/one",)),
        ("is this model good?", ("a/one",)),
        ("what was that one trained on?", ("a/one",)),
        ("does it run on a CPU?", ("a/one",)),
        ("compare those two", ("a/one", "b/two")),
        ("compare the first two", ("a/one", "b/two")),
        ("compare both", ("a/one", "b/two")),
        ("compare them", ("a/one", "b/two", "c/three")),
        ("all of them", ("a/one", "b/two", "c/three")),
        ("which of these three is smaller?", ("a/one", "b/two", "c/three")),
        ("compare the first and the third one", ("a/one", "c/three")),
        ("compare the third one with the first one", ("c/three", "a/one")),
    ],
)
def test_references_to_a_list(question: str, models: tuple[str, ...]) -> None:
    assert resolve_references(question, [LISTED]) == models


@pytest.mark.parametrize(
    "question",
    [
        "the ninth one",
        "the fifth model",
        "which model writes poems?",
        "what is the capital?",
        "a second-hand car price model",
        "first aid chat",
        "last words of a sentence",
    ],
)
def test_what_points_nowhere(question: str) -> None:
    assert resolve_references(question, [LISTED]) == ()


@pytest.mark.parametrize(
    "question", ["which model writes code that compiles?", "a model that hears it when glass breaks"]
)
def test_that_and_it_in_a_description_point_nowhere(question: str) -> None:
    assert resolve_references(question, [LISTED], pronouns=False) == ()


def test_without_earlier_turns_nothing_is_referred_to() -> None:
    assert resolve_references("compare those two and its licence", []) == ()


def test_the_list_outlives_a_look_at_one_of_its_models() -> None:
    assert resolve_references("and the second one?", [LISTED, LOOKED]) == ("b/two",)
    assert resolve_references("its downloads?", [LISTED, LOOKED]) == ("a/one",)
    assert shown_list([LISTED, LOOKED]) == LISTED.models
    assert shown_models([LISTED, LOOKED]) == LOOKED.models


def test_near_misses_count_only_when_nothing_else_was_shown() -> None:
    near = Turn("a unicorn detector?", "…", ("x/near",), {"near": True})
    assert shown_models([near]) == ("x/near",)
    assert shown_models([LISTED, near]) == LISTED.models


def test_two_models_looked_at_one_after_the_other_are_those_two() -> None:
    first = Turn("what is d/four?", "…", ("d/four",))
    second = Turn("and e/five?", "…", ("e/five",))
    assert resolve_references("compare those two", [first, second]) == ("d/four", "e/five")


def test_the_base_model_last_named_is_meant() -> None:
    turn = Turn("what is it made from?", "…", ("a/one",), {"parents": ["p/base"]})
    assert resolve_references("and that base model, its licence?", [turn]) == ("p/base",)


@pytest.mark.parametrize(
    ("question", "left"),
    [
        ("what is the licence of the second one?", "what is the licence of"),
        ("the first one's licence", "licence"),
        ("compare those two by downloads", "by downloads"),
        ("its licence", "its licence"),
    ],
)
def test_what_is_asked_of_what_is_pointed_at(question: str, left: str) -> None:
    stripped = " ".join(strip_references(question).split())
    assert left in stripped
    assert "second" not in stripped
    assert "those" not in stripped


# -- what a conversation leaves ------------------------------------------------------------------------


def test_turns_are_read_from_messages() -> None:
    memo: dict[str, Any] = {"models": ["a/one"], "intent": "fact"}
    messages = [
        HumanMessage("first?"),
        AIMessage("", tool_calls=[{"name": "read_card", "args": {}, "id": "c1"}]),
        ToolMessage("{}", tool_call_id="c1", name="read_card"),
        AIMessage("One.", additional_kwargs={"memo": memo}),
        HumanMessage("second?"),
        AIMessage("See `b/two` and `c/three`, again `b/two`."),
        HumanMessage("now?"),
        AIMessage("", tool_calls=[{"name": "read_card", "args": {}, "id": "c2"}]),
    ]
    turns, question, since = read_turns(messages)
    assert question == "now?"
    assert [turn.user for turn in turns] == ["first?", "second?"]
    assert turns[0].memo["intent"] == "fact"
    # Another engine's answer has no memo: what stands in backticks was shown.
    assert turns[1].models == ("b/two", "c/three")
    assert since == messages[-1:]


def test_no_messages_no_turns() -> None:
    assert read_turns([]) == ([], "", [])


# -- whole conversations -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def assistant(assistant_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    home = shutil.copytree(assistant_home, tmp_path_factory.mktemp("dialogue") / "home")
    with (
        Lake.open(home, embedder=None) as lake,
        closing(Assistant(lake, Settings(home=home, llm="offline"))) as made,
    ):
        yield made


@pytest.fixture
def talk(assistant: Assistant) -> Callable[..., list[Answer]]:
    def say(*questions: str) -> list[Answer]:
        thread = assistant.new_thread("")
        answers = [assistant.ask(question, thread) for question in questions]
        faults = [
            (q, f) for q, a in zip(questions, answers, strict=True) for f in find_faults(a, assistant.lake)
        ]
        assert faults == []
        return answers

    return say


GERMAN_SPEECH = "Which model transcribes German speech?"


def test_its_licence_then_the_second_one_then_both(talk: Callable[..., list[Answer]]) -> None:
    listed, licence, second, both = talk(
        GERMAN_SPEECH, "its licence?", "the second one?", "compare those two"
    )
    assert listed.models[:2] == [GERMAN, GERMAN_2]
    assert licence.models == [GERMAN]
    assert "licence mit" in licence.answer
    assert second.models == [GERMAN_2]
    assert "licence" in second.answer
    assert both.models == [GERMAN, GERMAN_2]


def test_the_same_question_of_another_model(talk: Callable[..., list[Answer]]) -> None:
    *_, other = talk(f"What licence has {CONTRACTS}?", f"what about {FRENCH}?")
    assert other.models == [FRENCH]
    assert "gpl-3.0" in other.answer


def test_a_correction_repeats_the_question(talk: Callable[..., list[Answer]]) -> None:
    first, corrected = talk("what licence has lexi contracts?", "no, I meant the large one")
    assert first.models == [CONTRACTS]
    assert corrected.models == [CONTRACTS_LARGE]
    assert "licence mit" in corrected.answer


def test_a_correction_by_owner(talk: Callable[..., list[Answer]]) -> None:
    first, corrected = talk("what licence has tern-embed?", "no, I meant the one by larkfield")
    assert first.models == [TERN_MIT]
    assert f"`{TERN_APACHE}`" in first.answer  # "Did you mean ...?"
    assert corrected.models == [TERN_APACHE]
    assert "apache-2.0" in corrected.answer


def test_a_condition_added_and_one_replaced(talk: Callable[..., list[Answer]]) -> None:
    _, french, german = talk("Which model transcribes speech?", "and in French?", "and in German?")
    assert french.models[0] == FRENCH
    assert german.models[0] == GERMAN
    assert FRENCH not in german.models
    assert "language German" in german.answer
    assert "French" not in german.answer


def test_a_condition_in_a_sentence_of_its_own(talk: Callable[..., list[Answer]]) -> None:
    _, free = talk("Which model summarises legal contracts?", "it has to be free for commercial use")
    assert set(free.models[:2]) == {CONTRACTS, CONTRACTS_LARGE}
    assert "commercial use" in free.answer


def test_not_that_licence(talk: Callable[..., list[Answer]]) -> None:
    _, other = talk("Which model summarises contracts?", "but not under Apache")
    assert CONTRACTS not in other.models
    assert CONTRACTS_LARGE in other.models


@pytest.mark.parametrize("more", ["any others?", "others?", "what else?", "are there any more?", "more"])
def test_others_are_other_ones(talk: Callable[..., list[Answer]], more: str) -> None:
    listed, others = talk("Which model summarises legal contracts?", more)
    shown = [model for model in listed.models if f"`{model}`" in listed.answer]
    assert len(shown) == 3
    assert not set(shown) & set(others.models)
    assert not any(f"`{model}`" in others.answer for model in shown)


def test_when_there_are_no_others_it_says_so(talk: Callable[..., list[Answer]]) -> None:
    _, _, others = talk("Which model transcribes French speech?", "any others?", "any others?")
    assert others.abstained
    assert "no other model" in others.answer
    assert others.models == []


def test_a_new_description_is_a_new_search(talk: Callable[..., list[Answer]]) -> None:
    *_, found = talk(GERMAN_SPEECH, "which model finds the names of diseases that doctors write?")
    assert found.models[0] == DISEASES


def test_that_in_a_description_after_a_list_is_a_search(talk: Callable[..., list[Answer]]) -> None:
    *_, found = talk(GERMAN_SPEECH, "I need a model that translates English news")
    assert found.models[0] == FERRY


def test_the_parent_of_what_was_asked_about(talk: Callable[..., list[Answer]]) -> None:
    _, parent, licence = talk(
        f"what licence has {CONTRACTS_DUTCH}?",
        "what was it fine-tuned from?",
        "and that base model's licence?",
    )
    assert f"`{CONTRACTS}`" in parent.answer
    assert f"`{UPSTREAM}`" in parent.answer
    assert licence.models == [CONTRACTS]
    assert "apache-2.0" in licence.answer


def test_a_fact_of_another_kind_about_the_same_model(talk: Callable[..., list[Answer]]) -> None:
    *_, downloads, accuracy = talk(f"tell me about {SENTIMENT}", "how many downloads?", "and its accuracy?")
    assert "5,000" in downloads.answer or "5000" in downloads.answer
    assert downloads.models == [SENTIMENT]
    assert "0.91" in accuracy.answer


def test_the_best_of_a_list_by_its_results(talk: Callable[..., list[Answer]]) -> None:
    _, best = talk(GERMAN_SPEECH, "which of those has the lower WER?")
    assert "6.4" in best.answer
    assert "8.1" in best.answer


def test_pointing_at_nothing_asks_which_model(talk: Callable[..., list[Answer]]) -> None:
    for question in ("compare those two", "the second one", "its licence?"):
        (answer,) = talk(question)
        assert answer.abstained
        assert answer.models == []


def test_conversations_do_not_hear_each_other(talk: Callable[..., list[Answer]]) -> None:
    talk(GERMAN_SPEECH)
    (answer,) = talk("its licence?")
    assert GERMAN not in answer.answer
