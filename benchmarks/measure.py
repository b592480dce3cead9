"""Wall time of whole processes, in turns, and the numbers that come of them."""

from __future__ import annotations

import dataclasses
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


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """Two programs side by side, and what ours may cost; None where there is no budget."""

    name: str
    ours: Program
    theirs: Program
    most_seconds: float | None = None
    most_ratio: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """The wall times of both programs in seconds, one a round."""

    comparison: Comparison
    ours_s: tuple[float, ...]
    theirs_s: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The ratio of the two medians."""
        return statistics.median(self.ours_s) / statistics.median(self.theirs_s)

    @property
    def spread(self) -> tuple[float, float]:
        """The lowest and the highest ratio of one round, whose two programs ran next to each other."""
        ratios = [ours / theirs for ours, theirs in zip(self.ours_s, self.theirs_s, strict=True)]
        return min(ratios), max(ratios)

    @property
    def within(self) -> bool | None:
        """Whether the medians keep every budget; None if there is none."""
        budget = self.comparison
        kept = []
        if budget.most_seconds is not None:
            kept.append(statistics.median(self.ours_s) <= budget.most_seconds)
        if budget.most_ratio is not None:
            kept.append(self.ratio <= budget.most_ratio)
        return all(kept) if kept else None


def compare(group: Sequence[Comparison], rounds: int, tell: Callable[[str], None]) -> list[Outcome]:
    """Times each program of a group once a round, in the same order, so that a busy minute meets them all alike.

    A round before the first, which fills the caches of files and of bytecode, does not count.
    """
    programs = list(dict.fromkeys(program for pair in group for program in (pair.ours, pair.theirs)))
    seconds: Mapping[Program, list[float]] = {program: [] for program in programs}
    for number in range(rounds + 1):
        for program in programs:
            taken = wall_seconds(program)
            tell(f"  {number}/{rounds}  {taken:7.3f} s  {program.name}" + ("" if number else "  (does not count)"))
            if number:
                seconds[program].append(taken)
    return [Outcome(pair, tuple(seconds[pair.ours]), tuple(seconds[pair.theirs])) for pair in group]


def wall_seconds(program: Program) -> float:
    """Runs a program in a process of its own and returns its wall time.

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
    return taken
