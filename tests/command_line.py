"""Four invented models, and running the `lake` command in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assistant.cli.app import run

CARDS = {
    "acme/leaflet-summarizer": (
        "summarization",
        "apache-2.0",
        "Shortens leaflets about medicines in German.",
    ),
    "acme/contract-summarizer": ("summarization", "gpl-3.0", "Shortens contracts and other legal texts."),
    "beta/speech-de": ("automatic-speech-recognition", "mit", "Writes down what is said in German."),
    "beta/disease-tagger": ("token-classification", None, "Finds names of diseases in medical text."),
}
RESULTS = """model-index:
- name: speech-de
  results:
  - task: {type: automatic-speech-recognition}
    dataset: {name: Imagined Voices, type: imagined, split: test}
    metrics:
    - {type: wer, value: 12.5, name: Test WER}
    - {type: wer, value: .nan, name: Dev WER}
"""


def write_dump(path: Path) -> Path:
    """Write CARDS as a dump in JSON Lines."""
    lines = []
    for model, (task, license, prose) in CARDS.items():
        head = [f"pipeline_tag: {task}"] + ([f"license: {license}"] if license else [])
        head += [RESULTS.rstrip()] if model == "beta/speech-de" else []
        card = "---\n" + "\n".join(head) + f"\n---\n# {model}\n\n{prose}\n"
        author = model.partition("/")[0]
        row = {"modelId": model, "author": author, "pipeline_tag": task, "downloads": 7, "card": card}
        lines.append(json.dumps(row))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def run_for_json(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    """The JSON document a command prints; nothing else may stand on stdout."""
    capsys.readouterr()
    assert run([*arguments, "--json"]) == code
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    return json.loads(out, parse_constant=pytest.fail)


def run_for_lines(capsys: pytest.CaptureFixture[str], *arguments: str, code: int) -> list[dict[str, Any]]:
    """The JSON Lines a batch prints."""
    capsys.readouterr()
    assert run(arguments) == code
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]
