"""Which process writes a run, and whether it still lives."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def this_process() -> dict[str, Any]:
    """Returns what tells this process from every other, later ones with the same number included."""
    return {"pid": os.getpid(), "started": _start_time(os.getpid()), "host": socket.gethostname()}


def is_alive(process: Mapping[str, Any]) -> bool:
    """Tells whether the process of `this_process()` still runs. One on another machine counts as alive: who knows."""
    if process.get("host") not in (None, socket.gethostname()):
        return True
    pid = process.get("pid")
    if not isinstance(pid, int) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return _state(pid) != "Z" and _start_time(pid) == process.get("started")


def _stat(pid: int) -> list[str]:
    """Returns the fields of `/proc/<pid>/stat` behind the command's name; nothing where there is no /proc."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _start_time(pid: int) -> int | None:
    """Returns the clock tick at which a process started (field 22 of stat(5)): process numbers are used again."""
    fields = _stat(pid)
    return int(fields[19]) if len(fields) > 19 else None


def _state(pid: int) -> str:
    return (_stat(pid) or [""])[0]
