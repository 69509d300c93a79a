"""What this process may reach: the network, or with `stay_on_loopback` this machine alone."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from tools.errors import UsageError

_local = False


def stay_on_loopback(local: bool) -> None:
    """From now on refuse (or allow again) every address that is not this machine's own, process-wide."""
    global _local
    _local = local


def is_loopback(host: str) -> bool:
    """Whether a host's name or IP address is this machine's own; names are not looked up."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def require_reachable(url: str, *, hint: str) -> None:
    """Raises UsageError for an address that `stay_on_loopback` shuts out."""
    if _local and not is_loopback(urlsplit(url).hostname or ""):
        raise UsageError(f"The lake is set to offline, so {url!r} is not asked.", hint=hint)
