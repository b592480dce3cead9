"""Profiles to files that other tools open. One table: the command's choices, the docs and the tests read it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from tracer.render.profile import folded, perfetto, speedscope
from tracer.report.profile import ProfileView


@dataclasses.dataclass(frozen=True, slots=True)
class Format:
    """One way to write a profile."""

    name: str
    suffix: str  # of a file in it: ".folded"
    help: str  # in one line
    render: Callable[[ProfileView], str | bytes]
    binary: bool = False


FORMATS: Mapping[str, Format] = {
    entry.name: entry
    for entry in (
        Format("folded", ".folded", "stacks with their time, for flame graphs: flamegraph.pl", folded.render),
        Format("speedscope", ".speedscope.json", "stacks, and threads in time, for speedscope.app", speedscope.render),
        Format(
            "perfetto",
            ".perfetto-trace",
            "threads, steps and memory in time, for Perfetto",
            perfetto.render,
            binary=True,
        ),
    )
}
