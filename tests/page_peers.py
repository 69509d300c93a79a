"""A page on a real loopback server over invented models, and the ways to talk to it."""

from __future__ import annotations

import contextlib
import gc
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from assistant.agent import Assistant
from assistant.settings import Settings
from tests.fakes.cards import CARDS, write_cards
from tools.ingest import ingest
from tools.lake import Lake

QUESTION = "Which model summarizes business letters?"
LETTERS = "north/letter-summarizer"
PAYLOAD = "window.pwned = (window.pwned || 0) + 1"
HOSTILE = "east/<img src=x onerror=alert(1)>"
HOSTILE_CARD = f"""---
license: mit
pipeline_tag: summarization
---
# Tide tables <script>{PAYLOAD}</script>

It shortens tide tables <img src="http://198.51.100.7/a.png" onerror="{PAYLOAD}"> and "quotes' them.
<svg/onload={PAYLOAD}> [more](javascript:{PAYLOAD}) ![pixel](http://198.51.100.7/b.png) \u202egnihton\u202c
\x1b[31mred\x1b[0m <style>body {{ display: none }}</style> </div></details>
\u05e9\u05dc\u05d5\u05dd ${{1+1}} {{{{value}}}}
"""


def make_lake(home: Path, *, more: dict[str, str] | None = None) -> Lake:
    """The cards of `tests.fakes.cards` and `more`, searched by words only. Close it."""
    dump = home.parent / "cards.jsonl"
    home.parent.mkdir(parents=True, exist_ok=True)
    write_cards(dump)
    with dump.open("a", encoding="utf-8") as file:
        for model, card in (more or {}).items():
            file.write(json.dumps({"modelId": model, "author": model.partition("/")[0], "card": card}) + "\n")
    lake = Lake.open(home, embedder=None)
    assert len(ingest(lake, [str(dump)]).failed) == 0
    assert len(lake.catalog.model_names()) == len(CARDS) + len(more or {})
    return lake


@dataclass
class Site:
    """A served page. `said` is what the server told its keeper."""

    address: str
    assistant: Assistant
    said: list[str] = field(default_factory=list)

    def open(self, **given: Any) -> httpx.Client:
        """A client of its own, with its own cookies."""
        return httpx.Client(base_url=self.address, timeout=30, **given)

    def find_function(self, name: str) -> int:
        """The number of an event by its name, as a browser knows it."""
        config = httpx.get(f"{self.address}/config", timeout=30).json()
        return next(int(d["id"]) for d in config["dependencies"] if d["api_name"] == name)

    def send_event(
        self,
        client: httpx.Client,
        name: str,
        data: list[Any],
        *,
        event: Any = None,
        session: str | None = None,
    ) -> list[dict[str, Any]]:
        """What a browser does by hand: send an event, and read messages until it is done."""
        session = session or uuid.uuid4().hex
        body = {
            "fn_index": self.find_function(name),
            "data": data,
            "event_data": event,
            "session_hash": session,
        }
        joined = client.post("/gradio_api/queue/join", json=body)
        if joined.status_code != 200:
            return [{"msg": "refused", "status": joined.status_code, **joined.json()}]
        messages: list[dict[str, Any]] = []
        with client.stream("GET", f"/gradio_api/queue/data?session_hash={session}") as stream:
            for line in stream.iter_lines():
                if line.startswith("data:"):
                    messages.append(json.loads(line[5:]))
                    if messages[-1]["msg"] in ("process_completed", "close_stream", "unexpected_error"):
                        break
        return messages


@contextlib.contextmanager
def serving(assistant: Assistant, settings: Settings) -> Iterator[Site]:
    """The whole server in a thread of this process, on a free port."""
    import uvicorn

    from assistant.server import make_app

    site = Site("", assistant)
    app = make_app(assistant, settings, tell=site.said.append)
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=1, lifespan="on")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    site.address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield site
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


Serve = Callable[..., Site]
# Gradio and its client leave event loops and sockets to the garbage collector; that is not ours to mend.
LEAKS = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def serve_page(tmp_path: Path) -> Iterator[Serve]:
    """Serves a page over invented models; keyword arguments are settings, `more` further cards."""
    with contextlib.ExitStack() as stack:

        def serve(*, more: dict[str, str] | None = None, **settings: Any) -> Site:
            home = tmp_path / "home"
            lake = stack.enter_context(
                Lake.open(home, embedder=None) if home.exists() else make_lake(home, more=more)
            )
            given = Settings(**{"home": home, "rate_per_minute": 0, "llm": "offline", **settings})
            assistant = stack.enter_context(contextlib.closing(Assistant(lake, given)))
            return stack.enter_context(serving(assistant, given))

        yield serve
    gc.collect()  # here, where what they leave is ignored, and in no other test
