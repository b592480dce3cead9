"""From what a user types to a run's folder: a path, `latest`, `latest~2`, a scenario, or `scenario/stamp`."""

from __future__ import annotations

import datetime
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tracer.errors import NotFound, Unreadable, did_you_mean
from tracer.store import layout
from tracer.store.load import read_header

_LATEST = re.compile(r"latest(?:~(\d+))?")
# The stamp with the number behind it, "-2", which sorts as a number.
_STAMP = re.compile(r"(\d{8}-\d{6})(?:-(\d+))?")


def find_run(reference: str, logdir: Path) -> Path:
    """Returns the folder of the run that `reference` names.

    Raises:
      NotFound: there is none; the hint names what is close.
    """
    as_path = Path(reference)
    if (as_path / layout.RUN_FILE).is_file():
        return as_path.resolve()
    runs = list_runs(logdir)
    latest = _LATEST.fullmatch(reference)
    if latest:
        return _nth_newest(runs, int(latest[1] or 0), reference, logdir)
    if (logdir / reference / layout.RUN_FILE).is_file() and (logdir / reference) in runs:
        return (logdir / reference).resolve()
    of_scenario = [run for run in runs if run.parent.name == reference]
    if of_scenario:
        return of_scenario[0].resolve()
    names = {run.parent.name for run in runs} | {f"{run.parent.name}/{run.name}" for run in runs}
    otherwise = f"trace-scenario runs --logdir {logdir}" if runs else f"{logdir} holds no runs yet: trace-scenario list"
    raise NotFound(f"no run named '{reference}'", hint=did_you_mean(reference, names, otherwise=otherwise))


def list_runs(logdir: Path) -> list[Path]:
    """Returns the folders of all runs below a log folder, newest first.

    Raises:
      Unreadable: the log folder is a file, or may not be read.
    """
    if logdir.exists() and not logdir.is_dir():
        raise Unreadable(f"{logdir} is a file, not a log folder", hint="name a folder with --logdir")
    found = [run for scenario in _subfolders(logdir) for run in _subfolders(scenario) if _is_run(run)]
    ties = {stamp for stamp, number in Counter(_stamp(run)[0] for run in found).items() if number > 1}
    return sorted(found, key=lambda run: _age(run, tied=_stamp(run)[0] in ties), reverse=True)


def _nth_newest(runs: list[Path], back: int, reference: str, logdir: Path) -> Path:
    if back < len(runs):
        return runs[back].resolve()
    if not runs:
        raise NotFound(f"{logdir} holds no runs", hint="record one: trace-scenario run demo_module")
    raise NotFound(
        f"no run named '{reference}': {logdir} holds {len(runs)}", hint=f"the oldest is latest~{len(runs) - 1}"
    )


def _subfolders(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:  # a pathlib walk costs three times as much over 1,000 runs
            names = [entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    except FileNotFoundError:
        return
    except OSError as error:
        raise Unreadable(f"cannot read {folder}: {error.strerror}", hint="check its permissions") from error
    yield from (folder / name for name in sorted(names))


def _is_run(folder: Path) -> bool:
    return _STAMP.fullmatch(folder.name) is not None and os.path.isfile(folder / layout.RUN_FILE)  # noqa: PTH113  # hot


def _age(run: Path, *, tied: bool) -> tuple[str, float, int, str]:
    """Sorts runs by their start; `run.json`, which tells more than the second, is only read where there is a tie."""
    stamp, number = _stamp(run)
    return stamp, _started(run) if tied else 0.0, number, run.parent.name


def _stamp(run: Path) -> tuple[str, int]:
    stamp = _STAMP.fullmatch(run.name)
    assert stamp  # `_is_run` let it in
    return stamp[1], int(stamp[2] or 1)


def _started(run: Path) -> float:
    try:
        return datetime.datetime.fromisoformat(read_header(run)["started"]).timestamp()
    except (Unreadable, KeyError, TypeError, ValueError):
        return 0.0


def is_ours(folder: Path) -> bool:
    """Tells whether this tool made the folder, here: it has our stamp and our `run.json`, and no link leads to it."""
    if not _is_run(folder) or folder.is_symlink() or folder.parent.is_symlink():
        return False
    try:
        facts = read_header(folder)
    except Unreadable:
        return False
    return isinstance(facts.get("status"), str) and isinstance(facts.get("scenario"), str)
