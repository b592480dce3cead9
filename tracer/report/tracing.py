"""How long TensorFlow traced."""

from __future__ import annotations

from collections.abc import Iterable

from tracer.recorded import Trace


def tracing_seconds(traces: Iterable[Trace]) -> float:
    """Returns what traces took; one that was made inside of another is in the time of that."""
    total, end = 0.0, 0.0
    spans = [(trace.key.at_s, trace.seconds or 0.0) for trace in traces]
    total += sum(seconds for begin, seconds in spans if begin is None)  # of an older run
    for begin, seconds in sorted((begin, seconds) for begin, seconds in spans if begin is not None):
        total += max(begin + seconds - max(begin, end), 0.0)
        end = max(end, begin + seconds)
    return total
