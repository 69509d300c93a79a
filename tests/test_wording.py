"""Pieces of answer text: quotes stay true to their source, and a card's markup never gets into an answer."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.offline.wording import (
    join_words,
    mark_keys,
    name_data,
    name_model,
    plain_text,
    quote_text,
    shorten_value,
)
from tools.verification.marks import find_marks


@pytest.mark.parametrize(
    ("card", "read"),
    [
        ("# A **bold** title", "A bold title"),
        ("> quoted\n> twice", "quoted twice"),
        ("- an item", "an item"),
        ("3. third", "third"),
        ("see [the page](https://example.org/a_(b)) now", "see the page now"),
        ("![badge](x.png) text", "badge text"),
        ("[![badge](x.png)](https://example.org) text", "badge text"),
        ("a <b>bold</b> word", "a bold word"),
        ("`code` and ``more``", "code and more"),
        ("one | two |", "one two"),
        ("&lt;script&gt; &amp; more", "<script> & more"),
        ("see [E1] and [E2, E3]", "see E1 and E2, E3"),
        ("&#91;E1&#93;", "E1"),
        ("[[E1]] [[[E2]]] [ E3 ] [e4] ［E5］ 【E6】 [E-7] [E1|]", "E1 E2 E3 e4 E5 E6 E-7 E1"),
        ("[1] and [Easy] stay", "[1] and [Easy] stay"),
        ("a\x1b[31mred\x07", "a[31mred"),
        ("right\u202eleft\u200bzero", "rightleftzero"),
        ("a\n\n  b\t c", "a b c"),
        ("snake_case stays, 2 * 3 too", "snake_case stays, 2 * 3 too"),
    ],
)
def test_a_card_is_read_as_a_reader_sees_it(card: str, read: str) -> None:
    assert plain_text(card) == read


def test_a_short_passage_is_quoted_whole() -> None:
    assert quote_text("It *summarises* contracts.") == "“It summarises contracts.”"


def test_a_long_passage_is_cut_around_what_is_asked() -> None:
    text = " ".join(f"word{n}" for n in range(60)) + " and the licence is permissive here, " + "tail " * 40
    quoted = quote_text(text, about=["licenc", "permissiv"], words=12)
    assert "licence is permissive" in quoted
    assert len(quoted.split()) <= 12
    assert quoted[1:-1] in text


def test_of_a_list_the_item_that_answers_is_quoted() -> None:
    text = "- trained for 4 epochs\n- batch size of 16\n- learning rate 1e-4"
    assert quote_text(text, about=["batch", "siz"]) == "“batch size of 16”"


def test_quotation_marks_inside_a_quote_do_not_end_it() -> None:
    assert quote_text("He said “yes” and left") == '"He said “yes” and left"'
    assert quote_text('He said “yes” and "no"') == "\"He said “yes” and 'no'\""


def test_nothing_quotable_is_no_quote() -> None:
    for text in ("", "  ", "|||", "![](x)", "a", "<br>", "\u200b\u200b", "# "):
        assert quote_text(text) == ""


def test_a_quote_holds_no_tag() -> None:
    quoted = quote_text("Use &lt;img src=x onerror=alert(1)&gt; in the page")
    assert "<" not in quoted
    assert "&lt;img" in quoted


@given(st.text(max_size=400), st.integers(1, 40))
def test_no_text_makes_a_mark_a_tag_or_a_long_quote(text: str, words: int) -> None:
    quoted = quote_text(f"{text} [E1] <b> {text}", about=["one"], words=words)
    assert find_marks(quoted) == []
    assert "<" not in quoted
    assert "\n" not in quoted
    assert len(quoted.split()) <= words + 6
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x1b]", quoted)


@given(st.text(alphabet="ab c\nE1[]()*_`<>|&;#“”\"'", max_size=120))
def test_markup_in_any_order_is_read_in_the_end(text: str) -> None:
    assert "\n" not in plain_text(text)
    assert find_marks(plain_text(text)) == []


def test_hostile_markup_is_read_in_time() -> None:
    import time

    start = time.monotonic()
    for piece in ("[", "](", "![", "<", "*", "_", "`", "> ", "| ", "- ", "[a](b ", "(", "&#", "[E1", "**a"):
        plain_text(piece * (60_000 // len(piece)))
    assert time.monotonic() - start < 10


def test_a_models_name_cannot_end_its_backticks() -> None:
    assert name_model("a/b`c") == "`a/bc`"


@pytest.mark.parametrize(
    ("items", "said"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_lists_in_words(items: list[str], said: str) -> None:
    assert join_words(items) == said


def test_marks_stand_one_after_the_other() -> None:
    assert mark_keys(["E1", "E20"]) == "[E1][E20]"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"dataset": "ClauseBench", "config": "en", "split": "test"}, "ClauseBench en (test)"),
        ({"dataset": "ClauseBench English", "config": "english", "split": None}, "ClauseBench English"),
        ({"dataset": None, "config": None, "split": "dev"}, ""),
        ({"dataset": "", "config": "", "split": ""}, ""),
    ],
)
def test_the_data_of_a_result(row: dict[str, str | None], said: str) -> None:
    assert name_data(row) == said


def test_a_long_value_is_cut_between_its_parts() -> None:
    shown = shorten_value(", ".join(f"language{n}" for n in range(60)), 80)
    assert len(shown) <= 83
    assert shown.endswith(", …")
    assert re.fullmatch(r"(?:language\d+, )+…", shown)
    assert shorten_value("mit") == "mit"
