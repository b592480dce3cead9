"""What work costs inside of its process: time, and by how much the process grows at most."""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_STATUS = Path("/proc/self/status")  # Linux
_PEAK_RESET = Path("/proc/self/clear_refs")

Work = Callable[[], Any]  # returns all that was made, so that it is held; first a number, if it counts what it works on


def measure_case(cases: Mapping[str, Callable[[Path], Work]]) -> None:
    """Reads `CASE FILE SMALL` from the command line, does the case with FILE, and prints what it cost as JSON.

    First it does the same with SMALL, so that what is loaded once in a process is loaded; then the clock starts. What
    a case does before it returns its work, imports for one, is outside of the time. Without SMALL it does the case and
    prints nothing: for a process that is timed as a whole.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("case", choices=cases)
    parser.add_argument("file", type=Path)
    parser.add_argument("small", type=Path, nargs="?")
    given = parser.parse_args()
    if given.small is None:
        cases[given.case](given.file)()
        return
    cases[given.case](given.small)()
    work = cases[given.case](given.file)
    growth = Growth()
    begin = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - begin
    count = result[0] if isinstance(result, tuple) and isinstance(result[0], int) else 0
    print(json.dumps({"seconds": seconds, "bytes": growth.most(), "count": count}))


class Growth:
    """By how much this process grows from now on."""

    def __init__(self) -> None:
        gc.collect()
        if _PEAK_RESET.exists():
            _PEAK_RESET.write_text("5", encoding="ascii")  # proc(5): sets the peak to what is held now
        self._before = _kilobytes("VmRSS")

    def most(self) -> int:
        """Returns by how many bytes it grew at most."""
        return (_kilobytes("VmHWM") - self._before) * 1024


def _kilobytes(field: str) -> int:
    """Returns a field of /proc/self/status; 0 where there is no such file."""
    lines = _STATUS.read_text("ascii", "replace").splitlines() if _STATUS.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith(field)), 0)
