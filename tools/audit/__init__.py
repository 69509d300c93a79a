"""Auditing a model card: each claim held against other places, each fault told with its line.

`audit_target` is the whole of it; rules live in `tools.audit.rules`, one module a theme.
"""

from tools.audit.auditing import audit_lake, audit_model, audit_subject, audit_target
from tools.audit.registry import list_rules
from tools.audit.report import summarize
from tools.audit.sarif import list_results, render_sarif
from tools.audit.types import (
    PROFILES,
    AuditReport,
    Claim,
    Coverage,
    Finding,
    Profile,
    Rule,
    Severity,
    Silenced,
)

__all__ = [
    "PROFILES",
    "AuditReport",
    "Claim",
    "Coverage",
    "Finding",
    "Profile",
    "Rule",
    "Severity",
    "Silenced",
    "audit_lake",
    "audit_model",
    "audit_subject",
    "audit_target",
    "list_results",
    "list_rules",
    "render_sarif",
    "summarize",
]
