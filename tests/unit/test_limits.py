"""The limits that a test sets for what it records, and what breaks them."""

import pytest

from tests.helpers import graph, run, trace
from tracer.errors import UsageError
from tracer.graph.lines import Frame
from tracer.graph.model import TensorType, Variable
from tracer.recorded import Argument
from tracer.render.text import Style
from tracer.render.text import limits as page
from tracer.render.text.lint import finding_lines
from tracer.report.limits import GraphSize, Limits, limits_report, run_summary
from tracer.rules.rules import RULES
from tracer.rules.run import lint
from tracer.testing.limits import parse_limits

LARGE = graph("x:Placeholder  net/a/y:Mul<-x  net/a/z:Mul<-x  net/b/y:Mul<-x  loss/y:Mul<-x")


def traced(index, *arguments, **facts):
    """Returns a trace of `step` for arguments given as `x: float32[2]`."""
    named = tuple(Argument(*argument.split(": ")) for argument in arguments)
    return trace(index=index, arguments=named, **{"call_site": Frame("/home/me/train.py", index, "main"), **facts})


def retraces(*traces):
    """Returns of each retrace of a run its number and what changed."""
    return [(found.number, found.changes) for found in run_summary(run(*traces)).retraces]


def test_a_retrace_says_which_argument_changed():
    """Each trace is held against that before it which is nearest; the first is none."""
    traces = [
        traced(0, "x: float32[2]", "flag: Literal[3]"),
        traced(1, "x: float32[5]", "flag: Literal[4]"),
        traced(2, "x: float32[2]", "flag: Literal[4]"),
    ]

    assert retraces(*traces) == [
        (2, (("x", "float32[2]", "float32[5]"), ("flag", "Literal[3]", "Literal[4]"))),
        (3, (("flag", "Literal[3]", "Literal[4]"),)),
    ]


@pytest.mark.parametrize(
    "second",
    [
        {"cause": "traced before the session"},
        {"kind": "backward"},
        {"calls": 0},
        {"captures": {"w": Variable("w:0", TensorType("float32", ()))}},
        {"qualname": "Net.step", "name": "step"},
    ],
)
def test_what_is_no_retrace(second):
    """Not what was there before, not a gradient, not what no Python called, not another object's function."""
    kind = {"qualname": second.get("qualname", "")}
    same = "qualname" in second  # a method of another object, for the same arguments
    after = "x: float32[2]" if same else "x: float32[3]"

    assert retraces(traced(0, "x: float32[2]", **kind), traced(1, after, **second)) == []


def test_a_function_made_anew_is_a_retrace():
    """Two functions of one definition, traced for the same arguments: the tf.function is made in a loop."""
    assert retraces(traced(0, "x: float32[2]"), traced(1, "x: float32[2]")) == [(2, ())]


def test_the_first_trace_of_what_makes_variables_counts_for_nothing():
    """A function that makes its variables is traced twice for one call: that is one trace, as large as the second."""
    small = graph("x:Placeholder")
    traces = [
        traced(0, cause="creates variables", graphs={"traced": LARGE}),
        traced(1, graphs={"traced": small}),
    ]
    summary = run_summary(run(*traces))

    assert (summary.traces, summary.retraces, summary.nodes) == (1, (), 1)


def test_a_run_in_numbers():
    """Functions and traces of the program, not those of TensorFlow; nodes of the largest graph, and where most are."""
    traces = [
        trace("step", 0, graphs={"traced": LARGE}),
        trace("loss", 1, graphs={"traced": graph("x:Placeholder")}),
        trace("helper", 2, origin="tensorflow", graphs={"traced": LARGE}),
        trace("old", 3, cause="traced before the session"),
    ]
    summary = run_summary(run(*traces))

    assert (summary.functions, summary.traces, summary.retraces) == (3, 2, ())
    assert summary.sizes == (
        GraphSize("step", 5, (("net", 3), ("", 1), ("loss", 1))),
        GraphSize("loss", 1, (("", 1),)),
    )


def test_a_graph_over_the_limit_of_reading_counts_as_that_large():
    """A graph too large to be put together has at least so many nodes."""
    called = graph("a:Call@f  b:Call@f", f="x:Add  y:Add  z:Add")

    assert run_summary(run(trace(graphs={"traced": called})), limit=4).nodes == 4


@pytest.mark.parametrize(
    ("limits", "broken"),
    [
        (Limits(), False),
        (Limits(max_retraces=1, max_nodes=5), False),
        (Limits(max_retraces=0), True),
        (Limits(max_nodes=4), True),
        (Limits(no_findings=("retracing",)), False),
        (Limits(no_findings=("outside-scope", "debug-op")), True),
    ],
)
def test_a_limit_is_broken_by_more_than_it_allows(limits, broken):
    """As many as the limit says are in order; rules that are not named may find what they like."""
    recorded = run(
        traced(0, "x: float32[2]", graphs={"traced": LARGE}),
        traced(1, "x: float32[3]", graphs={"traced": graph("x:Placeholder  net/p:PrintV2<-x")}),
    )

    assert limits_report(recorded, run_summary(recorded), limits).broken is broken


def test_the_page_explains_what_breaks_limits():
    """Which function, which argument and line; how many nodes and where; each finding with its advice; and the run."""
    recorded = run(
        traced(0, "x: float32[2]", "flag: Literal[3]", graphs={"traced": LARGE}),
        traced(1, "x: float32[3]", "flag: Literal[3]", graphs={"traced": graph("x:Placeholder  net/p:PrintV2<-x")}),
        traced(2, "x: float32[3]", "flag: Literal[3]", call_site=None),
    )
    limits = Limits(max_retraces=1, max_nodes=4, no_findings=("debug-op",))
    [finding] = lint(recorded, rules=[rule for rule in RULES if rule.name == "debug-op"])
    said = Style(width=80).render([*finding_lines(finding, Style(width=80))[1:]])

    assert page.limits(limits_report(recorded, run_summary(recorded), limits), Style(width=80)) == (
        "2 retraces, and max_retraces is 1:\n"
        "  step, trace 2  by train.py:1  x: float32[2] → float32[3]\n"
        "  step, trace 3  for the same arguments: it is another tf.function object, made\n"
        "    anew\n"
        "the graph of step has 5 nodes, and max_nodes is 4: 3 in net, 1 outside of\n"
        "  scopes, 1 in loss\n"
        "1 finding of lint, and no_findings forbids debug-op:\n"
        f"note  debug-op  step  in net\n{said}"
        "to see the run: trace-scenario show logs/demo/20261123-021530"
    )


def test_limits_are_read_from_keywords():
    """Numbers, names of rules, or True for all rules; what is not given is no limit."""
    assert parse_limits({}) == Limits()
    assert parse_limits({"max_retraces": 0, "max_nodes": 9}) == Limits(max_retraces=0, max_nodes=9)
    assert parse_limits({"no_findings": ["float64"]}) == Limits(no_findings=("float64",))
    assert parse_limits({"no_findings": True}).no_findings == tuple(rule.name for rule in RULES)
    assert parse_limits({"no_findings": False}) == Limits()


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        ({"max_node": 3}, "no limit is named 'max_node'", "did you mean 'max_nodes'"),
        ({"xyz": 3}, "no limit is named 'xyz'", "there are max_retraces, max_nodes, no_findings"),
        ({"max_nodes": "3"}, "max_nodes is '3'", "a number, 0 or more: max_nodes=1"),
        ({"max_retraces": True}, "max_retraces is True", "a number, 0 or more: max_retraces=1"),
        ({"max_retraces": -1}, "max_retraces is -1", "a number, 0 or more: max_retraces=1"),
        ({"no_findings": "float64"}, "no_findings is 'float64'", "True, or the names of rules"),
        ({"no_findings": ["float46"]}, "no rule of lint is named 'float46'", "did you mean 'float64'?"),
        ({"no_findings": ["xyz"]}, "no rule of lint is named 'xyz'", "there are retracing, creates-variables"),
    ],
)
def test_wrong_limits_are_usage_errors(given, message, hint):
    """An unknown keyword or rule, or a value of another type, is named, with what was meant."""
    with pytest.raises(UsageError) as caught:
        parse_limits(given)

    assert caught.value.message == message
    assert caught.value.hint.startswith(hint)
