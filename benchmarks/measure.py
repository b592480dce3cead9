"""What programs cost, each in a process of its own, in turns, and the numbers that come of them."""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

# What TensorFlow says at its start is neither's to pay for; the log folder is named by each command.
_ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3"}


@dataclasses.dataclass(frozen=True, slots=True)
class Program:
    """A command to time; `{scratch}` in it becomes an empty folder of each run's own."""

    name: str
    command: tuple[str, ...]
    prints_cost: bool = False  # it measures a part of itself, and prints a `Cost` as JSON


@dataclasses.dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a program cost."""

    seconds: float  # of the whole process, or of the part that it measures itself
    bytes: int = 0  # by which its memory grew at most, in that part; 0 if not measured
    count: int = 0  # nodes of the graph, or events of the profile, that it worked on; 0 if it does not say


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """Two programs side by side, and what ours may cost; None where there is no budget."""

    name: str
    ours: Program
    theirs: Program
    most_seconds: float | None = None
    most_ratio: float | None = None
    most_memory_ratio: float | None = None
    most_bytes: float | None = None
    least_rate: float | None = None  # events a second
    graph: str = ""  # which graph both work on
    profile: str = ""  # which profile both work on, or which steps both make one of


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What both programs cost, one a round."""

    comparison: Comparison
    ours: tuple[Cost, ...]
    theirs: tuple[Cost, ...]

    @property
    def ours_s(self) -> float:
        """The median of our times, in seconds."""
        return statistics.median(cost.seconds for cost in self.ours)

    @property
    def theirs_s(self) -> float:
        """The median of their times, in seconds."""
        return statistics.median(cost.seconds for cost in self.theirs)

    @property
    def ours_bytes(self) -> float:
        """The median of our memory."""
        return statistics.median(cost.bytes for cost in self.ours)

    @property
    def theirs_bytes(self) -> float:
        """The median of their memory."""
        return statistics.median(cost.bytes for cost in self.theirs)

    @property
    def ratio(self) -> float:
        """The ratio of the two median times."""
        return self.ours_s / self.theirs_s

    @property
    def memory_ratio(self) -> float | None:
        """The ratio of the two medians of memory; None if it was not measured."""
        return self.ours_bytes / self.theirs_bytes if self.ours_bytes and self.theirs_bytes else None

    @property
    def rate(self) -> float:
        """Nodes or events a second, of our median time; 0 if they were not counted."""
        return self.ours[0].count / self.ours_s

    @property
    def spread(self) -> tuple[float, float]:
        """The lowest and the highest ratio of one round, whose two programs ran next to each other."""
        ratios = [ours.seconds / theirs.seconds for ours, theirs in zip(self.ours, self.theirs, strict=True)]
        return min(ratios), max(ratios)

    @property
    def within(self) -> bool | None:
        """Whether the medians keep every budget; None if there is none."""
        budget = self.comparison
        kept = []
        if budget.most_seconds is not None:
            kept.append(self.ours_s <= budget.most_seconds)
        if budget.most_ratio is not None:
            kept.append(self.ratio <= budget.most_ratio)
        if budget.most_memory_ratio is not None and self.memory_ratio is not None:
            kept.append(self.memory_ratio <= budget.most_memory_ratio)
        if budget.most_bytes is not None and self.ours_bytes:
            kept.append(self.ours_bytes <= budget.most_bytes)
        if budget.least_rate is not None and self.rate:
            kept.append(self.rate >= budget.least_rate)
        return all(kept) if kept else None


def compare(
    group: Sequence[Comparison], rounds: int, tell: Callable[[str], None], *, warm: bool = True
) -> list[Outcome]:
    """Runs each program of a group once a round, in the same order, so that a busy minute meets them all alike.

    A round before the first, which fills the caches of files and of bytecode, does not count; without `warm` there is
    none.
    """
    programs = list(dict.fromkeys(program for pair in group for program in (pair.ours, pair.theirs)))
    costs: Mapping[Program, list[Cost]] = {program: [] for program in programs}
    for number in range(0 if warm else 1, rounds + 1):
        for program in programs:
            cost = run(program)
            tell(
                f"  {number}/{rounds}  {cost.seconds:7.3f} s  {program.name}" + ("" if number else "  (does not count)")
            )
            if number:
                costs[program].append(cost)
    return [Outcome(pair, tuple(costs[pair.ours]), tuple(costs[pair.theirs])) for pair in group]


def run(program: Program) -> Cost:
    """Runs a program in a process of its own and returns what it cost.

    Raises:
      RuntimeError: it failed; with what it said.
    """
    with tempfile.TemporaryDirectory() as scratch:
        command = [part.replace("{scratch}", scratch) for part in program.command]
        begin = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=Path(__file__).parents[1],
            env={**os.environ, **_ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        taken = time.perf_counter() - begin
    if done.returncode:
        raise RuntimeError(f"{program.name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return Cost(**json.loads(done.stdout)) if program.prints_cost else Cost(taken)
