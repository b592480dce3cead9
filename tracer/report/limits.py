"""A run to which of the limits that a test set for it are broken, and by what."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence

from tracer.graph.inline import LIMIT, TooLarge, inline
from tracer.graph.lines import Frame
from tracer.recorded import Function, Run, Trace
from tracer.rules.finding import Finding
from tracer.rules.rules import RULES
from tracer.rules.run import lint

_SCOPES = 3  # of a graph that is too large: those that hold most of it


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """What a run may be. None sets no limit."""

    max_retraces: int | None = None  # over all functions
    max_nodes: int | None = None  # of any graph, with its functions in their places
    no_findings: tuple[str, ...] = ()  # rules of lint


@dataclasses.dataclass(frozen=True, slots=True)
class Retrace:
    """A function was traced again."""

    function: str
    number: int  # which trace of it this is: 2 is the first retrace
    changes: tuple[tuple[str, str, str], ...]  # argument, what it was and is; none where the function itself is new
    call_site: Frame | None


@dataclasses.dataclass(frozen=True, slots=True)
class GraphSize:
    """How large a function's graph is, and where."""

    function: str
    nodes: int
    scopes: tuple[tuple[str, int], ...]  # the outermost ones with most nodes; "" for nodes outside of all scopes


@dataclasses.dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run recorded, in numbers, over the functions that are not TensorFlow's own."""

    functions: int
    traces: int
    retraces: tuple[Retrace, ...]
    sizes: tuple[GraphSize, ...]  # of each function the largest graph, the largest first

    @property
    def nodes(self) -> int:
        """Nodes of the largest graph."""
        return self.sizes[0].nodes if self.sizes else 0


@dataclasses.dataclass(frozen=True, slots=True)
class LimitsReport:
    """The limits of a run that are broken, and by what."""

    run: Run
    limits: Limits
    retraces: tuple[Retrace, ...]  # all that there are, if they are too many
    sizes: tuple[GraphSize, ...]  # of functions that are too large
    findings: tuple[Finding, ...]  # of rules that are to find nothing

    @property
    def broken(self) -> bool:
        """Whether one is."""
        return bool(self.retraces or self.sizes or self.findings)


def run_summary(run: Run, *, limit: int = LIMIT) -> RunSummary:
    """Returns a run in numbers. A graph of more than `limit` nodes counts as one that large."""
    own = [function for function in run.functions.values() if function.traces[0].origin != "tensorflow"]
    sizes = [size for size in (_size(function, limit) for function in own) if size]
    return RunSummary(
        functions=len(own),
        traces=sum(len(_new(_own_traces(function))) for function in own),
        retraces=tuple(retrace for function in own for retrace in _retraces(function)),
        sizes=tuple(sorted(sizes, key=lambda size: (-size.nodes, size.function))),
    )


def limits_report(run: Run, summary: RunSummary, limits: Limits) -> LimitsReport:
    """Returns which limits a run breaks.

    Raises:
      Unreadable: a graph is damaged.
    """
    retraced = limits.max_retraces is not None and len(summary.retraces) > limits.max_retraces
    too_large = [size for size in summary.sizes if limits.max_nodes is not None and size.nodes > limits.max_nodes]
    rules = [rule for rule in RULES if rule.name in limits.no_findings]
    findings = lint(run, rules=rules) if rules else ()
    return LimitsReport(run, limits, summary.retraces if retraced else (), tuple(too_large), findings)


def _own_traces(function: Function) -> list[Trace]:
    """Returns the traces without those of gradients, and of functions that make variables without the first."""
    return [trace for trace in function.traces if trace.kind == "inference" and trace.cause != "creates variables"]


def _new(traces: Sequence[Trace]) -> list[Trace]:
    return [trace for trace in traces if trace.cause != "traced before the session"]


def _size(function: Function, limit: int) -> GraphSize | None:
    sizes: list[GraphSize] = []
    for trace in _own_traces(function):
        if trace.stages.get("traced") != "":
            continue
        try:
            names = inline(trace.graph, limit=limit).nodes.names
        except TooLarge:
            sizes.append(GraphSize(function.name, limit, ()))
            continue
        scopes = Counter(name.partition("/")[0] if "/" in name else "" for name in names)
        largest = sorted(scopes.items(), key=lambda item: (-item[1], item[0]))[:_SCOPES]
        sizes.append(GraphSize(function.name, len(names), tuple(largest)))
    return max(sizes, key=lambda size: size.nodes, default=None)


def _retraces(function: Function) -> Iterator[Retrace]:
    """Yields the traces beyond the first, each against the one before it that is nearest.

    Of functions that Python called. Traces that take different variables along are those of several objects, each of
    which has a function of its own; so are those of a method for the same arguments.
    """
    objects: dict[tuple[str, ...], list[Trace]] = {}
    for trace in _own_traces(function):
        if trace.calls != 0:
            variables = sorted(str(variable) for variable in trace.captures.values() if variable.kind == "variable")
            objects.setdefault(tuple(variables), []).append(trace)
    for traces in objects.values():
        for number, trace in enumerate(traces[1:], 1):
            changes = min((_changes(before, trace) for before in traces[:number]), key=len)
            if trace in _new(traces) and (changes or not _is_method(trace)):
                yield Retrace(function.name, number + 1, changes, trace.call_site)


def _changes(before: Trace, after: Trace) -> tuple[tuple[str, str, str], ...]:
    old = {argument.name: argument.type for argument in before.arguments}
    new = {argument.name: argument.type for argument in after.arguments}
    names = dict.fromkeys((*old, *new))
    return tuple((name, old.get(name, ""), new.get(name, "")) for name in names if old.get(name) != new.get(name))


def _is_method(trace: Trace) -> bool:
    around, _, name = trace.qualname.rpartition(".")
    return bool(name and around) and not around.endswith("<locals>")
