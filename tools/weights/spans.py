"""Sets of byte positions, kept as disjoint spans."""

from __future__ import annotations

import bisect
from collections.abc import Iterator


class SpanSet:
    """Positions of a file as ascending, disjoint, non-touching half-open spans."""

    def __init__(self) -> None:
        self._begins: list[int] = []
        self._ends: list[int] = []
        self.total = 0  # positions in the set

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """The spans as (begin, end)."""
        return iter(list(zip(self._begins, self._ends, strict=True)))

    def add(self, begin: int, end: int) -> None:
        """Add the positions from `begin` up to, not including, `end`."""
        if begin >= end:
            return
        low = bisect.bisect_left(self._ends, begin)
        high = bisect.bisect_right(self._begins, end)
        merged_begin, merged_end = begin, end
        if low < high:
            merged_begin = min(begin, self._begins[low])
            merged_end = max(end, self._ends[high - 1])
        covered = sum(self._ends[low:high]) - sum(self._begins[low:high])
        self.total += merged_end - merged_begin - covered
        self._begins[low:high] = [merged_begin]
        self._ends[low:high] = [merged_end]

    def find_missing(self, begin: int, end: int) -> list[tuple[int, int]]:
        """The parts of begin…end that are not in the set, ascending."""
        missing = []
        place = bisect.bisect_right(self._ends, begin)
        while begin < end and place < len(self._begins) and self._begins[place] < end:
            if begin < self._begins[place]:
                missing.append((begin, self._begins[place]))
            begin = max(begin, self._ends[place])
            place += 1
        if begin < end:
            missing.append((begin, end))
        return missing
