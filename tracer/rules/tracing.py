"""Rules about how often a function is traced."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tracer import text
from tracer.recorded import Function, Trace
from tracer.rules.finding import Found

_SWITCHES = ("Literal[None]", "Literal[True]", "Literal[False]")
MANY = 3  # traces: one each for training and inference are in order
CALLS_PER_TRACE = 2  # below that, tracing is what the program does
_SHOWN = 4
_TENSOR = re.compile(r"(\w+)\[([\d?, .]*)\]")


def retracing(function: Function, repeats: int = 1) -> Iterator[Found]:
    """Finds a function that is called from Python and traced anew nearly each time, and the arguments that do it.

    Traces that take different variables along are those of several objects, each of which has a function of its own.

    Args:
      function: the function, with all its traces.
      repeats: how often the recording made the same calls.
    """
    objects: dict[tuple[object, ...], list[Trace]] = {}
    for trace in function.traces:
        if trace.kind == "inference" and trace.calls:
            variables = (variable for variable in trace.captures.values() if variable.kind == "variable")
            objects.setdefault(tuple(sorted(map(str, variables))), []).append(trace)
    for traces in objects.values():
        yield from _retraced(traces, repeats)


def _retraced(traces: Sequence[Trace], repeats: int) -> Iterator[Found]:
    calls = sum(-(-(trace.calls or 0) // max(repeats, 1)) for trace in traces)  # in one pass of the program
    if len(traces) < MANY or calls >= CALLS_PER_TRACE * len(traces):
        return
    varying = list(_varying(traces))
    often = f"traced {text.plural(len(traces), 'time')} in {text.plural(calls, 'call')}"
    for name, types in varying:
        if not _is_cause(types):
            continue
        shown = ", ".join(types[:_SHOWN]) + (f" and {len(types) - _SHOWN} more" if len(types) > _SHOWN else "")
        what, advice = _cause(name, types)
        yield Found(f"{often}: {what}: {shown}", advice, count=len(traces))
    if not varying and _is_anew(traces):
        yield Found(
            f"{often}, each time for the same arguments: the tf.function itself is made anew",
            "make it once, outside of the loop or the method that calls it: a new tf.function knows no old traces",
            line=traces[0].call_site,
            count=len(traces),
        )


def _is_cause(types: Sequence[str]) -> bool:
    """Tells whether more and more traces come of an argument: not if it is given or not, or true or not."""
    return all(map(_is_object, types)) or (len(types) >= MANY and len(_without_switches(types)) > 1)


def _without_switches(types: Sequence[str]) -> list[str]:
    return [kind for kind in types if kind not in _SWITCHES]


def _is_anew(traces: Sequence[Trace]) -> bool:
    """Tells whether one line makes function after function, and calls each once; a method has one for each object."""
    around, _, name = traces[0].qualname.rpartition(".")
    is_method = bool(name and around) and not around.endswith("<locals>")
    return not is_method and len({trace.call_site for trace in traces}) == 1 and all(t.calls == 1 for t in traces)


def creates_variables(function: Function, _repeats: int = 1) -> Iterator[Found]:
    """Finds a function whose first call makes variables."""
    if not any(trace.cause == "creates variables" for trace in function.traces):
        return
    yield Found(
        "its first call makes variables, so it is traced twice: once to make them, once to run",
        "make the variables before, in __init__, or by model.build(shape) and optimizer.build(variables): tracing "
        "takes half the time, and the first graph is the one that runs",
    )


def _varying(traces: Sequence[Trace]) -> Iterator[tuple[str, list[str]]]:
    """Returns the arguments that came in several types, with these in the order of their coming.

    An object's type is the object, and where it lies is not recorded: it counts as varying wherever nothing else does.
    """
    types: dict[str, dict[str, None]] = {}
    for trace in traces:
        for argument in trace.arguments:
            types.setdefault(argument.name, {})[argument.type] = None
    several = [(name, list(found)) for name, found in types.items() if len(found) > 1]
    return iter(several or [(name, list(found)) for name, found in types.items() if all(map(_is_object, found))])


def _is_object(kind: str) -> bool:
    return "<" in kind and not kind.startswith("Literal[") and not _TENSOR.search(kind)


def _cause(name: str, types: Sequence[str]) -> tuple[str, str]:
    """Returns what varies about an argument, and what to do about it."""
    types = _without_switches(types)
    if any(kind.startswith("Literal[") for kind in types):
        return f"'{name}' is a Python value, and each new one is a trace", _AS_TENSOR.format(name=name)
    if not any(_TENSOR.search(kind) for kind in types):
        return f"'{name}' is a Python object, and each new one is a trace", _AS_STATE
    dtypes = {_TENSOR.sub(r"\1", kind) for kind in types}
    if len(dtypes) == 1:
        return f"'{name}' comes in several shapes", _ONE_SHAPE
    if len({_TENSOR.sub(r"\2", kind) for kind in types}) == 1:
        return f"'{name}' comes in several types", _ONE_TYPE
    return f"'{name}' comes in several shapes and types", f"{_ONE_TYPE}. {_ONE_SHAPE[0].upper()}{_ONE_SHAPE[1:]}"


_AS_TENSOR = "pass it as a tensor, {name}=tf.constant(...): a tensor's value costs no trace"
_AS_STATE = (
    "pass one and the same object, or keep it in self and pass the tensors alone: an object's identity is its type"
)
_ONE_SHAPE = (
    "set tf.function(reduce_retracing=True), or input_signature=[tf.TensorSpec([None, 3], tf.float32)]: None stands "
    "for every size. In a pipeline, batch(..., drop_remainder=True)"
)
_ONE_TYPE = "bring it to one type before the call: tf.cast(x, tf.float32); or say it with input_signature"
