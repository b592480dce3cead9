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
_handlers: dict[int, Any] = {}  # by signal, the handlers of ours that a forked child would inherit


class Terminated(SystemExit):
    """SIGTERM, or a closed terminal, as an exception: the session ends, then the program, with the shell's code."""

    @property
    def signal(self) -> int:
        """The number of the signal."""
        return int(self.code or 0) - 128


@contextmanager
def sigterm_raises(*, stuck: Callable[[], None] = lambda: None) -> Iterator[list[Terminated]]:
    """Lets SIGTERM, and a closed terminal, end the block by an exception, unless the program handles them itself.

    Yields a list of what was raised: who runs the program's parts, as a runner of tests does, may take the exception
    for a failure of one, and go on.

    Python can only raise it between two of its own instructions. A program that has not come to one some seconds later,
    as it is inside of a long op, dies of the signal as it would without us; `stuck` is called before, in a thread.
    """
    numbers = [number for number in _ENDING if _in_main_thread() and signal.getsignal(number) is signal.SIG_DFL]
    raised: list[Terminated] = []
    if not numbers:
        yield raised
        return
    reacted = threading.Event()

    def terminate(number: int, _frame: Any) -> None:
        reacted.set()
        raised.append(Terminated(128 + number))
        raise raised[-1]

    for number in numbers:
        signal.signal(number, terminate)
        _handlers[number] = terminate
    try:
        with _watched(numbers, reacted, stuck):
            yield raised
    finally:
        for number in numbers:
            _handlers.pop(number, None)
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
                with suppress(Exception):  # the process dies in any case: better without the last state than not at all
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
    """Has a forked child die of its signals, as it has no session to close, and tell nobody of them.

    Its parent would take them for its own, and a handler of Python's does not come to run in a child that hangs.
    """
    for number, handler in _handlers.items():
        with suppress(ValueError):  # another thread than the main one has forked
            if signal.getsignal(number) is handler:
                signal.signal(number, signal.SIG_DFL)
    _handlers.clear()
    while _in_children:
        ours, before = _in_children.pop()
        with suppress(ValueError, OSError):  # another thread than the main one has forked
            signal.set_wakeup_fd(before)
            ours.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


def die_if_told_to(error: BaseException | None) -> None:
    """Has the process die of the signal that an exception stands for, where the exception would not end it.

    Who calls the program's parts, as pytest and IPython do, takes it for a failure of one of them, and goes on.
    """
    if isinstance(error, Terminated):
        _die_of(error.signal)


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
        if sys.unraisablehook is hook:  # else the program has put its own there meanwhile
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
