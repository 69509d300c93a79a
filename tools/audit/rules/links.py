"""Links: malformed ones always, dead ones when they are checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from tools.audit.registry import find, rule
from tools.audit.subject import AuditSubject
from tools.audit.types import Finding

_LINK = re.compile(
    r"(?<!\\)\[(?:[^\[\]]|\[[^\]]*\]){0,300}\](?P<gap> ?)"
    r"\((?:(?P<url>(?:[^()\n]|\([^()\n]*\)){0,2000})\)|(?P<open>[^()\n]{0,2000})$)"
)
# A bracket lost on the way, and addresses in plain text with a scheme that is mistyped.
_LOST_BRACKET = re.compile(
    r"(?<!\])\[[^\[\]()]{1,80}\(https?://[^)\s]{3,500}\)"
    r"|\[[^\[\]()]{1,80}\]https?://\S{3,500}"
)

_BARE = re.compile(
    r"(?<![\w/:.(\"'=@-])(?!https?://)(?:htps?|htpps?|hhttps?|ttps?|https{2}|hptts?|htts?ps?):/{1,2}"
    r"[\w-]+\.[\w./-]{2,300}"
    r"|(?<![\w/:.(\"'=@-])https?(?:;?//|:\\\\)[\w-]+\.[\w./-]{2,300}"
    r"|(?<![\w/:.(\"'=@-])https?:/[A-Za-z][\w-]*\.[\w./-]{2,300}",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"(?:to-?do|tbd|link|url|links?[-_ ]here|url[-_ ]here|insert\b.*|xxx+|x|add\b.*|your[-_ ]?\w+|path/to/.*"
    r"|\.\.\.|(?:some|example|paper|demo|repo|model|dataset)[-_ ]?(?:link|url))",
    re.IGNORECASE,
)
_OWN_PLACEHOLDER = re.compile(
    r"://[^/]+/(?:.*/)?(?:your[-_]?(?:user)?-?_?(?:name|org|model|repo)\w*|<[\w -]+>|username)(?:/|$)",
    re.IGNORECASE,
)
_DOMAIN = re.compile(
    r"(?:[a-z0-9-]{2,40}\.){1,3}(?:org|com|net|io|ai|edu|gov|de|fr|uk|eu|dev)(?:/\S*)?", re.IGNORECASE
)
_ONE_COMPUTER = re.compile(
    r"file:|[a-z]:\\|https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|192\.168\.\d+\.\d+)(?:[:/]|$)|~/"
    r"|/(?:home|Users)/",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+$", re.IGNORECASE)
_CODE_SPAN = re.compile(r"(`+)[^`].{0,2000}?\1")
_SCHEME = re.compile(r"(?:https?|ftp)://", re.IGNORECASE)
# Schemes mistyped: a letter lost, doubled or swapped, a sign of `://` lost.
_MISTYPED = re.compile(
    r"(?!(?:https?|ftp)://)(?:h{0,2}t{1,3}p{1,2}s{0,2}|hhtps?|hptts?|thtps?|htts?p?|hpps?)(?:[:;]/{0,3}|//)\w",
    re.IGNORECASE,
)


@rule("link-malformed", "warning", "A link that leads nowhere", "Readers cannot follow it.")
def find_malformed_link(subject: AuditSubject) -> Iterator[Finding]:
    told = set()
    read = ((link.line, link.url) for link in subject.card.links[:2000])
    for line, url in (*read, *_list_unread(subject)):
        if (line, url) in told or not (fault := find_link_fault(url)):
            continue
        told.add((line, url))
        yield find(
            subject,
            "link-malformed",
            f"The link {url[:120]!r} {fault}.",
            line=line,
            suggestion="Correct the address, or delete the link.",
        )


def _list_unread(subject: AuditSubject) -> Iterator[tuple[int, str]]:
    """Addresses of what looks like a Markdown link and is none: blanks inside, nothing, never closed."""
    for passage in subject.card.passages:
        if passage.kind == "code" or ("[" not in passage.text and "//" not in passage.text):
            continue
        for offset, line in enumerate(passage.text.split("\n")):
            plain = _CODE_SPAN.sub("", line[:5000])
            for odd in (*_LOST_BRACKET.finditer(plain), *_BARE.finditer(plain)):
                yield passage.lines.start + offset, ("" if odd[0][0] == "[" else "[") + odd[0]
            for matched in _LINK.finditer(plain):
                url = matched["url"] if matched["url"] is not None else matched["open"]
                number = passage.lines.start + offset
                if matched["gap"] or matched["open"] is not None:
                    if _ADDRESS.match(url.strip()):
                        yield number, f"]{matched['gap']}({url}" + (")" if matched["open"] is None else "")
                elif not re.search(r"\s[\"'(]", url):  # a title may follow
                    yield number, url


def find_link_fault(url: str) -> str:
    """What is wrong with an address as it is written, "" for nothing."""
    url = url.strip().strip("<>")
    if not url:
        return "is empty"
    if url.startswith("["):
        return "is no link: a bracket is missing" if url[1:2] != "h" and "](" not in url else "is mistyped"
    if _PLACEHOLDER.fullmatch(url) or _OWN_PLACEHOLDER.search(url):
        return "is a placeholder"
    if _ONE_COMPUTER.match(url):
        return "leads to one computer only"
    if _DOMAIN.fullmatch(url):
        return "is a path in this repository: `https://` is missing"
    if url.startswith("]"):
        return "is no link: a blank stands before the bracket" if url[1] == " " else "is never closed"
    if _MISTYPED.match(url):
        return "is no address: its scheme is mistyped"
    if re.match(r"www\.", url, re.IGNORECASE):
        return "is a path in this repository: `https://` is missing"
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
