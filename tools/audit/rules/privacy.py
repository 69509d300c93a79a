"""Personal data and secrets. The findings show neither in full: reports are kept and passed on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.audit.registry import find, rule
from tools.audit.sentences import list_lines
from tools.audit.subject import AuditSubject
from tools.audit.types import Finding

_SECRET = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{30,40}|api_org_[A-Za-z0-9]{30,40}"
    r"|sk-(?:proj-|ant-)?(?=[\w-]{0,60}\d)(?=[\w-]{0,60}[A-Z])(?![a-z]+[-_])[A-Za-z0-9_-]{20,200}"
    r"|gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{40,255}|AKIA[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{35}"
    r"|xox[abprs]-[0-9A-Za-z-]{10,100}|glpat-[\w-]{20,50})\b|-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"
)
_NAMED_SECRET = re.compile(
    r"(?i:\b[\w-]{0,40}(?:api[_-]?key|access[_-]?key|secret(?:[_-]?(?:access)?[_-]?key)?"
    r"|(?:auth|access|api|hf|hub|bearer|refresh)[_-]?token|password|passwd)\w{0,10}[\"']?\s{0,3}[:=]\s{0,3})"
    r"[\"']?(?P<value>[A-Za-z0-9/+_.-]{16,200})"
    r"|(?i:\b(?:bearer|authorization)[\W]{1,6})(?P<jwt>eyJ[\w-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[\w-]{6,})"
    r"|(?i:\bpass(?:word|wd)\s{0,2}[:=]\s{0,2})[\"']?(?P<pass>(?=\S*\d)(?=\S*[A-Za-z])[^\s\"'<>{}()\[\]*]{6,60})"
)
_WEB = re.compile(r"https?://\S+")
_NO_SECRET = re.compile(
    r"your|example|xxx|env|\.\.\.|<|\$|placeholder|_token_|config|args|getpass|test", re.IGNORECASE
)
_HIDDEN_EMAIL = re.compile(
    r"\b[\w.+-]{2,40}\s?[\[({<]\s?(?:at|AT|@|arroba)\s?[\])}>]\s?[\w-]{2,40}"
    r"(?:\s?[\[({<]\s?(?:dot|DOT|\.|punto)\s?[\])}>]\s?|\.)[A-Za-z]{2,12}\b"
)
_EMAIL = re.compile(
    r"(?:(?<=mailto:)|(?<![\w.+/:@-]))[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,4}[A-Za-z]{2,12}(?![\w@])"
)
_NOBODY = re.compile(
    r"@(?:[\w-]+\.)*example\.\w+$|@users\.noreply|^(?:git|noreply|no-reply|user|name|your)@", re.IGNORECASE
)
_EXAMPLE = re.compile(r"^(.)\1+$|x{8,}|\.\.\.|your", re.IGNORECASE)


@rule(
    "secret-in-card",
    "error",
    "A token or key in the card",
    "Whoever reads the card may use it; revoke it now.",
)
def find_secret(subject: AuditSubject) -> Iterator[Finding]:
    for number, line in _lines(subject):
        if (named := _NAMED_SECRET.search(_WEB.sub("", line[:5000]))) and _is_random(named):
            yield find(
                subject,
                "secret-in-card",
                "This line gives a key or password by name.",
                line=number,
                claim=_hide(line, _NAMED_SECRET),
                suggestion="Revoke it where it was made, then delete it from the card and its history.",
            )
            continue
        for matched in _SECRET.finditer(line):
            if _EXAMPLE.search(matched[0][4:]):
                continue
            shown = matched[0][:6] + "…"
            yield find(
                subject,
                "secret-in-card",
                f"This looks like a secret ({shown}).",
                line=number,
                claim=_hide(line, _SECRET),
                suggestion="Revoke it where it was made, then delete it from the card and its history.",
            )
            break


def _is_random(named: re.Match[str]) -> bool:
    """Whether a value looks drawn at random, not like a name or a placeholder."""
    if named["jwt"]:
        return True
    value = named["value"] or named["pass"]
    if _NO_SECRET.search(value) or _EXAMPLE.search(value):
        return False
    digits = sum(sign.isdigit() for sign in value)
    return bool(named["pass"]) or (digits >= 3 and digits < len(value) and len(set(value)) >= 10)


@rule(
    "email-in-card",
    "note",
    "An e-mail address in the card",
    "Personal data in a public file; a role's address or the Hub's discussions do as well.",
)
def find_email(subject: AuditSubject) -> Iterator[Finding]:
    for number, line in _lines(subject):
        found = [matched[0] for matched in _EMAIL.finditer(line) if not _NOBODY.search(matched[0])]
        found += [matched[0] for matched in _HIDDEN_EMAIL.finditer(line[:5000])]
        if found:
            yield find(
                subject,
                "email-in-card",
                f"This line holds {'an e-mail address' if len(found) == 1 else 'e-mail addresses'}.",
                line=number,
                claim=_hide(_hide(line, _EMAIL), _HIDDEN_EMAIL),
                suggestion="Name a project page or the Hub's discussions instead.",
            )


_PHONE = re.compile(
    r"(?:(?:\b(?:tel|tél|telephone|phone|mobile|cell|whatsapp|fax|call|telefon|téléphone|teléfono)\b[^\d+\n]{0,24})"
    r"(?=[+(\d])(?P<said>\+?[\d(][\d ()./-]{6,22}\d)"
    r"|(?<![\w+.])(?P<plain>\+\d{1,3}[ .-]?\(?\d{1,4}\)?(?:[ .-]?\d{2,4}){2,4})(?![\w.]))",
    re.IGNORECASE,
)


@rule(
    "phone-in-card",
    "note",
    "A telephone number in the card",
    "Personal data in a public file; a project page or the Hub's discussions do as well.",
)
def find_phone(subject: AuditSubject) -> Iterator[Finding]:
    for number, line, _ in list_lines(subject):
        found = _PHONE.search(line)
        if found and 7 <= sum(sign.isdigit() for sign in found["said"] or found["plain"]) <= 15:
            yield find(
                subject,
                "phone-in-card",
                "This line holds what looks like a telephone number.",
                line=number,
                claim=re.sub(r"\d(?=\D*\d\D*\d\D*\d)", "#", line)[:400],
                suggestion="Name a project page or the Hub's discussions instead.",
            )


def _lines(subject: AuditSubject) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(subject.card.text.split("\n")[:100_000], 1):
        if (
            "@" in line
            or "=" in line
            or ":" in line
            or "(" in line
            or "[" in line
            or "_" in line
            or "-" in line
            or "AKIA" in line
            or "AIza" in line
        ):
            yield number, line[:20_000]


def _hide(line: str, pattern: re.Pattern[str]) -> str:
    return pattern.sub(lambda matched: matched[0][:3] + "…", line).strip()[:400]
