"""Everything that this toolkit raises on purpose, and how each error ends a command.

    TracerError                 1   something of ours failed
    ├── ProgramFailed           1   the recorded program raised; its run is kept
    ├── WriteFailed             1   a run could not be written whole
    ├── UsageError              2   an argument or an option is wrong
    │   └── SessionActive       2   another session is open in this process
    ├── NotFound                3   no such run, file, scenario, module
    ├── Unreadable              4   a file is empty, corrupt, or newer than this version
    └── TooManyRetraces         5   a function was traced again more often than is allowed

An error has one line that says what is wrong and one that says what to do. The command line shows both, once, in
`tracer.cli`; Python callers read `message` and `hint`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_AUTOGRAPH_FRAMES = re.compile(r'    File "[^\n]*\n(?:        [^\n]*\n)?')


class TracerError(Exception):
    """An error with a hint and with the exit code of the command that meets it."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ProgramFailed(TracerError):
    """The recorded program raised: `__cause__` is its own exception, `run` the folder of what was recorded."""

    def __init__(self, message: str, *, hint: str = "", run: str = "") -> None:
        super().__init__(message, hint=hint)
        self.run = run


class WriteFailed(TracerError):
    """A run, or a part of one, could not be written or did not read back."""


class UsageError(TracerError):
    """An argument or an option does not fit what it was given for."""

    exit_code = 2


class SessionActive(UsageError):
    """A session is open already: TensorFlow's trace and profiler exist once a process."""


class NotFound(TracerError):
    """Nothing has that name or lies at that path."""

    exit_code = 3


class Unreadable(TracerError):
    """A file is there, but cannot be understood."""

    exit_code = 4


class TooManyRetraces(TracerError):
    """A function of the user's was traced again more often than `--max-retraces` allows."""

    exit_code = 5


def reason(error: BaseException) -> str:
    """Returns an exception as one line: `ValueError: no good`.

    AutoGraph's messages are a traceback of their own (`in user code: ...`), with the type and message of the original
    behind its frames; Keras's have a headline, and behind it, in colours, what it is about.
    """
    message = _COLOURS.sub("", str(error)).strip()
    if message.startswith("in user code:"):
        behind = _AUTOGRAPH_FRAMES.split(message)[-1].strip()
        return behind.splitlines()[0].strip() if behind else type(error).__name__
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    if lines and lines[0].startswith("Exception encountered when calling") and len(lines) > 1:
        return f"{type(error).__name__}: {lines[0]} {lines[1]}"
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def did_you_mean(name: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """Returns the hint for a name that does not exist: the names closest to it, or `otherwise`."""
    close = difflib.get_close_matches(name, sorted(known), n=3)
    if not close:
        return otherwise
    return f"did you mean {' or '.join(repr(match) for match in close)}?"
