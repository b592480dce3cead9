"""Each mode in a process of its own, so that first calls, caches and memory are its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tracer import errors
from tracer.capture import returned
from tracer.capture.modes import MODES, Mode
from tracer.capture.signals import Terminated, sigterm_raises
from tracer.errors import ProgramFailed, TracerError, UsageError, did_you_mean

_START = Path(__file__).with_name("mode_start.py")
_RESULT, _RETURNED = "result.json", "returned.npz"
_PATIENCE_S = 30.0  # for a process that was told to end, to finish its files


def check_modes(modes: Sequence[str] | str) -> tuple[str, ...]:
    """Returns the modes that are asked for; a text names them with commas.

    Raises:
      UsageError: one is none, or comes twice.
    """
    asked = tuple(name.strip() for name in (modes.split(",") if isinstance(modes, str) else modes))
    for name in asked:
        if name not in MODES:
            hint = did_you_mean(name, MODES, otherwise=f"the modes are {', '.join(MODES)}")
            raise UsageError(f"no mode named '{name}'", hint=hint)
        if asked.count(name) > 1:
            raise UsageError(f"the mode '{name}' comes twice", hint="name each once: --modes eager,graph,xla")
    return asked


@contextlib.contextmanager
def mode_folder() -> Iterator[Path]:
    """Yields a folder for what processes hand over, which goes with the block."""
    with tempfile.TemporaryDirectory(prefix="trace-scenario-") as folder:
        yield Path(folder)


def record_apart(start: Callable[[Mapping[str, Any]], None], job: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Records in a process of its own, and returns what `hand_over` was given there.

    Args:
      start: a module's function that records there, given the job and its `folder`, which it hands over to.
      job: what to record, as JSON has it; `mode` is the mode's name.
      folder: for what is handed over.

    Raises:
      TracerError: the target or an option is wrong, which no mode mends.
      KeyboardInterrupt, Terminated: the process was told to end, and has finished its files.
    """
    own = folder / str(job["mode"])
    own.mkdir()
    order = own / "job.json"
    where = {"module": start.__module__, "function": start.__name__, "path": sys.path, "argv": sys.argv}
    order.write_text(json.dumps({**job, **where, "folder": str(own)}), encoding="utf-8")
    code = _waited(subprocess.Popen([sys.executable, str(_START), str(order)], start_new_session=True))
    try:
        result: dict[str, Any] = json.loads((own / _RESULT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {"run": "", "error": _ended(code), "ended": True}
    if result.get("raised"):
        kind = getattr(errors, result["raised"], TracerError)
        raise kind(result["error"], hint=result["hint"])
    return result


def hand_over(folder: str, mode: Mode, *, run: str, error: str = "") -> None:
    """Leaves, in the process of a mode, what its starter is to know."""
    returned.save(mode.results, Path(folder) / _RETURNED)
    _leave(
        folder,
        run=run,
        error=error,
        first_call_ns=mode.first_call_ns or None,
        tracing_ns=mode.tracing_ns if mode.first_call_ns else None,
        rss_bytes=mode.resident.grown,
        notes=mode.notes,
    )


def hand_over_error(folder: str, error: TracerError) -> None:
    """Leaves an error that no mode mends: the target or an option is wrong, or the program cannot be imported.

    What the program itself raised is printed here, for it cannot be handed over with its traceback.
    """
    if error.__cause__ is not None and isinstance(error, ProgramFailed):
        sys.stderr.write("".join(_program_traceback(error.__cause__)))
    _leave(folder, raised=type(error).__name__, error=error.message, hint=error.hint)


def results_apart(folder: Path, first: str, other: str) -> returned.Apart | None:
    """Returns how far apart the results of two modes are; None where one has none."""
    files = [folder / mode / _RETURNED for mode in (first, other)]
    return returned.apart(*files) if all(file.is_file() for file in files) else None


def _leave(folder: str, **result: Any) -> None:
    aside = Path(folder, f"{_RESULT}.tmp")
    aside.write_text(json.dumps(result), encoding="utf-8")
    aside.rename(Path(folder, _RESULT))


def _program_traceback(error: BaseException) -> Iterator[str]:
    """Yields the traceback of an exception without the frames of this package and of Python's import system."""
    report = traceback.TracebackException.from_exception(error)
    own = (str(Path(errors.__file__).parent), "<frozen")
    kept = [frame for frame in report.stack if not frame.filename.startswith(own)]
    report.stack = traceback.StackSummary.from_list(kept)
    yield from report.format(chain=False)


def _waited(process: subprocess.Popen[bytes]) -> int:
    """Waits for a process to end; Ctrl-C and SIGTERM are passed on to it, once each, and then have their way here.

    It has a session of its own, so that a terminal's Ctrl-C does not reach it a second time, which would cut it off
    while it finishes its files.
    """
    with sigterm_raises():
        try:
            return process.wait()
        except (KeyboardInterrupt, Terminated) as error:
            process.send_signal(signal.SIGINT if isinstance(error, KeyboardInterrupt) else signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE_S)
            raise
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _ended(code: int) -> str:
    if code < 0:
        return f"its process was ended by {signal.Signals(-code).name}"
    return f"its process ended with code {code}"
