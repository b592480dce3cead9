"""Stacks as Brendan Gregg's folded lines, which flame graphs are drawn from (github.com/brendangregg/FlameGraph)."""

from __future__ import annotations

from collections import Counter

from tracer.render.graph.words import visible
from tracer.render.profile.words import NO_LINE, frame_text, op_text, short_files
from tracer.report.profile import ProfileView
from tracer.report.timed import UNATTRIBUTED


def render(view: ProfileView) -> str:
    """Returns a line for each stack and op, the most expensive first: `train.py:step:12;MatMul 31400`, in nanoseconds.

    The numbers add up to the self time of the view, what found no owner among it; what took no time has no line.
    """
    report = view.stacks
    short = short_files(frame.file for row in report.stacks.items for frame in row.frames)
    found: Counter[str] = Counter()
    for row in report.stacks.items:
        frames = [frame_text(frame, short) for frame in row.frames] or [NO_LINE]
        found[_line([*frames, op_text(row.op)])] += row.sums.self_ns
    for rest in view.unattributed:
        found[_line([UNATTRIBUTED, rest.reason])] += rest.self_ns
    ordered = sorted(found.items(), key=lambda item: -item[1])
    return "".join(f"{stack} {self_ns}\n" for stack, self_ns in ordered if self_ns)


def _line(frames: list[str]) -> str:
    """Joins frames; a `;` in one would be two, and a line break two stacks."""
    return ";".join(visible(frame).replace(";", "\\x3b") or "(no name)" for frame in frames)
