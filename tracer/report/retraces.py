"""A run to why TensorFlow traced its functions again, and what spares it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from tracer.graph.lines import Frame
from tracer.recorded import Function, Run
from tracer.report.listing import Listing, listing
from tracer.retracing.advice import Advice, advise
from tracer.retracing.causes import Explained, Reason, explain
from tracer.retracing.changes import Change


@dataclasses.dataclass(frozen=True, slots=True)
class Cause:
    """One thing that made TensorFlow trace again; a retrace may have several."""

    trace: int  # the number of the retrace: `#3` of `step#3`
    against: int  # the number of the closest earlier trace, which it is compared with
    change: Change
    call_site: Frame | None
    at_s: float | None
    seconds: float | None  # that the retrace took
    advice: Advice


@dataclasses.dataclass(frozen=True, slots=True)
class Legitimate:
    """A trace that is no retrace."""

    trace: int
    reason: Reason
    call_site: Frame | None
    at_s: float | None
    seconds: float | None
    changes: tuple[Change, ...]  # of a relaxed one: which sizes


@dataclasses.dataclass(frozen=True, slots=True)
class RetracedFunction:
    """A function with its traces, what tapes made of them left out."""

    name: str
    origin: str  # "user", "keras"
    definition: Frame | None
    traces: int
    retraces: int
    calls: int
    seconds: float  # that its retraces took, with the functions that were traced inside of them
    causes: tuple[Cause, ...]  # in the order of the traces
    legitimate: tuple[Legitimate, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class RetracesReport:
    """The functions of a run, those that lost the most time to retraces first."""

    run: Run
    function: str  # the only one that was looked at; empty for all
    functions: Listing[RetracedFunction]
    retraces: int  # over all of them, also those left out
    seconds: float  # lost to retraces, those inside of others counted once


def retraces_report(run: Run, *, function: str | None = None, top: int = 0) -> RetracesReport:
    """Returns why each function was traced again; TensorFlow's own helpers are left out.

    Args:
      run: the run.
      function: look at this function only.
      top: how many functions to list; 0 is all of them.

    Raises:
      NotFound: the run has no such function.
    """
    chosen = run.functions.values() if function is None else [run.functions[function]]
    rows = [(each, explain(each)) for each in chosen if function is not None or each.traces[0].origin != "tensorflow"]
    found = [_function(each, explained) for each, explained in rows if explained]
    found.sort(key=lambda row: (row.retraces == 0, -row.seconds))
    again = [each for _, explained in rows for each in explained if each.is_retrace]
    return RetracesReport(run, function or "", listing(found, top=top), len(again), _seconds(again))


def _function(function: Function, explained: Sequence[Explained]) -> RetracedFunction:
    again = [each for each in explained if each.is_retrace]
    return RetracedFunction(
        name=function.name,
        origin=function.traces[0].origin,
        definition=function.traces[0].definition,
        traces=len(explained),
        retraces=len(again),
        calls=function.calls,
        seconds=_seconds(again),
        causes=tuple(_cause(change, each, explained) for each in again for change in each.changes),
        legitimate=tuple(_legitimate(each) for each in explained if not each.is_retrace),
    )


def _cause(change: Change, retrace: Explained, every: Sequence[Explained]) -> Cause:
    trace = retrace.trace
    advice = advise(change, retrace, every)
    return Cause(retrace.number, retrace.against, change, trace.call_site, trace.key.at_s, trace.seconds, advice)


def _legitimate(each: Explained) -> Legitimate:
    trace = each.trace
    return Legitimate(each.number, each.reason, trace.call_site, trace.key.at_s, trace.seconds, each.changes)


def _seconds(retraces: Iterable[Explained]) -> float:
    """Returns what retraces took; one that was made inside of another is in the time of that."""
    total, end = 0.0, 0.0
    spans = [(each.trace.key.at_s, each.trace.seconds or 0.0) for each in retraces]
    total += sum(seconds for begin, seconds in spans if begin is None)  # of an older run
    for begin, seconds in sorted((begin, seconds) for begin, seconds in spans if begin is not None):
        total += max(begin + seconds - max(begin, end), 0.0)
        end = max(end, begin + seconds)
    return total
