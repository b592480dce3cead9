"""A run to which of the limits that a test set for it are broken, and by what."""

from __future__ import annotations

import dataclasses
from collections import Counter

from tracer.graph.inline import LIMIT, TooLarge, inline
from tracer.recorded import Function, Run
from tracer.report.retraces import RetracedFunction, retraces_report
from tracer.retracing.causes import explain, retraces_over
from tracer.rules.finding import Finding
from tracer.rules.rules import RULES
from tracer.rules.run import lint

_SCOPES = 3  # of a graph that is too large: those that hold most of it


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """What a run may be. None sets no limit."""

    max_retraces: int | None = None  # of any one of the user's functions
    max_nodes: int | None = None  # of any graph, with its functions in their places
    no_findings: tuple[str, ...] = ()  # rules of lint


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
    traces: int  # made while it was recorded, without what tapes made of them
    retraces: int
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
    retraced: tuple[RetracedFunction, ...]  # functions that were traced again too often, the one most often first
    sizes: tuple[GraphSize, ...]  # of functions that are too large
    findings: tuple[Finding, ...]  # of rules that are to find nothing

    @property
    def broken(self) -> bool:
        """Whether one is."""
        return bool(self.retraced or self.sizes or self.findings)


def run_summary(run: Run, *, limit: int = LIMIT) -> RunSummary:
    """Returns a run in numbers. A graph of more than `limit` nodes counts as one that large."""
    own = [function for function in run.functions.values() if function.traces[0].origin != "tensorflow"]
    sizes = [size for size in (_size(function, limit) for function in own) if size]
    explained = [each for function in own for each in explain(function)]
    return RunSummary(
        functions=len(own),
        traces=sum(each.reason != "existing" for each in explained),
        retraces=sum(each.is_retrace for each in explained),
        sizes=tuple(sorted(sizes, key=lambda size: (-size.nodes, size.function))),
    )


def limits_report(run: Run, summary: RunSummary, limits: Limits) -> LimitsReport:
    """Returns which limits a run breaks.

    Raises:
      Unreadable: a graph is damaged.
    """
    over = retraces_over(run, limits.max_retraces) if limits.max_retraces is not None else ()
    retraced = [row for each in over for row in retraces_report(run, function=each.function).functions.items]
    too_large = [size for size in summary.sizes if limits.max_nodes is not None and size.nodes > limits.max_nodes]
    rules = [rule for rule in RULES if rule.name in limits.no_findings]
    findings = lint(run, rules=rules) if rules else ()
    return LimitsReport(run, limits, tuple(retraced), tuple(too_large), findings)


def _size(function: Function, limit: int) -> GraphSize | None:
    """Returns the largest graph that runs: not one of a gradient, nor one that only makes the variables."""
    sizes: list[GraphSize] = []
    for trace in function.traces:
        if trace.kind != "inference" or trace.cause == "creates variables" or trace.stages.get("traced") != "":
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
