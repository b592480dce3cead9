"""Runs the benchmarks, prints their tables, and writes them into `docs/benchmarks.md`."""

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

from benchmarks import graph_cases, profile_cases, program_cases
from benchmarks.cases import RUNS, commands, make_runs, recordings
from benchmarks.measure import Comparison, Outcome, compare
from benchmarks.report import page, section, tables

_PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_PACKAGES = ("trace-scenario", "tensorflow", "keras", "tensorboard", "click", "rich", "numpy", "protobuf", "xprof")
_PARTS = ("recording", "graphs", "profiles", "programs")


def main() -> None:
    """Reads the command line, measures and reports."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="how often each program runs (7)")
    parser.add_argument("--quick", action="store_true", help="one round, nothing before it, and small inputs: minutes")
    parser.add_argument("--only", choices=_PARTS, help="this part; the page keeps the others as they are")
    parser.add_argument("--page", type=Path, default=_PAGE, help="the page to write (docs/benchmarks.md)")
    given = parser.parse_args()
    sections = {
        part: _part(part, 1 if given.quick else given.rounds, quick=given.quick)
        for part in _PARTS
        if given.only in (None, part)
    }
    before = given.page.read_text(encoding="utf-8") if given.page.exists() else ""
    given.page.write_text(page(before, sections), encoding="utf-8")


def _part(part: str, rounds: int, *, quick: bool) -> str:
    """Measures a part, prints its tables, and returns its section of the page."""
    before = _load()
    with tempfile.TemporaryDirectory() as folder:
        groups = _groups(part, Path(folder), quick=quick)
        outcomes = _measure(groups, rounds, warm=not quick)
    print(tables(outcomes))
    return section(
        part,
        outcomes,
        facts=_facts(),
        command=" ".join(["python -m benchmarks", *sys.argv[1:]]),
        when=datetime.date.today().isoformat(),
        rounds=rounds,
        load=f"{before} and {_load()}",
        runs=RUNS,
        odd=graph_cases.odd_size(_sizes(quick=quick)),
        left_out=f" {left_out}" if (left_out := graph_cases.left_out()) else "",
        **profile_cases.sizes_of(quick=quick),
    )


def _groups(part: str, folder: Path, *, quick: bool) -> list[list[Comparison]]:
    if part == "recording":
        return _recording(folder)
    if part == "programs":
        return program_cases.make_comparisons(quick=quick)
    return _graphs(folder, quick=quick) if part == "graphs" else profile_cases.make_comparisons(folder, quick=quick)


def _recording(folder: Path) -> list[list[Comparison]]:
    make_runs(folder)
    models = [recordings(model, profile=profile) for profile in (False, True) for model in ("small", "mobilenet")]
    return [commands(folder), *models]


def _graphs(folder: Path, *, quick: bool) -> list[list[Comparison]]:
    if left_out := graph_cases.left_out():
        print(left_out, file=sys.stderr)
    return graph_cases.make_comparisons(folder, _sizes(quick=quick))


def _sizes(*, quick: bool) -> tuple[int, ...]:
    return graph_cases.QUICK_SIZES if quick else graph_cases.SIZES


def _measure(groups: Sequence[Sequence[Comparison]], rounds: int, *, warm: bool) -> list[Outcome]:
    tell = functools.partial(print, file=sys.stderr, flush=True)
    return [outcome for group in groups for outcome in compare(group, rounds, tell, warm=warm)]


def _facts() -> dict[str, str]:
    versions = {package: importlib.metadata.version(package) for package in _PACKAGES}
    optional = {name: found for name in ("ai-edge-model-explorer-adapter",) if (found := _version(name))}
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    return {"Python": platform.python_version(), **versions, **optional, "machine": machine}


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    main()
