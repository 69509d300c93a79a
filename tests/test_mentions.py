"""Finding the models a question names: ids, bare and loose names, families, and words that name none."""

from __future__ import annotations

import pytest

from assistant.offline.mentions import Mention, MentionIndex
from tests.entries import make_entry
from tools.catalog.records import PassageRow

NAMES = {
    "larkfield/lexi-contracts": "Summarises legal contracts.",
    "larkfield/lexi-contracts-large": "Summarises longer contracts.",
    "osprey-lab/lexi-contracts-nl": "Summarises rental agreements in Dutch.",
    "tinwhistle/murmur-german": "Transcribes German speech.",
    "tinwhistle/murmur-german-v2": "Transcribes German telephone calls.",
    "brackwater/tern-embed": "Sentence vectors.",
    "larkfield/tern-embed": "Sentence vectors, retrained.",
    "brackwater/zephyrine-7b-chat": "Chats in English.",
    "tinwhistle/image-classifier": "Tells fruit apart in a picture.",
    "osprey-lab/speech": "Recognises spoken words.",
    "lonelymodel": "A model without an owner.",
    "kestrel/x2": "Detects birds.",
    "meadow/denoiser": "Removes noise from speech.",
    "quarry/tagger": "Tags speech with emotions.",
}
DOWNLOADS = {"brackwater/tern-embed": 400, "larkfield/tern-embed": 90}


def passage(owner: str, text: str) -> PassageRow:
    """A stored passage of a card."""
    return PassageRow(
        id=1, owner=owner, owner_kind="model", source=f"{owner}@1", kind="prose", section=(),
        locator="README.md#L1", text=text, sha256="0" * 64, text_hash=text,
    )  # fmt: skip


@pytest.fixture(scope="module")
def index() -> MentionIndex:
    records = [
        make_entry(model, f"# {model}\n\n{told}", summary=told, downloads=DOWNLOADS.get(model))[0]
        for model, told in NAMES.items()
    ]
    return MentionIndex(records, [passage(model, told) for model, told in NAMES.items()])


def find_one(index: MentionIndex, question: str) -> Mention:
    (mention,) = index.find(question)
    return mention


@pytest.mark.parametrize(
    ("question", "model", "kind"),
    [
        ("What licence has larkfield/lexi-contracts?", "larkfield/lexi-contracts", "exact"),
        ("what licence has LARKFIELD/Lexi-Contracts", "larkfield/lexi-contracts", "exact"),
        ("tell me about larkfield/lexi-contracts@0123abc.", "larkfield/lexi-contracts", "exact"),
        ("`tinwhistle/murmur-german-v2`: who made it?", "tinwhistle/murmur-german-v2", "exact"),
        ("(kestrel/x2)", "kestrel/x2", "exact"),
        ("what is lexi-contracts for?", "larkfield/lexi-contracts", "bare"),
        ("what is Lexi Contracts Large for?", "larkfield/lexi-contracts-large", "bare"),
        ("the licence of lexi contracts large", "larkfield/lexi-contracts-large", "bare"),
        ("is lexi_contracts_nl under the GPL?", "osprey-lab/lexi-contracts-nl", "bare"),
        ("murmur-german v2, its licence?", "tinwhistle/murmur-german-v2", "bare"),
        ("what is the WER of murmur german?", "tinwhistle/murmur-german", "bare"),
        ("who made lonelymodel?", "lonelymodel", "bare"),
        ("what is zephyrine trained on?", "brackwater/zephyrine-7b-chat", "loose"),
        ("what licence does Zephyrine have", "brackwater/zephyrine-7b-chat", "loose"),
        ("kestrel's detector", "kestrel/x2", "author"),
    ],
)
def test_a_named_model_is_found(index: MentionIndex, question: str, model: str, kind: str) -> None:
    mention = find_one(index, question)
    assert (mention.model, mention.kind) == (model, kind)
    assert question[mention.start :].startswith(mention.words)


def test_the_longest_name_wins(index: MentionIndex) -> None:
    """The large sibling's name holds the small one's."""
    assert find_one(index, "lexi-contracts-large").model == "larkfield/lexi-contracts-large"
    assert find_one(index, "murmur german v2").model == "tinwhistle/murmur-german-v2"


def test_several_models_in_the_order_they_stand(index: MentionIndex) -> None:
    found = index.find("compare murmur-german with larkfield/lexi-contracts and kestrel/x2")
    assert [m.model for m in found] == ["tinwhistle/murmur-german", "larkfield/lexi-contracts", "kestrel/x2"]
    assert [m.start for m in found] == sorted(m.start for m in found)


def test_a_name_of_two_owners_is_the_more_downloaded_and_says_so(index: MentionIndex) -> None:
    mention = find_one(index, "what is tern-embed?")
    assert mention.model == "brackwater/tern-embed"
    assert mention.also == ("larkfield/tern-embed",)


def test_an_owner_chooses_among_models_that_share_a_name(index: MentionIndex) -> None:
    mention = find_one(index, "what is larkfield's tern-embed?")
    assert (mention.model, mention.also) == ("larkfield/tern-embed", ())


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("what licence has nowhere/lexi-contracts-9?", "nowhere/lexi-contracts-9"),
        ("larkfield/unheard-of: downloads?", "larkfield/unheard-of"),
        ("what is the licence of Quux-9B?", "Quux-9B"),
        ("who made Blorb-7x3b-instruct", "Blorb-7x3b-instruct"),
    ],
)
def test_a_model_the_lake_lacks_is_unknown_as_written(index: MentionIndex, question: str, name: str) -> None:
    mention = find_one(index, question)
    assert (mention.model, mention.kind) == (name, "unknown")


@pytest.mark.parametrize(
    "question",
    [
        "Which model summarises contracts and/or letters?",
        "is it open 24/7?",
        "input/output of the model",
        "a model for speech",
        "which model recognises speech in noise?",
        "models with a ROUGE-1 above 40",
        "trained on CIFAR-10 or ImageNet-1k",
        "under Apache-2.0 or GPL-3.0",
        "a state-of-the-art fine-tuned model, end-to-end",
        "what runs on an RTX3090 with CO2 below 5 kg?",
        "",
        "???",
        "🤖",
    ],
)
def test_ordinary_words_are_no_models(index: MentionIndex, question: str) -> None:
    assert index.find(question) == []


def test_a_model_called_like_an_ordinary_word_is_named_in_full_or_in_upper_case(index: MentionIndex) -> None:
    assert find_one(index, "what is osprey-lab/speech?").kind == "exact"
    assert find_one(index, "what is Speech by osprey-lab?").model == "osprey-lab/speech"


def test_a_name_inside_a_longer_name_is_not_it(index: MentionIndex) -> None:
    """ "flan-zephyrine_2" is something else than zephyrine."""
    assert all(m.model != "brackwater/zephyrine-7b-chat" for m in index.find("what is flan-zephyrine_2?"))


@pytest.mark.parametrize(
    ("written", "near"),
    [
        ("nowhere/lexi-contrakts", "larkfield/lexi-contracts"),
        ("murmer-german", "tinwhistle/murmur-german"),
        ("TERN_EMBEDS", "brackwater/tern-embed"),
        ("zephyrine-13b-chat", "brackwater/zephyrine-7b-chat"),
    ],
)
def test_a_misspelt_name_has_its_model_among_the_nearest(
    index: MentionIndex, written: str, near: str
) -> None:
    nearest = index.nearest(written)
    assert near in nearest
    assert len(nearest) <= 3


def test_nothing_is_near_to_nonsense(index: MentionIndex) -> None:
    assert index.nearest("qqqqqqqq") == []


def test_siblings_share_the_owner_or_the_name(index: MentionIndex) -> None:
    siblings = index.siblings("larkfield/lexi-contracts")
    assert siblings[0] == "larkfield/lexi-contracts-large"
    assert "larkfield/lexi-contracts" not in siblings


def test_an_empty_lake_names_nothing() -> None:
    empty = MentionIndex([])
    assert [m.kind for m in empty.find("what is larkfield/lexi-contracts-large?")] == ["unknown"]
    assert empty.nearest("anything") == []


def test_a_huge_question_is_read_quickly(index: MentionIndex) -> None:
    import time

    start = time.monotonic()
    index.find("a/b-1 tern embed zephyrine’s lexi contracts " * 450)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("name", ["murmur-small", "t9-base", "Quarrel_large", "zephyrine-13b", "x2-xl"])
def test_a_size_makes_a_name(index: MentionIndex, name: str) -> None:
    mention = find_one(index, f"How many parameters does {name} have?")
    assert (mention.model, mention.kind) == (name, "unknown")


@pytest.mark.parametrize(
    ("question", "author"),
    [
        ("list the models by larkfield", "larkfield"),
        ("which models did Tinwhistle publish for speech?", "tinwhistle"),
        ("everything from the author osprey-lab", "osprey-lab"),
        ("sort them by size", ""),
        ("which models did nobody publish?", ""),
    ],
)
def test_an_author_is_found(index: MentionIndex, question: str, author: str) -> None:
    assert index.find_author(question) == author
