"""Questions that counting answers, asked of the offline engine over a lake of known cards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from assistant.agent import Assistant
from assistant.offline.count_plans import plan_count
from assistant.settings import Settings
from assistant.toolbox.arguments import SearchModels
from assistant.toolbox.context import ToolContext
from assistant.toolbox.counting import tell_again
from assistant.toolbox.finding import search_models
from tests.entries import make_entry
from tools.evidence import EvidenceLedger
from tools.lake import Lake
from tools.places import Places

# name, licence, languages, datasets, task
_MODELS = (
    ("fen/sort", "mit", ("de",), ("fen/mails",), "text-classification"),
    ("fen/turn", "mit", ("de", "en"), ("fen/mails", "fen/books"), "translation"),
    ("fen/hear", None, ("fr",), (), "automatic-speech-recognition"),
    ("moss/hear-de", None, ("de",), ("moss/calls",), "automatic-speech-recognition"),
    ("moss/see", "gpl-3.0", (), (), "image-classification"),
)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    home: Path = tmp_path_factory.mktemp("counted")
    with Lake.open(home, embedder=None) as opened:
        for model, licence, languages, datasets, task in _MODELS:
            entry = make_entry(
                model, license=licence, languages=languages, datasets=datasets, task=task, summary="A model."
            )
            opened.catalog.put_models([entry], source="test")
        yield opened


@pytest.fixture(scope="module")
def assistant(lake: Lake) -> Iterator[Assistant]:
    with closing(Assistant(lake, Settings(home=lake.home.path, llm="offline"))) as opened:
        yield opened


@pytest.mark.parametrize(
    ("question", "told", "models"),
    [
        ("How many models are under MIT?", "2 of 5 models fit (licence mit)", {"fen/sort", "fen/turn"}),
        (
            "How many German models are there?",
            "3 of 5 models fit (language German)",
            {"fen/sort", "fen/turn", "moss/hear-de"},
        ),
        ("Which models come without a licence?", "by 2 of 5 models", {"fen/hear", "moss/hear-de"}),
        ("Which German models declare no licence?", "by 1 of the 3 models that fit", {"moss/hear-de"}),
        ("What datasets are used most often?", "fen/mails (2), fen/books (1), moss/calls (1)", set()),
        ("Who has the most models?", "fen (3), moss (2)", set()),
        ("which licence is most common among translation models", "mit (1)", set()),
    ],
)
def test_counts_are_cited_and_hold(
    assistant: Assistant, lake: Lake, question: str, told: str, models: set[str]
) -> None:
    answer = assistant.ask(question)
    assert told in answer.answer
    assert set(answer.models) == models
    assert [statement.level for statement in answer.statements] == ["facts"], answer.statements
    places = Places(lake.catalog, described=lambda locator: tell_again(lake, locator))
    (item,) = answer.evidence
    assert places.check(item).verdict == "holds"
    assert places.check(item.model_copy(update={"text": f"{item.text} And 6 more."})).verdict == "changed"


@pytest.mark.parametrize(
    "question",
    [
        "How many models detect plant diseases?",  # no field says that: the cards have to be read
        "How many parameters does it have?",
        "Is there a model with no data augmentation?",
        "Which model is most accurate?",
    ],
)
def test_what_the_catalog_cannot_count_is_searched(question: str) -> None:
    assert plan_count(question) is None


def test_words_that_no_card_uses_are_named(lake: Lake) -> None:
    context = ToolContext(lake=lake, ledger=EvidenceLedger())

    def find_unseen(query: str) -> list[str]:
        return list(search_models(context, SearchModels.model_validate({"query": query}))["unseen"])

    assert find_unseen("a German translation model for earthquakes") == ["earthquakes"]
    assert find_unseen("something for translations") == []
    assert find_unseen("Gibt es ein Modell zum Zusammenfassen von Gerichtsurteilen über Erdbeben?") == []


def test_a_locator_that_holds_no_arguments_tells_nothing(lake: Lake) -> None:
    assert tell_again(lake, "catalog/count?{broken") == []
    assert tell_again(lake, 'catalog/count?{"by": "secrets"}') == []
