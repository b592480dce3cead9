"""Ctrl-C and SIGTERM while a session is open: it closes first, then the signal has its way."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_AGAIN_S = 0.05  # long enough to leave the `__del__`, short enough for a person who waits


class Terminated(SystemExit):
    """SIGTERM, as an exception: the session's `with` block ends, then the program, with the shell's code for it."""


@contextmanager
def sigterm_raises() -> Iterator[None]:
    """Lets SIGTERM end the block by an exception, unless the program handles that signal itself."""
    if not _in_main_thread() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    owner = os.getpid()

    def terminate(number: int, _frame: Any) -> None:
        if os.getpid() != owner:  # a forked child inherits the handler, but has no session to close
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        raise Terminated(128 + number)

    signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def delivered_again() -> Iterator[None]:
    """Sends Ctrl-C or SIGTERM again if Python dropped it: what a signal raises inside a `__del__` is only printed.

    TensorFlow's functions have one, so a program that makes and drops them would now and then not hear its signal.
    """
    before = sys.unraisablehook

    def hook(dropped: Any) -> None:
        if not issubclass(dropped.exc_type, (KeyboardInterrupt, Terminated)):
            before(dropped)
            return
        number = signal.SIGINT if issubclass(dropped.exc_type, KeyboardInterrupt) else signal.SIGTERM
        threading.Timer(_AGAIN_S, os.kill, (os.getpid(), number)).start()

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


@contextmanager
def postponed() -> Iterator[None]:
    """Holds Ctrl-C and SIGTERM back while files are being finished, and lets the first have its way afterwards.

    The second one is not held back: whoever asks twice means it.
    """
    if not _in_main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    pending: list[int] = []

    def remember(number: int, _frame: Any) -> None:
        pending.append(number)
        signal.signal(number, before[signal.Signals(number)])

    for number, handler in before.items():
        if handler is not signal.SIG_IGN and handler is not None:
            signal.signal(number, remember)
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)
        if pending:
            signal.raise_signal(pending[0])


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
