"""How often a client may ask: a token bucket for each address, refilled evenly over the minute."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

_MOST_CLIENTS = 10_000


class RateLimit:
    """At most `per_minute` of something for each client, that many at once at first; 0 is no limit."""

    def __init__(self, per_minute: float) -> None:
        self._rate = per_minute / 60.0
        self._size = float(per_minute)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # client -> (left, when)
        self._lock = threading.Lock()

    def take(self, client: str, *, only_look: bool = False) -> float:
        """Take one for `client`; returns 0, or the seconds to wait when there is none (nothing is taken)."""
        if self._rate <= 0:
            return 0.0
        now = time.monotonic()
        with self._lock:
            left, then = self._buckets.pop(client, (self._size, now))
            left = min(self._size, left + (now - then) * self._rate)
            granted = left >= 1.0
            self._buckets[client] = (left - 1.0 if granted and not only_look else left, now)
            while len(self._buckets) > _MOST_CLIENTS:
                self._buckets.popitem(last=False)
        return 0.0 if granted else (1.0 - left) / self._rate
