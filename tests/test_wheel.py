"""The wheel as somebody installs it: built, put into an environment of its own, used from another folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tools.embedding.weights import INSTALL_COMMAND, PACKAGE

pytestmark = pytest.mark.wheel


@dataclass(frozen=True)
class Installed:
    """An environment that holds the wheel, and this environment's other packages by reference."""

    wheel: Path
    scripts: Path
    folder: Path

    def lake(self, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
        """Run the installed command from a folder that holds nothing."""
        return subprocess.run(
            [str(self.scripts / "lake"), "--home", str(home), *arguments],
            cwd=self.folder,
            env=_environment(self.folder),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=240,
            check=False,
        )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from what is in the tree."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder), "."]
    built = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    [path] = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel in an environment that sees all packages of this one, the embedder's weights included."""
    return _install(wheel, tmp_path_factory.mktemp("with"), weights=True)


def test_wheel_holds_the_product_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"assistant", "prompts", "tools"}
    assert "prompts/assistant.md" in names
    cards = [name for name in names if name.startswith("tools/data/sample/models/")]
    assert sum(name.endswith("/README.md") for name in cards) >= 60
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_wheel_names_its_command_and_version(installed: Installed, tmp_path: Path) -> None:
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    shown = installed.lake("--version", home=tmp_path / "home")
    assert (shown.returncode, shown.stdout) == (0, f"lake {version}\n")


def test_wheel_fills_and_searches_the_sample_lake(installed: Installed, tmp_path: Path) -> None:
    home = tmp_path / "home"
    taken = installed.lake("ingest", "sample:", "--json", home=home)
    assert taken.returncode == 0, taken.stderr
    assert json.loads(taken.stdout)["added"] >= 60
    found = installed.lake("search", "find names of diseases in medical text", "--json", home=home)
    assert found.returncode == 0, found.stderr
    hits = json.loads(found.stdout)["hits"]
    assert hits
    assert hits[0]["evidence"][0]["text"]
    answered = installed.lake("ask", "Which model transcribes speech?", "--json", home=home)
    assert answered.returncode == 0, answered.stderr
    assert json.loads(answered.stdout)["evidence"]
    model = hits[0]["model"]
    audited = installed.lake("audit", model, "--json", "--fail-on", "never", home=home)
    assert audited.returncode == 0, audited.stderr
    assert json.loads(audited.stdout)["claims"]
    for form in ("json", "cyclonedx", "eu"):
        drafted = installed.lake("draft", model, "--format", form, home=home)
        assert drafted.returncode == 0, drafted.stderr
        assert len(drafted.stdout) > 1000


def test_wheel_says_that_suites_need_a_checkout(installed: Installed, tmp_path: Path) -> None:
    refused = installed.lake("eval", "verify", home=tmp_path / "home")
    assert refused.returncode == 2
    assert "checkout" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_without_weights_search_goes_by_words(
    wheel: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bare = _install(wheel, tmp_path_factory.mktemp("without"), weights=False)
    taken = bare.lake("ingest", "sample:", "--json", home=tmp_path / "home")
    assert taken.returncode == 0, taken.stderr
    found = bare.lake("search", "legal contracts", "--json", home=tmp_path / "home")
    assert found.returncode == 0, found.stderr
    assert INSTALL_COMMAND in found.stderr
    assert json.loads(found.stdout)["hits"]


def _install(wheel: Path, folder: Path, *, weights: bool) -> Installed:
    """Install `wheel` alone; the other packages are linked, so that nothing is fetched."""
    environment = folder / "venv"
    venv.create(environment, with_pip=False, symlinks=os.name != "nt")
    scripts = environment / ("Scripts" if os.name == "nt" else "bin")
    packages = Path(
        sysconfig.get_path("purelib", "venv", {"base": str(environment), "platbase": str(environment)})
    )
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(scripts / "python"), "install", "--quiet", "--no-deps",
         "--no-index", "--disable-pip-version-check", str(wheel)],
        check=True,
    )  # fmt: skip
    linked = folder / "packages"
    linked.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        own = entry.name.startswith(("model_lake_assistant", "_editable_impl_model_lake", "__editable__"))
        if not own and (weights or not entry.name.startswith(PACKAGE)):
            (linked / entry.name).symlink_to(entry)
    # A path line only: .pth files among the linked packages stay unread, so the checkout is out of reach.
    (packages / "linked.pth").write_text(f"{linked}\n", encoding="utf-8")
    nowhere = folder / "elsewhere"
    nowhere.mkdir()
    return Installed(wheel, scripts, nowhere)


def _environment(folder: Path) -> dict[str, str]:
    """A person's environment without keys, caches or a way out."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TMPDIR") if name in os.environ}
    return kept | {
        "HOME": str(folder),
        "HF_HOME": str(folder / "hf"),
        "HF_HUB_OFFLINE": "1",
        "LAKE_LLM": "offline",
        "PYTHONUTF8": "1",
    }
