"""The process that reading a profile is timed in: `python -m benchmarks.profiles CASE FILE SMALL`; prints what it cost.

FILE is a run's only profile, and stands in its folder; SMALL is one of a thousand events.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.inside import Work, measure_case

_RUN = 3  # folders from a profile up to its run: plugins/profile/<session>/


def attributed(file: Path) -> Work:
    """Events to what each node took: `read_profile` and `attribute`, with the graphs of the run read before."""
    from tracer.graph.inline import LIMIT
    from tracer.profile.attribute import attribute
    from tracer.profile.executions import read_profile
    from tracer.store.load import load_run
    from tracer.timing.owners import TraceOwners

    content = file.read_bytes()
    recorded = [TraceOwners(trace, limit=LIMIT).recorded() for trace in load_run(_run(file)).traces]
    for trace in recorded:
        assert "" not in trace.paths  # reads the graphs

    def work() -> Any:
        profile = read_profile(content, file)
        return profile.events, profile, attribute([profile], recorded)

    return work


def timing(file: Path) -> Work:
    """All that the commands need but their tables: the run, its graphs, its profile, and each node's owner."""
    from tracer.collector import paused_collector
    from tracer.store.load import load_run
    from tracer.timing.timing import read_timing

    def work() -> Any:
        with paused_collector():
            found = read_timing(load_run(_run(file)))
        return found.profiles[0].events, found

    return work


def op_stats(file: Path) -> Work:
    """XProf's table of framework ops, as its page gets it; without what it kept from the last time."""
    from xprof.convert import raw_to_tool_data

    for kept in file.parent.glob("*.op_stats*.pb"):
        kept.unlink()
    return lambda: raw_to_tool_data.xspace_to_tool_data([str(file)], "framework_op_stats", {"use_saved_result": False})


def profile_data(file: Path) -> Work:
    """XProf's own reader for Python: name, start and duration of each event, and nothing made of them."""
    from xprof.profile_data import ProfileData

    def work() -> Any:
        found = ProfileData.from_file(str(file))
        events = (event for plane in found.planes for line in plane.lines for event in line.events)
        return sum(1 for event in events if (event.name, event.start_ns, event.duration_ns)), found

    return work


CASES: dict[str, Callable[[Path], Work]] = {
    "attributed": attributed,
    "timing": timing,
    "op-stats": op_stats,
    "profile-data": profile_data,
}


def _run(file: Path) -> Path:
    return file.parents[_RUN]


if __name__ == "__main__":
    measure_case(CASES)
