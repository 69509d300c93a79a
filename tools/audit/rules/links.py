"""Links: malformed ones always, dead ones when they are checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from tools.audit.registry import find, rule
from tools.audit.subject import AuditSubject
from tools.audit.types import Finding

_RELATIVE = re.compile(r"^(?:#|\.{0,2}/|[\w.%@~+ -]+(?:/|$|\.\w+))")


@rule("link-malformed", "warning", "A link that leads nowhere", "Readers cannot follow it.")
def find_malformed_link(subject: AuditSubject) -> Iterator[Finding]:
    told = set()
    for link in subject.card.links[:2000]:
        if (link.line, link.url) in told or not (fault := find_link_fault(link.url)):
            continue
        told.add((link.line, link.url))
        yield find(
            subject,
            "link-malformed",
            f"The link {link.url[:120]!r} {fault}.",
            line=link.line,
            suggestion="Correct the address, or delete the link.",
        )


def find_link_fault(url: str) -> str:
    """What is wrong with an address as it is written, "" for nothing."""
    url = url.strip().strip("<>")
    if not url:
        return "is empty"
    if re.match(r"(?:https?|ftp)[:/]", url, re.IGNORECASE):
        if not re.match(r"(?:https?|ftp)://[^/]", url, re.IGNORECASE):
            return "is no address: `://` and a host must follow the scheme"
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            return "is no address"
        if not host or (" " in url) or ("." not in host and host != "localhost" and ":" not in host):
            return "names no host"
        if ".." in host or host.startswith(".") or re.search(r"https?://.*https?:/[^/]", url):
            return "names no host"
        return ""
    if re.match(r"https?\b|ttps?:|htp:|htps:|http;", url, re.IGNORECASE) and "://" not in url[:8]:
        return "is no address"
    if re.search(r"\{\{|\}\}|\[more information", url, re.IGNORECASE):
        return "is the template's placeholder"
    return ""


@rule("link-dead", "warning", "A link that does not answer", "Readers cannot follow it.")
def find_dead_link(subject: AuditSubject) -> Iterator[Finding]:
    if not subject.check_links:
        return
    from tools.audit.web import check_addresses

    lines: dict[str, int] = {}
    for link in subject.card.links:
        if link.url.lower().startswith(("http://", "https://")) and not find_link_fault(link.url):
            lines.setdefault(link.url, link.line)
    for url, fault in check_addresses(list(lines)).items():
        yield find(
            subject,
            "link-dead",
            f"{url[:160]!r} {fault}.",
            line=lines[url],
            suggestion="Find where it went, or delete the link.",
        )
