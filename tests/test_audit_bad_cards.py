"""`lake audit` of bad cards: every fault is a finding with its line, and nothing in a card is ever run."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import pytest

from assistant.cli.app import run
from tools.audit import audit_target, render_sarif
from tools.audit.types import AuditReport

HEAD = b"---\nlicense: mit\n---\n# Card\n\n"
SAID = b"This model has 110M parameters and was made to be read by nobody but this test.\n"


def _audit(folder: Path, data: bytes) -> AuditReport:
    path = folder / "README.md"
    path.write_bytes(data)
    report = audit_target(None, str(path))
    json.dumps(report.describe(), allow_nan=False)
    json.dumps(render_sarif([report]), allow_nan=False)
    return report


def _bomb() -> bytes:
    rows = [b"a: &a [x, x, x, x, x, x, x, x, x]"]
    for code in range(ord("a"), ord("n")):
        name, last = bytes([code + 1]), bytes([code])
        rows.append(name + b": &" + name + b" [" + b", ".join([b"*" + last] * 9) + b"]")
    return b"---\n" + b"\n".join(rows) + b"\nlicense: mit\n---\n# Card\n"


# name -> (the card's bytes, the rule it breaks, the line of the finding)
CARDS: dict[str, tuple[bytes, str, int]] = {
    "empty": (b"", "card-missing", 0),
    "blank": (b" \n\n\t\n", "card-missing", 0),
    "byte order mark": (b"\xef\xbb\xbf" + HEAD, "card-format", 1),
    "utf-16": (HEAD.decode().encode("utf-16"), "card-format", 1),
    "utf-16 without a mark": (HEAD.decode().encode("utf-16-be"), "card-format", 1),
    "utf-32": (HEAD.decode().encode("utf-32"), "card-format", 1),
    "latin-1": (HEAD + b"Caf\xe9\n", "card-format", 6),
    "NUL in prose": (HEAD + b"x\x00y\n", "card-format", 6),
    "NUL in metadata": (b"---\nlicense: m\x00it\n---\n# Card\n", "card-format", 2),
    "binary": (bytes(range(256)) * 400, "card-format", 1),
    "escape sequences": (b"---\nlicense: \x1b[31mmit\n---\n# Card\n", "card-format", 2),
    "no front matter": (b"# Card\n\nText.\n", "front-matter-missing", 1),
    "front matter never closed": (b"---\nlicense: mit\nlanguage: en\n\n# Card\n", "card-format", 1),
    "two front matters": (
        b"---\nlicense: mit\n---\n---\nlanguage: en\nlicense: gpl\n---\n# C\n",
        "card-format",
        4,
    ),
    "tabs": (b"---\nlicense: mit\nlanguage:\n\t- en\n---\n# Card\n", "card-format", 4),
    "broken YAML": (b"---\nlicense: mit\ntags: [a, b\nlanguage: en\n---\n# Card\n", "card-format", 4),
    "a list": (b"---\n- license: mit\n- language: en\n---\n# Card\n", "card-format", 2),
    "a text": (b"---\nhello world\n---\n# Card\n", "card-format", 2),
    "a number": (b"---\n42\n---\n# Card\n", "card-format", 2),
    "a YAML bomb": (_bomb(), "card-format", 5),
    "an alias of itself": (b"---\na: &a [*a]\nlicense: mit\n---\n# Card\n", "card-format", 2),
    "an alias of nothing": (b"---\nlicense: *nope\n---\n# Card\n", "card-format", 2),
    "a key twice": (b"---\nlicense: mit\nlicense: apache-2.0\n---\n# Card\n", "card-format", 3),
    "keys that are no text": (b"---\n1: x\ntrue: y\n[a, b]: z\n---\n# Card\n", "card-format", 4),
    "a tag of Python": (
        b'---\nlicense: !!python/object/apply:os.system ["touch run-by-yaml"]\n---\n# Card\n',
        "card-format",
        2,
    ),
    "deep flow": (b"---\nlicense: mit\na: " + b"[" * 100_000 + b"\n---\n# Card\n", "card-format", 3),
    "deep blocks": (
        b"---\n" + b"".join(b" " * step + b"a:\n" for step in range(900)) + b"---\n# Card\n",
        "card-format",
        32,
    ),
    "a licence of 300,000 characters": (
        b"---\nlicense: " + b"k" * 300_000 + b"\n---\n# C\n",
        "license-invalid",
        2,
    ),
    "dates and NaN": (
        b"---\nlanguage: .nan\nlicense: 2024-01-01\n---\n# Card\n",
        "license-invalid",
        3,
    ),
    "a licence of digits": (
        b"---\nlicense: " + b"9" * 100_000 + b"\n---\n# Card\n",
        "license-invalid",
        2,
    ),
    "model-index is a text": (
        b"---\nlicense: mit\nmodel-index: text\n---\n# Card\n",
        "model-index-malformed",
        3,
    ),
    "model-index of odd parts": (
        b"---\nmodel-index: [1, null, {results: 5}, {results: [1, {metrics: 4}]}]\n---\n# Card\n",
        "model-index-malformed",
        2,
    ),
    "script": (HEAD + b"<script>alert(1)</script>\n", "active-content", 6),
    "a handler": (HEAD + b"<img src=x onerror=alert(1)>\n", "active-content", 6),
    "a handler behind a slash": (HEAD + b"<svg/onload=alert(1)>\n", "active-content", 6),
    "a link that runs": (HEAD + b"[x](javascript:alert(1))\n", "active-content", 6),
    "a link in HTML that runs": (HEAD + b'<a href="JaVaScript:alert(1)">x</a>\n', "active-content", 6),
    "a page as data": (HEAD + b"[x](data:text/html;base64,AAAA)\n", "active-content", 6),
    "carriage returns alone": (HEAD.replace(b"\n", b"\r"), "card-format", 1),
    "a comment never closed": (HEAD + b"<!-- hidden\n\n## Licence\n", "card-format", 6),
    "a fence never closed": (HEAD + b"```python\nx = 1\n\n## Licence\n", "card-format", 6),
    "text turned round": (HEAD + "the licence is \u202etim\n".encode(), "hidden-characters", 6),
    "text in tags": (HEAD + "a\U000e0061\U000e0062\n".encode(), "hidden-characters", 6),
    "zero-width spaces": (HEAD + "open\u200bsource\n".encode(), "hidden-characters", 6),
    "a control character": (HEAD + b"red \x1b[31m\n", "hidden-characters", 6),
    "a row too long": (HEAD + b"|a|b|\n|---|---|\n|1|2|\n|1|2|3|\n", "table-ragged", 9),
    "a row too short": (HEAD + b"|a|b|c|\n|---|---|---|\n|1|2|\n|1|2|3|\n", "table-ragged", 8),
    "a long line": (HEAD + b"word " * 10_000, "card-format", 6),
    "a body of 450,000 lines": (HEAD + b"a\n" * 450_000, "card-format", 20_004),
}


SOUND = {
    "carriage returns and line feeds": HEAD.replace(b"\n", b"\r\n"),
    "right-to-left text": HEAD
    + "\u05e9\u05dc\u05d5\u05dd, \u2066mit\u2069 \u0633\u0644\u0627\u0645\n".encode(),
    "joiners and flags": HEAD
    + "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \U0001f469\u200d\U0001f4bb "
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f\n".encode(),
    "code that speaks of HTML": HEAD + b"Use `<script src=x>` or `onload=`.\n\n```html\n<script>\n```\n",
    "a language called so": HEAD + b"Scores: python: 3.5, javascript: 4.5 <b>both</b>.\n",
    "closed comments and fences": HEAD + b"<!-- a -->\n\n~~~~\n```\n~~~~\n\n<!-- b\nc -->\n",
    "a fence in a list": HEAD + b"- item\n  ```\n  code\n  ```\n",
    "pipes in a table": HEAD + b"|a|b|\n|---|---|\n|1 \\| 2|`3`|\n|||\n",
    "two rulers": HEAD + b"text\n\n---\n\nmore text\n\n---\n",
}


@pytest.mark.parametrize("name", SOUND)
def test_odd_but_sound_text_breaks_no_rule_of_form(name: str, tmp_path: Path) -> None:
    rules = {"card-format", "hidden-characters", "active-content", "table-ragged", "front-matter-missing"}
    assert not [finding for finding in _audit(tmp_path, SOUND[name]).findings if finding.rule in rules]


@pytest.mark.parametrize("name", CARDS)
def test_bad_card_has_a_finding_with_its_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data, rule, line = CARDS[name]
    report = _audit(tmp_path, data)
    found = [(finding.rule, finding.line) for finding in report.findings]
    assert (rule, line) in found
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]  # nothing in it was run


def _write(folder: Path, **files: bytes) -> None:
    names = {
        "card": "README.md",
        "config": "config.json",
        "adapter": "adapter_config.json",
        "weights": "model.safetensors",
        "log": "eval_results.json",
    }
    for key, data in files.items():
        (folder / names[key]).write_bytes(data)


def _make_header(text: bytes, claimed: int | None = None) -> bytes:
    return struct.pack("<Q", len(text) if claimed is None else claimed) + text


FOLDERS: dict[str, dict[str, bytes]] = {
    "config is no JSON": {"config": b"not json"},
    "config is a list": {"config": b"[1, 2]"},
    "config is binary": {"config": bytes(range(256))},
    "config nests deeply": {"config": b"[" * 100_000},
    "config holds 4,000,000 lists": {"config": b'{"a": [' + b"[]," * 4_000_000 + b"[]]}"},
    "config holds 5,000 digits": {"config": b'{"vocab_size": ' + b"9" * 5000 + b"}"},
    "config has no sizes": {"config": b'{"vocab_size": NaN, "architectures": 5, "hidden_size": "x"}'},
    "weights are empty": {"weights": b""},
    "weights end in the header": {"weights": _make_header(b'{"a":', claimed=10**6)},
    "weights have negative shapes": {
        "weights": _make_header(b'{"a": {"dtype": "F32", "shape": [-1, true], "data_offsets": [0, 4]}}')
    },
    "weights are cut short": {
        "weights": _make_header(b'{"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}}') + bytes(8)
    },
    "weights claim too much": {
        "weights": _make_header(b'{"a": {"dtype": "F32", "shape": [9999999], "data_offsets": [0, 4]}}')
        + bytes(4)
    },
    "weights with 4,000,000 lists": {"weights": _make_header(b'{"a": [' + b"[]," * 4_000_000 + b"[]]}")},
    "an adapter of a number": {"adapter": b'{"base_model_name_or_path": 5}'},
    "a log of nothing": {"config": b"{}", "log": b'{"eval_accuracy": "x", "eval_f1": Infinity}'},
}


@pytest.mark.parametrize("name", FOLDERS)
def test_bad_file_beside_a_sound_card_costs_the_card_nothing(name: str, tmp_path: Path) -> None:
    _write(tmp_path, card=HEAD + SAID, **FOLDERS[name])
    report = audit_target(None, str(tmp_path))
    assert any(claim.kind == "parameters" and claim.line == 6 for claim in report.claims)
    rules = [finding.rule for finding in report.findings]
    assert not {"card-missing", "parameters-disagree"} & set(rules)
    readable = name in ("config has no sizes", "an adapter of a number", "a log of nothing")
    assert rules.count("file-unreadable") == (not readable)


def test_readme_that_is_a_folder_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "README.md").mkdir()
    assert ("card-format", 1) in [(f.rule, f.line) for f in audit_target(None, str(tmp_path)).findings]


def test_card_with_bad_bytes_is_still_held_against_its_files(tmp_path: Path) -> None:
    header = b'{"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}'
    weights = _make_header(header) + bytes(16)
    _write(tmp_path, card=HEAD + SAID + b"\x00 \xff\n", config=b'{"model_type": "bert"}', weights=weights)
    found = [(finding.rule, finding.line) for finding in audit_target(None, str(tmp_path)).findings]
    assert ("card-format", 7) in found
    assert ("parameters-disagree", 6) in found


def test_file_beyond_all_bounds_is_read_in_part(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    path = tmp_path / "README.md"
    with path.open("wb") as file:
        file.write(HEAD + b"mail me: somebody@host.org\n")
        file.truncate(10**12)  # a hole: it takes no room on the disk
    for target in (path, tmp_path):
        found = [(f.rule, f.severity, f.line) for f in audit_target(None, str(target)).findings]
        assert ("email-in-card", "note", 6) in found
        assert ("card-format", "warning", 7) in found


def test_links_in_a_circle_are_a_finding(tmp_path: Path) -> None:
    (tmp_path / "README.md").symlink_to(tmp_path / "README.md")
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "inner").symlink_to(tmp_path)
    report = audit_target(None, str(tmp_path))
    assert ("card-format", 1) in [(finding.rule, finding.line) for finding in report.findings]


def test_escape_sequences_never_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "README.md"
    path.write_bytes(
        b'---\nlicense: "\\e]0;title\\a\\u009b2J"\n---\n# \x1b[31mCard\x07\n\n'
        b"Accuracy: 1\x1b[2J37 %\nhttp://\x1b[1m\nmail me\x1b[8m@host.org\n[x](https:/\x1b]8;;)\n"
    )
    assert run(["audit", str(path)]) == 1
    captured = capsys.readouterr()
    shown = captured.out + captured.err
    assert "license-invalid" in shown
    assert not [sign for sign in shown if (sign < " " and sign != "\n") or "\x7f" <= sign <= "\x9f"]


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_reports_are_one_document_whatever_the_bytes(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "README.md"
    path.write_bytes(HEAD + bytes(range(256)) + "\n\u202e\u2028\u200b\U000e0041\n".encode())
    assert run(["audit", str(path), "--format", form]) == 1
    written = capsys.readouterr().out
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", written)
    document = json.loads(written)
    assert "findings" in document or document["version"] == "2.1.0"
