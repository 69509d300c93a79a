"""What an answer's own words tell of it, when its writer is a language model."""

from __future__ import annotations

import pytest

from assistant.answers import Outline, build_answer
from tests.verification_corpus import KNOWN, make_ledger


def tell(text: str) -> tuple[list[str], list[str], bool]:
    """(models, suggestions, abstained) of an answer of which nothing but the text is known."""
    answer = build_answer(
        text,
        outline=Outline(),
        ledger=make_ledger(),
        read=[],
        known_models=KNOWN,
        tools=[],
        engine="openai:m",
        thread="t",
        asked=["Which one is it?"],
        usage={},
    )
    return answer.models, answer.suggestions, answer.abstained


@pytest.mark.parametrize(
    ("text", "models", "suggestions", "abstained"),
    [
        ("`acme/legal-bart` was trained for 3 epochs [E1].", ["acme/legal-bart"], [], False),
        ("The card of `acme/tiny-sum` does not state its data.", ["acme/tiny-sum"], [], True),
        ("No model in this lake writes poems. The closest is `acme/other`.", [], ["acme/other"], True),
        ("I can't help with your knee; that is outside what I answer.", [], [], True),
        ("`acme/giant` is not in this lake. Did you mean `acme/other`?", [], ["acme/other"], True),
        (
            "`acme/legal-bart` fits: “It summarises contracts in plain English” [E1]. "
            "The card of `acme/other` does not state that it can.",
            ["acme/legal-bart"],
            ["acme/other"],
            False,
        ),
        (
            "The card of `acme/legal-bart` does not state who paid. "
            "It says: “It was trained for 3 epochs” [E1].",
            ["acme/legal-bart"],
            [],
            True,
        ),
        ("Hello there.", [], [], False),
    ],
)
def test_models_near_misses_and_abstention_are_read_from_the_text(
    text: str, models: list[str], suggestions: list[str], abstained: bool
) -> None:
    assert tell(text) == (models, suggestions, abstained)
