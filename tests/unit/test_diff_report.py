"""What `diff` says of two runs, and what a user types to name them."""

import json

import pytest
from click.testing import CliRunner

from tests.helpers import graph, run, trace
from tracer import api
from tracer.cli import main
from tracer.errors import NotFound, Unreadable, UsageError
from tracer.recorded import Argument, Warned
from tracer.render import json as to_json
from tracer.render.text import Style
from tracer.render.text.diff import diff
from tracer.report.changes import FateTotal
from tracer.report.diff import Setting, diff_report
from tracer.report.sides import Side, parse_side, parse_sides

NET = "x:Placeholder  net/w:Read  net/MatMul:MatMul=float32[2,4]<-x,net/w  net/Relu:Relu<-net/MatMul"
WIDER = NET.replace("[2,4]", "[2,8]") + "  head/a:Neg<-net/Relu  head/b:Exp<-head/a"


def _step(text, index=0, *, name="step", size=2, **stages):
    graphs = {"traced": graph(text), **{stage: graph(other) for stage, other in stages.items()}}
    return trace(name, index, graphs=graphs, arguments=(Argument("x", f"float32[{size}]"),), returns="None")


@pytest.mark.parametrize(
    ("typed", "side"),
    [
        ("latest", Side("latest")),
        ("demo/20261123-021530", Side("demo/20261123-021530")),
        ("latest~1:step", Side("latest~1", "step")),
        ("demo:Net.call#2", Side("demo", "Net.call", 2)),
        ("demo#2", Side("demo", "", 2)),
        ("demo:step#1@optimized", Side("demo", "step", 1, "optimized")),
        ("@optimized", Side("", "", 0, "optimized")),
        (":<lambda> (2)", Side("", "<lambda> (2)")),
        ("/home/me@host/logs/a", Side("/home/me@host/logs/a")),
        ("C:\\logs\\a", Side("C:\\logs\\a")),
        ("C:\\logs\\a:step", Side("C:\\logs\\a", "step")),
        ("logs/bare:run1/step#2", Side("logs/bare", "run1/step", 2)),
        ("at:12/30", Side("at:12/30")),
    ],
)
def test_a_side_is_a_run_a_function_a_trace_and_a_stage(typed, side):
    """Each part may be left out, and paths stay whole."""
    assert parse_side(typed, {"at:12/30"}.__contains__) == side


@pytest.mark.parametrize(
    ("typed", "message", "hint"),
    [
        ("demo@optimised", "no stage named 'optimised'", "did you mean 'optimized' or 'optimized_hlo'?"),
        ("demo:f#0", "there is no trace #0 in 'demo:f#0'", "the first trace is #1"),
    ],
)
def test_a_side_that_cannot_be_says_why(typed, message, hint):
    """A stage or a trace that cannot exist is named, with what could."""
    with pytest.raises(UsageError) as caught:
        parse_side(typed)

    assert (caught.value.message, caught.value.hint) == (message, hint)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("demo:f#1@optimized", "#2", Side("demo", "f", 2)),
        ("demo:f#1", "@optimized", Side("demo", "f", 1, "optimized")),
        ("demo:f#1", ":g", Side("demo", "g")),
        ("demo:f#1", "latest", Side("latest")),
        ("@traced", "@optimized", Side("latest", "", 0, "optimized")),
    ],
)
def test_the_second_side_takes_what_it_leaves_out_from_the_first(before, after, expected):
    """`#2` behind `demo:f#1` is the second trace of that function."""
    assert parse_sides(before, after)[1] == expected


def test_options_fill_what_the_sides_leave_open():
    """`--function` and `--stage` count on both sides where they say nothing themselves."""
    assert parse_sides("a", "b:g@traced", function="f", stage="optimized") == (
        Side("a", "f", 0, "optimized"),
        Side("b", "g", 0, "traced"),
    )


def test_two_runs_of_one_graph_are_equal():
    """Runs of the same program on other machines have equal graphs, and the machines are named."""
    report = diff_report(run(_step(NET), host={"name": "a"}), run(_step(NET), path="logs/demo/2", host={"name": "b"}))

    assert report.equal
    assert report.config == (Setting("host name", "a", "b"),)
    assert dict(report.nodes) == {"added": 0, "removed": 0, "changed": 0, "same": 4}


def test_versions_parameters_and_signatures_come_first():
    """What was made otherwise is named, each with both values."""
    before = run(_step(NET), versions={"tensorflow": "2.20.0", "keras": "3"}, parameters={"a": "1"})
    after = run(
        _step(NET, size=3), path="logs/demo/2", versions={"tensorflow": "2.21.0"}, parameters={"a": "1", "b": "2"}
    )

    assert diff_report(before, after).config == (
        Setting("tensorflow", "2.20.0", "2.21.0"),
        Setting("keras", "3", ""),
        Setting("parameter b", "", "2"),
        Setting("signature of step", "(x: float32[2]) -> None", "(x: float32[3]) -> None"),
    )


def test_traces_pair_by_signature_and_the_others_are_whole():
    """A trace that only one side has is one change, with all its nodes."""
    report = diff_report(run(_step(NET, size=2)), run(_step(NET, 0, size=5), _step(NET, 1, size=2), path="logs/demo/2"))

    assert [(item.before and item.before.id, item.after.id) for item in report.traces] == [
        (None, "000-step"),
        ("000-step", "001-step"),
    ]
    assert [(item.kind, item.what, item.nodes) for item in report.changes.items] == [("added", "trace", 4)]


def test_the_only_function_of_each_side_is_compared_whatever_it_is_called():
    """Two files with one graph each are compared, though each graph is called as its file."""
    report = diff_report(run(_step(NET, name="frozen")), run(_step(NET, name="frozen_v2"), path="b"))

    assert [(item.function, item.before.id, item.after.id) for item in report.traces] == [
        ("frozen_v2", "000-frozen", "000-frozen_v2")
    ]
    assert report.equal


def test_two_traces_of_one_function_are_compared():
    """`#1` and `#2` are the traces that a retrace made."""
    one = run(_step(NET, 0, size=2), _step(NET.replace("[2,4]", "[3,4]"), 1, size=3))
    report = diff_report(one, one, (Side("latest", "step", 1), Side("latest", "step", 2)))

    assert [(item.path, item.what, item.before, item.after) for item in report.changes.items] == [
        ("net/MatMul", "shape", "[2, 4]", "[3, 4]")
    ]


def test_two_stages_say_what_became_of_each_node():
    """From traced to optimised a change is a node's fate, and the counts add up on both sides."""
    optimized = "x:_Arg  net/w:Read  net/Relu:_FusedMatMul<-x,net/w  r:_Retval<-net/Relu"
    one = run(_step(NET, optimized=optimized))
    report = diff_report(one, one, (Side("latest"), Side("latest", stage="optimized")))
    back = diff_report(one, one, (Side("latest", stage="optimized"), Side("latest")))

    assert [(item.kind, item.path, item.what, item.after) for item in report.changes.items] == [
        ("removed", "net/MatMul", "fused", "_FusedMatMul, net/Relu"),
        ("changed", "net/Relu", "fused", "_FusedMatMul"),
        ("added", "r", "node", "_Retval, function boundary"),
    ]
    assert report.traces[0].fates == (FateTotal("fused", "", 2), FateTotal("added", "", 1))
    assert dict(report.nodes) == {"added": 1, "removed": 1, "changed": 1, "same": 2}
    assert dict(back.nodes) == {"added": 1, "removed": 1, "changed": 1, "same": 2}


STAGES = (
    "x:Placeholder  a/k:Const  a/k_1:Const  a/Neg:Neg<-x  a/Add:Add<-a/Neg,a/k  a/Sub:Sub<-a/Add,a/k_1  "
    "b/div:RealDiv<-a/Sub  b/Dead:Exp<-x  i:Identity<-b/div",
    "x:_Arg  a/k:Const  a/Neg:Neg<-x  a/Add:Add<-a/Neg,a/k  a/Sub:Sub<-a/Add,a/k  b/div:Mul<-a/Sub  r:_Retval<-b/div",
)


def test_the_fates_of_nodes_are_counted_and_the_telling_ones_stand_first():
    """What became of how many nodes is one line; nodes that compute something else come before those that are gone."""
    one = run(_step(STAGES[0], optimized=STAGES[1]))
    report = diff_report(one, one, (Side("latest"), Side("latest", stage="optimized")))

    assert [(total.fate, total.why, total.nodes) for total in report.traces[0].fates] == [
        ("removed", "unread", 2),
        ("kept", "RealDiv → Mul", 1),
        ("added", "", 1),
        ("removed", "duplicate", 1),
    ]
    assert diff(report, Style(width=80)).splitlines()[7:] == [
        "2 unread, 1 RealDiv → Mul, 1 added, 1 duplicate",
        "",
        "step",
        "  ~ b/div  op: RealDiv → Mul",
        "  + r  _Retval, function boundary",
        "  - a/k_1  Const  duplicate of a/k",
        "  - b/Dead  Exp  nothing reads it",
        "  - i  Identity  nothing reads it",
    ]
    assert to_json.diff(report)["functions"]["items"][0]["fates"][1] == {
        "fate": "kept",
        "why": "RealDiv → Mul",
        "nodes": 1,
    }


def test_a_scope_that_is_gone_is_one_row_where_another_has_its_name_now():
    """A removed layer is one row of the scopes that there were, though the next layer took its number."""
    layer = "{0}/m:MatMul=float32[{2}]<-{1}  {0}/a:Relu<-{0}/m"
    three = "  ".join(layer.format(*row) for row in (("l", "x", 1), ("l_1", "l/a", 2), ("l_2", "l_1/a", 3)))
    two = "  ".join(layer.format(*row) for row in (("l", "x", 1), ("l_1", "l/a", 3)))
    report = diff_report(run(_step(f"x:Placeholder  {three}")), run(_step(f"x:Placeholder  {two}"), path="b"))

    assert diff(report, Style(width=80)).splitlines()[-2:] == [
        "  ~ l_1/m  inputs: l_1/a → l/a",
        "  - l_1/  2 nodes",
    ]


@pytest.mark.parametrize(
    ("sides", "kind", "message"),
    [
        ((Side("a", "stop"), Side("b")), NotFound, "no function named 'stop'"),
        ((Side("a", "step", 3), Side("b")), NotFound, "'step' has no trace #3"),
        ((Side("a", stage="source"), Side("b")), UsageError, "diff compares graphs, and 'source' is a text"),
        (
            (Side("a", stage="hlo"), Side("b", stage="optimized")),
            UsageError,
            "'hlo' and 'optimized' share no names to compare by",
        ),
        ((Side("a", stage="optimized"), Side("b", stage="optimized")), NotFound, "there is nothing to compare"),
    ],
)
def test_what_cannot_be_compared_says_why(sides, kind, message):
    """Each reason why there is no comparison is an error of its own."""
    with pytest.raises(kind) as caught:
        diff_report(run(_step(NET)), run(_step(NET), path="b"), sides)

    assert caught.value.message == message


def test_two_stages_without_common_names_are_compared_with_traced():
    """The hint is the first of the two comparisons, ready to be typed."""
    sides = (Side("demo", "step", stage="hlo"), Side("demo", "step", stage="optimized_hlo"))
    with pytest.raises(UsageError) as caught:
        diff_report(run(_step(NET)), run(_step(NET)), sides)

    assert caught.value.hint == "compare each with traced: demo:step@traced @optimized_hlo"


def _damaged(name):
    def read(_, stage):
        raise Unreadable(f"{name} is cut off", hint="record it again")

    return trace(name, 1, graphs={"traced": None}, _read=read)


def test_what_could_not_be_read_is_not_equal():
    """A damaged graph on one side is a warning, and the title says that something could not be read."""
    report = diff_report(run(_step(NET), _step(NET, 1, name="loss")), run(_step(NET), _damaged("loss"), path="b"))

    assert (report.changed, report.equal) == (False, False)
    assert report.unread == (Warned("damaged", "loss is cut off", "record it again"),)
    assert report.notes == ()
    assert diff(report, Style(width=80)) == (
        "demo/20261123-021530 → demo/20261123-021530\n"
        "nothing changed in what could be read: 1 graph could not\n"
        "\n"
        "function   before   after   added   removed   changed   same\n"
        "────────────────────────────────────────────────────────────\n"
        "step            4       4       0         0         0      4\n"
        "\n"
        "warning: loss is cut off\n"
        "hint: record it again\n"
    )
    assert to_json.diff(report)["warnings"]["items"] == [
        {"code": "damaged", "message": "loss is cut off", "hint": "record it again"}
    ]


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [(NET, ("--fail-on-change",), 7), (NET, (), 7), (WIDER, ("--fail-on-change",), 5), (WIDER, (), 7)],
)
def test_a_change_outranks_a_damaged_graph_in_the_exit_code(monkeypatch, text, options, code):
    """`diff` ends with 5 where something changed and that is asked for, else with 7 if a graph could not be read."""
    sides = run(_step(NET), _step(NET, 1, name="loss")), run(_step(text), _damaged("loss"), path="b")
    monkeypatch.setattr(api, "diff", lambda *_, **__: diff_report(*sides))

    assert CliRunner().invoke(main, ["diff", "a", "b", *options]).exit_code == code


def test_a_renamed_node_is_no_scope():
    """A node with another name is renamed as a node, and shown without the mark of a scope."""
    report = diff_report(run(_step(NET)), run(_step(NET.replace("net/Relu", "net/act")), path="b"))

    assert [(item.kind, item.what, item.path) for item in report.changes.items] == [("renamed", "node", "net/act")]
    assert diff(report, Style(width=80)).splitlines()[-1] == "  > net/Relu → net/act  renamed, 1 node"


def test_the_page_at_80_columns():
    """The page names both sides, what was made otherwise, the counts, and whole scopes in one line."""
    report = diff_report(
        run(_step(NET)), run(_step(WIDER), path="b", name="demo/20261124-101112", parameters={"width": "8"})
    )

    assert diff(report, Style(width=80)) == (
        "demo/20261123-021530 → demo/20261124-101112\n"
        "2 added  0 removed  1 changed  3 same nodes\n"
        "\n"
        "made otherwise    before   after\n"
        "────────────────────────────────\n"
        "parameter width   -        8\n"
        "\n"
        "function   before   after   added   removed   changed   same\n"
        "────────────────────────────────────────────────────────────\n"
        "step            4       6       2         0         1      3\n"
        "\n"
        "step\n"
        "  ~ net/MatMul  shape: [2, 4] → [2, 8]\n"
        "  + head/  2 nodes\n"
    )


def test_long_paths_take_two_lines_and_names_of_any_script_stay():
    """Where a line is too short the difference stands below, and wide characters count as two columns."""
    path = "モデル/" + "層" * 20 + "/" + "x" * 40
    report = diff_report(run(_step(f"{path}:Op=float32[2]")), run(_step(f"{path}:Op=float32[3]"), path="b"))
    lines = diff(report, Style(width=80)).splitlines()

    assert lines[-2].startswith("  ~ モデル/層")
    assert lines[-1] == "      shape: [2] → [3]"


def test_long_paths_are_cut_in_their_middle():
    """Nodes of one deep scope stay apart where lines are short: their paths differ at their ends."""
    nodes = "  ".join(f"{'deep/' * 30}node_{letter}:Op=float32[{{0}}]" for letter in "ab")
    report = diff_report(run(_step(nodes.format(2))), run(_step(nodes.format(3)), path="b"))
    lines = diff(report, Style(width=40)).splitlines()

    assert lines[-4:] == [
        "  ~ deep/deep/d…ep/deep/deep/deep/node_a",
        "      shape: [2] → [3]",
        "  ~ deep/deep/d…ep/deep/deep/deep/node_b",
        "      shape: [2] → [3]",
    ]


def test_all_code_in_another_scope_is_called_all():
    """A page has no empty name for the whole graph."""
    report = diff_report(run(_step("x:Op")), run(_step("net/x:Op"), path="b"))

    assert diff(report, Style(width=80)).splitlines()[-1] == "  > (all) → net  renamed, 1 node"


def test_the_object_that_json_prints():
    """Counts, changes, configuration, scopes and time are there under their contracted keys."""
    report = diff_report(run(_step(NET)), run(_step(WIDER), path="b"), top=1)
    shown = json.loads(json.dumps(to_json.diff(report)))

    assert shown["nodes"] == {"added": 2, "removed": 0, "changed": 1, "same": 3}
    assert (shown["changes"]["returned"], shown["changes"]["total"], shown["changes"]["truncated"]) == (1, 3, True)
    assert shown["changes"]["items"][0] == {
        "kind": "changed",
        "function": "step",
        "path": "net/MatMul",
        "before": "[2, 4]",
        "after": "[2, 8]",
        "what": "shape",
        "nodes": 1,
    }
    assert shown["time"] is None
    assert shown["config"]["items"] == []
    assert shown["scopes"]["items"][0] == {
        "function": "step",
        "path": "",
        "depth": 0,
        "added": 2,
        "removed": 0,
        "changed": 1,
        "same": 3,
    }
