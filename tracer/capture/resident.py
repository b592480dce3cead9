"""How much the memory of this process grows."""

from __future__ import annotations

from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # proc(5): sets the peak to what is resident now


class Resident:
    """The growth of the process's resident memory, from `start` to its peak before `stop`."""

    def __init__(self) -> None:
        """Measures nothing yet."""
        self._begin: int | None = None
        self._running = False
        self.grown: int | None = None  # bytes; None where this system does not tell

    def start(self) -> None:
        """Begins, at the first of several calls."""
        if self._begin is not None:
            return
        try:
            _CLEAR.write_text(_RESET_PEAK)
            self._begin, self._running = _status("VmRSS"), True
        except (OSError, KeyError, ValueError):
            return

    def stop(self) -> None:
        """Ends, at the first of several calls."""
        if self._running and self._begin is not None:
            self._running = False
            self.grown = max(_status("VmHWM") - self._begin, 0)


def _status(name: str) -> int:
    lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines() if ":" in line)
    return int(lines[name].split()[0]) * 1024
