"""What the Audit view shows of a report, and what it takes of the files a visitor gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.page.views.audit_report import choose_lines, find_fix, render_report
from assistant.page.views.audit_upload import audit_files
from assistant.page.views.uploads import sort_files
from tests.fakes.hub_server import FakeHub
from tests.page_peers import LEAKS, LETTERS, Serve, make_lake, serve_page
from tools.audit import render_sarif
from tools.errors import UsageError

__all__ = ["serve_page"]  # a fixture
pytestmark = LEAKS

MOST = 2**20


def write(folder: Path, **files: str) -> list[str]:
    """Files by name, `__` for a dot."""
    paths = []
    for name, text in files.items():
        path = folder / name.replace("__", ".")
        path.write_text(text, encoding="utf-8")
        paths.append(str(path))
    return paths


def test_the_card_is_found_among_files(tmp_path: Path) -> None:
    paths = write(tmp_path, README__md="# A", CHANGES__md="# B", config__json="{}", notes__txt="")
    given = sort_files(paths, most_bytes=MOST)
    assert given.card == tmp_path / "README.md"
    assert given.names == ["README.md", "config.json"]
    assert given.left_out == ("CHANGES.md", "notes.txt")
    assert sort_files(paths[1:2], most_bytes=MOST).card == tmp_path / "CHANGES.md"


def test_what_cannot_be_audited_is_told(tmp_path: Path) -> None:
    paths = write(tmp_path, one__md="# A", two__md="# B", notes__txt="")
    with pytest.raises(UsageError, match="none of them is called"):
        sort_files(paths[:2], most_bytes=MOST)
    with pytest.raises(UsageError, match=r"'notes\.txt': nothing here"):
        sort_files(paths[2:], most_bytes=MOST)
    with pytest.raises(UsageError, match="at most 2 are taken"):
        sort_files(paths, most_bytes=2)
    with pytest.raises(UsageError, match="too many"):
        sort_files(paths * 100, most_bytes=MOST)
    with pytest.raises(UsageError, match="no longer here"):
        sort_files([str(tmp_path / "gone.md")], most_bytes=MOST)


@pytest.mark.parametrize("config", ["{}", "{broken", "[]", '{"vocab_size": 1e999}'])
def test_no_place_of_this_machine_is_told(tmp_path: Path, config: str) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    card = "---\nlicense: mit\n---\n# Tides\nA vocabulary of 5,000 tokens.\n"
    given = sort_files(write(folder, README__md=card, config__json=config), most_bytes=MOST)
    with make_lake(tmp_path / "home") as lake:
        names = lake.catalog.model_names()
        try:
            report = audit_files(lake.catalog, given, "eu")
            told = json.dumps([report.describe(), render_sarif([report])])
            assert '"README.md"' in told
        except UsageError as error:
            told = str(error)
        assert lake.catalog.model_names() == names
    assert "lake-audit-" not in told
    assert str(tmp_path) not in told


def test_all_of_a_report_is_escaped(tmp_path: Path) -> None:
    bad = '<img src=x onerror="alert(1)">'
    card = f"---\nlicense: {bad!r}\nbase_model: {bad!r}\ndatasets: ['{bad}']\n---\n# {bad}\n{bad}\n"
    card += "\u202ereversed\n"
    card += f"```python\nfrom_pretrained({bad!r})\n```\n<!-- lake: ignore[no-such] -->\n"
    given = sort_files(write(tmp_path, README__md=card), most_bytes=MOST)
    with make_lake(tmp_path / "home") as lake:
        report = audit_files(lake.catalog, given, "hub")
    html = render_report(report, title=bad, left_out=[bad])
    assert report.findings
    assert "<img" not in html
    assert "\u202e" not in html
    assert "there is no rule of that name" in html


def test_a_very_long_card_shows_what_surrounds_its_findings() -> None:
    assert choose_lines(2000, [5]) == [(1, 2000)]
    assert choose_lines(9000, [5, 4000, 4010, 8999]) == [(1, 300), (3988, 4022), (8987, 9000)]
    assert choose_lines(9000, [305, 9999]) == [(1, 317)]


@pytest.mark.parametrize(
    ("suggestion", "fix"),
    [
        ("Add `base_model: a/b`.", "base_model: a/b"),
        ("Add `## Uses`; `lake draft` proposes what evidence has.", "## Uses"),
        ("Add `license_name:` and `license_link: LICENSE`.", "license_name:\nlicense_link: LICENSE"),
        ("Add `type:` under `dataset:`.", "type:"),
        ("Delete the link.", ""),
    ],
)
def test_of_a_suggestion_its_code_is_copied(suggestion: str, fix: str) -> None:
    assert find_fix(suggestion) == fix


def test_only_uploads_are_opened(serve_page: Serve, tmp_path: Path) -> None:
    """A caller who names another file of this machine, or an address, in the chat or in the Audit view."""
    site = serve_page()
    secret = tmp_path / "README.md"
    secret.write_text("# A secret of this machine", encoding="utf-8")
    with FakeHub({}) as elsewhere, site.open() as client:
        for named in (str(secret), f"{elsewhere.endpoint}/README.md"):
            file = {"path": named, "url": named, "meta": {"_type": "gradio.FileData"}}
            for function, data in (
                ("page_audit_files", [[file], "hub"]),
                ("page_submit", [{"text": "What does it say?", "files": [file]}, "", ""]),
            ):
                told = site.send_event(client, function, data)
                assert not told[-1]["success"]
                assert "A secret" not in json.dumps(told)
        assert elsewhere.requests == []
        told = site.send_event(client, "page_audit", [str(tmp_path), "hub"])
        assert "A secret" not in json.dumps(told)
        told = site.send_event(client, "page_audit", [LETTERS, "hub"])
        assert "Audit report" in json.dumps(told)


def test_of_a_rule_found_many_times_most_is_folded(tmp_path: Path) -> None:
    text = "---\nlicense: mit\n---\n" + "## Notes\n[More Information Needed]\n" * 30
    given = sort_files(write(tmp_path, README__md=text), most_bytes=MOST)
    with make_lake(tmp_path / "home") as lake:
        report = audit_files(lake.catalog, given, "hub")
    many = sum(finding.rule == "section-default" for finding in report.findings)
    assert many > 10
    shown, _, folded = render_report(report, title="README.md").partition(f"{many - 5} more of")
    assert shown.count("<code>section-default</code>") == 5
    assert folded.count("· <code>section-default</code>") == many - 5
