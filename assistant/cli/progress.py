"""Progress on stderr: a bar with rate and time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING

from assistant.cli.safe_text import clean_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, Task
    from rich.text import Text

_PLAIN_EVERY_SECONDS = 5.0
# What the domain calls its stages, as a person reads them.
_STAGES = {"catalogue": "reading models", "embed": "embedding passages"}


class StepProgress:
    """Counts steps of one or more stages. Use as a context manager; `update` starts a stage by its name."""

    def __init__(self, console: Console, stage: str, *, total: int | None = None) -> None:
        self._console = console
        self._stage = stage
        self._total = total
        self._done = 0
        self._started = self._told = self._updated = time.monotonic()
        self._bar: Progress | None = None
        self._task: int | None = None
        self._said: tuple[str, int] | None = None  # stage and count of the last plain line

    def __enter__(self) -> StepProgress:
        if self._console.is_terminal:
            self._bar = _make_bar(self._console)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        elif kind is None and self._said and self._said != (self._stage, self._done):
            self._tell()  # who has read of the beginning reads of the end

    @property
    def done(self) -> int:
        """Steps of the current stage that are done."""
        return self._done

    def advance(self, steps: int = 1) -> None:
        """`steps` more of the current stage are done."""
        self.update(self._done + steps, self._total, self._stage)

    def update(self, done: int, total: int | None, stage: str) -> None:
        """`done` of `total` (None: not known) steps of `stage` are done."""
        stage = _STAGES.get(stage, stage)
        if stage != self._stage:
            if self._bar is None and self._done and self._said != (self._stage, self._done):
                self._tell()
            # The first word of a stage comes when some of it is done: it began at the last word before.
            self._started, self._task = self._updated, None
        self._stage, self._done, self._total = stage, done, total
        self._updated = time.monotonic()
        if self._bar is not None:
            if self._task is None:
                self._task = self._bar.add_task(clean_line(stage), total=total)
            self._bar.update(self._task, completed=done, total=total)  # type: ignore[arg-type]
        elif time.monotonic() - self._told >= _PLAIN_EVERY_SECONDS:
            self._tell()

    def _tell(self) -> None:
        now = time.monotonic()
        rate = self._done / max(now - self._started, 1e-6)
        parts = [f"{self._stage}: {self._done}" + (f" of {self._total}" if self._total else "")]
        parts.append(f"{rate:.0f}/s" if rate >= 1 else f"{rate:.2f}/s")
        if self._total and rate > 0 and self._done < self._total:
            parts.append(f"{(self._total - self._done) / rate:.0f} s left")
        self._console.file.write(clean_line(", ".join(parts)) + "\n")
        self._console.file.flush()
        self._told = now
        self._said = (self._stage, self._done)


def _make_bar(console: Console) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn
    from rich.progress import TimeRemainingColumn as TimeLeft
    from rich.text import Text

    class Rate(ProgressColumn):
        """Steps per second."""

        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:.0f}/s" if speed >= 1 else f"{speed:.2f}/s")

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeLeft(),
        console=console,
        transient=True,
    )
