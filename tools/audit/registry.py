"""Where rules register. A rule is a function from a subject to findings with the decorator `rule`.

To add one: write it in the module of its theme below `tools/audit/rules`, run `lake eval audit --rules`
or the tests to write `docs/rules.md` anew, and add a card that breaks it to `tests/test_audit_rules.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tools.audit.subject import AuditSubject
from tools.audit.types import PROFILES, Finding, Profile, Rule, Severity
from tools.evidence import Evidence

Check = Callable[[AuditSubject], Iterable[Finding]]
_RULES: dict[str, Rule] = {}


def rule(
    id: str,
    severity: Severity,
    title: str,
    why: str,
    *,
    profiles: tuple[Profile, ...] = PROFILES,
) -> Callable[[Check], Check]:
    """Register a check under `id`. Findings it makes with `find` take its id and severity."""

    def register(check: Check) -> Check:
        if id in _RULES:
            raise ValueError(f"Two rules are called {id!r}.")
        theme = check.__module__.rpartition(".")[2]
        _RULES[id] = Rule(id, severity, title, why, check, theme, profiles)
        return check

    return register


def list_rules() -> tuple[Rule, ...]:
    """All rules, by theme."""
    from tools.audit import rules  # importing them registers them

    assert rules.__all__

    return tuple(_RULES.values())


def find(
    subject: AuditSubject,
    id: str,
    message: str,
    *,
    line: int = 0,
    claim: str = "",
    evidence: Iterable[Evidence | None] = (),
    suggestion: str = "",
    severity: Severity | None = None,
) -> Finding:
    """A finding of the rule `id`, with the section of its line and, unless given, the line as its claim."""
    return Finding(
        rule=id,
        severity=severity or _RULES[id].severity,
        message=message,
        line=line,
        section=subject.section_of(line) if line else "",
        claim=claim or subject.quote(line),
        evidence=tuple(item for item in evidence if item is not None),
        suggestion=suggestion,
    )
