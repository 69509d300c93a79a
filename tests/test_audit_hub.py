"""Audits that look beyond this machine: a model of the Hub, and the links of a card, both over loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from assistant.cli.app import run
from tests.command_line import run_for_json
from tests.fakes.hub_server import FakeHub, FakeModel, read_folder
from tools.audit import audit_target, web

BASE = "example-lab/brook-base"
FOLDER = Path(str(files("tools.data") / "sample" / "models" / "example-lab")) / "brook-base"
NAME = "pages.example"  # leads to loopback in the tests below
CARD = "---\nlicense: mit\npipeline_tag: text-generation\n---\n# Brook\n\nA model with {} parameters.\n"


@pytest.fixture(autouse=True)
def _online(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


def publish(card: str | None) -> FakeHub:
    stored = read_folder(FOLDER)
    stored.pop("README.md", None)
    if card is not None:
        stored["README.md"] = card.encode()
    return FakeHub({BASE: FakeModel(stored)})


def test_a_model_of_the_hub_is_held_against_its_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with publish(CARD.format("7 billion")) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        report: dict[str, Any] = run_for_json(
            capsys, "--home", str(tmp_path), "audit", f"hub:{BASE}", "--fail-on", "never"
        )
        (found,) = [f for f in report["findings"] if f["rule"] == "parameters-disagree"]
        assert (found["severity"], found["line"]) == ("error", 7)
        assert found["evidence"][0]["locator"].startswith("model.safetensors")
        assert found["evidence"][0]["source"] == f"{BASE}@{hub.models[BASE].sha}"
        assert report["target"] == BASE
        assert run(["--home", str(tmp_path), "audit", f"hub:{BASE}"]) == 1


def test_a_model_of_the_hub_without_a_card_and_one_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with publish(None) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        report = run_for_json(capsys, "--home", str(tmp_path), "audit", f"hub:{BASE}", "--fail-on", "never")
        assert "card-missing" in {f["rule"] for f in report["findings"]}
        assert run(["--home", str(tmp_path), "audit", "hub:example-lab/nobody"]) == 2
        assert "nobody" in capsys.readouterr().err


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """A loopback server under a name, which knows `/there` only, with what it was asked."""
    paths: list[str] = []
    look_up = socket.getaddrinfo

    def resolve(host: str, *rest: Any, **how: Any) -> Any:
        return look_up("127.0.0.1" if host == NAME else host, *rest, **how)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    class Answers(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            paths.append(self.path)
            self.send_response(200 if self.path == "/there" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{NAME}:{server.server_port}", paths
        server.shutdown()


def write_links(folder: Path, address: str) -> Path:
    path = folder / "README.md"
    path.write_text(f"# M\n\nSee [one]({address}/there)\nand [two]({address}/gone).\n", encoding="utf-8")
    return path


def test_dead_links_are_found_only_when_asked(
    tmp_path: Path, asked: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, paths = asked
    path = write_links(tmp_path, address)
    monkeypatch.setattr(web, "is_public", lambda _: True)  # the test's server is on loopback
    assert not [f for f in audit_target(None, str(path)).findings if f.rule == "link-dead"]
    assert paths == []
    found = [f for f in audit_target(None, str(path), check_links=True).findings if f.rule == "link-dead"]
    assert [f.line for f in found] == [4]
    assert "404" in found[0].message
    assert sorted(paths) == ["/gone", "/there"]


def test_private_addresses_in_a_card_are_never_asked(tmp_path: Path, asked: tuple[str, list[str]]) -> None:
    address, paths = asked
    path = write_links(tmp_path, address)
    found = [f for f in audit_target(None, str(path), check_links=True).findings if f.rule == "link-dead"]
    assert found
    assert all("private" in f.message for f in found)
    assert paths == []


@pytest.mark.parametrize(
    "command", [["audit", "hub:a/b"], ["compare", "hub:a/b", "hub:a/c"], ["ingest", "hub:a/b"]]
)
def test_offline_the_hub_is_not_asked(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example")
    monkeypatch.setenv("LAKE_LLM", "offline")
    assert run(["--home", str(tmp_path), *command]) == 2
    assert "'https://hub.example' is not asked" in capsys.readouterr().err


def test_offline_a_hub_on_this_machine_may_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_LLM", "offline")
    with publish(CARD.format("some")) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        assert run(["--home", str(tmp_path), "audit", f"hub:{BASE}", "--fail-on", "never"]) == 0
