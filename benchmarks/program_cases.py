"""Whole programs under `trace-scenario script`, beside the same programs alone."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.measure import Comparison, Program

STEPS, QUICK_STEPS = 1_000, 100  # of about 5 ms
TINY_STEPS, QUICK_TINY_STEPS = 100_000, 2_000  # of a tenth of that and less
_WITHOUT_RATIO = 1.05
_WINDOWS_RATIO = 1.10
_CAPTURE_BYTES = 256e6
_TINY = ("--size", "16")


def make_comparisons(*, quick: bool) -> list[list[Comparison]]:
    """Returns the comparisons: what the steps cost, what start and end cost, and memory over many steps."""
    steps = QUICK_STEPS if quick else STEPS
    tiny = QUICK_TINY_STEPS if quick else TINY_STEPS
    return [*(_steps(kind, steps) for kind in ("loop", "fit")), _process(), _memory(tiny)]


def _steps(kind: str, steps: int) -> list[Comparison]:
    """Returns what the steps of a program take with and without windows, beside the program alone."""
    title = f"{steps:,} steps, {kind}"
    arguments = (kind, "--steps", str(steps))
    alone = _alone(title, arguments)
    return [
        Comparison("steps, no profiler", _under(title, arguments, "--no-profile"), alone, None, _WITHOUT_RATIO),
        Comparison("steps, windows", _under(title, arguments), alone, None, _WINDOWS_RATIO),
    ]


def _process() -> list[Comparison]:
    """Returns what start and end of a short program cost: the whole process."""
    title, arguments = "20 steps, a process", ("loop", "--steps", "20")
    alone = _alone(title, arguments, prints_cost=False)
    return [
        Comparison("a process, no profiler", _under(title, arguments, "--no-profile", prints_cost=False), alone),
        Comparison("a process, windows", _under(title, arguments, prints_cost=False), alone),
    ]


def _memory(steps: int) -> list[Comparison]:
    """Returns by how much a long program grows, beside one that has TensorFlow's profiler on all the time."""
    title = f"{steps:,} steps, tiny"
    arguments = ("loop", "--steps", str(steps), *_TINY)
    profiled = _alone(title, (*arguments, "--profiler", "{scratch}"), name="the profiler all the time")
    under = _under(title, arguments)
    return [
        Comparison("a long program", under, profiled, most_bytes=_CAPTURE_BYTES, profile=title),
        Comparison("a long program", under, _alone(title, arguments), profile=title),
    ]


def _alone(title: str, arguments: tuple[str, ...], *, name: str = "alone", prints_cost: bool = True) -> Program:
    return Program(f"{name}: {title}", (sys.executable, "-m", "benchmarks.program", *arguments), prints_cost)


def _under(title: str, arguments: tuple[str, ...], *options: str, prints_cost: bool = True) -> Program:
    command = (str(Path(sys.executable).with_name("trace-scenario")), "script", "--logdir", "{scratch}", *options)
    name = " ".join(("script", *options))
    return Program(f"{name}: {title}", (*command, "-m", "benchmarks.program", *arguments), prints_cost)
