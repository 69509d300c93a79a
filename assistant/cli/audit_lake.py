"""`lake audit --all`: a whole lake, one card after another. What was found waits on disk, not in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any, Literal

from assistant.cli.invocation import Invocation, render_json
from tools.errors import LakeError

if TYPE_CHECKING:
    from assistant.cli.progress import StepProgress
    from tools.audit import AuditReport, Profile

_KEPT_IN_MEMORY = 4 * 2**20
_CHUNK = 2**16


class AuditInterruptedError(LakeError):
    """A person has stopped the audit of a lake."""

    exit_code = 130


def audit_all(
    invocation: Invocation,
    *,
    form: Literal["text", "json", "sarif"],
    fail_on: Literal["error", "warning", "never"],
    profile: Profile,
    check_links: bool,
) -> tuple[dict[str, Any], bool]:
    """Audit every model of the lake; (figures over all, whether one fails by `fail_on`).

    JSON and SARIF go to stdout when the last card is done: an interrupted run prints no half document.
    """
    from tools.audit import audit_lake, list_results, summarize

    failing = False
    with (
        tempfile.SpooledTemporaryFile(_KEPT_IN_MEMORY, "w+", encoding="utf-8", newline="") as found,
        invocation.open_filled_lake("audit", embedding=False) as lake,
    ):

        def take(steps: StepProgress) -> Iterator[AuditReport]:
            nonlocal failing
            for report in audit_lake(
                lake,
                profile=profile,
                check_links=check_links,
                progress=lambda done, total: steps.update(done, total, "auditing"),
            ):
                failing = failing or report.fails(fail_on)
                if form == "sarif":
                    _put(found, list_results(report))
                elif invocation.json:
                    _put(found, [report.describe()])
                yield report

        with invocation.progress("auditing") as steps:
            try:
                summary = summarize(take(steps))
            except KeyboardInterrupt:
                raise AuditInterruptedError(
                    f"Interrupted after {steps.done:,} cards; no report was written.",
                    hint="One card alone: lake audit org/name",
                ) from None
        if form == "sarif":
            invocation.emit_parts(_join_sarif(found))
        elif invocation.json:
            invocation.emit_parts(_join('{"targets": [', found, f'], "summary": {render_json(summary)}}}'))
    return summary, failing


def _put(found: IO[str], items: list[dict[str, Any]]) -> None:
    for item in items:
        found.write(("," if found.tell() else "") + render_json(item))


def _join_sarif(found: IO[str]) -> Iterator[str]:
    from tools.audit import render_sarif

    end = "]}]}"
    empty = render_json(render_sarif([]))  # its results stand last
    if not empty.endswith("[" + end):
        raise ValueError("The results of a SARIF run must stand last.")
    return _join(empty.removesuffix(end), found, end)


def _join(head: str, found: IO[str], tail: str) -> Iterator[str]:
    yield head
    found.seek(0)
    while chunk := found.read(_CHUNK):
        yield chunk
    yield tail
