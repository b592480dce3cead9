"""Lint as a whole: what is one finding, in which order, and how it is shown."""

import json
from pathlib import Path
from textwrap import dedent

import pytest

from tests.helpers import graph, run, trace
from tracer.errors import NotFound
from tracer.graph.lines import Frame, Lines
from tracer.graph.model import Graph, TensorType, Variable
from tracer.recorded import Argument, Warned
from tracer.render import json as to_json
from tracer.render.text import Style
from tracer.render.text.lint import lint as to_text
from tracer.report.lint import lint_report
from tracer.rules import RULES, SEVERITIES, lint

PRINTS = graph("x:Placeholder net/a:PrintV2<-x net/b:PrintV2<-x")
LINE = Lines((Frame("user.py", 7, "step"),), ((0,),), {"": {"net/a": 0, "net/b": 0}})
MIXED = graph("x:Placeholder net/log:PrintV2<-x net/py:EagerPyFunc<-x")


def short(findings):
    """Returns rule, function, place and count of each."""
    return [(one.rule, one.function, one.where, one.count) for one in findings]


def test_nodes_of_one_line_are_one_finding():
    """Two prints of one line are one finding, with a count and the line."""
    (finding,) = lint(run(trace(graphs={"traced": PRINTS}, lines=LINE)))

    assert (finding.line, finding.node, finding.count) == (Frame("user.py", 7, "step"), "net/a", 2)


def test_nodes_without_a_line_are_one_finding_for_each_scope():
    """Where no line is known, the scope is the place."""
    made = graph("x:Placeholder net/a:PrintV2<-x net/b:PrintV2<-x top/c:PrintV2<-x")

    assert short(lint(run(trace(graphs={"traced": made})))) == [
        ("debug-op", "step", "net", 2),
        ("debug-op", "step", "top", 1),
    ]


def test_traces_of_one_function_share_a_finding():
    """What stands in each of three traces is told once, with the number of nodes in one of them."""
    traces = [trace(index=index, graphs={"traced": PRINTS}, lines=LINE, calls=9) for index in range(3)]

    assert short(lint(run(*traces))) == [("debug-op", "step", "net", 2)]


def test_a_function_and_its_caller_share_a_finding():
    """A print in a function that another one calls is told of the first of the two."""
    outer = graph("x:Placeholder call:StatefulPartitionedCall@f<-x", f="(a) net/a:PrintV2<-a")
    traces = [
        trace("outer", graphs={"traced": outer}, definition=Frame("user.py", 1, "outer")),
        trace("inner", 1, graphs={"traced": graph("a:Placeholder net/a:PrintV2<-a")}, calls=0),
    ]

    assert short(lint(run(*traces))) == [("debug-op", "outer", "call/net", 1)]


def test_the_line_of_a_call_does_not_make_another_finding():
    """A print without a line of its own, as in a function that was loaded, is told once, wherever it is called."""
    outer = graph("x:Placeholder call:StatefulPartitionedCall@f<-x", f="(a) net/a:PrintV2<-a")
    called = Lines((Frame("user.py", 9, "outer"),), ((0,),), {"": {"call": 0}})
    traces = [
        trace("loaded", graphs={"traced": graph("a:Placeholder net/a:PrintV2<-a")}),
        trace("outer", 1, graphs={"traced": outer}, lines=called),
    ]

    assert short(lint(run(*traces))) == [("debug-op", "loaded", "net", 1)]


@pytest.mark.parametrize(
    "facts", [{"origin": "tensorflow"}, {"origin": "keras"}, {"kind": "backward"}, {"stages": {"traced": "lost"}}]
)
def test_what_is_not_the_users_is_passed_over(facts):
    """Helpers of TensorFlow, Keras' own notes, gradients, and traces without a graph have no findings."""
    assert lint(run(trace(graphs={"traced": PRINTS}, **facts))) == ()


def test_the_trace_that_only_makes_variables_is_passed_over():
    """The first trace of a function that makes its variables never runs: its prints are not told."""
    first = trace(graphs={"traced": PRINTS}, cause="creates variables", calls=0)
    second = trace(index=1, graphs={"traced": graph("x:Placeholder")}, cause="traced again")

    assert short(lint(run(first, second))) == [("creates-variables", "step", "", 1)]


def test_findings_stand_in_the_order_of_severity():
    """Warnings come before notes, whatever their order in the graph."""
    assert [one.severity for one in lint(run(trace(graphs={"traced": MIXED})))] == ["warning", "note"]


def test_one_function_alone_can_be_looked_at():
    """With `function`, the findings of others are left out."""
    recorded = run(
        trace("one", graphs={"traced": PRINTS}, definition=Frame("user.py", 1, "one")),
        trace("two", 1, graphs={"traced": MIXED}, definition=Frame("user.py", 5, "two")),
    )

    assert {one.function for one in lint(recorded, function="two")} == {"two"}


def test_an_unknown_function_is_an_error():
    """A function that the run does not have is not silently without findings."""
    with pytest.raises(NotFound, match="no function named 'stop'"):
        lint(run(trace(graphs={"traced": PRINTS})), function="stop")


def test_a_captured_variable_is_known_by_its_name():
    """Findings about variables name them as the program does, without the number of the output."""
    made = graph("w:Placeholder x:Placeholder")
    captures = {"w": Variable("net/w:0", TensorType("float32", (2,)), trainable=True)}
    recorded = run(trace(graphs={"traced": Graph(made.nodes, captures=captures)}))

    assert [one.message for one in lint(recorded)] == ["the variable 'net/w' is captured, and nothing uses its value"]


def test_the_table_of_rules_is_sound():
    """Each rule has its own name, a severity that is sorted by, and one check."""
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert {rule.severity for rule in RULES} <= set(SEVERITIES)
    assert [rule.name for rule in RULES if (rule.graph is None) == (rule.function is None)] == []


def test_each_rule_has_its_section_in_the_docs():
    """`docs/lint.md` has a row and a section for each rule, with severity and summary as in the table."""
    page = (Path(__file__).parents[2] / "docs" / "lint.md").read_text("utf-8")

    for rule in RULES:
        assert f"| [`{rule.name}`](#{rule.name}) | {rule.severity} | {rule.summary} |\n" in page
        assert f"\n## {rule.name}\n\n**Why.**" in page


RUN = run(
    *(
        trace(
            index=index,
            graphs={"traced": graph("x:Placeholder net/log:PrintV2<-x")},
            arguments=(Argument("n", f"Literal[{index}]"),),
            lines=Lines((Frame("src/user.py", 7, "step"),), ((0,),), {"": {"net/log": 0}}),
        )
        for index in range(3)
    )
)


def test_text_is_a_block_for_each_finding():
    """Place, what is there, and what to do; sentences wrap at the width."""
    assert to_text(lint_report(RUN), Style(width=60)) == dedent("""\
        warning  retracing  user.py:1  step  3 traces
          traced 3 times in 3 calls: 'n' is a Python value, and each
          new one is a trace: Literal[0], Literal[1], Literal[2]
          do: pass it as a tensor, whose value costs no trace:
          n=tf.constant(1)

        note  debug-op  user.py:7  step  in net
          tf.print writes a line in every call (PrintV2): what it
          looks at has to come to the host
          do: remove it when it has done its work; for a look now
          and then, tf.summary or a separate function

        1 warning, 1 note in demo/20261123-021530; docs/lint.md
        explains each rule
        """)


def test_text_in_a_pipe_has_each_sentence_in_one_line():
    """In a pipe nothing wraps: head, message and advice are three lines."""
    lines = to_text(lint_report(RUN, top=1), Style()).splitlines()

    assert [line.split(":")[0].strip() for line in lines] == [
        "warning  retracing  user.py",
        "traced 3 times in 3 calls",
        "do",
        "",
        "... and 1 finding more",
        "",
        "1 warning, 1 note in demo/20261123-021530; docs/lint.md explains each rule",
    ]


def test_text_says_that_there_is_nothing():
    """A run without findings says so."""
    clean = run(trace(graphs={"traced": graph("x:Placeholder")}))

    assert to_text(lint_report(clean), Style(width=60)) == "no findings in demo/20261123-021530\n"


def test_text_says_which_traces_nobody_looked_at():
    """A run without findings, of which a trace is damaged, is not called clean without a word."""
    damaged = Warned("damaged", "trace.json is no valid JSON", "record the run again")
    report = lint_report(run(trace(graphs={"traced": graph("x:Placeholder")}), warnings=(damaged,)))

    assert report.unread == (damaged,)
    assert to_text(report, Style(width=60)) == dedent("""\
        no findings in demo/20261123-021530

        warning: trace.json is no valid JSON
        hint: record the run again
        """)


def test_text_has_colour_only_when_asked():
    """Escape codes stand in coloured text alone."""
    assert "\x1b" in to_text(lint_report(RUN), Style(width=60, color=True))
    assert "\x1b" not in to_text(lint_report(RUN), Style(width=60))


def test_json_lists_findings_with_their_places():
    """The keys are the contract; what a finding about a function has no place for is empty."""
    printed = json.loads(to_json.dumps(to_json.lint(lint_report(RUN, top=1))))

    assert printed["severities"] == {"error": 0, "warning": 1, "note": 1}
    assert printed["findings"] == {
        "returned": 1,
        "total": 2,
        "truncated": True,
        "items": [
            {
                "rule": "retracing",
                "severity": "warning",
                "where": "",
                "message": "traced 3 times in 3 calls: 'n' is a Python value, and each new one is a trace: "
                "Literal[0], Literal[1], Literal[2]",
                "advice": "pass it as a tensor, whose value costs no trace: n=tf.constant(1)",
                "function": "step",
                "trace": "",
                "node": "",
                "file": "user.py",
                "line": 1,
                "count": 3,
                "docs": "docs/lint.md#retracing",
            }
        ],
    }
