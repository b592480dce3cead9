"""Everything that this toolkit raises on purpose, and how each error ends a command.

    TracerError                 1   something of ours failed
    ├── ProgramFailed           1   the recorded program raised; its run is kept
    ├── WriteFailed             1   a run could not be written whole
    ├── UsageError              2   an argument or an option is wrong
    │   └── SessionActive       2   another session is open in this process
    ├── NotFound                3   no such run, file, scenario, module
    └── Unreadable              4   a file is empty, corrupt, or newer than this version

An error has one line that says what is wrong and one that says what to do. The command line shows both, once, in
`tracer.cli`; Python callers read `message` and `hint`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


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


def reason(error: BaseException) -> str:
    """Returns an exception as one line: `ValueError: no good`.

    AutoGraph's messages hold a traceback of their own (`in user code: ...`), whose last line is the message.
    """
    message = str(error).strip()
    if message.startswith("in user code:"):
        return message.splitlines()[-1].strip()
    first = message.splitlines()[0] if message else ""
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def did_you_mean(name: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """Returns the hint for a name that does not exist: the names closest to it, or `otherwise`."""
    close = difflib.get_close_matches(name, sorted(known), n=3)
    if not close:
        return otherwise
    return f"did you mean {' or '.join(repr(match) for match in close)}?"
