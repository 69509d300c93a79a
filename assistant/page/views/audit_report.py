"""An audit's report as HTML: the card's text with its faulty lines marked, and the findings beside it.

All text of the card is escaped; `assets/audit.js` moves between a finding and its line, copies and downloads.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from assistant.page.escape import escape, escape_line
from assistant.page.views.audit_upload import write_document
from tools.audit import AuditReport, Claim, Finding, Rule, Silenced, list_rules, render_sarif
from tools.audit.types import SEVERITIES, Coverage, Verdict
from tools.evidence import Evidence

_WHOLE_CARD = 3000  # lines; of a longer card only what surrounds findings and claims is shown
_FIRST_LINES, _AROUND = 300, 12
_LINE = 1500  # characters of a line, of which most cards have fewer
_QUOTE = 240
_MOST_FINDINGS, _MOST_CLAIMS, _MOST_EVIDENCE = 400, 200, 3
_MOST_OF_A_RULE = 5  # findings at first sight; the others are folded
_SIGNS = {"error": "✕", "warning": "!", "note": "i"}
_VERDICTS: tuple[Verdict, ...] = ("contradicted", "unverifiable", "supported")
_CODE = re.compile(r"`([^`]+)`")


def render_report(report: AuditReport, *, title: str, left_out: Sequence[str] = ()) -> str:
    """The whole of it. `title` is how a person knows what was audited."""
    findings = report.findings[:_MOST_FINDINGS]
    return (
        '<section class="audit" aria-label="Audit report">'
        f"{_render_head(report, title)}"
        '<div class="audit-two">'
        f"{_render_card(report, findings)}"
        f'<div class="audit-side">{_render_findings(report, findings)}'
        f"{_render_claims(report.claims)}{_render_silenced(report.silenced)}"
        f"{_render_notes([*report.notes, *_tell_left_out(left_out)])}</div></div></section>"
    )


def summarize_report(report: AuditReport, title: str) -> str:
    """One sentence on a report, for those who hear the page."""
    return f"Audit of {title}: {_count_all(report)}."


def find_fix(suggestion: str) -> str:
    """What of a suggestion is to be pasted: its code, "" where it only says what to do."""
    spans = _CODE.findall(suggestion.partition(" under ")[0])
    return "\n".join(span for span in spans if not span.startswith("lake "))


def choose_lines(total: int, wanted: Iterable[int]) -> list[tuple[int, int]]:
    """The ranges of lines to show, 1-based and with their ends: all of a card that is not very long."""
    if total <= _WHOLE_CARD:
        return [(1, total)]
    ranges = [(1, _FIRST_LINES)]
    for line in sorted({line for line in wanted if 0 < line <= total}):
        start, end = max(1, line - _AROUND), min(total, line + _AROUND)
        if start <= ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], max(end, ranges[-1][1]))
        else:
            ranges.append((start, end))
    return ranges


def _render_head(report: AuditReport, title: str) -> str:
    chips = "".join(
        f'<button type="button" class="chip {name}" data-audit="severity" data-severity="{name}" '
        f'aria-pressed="true" title="Show or hide">{_sign(name)} {_count(report.count(name), name)}</button>'
        for name in SEVERITIES
        if report.count(name)
    )
    sarif = write_document(render_sarif([report]))
    files = _download("JSON", "audit.json", "application/json", write_document(report.describe()))
    files += _download("SARIF", "audit.sarif", "application/sarif+json", sarif)
    verdict = "No fault was found" if not report.findings else _count_all(report)
    return (
        f'<header><h3 class="verdict"><bdi>{escape_line(title)}</bdi>: {verdict}</h3>'
        f'<div class="audit-bar"><div class="chips">{chips}</div>{_render_coverage(report.coverage)}'
        f'<div class="files">{files}</div></div></header>'
    )


def _download(label: str, name: str, kind: str, text: str) -> str:
    """A button that holds its file: nothing of a visitor's is kept on the server."""
    return (
        f'<button type="button" class="small" data-audit="download" data-name="{name}" data-type="{kind}" '
        f'data-text="{_attribute(text)}" aria-label="Download {label}">↓ {label}</button>'
    )


def _render_coverage(coverage: Coverage) -> str:
    if not coverage.total:
        return ""
    share = round(100 * coverage.filled / coverage.total)
    said = f"{coverage.filled} of {coverage.total} main sections are filled"
    missing = f" Missing: {', '.join(coverage.missing)}." if coverage.missing else ""
    return (
        f'<div class="coverage"><div class="bar" role="meter" aria-label="Sections filled" aria-valuemin="0" '
        f'aria-valuemax="{coverage.total}" aria-valuenow="{coverage.filled}" aria-valuetext="{said}">'
        f'<span style="width:{share}%"></span></div><p class="hint">{said}.{escape(missing)}</p></div>'
    )


def _render_card(report: AuditReport, findings: Sequence[Finding]) -> str:
    lines = report.lines
    if not any(line.strip() for line in lines):
        return (
            '<div class="audit-card empty"><p class="hint">There is no card: nothing to show here.</p></div>'
        )
    marks: dict[int, list[int]] = {}
    for number, finding in enumerate(findings):
        marks.setdefault(finding.line, []).append(number)
    wanted = [*marks, *(claim.line for claim in _order_claims(report.claims)[:_MOST_CLAIMS])]
    rows = []
    last = 0
    for start, end in choose_lines(len(lines), wanted):
        if start > last + 1:
            rows.append(_render_gap(last + 1, start - 1))
        rows += [
            _render_line(number, lines[number - 1], marks.get(number, []), findings)
            for number in range(start, end + 1)
        ]
        last = end
    if last < len(lines):
        rows.append(_render_gap(last + 1, len(lines)))
    return (
        '<div class="audit-card" role="region" tabindex="0" aria-label="Text of the card, line by line">'
        f"{''.join(rows)}</div>"
    )


def _render_gap(start: int, end: int) -> str:
    return f'<div class="gap">… lines {start:,} to {end:,} are not shown; no finding is about them …</div>'


def _render_line(number: int, text: str, marks: Sequence[int], findings: Sequence[Finding]) -> str:
    more = f'<span class="more"> … {len(text) - _LINE:,} more characters</span>' if len(text) > _LINE else ""
    said = f'<span class="tx" dir="auto">{escape(text[:_LINE])}{more}</span>'
    if not marks:
        return f'<div class="al" id="audit-L{number}"><span class="no">{number}</span>{said}</div>'
    worst = min((findings[mark].severity for mark in marks), key=SEVERITIES.index)
    label = f"Line {number}: {_count(len(marks), 'finding')}, {worst}. Go to it."
    return (
        f'<div class="al {worst}" id="audit-L{number}" tabindex="-1"><button type="button" class="no" '
        f'data-audit="finding" data-finding="{marks[0]}" aria-label="{label}">'
        f'<span aria-hidden="true">{_SIGNS[worst]}</span> {number}</button>{said}</div>'
    )


def _render_findings(report: AuditReport, findings: Sequence[Finding]) -> str:
    if not findings:
        return (
            "<h4>Findings</h4><p>No rule found a fault. What the card claims and what other places say to it "
            "is listed below.</p>"
        )
    # The worst first; among equals those with a line, as they stand in the card.
    order = sorted(
        range(len(findings)),
        key=lambda number: (SEVERITIES.index(findings[number].severity), not findings[number].line, number),
    )
    rules = {rule.id: rule for rule in list_rules()}
    shown: list[str] = []
    folded: dict[str, list[str]] = {}
    met: Counter[str] = Counter()
    for number in order:
        rule = findings[number].rule
        met[rule] += 1
        item = _render_finding(number, findings[number], rules)
        (shown if met[rule] <= _MOST_OF_A_RULE else folded.setdefault(rule, [])).append(item)
    more = "".join(
        f'<details class="part"><summary>{len(items):,} more of <code>{escape_line(rule)}</code></summary>'
        f'<ol class="findings">{"".join(items)}</ol></details>'
        for rule, items in folded.items()
    )
    if rest := len(report.findings) - len(findings):
        more += f'<p class="hint">{rest:,} more are in the files to download.</p>'
    return f'<h4>Findings</h4><ol class="findings">{"".join(shown)}</ol>{more}'


def _render_finding(number: int, finding: Finding, rules: Mapping[str, Rule]) -> str:
    place = f"line {finding.line}" if finding.line else "whole card"
    head = (
        f'{_sign(finding.severity)}<span class="what"><span class="say"><bdi>{escape(finding.message)}</bdi>'
        f'</span><span class="where"><span class="sr">{finding.severity}, </span>{place} · '
        f"<code>{escape_line(finding.rule)}</code></span></span>"
    )
    if finding.line:
        go = (
            f'<button type="button" class="go" data-audit="line" data-line="{finding.line}" '
            f'title="Show line {finding.line}">{head}</button>'
        )
    else:
        go = f'<div class="go">{head}</div>'
    quote = ""
    if any(character.isalnum() for character in finding.claim):
        quote = f"<blockquote><bdi>{escape_line(finding.claim, _QUOTE)}</bdi></blockquote>"
    return (
        f'<li class="finding {finding.severity}" id="audit-F{number}" tabindex="-1" '
        f'data-severity="{finding.severity}">{go}{quote}{_render_fix(finding)}'
        f"{_render_evidence(finding.evidence, rules.get(finding.rule))}</li>"
    )


def _render_fix(finding: Finding) -> str:
    if not finding.suggestion:
        return ""
    said = _CODE.sub(lambda code: f"<code>{code[1]}</code>", escape(finding.suggestion))
    copy = ""
    if fix := find_fix(finding.suggestion):
        copy = (
            f'<button type="button" class="small" data-act="copy" data-copy="{_attribute(fix)}" '
            f'aria-label="Copy the fix: {escape_line(fix, 80)}">copy</button>'
        )
    return f'<div class="fix"><p><strong>Fix.</strong> <bdi>{said}</bdi></p>{copy}</div>'


def _render_evidence(evidence: Sequence[Evidence], rule: Rule | None = None) -> str:
    """What a finding or claim stands on, folded; with its rule also why that matters."""
    if not evidence and rule is None:
        return ""
    why = f"<p><strong>{escape(rule.title)}.</strong> {escape(rule.why)}</p>" if rule is not None else ""
    items = "".join(
        f'<li><bdi>{escape_line(item.text, _QUOTE)}</bdi><span class="where"><bdi>'
        f"{escape_line(item.source)}, {escape_line(item.locator)}</bdi> · sha256 "
        f"{escape_line(item.sha256)[:12]}…</span></li>"
        for item in evidence[:_MOST_EVIDENCE]
    )
    told = "What this stands on" if rule is None else "Why, and what it stands on" if evidence else "Why"
    listed = f"<ul>{items}</ul>" if items else ""
    return f'<details class="stands"><summary>{told}</summary>{why}{listed}</details>'


def _order_claims(claims: Sequence[Claim]) -> list[Claim]:
    return sorted(claims, key=lambda claim: (_VERDICTS.index(claim.verdict), claim.line))


def _render_claims(claims: Sequence[Claim]) -> str:
    if not claims:
        return '<h4>Claims</h4><p class="hint">The card makes no claim that another place could speak to.</p>'
    counts = Counter(claim.verdict for claim in claims)
    told = ", ".join(f"{counts[name]} {name}" for name in reversed(_VERDICTS))
    items = "".join(_render_claim(claim) for claim in _order_claims(claims)[:_MOST_CLAIMS])
    rest = len(claims) - _MOST_CLAIMS
    more = f'<p class="hint">{rest:,} more are in the JSON.</p>' if rest > 0 else ""
    return (
        f'<details class="part"><summary><h4>{_count(len(claims), "claim")}: {told}</h4></summary>'
        f'<ul class="claims">{items}</ul>{more}</details>'
    )


def _render_claim(claim: Claim) -> str:
    line = ""
    if claim.line:
        line = (
            f'<button type="button" class="link" data-audit="line" data-line="{claim.line}">'
            f"line {claim.line}</button> · "
        )
    reason = f"<p><bdi>{escape(claim.reason)}</bdi></p>" if claim.reason else ""
    return (
        f'<li><p><span class="verdict-of {claim.verdict}">{claim.verdict}</span> '
        f'<bdi class="said">{escape_line(claim.text, _QUOTE)}</bdi></p>'
        f'<p class="where">{line}{escape_line(claim.kind.replace("_", " "))}</p>{reason}'
        f"{_render_evidence(claim.evidence)}</li>"
    )


def _render_silenced(silenced: Sequence[Silenced]) -> str:
    if not silenced:
        return ""
    items = "".join(
        f'<li><button type="button" class="link" data-audit="line" data-line="{item.line}">line {item.line}'
        f"</button> silences <code>{escape_line(item.rule, 80)}</code>: {_tell_silenced(item)}.</li>"
        for item in silenced
    )
    return f"<h4>Silenced by the card</h4><ul>{items}</ul>"


def _tell_silenced(item: Silenced) -> str:
    if not item.known:
        return "there is no rule of that name"
    return f"{_count(item.findings, 'finding')} hidden" if item.findings else "it hides nothing"


def _render_notes(notes: Sequence[str]) -> str:
    if not notes:
        return ""
    items = "".join(f"<li><bdi>{escape(note)}</bdi></li>" for note in notes)
    return f"<h4>Not looked at</h4><ul>{items}</ul>"


def _tell_left_out(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return [f"No rule reads {shown}."]


def _sign(severity: str) -> str:
    return f'<span class="sign {severity}" aria-hidden="true">{_SIGNS[severity]}</span>'


def _count_all(report: AuditReport) -> str:
    counts = [_count(report.count(name), name) for name in SEVERITIES if report.count(name)]
    return ", ".join(counts) or "no fault was found"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _attribute(text: str) -> str:
    """Text that comes out of an attribute as it went in, line ends included."""
    from html import escape as escape_html

    return (
        escape_html(text, quote=True).replace("\r", "&#13;").replace("\n", "&#10;").replace("\x00", "\ufffd")
    )
