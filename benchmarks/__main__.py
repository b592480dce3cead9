"""Runs the benchmarks, prints their table, and writes `docs/benchmarks.md`."""

from __future__ import annotations

import argparse
import datetime
import functools
import importlib.metadata
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cases import RUNS, commands, make_runs, recordings
from benchmarks.measure import Comparison, Outcome, compare
from benchmarks.report import page, table

_PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_PACKAGES = ("trace-scenario", "tensorflow", "keras", "tensorboard", "click", "rich", "numpy", "protobuf")


def main() -> None:
    """Reads the command line, measures and reports."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="how often each program runs (7)")
    parser.add_argument("--quick", action="store_true", help="three rounds")
    given = parser.parse_args()
    rounds = 3 if given.quick else given.rounds

    before = _load()
    with tempfile.TemporaryDirectory() as logdir:
        make_runs(Path(logdir))
        outcomes = _measure([commands(Path(logdir)), *_recordings()], rounds)
    print(table(outcomes))
    text = page(
        outcomes,
        rounds=rounds,
        facts=_facts(),
        command=" ".join(["python -m benchmarks", *sys.argv[1:]]),
        when=datetime.date.today().isoformat(),
        runs=RUNS,
        load=f"{before} and {_load()}",
    )
    _PAGE.write_text(text, encoding="utf-8")


def _recordings() -> list[list[Comparison]]:
    return [recordings(model, profile=profile) for profile in (False, True) for model in ("small", "mobilenet")]


def _measure(groups: Sequence[Sequence[Comparison]], rounds: int) -> list[Outcome]:
    tell = functools.partial(print, file=sys.stderr, flush=True)
    return [outcome for group in groups for outcome in compare(group, rounds, tell)]


def _facts() -> dict[str, str]:
    versions = {package: importlib.metadata.version(package) for package in _PACKAGES}
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    return {"Python": platform.python_version(), **versions, "machine": machine}


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    main()
