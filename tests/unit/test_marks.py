"""`tracer.step()`: which blocks are steps."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest

from tracer.capture.marks import listening, step


class Told:
    """Keeps what it is told of steps."""

    def __init__(self):
        self.steps = []
        self.numbers = []

    def begin(self, function, number, *, tentative=False):
        """A step begins."""
        self.steps.append(f"{function} {number}{' tentative' if tentative else ''}")
        self.numbers.append(number)

    def end(self, *, raised=False):
        """It is over."""
        self.steps.append("raised" if raised else "end")


def test_steps_are_counted_and_one_inside_of_another_is_a_part_of_it():
    """The first ones, which nobody counts, are told as such; a number of the program's own is kept."""
    told = Told()
    with listening(told, skip_steps=1):
        with step():
            pass
        with step(), step():
            pass
        with step(7):
            pass

    assert told.steps == ["step 0 tentative", "end", "step 1", "end", "step 7", "end"]


@pytest.mark.parametrize(
    ("given", "told"),
    [(np.int64(3), 3), (4.0, 4), ("5", 5), (-1, 0), (1 << 63, 0), (float("nan"), 0), ("x", 0), (object(), 0)],
)
def test_a_step_has_a_whole_number_whatever_a_program_counts_with(given, told):
    """What is no whole number from 0 on gives way to the count, and no error comes of it."""
    seen = Told()
    with listening(seen), step(given):
        pass

    assert seen.steps == [f"step {told}", "end"]
    assert json.loads(json.dumps(seen.numbers)) == [told]


def test_a_step_of_another_thread_does_not_end_the_one_under_way():
    """Of two threads that mark steps at once one has the step; alone, the other has its own."""
    told = Told()

    def other():
        with step():
            pass

    with listening(told):
        with step():
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    assert told.steps == ["step 0", "end", "step 1", "end"]


def test_a_step_that_raises_is_told_so_and_the_next_one_counts():
    """What it raised goes its way."""
    told = Told()
    with listening(told):
        try:
            with step():
                raise ValueError
        except ValueError:
            told.steps.append("caught")
        with step():
            pass

    assert told.steps == ["step 0", "raised", "caught", "step 1", "end"]
