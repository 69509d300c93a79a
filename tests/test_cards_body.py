"""Body: sections, passages, tables, links."""

from __future__ import annotations

import time

import pytest

from tools.cards import parse_card
from tools.cards.markup import find_arxiv_ids, strip_markup
from tools.cards.passages import LIMITS
from tools.cards.types import Card


def assert_verbatim(card: Card) -> None:
    """Every passage is a substring of its lines, within them and of bounded length."""
    lines = card.text.split("\n")
    for passage in card.passages:
        assert 1 <= passage.lines.start <= passage.lines.end <= len(lines)
        assert passage.text
        assert passage.text in "\n".join(lines[passage.lines.start - 1 : passage.lines.end])
        assert lines[passage.lines.start - 1].find(passage.text.split("\n")[0]) >= 0
        assert len(passage.text) <= LIMITS[passage.kind]


def test_sections_nest_and_know_their_lines() -> None:
    card = parse_card("Intro.\n\n# One\n\ntext\n\n## Two\n\nmore\n\nThree\n=====\n\nend\n")
    assert [(s.title, s.level, s.path, str(s.lines)) for s in card.sections] == [
        ("", 0, (), "L1"),
        ("One", 1, ("One",), "L3-L5"),
        ("Two", 2, ("One", "Two"), "L7-L9"),
        ("Three", 1, ("Three",), "L11-L14"),
    ]
    assert card.title == "One"
    assert [p.section for p in card.passages] == [(), ("One",), ("One", "Two"), ("Three",)]


def test_html_bold_and_tight_headings() -> None:
    card = parse_card(
        "<h1 align='center'>My <b>Model</b></h1>\n\n**Training data**\n\nBooks.\n\n##Usage\n\nRun it.\n\n"
        "**This one is a sentence.**\n\n**Accuracy: 91%**\n"
    )
    assert [(s.title, s.level) for s in card.sections] == [
        ("My Model", 1),
        ("Training data", 7),
        ("Usage", 2),
    ]
    assert card.title == "My Model"
    assert card.passages[-1].text == "**Accuracy: 91%**"
    assert parse_card("#hashtag #other\n").sections[0].level == 0


def test_a_heading_with_nothing_under_it_is_still_citable() -> None:
    card = parse_card("# Model\n\n### Expected WER: 4.74%\n")
    assert [(p.text, p.section) for p in card.passages] == [
        ("### Expected WER: 4.74%", ("Model", "Expected WER: 4.74%"))
    ]


def test_kinds_of_passages() -> None:
    card = parse_card(
        "para\n\n- a\n- b\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n```py\n# no heading\n```\n\n<"
        "div>html</div>\n\n> quoted\n"
    )
    assert [p.kind for p in card.passages] == ["prose", "list", "table", "code", "html", "prose"]
    assert [s.title for s in card.sections] == [""]
    assert_verbatim(card)


def test_long_blocks_are_cut_at_sentences_and_items_verbatim() -> None:
    paragraph = " ".join(f"Sentence number {number} tells something of use." for number in range(200))
    items = "\n".join(f"- item {number} " + "word " * 20 for number in range(60))
    card = parse_card(f"{paragraph}\n\n{items}\n")
    prose = [p for p in card.passages if p.kind == "prose"]
    lists = [p for p in card.passages if p.kind == "list"]
    assert len(prose) > 5
    assert all(p.text.endswith(".") and p.text.startswith("Sentence") for p in prose)
    assert all(p.text.startswith("- item") for p in lists)
    assert_verbatim(card)
    assert "".join("".join(p.text.split()) for p in prose) == "".join(paragraph.split())


def test_markdown_table_cells() -> None:
    card = parse_card(
        "The results are:\n\n| Model | **F1** | Note |\n|:--|--:|---|\n| [a](http://x.y"
        ") | `1\\|2` | x \\| y |\n| b | 3 |\n"
        "| c | 4 | z | extra |\n"
    )
    table = card.tables[0]
    assert table.header == ("Model", "F1", "Note")
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["a", "1|2", "x | y"],
        ["b", "3"],
        ["c", "4", "z", "extra"],
    ]
    assert [row[0].line for row in table.rows] == [5, 6, 7]
    assert (str(table.lines), table.caption) == ("L3-L7", "The results are:")


def test_a_table_with_a_wrong_delimiter_row_is_still_a_table() -> None:
    table = parse_card("| a | b | c |\n|---|---|\n| 1 | 2 | 3 |\n").tables[0]
    assert table.header == ("a", "b", "c")
    assert [cell.text for cell in table.rows[0]] == ["1", "2", "3"]


def test_html_table_with_spans_blank_lines_and_entities() -> None:
    text = (
        "text\n\n<table>\n<caption>Scores</caption>\n<tr><th rowspan=2>Model</th><th colspan="
        "'2'>WER &amp; more</th></tr>\n"
        "<tr><td>clean</td><td>other</td></tr>\n\n<tr><td><b>A</b></td>\n    <td>1.0</td><td>2.0</td></tr>\n"
        '<tr><td rowspan="2">B</td><td>3</td><td>4</td></tr>\n<tr><td>5</td><td>6</td></tr>\n'
        "</table>\n\nafter\n"
    )
    card = parse_card(text)
    table = card.tables[0]
    assert table.header == ("Model", "WER & more / clean", "WER & more / other")
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["A", "1.0", "2.0"],
        ["B", "3", "4"],
        ["B", "5", "6"],
    ]
    assert table.rows[0][1].line == 9
    assert table.caption == "Scores"
    assert [p.kind for p in card.passages] == ["prose", "table", "prose"]
    assert_verbatim(card)


def test_a_row_without_its_tag_and_an_empty_one() -> None:
    table = parse_card(
        "<table>\n<tr><td>D</td><td>V</td></tr>\n<tr><td rowspan=4>x</td><td>1</td></tr>\n<td"
        ">2</td>\n<tr>\n</tr>\n"
        "<td>3</td>\n<tr>\n</tr>\n<tr><td>y</td><td>4</td></tr></table>"
    ).tables[0]
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["x", "1"],
        ["x", "2"],
        ["x", "3"],
        ["y", "4"],
    ]


def test_tables_in_code_are_code() -> None:
    card = parse_card("```\n<table><tr><td>1</td></tr></table>\n\n| a | b |\n|---|---|\n| 1 | 2 |\n```\n")
    assert card.tables == ()
    assert [p.kind for p in card.passages] == ["code"]


def test_links_of_every_form() -> None:
    card = parse_card(
        "[one](http://a.b/c_(d) 'title') and <http://auto.x>, http://bare.y/z. [two][ref]\n\n"
        '[![badge](http://img.z/b.png)](http://target.w)\n<a href="/rel">rel</a> <img src=\''
        "pic.png' alt='A pic'>\n\n"
        "[ref]: http://ref.v\n\n```\nhttp://in.code\n```\n`http://in.span`\n"
    )
    found = {(link.url, link.text, link.line) for link in card.links}
    assert {
        ("http://a.b/c_(d)", "one", 1),
        ("http://auto.x", "http://auto.x", 1),
        ("http://bare.y/z", "http://bare.y/z", 1),
        ("http://ref.v", "two", 1),
        ("http://img.z/b.png", "badge", 3),
        ("http://target.w", "badge", 3),
        ("/rel", "rel", 4),
        ("pic.png", "A pic", 4),
    } <= found
    assert not any("in.code" in link.url for link in card.links)


def test_arxiv_ids_from_text_urls_and_tags() -> None:
    card = parse_card(
        "---\ntags:\n- arxiv:1908.10063\n---\nSee https://arxiv.org/pdf/2005.14165v4.pdf, arX"
        "iv: cs/0501001.\n"
    )
    assert card.arxiv_ids == ("1908.10063", "2005.14165", "cs/0501001")
    assert find_arxiv_ids(["version 1908.10063 of nothing"]) == ()


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("**bold** and _it_ `code`", "bold and it code"),
        ("snake_case_name stays", "snake_case_name stays"),
        ("[a](b) ![i](j) &lt;x&gt;", "a i <x>"),
        ("1<br>2<!-- no -->", "1 2"),
        (r"PTQ\*\* and 2 \* 3", "PTQ** and 2 * 3"),
        ("a < b > c", "a < b > c"),
    ],
)
def test_markup_is_removed_for_reading(markup: str, text: str) -> None:
    assert strip_markup(markup) == text


def test_carriage_returns_inside_lines_do_not_shift_them() -> None:
    card = parse_card("a\rb\n\n# T\r\n\r\nx\u2028y\r\nz\r\n")
    assert [(p.text, str(p.lines)) for p in card.passages] == [("a\rb", "L1"), ("x\u2028y\r\nz", "L5-L6")]
    assert_verbatim(card)


def test_of_a_very_large_card_the_first_megabyte_is_parsed() -> None:
    text = "# T\n\n" + ("word " * 40 + "\n\n") * 60_000
    card = parse_card(text)
    assert [problem.code for problem in card.problems] == ["card-too-large"]
    assert card.text == text
    assert_verbatim(card)


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    [
        ">",
        "- ",
        "[",
        "![",
        "[a](",
        "*a ",
        "_a ",
        "`",
        "<a ",
        "<!--",
        "| ",
        "<table>",
        "# a\n",
        "a\n\n",
        "1. a\n",
        "WER 3.1 ",
        "a: &a [b]\n",
        "\x00",
        "\r",
        "> - ",
        "x\n=\n",
    ],
)
def test_hostile_cards_take_bounded_time(unit: str) -> None:
    start = time.process_time()
    card = parse_card(unit * (1_100_000 // len(unit)))
    assert time.process_time() - start < 30  # linear takes a few; anything worse takes minutes
    assert card.problems
    assert_verbatim(card)
