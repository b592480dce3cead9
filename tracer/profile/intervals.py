"""Time as intervals: unions of them, and what is left of each without those inside it."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import sub


def union(intervals: Iterable[tuple[int, int]]) -> int:
    """Returns the time that is in at least one of the intervals (start, end)."""
    return length(merged(intervals))


def length(intervals: Iterable[tuple[int, int]]) -> int:
    """Returns the time in intervals that do not overlap."""
    return sum(end - start for start, end in intervals)


def merged(intervals: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Returns the time that is in at least one of the intervals as intervals in order, apart from each other."""
    found: list[tuple[int, int]] = []
    until: int | None = None
    for start, end in sorted(intervals):
        if until is None or start > until:
            if start < end:
                found.append((start, end))
                until = end
        elif end > until:
            found[-1] = (found[-1][0], end)
            until = end
    return found


def gaps(intervals: Sequence[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """Returns the time from `start` to `end` that is in none of the intervals, which are as `merged` returns them."""
    found: list[tuple[int, int]] = []
    for index in range(max(bisect_right(intervals, (start, start)) - 1, 0), len(intervals)):
        begin, until = intervals[index]
        if begin >= end:
            break
        if begin > start:
            found.append((start, begin))
        start = max(start, until)
    if start < end:
        found.append((start, end))
    return found


def self_times(starts: Sequence[int], ends: Sequence[int]) -> tuple[array[int], array[int]]:
    """Returns the self time of each interval of a thread, and the index of the one around it, or -1.

    Each moment belongs to the interval that began last of those that are open, so the self times add up to the union,
    also where intervals overlap without one being inside the other. Of two equal intervals the second is inside the
    first.

    Args:
      starts: when each begins, in ascending order, of equal ones the longer first.
      ends: when each ends.
    """
    own = array("q", map(sub, ends, starts))
    parents = array("q", [-1]) * len(own)
    opened: list[int] = []
    latest = starts[0] if starts else 0  # until when anything is open
    for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if start >= latest:  # most executions stand alone
            opened = [index]
            latest = end
            continue
        while ends[opened[-1]] <= start:
            opened.pop()
        parents[index] = opened[-1]
        taken = start
        while opened and ends[opened[-1]] <= end:  # the new one has the rest of these: they are not open any more
            outer = opened.pop()
            if ends[outer] > taken:
                own[outer] -= ends[outer] - taken
                taken = ends[outer]
        if opened:
            own[opened[-1]] -= end - taken
        opened.append(index)
        latest = max(latest, end)
    return own, parents
