"""Every rule of `lake audit` has a card that breaks it, and one close to it that must stay silent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from eval.audit import audit_text
from tests.draft_models import write_model
from tests.test_audit import SOUND
from tests.weighed_lake import LAB, weigh_sample
from tools.audit import audit_model, audit_target, list_rules, render_sarif, web
from tools.lake import Lake

MODEL = "example-lab/sound"
SQUAD = ("The reviews of imdb, split as published, were used to train this model for three epochs.",)
CODE = '## Uses\n\n```python\nmodel = AutoModel.from_pretrained("{}")\n```\n\n'
TABLE = "## Uses\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n{}\n\n"
SHAPE = (
    "## Uses\n\nIt has {} parameters.\n\n"
    "| Setting | Value |\n| --- | --- |\n| Layers | 6 |\n| Hidden size | 384 |\n\n"
)
TOKEN = "hf_" + "aB3dE6gH9j" * 3 + "kLmN"
TOLD = "It was trained on one source"

# rule -> (what it replaces, what breaks the rule, what is close to it and right)
PAIRS: dict[str, tuple[str, str, str]] = {
    "license-disagrees": ("Apache License 2.0", "MIT License", "Apache 2.0"),
    "license-narrowed": (
        TOLD,
        f"The model is for non-commercial use only. {TOLD}",
        f"The images of the data set are for non-commercial use only. {TOLD}",
    ),
    "language-disagrees": ("**Language(s):** English", "**Language(s):** French", "**Language(s):** `en`"),
    "dataset-disagrees": (
        SQUAD[0],
        "This model was fine-tuned on the SQuAD dataset.",
        "This model was fine-tuned on the IMDb dataset.",
    ),
    "result-disagrees": ("value: 0.829", "value: 0.871", "value: 82.9"),
    "snippet-loads-another": (
        "## Uses\n",
        CODE.format("other-lab/another-model"),
        CODE.format("example-lab/sound"),
    ),
    "card-missing": (SOUND, "\n", "# Sound\n"),
    "card-format": ("language: en\n", "language: en\nlicense: mit\n", "language: en\nmetrics: [accuracy]\n"),
    "front-matter-missing": (SOUND[: SOUND.index("# Sound")], "", "---\nlicense: mit\n---\n"),
    "active-content": (
        "This model",
        "<script>alert(1)</script>\n\nThis model",
        "`<script>` is never written here. This model",
    ),
    "hidden-characters": ("This model", "This \u202emodel", "This m\u00f6del"),
    "table-ragged": ("## Uses\n", TABLE.format("| 3 | 4 | 5 |"), TABLE.format("| 3 | 4 |")),
    "base-model-undeclared": (
        "This model sorts",
        "This model is a fine-tuned version of `some-org/parent-base`. It sorts",
        "This model is better than `some-org/parent-base`. It sorts",
    ),
    "derived-without-base": (
        "language: en\n",
        "language: en\ntags: [lora]\n",
        "language: en\nbase_model: some-org/parent-base\ntags: [lora]\n",
    ),
    "link-malformed": (
        "This model",
        "This [model](http:/nowhere)",
        "This [model](https://example.org/a_(b))",
    ),
    "license-missing": ("license: apache-2.0\n", "", "license: mit\n"),
    "license-invalid": ("license: apache-2.0", "license: apache two", "license: Apache-2.0"),
    "license-other-unnamed": (
        "license: apache-2.0",
        "license: other",
        "license: other\nlicense_name: our-terms\nlicense_link: LICENSE",
    ),
    "pipeline-tag-missing": (
        "pipeline_tag: text-classification\n",
        "",
        "pipeline_tag: token-classification\n",
    ),
    "pipeline-tag-invalid": (
        "pipeline_tag: text-classification",
        "pipeline_tag: sorting",
        "pipeline_tag: fill-mask",
    ),
    "library-missing": ("library_name: transformers\n", "", "library_name: setfit\n"),
    "library-invalid": (
        "library_name: transformers",
        "library_name: the Transformers library",
        "library_name: sentence-transformers",
    ),
    "language-missing": ("language: en\n", "", "language: [en]\n"),
    "language-invalid": ("language: en\n", "language: English\n", "language: en-GB\n"),
    "dataset-invalid": ("[imdb]", "[the imdb reviews]", "[stanfordnlp/imdb]"),
    "base-model-invalid": (
        "datasets: [imdb]",
        "datasets: [imdb]\nbase_model: https://a.b/c/d",
        "datasets: [imdb]\nbase_model: some-org/parent-base",
    ),
    "datasets-missing": ("datasets: [imdb]\n", "", "datasets: imdb\n"),
    "field-misspelt": (
        "library_name: transformers\n",
        "libary_name: transformers\n",
        "library_name: transformers\nseason: spring\n",
    ),
    "field-type": (
        "pipeline_tag: text-classification",
        "pipeline_tag: [text-classification, fill-mask]",
        "pipeline_tag: 'text-classification'",
    ),
    "secret-in-card": (TOLD, f"Token {TOKEN}. {TOLD}", f"Token hf_{'x' * 34}. {TOLD}"),
    "email-in-card": (
        TOLD,
        f"Write to jane.doe@university.edu. {TOLD}",
        f"Write to user@example.com. {TOLD}",
    ),
    "phone-in-card": (TOLD, f"Phone: +49 30 1234 5678. {TOLD}", f"It has 1234567890 tokens. {TOLD}"),
    "metric-out-of-range": ("value: 0.829", "value: 137", "value: 82.9"),
    "result-duplicate": (
        "      value: 0.829\n",
        "      value: 0.829\n    - type: accuracy\n      value: 0.871\n",
        "      value: 0.829\n    - type: f1\n      value: 0.871\n",
    ),
    "result-conflict": (
        "The model reaches an accuracy of 82.9% on the imdb test set.\n",
        "The model reaches an accuracy of 82.9% on imdb.\n\nThe accuracy is 77.1% on imdb.\n",
        "The model reaches an accuracy of 82.9% on imdb.\n\nThe accuracy is 77.1% on squad.\n",
    ),
    "result-on-train": ("split: test", "split: train", "split: validation"),
    "model-index-malformed": (
        "type: imdb, name: imdb, split: test",
        "split: test",
        "type: imdb, name: imdb",
    ),
    "section-missing": ("## Limitations", "## Colophon", "## Caveats and Limitations"),
    "section-empty": (
        "## Limitations\n",
        "## Colophon\n\n## Limitations\n",
        "## Colophon\n\n### Limitations\n",
    ),
    "field-empty": (
        "library_name:",
        "base_model: []\nlibrary_name:",
        "base_model: acme/reader\nlibrary_name:",
    ),
    "section-default": (
        "Sort short English",
        "[More Information Needed] Sort short English",
        "More information is on our page. Sort short English",
    ),
    "card-boilerplate": (
        SOUND[SOUND.index("# Sound") :],
        "# Sound\n\n{{ model_summary | default('', true) }}\n",
        "# Sound\n\nProvide a longer text, and this model of ours sorts it into good and bad by its tone.\n",
    ),
    "parameters-exceed-shape": ("## Uses\n", SHAPE.format("7 billion"), SHAPE.format("22 million")),
}

# Rules that need files or a lake beside the card; a test of their own below.
FOLDERS = {
    "parameters-disagree": ("It has 750M parameters.", None),
    "config-disagrees": ("It has a vocabulary size of 999,999.", "It has a vocabulary size of 40."),
}
LAKES = {
    "base-model-contradicted": (f"{LAB}/delta-notes", f"{LAB}/brook-base"),
    "license-drops-restrictions": (f"{LAB}/free-translator", f"{LAB}/brook-base"),
    "copy-undeclared": (f"{LAB}/moss-base", f"{LAB}/brook-base"),
}
ELSEWHERE = {"file-unreadable", "link-dead", "eu-field-open"}


def _break(rule: str, new: str) -> set[str]:
    old = PAIRS[rule][0]
    assert old in SOUND
    return {finding.rule for finding in audit_text(MODEL, SOUND.replace(old, new, 1)).findings}


@pytest.mark.parametrize("rule", PAIRS)
def test_a_rule_tells_what_breaks_it_and_is_silent_on_what_is_right(rule: str) -> None:
    _, wrong, right = PAIRS[rule]
    assert rule in _break(rule, wrong)
    assert rule not in _break(rule, right)


def test_every_rule_has_a_test() -> None:
    told = (set(PAIRS), set(FOLDERS), set(LAKES), ELSEWHERE)
    assert set().union(*told) == {rule.id for rule in list_rules()}
    assert sum(map(len, told)) == len(list_rules())


@pytest.mark.parametrize("rule", FOLDERS)
def test_files_beside_the_card(tmp_path: Path, rule: str) -> None:
    wrong, right = FOLDERS[rule]
    folder = write_model(tmp_path / "model")
    card = folder / "README.md"
    text = card.read_text("utf-8")

    def find_rules(sentence: str) -> set[str]:
        card.write_text(f"{text}\n## Sizes\n\n{sentence}\n", "utf-8")
        return {finding.rule for finding in audit_target(None, str(folder)).findings}

    assert rule in find_rules(wrong)
    assert rule not in find_rules(right or "It has layers.")


def test_relatives_in_a_lake(sample_home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with Lake.open(weigh_sample(sample_home, tmp_path_factory), embedder=None) as lake:
        for rule, (wrong, right) in LAKES.items():
            assert rule in {finding.rule for finding in audit_model(lake, wrong).findings}, rule
            assert rule not in {finding.rule for finding in audit_model(lake, right).findings}, rule


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model")
    assert "file-unreadable" not in {f.rule for f in audit_target(None, str(folder)).findings}
    (folder / "config.json").write_text('{"model_type": ', "utf-8")
    assert "file-unreadable" in {f.rule for f in audit_target(None, str(folder)).findings}


def test_a_dead_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "README.md"
    path.write_text(SOUND + "\nSee [this](https://example.org/gone) and [that](https://example.org/here).\n")
    monkeypatch.setattr(
        web, "check_addresses", lambda urls: {url: "answers 404" for url in urls if url.endswith("gone")}
    )
    found = [f for f in audit_target(None, str(path), check_links=True).findings if f.rule == "link-dead"]
    assert len(found) == 1
    assert "gone" in found[0].message
    assert "link-dead" not in {f.rule for f in audit_target(None, str(path)).findings}


def test_open_fields_of_the_eu(tmp_path: Path) -> None:
    path = tmp_path / "README.md"

    def list_open(text: str) -> str:
        path.write_text(text, "utf-8")
        found = audit_target(None, str(path), profile="eu").findings
        return " ".join(f.message for f in found if f.rule == "eu-field-open")

    assert "energy" in list_open(SOUND)
    assert "energy" not in list_open(SOUND + "\nTraining took 12 kWh.\n")


def _list_results(path: Path, text: str) -> Iterator[tuple[str, str, int]]:
    path.write_text(text, "utf-8")
    for result in render_sarif([audit_target(None, str(path))])["runs"][0]["results"]:
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"].endswith("README.md")
        assert result["level"] in ("error", "warning", "note")
        yield result["ruleId"], json.dumps(result["partialFingerprints"]), place["region"]["startLine"]


def test_fingerprints_of_sarif_stay_when_lines_move(tmp_path: Path) -> None:
    """GitHub takes an alert for the same by its fingerprint; limits of a run: 25,000 results, 20 tags."""
    text = SOUND.replace("value: 0.829", "value: 137").replace(TOLD, f"Token {TOKEN}. {TOLD}")
    moved = text.replace("# Sound\n", "# Sound\n\nA line more, and one that is empty.\n")
    before = list(_list_results(tmp_path / "README.md", text))
    after = list(_list_results(tmp_path / "README.md", moved))
    assert {(rule, mark) for rule, mark, _ in before} == {(rule, mark) for rule, mark, _ in after}
    assert len({mark for _, mark, _ in before}) == len(before) >= 2
    assert [line for *_, line in before] != [line for *_, line in after]
    assert all(line >= 1 for *_, line in before)
    driver = render_sarif([])["runs"][0]["tool"]["driver"]
    assert {rule["id"] for rule in driver["rules"]} == {rule.id for rule in list_rules()}


def test_the_hook_of_pre_commit_runs_on_a_card(tmp_path: Path) -> None:
    from assistant.cli.app import run

    root = Path(__file__).resolve().parent.parent
    (hook,) = yaml.safe_load((root / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert (hook["id"], hook["language"]) == ("lake-audit", "python")
    program, *words = hook["entry"].split()
    assert program == "lake"
    path = tmp_path / "README.md"
    for text, code in ((SOUND, 0), (SOUND.replace("value: 0.829", "value: 137"), 1)):
        path.write_text(text, "utf-8")
        assert run([*words, *hook["args"], str(path)]) == code


def test_a_value_that_is_nan_is_no_error() -> None:
    text = SOUND.replace("      value: 0.829\n", "      value: 0.829\n    - {type: loss, value: .nan}\n")
    (found,) = [f for f in audit_text(MODEL, text).findings if f.rule == "model-index-malformed"]
    assert (found.severity, found.line) == ("warning", text[: text.index(".nan")].count("\n") + 1)
    assert "nan" in found.message


def test_a_placeholder_is_named_as_what_it_is() -> None:
    text = SOUND.replace("license: apache-2.0", "license: unknown")
    (found,) = [f for f in audit_text(MODEL, text).findings if f.rule == "license-missing"]
    assert "'unknown'" in found.message
    assert found.line == 2
