"""The direction of imports, and the size of files: read from the source, nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
OWN = ("tools", "prompts", "assistant", "eval", "tests")
# Which of our packages each may import, besides itself. The wheel holds the first three only.
MAY_IMPORT = {
    "tools": set[str](),
    "prompts": {"tools"},
    "assistant": {"tools", "prompts"},
    "eval": {"tools", "prompts", "assistant"},
    "tests": {"tools", "prompts", "assistant", "eval"},
}
# `lake eval` and `lake bench` run the suites of a checkout; only they name them, inside the function.
EXCEPTIONS = {("assistant/cli/evaluate.py", "eval"), ("assistant/cli/bench.py", "eval")}
MOST_LINES = 460


def _modules(package: str) -> list[Path]:
    return sorted((REPOSITORY / package).rglob("*.py"))


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, top-level package) of every import, also those inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            top = (node.module or "").partition(".")[0]
            yield node.lineno, top if not node.level else path.relative_to(REPOSITORY).parts[0]


@pytest.mark.parametrize("package", OWN)
def test_imports_point_one_way(package: str) -> None:
    allowed = MAY_IMPORT[package] | {package}
    wrong = [
        f"{name}:{line} imports {top}"
        for path in _modules(package)
        for line, top in _imports(path)
        if top in OWN
        and top not in allowed
        and ((name := path.relative_to(REPOSITORY).as_posix()), top) not in EXCEPTIONS
    ]
    assert wrong == []


def test_the_reader_of_imports_sees_nested_ones(tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text("def f():\n    from assistant.cli import main\n    import tools.lake as lake\n")
    assert list(_imports(path)) == [(2, "assistant"), (3, "tools")]


def test_files_hold_one_idea_each() -> None:
    long = {
        path.relative_to(REPOSITORY).as_posix(): count
        for package in OWN
        for path in _modules(package)
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert long == {}
