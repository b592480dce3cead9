"""Reports as text and as JSON."""

import json
from textwrap import dedent

import pytest

from tests.helpers import graph, run, trace
from tracer.discover.listing import ListedScenario
from tracer.discover.parameters import Parameter
from tracer.graph.lines import Frame
from tracer.graph.model import Graph, TensorType, Variable
from tracer.recorded import Argument, Run, Warned, Window
from tracer.render import json as to_json
from tracer.render.text import Style, lists
from tracer.render.text import show as show_page
from tracer.render.text.style import source_line
from tracer.report.listing import Listing
from tracer.report.runs import RunRow, RunsReport
from tracer.report.show import show_report

NODES = graph(
    "x:Placeholder=float32[2,8]  w:Placeholder=resource[]  net/dense/r:ReadVariableOp=float32[8,4]<-w "
    "net/dense/MatMul:MatMul=float32[2,4]<-x,net/dense/r  net/relu:Relu=float32[2,4]<-net/dense/MatMul "
    "loop:While@cond.c@body.b<-net/relu  net/out:Sum<-loop",
    b="(a) net/add:Add=float32[2,4]<-a,a ->net/add:z:0",
    c="(a) Less:Less=bool[] ->Less:z:0",
)
NET = Graph(NODES.nodes, NODES.functions, {"w": Variable("w:0", TensorType("float32", (8, 4)), trainable=True)})
TREE = """\
scopes of step   nodes   output      params   FLOPs   ops
──────────────────────────────────────────────────────────────────────
(all)                9                   32    145+   Placeholder
├─ net               4   [2, 4] +1       32    136+   Relu, Sum
│  └─ dense          2   [2, 4]          32     128   MatMul  (1 read)
└─ loop              3                            9   While
   ├─ cond           1   bool[]                   1   Less
   └─ body/net       1   [2, 4]                   8   Add
output: float32, where no other type stands
+ in FLOPs: not counted, as shapes are not known: Sum
"""


@pytest.fixture
def small() -> Run:
    """Returns a run of one function with two traces, and another that nobody called."""
    step = trace(
        "step",
        0,
        graphs={"traced": NET},
        arguments=(Argument("x", "float32[2]"),),
        returns="float32[]",
        call_site=Frame("/home/me/train.py", 12, "<module>"),
        seconds=0.0125,
        stages={"hlo": "it is not jitted"},
    )
    again = trace("step", 2, graphs={"traced": graph("x:Add")}, kind="forward", calls=0, seconds=None, returns="None")
    inner = trace("inner", 1, graphs={"traced": graph("x:Relu")}, calls=None, returns="None")
    return run(step, again, inner, versions={"tensorflow": "2.21.0"}, parameters={"a": "3"})


def test_show_at_80_columns(small: Run):
    """The page of a small run fits a terminal of 80 columns."""
    assert show_page.show(show_report(small), Style(width=80)) == (
        "demo/20261123-021530  complete\n"
        "TensorFlow 2.21.0  recorded in 1.50 s\n"
        "a=3\n"
        "\n"
        "function   traces   calls   nodes   tracing   line\n"
        "─────────────────────────────────────────────────────────\n"
        "step            2       1       9   12.5 ms   train.py:12\n"
        "  (x: float32[2]) -> float32[]\n"
        "                        0       1         -   user.py:1\n"
        "  [forward] () -> None\n"
        "inner           1       -       1    250 ms   user.py:1\n"
        "  () -> None\n"
        f"\n{TREE}"
        "\n"
        "stages of 000-step: traced\n"
        "another function: --function NAME; another stage: --stage NAME\n"
    )


def test_a_long_signature_stands_whole_below_its_row():
    """Where the signatures do not fit beside the rest each has lines of its own, and breaks between words."""
    arguments = (Argument("tokens", "int32[32, 1024]"), Argument("mask", "bool[32, 1024]"))
    long = run(trace("step", graphs={"traced": NET}, arguments=arguments, returns="float32[32, 1024]"))

    assert show_page.show(show_report(long), Style(width=60)).split("\n")[3:8] == [
        "function   traces   calls   nodes   tracing   line",
        "───────────────────────────────────────────────────────",
        "step            1       1       9    250 ms   user.py:1",
        "  (tokens: int32[32, 1024], mask: bool[32, 1024]) ->",
        "    float32[32, 1024]",
    ]


def test_show_without_limit_cuts_nothing(small: Run):
    """In a pipe every column is as wide as what is in it."""
    lines = show_page.show(show_report(small), Style()).split("\n")

    assert lines[4:9] == [
        "function   traces   calls   nodes   tracing   line          signature",
        "────────────────────────────────────────────────────────────────────────────────────────",
        "step            2       1       9   12.5 ms   train.py:12   (x: float32[2]) -> float32[]",
        "                        0       1         -   user.py:1     [forward] () -> None",
        "inner           1       -       1    250 ms   user.py:1     () -> None",
    ]


def test_show_says_what_it_left_out(small: Run):
    """A list that was cut says by how much and how to see the rest."""
    shown = show_page.show(show_report(small, top=1), Style())

    assert "\n... and 1 trace more\n" in shown
    assert "\n... and 1 function more: --top 0 shows all\n" in shown
    assert "\n... and 5 scopes more: --top 0 shows all\n" in shown


def test_show_of_one_scope_begins_at_it(small: Run):
    """A scope is drawn as the root of its own tree, under its whole path."""
    shown = show_page.show(show_report(small, scope="loop/body"), Style())

    assert shown.split("\n\n")[2] == dedent("""\
        scopes of step   nodes   output          bytes   FLOPs   ops
        ────────────────────────────────────────────────────────────
        loop/body            1   float32[2, 4]    32 B       8
        └─ net               1   float32[2, 4]    32 B       8   Add""")


def test_show_tells_what_went_wrong():
    """A failed run shows its error, its warnings with their hints, and what was meant to raise."""
    failed = run(
        status="failed",
        error="ValueError: no\nway",
        seconds=None,
        window=Window(5, 1, 5_000_000),
        warnings=(Warned("no-hlo", "HLO is missing", "jit it"), Warned("x", "odd")),
        calls=({"name": "bad", "status": "raised", "error": "TypeError: x"}, {"name": "good", "status": "returned"}),
    )

    assert show_page.show(show_report(failed), Style()) == dedent("""\
        demo/20261123-021530  failed
        5 steps of 1.00 ms profiled, 1 warm-up  not finished
        error: ValueError: no way
        bad raised, as it is meant to: TypeError: x

        warning: HLO is missing
        hint: jit it

        warning: odd
        """)


def test_markup_in_names_is_text():
    """Square brackets, control characters and line breaks in names neither style the page nor break its lines."""
    odd = run(trace("[red]f\x1b[31m\n", graphs={"traced": graph("[bold]a[/bold]/x:Add")}, returns="[link=x]"))
    shown = show_page.show(show_report(odd), Style())

    assert "\x1b" not in shown
    assert "[red]f [31m  " in shown
    assert "() -> [link=x]" in shown
    assert "└─ [bold]a[" in shown


def test_colour_is_only_where_it_is_asked_for(small: Run):
    """With colour the page is the same but for its escapes."""
    plain, coloured = (show_page.show(show_report(small), Style(width=80, color=color)) for color in (False, True))

    assert "\x1b" not in plain
    assert "\x1b[32mcomplete\x1b[0m" in coloured


def test_show_as_json(small: Run):
    """`show --json` has the keys that docs name, with null for what is not measured."""
    report = to_json.show(show_report(small, top=1))

    assert json.loads(to_json.dumps(report)) == report
    assert report == {
        "run": "logs/demo/20261123-021530",
        "status": "complete",
        "scenario": "demo",
        "function": "step",
        "trace": "000-step",
        "stage": "traced",
        "text": "",
        "functions": {
            "returned": 1,
            "total": 2,
            "truncated": True,
            "items": [
                {
                    "name": "step",
                    "traces": 2,
                    "calls": 1,
                    "seconds": 0.0125,
                    "stages": ["traced"],
                    "signatures": [
                        {
                            "trace": "000-step",
                            "kind": "inference",
                            "cause": "first trace",
                            "signature": "(x: float32[2]) -> float32[]",
                            "call_site": {"file": "/home/me/train.py", "line": 12},
                            "seconds": 0.0125,
                            "calls": 1,
                            "nodes": 9,
                            "missing": {"hlo": "it is not jitted"},
                        },
                    ],
                }
            ],
        },
        "scopes": {
            "returned": 1,
            "total": 7,
            "truncated": True,
            "items": [
                {
                    "path": "",
                    "depth": 0,
                    "nodes": 9,
                    "self_ns": None,
                    "total_ns": None,
                    "executions": None,
                    "allocated_bytes": None,
                    "peak_bytes": None,
                    "held_bytes": None,
                    "variables": 1,
                    "parameters": 32,
                    "parameter_bytes": 128,
                    "optimizer_parameters": 0,
                    "unknown_size_variables": 0,
                    "outputs": ["?[...]"],
                    "leaving": 1,
                    "bytes": 289,
                    "unknown_bytes_nodes": 1,
                    "flops": 145,
                    "unknown_flops_nodes": 1,
                    "ops": {"Placeholder": 1},
                    "put_aside": {"variable": 1},
                    "calls": "",
                }
            ],
        },
        "findings": {"returned": 0, "total": 0, "truncated": False, "items": []},
        "warnings": {"returned": 0, "total": 0, "truncated": False, "items": []},
        "error": "",
        "raised": None,
        "bare_step_ns": [],
        "window": None,
        "coverage": None,
        "memory": None,
    }


def test_json_prints_everywhere():
    """Names of any script, lone surrogates too, are escaped."""
    assert to_json.dumps({"a": "é\udc80"}) == '{\n  "a": "\\u00e9\\udc80"\n}'


SCENARIOS = (
    ListedScenario("demo", "A demo.", ("book",), (Parameter("a", "float", "5.0", False),), "built-in", "d.py", "demo"),
    ListedScenario("mine", "My own.", (), (Parameter("n", "int", None, True),), "scenarios/ here", "m.py", "mine"),
)


def test_scenarios_as_text():
    """The list shows parameters with their defaults, and where a scenario is from unless it is built in."""
    assert lists.scenarios(SCENARIOS, Style()) == dedent("""\
        scenario   what it shows               parameters
        ─────────────────────────────────────────────────
        demo       A demo.                     a=5.0
        mine       My own. (scenarios/ here)   n
        """)


def test_a_narrow_list_keeps_the_names():
    """Where a line is too narrow the texts stand below the names, whole."""
    assert lists.scenarios(SCENARIOS, Style(width=40)) == dedent("""\
        scenario   parameters
        ─────────────────────
        demo       a=5.0
          A demo.
        mine       n
          My own. (scenarios/ here)
        """)


def test_scenarios_as_json():
    """`list --json` has the keys that docs name."""
    items = to_json.scenarios(SCENARIOS)["scenarios"]["items"]

    assert items[0] == {
        "name": "demo",
        "summary": "A demo.",
        "tags": ["book"],
        "parameters": [{"name": "a", "type": "float", "default": "5.0", "required": False}],
        "origin": "built-in",
    }
    assert items[1]["parameters"] == [{"name": "n", "type": "int", "default": None, "required": True}]


RUNS = RunsReport(
    "logs",
    Listing(
        (
            RunRow("demo/2", "/logs/demo/2", "demo", "complete", "2026-11-23T02:15:30.000+01:00", 5, 1_200, 4 << 20),
            RunRow("demo/1", "/logs/demo/1", "demo", "unreadable", "", None, 0, 10, "it is damaged"),
        ),
        total=3,
    ),
)


def test_runs_as_text():
    """The list shows each run on a line, then what was left out and what could not be read."""
    assert lists.runs(RUNS, Style()) == dedent("""\
        run      status       started               steps   functions       size
        ────────────────────────────────────────────────────────────────────────
        demo/2   complete     2026-11-23 02:15:30       5       1,200   4.00 MiB
        demo/1   unreadable                             -           0       10 B
        ... and 1 run more: --top 0 shows all
        warning: it is damaged
        """)


def test_a_narrow_list_of_runs_leaves_out_what_their_names_tell():
    """Of a run's name the end is the time when it was started."""
    assert lists.runs(RUNS, Style(width=60)).split("\n")[:3] == [
        "run      status       steps   functions       size",
        "──────────────────────────────────────────────────",
        "demo/2   complete         5       1,200   4.00 MiB",
    ]


def test_no_runs_as_text():
    """An empty log folder says so."""
    assert lists.runs(RunsReport("logs", Listing((), 0)), Style()) == "no runs in logs\n"


def test_runs_as_json():
    """`runs --json` counts what it returns, and has the keys that docs name."""
    assert to_json.runs(RunsReport("logs", Listing(RUNS.runs.items[:1], total=3))) == {
        "logdir": "logs",
        "runs": {
            "returned": 1,
            "total": 3,
            "truncated": True,
            "items": [
                {
                    "run": "demo/2",
                    "path": "/logs/demo/2",
                    "scenario": "demo",
                    "status": "complete",
                    "started": "2026-11-23T02:15:30.000+01:00",
                    "steps": 5,
                    "functions": 1_200,
                    "bytes": 4 << 20,
                    "warning": "",
                }
            ],
        },
    }


def test_a_finished_recording_as_json(small: Run):
    """`run --json` says where the run lies, how it ended and what is in it."""
    assert to_json.recorded(small) == {
        "run": "logs/demo/20261123-021530",
        "status": "complete",
        "scenario": "demo",
        "parameters": {"a": "3"},
        "functions": {
            "returned": 2,
            "total": 2,
            "truncated": False,
            "items": [
                {"name": "step", "traces": 2, "calls": 1, "stages": ["traced"]},
                {"name": "inner", "traces": 1, "calls": 0, "stages": ["traced"]},
            ],
        },
        "calls": {"returned": 0, "total": 0, "truncated": False, "items": []},
        "window": None,
        "summary": {"returned": 0, "total": 0, "truncated": False, "items": []},
        "warnings": {"returned": 0, "total": 0, "truncated": False, "items": []},
        "error": "",
        "raised": None,
        "bare_step_ns": [],
    }


@pytest.mark.parametrize(
    ("frame", "shown"),
    [(None, "-"), (Frame("/a/train.py", 12, "f"), "train.py:12"), (Frame("C:\\a\\train.py", 3, "f"), "train.py:3")],
)
def test_a_line_of_python_is_named_shortly(frame: Frame | None, shown: str):
    """A line is its file's name and number, whatever system it was recorded on."""
    assert source_line(frame) == shown
