"""`lake audit` of cards made by chance and made to hurt: no crash, no unbounded time or memory.

Time is that of the processor, so that a busy machine does not fail a test.
"""

from __future__ import annotations

import json
import random
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.audit import audit_target, render_sarif
from tools.audit.types import AuditReport

HEAD = "---\nlicense: mit\nlanguage: en\n---\n# Card\n\n"
MIB = 2**20
# Repeated, these make a regular expression with nested repetition, or a parser with a stack, take its time.
UNITS = (
    "a.a.a.", "((((", "[[[[", "****", "1.1.1.", "9", "_", "-", "`", "@a.", "a@", "a@a.", "http://",
    "https://a.b/c", "[a](", "![", "](", "<h1>", "</h1>", "&amp;", "&#", "$", '\\', "1,000,", "1,",
    "a/b", "a/", "a-", "a_b-", "bert-base-", "hf_aaaa", "sk-", "AKIA", ":-", "1.", ">", "{{", "}}", "{%",
    "%", "+-", "\xb1", "e1", "1e9", "A", "'", '"', "#", "######", "<", "<a", "<!--", "-->", "|", "|-",
    "|a|b|", "<td>", "<table>", "<a/on", "onx=", "`a", "\u202e", "\u200b", "\U0001f600", "\u0627",
    "accuracy 0.5 on ", "accuracy of ", "fine-tuned from ", "based on [a/b](", "110M parameters ",
    "context length of ", "license: mit ", "licensed under the ", "language: english, ", "trained on ",
    "from_pretrained('a/b')", "model = '", "[More Information Needed] ", "arxiv.org/abs/1234.56789 ",
    "50 %, ", "F1: ", "12 layers ", "\t", "\xa0", "lake: ignore[",
)  # fmt: skip
METADATA = (
    "license: mit", "license: [mit, gpl", "license: !!python/name:os.system", "language:", "- en",
    "  - no", "\t- x", "tags: {a: [b, {c: d}]}", "model-index:", "- name: x", "  results:",
    "  - task: {type: t}", "    metrics:", "    - value: .nan", "      type: accuracy", "datasets: *a",
    "base_model: &a [*a]", "<<: *a", "? [a]: b", "---", "...", "--- !x", "%YAML 9.9", "key: |",
    "key: >-", "'", '"', "a: 'b", "1: 2", "null: ~", "2024-01-01: 0o17", "\x00", "\ufeff", "\u2028",
    "\x85", "@", "`", "x: " + "[" * 60,
    "x: " + "9" * 400,
)  # fmt: skip
BODY = (
    "# A", "## Evaluation", "Title\n===", "text", "- item", "  - inner", "1. one", "> quote",
    ">" * 60, "```", "~~~", "<!--", "-->",
    "<table><tr><td>accuracy</td><td>1", "</table>", "<td rowspan=99 colspan=99>", "<script>",
    "<!DOCTYPE x [", "|model|accuracy|", "|---|---|", "|bert|0.5|7|", "||", "Accuracy: 137 %",
    "WER of -3", "F1 is 1e999", "110M parameters", "context length of 0", "[a](", "![x](y)", "[a]: <",
    "https://", "\x1b[2J", "\r", "\r\n", "\x00", "\ud7ff", "\U000e0041", "**Licence:** [MIT](x)",
    "Language(s): Klingon", "based on bert-base", "model = 'a/b'",
    "<!-- # lake: ignore[card-format] -->", "hf_" + "a1" * 17,
    "&lt;&#x0;&#99999999;", "$$\\frac{", "    code", "\t\tcode", "* * *", "<div\nclass='x'\n>",
    "9" * 5000,
)  # fmt: skip


def _audit(folder: Path, text: str | bytes) -> AuditReport:
    path = folder / "README.md"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "replace"))
    return audit_target(None, str(path))


def _check(report: AuditReport) -> None:
    json.dumps(report.describe(), allow_nan=False)
    json.dumps(render_sarif([report]), allow_nan=False)
    last = len(report.lines)
    assert all(0 <= finding.line <= last and finding.message.strip() for finding in report.findings)
    assert all(0 <= claim.line <= last for claim in report.claims)
    for finding in report.findings:
        if finding.line and finding.rule == "active-content":
            assert finding.claim in report.lines[finding.line - 1]


def _make_card(chance: random.Random) -> bytes:
    """A card of odd parts in any order, some of its bytes changed."""
    parts = [chance.choice(("---", "", "\ufeff---", "--- "))] if chance.random() < 0.9 else []
    parts += chance.choices(METADATA, k=chance.randrange(12))
    parts += [chance.choice(("---", "", "..."))]
    for _ in range(chance.randrange(30)):
        part = chance.choice(BODY) if chance.random() < 0.8 else chance.choice(UNITS) * chance.randrange(80)
        parts.append(" " * chance.choice((0, 0, 0, 2, 4)) + part)
        if chance.random() < 0.3:
            parts.append("")
    data = bytearray(chance.choice(("\n", "\n", "\n", "\r\n", "\r")).join(parts).encode("utf-8", "replace"))
    for _ in range(chance.choice((0, 0, 1, 8))):
        if data:
            at = chance.randrange(len(data))
            data[at : at + chance.randrange(3)] = bytes(chance.choices(range(256), k=chance.randrange(3)))
    return bytes(data)


@pytest.mark.parametrize("seed", range(4))
def test_cards_made_by_chance(seed: int, tmp_path: Path) -> None:
    _fuzz(random.Random(seed), 40, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
def test_many_cards_made_by_chance(seed: int, tmp_path: Path) -> None:
    _fuzz(random.Random(seed), 400, tmp_path)


def _fuzz(chance: random.Random, count: int, folder: Path) -> None:
    for _ in range(count):
        data = _make_card(chance)
        started = time.process_time()
        report = _audit(folder, data)
        assert time.process_time() - started < 5.0, data
        _check(report)
    assert _audit(folder, data).describe() == report.describe()


KEYS = (
    "max_position_embeddings", "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads",
    "architectures", "model_type", "rope_scaling", "text_config", "quantization_config",
    "base_model_name_or_path", "peft_type", "r", "eval_accuracy", "eval_loss", "log_history", "step",
    "epoch", "model_max_length", "transformers_version", "__metadata__", "dtype", "shape",
    "data_offsets", "a.weight", "learning_rate", "tokenizer_class", "model", "added_tokens",
    "torch_dtype",
)  # fmt: skip
FILES = (
    "config.json", "generation_config.json", "tokenizer_config.json", "tokenizer.json",
    "adapter_config.json", "training_args.json", "trainer_state.json", "all_results.json",
    "eval_results.json", "model.safetensors", "adapter_model.safetensors",
    "model.safetensors.index.json", "preprocessor_config.json",
)  # fmt: skip
TOLD = HEAD + (
    "It has 110M parameters, 12 layers, a hidden size of 768, a context length of 512.\n"
    "Its architecture is BertForMaskedLM, with a vocabulary size of 30522.\n"
    "It has an accuracy of 0.91 on the test set. It was made from bert-base-uncased.\n"
)


def _make_json(chance: random.Random, depth: int = 0) -> Any:
    kinds = 8 if depth > 4 else 11
    match chance.randrange(kinds):
        case 0:
            return chance.choice((0, -1, 1, 12, 512, 768, 30522, 10**30, -(10**400), 2**63))
        case 1:
            return chance.choice((0.5, float("nan"), float("inf"), -float("inf"), 1e308, 0.91))
        case 2:
            return chance.choice((True, False, None))
        case 3:
            return chance.choice(
                ("F32", "I8", "", "\x00", "\ud800", "\u202e", "a/b", "BertForMaskedLM", "../../x", "9" * 5000)
            )
        case 4 | 5:
            return [chance.choice((0, 1, 4, 10**12, -1, True, "x")) for _ in range(chance.randrange(5))]
        case 6 | 7:
            return chance.choice(BODY)
        case 8:
            return [_make_json(chance, depth + 1) for _ in range(chance.randrange(4))]
    return {chance.choice(KEYS): _make_json(chance, depth + 1) for _ in range(chance.randrange(8))}


def _write_files(chance: random.Random, folder: Path) -> None:
    """Files of a model with values of any kind; a header now and then with sound entries."""
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
    for name in chance.sample(FILES, chance.randrange(1, 6)):
        value = {key: _make_json(chance) for key in chance.sample(KEYS, 12)}
        if chance.random() < 0.1:
            value = _make_json(chance)
        data = json.dumps(value).encode()
        if name.endswith(".safetensors"):
            data = struct.pack("<Q", len(data)) + data + bytes(chance.randrange(64))
        if chance.random() < 0.2:
            data = data[: chance.randrange(len(data) + 1)]
        (folder / name).write_bytes(data)


@pytest.mark.parametrize("seed", range(4))
def test_files_made_by_chance(seed: int, tmp_path: Path) -> None:
    _fuzz_files(random.Random(seed), 40, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
def test_many_files_made_by_chance(seed: int, tmp_path: Path) -> None:
    _fuzz_files(random.Random(seed), 400, tmp_path)


def _fuzz_files(chance: random.Random, count: int, folder: Path) -> None:
    for _ in range(count):
        _write_files(chance, folder)
        (folder / "README.md").write_text(TOLD, encoding="utf-8")
        report = audit_target(None, str(folder))
        _check(report)
        assert not {"card-missing", "card-format"} & {finding.rule for finding in report.findings}


@pytest.mark.parametrize("shape", ["one line", "many lines"])
def test_no_unit_repeated_takes_more_than_its_share(shape: str, tmp_path: Path) -> None:
    slow = {}
    for unit in UNITS:
        line = "The model has an accuracy on x, license: " + unit * (2_000 // len(unit))
        text = line * 2 if shape == "one line" else "\n".join([line[:700]] * 8)
        started = time.process_time()
        _check(_audit(tmp_path, HEAD + text))
        if (seconds := time.process_time() - started) > 1.0:
            slow[unit] = seconds
    assert not slow


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS)
def test_unit_repeated_over_half_a_megabyte(unit: str, tmp_path: Path) -> None:
    line = unit * (19_900 // len(unit))
    started = time.process_time()
    _check(_audit(tmp_path, HEAD + "\n\n".join([line] * 12 + [line[:900]] * 280)))
    assert time.process_time() - started < 12.0  # what grows with the square takes minutes


def _row(cell: str, count: int) -> str:
    return "|" + "|".join([cell] * count) + "|\n"


# name -> how a card of that kind is made
LARGE: dict[str, Callable[[], str]] = {
    "10 MB of prose": lambda: HEAD + "It has 110M weights and an accuracy of 0.91.\n\n" * 215_000,
    "10 MB of front matter": lambda: "---\n" + "key: value\n" * 950_000 + "---\n",
    "10 MB of short lines": lambda: HEAD + "ab\n" * (10 * MIB // 3),
    "5 MB in one line": lambda: HEAD + "x" * 5 * MIB,
    "10 MB of words in one line": lambda: HEAD + "word " * 2 * MIB,
    "10,000 columns": lambda: HEAD + "".join(_row(cell, 10_000) for cell in ("F1", "---", "0.5")),
    "100,000 cells": lambda: HEAD + _row("f1", 10_000) + _row("---", 10_000) + _row("0.5", 10_000) * 8,
    "20,000 rows": lambda: HEAD + "|model|accuracy|\n|---|---|\n" + "|bert|0.5|\n" * 19_900,
    "5,000 tables": lambda: HEAD + "|model|accuracy|\n|---|---|\n|bert|0.5|\n\n" * 4_900,
    "5,000 tables of HTML": lambda: HEAD + "<table><tr><td>F1</td><td>0.5</td></tr></table>\n\n" * 4_900,
    "100,000 tables in one another": lambda: HEAD + "<table>" * 100_000,
    "lists in lists": lambda: HEAD + "".join(" " * 2 * step + "- x\n" for step in range(1_200)),
    "quotes in quotes": lambda: HEAD + "".join(">" * step + " x\n" for step in range(3_000)),
    "5,000 markers on a line": lambda: HEAD + "> " * 5_000 + "x\n" + "- " * 5_000 + "y\n",
    "30,000 fields": lambda: "---\n" + "".join(f"k{step}: {step}\n" for step in range(30_000)) + "---\n",
    "30,000 broken fields": lambda: "---\n" + "".join(f"k{step}: [\n" for step in range(30_000)) + "---\n",
    "20,000 anchors": lambda: "---\n" + "".join(f"k{step}: &a{step} x\n" for step in range(20_000)) + "---\n",
    "flow in flow": lambda: "---\na: " + "{a: " * 100_000 + "\n---\n",
    "headings": lambda: HEAD + "# a\n\n" * 9_000,
    "scripts": lambda: HEAD + "<script>alert(1)</script>\n" * 19_000,
    "comments never closed": lambda: HEAD + "<!--" * 200_000,
    "a heading of HTML after another": lambda: HEAD + "<div>" + "<h1>a</h1>" * 80_000,
    "5,000 licences, 4,000 times told": lambda: "---\nlicense:\n" + "- mit\n" * 5_000 + "---\n"
    + "".join(f"License: GPL-3.0 in copy {step}\n\n" for step in range(4_000)),
    "5,000 parents, 4,000 times told": lambda: "---\nbase_model:\n"
    + "".join(f"- org/model{step}\n" for step in range(5_000)) + "---\n"
    + "".join(f"This model is a fine-tuned version of [a/b{step}](x).\n\n" for step in range(4_000)),
    "20,000 datasets": lambda: "---\ndatasets:\n" + "".join(f"- a{n}/b\n" for n in range(20_000)) + "---\n"
    + "It was trained on texts of all kinds.\n\n" * 20_000,
    "4,000 results": lambda: HEAD + "".join(f"Accuracy: 0.{step}, F1: 0.{step}\n\n" for step in range(4_000)),
    "silences": lambda: HEAD + "<!-- # lake: ignore[license-missing] -->\n" * 20_000,
}  # fmt: skip
QUICK = ("10 MB of prose", "5 MB in one line", "5,000 tables of HTML")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in LARGE]
)
def test_large_card_is_audited_in_ten_seconds(name: str, tmp_path: Path) -> None:
    text = LARGE[name]()
    started = time.process_time()
    report = _audit(tmp_path, text)
    assert time.process_time() - started < 10.0
    _check(report)
    if len(text) > MIB:
        assert "card-format" in {finding.rule for finding in report.findings}


_MEASURED = """
import resource, sys
from tools.audit import audit_target
resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30, 3 * 2**30))
for path in sys.argv[1:]:
    audit_target(None, path).describe()
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells of its memory so")
def test_large_cards_are_audited_within_a_gigabyte(tmp_path: Path) -> None:
    paths = []
    for number, make in enumerate(LARGE.values()):
        path = tmp_path / f"{number}.md"
        path.write_text(make(), encoding="utf-8")
        paths.append(str(path))
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *paths],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) < 2**20  # KiB
