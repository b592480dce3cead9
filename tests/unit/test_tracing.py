"""How long TensorFlow traced."""

from __future__ import annotations

import pytest

from tests.helpers import run, trace
from tracer.recorded import Key, Trace
from tracer.report.program import program_report


def made(index: int, at_s: float | None, seconds: float | None, calls: int | None = 0) -> Trace:
    """Returns a trace that was begun then and took so long."""
    return trace(index=index, seconds=seconds, calls=calls, key=Key((), at_s=at_s))


@pytest.mark.parametrize(
    ("traces", "seconds"),
    [
        ([], 0.0),
        ([made(0, 1.0, 0.5), made(1, 2.0, 0.25)], 0.75),  # what tf.data runs, nobody calls
        ([made(0, 1.25, 0.5), made(1, 1.0, 1.0, calls=3)], 1.0),  # the inner one ends first, and is recorded first
        ([made(0, 1.0, 1.0, calls=1), made(1, 1.5, 1.0, calls=1)], 1.5),  # two threads
        ([made(0, None, None, calls=1), made(1, 1.0, 0.5)], 0.5),  # the first was traced before the session
    ],
)
def test_time_of_tracing_is_wall_time(traces: list[Trace], seconds: float) -> None:
    """A trace inside of another is in the time of that, whoever called them; all others count."""
    assert program_report(run(*traces)).tracing_s == seconds
