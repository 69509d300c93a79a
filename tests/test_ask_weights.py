"""Questions that weights answer, asked of the offline engine over the sample lake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from assistant.agent import Assistant
from assistant.answers import Answer
from assistant.events import Finished, ToolFinished, ToolProgress
from assistant.settings import Settings
from tests.weighed_lake import LAB, weigh_sample
from tools.lake import Lake


@pytest.fixture(scope="module")
def assistant(sample_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    home = weigh_sample(sample_home, tmp_path_factory)
    with (
        Lake.open(home, embedder=None) as lake,
        closing(Assistant(lake, Settings(home=home, llm="offline"))) as opened,
    ):
        yield opened


def require_sound(answer: Answer) -> None:
    assert answer.unsupported == [], answer.answer
    assert any(item.kind == "weights" for item in answer.evidence), answer.answer
    assert {s.level for s in answer.statements} & {"quoted", "facts"}
    assert not answer.abstained


def test_progress_and_a_document_come_with_the_turn(assistant: Assistant) -> None:
    # The first to ask about weights here: they are weighed now.
    events = list(assistant.stream(f"Is {LAB}/delta-notes really fine-tuned from {LAB}/delta-base?"))
    assert any(isinstance(event, ToolProgress) and event.done <= event.of for event in events)
    views = [event.view.kind for event in events if isinstance(event, ToolFinished) and event.view]
    assert {"comparison", "lineage"} <= set(views)
    finished = events[-1]
    assert isinstance(finished, Finished)
    require_sound(finished.answer)
    assert any(call.view is not None for call in finished.answer.tools)
    (stored,) = assistant.turns(finished.answer.thread)
    assert [call.view for call in stored.answer.tools] == [call.view for call in finished.answer.tools]


# (question, what the first statement says, words that stand somewhere)
ASKED = [
    ("Is delta-notes really fine-tuned from delta-base?", "No:", ["contradicted", "p = 0.", "brook-base"]),
    ("Was brook-base made from quiet-mill?", "No:", ["`example-lab/quiet-mill` was made from"]),
    ("Is brook-chat-sparse derived from brook-base?", "Yes:", ["brook-chat", "p = 10^-"]),
    ("Is brook-recipes made from brook-chat?", "No:", ["brook-base"]),
    ("is it true that brook-base-int8 is a quantized version of brook-base?", "Yes:", ["quantization"]),
    ("Are fern-base and moss-base copies of each other?", "Yes:", ["copies of each other"]),
    ("is delta-base the same model as brook-base?", "No:", ["unrelated"]),
    ("Is quiet-mill related to brook-base?", "Yes:", ["no card declares it"]),
    ("Do fern-base and fern-reviews share an origin?", "Yes:", ["supported"]),
    ("Was delta-notes trained independently of delta-base?", "Yes:", ["contradicted"]),
    ("what changed between brook-base and brook-chat-sparse?", "", ["differ most", "512 tokens", "prune"]),
    ("How do fern-base and fern-reviews differ?", "", ["BertForMaskedLM", "fill-mask"]),
    ("Which models descend from brook-base?", "", ["quiet-mill", "delta-notes", "brook-blend"]),
    ("What was quiet-mill made from?", "", ["brook-base", "does not state a base model"]),
    ("Does the card of delta-notes tell the truth about its base model?", "", ["contradicted", "brook-base"]),
    ("Which models have a false parent?", "", ["delta-notes", "contradicted"]),
    ("which cards lie about their base model", "", ["delta-notes", "contradicted"]),
    ("which models are copies of each other?", "", ["moss-base", "fern-base"]),
    ("are there undeclared fine-tunes here?", "", ["quiet-mill"]),
    ("find models with similar weights to quiet-mill", "", ["brook-base", "cosine"]),
    ("Is moss-base a copy of another model?", "", ["fern-base", "copies"]),
    ("Was brook-blend merged from brook-chat and brook-recipes?", "", ["merge", "supported"]),
    ("who is the real parent of delta-notes?", "", ["brook-base", "contradicted"]),
    ("list the children of delta-base", "", ["contradicted"]),
]


@pytest.mark.parametrize(("question", "begins", "says"), ASKED)
def test_a_question_on_weights_is_answered(
    assistant: Assistant, question: str, begins: str, says: list[str]
) -> None:
    answer = assistant.ask(question)
    require_sound(answer)
    assert answer.answer.removeprefix("- ").startswith(begins), answer.answer
    assert [word for word in says if word not in answer.answer] == [], answer.answer


def test_follow_ups_go_on_from_weights(assistant: Assistant) -> None:
    first = assistant.ask("Is delta-notes really fine-tuned from delta-base?")
    second = assistant.ask("and from which one really?", first.thread)
    require_sound(second)
    assert "was made from `example-lab/brook-base`" in second.answer
    third = assistant.ask("how sure is that?", first.thread)
    require_sound(third)
    assert "p = 10^-" in third.answer
    assert "confidence" in third.answer


def test_which_of_these(assistant: Assistant) -> None:
    first = assistant.ask("show me models made from brook-chat")
    second = assistant.ask("which of these descend from brook-base?", first.thread)
    require_sound(second)
    assert set(second.models) == set(first.models)


def test_where_weights_are_not_at_hand_the_cards_answer(assistant: Assistant) -> None:
    names = assistant.lake.catalog.model_names()
    card_only = [name for name in names if name not in assistant.lake.catalog.weight_places()]
    half = assistant.ask(f"Is {card_only[0]} really made from brook-base?")
    assert half.unsupported == []
    assert f"`{card_only[0]}` are not at hand" in half.answer
    none = assistant.ask(f"Is {card_only[0]} a copy of {card_only[1]}?")
    assert none.unsupported == []
    assert not any(item.kind == "weights" for item in none.evidence)
