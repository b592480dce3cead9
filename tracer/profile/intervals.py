"""Time as intervals: unions of them, and what is left of each without those inside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def union(intervals: Iterable[tuple[int, int]]) -> int:
    """Returns the time that is in at least one of the intervals (start, end)."""
    total = 0
    until: int | None = None
    for start, end in sorted(intervals):
        if until is None or start >= until:
            total += end - start
            until = end
        elif end > until:
            total += end - until
            until = end
    return total


def self_times(starts: Sequence[int], ends: Sequence[int]) -> tuple[list[int], list[int]]:
    """Returns the self time of each interval of a thread, and the index of the one around it, or -1.

    Each moment belongs to the interval that began last of those that are open, so the self times add up to the union,
    also where intervals overlap without one being inside the other. Of two equal intervals the second is inside the
    first.

    Args:
      starts: when each begins, in ascending order, of equal ones the longer first.
      ends: when each ends.
    """
    own = [end - start for start, end in zip(starts, ends, strict=True)]
    parents = [-1] * len(own)
    opened: list[int] = []
    latest = starts[0] if starts else 0  # until when anything is open
    for index, start in enumerate(starts):
        end = ends[index]
        if start >= latest:  # most executions stand alone
            opened = [index]
            latest = end
            continue
        while ends[opened[-1]] <= start:
            opened.pop()
        parents[index] = opened[-1]
        taken = start
        for outer in reversed(opened):
            if ends[outer] > taken:
                until = min(end, ends[outer])
                own[outer] -= until - taken
                taken = until
            if taken >= end:
                break
        opened.append(index)
        latest = max(latest, end)
    return own, parents
