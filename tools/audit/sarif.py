"""Findings as SARIF 2.1.0, as GitHub code scanning reads it.

Specification: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tools.audit.registry import list_rules
from tools.audit.types import AuditReport, Finding

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LINE_NUMBER = re.compile(r"\bline \d+")


def render_sarif(reports: Iterable[AuditReport], *, version: str = "") -> dict[str, Any]:
    """One run over all reports. A finding without a line is given the card's first."""
    rules = list_rules()
    driver: dict[str, Any] = {
        "name": "lake audit",
        "rules": [
            {
                "id": rule.id,
                "shortDescription": {"text": rule.title},
                "fullDescription": {"text": rule.why},
                "help": {"text": f"{rule.title}. {rule.why} See {rule.documentation}."},
                "defaultConfiguration": {"level": rule.severity},
                "properties": {"tags": [rule.theme]},
            }
            for rule in rules
        ],
    }
    if version:
        driver["version"] = version
    results = [result for report in reports for result in list_results(report)]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }


def list_results(report: AuditReport) -> list[dict[str, Any]]:
    """The results of one report, for a run that is written as it goes."""
    index = {rule.id: number for number, rule in enumerate(list_rules())}
    keys: Counter[str] = Counter()
    results = []
    for finding in report.findings:
        # No line number, and no folder of this machine: an alert stays the same where lines move.
        said = _LINE_NUMBER.sub("line", finding.message)
        key = f"{_find_uri(report)}\0{finding.rule}\0{finding.claim}\0{said}"
        keys[key] += 1
        results.append(_write(report, finding, index, f"{key}\0{keys[key]}"))
    return results


def _write(report: AuditReport, finding: Finding, index: dict[str, int], key: str) -> dict[str, Any]:
    text = f"{finding.message} {finding.suggestion}".strip()
    region: dict[str, Any] = {"startLine": max(1, finding.line)}
    if finding.claim:
        region["snippet"] = {"text": finding.claim}
    return {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": finding.severity,
        "message": {"text": text},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _find_uri(report)},
                    "region": region,
                }
            }
        ],
        "partialFingerprints": {"lake/v1": hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:32]},
        "properties": {"evidence": _list_evidence(finding), "model": report.target},
    }


def _list_evidence(finding: Finding) -> Sequence[str]:
    return [f"{item.source} {item.locator}" for item in finding.evidence]


def _find_uri(report: AuditReport) -> str:
    """The card's path below the working folder; for a model of a lake org/name/README.md."""
    target = report.target
    path = Path(target)
    if path.is_absolute():
        path = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else Path(*path.parts[1:])
    text = path.as_posix().removeprefix("hub:")
    if not text.lower().endswith(".md"):
        text = f"{text}/{report.card_path}" if text not in (".", "") else report.card_path
    return quote(text)
