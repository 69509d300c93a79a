"""Looking evidence up again: every place the tools cite holds its text, and nothing else passes for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from assistant.agent import Assistant
from assistant.export import export_json
from assistant.exported import check_answers, read_answers
from assistant.settings import Settings
from assistant.toolbox import ToolContext
from assistant.toolbox.arguments import DescribeLake, ListResults, ReadCard, SearchPapers, TraceLineage
from assistant.toolbox.finding import describe_lake, list_results, search_papers
from assistant.toolbox.reading import read_card
from assistant.toolbox.weighing import trace_lineage
from tests.conftest import REPOSITORY
from tools.evidence import Evidence, EvidenceLedger
from tools.facts import FACT_FIELDS
from tools.ingest import ingest
from tools.lake import Lake
from tools.places import Places

PAPER = """# A study of imagined voices

We asked forty people to imagine a voice.
All of them heard one.

## Results

The mean loudness was 3.5 sone,
which nobody had expected.
"""


@pytest.fixture(scope="module")
def lake(real_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Sixty real cards and a paper of ours."""
    folder = tmp_path_factory.mktemp("recheck")
    (folder / "voices.md").write_text(PAPER, encoding="utf-8")
    with Lake.open(folder / "home", embedder=None) as opened:
        ingest(opened, [str(real_lake / "model_cards_with_metadata.parquet")], limit=60)
        ingest(opened, [str(folder / "voices.md")])
        yield opened


@pytest.fixture(scope="module")
def cited(lake: Lake) -> list[Evidence]:
    """All that the tools give out about these models."""
    context = ToolContext(lake=lake, ledger=EvidenceLedger())
    for name in lake.catalog.model_names():
        for question in ("", "how well does it perform, what data was it trained on?"):
            asked = ReadCard(model=name, question=question, fields=list(FACT_FIELDS), limit=20)
            read_card(context, asked)
        trace_lineage(context, TraceLineage(model=name, depth=5))
    list_results(context, ListResults.model_validate({"limit": 50}))
    search_papers(context, SearchPapers(query="mean loudness of the imagined voice", limit=5))
    return list(context.ledger)


def test_every_place_the_tools_cite_holds(lake: Lake, cited: list[Evidence]) -> None:
    places = Places(lake.catalog)

    assert {item.kind for item in cited} >= {"card", "metadata", "results", "lineage", "paper"}
    assert [(item, standing) for item in cited if (standing := places.check(item)).verdict != "holds"] == []


def test_a_locator_moved_or_widened_by_a_line_does_not_hold(lake: Lake, cited: list[Evidence]) -> None:
    places = Places(lake.catalog)
    wrong = []
    for item in cited[::3]:
        if (found := re.fullmatch(r"(.+#)L(\d+)(?:-L(\d+))?", item.locator)) is None:
            continue
        file, first, last = found[1], int(found[2]), int(found[3] or found[2])
        for begin, end in ((first + 1, last + 1), (first, last + 1), (max(1, first - 1), last), (9**9, 9**9)):
            if (begin, end) == (first, last):
                continue
            moved = item.model_copy(update={"locator": f"{file}L{begin}-L{end}"})
            if places.check(moved).verdict == "holds":
                wrong.append((item, moved.locator))

    # A line that stands twice in a row is true of both places.
    assert len(wrong) <= len(cited) // 100, wrong[:3]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", ""),
        ("text", " \n"),
        ("text", "These words stand in no card of any lake."),
        ("sha256", "0" * 64),
        ("sha256", "not a hash"),
        ("source", "nobody/nothing@0123456789ab"),
        ("source", ""),
        ("locator", ""),
        ("locator", "README.md"),
        ("locator", "README.md#L0"),
        ("locator", "README.md#L9-L3"),
        ("locator", "README.md#/no/such/field"),
        ("locator", "record.json#/no_such_column"),
        ("locator", "../../etc/passwd#L1"),
        ("locator", "page 3"),
        ("kind", "paper"),
        ("kind", "weights"),
    ],
)
def test_nothing_made_up_holds(lake: Lake, cited: list[Evidence], field: str, value: str) -> None:
    places = Places(lake.catalog)
    by_kind = {item.kind: item for item in cited}

    for item in by_kind.values():
        if getattr(item, field) == value:
            continue
        assert places.check(item.model_copy(update={field: value})).verdict != "holds", item


def test_another_revision_never_held_is_false(lake: Lake, cited: list[Evidence]) -> None:
    item = next(item for item in cited if item.kind == "card")
    other = item.model_copy(update={"source": f"{item.model}@ffffffffffff"})

    standing = Places(lake.catalog).check(other)

    assert standing.verdict == "failed"
    assert "ffffffffffff" in standing.reason


def test_what_the_lake_says_of_itself_is_compared_with_today(lake: Lake) -> None:
    context = ToolContext(lake=lake, ledger=EvidenceLedger())
    lines = [line["text"] for line in describe_lake(context, DescribeLake())["lines"]]
    item = next(iter(context.ledger))

    assert Places(lake.catalog, described=lambda _: lines).check(item).verdict == "holds"
    assert Places(lake.catalog, described=lambda _: ["other"]).check(item).verdict == "changed"


def test_whatever_the_offline_engine_answers_passes_the_check(tmp_path: Path) -> None:
    """Also its own words with something filled in: `assistant.exported` has to know all of them."""
    files = (REPOSITORY / "eval/data").glob("*.jsonl")
    lines = [json.loads(line) for file in sorted(files) for line in file.read_text("utf-8").splitlines()]
    asked = [[line["question"]] if "question" in line else [turn["user"] for turn in line["turns"]]
             for line in lines if "question" in line or "turns" in line]  # fmt: skip
    with Lake.open(tmp_path / "home", embedder=None) as sample:
        ingest(sample, ["sample:"])
        settings = Settings(home=tmp_path / "home", llm="offline")
        with closing(Assistant(sample, settings)) as assistant:
            wrong = []
            for questions in asked[::9]:
                thread = assistant.new_thread("")
                for question in questions:
                    assistant.ask(question, thread)
                turns = assistant.turns(thread)
                found = check_answers(read_answers(export_json(turns, sample), "export"), sample)
                if not found["ok"]:
                    wrong.append((questions, found["failed"], found["changed"]))
    assert len(asked) > 100
    assert wrong == []
