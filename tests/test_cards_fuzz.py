"""Any text parses; passages stay verbatim: on generated texts, and on every real card at hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.test_cards_body import assert_verbatim
from tests.test_cards_results import assert_cited
from tools.cards import parse_card

PIECES = [
    "---",
    "# ",
    "## Title",
    "**bold**",
    "| a | F1 |",
    "|---|---|",
    "| x-base | 91.2 % |",
    "<table>",
    "<tr>",
    "<td rowspan=3>",
    "</table>",
    "```",
    "- ",
    "1. ",
    "> ",
    "language: no",
    "license: mit",
    "tags:",
    "- a",
    "base_model: a/b",
    "model-index:",
    "- name: x",
    "  results:",
    "  - metrics:",
    "    - type: wer",
    "      value: 3",
    "&a [*a]",
    "!!python/none x",
    "{",
    "[",
    "\t",
    "\r",
    "\r\n",
    "\n",
    "\n\n",
    "\x00",
    "\ufeff",
    "\u2028",
    "\ud800",
    "[a](https://huggingface.co/a/b)",
    "fine-tuned version of `x-base`",
    "WER: 4.7%",
    "Dataset: d",
    'Result: {"f1": 0.5}',
    "accuracy of 91 on the dev set",
    "<!--",
    "-->",
    "<h1>T</h1>",
    "\\|",
    "&amp;",
    "_a_",
    "`",
    "===",
    "    code",
    " ",
    "é",
    "。",
]
TEXTS = st.one_of(
    st.text(max_size=400),
    st.lists(st.one_of(st.sampled_from(PIECES), st.just("\n"), st.text(max_size=8)), max_size=60).map(
        "".join
    ),
    st.lists(st.sampled_from(PIECES), max_size=40).map("\n".join),
    st.lists(st.sampled_from(PIECES), max_size=25).map(
        lambda parts: "---\n" + "\n".join(parts) + "\n---\ntext"
    ),
)
SETTINGS = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SETTINGS
@given(TEXTS)
def test_any_text_parses(text: str) -> None:
    card = parse_card(text, model_id="org/model")
    assert_verbatim(card)
    assert_cited(text)
    json.dumps(card.metadata, allow_nan=False)
    last = len(text.split("\n"))
    for span in [*card.metadata_lines.values(), *(section.lines for section in card.sections)]:
        assert 1 <= span.start <= span.end <= last
    for table in card.tables:
        assert all(table.lines.start <= cell.line <= table.lines.end for row in table.rows for cell in row)
    assert all(1 <= link.line <= last for link in card.links)
    assert all(parent.text in text for parent in card.parents)
    assert all(problem.line is None or 1 <= problem.line <= last + 1 for problem in card.problems)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "results", "task", "dataset", "metrics", "type", "value", "args", "split", "config"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@SETTINGS
@given(json_values, json_values)
def test_any_shape_of_metadata_parses(index: object, base: object) -> None:
    text = f"---\nmodel-index: {json.dumps(index)}\nbase_model: {json.dumps(base)}\nlanguage: no\n---\n"
    card = parse_card(text)
    assert card.metadata.get("language") == "no"
    assert_cited(text)


@pytest.mark.slow
def test_every_real_card_parses_and_stays_verbatim(real_lake: Path) -> None:
    import pyarrow.parquet as pq

    texts = pq.read_table(real_lake / "model_cards_with_metadata.parquet", columns=["card"])[
        "card"
    ].to_pylist()
    texts += [
        path.read_bytes().decode("utf-8", "surrogateescape")
        for path in sorted((real_lake / "table_cards").iterdir())
        if path.suffix in (".md", ".mdx")
    ]
    assert len(texts) > 1000
    counts = dict.fromkeys(("sections", "passages", "tables", "results", "parents"), 0)
    for text in texts:
        card = parse_card(text or "")
        assert_verbatim(card)
        assert_cited(text or "")
        for name in counts:
            counts[name] += len(getattr(card, name))
    assert counts["tables"] > 150
    assert counts["results"] > 3_000
    assert counts["parents"] > 200
