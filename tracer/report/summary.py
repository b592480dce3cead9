"""What a window came to, in words, each sentence with the numbers that it rests on."""

from __future__ import annotations

import re
from typing import NamedTuple

from tracer import text
from tracer.errors import NotFound, Unreadable
from tracer.profile.activity import COMPILE, INPUT, LAUNCH, SCHEDULING, TRACING
from tracer.profile.coverage import function_runs
from tracer.recorded import Run
from tracer.report.memory import memory_peaks, told
from tracer.report.steps import StepsReport, steps_report
from tracer.report.timed import summed
from tracer.timing.phases import INPUT as PHASE_OF_INPUT
from tracer.timing.phases import PHASES
from tracer.timing.statistics import Spread, spread
from tracer.timing.timing import TimedNode, Timing, read_timing

_WORTH = 0.5  # of the wall time between kernels, from which on to have fewer kernels is worth it
_MANY = 10  # kernels a step, from which on there is something to merge
_LIMIT = 0.1  # of the wall time, from which on waiting for input is worth a word
_LEAST = 0.01  # of a whole: what is less is not named
_PATH = 60  # characters of a node path
_TRACED = 0.02  # of the wall time, from which on a window with tracing in it is no steady state
_ALSO = {TRACING: "tracing", COMPILE: "compiling"}

# What a dataset may do so that a step need not wait for it, by marks in tf.data's names of its parts; and what to do.
_DOES = {"prefetches": ("Prefetch",), "works in parallel": ("Parallel", "MapAndBatch"), "caches": ("Cache",)}
_ADVICE = {"prefetches": "prefetch", "works in parallel": "parallelise", "caches": "cache"}

# Ops that XLA has no kernel for: texts, tables, Python, files and datasets (tensorflow/compiler/tf2xla).
_NOT_COMPILED = re.compile(
    r"\w*(?:String|PrintV?2?$|PyFunc|LookupTable|Iterator|Dataset|Decode|Encode|Summary|Ragged)\w*"
)


class Statement(NamedTuple):
    """A sentence of a summary."""

    topic: str  # "step", "dominates", "memory", "jit", "input", "tracing", "coverage"
    message: str


def run_summary(run: Run, timing: Timing | None = None) -> tuple[Statement, ...]:
    """Returns the summary of a run; of one whose profile is not there or cannot be read what a step takes, if known.

    Args:
      run: the run.
      timing: what its nodes took, if somebody has read that already.
    """
    try:
        return summary(steps_report(timing or read_timing(run)))
    except (NotFound, Unreadable):
        bare = spread(run.settled_ns)
        return (Statement("step", f"A step takes {_bare(bare)}."),) if bare else ()


def summary(report: StepsReport) -> tuple[Statement, ...]:
    """Returns what there is to say of a window, the most important first; nothing of a window without executions."""
    first, memory = (_step(report), _dominates(report)), _memory(report)
    found = (*first, *memory, _input(report), _jit(report), _tracing(report), _coverage(report))
    return tuple(statement for statement in found if statement)


def _step(report: StepsReport) -> Statement | None:
    if report.profiled is None or not report.typical.wall_ns:
        return None
    parts = [
        f"{kind} {_percent(own / report.typical.wall_ns)}"
        for kind, own in report.typical.parts.items()
        if own / report.typical.wall_ns > _LEAST
    ]
    profiled = f"{text.nanoseconds(report.profiled.median)} with the profiler on ({_number(report.profiled)})"
    if report.bare is None:
        return Statement("step", f"A step takes {profiled}: {', '.join(parts)}.")
    bare = _bare(report.bare, ", the program's first" if report.settling else "")
    return Statement("step", f"A step takes {bare}, {profiled}, there: {', '.join(parts)}.")


def _bare(of: Spread, first: str = "") -> str:
    return f"{text.nanoseconds(of.median)} without the profiler ({_number(of)}{first})"


def _number(of: Spread) -> str:
    return f"median of {of.samples}" if of.samples > 1 else "one step"


def _dominates(report: StepsReport) -> Statement | None:
    timing = report.timing
    whole = timing.self_ns
    if not whole or not timing.nodes:
        return None
    phases = summed(timing.nodes, lambda node: node.owner.phase)
    shares = {phase: phases[phase].self_ns / whole for phase in PHASES if phase in phases}
    told = [f"{phase} {_percent(share)}" for phase, share in shares.items() if share >= _LEAST]
    lines = summed((node for node in timing.nodes if node.owner.stack), lambda node: node.owner.stack[-1])
    found = [", ".join(told)] if len(told) > 1 else []
    if lines:
        line = max(lines, key=lambda frame: lines[frame].self_ns)
        file = line.file.replace("\\", "/").rpartition("/")[2]
        found.append(f"line {file}:{line.line} {_percent(lines[line].self_ns / whole)}")
    nodes = summed(timing.nodes, lambda node: (node.time.trace, node.time.path))
    hottest = max(nodes, key=lambda key: nodes[key].self_ns)
    found.append(f"{text.shortened(hottest[1], _PATH)} {_percent(nodes[hottest].self_ns / whole)}")
    return Statement("dominates", f"Of the time in ops: {'; '.join(found)}.")


def _memory(report: StepsReport) -> list[Statement]:
    peaks = memory_peaks(report.timing)
    of = [f" of {peak.device}" for peak in peaks] if len(peaks) > 1 else [""]
    return [Statement("memory", f"Memory{name}: {told(peak)}.") for peak, name in zip(peaks, of, strict=False)]


def _input(report: StepsReport) -> Statement | None:
    typical = report.typical
    share = typical.parts.get(INPUT, 0) / typical.wall_ns if typical.wall_ns else 0.0
    if share < _LIMIT:
        return None
    stages = {stage for profile in report.timing.profiles for stage in profile.pipeline}
    does = {told: any(mark in stage for stage in stages for mark in marks) for told, marks in _DOES.items()}
    done = [told for told, is_done in does.items() if is_done]
    left = [_ADVICE[told] for told, is_done in does.items() if not is_done]
    though = f", though its dataset {_listed(done, 'and')} already" if done else ""
    advice = f"{_listed(left, 'or')} it" if left else "make its functions cheaper"
    return Statement(
        "input", f"{_percent(share)} of the wall time waits for input{though}: {advice}{_slowest(report)}."
    )


def _listed(words: list[str], last: str) -> str:
    """Returns words for a sentence: `prefetch, parallelise or cache`."""
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _slowest(report: StepsReport) -> str:
    """Returns which line of the dataset's functions takes the most time, for a sentence; nothing if none is known."""
    nodes = [node for node in report.timing.nodes if node.owner.phase == PHASE_OF_INPUT and node.time.trace]
    lines = summed((node for node in nodes if node.owner.stack), lambda node: node.owner.stack[-1])
    whole = sum(node.time.self_ns for node in nodes)
    if not lines or not whole:
        return ""
    line = max(lines, key=lambda frame: lines[frame].self_ns)
    file = line.file.replace("\\", "/").rpartition("/")[2]
    return f"; line {file}:{line.line} has {_percent(lines[line].self_ns / whole)} of its functions' time"


def _jit(report: StepsReport) -> Statement | None:
    """Says whether XLA has something to gain: many kernels, with more time between them than in them."""
    timing, typical = report.timing, report.typical
    kernels = [node for node in timing.nodes if _is_for_xla(node, timing)]
    calls = sum(kernel.calls for node in kernels for kernel in node.time.kernels)
    functions = {timing.owners[node.time.trace].trace.runtime_name for node in kernels}
    runs = sum(
        number for profile in timing.profiles for name, number in function_runs(profile).items() if name in functions
    )
    if not calls or not runs or not typical.wall_ns:
        return None
    between = sum(typical.parts.get(kind, 0) for kind in (LAUNCH, SCHEDULING)) / typical.wall_ns
    mean = text.nanoseconds(sum(node.time.self_ns for node in kernels) // calls)
    each = text.plural(-(-calls // runs), "kernel")
    basis = f"{each} a call of {mean} on average, {_percent(between)} of the wall time is between kernels"
    refused = dict.fromkeys(node.op for node in kernels if _NOT_COMPILED.fullmatch(node.op))
    if calls < _MANY * runs:
        return Statement("jit", f"jit_compile=True has few kernels to merge: {basis}.")
    if between < _WORTH:
        return Statement("jit", f"jit_compile=True has little to gain: {basis}.")
    if refused:
        return Statement("jit", f"XLA would have something to gain, but does not take {', '.join(refused)}: {basis}.")
    return Statement("jit", f"jit_compile=True is worth a try: {basis}.")


def _is_for_xla(node: TimedNode, timing: Timing) -> bool:
    """Tells a node that XLA might compile: of a function that Python calls, and not compiled yet, as a part neither."""
    if not node.time.trace or node.owner.phase == PHASE_OF_INPUT or timing.owners[node.time.trace].trace.jit_compile:
        return False
    return not any(kernel.program for kernel in node.time.kernels)


def _tracing(report: StepsReport) -> Statement | None:
    shares = {kind: report.parts.get(kind, 0) / report.wall_ns for kind in _ALSO} if report.wall_ns else {}
    told = [f"{_ALSO[kind]} {_percent(share)}" for kind, share in shares.items() if share >= _TRACED]
    if not told:
        return None
    if any(warned.code == "not-steady" for warned in report.timing.run.warnings):
        return Statement(
            "tracing", f"The window is no steady state, for {' and '.join(told)} of it: more warm-up calls (--warmup)."
        )
    steps = report.steps.items
    if len(steps) == 1:  # a block, or one step: nothing tells whether the next one would trace again
        return Statement(
            "tracing",
            f"Of the wall time {' and '.join(told)}: there are first calls in the window, or retraces "
            "(trace-scenario retraces).",
        )
    tracing = [step for step in steps if sum(step.parts.get(kind, 0) for kind in _ALSO) >= _TRACED * step.wall_ns]
    if len(tracing) < len(steps):
        of_all = f"{len(tracing)} of {text.plural(len(steps), 'step')}"
        return Statement("tracing", f"Of the wall time {' and '.join(told)}, in {of_all}: trace-scenario retraces.")
    return Statement("tracing", f"Each step traces or compiles anew: {' and '.join(told)} of its time.")


def _coverage(report: StepsReport) -> Statement | None:
    timing = report.timing
    if timing.is_complete:
        return None
    reasons = [rest.reason for rest in timing.unattributed[:2]]
    if timing.untraced:
        reasons.append(f"TensorFlow did not trace about {text.plural(timing.untraced, 'execution')} of cheap nodes")
    least = min(timing.coverage_nodes, timing.coverage_time)
    because = f" ({', '.join(reasons)})" if reasons else ""
    return Statement("coverage", f"Only {text.percent(least)} was seen and found an owner{because}.")


def _percent(part: float) -> str:
    return f"{100 * part:.0f} %"
