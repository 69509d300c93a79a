"""`lake audit`: faults found with their lines, sound cards left alone, no card too odd to be read."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from assistant.cli.app import run
from tests.command_line import run_for_json
from tests.draft_models import write_model
from tools.audit import audit_target, list_rules, render_sarif
from tools.audit.licences import judge_succession
from tools.audit.report import document_rules
from tools.audit.types import AuditReport
from tools.audit.values import agrees_in_size, same_licence, same_score
from tools.audit.web import is_public

SOUND = """---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: text-classification
datasets: [imdb]
model-index:
- name: sound
  results:
  - task: {type: text-classification}
    dataset: {type: imdb, name: imdb, split: test}
    metrics:
    - type: accuracy
      value: 0.829
---
# Sound

This model sorts film reviews. It was made to show what a card without faults looks like, nothing else.

- **License:** Apache License 2.0
- **Language(s):** English

## Uses

Sort short English reviews into good and bad; no other text was looked at while it was built.

## How to use

Give it one review at a time; it returns a label and how sure it is of that label.

## Limitations

It was trained on one source of reviews and will be wrong on others, above all on irony and on long texts.

## Bias and risks

Reviewers of one country wrote most of the reviews, and their taste is the taste of the model.

## Training data

The reviews of imdb, split as published, were used to train this model for three epochs.

## Training procedure

Three epochs with batches of sixteen reviews each, at a learning rate that falls to nothing.

## Evaluation

The model reaches an accuracy of 82.9% on the imdb test set.
"""


def _audit(folder: Path, text: str | bytes, **options: Any) -> AuditReport:
    path = folder / "README.md"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return audit_target(None, str(path), **options)


def test_a_sound_card_has_no_findings(tmp_path: Path) -> None:
    report = _audit(tmp_path, SOUND)
    assert [finding.rule for finding in report.findings] == []
    assert report.coverage.missing == ()
    assert {claim.kind for claim in report.claims if claim.verdict == "supported"} >= {
        "license",
        "language",
        "result",
    }


FAULTS = {
    "license-invalid": ("license: apache-2.0", "license: apache two"),
    "license-missing": ("license: apache-2.0\n", ""),
    "license-other-unnamed": ("license: apache-2.0", "license: other"),
    "license-disagrees": ("license: apache-2.0", "license: mit"),
    "language-invalid": ("language: en", "language: English"),
    "language-disagrees": ("language: en", "language: fr"),
    "pipeline-tag-invalid": ("text-classification\ndatasets", "text_sorting\ndatasets"),
    "dataset-invalid": ("[imdb]", "[the imdb reviews]"),
    "base-model-invalid": ("datasets: [imdb]", "datasets: [imdb]\nbase_model: https://a.b/c/d"),
    "metric-out-of-range": ("value: 0.829", "value: 137"),
    "result-disagrees": ("value: 0.829", "value: 0.871"),
    "result-on-train": ("split: test", "split: train"),
    "model-index-malformed": ("type: imdb, name: imdb, split: test", "split: test"),
    "section-missing": ("## Limitations", "## Colophon"),
    "section-default": ("Sort short English", "[More Information Needed] Sort short English"),
    "secret-in-card": ("It was trained on", "Token hf_" + "aB3dE6gH9j" * 3 + "kLmN. It was trained on"),
    "email-in-card": ("It was trained on", "Write to jane.doe@university.edu. It was trained on"),
    "link-malformed": ("This model", "This [model](http:/nowhere)"),
    "active-content": ("This model", "<script>alert(1)</script>\n\nThis model"),
    "card-format": ("language: en\n", "language: en\nlicense: mit\n"),
    "front-matter-missing": (SOUND[: SOUND.index("# Sound")], ""),
    "derived-without-base": ("language: en\n", "language: en\ntags: [lora]\n"),
    "base-model-undeclared": (
        "This model sorts",
        "This model is a fine-tuned version of `some-org/parent-base`. It sorts",
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", FAULTS)
def test_a_fault_is_found(tmp_path: Path, rule: str) -> None:
    old, new = FAULTS[rule]
    assert old in SOUND
    text = SOUND.replace(old, new, 1)
    found = [finding for finding in _audit(tmp_path, text).findings if finding.rule == rule]
    assert found, rule
    lines = text.split("\n")
    for finding in found:
        assert 0 <= finding.line <= len(lines)
        assert finding.message


def test_another_spelling_is_no_fault(tmp_path: Path) -> None:
    for old, new in (
        ("Apache License 2.0", "Apache-2.0"),
        ("value: 0.829", "value: 82.9"),
        ("82.9%", ".829"),
        ("**Language(s):** English", "**Language(s):** en"),
    ):
        assert _audit(tmp_path, SOUND.replace(old, new, 1)).findings == ()


def test_a_silenced_rule_is_told_of(tmp_path: Path) -> None:
    text = SOUND.replace("value: 0.829", "value: 137") + "<!-- # lake: ignore[metric-out-of-range] -->\n"
    report = _audit(tmp_path, text)
    assert "metric-out-of-range" not in {finding.rule for finding in report.findings}
    assert [(item.rule, item.findings, item.known) for item in report.silenced] == [
        ("metric-out-of-range", 1, True)
    ]


def test_files_contradict_the_card(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "org" / "model")
    report = audit_target(None, str(folder))
    true = {finding.rule for finding in report.findings}
    assert "parameters-disagree" not in true
    card = folder / "README.md"
    card.write_text(
        card.read_text() + "\n## Sizes\n\nThe model has 750M parameters and a vocabulary size of 999,999.\n"
    )
    found = {finding.rule: finding for finding in audit_target(None, str(folder)).findings}
    assert found["parameters-disagree"].evidence[0].kind == "weights"
    assert found["config-disagrees"].evidence[0].locator.startswith("config.json#/")


def _make_bomb() -> bytes:
    """Nine levels of aliases, each nine times the one before."""
    levels = "".join(
        f"{chr(98 + depth)}: &{chr(98 + depth)} [{','.join([f'*{chr(97 + depth)}'] * 9)}]\n"
        for depth in range(9)
    )
    return f"---\na: &a [x,x,x,x,x,x,x,x,x]\n{levels}license: *j\n---\n".encode()


ODD: dict[str, bytes] = {
    "empty": b"",
    "no front matter": b"# A\n\ntext\n",
    "broken yaml": b"---\nlicense: [mit\nlanguage: : en\n---\n# A\n",
    "yaml bomb": _make_bomb(),
    "alias to itself": b"---\na: &a [*a]\nlicense: *a\n---\n",
    "tabs": b"---\nlicense:\tmit\n\tlanguage: en\n---\n",
    "mark": b"\xef\xbb\xbf" + SOUND.encode(),
    "utf-16": SOUND.encode("utf-16"),
    "latin-1": "---\nlicense: mit\n---\nCaf\xe9\n".encode("latin-1"),
    "nul": b"---\nlicense: mit\x00\n---\n# A\x00\n",
    "two blocks": b"---\nlicense: mit\n---\n---\nlicense: gpl-3.0\nlanguage: en\n---\n",
    "crlf": SOUND.replace("\n", "\r\n").encode(),
    "right to left": "---\nlanguage: ar\n---\n# \u0646\u0645\u0648\u0630\u062c\n\n\u202eabc\u202c\n".encode(),
    "ragged table": b"# A\n\n|a|b|\n|-|-|\n|1|\n|1|2|3|4|\n",
    "deep list": ("\n".join("  " * depth + "- x" for depth in range(400))).encode(),
    "odd types": (
        b"---\nlicense: {a: 1}\nlanguage: [1, null, {b: c}]\ndatasets: 7\n"
        b"base_model: [[x]]\nmodel-index: 3\ntags: 9\n---\n"
    ),
    "long line": b"---\nlicense: mit\n---\n" + b"a-b_c@" * 200_000,
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_odd_cards_are_audited(tmp_path: Path, name: str) -> None:
    report = _audit(tmp_path, ODD[name])
    if name in ("broken yaml", "mark", "utf-16", "latin-1", "nul", "two blocks", "tabs"):
        assert any(finding.rule == "card-format" and finding.line for finding in report.findings)
    if name in ("crlf",):
        assert not report.count("error")
    json.dumps(report.describe(), allow_nan=False)


def test_a_card_of_ten_megabytes_is_told_of(tmp_path: Path) -> None:
    report = _audit(tmp_path, SOUND + "A line of words that goes on.\n\n" * 330_000)
    assert any(
        "are parsed" in finding.message or "not parsed" in finding.message for finding in report.findings
    )


def test_no_card_breaks_the_audit(tmp_path: Path) -> None:
    chance = random.Random(7)
    parts = [
        "---",
        "\n",
        "license: ",
        "|",
        "[",
        "](",
        "{",
        "*a",
        "&a ",
        "<script>",
        "```",
        "\t",
        "\x00",
        "\u202e",
        "- ",
    ]
    for _ in range(60):
        text = list(SOUND)
        for _ in range(chance.randrange(1, 30)):
            place = chance.randrange(len(text))
            text[place : place + chance.randrange(4)] = [chance.choice(parts)]
        for finding in _audit(tmp_path, "".join(text)).findings:
            assert finding.line <= "".join(text).count("\n") + 1


def test_sarif_fits_its_schema(tmp_path: Path, real_lake: Path) -> None:
    import jsonschema

    schema = json.loads((real_lake.parent / "standards" / "sarif-schema-2.1.0.json").read_text())
    document = render_sarif([_audit(tmp_path, SOUND.replace("value: 0.829", "value: 137"))], version="1.0")
    jsonschema.Draft7Validator(schema).validate(document)
    assert [result["level"] for result in document["runs"][0]["results"]].count("error") >= 1


def test_several_cards_at_once_as_pre_commit_names_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound, wrong = tmp_path / "a" / "README.md", tmp_path / "b" / "README.md"
    for path, text in ((sound, SOUND), (wrong, SOUND.replace("value: 0.829", "value: 137"))):
        path.parent.mkdir()
        path.write_text(text)
    document = run_for_json(capsys, "audit", str(sound), str(wrong), code=1)
    assert [bool(report["findings"]) for report in document["targets"]] == [False, True]
    assert (document["summary"]["cards"], document["summary"]["cards_with_errors"]) == (2, 1)
    assert run(["audit", str(sound), str(wrong)]) == 1
    shown = capsys.readouterr().out
    assert "0 errors" in shown
    assert "2 errors," in shown
    assert run(["audit", str(sound), str(wrong), "--format", "sarif"]) == 1
    (sarif,) = json.loads(capsys.readouterr().out)["runs"]
    places = [item["locations"][0]["physicalLocation"] for item in sarif["results"]]
    assert {place["artifactLocation"]["uri"].endswith("b/README.md") for place in places} == {True}
    assert run(["audit", str(sound), "--all"]) == 2


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "README.md"
    path.write_text(SOUND)
    assert run_for_json(capsys, "audit", str(path), "--json")["findings"] == []
    path.write_text(SOUND.replace("value: 0.829", "value: 137"))
    document = run_for_json(capsys, "audit", str(path), "--format", "json", code=1)
    assert set(document) >= {"target", "findings", "claims", "silenced", "coverage"}
    assert run(["audit", str(path), "--fail-on", "never"]) == 0
    assert "value: 137" in capsys.readouterr().out
    assert run(["audit"]) == 2
    assert run(["audit", str(tmp_path / "nowhere")]) == 2


def test_the_eu_profile_names_open_fields(tmp_path: Path) -> None:
    rules = {finding.rule for finding in _audit(tmp_path, SOUND, profile="eu").findings}
    assert rules == {"eu-field-open"}


def test_values() -> None:
    assert agrees_in_size("0.11B", 109_482_240)
    assert agrees_in_size("110M", 109_482_240)
    assert not agrees_in_size("340M", 109_482_240)
    assert same_licence("mit", "MIT License")
    assert same_licence("apache-2.0", "gpl-3.0") is False
    assert same_score("0.829", "82.9%", "accuracy")
    assert same_score("0.829", "0.871", "accuracy") is False
    assert judge_succession("llama2", "apache-2.0")[0] == "incompatible"
    assert judge_succession("cc-by-nc-4.0", "mit")[0] == "dropped"
    assert judge_succession("mit", "gpl-3.0")[0] == "compatible"
    assert judge_succession("other", "mit")[0] == "unknown"
    assert judge_succession("agpl-3.0", "gpl-3.0")[0] == "unknown"
    assert judge_succession("apache-2.0", "mit")[0] == "compatible"


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fe80::1", "::ffff:10.0.0.1"]
)
def test_private_addresses_are_not_asked(address: str) -> None:
    assert not is_public(address)


def test_every_rule_is_documented() -> None:
    page = Path(__file__).resolve().parent.parent / "docs" / "rules.md"
    assert page.read_text(encoding="utf-8") == document_rules()
    assert len({rule.id for rule in list_rules()}) == len(list_rules()) >= 25
