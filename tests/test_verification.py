"""The verifier on a corpus of our own: every attack fails, every honest statement keeps its level."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.verification_corpus import HONEST, KNOWN, LIES, make_ledger
from tests.verification_lies import ECHOED, PLANTED, QUESTION
from tests.verification_prose import ECHOING, PROSE
from tools.evidence import EvidenceLedger
from tools.verification import annotate_answer, verify_answer
from tools.verification.quotes import locate_quote
from tools.verification.types import Statement, Verification

LEDGER = make_ledger()
ORDER = ("failed", "unchecked", "facts", "quoted")


def verify(text: str, *allowed: str) -> Verification:
    return verify_answer(text, LEDGER, known_models=KNOWN, allowed=allowed)


def level_of(text: str) -> str:
    """The worst level of a text's statements, lead-ins and headings aside."""
    statements = verify(text).statements
    stated = [s for s in statements if s.level != "unchecked"] or list(statements)
    return min((s.level for s in stated), key=ORDER.index)


def cases(groups: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(kind, text) for kind, texts in groups.items() for text in texts]


def test_the_corpus_is_large() -> None:
    lies = sum(map(len, LIES.values())) + sum(map(len, PLANTED.values())) + len(ECHOED)
    assert lies >= 500
    assert sum(map(len, HONEST.values())) + len(PROSE) + len(ECHOING) >= 180


@pytest.mark.parametrize(("kind", "text"), cases(LIES) + cases(PLANTED))
def test_a_lie_fails(kind: str, text: str) -> None:
    assert [s.reason for s in verify(text).statements if s.level == "failed"]


@pytest.mark.parametrize("text", ECHOED)
def test_the_words_of_the_question_prove_nothing(text: str) -> None:
    assert verify(text, QUESTION).unsupported


@pytest.mark.parametrize(("level", "text"), cases(HONEST))
def test_an_honest_statement_keeps_its_level(level: str, text: str) -> None:
    assert level_of(text) == level, [(s.text, s.reason) for s in verify(text).statements]


@pytest.mark.parametrize("text", PROSE)
def test_honest_prose_does_not_fail(text: str) -> None:
    for allowed in ((), (QUESTION,)):
        assert [(s.text, s.reason) for s in verify(text, *allowed).statements if s.level == "failed"] == []


@pytest.mark.parametrize("text", ECHOING)
def test_what_was_asked_may_be_repeated(text: str) -> None:
    assert verify(text).unsupported
    assert verify(text, QUESTION).unsupported == ()


REWRITES: dict[str, Callable[[str], str]] = {
    "mark behind the full stop": lambda text: re.sub(r" ?((?:\[E\d+\])+)\.$", r". \1", text),
    "mark in brackets": lambda text: re.sub(r"((?:\[E\d+\])+)\.$", r"(\1).", text),
    "list item": lambda text: f"- {text}",
    "numbered": lambda text: f"1. {text}",
    "bold numbers": lambda text: re.sub(r"(?<![\w.,`/@-])(\d[\d,.]*\d|\d)(?![\w.,\]-])", r"**\1**", text),
    "narrow spaces": lambda text: text.replace(" %", "\u202f%").replace(" of ", "\u00a0of "),
    "no thousands separators": lambda text: re.sub(r"(?<=\d),(?=\d{3})", "", text),
    "names in bold": lambda text: re.sub(r"`([^`]+)`", r"**\1**", text),
    "behind a greeting": lambda text: f"Sure! {text}",
    "with a question after it": lambda text: f"{text}\n\nShall I compare it with others?",
    "carriage returns": lambda text: text.replace("\n", "\r\n"),
    "full width digits": lambda text: re.sub(
        r"(?<![\w`/.-])\d+(?![\w\]/-])", lambda m: "".join(chr(ord(c) + 0xFEE0) for c in m[0]), text
    ),
}


@pytest.mark.parametrize("rewrite", REWRITES)
def test_a_rewrite_that_keeps_the_truth_keeps_the_level(rewrite: str) -> None:
    several = rewrite == "carriage returns"
    changed = [(text, REWRITES[rewrite](text)) for text in HONEST["facts"] if several == ("\n" in text)]
    assert any(text != other for text, other in changed)
    failed = [
        (other, s.reason) for _, other in changed for s in verify(other).statements if s.level == "failed"
    ]
    assert failed == []


def one(text: str) -> Statement:
    (statement,) = verify(text).statements
    return statement


def test_a_quote_under_the_wrong_key_says_where_it_stands() -> None:
    verification = verify("`acme/legal-bart`: “It was trained for 3 epochs” [E2]")
    (citation,) = verification.citations
    assert (citation.status, citation.found_in) == ("misattributed", "E1")
    assert "stands in E1" in verification.statements[0].reason


def test_citations_follow_the_marks() -> None:
    verification = verify(
        "`acme/legal-bart`: “It summarises   Contracts in plain English” [E1]; its licence is Apache 2.0 [E2]"
    )
    assert [(c.evidence, c.status) for c in verification.citations] == [
        ("E1", "normalized"),
        ("E2", "exact"),
    ]
    assert verification.citations[1].quote == "license: apache-2.0"


def test_a_quote_of_several_sentences_is_one_statement() -> None:
    trained = "It was trained for 3 epochs on 4 NVIDIA A100 GPUs in 12 hours."
    text = f"{trained} It is not intended for commercial use."
    assert one(f"“{text}” [E1]").level == "quoted"
    assert one(f'"{text}" says the card of `acme/legal-bart` [E1].').level == "quoted"


@pytest.mark.parametrize("bullet", ["-", "*", "2."])
def test_a_list_item_is_not_denied_by_the_one_before(bullet: str) -> None:
    source = f"{bullet} The model cannot draw hands\n{bullet} The model is made for posters"
    found = locate_quote("The model is made for posters", source)
    assert found is not None
    assert found.lost == ""
    broken = locate_quote("draw hands The model is", source.replace(f"\n{bullet}", ""))
    assert broken is not None
    assert broken.lost == "cannot"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("It was trained for 3 epochs [E99].", "no evidence E99"),
        ("It was trained for 5 epochs [E1].", "does not give 5"),
        ("The licence of `acme/legal-bart` is MIT [E2].", "another licence: apache-2"),
        ("`acme/tiny-sum` was trained on 12,400 US legal contracts [E1].", "E1 is about acme/legal-bart"),
        ("It is intended for commercial use [E1].", "says the opposite"),
        ("`acme/tiny-sum` has more downloads than `acme/legal-bart` [E3][E7].", "wrong way round"),
        ("`evil/model-9000` is the best.", "evil/model-9000 is in no source"),
        ("Get it at https://evil.example/x.", "https://evil.example/x stands in no"),
        ("`acme/legal-bart` has 2,174,613 downloads.", "names no evidence"),
        ("The card of `acme/legal-bart` does not state its licence.", "E2 states the licence"),
        ("`acme/legal-bart` is not in this lake.", "acme/legal-bart is in this lake"),
        ("It was trained for \u202e3\u202c epochs [E1].", "direction of reading"),
        ("`acme/legal-bart`: “It was trained for 30 epochs on GPUs” [E1]", "stands in no source"),
        ("`acme/legal-bart`: “intended for commercial use” [E1]", "leaves out 'not'"),
    ],
)
def test_the_reason_says_what_is_wrong(text: str, reason: str) -> None:
    statement = one(text)
    assert statement.level == "failed"
    assert reason in statement.reason


def test_nothing_that_failed_is_hidden_or_deleted() -> None:
    text = "It was trained for 3 epochs [E1]. It was trained on MMLU.\n\n- Licence: MIT [E2]\n"
    verification = verify(text)
    shown = annotate_answer(text, verification)
    assert shown.count("⚠ not supported") == len(verification.unsupported) == 2
    for statement in verification.statements:
        assert statement.text in shown


def test_framing_of_the_engine_is_let_through_word_for_word() -> None:
    framing = ("All weights were compared by hand.",)
    assert verify_answer(framing[0], LEDGER, framing=framing).unsupported == ()
    other = framing[0].replace("hand", "robots")
    assert verify_answer(other, LEDGER, framing=framing).unsupported == (other,)


def test_without_evidence_nothing_is_above_unchecked() -> None:
    for _, text in cases(HONEST):
        verification = verify_answer(text, EvidenceLedger(), known_models=KNOWN)
        assert {statement.level for statement in verification.statements} <= {"failed", "unchecked"}
