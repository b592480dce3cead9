"""speedscope's format (github.com/jlfwong/speedscope, file-format-spec.ts): stacks, and threads in time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tracer.graph.lines import Frame
from tracer.render.graph.words import visible
from tracer.render.profile.words import NO_LINE, op_text, short_files
from tracer.report.profile import ProfileView
from tracer.report.timed import UNATTRIBUTED
from tracer.report.timeline import Label, Timeline
from tracer.version import __version__

_SCHEMA = "https://www.speedscope.app/file-format-schema.json"


class _Frames:
    """The frames that all profiles of a file share, each once."""

    def __init__(self) -> None:
        self.listed: list[dict[str, Any]] = []
        self._numbers: dict[tuple[str, str, int], int] = {}

    def number(self, name: str, file: str = "", line: int = 0) -> int:
        """Returns the index of a frame."""
        key = (name, file, line)
        if key not in self._numbers:
            self._numbers[key] = len(self.listed)
            place = {"file": file, "line": line} if file else {}
            self.listed.append({"name": visible(name) or "(no name)", **place})
        return self._numbers[key]

    def line(self, frame: Frame, short: Mapping[str, str]) -> int:
        """Returns the index of a line of Python: `step (train.py:12)`, as the page shows the place on a click only."""
        return self.number(f"{frame.function} ({short[frame.file]}:{frame.line})", frame.file, frame.line)


def render(view: ProfileView) -> str:
    """Returns the file: first the stacks with their self time, then what ran on each thread; in nanoseconds."""
    frames = _Frames()
    several = len(view.timing.profiles) > 1
    profiles = [_stacks(view, frames)]
    for timeline in view.timelines():
        host = f"{timeline.profile.host}: " if several else ""
        profiles += _threads(timeline, frames, host)
    file = {
        "$schema": _SCHEMA,
        "name": visible(view.timing.run.name),
        "exporter": f"trace-scenario {__version__}",
        "activeProfileIndex": 0,
        "shared": {"frames": frames.listed},
        "profiles": profiles,
    }
    return json.dumps(file, allow_nan=False, separators=(",", ":")) + "\n"


def _stacks(view: ProfileView, frames: _Frames) -> dict[str, Any]:
    samples, weights = [], []
    short = short_files(frame.file for row in view.stacks.stacks.items for frame in row.frames)
    for row in view.stacks.stacks.items:
        lines = [frames.line(frame, short) for frame in row.frames] or [frames.number(NO_LINE)]
        samples.append([*lines, frames.number(op_text(row.op))])
        weights.append(row.sums.self_ns)
    for rest in view.unattributed:
        samples.append([frames.number(UNATTRIBUTED), frames.number(rest.reason)])
        weights.append(rest.self_ns)
    return {
        "type": "sampled",
        "name": "stacks of Python",
        "unit": "nanoseconds",
        "startValue": 0,
        "endValue": sum(weights),
        "samples": samples,
        "weights": weights,
    }


def _threads(timeline: Timeline, frames: _Frames, host: str) -> Iterator[dict[str, Any]]:
    numbers = [_frame(label, frames) for label in timeline.labels]
    profile = timeline.profile
    for thread, rows in timeline.rows().items():
        name = profile.threads[thread]
        events = [
            {"type": "O" if opens else "C", "frame": numbers[timeline.label[row]], "at": moment}
            for moment, row, opens in timeline.events(rows)
        ]
        yield {
            "type": "evented",
            "name": visible(f"{host}{name.device}: {name.name}" if name.device not in name.name else host + name.name),
            "unit": "nanoseconds",
            "startValue": events[0]["at"],
            "endValue": events[-1]["at"],
            "events": events,
        }


def _frame(label: Label, frames: _Frames) -> int:
    made = label.stack[-1] if label.stack else None
    return frames.number(label.name, made.file if made else "", made.line if made else 0)
