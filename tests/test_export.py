"""Exported conversations, and what `lake verify` finds when anything in them is altered."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from assistant.agent import Assistant
from assistant.answers import Outline, build_answer
from assistant.cli.app import run
from assistant.conversations import Turn
from assistant.export import export_json, export_markdown, hash_document
from assistant.exported import check_answers, read_answers
from assistant.settings import Settings
from tests.command_line import run_for_json
from tools.errors import UsageError
from tools.evidence import EvidenceLedger
from tools.lake import Lake

Leaf = tuple[tuple[str | int, ...], Any]


@pytest.fixture
def lake(small_home: Path, tmp_path: Path) -> Iterator[Lake]:
    shutil.copytree(small_home, tmp_path / "home")
    with Lake.open(tmp_path / "home", embedder=None) as opened:
        yield opened


@pytest.fixture
def turns(lake: Lake) -> list[Turn]:
    """Three turns of the offline engine, the last one on a model that is not there."""
    with closing(Assistant(lake, Settings(home=lake.home.path, llm="offline"))) as assistant:
        thread = assistant.new_thread("")
        for question in (
            "Which model could summarise German leaflets, under Apache 2.0?",
            "What WER does beta/speech-de report?",
            "What licence does gamma/not-here have?",
        ):
            assistant.ask(question, thread)
        return assistant.turns(thread)


@pytest.fixture
def mixed(lake: Lake) -> Turn:
    """An answer as a language model might write it: a quote, a fact, a lie and a courtesy."""
    ledger = EvidenceLedger()
    record = lake.catalog.get_model("beta/speech-de")
    assert record is not None
    read = []
    for passage in lake.catalog.passages_of(record.model):
        item = ledger.add("card", passage.source, passage.locator, passage.text, passage.sha256)
        read.append(item.id)
    said, field = ledger.get(read[-1]), '"downloads": 7'
    assert said is not None
    assert field in record.record_json
    read.append(
        ledger.add("metadata", record.source, "record.json#/downloads", field, record.record_sha256).id
    )
    text = (
        f"The card of `beta/speech-de` says “{said.text.rstrip('.')}” [{said.id}]. "
        f"It has 7 downloads [{read[-1]}]. "
        f"It reaches a WER of 1.5 [{said.id}]. Tell me if you need more."
    )
    question = "What does it do?"
    answer = build_answer(
        text,
        outline=Outline(),
        ledger=ledger,
        read=read,
        known_models=lake.catalog.model_names(),
        tools=[],
        engine="openai:scripted",
        thread="t",
        asked=[question],
        usage={"seconds": 0.5, "prompt": {"name": "assistant", "version": 1, "sha256": "ab"}},
    )
    assert [statement.level for statement in answer.statements] == ["quoted", "facts", "failed", "unchecked"]
    return Turn(1, question, answer, "2026-01-01 00:00:00")


def check(lake: Lake, document: dict[str, Any]) -> dict[str, Any]:
    return check_answers(read_answers(json.dumps(document), "answer.json"), lake)


def list_leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[Leaf]:
    """Every value of a document that holds no other, with its path; empty lists and objects too."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from list_leaves(item, (*path, key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from list_leaves(item, (*path, index))
    else:
        yield path, value


def alter(document: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """A copy of the document with one value replaced."""
    altered = copy.deepcopy(document)
    place: Any = altered
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return altered


def other_values(value: Any) -> list[Any]:
    """Values of the same type that are not `value`."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        return [value + 1, -value - 1]
    if isinstance(value, str):
        return [value + "x", value[1:] if len(value) > 1 else "xx", "E1" if value != "E1" else "E2"]
    if isinstance(value, list):
        return [["x"]]
    return ["x"]


def is_caught(lake: Lake, document: dict[str, Any]) -> bool:
    try:
        return not check(lake, document)["ok"]
    except UsageError:
        return True


def test_an_export_holds_all_that_a_stranger_needs(lake: Lake, turns: list[Turn]) -> None:
    document = json.loads(export_json(turns, lake))

    assert check(lake, document)["ok"]
    assert document["lake"]["id"] == lake.home.lake_id
    first = document["turns"][0]
    assert first["question"] == "Which model could summarise German leaflets, under Apache 2.0?"
    assert first["answer"]["models"][0] == "acme/leaflet-summarizer"
    assert len(first["answer"]["usage"]["prompt"]["sha256"]) == 64
    assert {"source", "locator", "text", "sha256"} <= first["answer"]["evidence"][0].keys()


def test_the_count_tells_how_much_was_checked(lake: Lake, turns: list[Turn]) -> None:
    found = check(lake, json.loads(export_json(turns, lake)))

    items = sum(len(turn.answer.evidence) + len(turn.answer.retrieved) for turn in turns)
    assert found["counts"]["evidence"] == items > 3
    assert found["checked"] == sum(n for name, n in found["counts"].items() if name != "turns")


def test_any_single_change_of_an_export_is_caught(lake: Lake, turns: list[Turn]) -> None:
    document = json.loads(export_json(turns[:2], lake))

    missed = [
        path
        for path, value in list_leaves(document)
        if not is_caught(lake, alter(document, path, other_values(value)[0]))
    ]

    assert not missed


@pytest.mark.parametrize("part", ["evidence", "retrieved", "citations", "statements"])
def test_a_forger_who_mends_the_checksum_is_caught_by_the_content(lake: Lake, mixed: Turn, part: str) -> None:
    document = json.loads(export_json([mixed], lake))
    missed = []
    for path, value in list_leaves(document["turns"][0]["answer"][part], ("turns", 0, "answer", part)):
        for other in other_values(value):
            forged = alter(document, path, other)
            forged["sha256"] = hash_document(forged)
            if not is_caught(lake, forged):
                missed.append((path[3:], other))

    # A shorter text that still begins and ends on its lines is still a true quotation of the source.
    true_still = [(path, other) for path, other in missed if path[-1] in ("text", "kind")]
    assert missed == true_still
    assert all(path[0] in ("evidence", "retrieved") for path, _ in true_still)


def test_a_forged_answer_is_caught_even_with_forged_statements(lake: Lake, mixed: Turn) -> None:
    document = json.loads(export_json([mixed], lake))
    text = json.dumps(document).replace("7 downloads", "9 downloads")
    forged = json.loads(text)
    forged["sha256"] = hash_document(forged)

    found = check(lake, forged)

    assert [item["reason"].partition(",")[0] for item in found["failed"] if item["part"] == "statement"] == [
        "recorded as 'facts'"
    ]


def test_evidence_and_statement_forged_together_are_caught_by_the_source(lake: Lake, mixed: Turn) -> None:
    forged = json.loads(
        json.dumps(json.loads(export_json([mixed], lake)))
        .replace("7 downloads", "9 downloads")
        .replace('\\"downloads\\": 7', '\\"downloads\\": 9')
    )
    forged["sha256"] = hash_document(forged)

    found = check(lake, forged)

    assert {item["part"] for item in found["failed"]} == {"evidence", "statement"}


def test_a_removed_warning_is_caught(lake: Lake, mixed: Turn) -> None:
    document = json.loads(export_json([mixed], lake))
    answer = document["turns"][0]["answer"]
    assert "⚠" in answer["answer"]
    answer["answer"] = answer["answer"].replace(" **⚠ not supported: ", " **")
    document["sha256"] = hash_document(document)

    assert check(lake, document)["failed"]


def test_failed_statements_that_were_shown_as_failed_do_not_fail_the_check(lake: Lake, mixed: Turn) -> None:
    found = check(lake, json.loads(export_json([mixed], lake)))

    assert found["ok"]
    assert len(found["unsupported"]) == 1
    assert "WER of 1.5" in found["unsupported"][0]


def test_a_removed_model_has_changed_and_nothing_is_called_false(lake: Lake, mixed: Turn) -> None:
    document = json.loads(export_json([mixed], lake))
    lake.remove_model("beta/speech-de")

    found = check(lake, document)

    assert not found["failed"]
    assert {item["part"] for item in found["changed"]} == {"evidence", "model"}
    assert "removed" in found["changed"][0]["reason"]


def test_an_updated_card_has_changed_and_nothing_is_called_false(
    lake: Lake, mixed: Turn, tmp_path: Path
) -> None:
    from tools.ingest import ingest

    document = json.loads(export_json([mixed], lake))
    row = {
        "modelId": "beta/speech-de",
        "author": "beta",
        "downloads": 7,
        "card": "# New\n\nAll is new here.\n",
    }
    dump = tmp_path / "newer.jsonl"
    dump.write_text(json.dumps(row) + "\n", encoding="utf-8")
    ingest(lake, [str(dump)])

    found = check(lake, document)

    assert not found["failed"]
    assert {item["part"] for item in found["changed"]} == {"evidence"}


def test_an_update_does_not_excuse_a_forged_hash(lake: Lake, mixed: Turn) -> None:
    document = json.loads(export_json([mixed], lake))
    document["turns"][0]["answer"]["evidence"][0]["sha256"] = "0" * 64
    lake.remove_model("beta/speech-de")

    assert any("hash" in item["reason"] for item in check(lake, document)["failed"])


def test_another_lake_is_named(lake: Lake, turns: list[Turn], tmp_path: Path) -> None:
    from tools.ingest import ingest

    text = export_json(turns, lake)
    with Lake.open(tmp_path / "other", embedder=None) as other:
        ingest(other, ["sample:"])
        found = check_answers(read_answers(text, "x"), other)

    assert not found["ok"]
    assert lake.home.lake_id in found["notes"][0]


def test_markdown_names_every_source_and_lets_no_tag_through(lake: Lake, turns: list[Turn]) -> None:
    answer = turns[0].answer.model_copy(
        update={"answer": turns[0].answer.answer + " <img src=x> `<kept>` \u202ehidden"}
    )
    text = export_markdown([Turn(1, "<b>Why</b>?", answer, "now"), *turns[1:]], lake)

    assert "<img" not in text
    assert "&lt;img src=x>" in text
    assert "`<kept>`" in text
    assert "\u202e" not in text
    assert text.startswith("# &lt;b>Why&lt;/b>?\n")
    for turn in turns:
        for item in turn.answer.evidence:
            assert f"**[{item.id}]**" in text
            assert item.sha256 in text
            assert item.text in text


def test_a_fence_in_a_source_cannot_close_ours(lake: Lake, mixed: Turn) -> None:
    item = mixed.answer.evidence[0].model_copy(update={"text": "```\n# Not a heading\n````\n<script>"})
    answer = mixed.answer.model_copy(update={"evidence": [item]})

    text = export_markdown([Turn(1, "Q", answer, "now")], lake)

    assert "`````text\n```\n# Not a heading\n````\n<script>\n`````" in text


def test_what_is_no_answer_is_refused_in_one_line() -> None:
    for text in ("", "[]", "7", "{", "{}", '{"answer": 1}', '{"turns": []}', "[" * 100_000,
                 '{"format": "model-lake-answers", "version": 99}'):  # fmt: skip
        with pytest.raises(UsageError) as caught:
            read_answers(text, "a.json")
        assert "\n" not in str(caught.value)
        assert caught.value.hint


def test_commands_export_and_verify(
    small_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(small_home, tmp_path / "home")
    home, file = str(tmp_path / "home"), str(tmp_path / "answer.json")
    first = run_for_json(capsys, "--home", home, "ask", "What licence does beta/speech-de have?")
    wrote = run_for_json(capsys, "--home", home, "export", "-o", file)
    assert wrote == {"file": file, "format": "json", "thread": first["thread"], "turns": 1}

    assert run_for_json(capsys, "--home", home, "verify", file)["ok"]

    Path(file).write_text(Path(file).read_text(encoding="utf-8").replace(": mit", ": apache-2.0"))
    assert run_for_json(capsys, "--home", home, "verify", file, code=1)["failed"]
    assert run(["--home", home, "verify", file]) == 1
    assert "does not hold" in capsys.readouterr().out


def test_an_answer_of_ask_can_be_verified_as_it_is(
    small_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(small_home, tmp_path / "home")
    home, file = str(tmp_path / "home"), tmp_path / "answer.json"
    answer = run_for_json(capsys, "--home", home, "ask", "What licence does beta/speech-de have?")
    file.write_text(json.dumps(answer), encoding="utf-8")

    found = run_for_json(capsys, "--home", home, "verify", str(file))

    assert found["ok"]
    assert "no checksum" in found["notes"][0]


def test_export_never_overwrites_unasked(
    small_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(small_home, tmp_path / "home")
    home, file = str(tmp_path / "home"), tmp_path / "notes.md"
    file.write_text("mine", encoding="utf-8")
    assert run(["--home", home, "ask", "Which model transcribes German?"]) == 0

    assert run(["--home", home, "export", "-o", str(file)]) == 2
    assert file.read_text(encoding="utf-8") == "mine"
    assert run(["--home", home, "export", "-o", str(file), "--force"]) == 0
    assert file.read_text(encoding="utf-8").startswith("# Which model transcribes German?")


def test_export_of_nothing_says_what_to_do(
    small_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(small_home, tmp_path / "home")
    shutil.rmtree(tmp_path / "home" / "conversations.db", ignore_errors=True)

    error = run_for_json(capsys, "--home", str(tmp_path / "home"), "export", "no-such-thread", code=2)

    assert "no-such-thread" in error["error"]["message"]
    assert error["error"]["hint"]


def test_what_the_verifier_wrote_into_an_answer_is_told_from_what_a_model_wrote(lake: Lake) -> None:
    ledger = EvidenceLedger()
    passage = lake.catalog.passages_of("beta/speech-de")[-1]
    key = ledger.add("card", passage.source, passage.locator, passage.text, passage.sha256).id
    text = (
        f"It reaches 99 % [{key}].\n\n<!-- unseen 12 --> It weighs 5 GB [E9]. "
        "\u202eIt has 8 stars\u202c [E1].\n\n"
        f"| model | WER |\n|---|---|\n|`beta/speech-de`|4.5 [{key}]|\n\n"
        "It is **⚠ not supported: says who?** fine, with 3 of 3.\n\n```\nWER 4.5 [E1]"
    )
    answer = build_answer(
        text,
        outline=Outline(),
        ledger=ledger,
        read=[key],
        known_models=lake.catalog.model_names(),
        tools=[],
        engine="openai:scripted",
        thread="t",
        asked=["How good is it?"],
        usage={},
    )
    assert len(answer.unsupported) >= 5

    found = check(lake, json.loads(export_json([Turn(1, "How good is it?", answer, "now")], lake)))

    assert found["failed"] == []
    assert found["unsupported"] == answer.unsupported
