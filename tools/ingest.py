"""Bringing sources into a lake: streaming, idempotent, resumable after any interruption.

The catalog is written in transactions of some dozen models, then the texts that lack vectors are embedded. A
run that is cut short loses at most the batch at hand; the next run passes over what is unchanged.
"""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from tools.cards.types import Card
from tools.catalog.naming import model_key
from tools.catalog.records import Change, FileRow, ModelRecord
from tools.errors import SourceError
from tools.lake import Lake, Progress
from tools.sources import Source, SourceFailure, SourceModel, SourcePaper, open_source

# What a parser that meets the unforeseen raises: one card must not keep all others out of the lake.
_PARSER_FAULTS = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    re.error,
)
_BATCH_MODELS = 64
# Parsed cards take several times the memory of their text.
_BATCH_CHARACTERS = 4_000_000


@dataclass(slots=True)
class IngestReport:
    """What an ingest did: numbers of models and papers, what failed and why, and how long it took."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: list[dict[str, str]] = field(default_factory=list)  # {"id", "error"}
    seconds: float = 0.0

    @property
    def stored(self) -> int:
        """How many models and papers are in the lake because of, or as, what was read."""
        return self.added + self.updated + self.unchanged

    def count(self, change: Change) -> None:
        """Count one model or paper."""
        setattr(self, change, getattr(self, change) + 1)

    def fail(self, name: str, error: str) -> None:
        """Record what could not be read."""
        self.failed.append({"id": name, "error": error})


def ingest(
    lake: Lake, sources: Sequence[str], *, limit: int | None = None, progress: Progress | None = None
) -> IngestReport:
    """Read `sources` (see `tools.sources.open_source`) into `lake` and embed what is new.

    At most `limit` models and papers are read of each source. What cannot be read is reported in `failed`;
    the rest goes in; a source of which nothing could be read raises SourceError when there was no other.
    Raises UsageError for a source that does not exist before anything is written, HomeError when the disk is
    full.
    """
    started = time.monotonic()
    opened = [open_source(spec) for spec in sources]
    report = IngestReport()
    broken: SourceError | None = None
    for source in opened:
        reading = _Reading(lake, source, report, limit, progress)
        try:
            reading.run()
        except SourceError as error:
            broken = error
            report.fail(source.name, str(error))
    if broken is not None and not report.stored and len(report.failed) == 1:
        raise broken
    lake.embed_pending(progress)
    report.seconds = round(time.monotonic() - started, 3)
    return report


class _Reading:
    """One source being read into the catalog."""

    def __init__(
        self, lake: Lake, source: Source, report: IngestReport, limit: int | None, progress: Progress | None
    ) -> None:
        self._lake = lake
        self._source = source
        self._report = report
        self._limit = limit
        self._progress = progress
        self._total = source.total if limit is None else min(limit, source.total or limit)
        self._done = 0
        self._seen: set[str] = set()
        self._batch: list[SourceModel] = []

    def run(self) -> None:
        """Read the source to its end. What was read before a SourceError is stored."""
        before = (self._report.added, self._report.updated, self._report.unchanged, len(self._report.failed))
        number = self._lake.catalog.begin_ingest(self._source.name)
        try:
            for item in self._source:
                if self._limit is not None and self._done >= self._limit:
                    break
                self._take(item)
        finally:
            self._flush()
        after = (self._report.added, self._report.updated, self._report.unchanged, len(self._report.failed))
        added, updated, unchanged, failed = (now - then for now, then in zip(after, before, strict=True))
        self._lake.catalog.end_ingest(
            number, added=added, updated=updated, unchanged=unchanged, failed=failed
        )

    def _take(self, item: SourceModel | SourcePaper | SourceFailure) -> None:
        self._done += 1
        match item:
            case SourceFailure():
                self._report.fail(item.id, item.error)
            case SourcePaper():
                self._take_paper(item)
            case SourceModel():
                key = item.record.model
                if key in self._seen:
                    self._report.fail(item.record.model, "duplicate id: the first one in this source is kept")
                    return
                self._seen.add(key)
                self._batch.append(item)
                characters = sum(len(model.card_text) for model in self._batch)
                if len(self._batch) >= _BATCH_MODELS or characters >= _BATCH_CHARACTERS:
                    self._flush()

    def _take_paper(self, item: SourcePaper) -> None:
        record = item.record
        if f"paper {model_key(record.paper)}" in self._seen:
            # Two files of a source that carry one arXiv id: the second goes by its file's name.
            record = dataclasses.replace(record, paper=PurePath(record.path).stem)
        key = f"paper {model_key(record.paper)}"
        if key in self._seen:
            self._report.fail(record.path, f"duplicate paper {record.paper!r}: the first one is kept")
            return
        self._seen.add(key)
        self._report.count(self._lake.catalog.put_paper(record, item.passages))
        self._tell()

    def _flush(self) -> None:
        batch, self._batch = self._batch, []
        if not batch:
            return
        catalog = self._lake.catalog
        unchanged = catalog.unchanged_models([item.record for item in batch])
        entries = self._parse(item for item in batch if item.record.model not in unchanged)
        for change in catalog.put_models(entries, source=self._source.name):
            self._report.count(change)
        catalog.put_weight_places({item.record.model: item.place for item in batch if item.place})
        self._report.unchanged += len(unchanged)
        self._tell()

    def _parse(self, items: Iterable[SourceModel]) -> list[tuple[ModelRecord, Card, Sequence[FileRow]]]:
        entries: list[tuple[ModelRecord, Card, Sequence[FileRow]]] = []
        for item in items:
            try:
                record, card = item.parse()
            except _PARSER_FAULTS as error:
                reason = f"its card could not be parsed ({type(error).__name__}: {error})"
                self._report.fail(item.record.model, " ".join(reason.split()))
                continue
            entries.append((record, card, item.files))
        return entries

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self._done, self._total, "catalogue")
