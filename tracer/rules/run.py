"""All rules over a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from tracer.errors import Unreadable
from tracer.graph.inline import LIMIT
from tracer.recorded import Function, Run, Trace, Warned
from tracer.rules.finding import SEVERITIES, Finding, Found
from tracer.rules.rules import RULES, Rule
from tracer.rules.subject import Subject

_Key = tuple[object, ...]


def lint(
    run: Run,
    *,
    function: str | None = None,
    rules: Sequence[Rule] = RULES,
    limit: int = LIMIT,
    unread: list[Warned] | None = None,
) -> tuple[Finding, ...]:
    """Returns what the rules find: the most pressing first, then as the run and its lines go.

    A finding that several traces share, as do the traces of one function, or a function and its caller, is told once.

    Args:
      run: the run. Traces without a `traced` stage are passed over.
      function: look at this function only.
      rules: look for these only.
      limit: how many nodes a graph may have with its functions in their places.
      unread: gets what a graph cannot be read for, so that the others are looked at; without it that is an error.

    Raises:
      NotFound: the run has no such function.
      Unreadable: a graph is damaged, or larger than `limit`.
    """
    chosen = run.functions.values() if function is None else [run.functions[function]]
    first: dict[_Key, tuple[int, Finding]] = {}
    for number, one in enumerate(chosen):
        for finding in (*_of_function(one, rules, run.repeats), *_of_graphs(one, rules, limit, unread)):
            at, known = first.setdefault(_key(finding), (number, finding))
            if finding.count > known.count:
                first[_key(finding)] = at, dataclasses.replace(known, count=finding.count)
    return tuple(finding for _, finding in sorted(first.values(), key=_order))


def _of_function(function: Function, rules: Sequence[Rule], repeats: int) -> Iterator[Finding]:
    if function.traces[0].origin != "user":
        return  # how often Keras or tf.data trace their own functions is theirs to decide
    for rule in rules:
        for found in rule.function(function, repeats) if rule.function else ():
            line = found.line or function.traces[0].definition
            yield Finding(
                rule.name, rule.severity, function.name, "", "", "", line, found.message, found.advice, found.count
            )


def _of_graphs(function: Function, rules: Sequence[Rule], limit: int, unread: list[Warned] | None) -> Iterator[Finding]:
    for trace in _looked_at(function):
        try:
            subject = Subject(trace, limit=limit)
        except Unreadable as error:
            if unread is None:
                raise
            unread.append(Warned("damaged", error.message, error.hint))
            continue
        for rule in rules:
            yield from _grouped(rule, function, subject, rule.graph(subject) if rule.graph else ())


def _looked_at(function: Function) -> list[Trace]:
    """Returns the traces that show what runs.

    Not those of TensorFlow's own helpers, which their callers hold; not what a gradient tape made of a function, which
    repeats it; not the first trace of a function that makes its variables: it never runs.
    """
    traces = [
        trace
        for trace in function.traces
        if trace.stages.get("traced") == "" and trace.origin != "tensorflow" and trace.kind == "inference"
    ]
    return [trace for trace in traces if trace.cause != "creates variables"] or traces


def _grouped(rule: Rule, function: Function, subject: Subject, found_here: Iterable[Found]) -> Iterator[Finding]:
    """Returns one finding for all that say the same about the same line, or in the same scope if no line is known."""
    groups: dict[_Key, Finding] = {}
    for found in found_here:
        known = found.node >= 0
        line = found.line or (subject.line(found.node) if known else None)
        borrowed = known and not found.line and not subject.has_line(found.node)  # from the call of its function
        theirs = line is None or line == subject.trace.call_site  # the call of `fit` is no line of theirs to change
        if theirs and subject.trace.origin != "user" and rule.severity == "note":
            continue  # it is Keras' own, and nothing that its user could write in another way
        where = subject.scope(found.node) if known else ""
        key = (found.message, line or where)
        if key in groups:
            groups[key] = dataclasses.replace(groups[key], count=groups[key].count + found.count)
            continue
        node = subject.nodes.names[found.node] if known else ""
        groups[key] = Finding(
            rule.name,
            rule.severity,
            function.name,
            subject.trace.id,
            where,
            node,
            line,
            found.message,
            found.advice,
            found.count,
            subject.inlined.local_name(found.node) if borrowed else "",
        )
    return iter(groups.values())


def _key(finding: Finding) -> _Key:
    """Returns what two findings that are one agree in: the line; without one of its own, the end of the node's path.

    Of a function that is called, its caller's path of a node is longer by the call, and its line is that of the call.
    """
    return finding.rule, finding.message, finding.local_node or finding.line or finding.function


def _order(numbered: tuple[int, Finding]) -> tuple[object, ...]:
    number, finding = numbered
    line = (finding.line.file, finding.line.line) if finding.line else ("", 0)
    return SEVERITIES.index(finding.severity), number, line, finding.rule, finding.where, finding.node, finding.message
