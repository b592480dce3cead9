"""A run to why TensorFlow traced its functions again, and what spares it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tracer.graph.lines import Frame
from tracer.recorded import Function, Run, Warned
from tracer.report.listing import Listing, listing
from tracer.report.tracing import tracing_seconds
from tracer.retracing.advice import Advice, advise
from tracer.retracing.causes import Explained, Reason, calls_once, explain
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
    calls: int  # by the program; those that the recording repeats are not counted
    seconds: float  # that its retraces took, with the functions that were traced inside of them
    causes: tuple[Cause, ...]  # in the order of the traces
    legitimate: tuple[Legitimate, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class RetracesReport:
    """The functions of a run, those that lost the most time to retraces first."""

    run: Run
    function: str  # the only one that was looked at; empty for all
    functions: Listing[RetracedFunction]
    traces: int  # over all of them, also those left out
    retraces: int
    relaxed: int  # traces that reduce_retracing made
    seen: bool  # whether the session saw one of the functions being traced
    seconds: float  # lost to retraces, those inside of others counted once
    damaged: tuple[Warned, ...]  # traces that are damaged: of these nobody knows


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
    found = [_function(each, explained, run.repeats) for each, explained in rows if explained]
    found.sort(key=lambda row: (row.retraces == 0, -row.seconds))
    every = [each for _, explained in rows for each in explained]
    again = [each for each in every if each.is_retrace]
    return RetracesReport(
        run=run,
        function=function or "",
        functions=listing(found, top=top),
        traces=len(every),
        retraces=len(again),
        relaxed=sum(each.reason == "relaxed" for each in every),
        seen=any(each.reason != "existing" for each in every),
        seconds=tracing_seconds(each.trace for each in again),
        damaged=run.damaged,
    )


def _function(function: Function, explained: Sequence[Explained], repeats: int) -> RetracedFunction:
    again = [each for each in explained if each.is_retrace]
    return RetracedFunction(
        name=function.name,
        origin=function.traces[0].origin,
        definition=function.traces[0].definition,
        traces=len(explained),
        retraces=len(again),
        calls=calls_once(function.traces, repeats),
        seconds=tracing_seconds(each.trace for each in again),
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
