"""The limits that a test sets for what it records, and what breaks them."""

import dataclasses

import pytest

from tests.helpers import graph, run, trace
from tracer.errors import UsageError
from tracer.graph.lines import Frame
from tracer.recorded import Key, Part
from tracer.render.text import Style
from tracer.render.text import limits as page
from tracer.render.text.lint import finding_lines
from tracer.report.limits import GraphSize, Limits, limits_report, run_summary
from tracer.report.retraces import retraces_report
from tracer.retracing.causes import retraces_over
from tracer.rules.rules import RULES
from tracer.rules.run import lint
from tracer.testing.limits import parse_limits

LARGE = graph("x:Placeholder  net/a/y:Mul<-x  net/a/z:Mul<-x  net/b/y:Mul<-x  loss/y:Mul<-x")


def traced(index, *parts, **facts):
    """Returns a trace of `step`, the first or one that TensorFlow made after it, for parts given as `x: float32[2]`."""
    key = Key(tuple(Part(*part.split(": ")) for part in parts), at_s=float(index))
    defaults = {
        "cause": "traced again" if index else "first trace",
        "call_site": Frame("/home/me/train.py", index, "main"),
        "object": 1,
        "key": key,
    }
    return trace(index=index, **{**defaults, **facts})


def again(name, first, *others):
    """Returns traces of a function for these types of its argument, one after the other."""
    return [
        traced(first + number, f"x: {kind}", name=name, object=first, cause="traced again" if number else "first trace")
        for number, kind in enumerate(others)
    ]


def test_the_summary_counts_as_retraces_does():
    """What was there before is no trace of this run; the first trace, and the one after the variables, no retrace."""
    recorded = run(
        traced(0, "x: float32[2]", cause="traced before the session"),
        traced(1, "x: float32[3]"),
        traced(2, "x: float32[2]", kind="backward"),
        traced(3, "x: float32[2]", name="build", object=2, cause="creates variables"),
        traced(4, "x: float32[2]", name="build", object=2),
        traced(5, "x: float32[2]", name="train_step", object=3, origin="keras"),
        traced(6, "x: float32[1]", name="train_step", object=3, origin="keras"),
    )
    report = retraces_report(recorded)
    summary = run_summary(recorded)

    assert (summary.functions, summary.traces, summary.retraces) == (3, 5, 2)
    assert summary.retraces == report.retraces
    assert summary.traces == sum(row.traces for row in report.functions.items) - 1


def test_a_graph_that_only_makes_variables_has_no_size():
    """A function that makes its variables is traced twice for one call: it is as large as the second."""
    traces = [
        traced(0, cause="creates variables", graphs={"traced": LARGE}),
        traced(1, graphs={"traced": graph("x:Placeholder")}),
    ]

    assert run_summary(run(*traces)).nodes == 1


@pytest.mark.parametrize(
    ("most", "retraced"), [(0, ["loss", "step"]), (1, ["loss"]), (2, []), (None, [])], ids=["0", "1", "2", "none"]
)
def test_retraces_are_allowed_to_each_function_as_on_the_command_line(most, retraced):
    """Three retraces of two functions are two at most of one; the same functions end `run --max-retraces`."""
    recorded = run(
        *again("step", 1, "float32[2]", "float32[3]"),
        *again("loss", 11, "float32[2]", "float32[3]", "float32[4]"),
        *(dataclasses.replace(each, origin="keras") for each in again("fit", 21, *"abcde")),
    )
    report = limits_report(recorded, run_summary(recorded), Limits(max_retraces=most))

    assert [row.name for row in report.retraced] == retraced
    if most is not None:
        assert [excess.function for excess in retraces_over(recorded, most)] == retraced


def test_a_run_in_numbers():
    """Functions and traces of the program, not those of TensorFlow; nodes of the largest graph, and where most are."""
    traces = [
        trace("step", 0, graphs={"traced": LARGE}),
        trace("loss", 1, graphs={"traced": graph("x:Placeholder")}),
        trace("helper", 2, origin="tensorflow", graphs={"traced": LARGE}),
        trace("old", 3, cause="traced before the session"),
    ]
    summary = run_summary(run(*traces))

    assert (summary.functions, summary.traces, summary.retraces) == (3, 2, 0)
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
    """What changed, at which line, and what spares it; how many nodes and where; each finding; and the run."""
    recorded = run(
        traced(0, "x: float32[2]", "flag: Literal[3]", graphs={"traced": LARGE}),
        traced(1, "x: float32[3]", "flag: Literal[4]", graphs={"traced": graph("x:Placeholder  net/p:PrintV2<-x")}),
        traced(2, "x: float32[3]", "flag: Literal[5]"),
    )
    limits = Limits(max_retraces=1, max_nodes=4, no_findings=("debug-op",))
    [finding] = lint(recorded, rules=[rule for rule in RULES if rule.name == "debug-op"])
    said = Style(width=80).render([*finding_lines(finding, Style(width=80))[1:]])

    assert page.limits(limits_report(recorded, run_summary(recorded), limits), Style(width=80)) == (
        "step was traced again 2 times, and max_retraces is 1:\n"
        "  x: float32[2] -> float32[3]\n"
        "    #2, train.py:1, at 1.00 s, took 250 ms\n"
        "    do: let TensorFlow make one trace for every size:\n"
        "      @tf.function(reduce_retracing=True)\n"
        "  flag: Literal[3] -> Literal[4]\n"
        "    #2, train.py:1, at 1.00 s, took 250 ms\n"
        "    do: pass it as a tensor, whose value costs no trace: flag=tf.constant(4)\n"
        "  flag: Literal[4] -> Literal[5]\n"
        "    #3, train.py:2, at 2.00 s, took 250 ms\n"
        "    do: pass it as a tensor, whose value costs no trace: flag=tf.constant(5)\n"
        "the graph of step has 5 nodes, and max_nodes is 4: 3 in net, 1 outside of\n"
        "  scopes, 1 in loss\n"
        "1 finding of lint, and no_findings forbids debug-op:\n"
        f"note  debug-op  step  in net\n{said}"
        "to see the run: trace-scenario show logs/demo/20261123-021530"
    )


def test_a_retrace_of_which_nothing_is_known_is_said_in_words():
    """Where all that was recorded is the same, the page says that, and does not show a type turn into itself."""
    bare = run(traced(0, "x: float32[2]"), traced(1, "x: float32[2]", call_site=None))

    assert page.limits(limits_report(bare, run_summary(bare), Limits(max_retraces=0)), Style(width=80)) == (
        "step was traced again 1 time, and max_retraces is 0:\n"
        "  unknown: the same arguments\n"
        "    #2, at 1.00 s, took 250 ms\n"
        "    do: nothing that is recorded tells the two apart: compare their graphs\n"
        "to see the run: trace-scenario show logs/demo/20261123-021530"
    )
    assert [excess.cause for excess in retraces_over(bare, 0)] == ["unknown: the same arguments"]


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
