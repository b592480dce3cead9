"""Ctrl-C and SIGTERM while a session is open: it closes first, then the signal has its way."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

_ENDING = (signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))
_STUCK_S = 5.0  # less than those who send SIGTERM wait before they send SIGKILL
_AGAIN_S = 0.05  # long enough to leave the `__del__`, short enough for a person who waits


_in_children: list[tuple[socket.socket, int]] = []  # what a forked child has to let go of, and what was there before


class Terminated(SystemExit):
    """SIGTERM, or a closed terminal, as an exception: the session ends, then the program, with the shell's code."""

    @property
    def signal(self) -> int:
        """The number of the signal."""
        return int(self.code or 0) - 128


@contextmanager
def sigterm_raises(*, stuck: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Lets SIGTERM, and a closed terminal, end the block by an exception, unless the program handles them itself.

    Python can only raise it between two of its own instructions. A program that has not come to one some seconds later,
    as it is inside of a long op, dies of the signal as it would without us; `stuck` is called before, in a thread.
    """
    numbers = [number for number in _ENDING if _in_main_thread() and signal.getsignal(number) is signal.SIG_DFL]
    if not numbers:
        yield
        return
    owner = os.getpid()
    reacted = threading.Event()

    def terminate(number: int, _frame: Any) -> None:
        reacted.set()
        if os.getpid() != owner:  # a forked child inherits the handler, but has no session to close
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        raise Terminated(128 + number)

    for number in numbers:
        signal.signal(number, terminate)
    try:
        with _watched(numbers, reacted, stuck):
            yield
    finally:
        for number in numbers:
            if signal.getsignal(number) is terminate:  # else the program has put its own there meanwhile
                signal.signal(number, signal.SIG_DFL)


@contextmanager
def _watched(numbers: list[signal.Signals], reacted: threading.Event, stuck: Callable[[], None]) -> Iterator[None]:
    """Has the process die of a signal of these whose handler does not come to run: C's tells a thread of it at once."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    before = signal.set_wakeup_fd(ours.fileno(), warn_on_full_buffer=False)
    _in_children.append((ours, before))
    owner = os.getpid()

    def wait() -> None:
        with theirs:
            while got := theirs.recv(1):
                if before != -1:
                    with suppress(OSError):
                        os.write(before, got)  # who waited for signals before, as an event loop does
                if got[0] not in numbers or os.getpid() != owner or reacted.wait(_STUCK_S):
                    continue
                with suppress(Exception):
                    stuck()
                if not reacted.is_set():
                    _die_of(got[0])

    # A daemon, as a program that ends must not wait for it.
    threading.Thread(target=wait, name="trace-scenario-signals", daemon=True).start()
    try:
        yield
    finally:
        if (ours, before) in _in_children:  # else this is a forked child, which has let go of it
            _in_children.remove((ours, before))
            now = signal.set_wakeup_fd(before)
            if now != ours.fileno():
                signal.set_wakeup_fd(now)  # the program's own
            ours.close()


def _let_go() -> None:
    """Has a forked child tell nobody of its signals: its parent would take them for its own."""
    while _in_children:
        ours, before = _in_children.pop()
        with suppress(ValueError, OSError):  # another thread than the main one has forked
            signal.set_wakeup_fd(before)
            ours.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


def _die_of(number: int) -> None:
    """Has the process die of a signal. `signal.signal` is for the main thread alone; C's is not."""
    ctypes.CDLL(None).signal(number, 0)
    os.kill(os.getpid(), number)


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
        error = dropped.exc_value
        number: int = signal.SIGINT if issubclass(dropped.exc_type, KeyboardInterrupt) else signal.SIGTERM
        number = error.signal if isinstance(error, Terminated) else number
        threading.Timer(_AGAIN_S, os.kill, (os.getpid(), number)).start()

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


@contextmanager
def interrupt_noted(note: Callable[[], None]) -> Iterator[None]:
    """Tells of Ctrl-C in the block, which then has its way, unless the program handles that signal itself."""
    if not _in_main_thread() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    def interrupt(number: int, frame: Any) -> None:
        note()
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        if _in_main_thread() and signal.getsignal(signal.SIGINT) is interrupt:
            signal.signal(signal.SIGINT, signal.default_int_handler)


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
