"""`tracer.step()`: a program says where its steps begin and end."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from collections.abc import Iterator
from typing import Protocol, SupportsInt

STEP = "step"  # what marked steps are called


class Marked(Protocol):
    """What is told of marked steps."""

    def begin(self, function: str, number: int, *, tentative: bool = False) -> None:
        """A step begins."""

    def end(self, *, raised: bool = False) -> None:
        """It is over, or it raised: then it is no step whose time says anything."""


class _Listener:
    def __init__(self, told: Marked, skip_steps: int) -> None:
        self.told = told
        self.skip_steps = skip_steps
        self.numbers = itertools.count()
        self.pid = os.getpid()
        self.under_way = threading.Lock()  # held while a step is


_listeners: list[_Listener] = []  # the innermost recording is the last


@contextlib.contextmanager
def listening(told: Marked, *, skip_steps: int = 0) -> Iterator[None]:
    """Has marked steps told while the block runs; the first `skip_steps` as those that nobody counts."""
    listener = _Listener(told, skip_steps)
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


@contextlib.contextmanager
def step(number: SupportsInt | None = None) -> Iterator[None]:
    """Marks the block as one step of what is being recorded; does nothing where nothing is.

        for x, y in dataset:
            with tracer.step():
                train(x, y)

    It counts for `tracer.trace`, for `trace-scenario script`, and in TensorBoard's Profile tab. What the program does
    between two blocks is no part of a step. A step inside of a step is part of that, and so is one that another thread
    begins meanwhile.

    Args:
      number: the step's number, as an int, NumPy's, or a tf.Variable; they are counted from 0 if it is not given, or is
        no whole number from 0 on.
    """
    listener = _listeners[-1] if _listeners else None
    if listener is None or listener.pid != os.getpid() or not listener.under_way.acquire(blocking=False):
        yield
        return
    raised = True
    try:
        counted = next(listener.numbers)
        listener.told.begin(STEP, _whole(number, counted), tentative=counted < listener.skip_steps)
        yield
        raised = False
    finally:
        try:
            listener.told.end(raised=raised)
        finally:
            listener.under_way.release()


def _whole(number: SupportsInt | None, counted: int) -> int:
    """Returns a number as profiles can have it; whatever else a program counts with is no error of it."""
    try:
        whole = counted if number is None else int(number)
    except Exception:  # noqa: BLE001  # an object of the program's may raise anything: its step is counted then
        return counted
    return whole if 0 <= whole < 1 << 63 else counted
