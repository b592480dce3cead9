"""What reading a profile, and taking one, is compared with, and the budgets."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import profile_files
from benchmarks.measure import Comparison, Program

SIZES = (10_000, 100_000, 1_000_000)  # events
QUICK_SIZES = (10_000, 100_000)
_SMALL = 1_000
_NODES_FOR = 10  # events for each node of the wide graph: 100,000 nodes beside 1,000,000 events
_TRACES_FOR = 1_000  # events for each trace of a program that traces again and again: 1,000 of them
_RATE = 500_000.0  # events a second, where there are so many that their names cost less than they do:
_RATE_FROM = 100_000
_STEP_RATIO = 1.05
_CAPTURE_BYTES = 256e6
_WARMUP, _STEPS = 10, 50  # together below the 90 runs after which TensorFlow's profiler loses cheap kernels by itself
_TINY_STEPS = 20_000
_QUICK_TINY_STEPS = 1_000

READ = "events to nodes"
TIMING = "all but tables"
OP_STATS = "XProf's op stats"


def sizes_of(*, quick: bool) -> dict[str, int]:
    """Returns how large what is measured is: most events, nodes of the wide graph, traces, steps."""
    most = max(QUICK_SIZES if quick else SIZES)
    return {
        "events": most,
        "wide": most // _NODES_FOR,
        "many": most // _TRACES_FOR,
        "steps": _STEPS,
        "tiny": _QUICK_TINY_STEPS if quick else _TINY_STEPS,
    }


def make_comparisons(folder: Path, *, quick: bool) -> list[list[Comparison]]:
    """Records a run, writes others from it, and returns what is measured; groups run in turns among themselves."""
    recorded = profile_files.record_run(folder / "logs")
    small = profile_files.make_run(recorded, folder / "small", _SMALL)
    groups = []
    for size in QUICK_SIZES if quick else SIZES:
        run = profile_files.make_run(recorded, folder / str(size), size)
        groups.append(_reading(run, small, size))
    most = sizes_of(quick=quick)
    wide = profile_files.make_wide_run(recorded, folder / "wide", most["wide"])
    many = profile_files.make_run_of_many(recorded, folder / "many", most["many"])
    return [
        *groups,
        _commands(run, f"{most['events']:,} events", ("ops", "lines", "stacks", "show"), file=True),
        _commands(wide, f"{most['wide']:,} nodes", ("ops", "lines")),
        _commands(many, f"{most['many']:,} traces", ("ops", "lines")),
        *map(_steps, ("small", "mobilenet")),
        *(_memory(model, most["tiny"]) for model in ("small", "eager")),
    ]


def _reading(run: Path, small: Path, size: int) -> list[Comparison]:
    title = f"{size:,} events"
    read, whole, stats, data = (
        _inside(case, run, small, f"{name}: {title}")
        for case, name in {
            "attributed": READ,
            "timing": TIMING,
            "op-stats": OP_STATS,
            "profile-data": "ProfileData, read only",
        }.items()
    )
    return [
        Comparison(READ, read, stats, least_rate=_RATE if size >= _RATE_FROM else None, profile=title),
        Comparison(READ, read, data, profile=title),
        Comparison(TIMING, whole, stats, profile=title),
    ]


def _commands(run: Path, title: str, names: Sequence[str], *, file: bool = False) -> list[Comparison]:
    """Returns whole commands, from cold, beside a process that asks XProf for its table of the same file."""
    own = str(Path(sys.executable).with_name("trace-scenario"))
    profile = profile_files.profile_of(run)
    ask = (sys.executable, "-m", "benchmarks.profiles", "op-stats", str(profile))
    theirs = Program(f"a process that asks XProf: {title}", ask)
    commands = {f"{name} RUN": (name, str(run)) for name in names}
    if file:
        commands["ops FILE"] = ("ops", str(profile))
    return [
        Comparison(name, Program(f"{name}: {title}", (own, *arguments)), theirs, profile=title)
        for name, arguments in commands.items()
    ]


def _steps(model: str) -> list[Comparison]:
    """Returns the median profiled step, and the whole process that makes such steps."""
    title = f"{_STEPS} steps, {model}"
    arguments = ("--warmup", str(_WARMUP), "--steps", str(_STEPS))
    step = _recorders(model, f"a step: {title}", arguments, prints_cost=True)
    whole = _recorders(model, f"a process: {title}", arguments)
    return [
        Comparison("a profiled step", step[0], step[1], most_ratio=_STEP_RATIO, profile=title),
        Comparison("a whole recording", whole[0], whole[1], profile=title),
    ]


def _memory(model: str, steps: int) -> list[Comparison]:
    title = f"{steps:,} steps, {model}"
    ours, theirs = _recorders(model, title, ("--steps", str(steps), "--memory"), prints_cost=True)
    return [Comparison("a long recording", ours, theirs, most_bytes=_CAPTURE_BYTES, profile=title)]


def _recorders(
    model: str, title: str, arguments: Sequence[str], *, prints_cost: bool = False
) -> tuple[Program, Program]:
    """Returns the process of ours that records steps of a model, and theirs."""
    ours, theirs = (
        Program(
            f"{name}: {title}",
            (sys.executable, "-m", "benchmarks.steps", model, recorder, "{scratch}", *arguments),
            prints_cost=prints_cost,
        )
        for recorder, name in (("ours", "ours"), ("theirs", "the profiler alone"))
    )
    return ours, theirs


def _inside(case: str, run: Path, small: Path, name: str) -> Program:
    files = (str(profile_files.profile_of(run)), str(profile_files.profile_of(small)))
    return Program(name, (sys.executable, "-m", "benchmarks.profiles", case, *files), prints_cost=True)
