"""A scope tree as boxes below boxes, each as wide as its part of the time: what a picture of it draws."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tracer.report.scopes import ScopeRow

LEVELS = 12  # of boxes; what lies deeper is in their own parts
BOXES = 250  # at most, the widest: more are no picture
LEAST = 1 / 500  # of the whole: a narrower box is a line
TIME, NODES = "time", "nodes"


@dataclasses.dataclass(frozen=True, slots=True)
class Box:
    """A scope. Numbers are parts of the whole graph."""

    row: ScopeRow
    level: int  # 0 for the whole graph
    begin: float  # where it begins, from the left
    share: float  # its width
    own: float  # of that, what lies in none of the scopes below it


@dataclasses.dataclass(frozen=True, slots=True)
class Picture:
    """The boxes of a scope tree, parents first, else in the order of the rows."""

    measure: str  # what widths are parts of: "time", or "nodes" where no time is known
    whole: int  # nanoseconds, or nodes
    boxes: tuple[Box, ...]
    left_out: int  # scopes that are too small, or too deep, to be drawn


def picture(rows: Sequence[ScopeRow], total: int) -> Picture | None:
    """Returns the boxes of a scope tree; None of a graph with nothing in it.

    Args:
      rows: its rows, parents first; those that lie too deep need not be there.
      total: how many rows it has with those.
    """
    if not rows or not rows[0].nodes:
        return None
    measure = TIME if rows[0].total_ns else NODES
    weights = [row.total_ns or 0 if measure == TIME else row.nodes for row in rows]
    parents, drawn = _parents(rows), _drawn(rows, weights)
    below = [0] * len(rows)  # what a row's children come to, of those that were met
    begins = [0] * len(rows)
    for at in range(1, len(rows)):
        parent = parents[at]
        begins[at] = begins[parent] + below[parent]  # children stand beside each other, from their parent's left
        below[parent] += weights[at]
    whole = weights[0]
    boxes = [
        Box(
            row=row,
            level=row.depth - rows[0].depth,
            begin=begins[at] / whole,
            share=weights[at] / whole,
            own=max(weights[at] - below[at], 0) / whole,
        )
        for at, row in enumerate(rows)
        if at in drawn
    ]
    return Picture(measure, whole, tuple(boxes), total - len(boxes))


def _parents(rows: Sequence[ScopeRow]) -> list[int]:
    """Returns for each row which one it stands below; 0 for the first."""
    found: list[int] = []
    last: list[int] = []  # by depth: the row that was met last
    for at, row in enumerate(rows):
        depth = row.depth - rows[0].depth
        del last[depth:]
        found.append(last[-1] if last else 0)
        last.append(at)
    return found


def _drawn(rows: Sequence[ScopeRow], weights: Sequence[int]) -> set[int]:
    """Returns which rows are large enough; a parent is as large as what it holds, and comes before it."""
    large = [
        at for at, row in enumerate(rows) if weights[at] >= LEAST * weights[0] and row.depth - rows[0].depth < LEVELS
    ]
    return set(sorted(large, key=lambda at: (-weights[at], at))[:BOXES])
