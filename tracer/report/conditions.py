"""What `--fail-on` takes: `time>5%`, `peak_bytes>64MiB`, `self_ns[mlp/linear_0]>10%`.

A condition is met where the second run has more than the first, by more than it says: by a part of what the first had,
or by an amount. It is `met`, `not met`, or `unclear` where what was
measured does not tell.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping

from tracer.errors import NotFound, UsageError, did_you_mean
from tracer.report.measured import Measured
from tracer.report.time_diff import MemoryDiff

MET = "met"
NOT_MET = "not met"
UNCLEAR = "unclear"

_GRAMMAR = "NAME>NUMBER, as in time>5%, peak_bytes>64MiB, nodes>0, self_ns[mlp/linear_0]>10%"
_CONDITION = re.compile(
    r"\s*(?P<name>\w+)\s*(?:\[(?P<scope>.*)\])?\s*>\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>%|\w*)\s*"
)
_TIMES: Mapping[str, float] = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}
_SIZES: Mapping[str, float] = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_COUNTS: Mapping[str, float] = {"": 1}
UNITS: Mapping[str, Mapping[str, float]] = {
    "time": _TIMES,  # wall time of a step
    # The names of these say what a bare number is.
    "cpu_ns": {"": 1, **_TIMES},  # CPU time of a step, of all threads
    "self_ns": {"": 1, **_TIMES},  # self time of all executions in a step, or of those in a scope
    "peak_bytes": _SIZES,
    "bytes": _SIZES,  # allocated in a step
    "calls": _COUNTS,  # executions in a step, or of those in a scope
    "nodes": _COUNTS,  # of the graphs, or of a scope
}
_OF_SCOPES = ("self_ns", "calls", "nodes")


@dataclasses.dataclass(frozen=True, slots=True)
class Condition:
    """A condition on what changed."""

    text: str  # as it was typed
    name: str  # one of `UNITS`
    scope: str | None  # a scope's path; None for the whole
    amount: float  # in nanoseconds, bytes, or a count; of a part, 0.05 for 5 %
    is_part: bool  # whether the amount is a part of what there was before


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a condition."""

    condition: Condition
    state: str  # "met", "not met", "unclear"
    reason: str  # what it rests on


@dataclasses.dataclass(frozen=True, slots=True)
class NodeCounts:
    """How many nodes there are before and after."""

    whole: tuple[int, int]
    scopes: Mapping[str, tuple[int, int]]  # by the scope's path, over all functions
    partial: bool  # whether not every graph could be compared


def parse_condition(typed: str) -> Condition:
    """Returns a condition.

    Raises:
      UsageError: it cannot be read, or there is no such quantity or unit, or it is not known of scopes.
    """
    match = _CONDITION.fullmatch(typed)
    if not match:
        raise UsageError(f"'{typed}' is no condition", hint=f"write {_GRAMMAR}; names: {', '.join(UNITS)}")
    name, scope, unit = match["name"], match["scope"], match["unit"]
    if name not in UNITS:
        hint = did_you_mean(name, UNITS, otherwise=f"names: {', '.join(UNITS)}")
        raise UsageError(f"no quantity named '{name}' in '{typed}'", hint=hint)
    if scope is not None and name not in _OF_SCOPES:
        raise UsageError(f"'{name}' is not known of a scope", hint=f"of a scope there are: {', '.join(_OF_SCOPES)}")
    if not unit and unit not in UNITS[name]:
        number = match["number"]
        raise UsageError(f"'{typed}' does not say of what", hint=f"write {name}>{number}%, or {name}>{number}ms")
    if unit != "%" and unit not in UNITS[name]:
        units = ", ".join(("%", *filter(None, UNITS[name])))
        raise UsageError(f"'{unit}' is no unit of '{name}'", hint=f"units: {units}")
    amount = float(match["number"])
    amount = amount / 100 if unit == "%" else amount * UNITS[name][unit]
    return Condition(typed, name, scope.rstrip("/") if scope is not None else None, amount, unit == "%")


def judge(condition: Condition, measured: Measured, nodes: NodeCounts) -> Outcome:
    """Returns whether a condition is met by what changed.

    Raises:
      NotFound: it is on a scope that neither side has.
    """
    _check_scope(condition, measured, nodes)
    exceeds, reason = (
        _nodes(condition, nodes) if condition.name == "nodes" else _JUDGES[condition.name](condition, measured)
    )
    state = UNCLEAR if exceeds is None else MET if exceeds else NOT_MET
    return Outcome(condition, state, reason)


def _check_scope(condition: Condition, measured: Measured, nodes: NodeCounts) -> None:
    if condition.scope is None:
        return
    known = {*nodes.scopes, *(row.key.name for row in measured.rows if row.key.by == "scope")}
    if condition.scope not in known:
        hint = did_you_mean(condition.scope, known, otherwise="trace-scenario show lists the scopes of a run")
        raise NotFound(f"no scope named '{condition.scope}' on either side", hint=hint)


_Judged = tuple["bool | None", str]
_NO_STEPS = "not both runs have steps with times: record them with --steps, by this version"
_NO_CPU = "not both runs have the CPU time of steps: record them by this version, as steps and not as a block"
_NO_PROFILE = "not both runs have a profile with steps: record them without --no-profile"
_NO_BLOCKS = "TensorFlow reported no memory of one of the runs: on a CPU only blocks from 256 KiB are reported"


def _time(condition: Condition, measured: Measured) -> _Judged:
    found = measured.time
    if found is None:
        return None, _NO_STEPS
    return found.comparison.exceeds(_part(condition, found.before_ns)), found.reason or f"time is {found.verdict}"


def _cpu_ns(condition: Condition, measured: Measured) -> _Judged:
    found = measured.cpu_ns
    if found is None:
        return None, _NO_CPU
    return found.exceeds(_part(condition, found.before)), f"CPU time is {found.verdict}"


def _self_ns(condition: Condition, measured: Measured) -> _Judged:
    found = measured.self_ns
    if found is None:
        return None, _NO_PROFILE
    if condition.scope is None:
        return found.exceeds(_part(condition, found.before)), f"self time is {found.verdict}"
    rows = measured.rows_of_scope(condition.scope)
    if not rows:
        return False, "nothing of it is executed"
    states = [row.exceeds(_part(condition, row.comparison.before)) for row in rows]
    return _any(states), f"self time is {', '.join(sorted({row.verdict for row in rows}))}"


def _calls(condition: Condition, measured: Measured) -> _Judged:
    if measured.calls is None:
        return None, _NO_PROFILE
    before, after = measured.calls
    if condition.scope is not None:
        rows = measured.rows_of_scope(condition.scope)
        before, after = (sum(row.calls[side] for row in rows) for side in (0, 1))
    bound = condition.amount * before if condition.is_part else condition.amount
    return after - before > bound, f"{before:g} and {after:g} calls a step"


def _nodes(condition: Condition, nodes: NodeCounts) -> _Judged:
    before, after = nodes.whole if condition.scope is None else nodes.scopes.get(condition.scope, (0, 0))
    bound = condition.amount * before if condition.is_part else condition.amount
    if nodes.partial:
        return (True if after - before > bound else None), "not every graph could be compared"
    return after - before > bound, f"{before} and {after} nodes"


def _peak(condition: Condition, measured: Measured) -> _Judged:
    return _memory(condition, measured.peak_bytes)


def _bytes(condition: Condition, measured: Measured) -> _Judged:
    if measured.bytes is None and measured.self_ns is not None:
        return False, "TensorFlow reported no memory of either run: on a CPU only blocks from 256 KiB are reported"
    return _memory(condition, measured.bytes)


def _memory(condition: Condition, found: MemoryDiff | None) -> _Judged:
    if found is None:
        return None, _NO_BLOCKS
    of = found.before if condition.is_part else 1
    return found.exceeds(condition.amount, of=of), f"{condition.name} is {found.verdict}"


def _part(condition: Condition, before: float) -> float:
    """Returns an amount as a part of what there was before."""
    return condition.amount if condition.is_part else condition.amount / max(before, 1)


def _any(states: list[bool | None]) -> bool | None:
    return True if True in states else None if None in states else False


_JUDGES: Mapping[str, Callable[[Condition, Measured], _Judged]] = {
    "time": _time,
    "cpu_ns": _cpu_ns,
    "self_ns": _self_ns,
    "peak_bytes": _peak,
    "bytes": _bytes,
    "calls": _calls,
}
