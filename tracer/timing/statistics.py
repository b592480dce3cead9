"""Numbers that say what steps are like: medians, percentiles, spread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Spread(NamedTuple):
    """How the times of steps are spread. Nanoseconds."""

    samples: int
    least: int
    median: int
    p90: int  # nine of ten steps take no longer
    most: int

    @property
    def relative(self) -> float:
        """The distance from the median to the 90th percentile, as a part of the median."""
        return (self.p90 - self.median) / self.median if self.median else 0.0


def spread(values: Sequence[int]) -> Spread | None:
    """Returns how values are spread; None if there is none."""
    if not values:
        return None
    ordered = sorted(values)
    return Spread(len(ordered), ordered[0], median(ordered), percentile(ordered, 0.9), ordered[-1])


def median(values: Sequence[int]) -> int:
    """Returns the middle value, or the mean of the two in the middle.

    Raises:
      IndexError: there is none.
    """
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) // 2


def percentile(values: Sequence[int], part: float) -> int:
    """Returns the least value that at least this part of the values does not exceed (the nearest rank).

    Raises:
      IndexError: there is none.
    """
    ordered = sorted(values)
    rank = -int(-part * len(ordered) // 1)  # rounded up
    return ordered[max(rank, 1) - 1]
