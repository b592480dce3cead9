"""Each trace of a function: whether it is a retrace, of which cause, or why it is none."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal

from tracer.recorded import Function, Run, Trace
from tracer.retracing.changes import LIGHTEST, Change, changes, closure_changes, is_object, tensor

Reason = Literal[
    "first",  # the first call
    "variables",  # the first trace made the variables, this one runs
    "relaxed",  # reduce_retracing made it for every size
    "another",  # of another tf.function, or another object's, that lives beside the first
    "caller",  # its tf.function is made inside of another, which was traced again
    "existing",  # it was traced before the session
    "",  # none: it is a retrace
]


_LOOKED_AT = 30  # earlier traces, the latest of them: with all, thousands of traces would take minutes
_TRACED = ("first trace", "traced again", "creates variables")  # in the session; in other runs nobody saw it


@dataclasses.dataclass(frozen=True, slots=True)
class Explained:
    """A trace and why it was made."""

    trace: Trace
    number: int  # of the trace among the function's: `#2` of `step#2`
    reason: Reason  # why it is no retrace; empty if it is one
    against: int = 0  # the number of the closest earlier trace
    changes: tuple[Change, ...] = ()  # in what it differs from that

    @property
    def is_retrace(self) -> bool:
        """Whether TensorFlow traced what it had traced before."""
        return not self.reason


@dataclasses.dataclass(frozen=True, slots=True)
class Excess:
    """A function that was traced again more often than is allowed."""

    function: str
    retraces: int
    cause: str  # of the first of them: "flag: Literal[3] -> Literal[4]"


def explain(function: Function) -> tuple[Explained, ...]:
    """Returns each trace that TensorFlow made of the Python function, with its cause; not what tapes made of them."""
    done = _Done([], {}, {})
    for number, trace in enumerate(function.traces, 1):
        if trace.kind == "inference":
            done.add(_explained(trace, number, done))
    return tuple(done.every)


def calls_once(traces: Iterable[Trace], repeats: int) -> int:
    """Returns how often a program calls traces from Python, where it ran `repeats` times in all."""
    return sum(-(-(trace.calls or 0) // repeats) for trace in traces)


def retraces_over(run: Run, most: int) -> tuple[Excess, ...]:
    """Returns the user's functions that were traced again more than `most` times, the one with the most first."""
    found = []
    for function in run.functions.values():
        again = [each for each in explain(function) if each.is_retrace]
        if function.traces[0].origin == "user" and len(again) > most:
            found.append(Excess(function.name, len(again), "; ".join(map(str, again[0].changes))))
    return tuple(sorted(found, key=lambda excess: -excess.retraces))


@dataclasses.dataclass(slots=True)
class _Done:
    """The traces that are explained already."""

    every: list[Explained]
    by_object: dict[int, list[Explained]]  # the number of their tf.function
    by_likeness: dict[Hashable, list[Explained]]  # the first of each tf.function

    def add(self, each: Explained) -> None:
        """Adds one."""
        self.every.append(each)
        of_one = self.by_object.setdefault(each.trace.object, [])
        of_one.append(each)
        likeness = _likeness(each.trace)
        if likeness is not None and len(of_one) == 1:
            self.by_likeness.setdefault(likeness, []).append(each)


def _explained(trace: Trace, number: int, done: _Done) -> Explained:
    if trace.cause not in _TRACED:
        return Explained(trace, number, "existing")
    own = done.by_object.get(trace.object)
    if not own:
        return _of_new_function(trace, number, done)
    running = own[sum(each.trace.cause == "creates variables" for each in own[:1]) :]
    if not running and trace.cause != "creates variables":
        return Explained(trace, number, "variables", own[-1].number)
    closest, found = _closest(trace, running or own)
    if trace.key.reduce_retracing and found and all(map(_is_relaxed, found)):
        return Explained(trace, number, "relaxed", closest.number, found)
    return Explained(trace, number, "", closest.number, found or (_unseen(trace, closest.trace),))


def _of_new_function(trace: Trace, number: int, done: _Done) -> Explained:
    """Explains the first trace of a tf.function by those of others that have the same definition."""
    if not done.every:
        return Explained(trace, number, "first")
    replaced = done.by_object.get(trace.key.replaces) if trace.key.replaces else None
    twins = replaced or done.by_likeness.get(_likeness(trace))
    if not twins:
        return Explained(trace, number, "another")
    closest, found = _closest(trace, twins)
    around = trace.key.context.get("inside"), closest.trace.key.context.get("inside")
    if around[0] and around[1] and around[0] != around[1]:
        return Explained(trace, number, "caller", closest.number)
    return Explained(trace, number, "", closest.number, (*_of_functions(closest.trace, trace), *found))


def _closest(trace: Trace, earlier: Sequence[Explained]) -> tuple[Explained, tuple[Change, ...]]:
    """Returns the earlier trace that differs least, the latest of several, and in what it differs."""
    best, least = earlier[-1], changes(earlier[-1].trace.key, trace.key)
    for each in islice(reversed(earlier), 1, _LOOKED_AT):
        if sum(change.weight for change in least) <= LIGHTEST:
            break  # no other can be closer: a loop over numbers is told in time that grows with its length
        found = changes(each.trace.key, trace.key)
        if sum(change.weight for change in found) < sum(change.weight for change in least):
            best, least = each, found
    return best, least


def _likeness(trace: Trace) -> Hashable | None:
    """Returns what two tf.functions that both live are the same in if they differ in nothing but their identity."""
    key = trace.key
    if not trace.object or key.at_s is None:
        return None  # an older run does not say what they have from around them
    return key.parts, key.closure, tuple(sorted(key.context.items())), tuple(sorted(key.captured.values()))


def _of_functions(before: Trace, after: Trace) -> Iterator[Change]:
    """Returns how the tf.functions of two traces differ: in their objects, and in what they have from around them."""
    inside = list(closure_changes(before.key, after.key))
    if not any(change.argument == "self" for change in inside):
        yield Change("function", "tf.function", f"#{before.object}", f"#{after.object}")
    yield from inside
    named = {change.argument for change in inside}
    for node, number in after.key.captured.items():
        old, new = before.captures.get(node), after.captures.get(node)
        if before.key.captured.get(node, number) != number and old and new and not named:
            names = [variable.name or "tensor" for variable in (old, new)]
            yield Change("closure", names[1], f"{names[0]} #{before.key.captured[node]}", f"{names[1]} #{number}")


def _unseen(trace: Trace, before: Trace) -> Change:
    """Returns the cause that is left: an object, of which an older run does not say which it is, or nothing known."""
    for part in trace.key.parts:
        if is_object(part):
            return Change("object", part.path, part.type, part.type)
    return Change("unknown", "", before.signature, trace.signature)


def _is_relaxed(change: Change) -> bool:
    """Tells whether a tensor's type became one that stands for the former too."""
    before, after = tensor(change.before), tensor(change.after)
    if before is None or after is None or change.kind not in ("shape", "rank"):
        return False
    if after.dims is None or before.dims is None:
        return after.dims is None
    return len(before.dims) == len(after.dims) and all(
        new is None or old == new for old, new in zip(before.dims, after.dims, strict=True)
    )
