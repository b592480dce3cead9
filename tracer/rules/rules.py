"""The table of rules. `docs/lint.md` has a section for each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from tracer.recorded import Function
from tracer.rules import constants, dtypes, gradients, loops, names, python, randomness, shapes, tracing, variables
from tracer.rules.finding import Found, Severity
from tracer.rules.subject import Subject


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """One thing that lint looks for. It looks at each trace's graph, or at a function with all its traces."""

    name: str
    severity: Severity
    summary: str
    graph: Callable[[Subject], Iterable[Found]] | None = None
    function: Callable[[Function, int], Iterable[Found]] | None = None  # and how often it recorded the same calls


RULES: tuple[Rule, ...] = (
    Rule("retracing", "warning", "nearly every call traces the function anew", function=tracing.retracing),
    Rule("creates-variables", "note", "the function makes its variables itself", function=tracing.creates_variables),
    Rule("shared-scope", "warning", "two modules stand in one name scope", graph=names.shared_scope),
    Rule("outside-scope", "note", "nodes stand outside of every scope", graph=names.outside_scope),
    Rule("large-constant", "warning", "a large constant is baked into the graph", graph=constants.large_constant),
    Rule("captured-tensor", "note", "a tensor is captured by closure", graph=constants.captured_tensor),
    Rule("py-function", "warning", "the graph calls back into Python", graph=python.py_function),
    Rule("debug-op", "note", "a print or an assertion runs in every call", graph=python.debug_op),
    Rule("unrolled-loop", "warning", "a Python loop is unrolled into the graph", graph=loops.unrolled_loop),
    Rule("float64", "warning", "float64 begins where nobody asked for it", graph=dtypes.float64),
    Rule("unknown-shape", "note", "a shape is lost that could be known", graph=shapes.unknown_shape),
    Rule("no-gradient", "warning", "a trainable variable has no path to the loss", graph=gradients.no_gradient),
    Rule("unused-variable", "note", "a captured variable is never used", graph=variables.unused_variable),
    Rule("random-seed", "note", "the results depend on a seed", graph=randomness.random_seed),
)
