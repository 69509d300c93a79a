"""Front matter: values, lines of every node, and what broken YAML leaves."""

from __future__ import annotations

import json

import pytest

from tools.cards import parse_card, parse_front_matter


def codes(text: str) -> list[str]:
    return [problem.code for problem in parse_front_matter(text).problems]


def test_values_are_plain_json_and_names_stay_names() -> None:
    text = (
        "---\nlanguage:\n- no\n- en\nlicense: mit\ndate: 2023-01-02\nratio: .nan\nwidget: off\n"
        "verified: true\ncount: 12\nrate: 1e-3\nempty:\nbig: 12345678901234567890\n---\n"
    )
    front = parse_front_matter(text)
    assert front.metadata == {
        "language": ["no", "en"],
        "license": "mit",
        "date": "2023-01-02",
        "ratio": ".nan",
        "widget": "off",
        "verified": True,
        "count": 12,
        "rate": 0.001,
        "empty": None,
        "big": "12345678901234567890",
    }
    assert json.loads(json.dumps(front.metadata, allow_nan=False)) == front.metadata
    assert not front.problems


def test_every_node_has_its_lines() -> None:
    text = (
        "---\nlicense: mit\ntags:\n- a\n- b\nmodel-index:\n- name: x\n  results:\n  - dataset:\n"
        "      name: d/e\n    metrics:\n    - type: wer\n      value: 3\n\n# comment\nnotes: "
        "|\n  one\n  two\n---\nbody\n"
    )
    front = parse_front_matter(text)
    lines = {pointer: (span.start, span.end) for pointer, span in front.metadata_lines.items()}
    assert lines["/license"] == (2, 2)
    assert lines["/tags"] == (3, 5)
    assert lines["/tags/1"] == (5, 5)
    assert lines["/model-index/0/results/0/dataset"] == (9, 10)
    assert lines["/model-index/0/results/0/metrics/0"] == (12, 13)
    assert lines["/model-index/0/results/0/metrics/0/value"] == (13, 13)
    assert lines["/notes"] == (16, 18)
    assert front.body_line == 20


def test_pointers_escape_slash_and_tilde() -> None:
    assert set(parse_front_matter("---\na/b: 1\nc~d: 2\n---\n").metadata_lines) == {"/a~1b", "/c~0d"}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_byte_order_mark_and_line_ends(newline: str) -> None:
    text = "\ufeff" + newline.join(["---", "license: mit", "tags:", "- a", "---", "# Title", "", "Text."])
    card = parse_card(text)
    assert card.metadata == {"license": "mit", "tags": ["a"]}
    assert card.lines_text(card.metadata_lines["/tags"]) == f"tags:{newline}- a".rstrip("\n") + (
        "\r" if newline == "\r\n" else ""
    )
    assert card.title == "Title"
    assert card.passages[0].text == "Text."
    assert card.passages[0].lines.start == 8


def test_broken_yaml_is_salvaged_block_by_block() -> None:
    text = "---\nlanguage: no\nname: a: b\ntags:\n- one\n- two\nlicense: 'mit\n---\n# T\n"
    front = parse_front_matter(text)
    assert front.metadata["language"] == "no"
    assert front.metadata["name"] == "a: b"
    assert front.metadata["tags"] == ["one", "two"]
    assert codes(text) == ["front-matter-yaml"]
    assert front.problems[0].line is not None
    assert front.metadata_lines["/tags"].start == 4


def test_one_bad_line_does_not_cost_the_model_index() -> None:
    text = "---\nbad: [1, 2\nmodel-index:\n- name: x\n  results: []\n---\n"
    assert parse_front_matter(text).metadata["model-index"] == [{"name": "x", "results": []}]


def test_tabs_are_read_and_reported() -> None:
    text = "---\ntags:\n\t- a\n\t- b\nlicense: mit\n---\n"
    assert parse_front_matter(text).metadata == {"tags": ["a", "b"], "license": "mit"}
    assert codes(text) == ["front-matter-yaml"]


def test_a_duplicate_key_is_reported_and_the_last_wins() -> None:
    front = parse_front_matter("---\nlicense:\n- mit\nlicense: gpl\n---\n")
    assert front.metadata == {"license": "gpl"}
    assert [problem.code for problem in front.problems] == ["duplicate-key"]
    assert set(front.metadata_lines) == {"/license"}
    assert front.metadata_lines["/license"].start == 4


def test_a_second_front_matter_adds_only_what_the_first_lacks() -> None:
    card = parse_card("---\nlicense: mit\n---\n\n---\nlicense: gpl\nlanguage: no\n---\n# T\n")
    assert card.metadata == {"license": "mit", "language": "no"}
    assert [problem.code for problem in card.problems] == ["front-matter-second"]
    assert card.title == "T"


def test_unclosed_front_matter_ends_at_the_first_heading() -> None:
    card = parse_card("---\nlicense: mit\ntags:\n- a\n\n# Title\n\ntext\n")
    assert card.metadata == {"license": "mit", "tags": ["a"]}
    assert [problem.code for problem in card.problems] == ["front-matter-unclosed"]
    assert card.title == "Title"


def test_thematic_breaks_are_no_front_matter() -> None:
    card = parse_card("---\nJust a sentence between rules.\n---\nMore.\n")
    assert card.metadata == {}
    assert card.front_matter is None
    assert (
        "Just a sentence" in card.passages[0].text or "Just a sentence" in card.title + card.sections[0].title
    )
    assert parse_card("Text\n\n---\n\nlicense: mit\n\n---\n").metadata == {}


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("lic\x00ense: mit", "control-character"),
        ("a: &x [*x]", "yaml-alias"),
        ("? [a, b]\n: c", "yaml-key"),
        ("a: !!python/object/apply:os.system ['true']", "yaml-tag"),
        ("a: " + "[" * 40 + "]" * 40, "front-matter-yaml"),
        ("a: " + "[" * 100_000, "front-matter-yaml"),
        ("a:\n" + "\n".join("  " * depth + "- " for depth in range(1, 50)), "front-matter-yaml"),
    ],
)
def test_hostile_front_matter_is_a_problem_not_an_error(source: str, code: str) -> None:
    text = f"---\n{source}\nlicense: mit\n---\n# T\n"
    assert code in codes(text)
    assert parse_card(text).title == "T"


def test_a_list_is_no_front_matter_but_the_body_is_read() -> None:
    card = parse_card("---\n- a\n- b\n---\n# T\n")
    assert [problem.code for problem in card.problems] == ["front-matter-not-mapping"]
    assert (card.metadata, card.title) == ({}, "T")


def test_a_python_tag_builds_nothing() -> None:
    assert parse_front_matter("---\na: !!python/name:os.system\n---\n").metadata == {"a": ""}


def test_an_alias_bomb_stays_small() -> None:
    levels = ["a: &a [x,x,x,x,x,x,x,x,x,x]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        levels.append(f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]")
    front = parse_front_matter("---\n" + "\n".join(levels) + "\n---\n")
    assert "yaml-alias" in [problem.code for problem in front.problems]
    assert len(json.dumps(front.metadata)) < 100_000


def test_front_matter_over_the_limit_is_not_read() -> None:
    front = parse_front_matter("---\nlicense: mit\n" + "a: b\n" * 200_000 + "---\n# T\n")
    assert front.metadata["license"] == "mit"
    assert "front-matter-unclosed" in [problem.code for problem in front.problems]
