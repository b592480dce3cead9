"""Which old runs to remove, and removing them: only folders that this tool made, and none that is being written.

The newest `keep` of each scenario stay, whatever their age; of the others, those go that are older than `older_than`,
or all of them if no age is given. Neither removed nor counted among the newest are runs that are being recorded, that
a link leads to, and that are damaged: `trace-scenario doctor` names these.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
from pathlib import Path

from tracer.errors import UsageError
from tracer.store.find import is_ours, list_runs
from tracer.store.load import read_header, status
from tracer.store.usage import folder_bytes
from tracer.store.writer import remove_run

_AGE = re.compile(r"([0-9]+)\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclasses.dataclass(frozen=True, slots=True)
class OldRun:
    """A run that may go."""

    path: Path
    bytes: int


def parse_age(text: str) -> datetime.timedelta:
    """Returns the age in `7d`, `12h`, `30m`, `2w`.

    Raises:
      UsageError: it is none.
    """
    match = _AGE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"'{text}' is no age", hint="write a number and a unit: 30m, 12h, 7d, 2w")
    try:
        return datetime.timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        raise UsageError(f"'{text}' is too long ago", hint="write a shorter age, as 52w") from None


def old_runs(
    logdir: Path, *, keep: int | None, older_than: datetime.timedelta | None, now: datetime.datetime
) -> tuple[OldRun, ...]:
    """Returns the runs to remove, oldest first.

    Args:
      logdir: the log folder.
      keep: the newest so many of each scenario stay, whatever their age.
      older_than: runs younger than this stay.
      now: the time to count from.

    Raises:
      UsageError: neither is given, which would remove everything.
    """
    if keep is None and older_than is None:
        raise UsageError("nothing says which runs are old", hint="--keep 3, or --older-than 7d")
    seen: dict[str, int] = {}
    chosen = []
    for path in list_runs(logdir):
        if not _may_go(path):
            continue
        seen[path.parent.name] = seen.get(path.parent.name, 0) + 1
        kept = keep is not None and seen[path.parent.name] <= keep
        if not kept and _older(path, older_than, now):
            chosen.append(OldRun(path, folder_bytes(path)))
    return tuple(reversed(chosen))


def remove(runs: tuple[OldRun, ...]) -> None:
    """Removes runs.

    Raises:
      WriteFailed: one cannot be removed; those before it are gone.
    """
    for run in runs:
        if _may_go(run.path):  # still: the runs were chosen a while ago
            remove_run(run.path)


def _may_go(path: Path) -> bool:
    return is_ours(path) and status(read_header(path)) != "recording"


def _older(path: Path, age: datetime.timedelta | None, now: datetime.datetime) -> bool:
    if age is None:
        return True
    try:
        return now - datetime.datetime.fromisoformat(read_header(path)["started"]) > age
    except (KeyError, ValueError, TypeError):
        return False  # nobody knows how old it is
