"""Which traces of two runs are compared with each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tracer.errors import NotFound
from tracer.graph.labels import without_numbers
from tracer.recorded import Function, Run, Trace
from tracer.report.sides import Side


def trace_pairs(before: Run, after: Run, sides: tuple[Side, Side]) -> Iterator[tuple[str, Trace | None, Trace | None]]:
    """Yields the traces to compare, with the function's name; None where a side has none.

    Raises:
      NotFound: a side names a function or a trace that its run does not have.
    """
    named = sides[0].function or sides[1].function
    numbered = sides[0].trace or sides[1].trace
    if numbered and not named:
        named = next(iter(before.functions), "")
    if named:
        one = before.functions[sides[0].function or named]
        other = after.functions[sides[1].function or named]
        pairs: Iterable[tuple[Function | None, Function | None]] = [(one, other)]
    else:
        pairs = _function_pairs(before, after)
    for left, right in pairs:
        name = (right or left or _NOBODY).name
        own = _chosen(left, sides[0].trace or sides[1].trace) if left else ()
        others = _chosen(right, sides[1].trace or sides[0].trace) if right else ()
        for trace, other_trace in _trace_pairs(own, others):
            yield name, trace, other_trace


_NOBODY = Function("", ())


def _chosen(function: Function, number: int) -> tuple[Trace, ...]:
    if not number:
        return function.traces
    if number > len(function.traces):
        last = len(function.traces)
        raise NotFound(f"'{function.name}' has no trace #{number}", hint=f"it has {last}: #1 to #{last}")
    return (function.traces[number - 1],)


def _function_pairs(before: Run, after: Run) -> list[tuple[Function | None, Function | None]]:
    """Pairs functions by name, those left by their names without numbers, and those left then with nothing.

    Where each run has one function only, those are a pair: the graph in a file is called as the file is.
    """
    if len(before.functions) == len(after.functions) == 1:
        return list(zip(before.functions.values(), after.functions.values(), strict=True))
    partner = {name: name for name in after.functions if name in before.functions}
    left = [name for name in before.functions if name not in partner]
    for name in after.functions:
        alike = [other for other in left if without_numbers(other) == without_numbers(name)]
        if name not in partner and alike:
            partner[name] = alike[0]
            left.remove(alike[0])
    pairs: list[tuple[Function | None, Function | None]] = [
        (before.functions[partner[name]] if name in partner else None, function)
        for name, function in after.functions.items()
    ]
    return pairs + [(before.functions[name], None) for name in left]


def _trace_pairs(before: Sequence[Trace], after: Sequence[Trace]) -> list[tuple[Trace | None, Trace | None]]:
    """Pairs traces by kind and signature, those left by kind in their order."""
    left = list(before)
    found: dict[str, Trace] = {}
    for same in (_signature, lambda trace: trace.kind):
        for trace in after:
            partner = next((other for other in left if same(other) == same(trace)), None)
            if trace.id not in found and partner:
                found[trace.id] = partner
                left.remove(partner)
    return [(found.get(trace.id), trace) for trace in after] + [(trace, None) for trace in left]


def _signature(trace: Trace) -> str:
    return f"{trace.kind} {trace.signature}"
