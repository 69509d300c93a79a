"""Whether addresses of a card answer. Nothing private is asked, little is asked at once, nothing is read.

Each host is looked up once and the connection goes to the address that was checked, so that a name which
changes meanwhile leads nowhere else. Redirects are not followed: what redirects answers.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

_SECONDS = 6.0
_PAUSE = 0.2  # between two requests
_MOST_LINKS = 50
_MOST_SECONDS = 60.0
_DEAD = frozenset({404, 410})


def check_addresses(urls: Sequence[str], *, pause: float = _PAUSE) -> dict[str, str]:
    """The addresses that do not answer, each with why. The first 50 are asked, for at most about a minute."""
    dead: dict[str, str] = {}
    started = time.monotonic()
    for url in urls[:_MOST_LINKS]:
        if time.monotonic() - started > _MOST_SECONDS:
            break
        if fault := _check(url):
            dead[url] = fault
        time.sleep(pause)
    return dead


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open Internet."""
    parsed = ipaddress.ip_address(address)
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_global and not parsed.is_multicast


def _check(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return "names a host that does not exist"
    addresses = [str(item[4][0]) for item in found]
    if not addresses or not all(is_public(address.partition("%")[0]) for address in addresses):
        return "leads to a private address and was not asked"
    try:
        status = _ask(
            parts.scheme, host, addresses[0], port, parts.path + (f"?{parts.query}" if parts.query else "")
        )
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"does not answer ({type(error).__name__})"
    return f"answers {status}" if status in _DEAD else ""


def _ask(scheme: str, host: str, address: str, port: int, path: str) -> int:
    """The status of a HEAD request to `address` in the name of `host`."""
    plain = socket.create_connection((address, port), timeout=_SECONDS)
    try:
        stream = (
            ssl.create_default_context().wrap_socket(plain, server_hostname=host)
            if scheme == "https"
            else plain
        )
    except OSError:
        plain.close()
        raise
    connection = http.client.HTTPConnection(host, port, timeout=_SECONDS)
    connection.sock = stream
    try:
        connection.request("HEAD", path or "/", headers={"User-Agent": "lake-audit", "Host": host})
        return connection.getresponse().status
    finally:
        connection.close()
