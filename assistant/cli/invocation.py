"""One run of the command: its settings, its lake, and where results, progress and errors go."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.cli.safe_text import clean_line
from tools.network import stay_on_loopback

if TYPE_CHECKING:
    from rich.console import Console

    from assistant.cli.progress import StepProgress
    from assistant.settings import Settings
    from tools.embedding import Embedder
    from tools.lake import Lake

# Output that goes to a file or another program is not broken at 80 columns.
_PIPED_COLUMNS = 200
# What JSON leaves as it is and a terminal may obey or show in another order; and surrogates that stand alone
# in a broken card, which only an escape can carry.
_ESCAPED = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
DISTRIBUTION = "model-lake-assistant"


class ReaderGoneError(Exception):
    """Whoever read our output has enough (`lake list | head`). No OSError: Typer would exit with 1."""


class Invocation:
    """What commands share. Results go to stdout; everything else to stderr.

    With `guarded` (JSON, or the JSON Lines of a batch), whatever a library prints is turned to stderr, so
    that stdout holds the documents alone.
    """

    def __init__(self, *, json: bool, guarded: bool) -> None:
        self.json = json
        self._guarded = guarded
        self.debug = False
        self._overrides: dict[str, object] = {}
        self._out = sys.stdout

    def set_flags(self, *, home: Path | None, json: bool, debug: bool) -> None:
        """Take the shared options as parsed."""
        self.json = json
        self.debug = debug
        self._overrides = {"home": home, "debug": debug or None}

    def set_engine(self, llm: str | None) -> None:
        """Take `--llm`; must come before the settings are first read."""
        self._overrides["llm"] = llm

    def set_address(self, host: str | None, port: int | None) -> None:
        """Take `--host` and `--port`; must come before the settings are first read."""
        self._overrides.update(server_name=host, server_port=port)

    @cached_property
    def settings(self) -> Settings:
        """Read once, on first use, so that help needs none. Raises UsageError."""
        from assistant.settings import load_settings

        settings = load_settings(self._overrides)
        stay_on_loopback(settings.llm == "offline")
        return settings

    def obey_offline(self) -> None:
        """Let `offline` shut out the Hub; needed where a command may read it without opening a lake."""
        _ = self.settings

    @cached_property
    def terminal(self) -> Console:
        """stdout for people."""
        return _make_console(stderr=False)

    @cached_property
    def messages(self) -> Console:
        """stderr for progress and notes."""
        return _make_console(stderr=True)

    @contextlib.contextmanager
    def guarded_stdout(self) -> Iterator[None]:
        """When guarded, send what anything prints to stderr; only `emit` reaches stdout."""
        if not self._guarded:
            yield
            return
        with contextlib.redirect_stdout(sys.stderr):
            yield
        self._out.flush()

    def emit(self, document: Any) -> None:
        """Write `document` to stdout as one line of JSON: UTF-8, numbers that are none as null."""
        self.emit_parts((render_json(document),))

    def emit_parts(self, parts: Iterable[str]) -> None:
        """Write `parts`, which together are one document of JSON, to stdout as one line."""
        try:
            for part in parts:
                self._out.write(part)
            self._out.write("\n")
            self._out.flush()
        except BrokenPipeError:
            raise ReaderGoneError from None

    def note(self, text: str) -> None:
        """One line for the person, on stderr."""
        from rich.text import Text

        self.messages.print(Text(clean_line(text), style="dim"), soft_wrap=True)

    def report_error(self, kind: str, message: str, hint: str) -> None:
        """One line on stderr, or with `json` the error's document on stdout."""
        message, hint = clean_line(message), clean_line(hint)
        if self.json:
            self.emit({"error": {"type": kind, "message": message, "hint": hint}})
        else:
            sys.stderr.write(f"{message} {hint}".strip() + "\n")
            sys.stderr.flush()

    def print_version(self) -> None:
        """The installed version."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version(DISTRIBUTION)
        except PackageNotFoundError:  # run from a source tree that is not installed
            number = "unknown"
        if self.json:
            self.emit({"version": number})
        else:
            sys.stdout.write(f"lake {number}\n")

    @contextlib.contextmanager
    def open_lake(
        self, command: str, *, embedding: bool = True, accept_embedder: bool = False, threads: int = 0
    ) -> Iterator[Lake]:
        """The lake of the settings, owned until the block ends. Without weights it works by words only.

        `embedding=False` is for commands that never embed: they need no weights. `accept_embedder` lets
        vectors of another embedder pass, because they are made anew. `threads` (0: one for each core) are
        what it computes with.
        """
        from tools.lake import Lake

        settings = self.settings
        with Lake.open(
            settings.home,
            embedder=self.load_embedder(threads) if embedding else None,
            chroma_url=settings.chroma_url,
            command=f"lake {command}",
            accept_embedder=accept_embedder,
        ) as lake:
            if embedding and settings.embedder not in ("minilm", "none"):
                from assistant.llm import require_unlocked

                require_unlocked(lake, f"The embedder {settings.embedder!r}")
            yield lake

    @contextlib.contextmanager
    def open_filled_lake(self, command: str, *, embedding: bool = True) -> Iterator[Lake]:
        """As `open_lake`, for commands that need something to look at. Raises UsageError for an empty one."""
        from tools.errors import UsageError

        with self.open_lake(command, embedding=embedding) as lake:
            if not lake.catalog.model_names() and not lake.catalog.papers():
                raise UsageError(
                    f"This lake is empty ({self.settings.home}).", hint="Fill it, e.g.: lake ingest sample:"
                )
            yield lake

    def progress(self, stage: str, *, total: int | None = None) -> StepProgress:
        """A progress bar on stderr; enter it as a context manager."""
        from assistant.cli.progress import StepProgress

        return StepProgress(self.messages, stage, total=total)

    def load_embedder(self, threads: int = 0) -> Embedder | None:
        """The embedder of the settings, or None (said on stderr) where no weights are installed."""
        from tools.embedding.minilm import load_embedder
        from tools.embedding.weights import INSTALL_COMMAND, find_weights

        if self.settings.embedder == "none":
            return None
        if self.settings.embedder != "minilm":
            from assistant.llm.embedding import announce_embedder, connect_embedder

            service = connect_embedder(self.settings)
            self.note(announce_embedder(service))
            return service
        directory = self.settings.embedder_dir
        if find_weights(directory) is None:
            self.note(
                "No embedder is installed, so search goes by words only. "
                f"For search by meaning: {INSTALL_COMMAND} (or: lake embedder download)"
            )
            return None
        return load_embedder(directory, threads=threads)


def render_json(document: Any) -> str:
    """`document` on one line that UTF-8 can hold, numbers that are none as null."""
    line = json.dumps(replace_non_finite(document), ensure_ascii=False, allow_nan=False)
    return _ESCAPED.sub(lambda matched: f"\\u{ord(matched[0]):04x}", line)


def replace_non_finite(value: Any) -> Any:
    """A copy in which NaN and the infinities are None: JSON has no word for them."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): replace_non_finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [replace_non_finite(item) for item in value]
    return value


def _make_console(*, stderr: bool) -> Console:
    from rich.console import Console

    class Terminal(Console):
        def on_broken_pipe(self) -> None:
            raise ReaderGoneError

    console = Terminal(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _PIPED_COLUMNS
    return console
