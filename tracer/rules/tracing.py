"""Rules about how often a function is traced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracer import text
from tracer.recorded import Function, Trace
from tracer.retracing.advice import Advice, advise
from tracer.retracing.causes import Explained, calls_once, explain
from tracer.retracing.changes import Change
from tracer.rules.finding import Found

_SWITCHES = ("Literal[None]", "Literal[True]", "Literal[False]")
MANY = 3  # traces: one each for training and inference are in order
CALLS_PER_TRACE = 2  # below that, tracing is what the program does
_SHOWN = 4


def retracing(function: Function, repeats: int = 1) -> Iterator[Found]:
    """Finds a function that is called from Python and traced anew nearly each time, and the arguments that do it.

    Traces that take different variables along are those of several objects, each of which has a function of its own.

    Args:
      function: the function, with all its traces.
      repeats: how often the recording made the same calls.
    """
    every = explain(function)
    objects: dict[tuple[object, ...], list[Explained]] = {}
    for each in every:
        if each.trace.calls:
            variables = (variable for variable in each.trace.captures.values() if variable.kind == "variable")
            objects.setdefault(tuple(sorted(map(str, variables))), []).append(each)
    for traced in objects.values():
        yield from _retraced(traced, every, repeats)


def _retraced(traced: Sequence[Explained], every: Sequence[Explained], repeats: int) -> Iterator[Found]:
    calls = calls_once((each.trace for each in traced), repeats)
    if len(traced) < MANY or calls >= CALLS_PER_TRACE * len(traced):
        return
    often = f"traced {text.plural(len(traced), 'time')} in {text.plural(calls, 'call')}"
    for argument, causes in _by_argument(traced).items():
        advices = enumerate(dict.fromkeys(_advice(causes, every)))
        advice = ". ".join(f"{said[0].upper()}{said[1:]}" if number else said for number, said in advices)
        if argument:
            types = list(dict.fromkeys(kind for _, change in causes for kind in (change.before, change.after)))
            if _is_cause(types, causes):
                shown = ", ".join(types[:_SHOWN]) + (f" and {len(types) - _SHOWN} more" if len(types) > _SHOWN else "")
                yield Found(f"{often}: {_what(argument, types, causes)}: {shown}", advice, count=len(traced))
        elif any(change.kind == "function" for _, change in causes) or _is_anew([each.trace for each in traced]):
            yield Found(
                f"{often}, each time for the same arguments: the tf.function itself is made anew",
                advice,
                line=traced[0].trace.call_site,
                count=len(traced),
            )


def _by_argument(traced: Sequence[Explained]) -> dict[str, list[tuple[Explained, Change]]]:
    """Returns what made retraces, by the argument; at `""` what is about the tf.function itself."""
    found: dict[str, list[tuple[Explained, Change]]] = {}
    for each in traced:
        for change in each.changes if each.is_retrace else ():
            of_function = change.kind in ("function", "closure", "unknown")
            found.setdefault("" if of_function else change.argument, []).append((each, change))
    return found


def _advice(causes: Sequence[tuple[Explained, Change]], every: Sequence[Explained]) -> Sequence[str]:
    """Returns what to do about each sort of cause."""
    found: dict[str, Advice] = {}
    for each, change in causes:
        if change.kind not in found:
            found[change.kind] = Advice(_MADE_ONCE) if change.kind == "unknown" else advise(change, each, every)
    if "type" in found and found["type"].code:
        found.pop("value", None)  # who passes a tensor of one dtype in each call passes no value
    return [advice.text for advice in found.values()]


def _is_cause(types: Sequence[str], causes: Sequence[tuple[Explained, Change]]) -> bool:
    """Tells whether more and more traces come of an argument: not if it is given or not, or true or not."""
    objects = all(change.kind == "object" for _, change in causes)
    return objects or (len(types) >= MANY and len(_without_switches(types)) > 1)


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


def _what(name: str, types: Sequence[str], causes: Sequence[tuple[Explained, Change]]) -> str:
    """Returns what varies about an argument."""
    kinds = {change.kind for _, change in causes} - {"none"}
    if any(kind.startswith("Literal[") for kind in _without_switches(types)):
        return f"'{name}' is a Python value, and each new one is a trace"
    if kinds == {"object"}:
        return f"'{name}' is a Python object, and each new one is a trace"
    if kinds <= {"shape", "rank"}:
        return f"'{name}' comes in several shapes"
    return f"'{name}' comes in several {'shapes and ' if kinds & {'shape', 'rank'} else ''}types"


_MADE_ONCE = "make it once, outside of the loop or the method that calls it: a new tf.function knows no old traces"
