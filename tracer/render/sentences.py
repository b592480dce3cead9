"""What pages of all kinds say of a run in the same words."""

from __future__ import annotations

from collections.abc import Sequence

from tracer import text
from tracer.recorded import Run
from tracer.timing.statistics import median
from tracer.timing.timing import ENOUGH, Timing


def run_facts(run: Run, *, window: bool = True) -> Sequence[str]:
    """Returns TensorFlow's version, the window, if it is not told elsewhere, and how long the recording took."""
    facts = [f"TensorFlow {run.versions['tensorflow']}"] if "tensorflow" in run.versions else []
    facts += _steps(run) if window else []
    if run.is_ours:
        facts.append(f"recorded in {text.seconds(run.seconds)}" if run.seconds is not None else "not finished")
    return facts


def _steps(run: Run) -> Sequence[str]:
    """Returns how many steps a run had, and what they took: with the profiler, or without it if it came to no more."""
    window = run.window
    if window is not None and window.steps:
        per_step = text.nanoseconds(window.median_ns)
        warmup = f", {text.plural(window.warmup, 'warm-up')}" if window.warmup else ""
        windows = f" in {text.plural(window.windows, 'window')}" if window.windows > 1 else ""
        windows += f", {text.plural(window.others, 'later window')} not counted" if window.others else ""
        whose = f" ({window.function})" if window.function else ""
        return [f"{text.plural(window.steps, 'step')}{whose} of {per_step} profiled{windows}{warmup}"]
    if run.settled_ns:
        warmup = f", {text.plural(run.warmup, 'warm-up')}" if run.warmup else ""
        per_step = text.nanoseconds(median(run.settled_ns))
        return [f"{text.plural(len(run.bare_step_ns), 'step')} of {per_step} without the profiler{warmup}"]
    return []


def error_text(run: Run) -> str:
    """Returns what ended a run, with the step that raised it, if it was one; nothing if nothing did."""
    return f"in {run.raised}: {run.error}" if run.raised and run.error else run.error


def window_text(timing: Timing) -> str:
    """Returns how long the profiler was on, and what a step took."""
    window = timing.run.window
    if window is None:
        return "the whole session: the run does not say how many steps it had"
    marked = max((sum(not step.raised for step in profile.steps) for profile in timing.profiles), default=0)
    if marked > window.steps:  # a block of the program's, with markers of its own
        return f"a block of {text.nanoseconds(window.wall_ns)}, in which {text.plural(marked, 'step')} are marked"
    if not window.steps:
        return "no step came to its end"
    steps = f"{text.plural(window.steps, 'step')} after {text.plural(window.warmup, 'warm-up call')}"
    each = text.nanoseconds(window.median_ns)
    bare = f", {text.nanoseconds(median(window.settled_ns))} without it" if window.settled_ns else ""
    return f"{steps}; a step takes {each} with the profiler{bare}"


def coverage_text(timing: Timing, self_ns: int) -> str:
    """Returns how much of what ran found its owner; `self_ns` is the time that the page is about."""
    found = f"{text.percent(timing.coverage_nodes)} of executions, {text.percent(timing.coverage_time)} of their time"
    return f"{found}; {text.nanoseconds(self_ns)} in all, threads added up"


def coverage_doubts(timing: Timing, elsewhere: str) -> Sequence[str]:
    """Returns why not everything may have been seen; `elsewhere` is where the page has what found no owner."""
    doubts = [] if timing.is_complete else [f"that is below {text.percent(ENOUGH)}: see {elsewhere}"]
    if timing.untraced:
        doubts.append(f"about {text.plural(timing.untraced, 'execution')} of cheap nodes went untraced")
    if timing.run.window and timing.run.window.incomplete:
        doubts.append(timing.run.window.incomplete)
    return doubts
