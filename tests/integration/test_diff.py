"""Stage maps and diffs of what TensorFlow really makes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import trace_scenario
from tracer.graph.inline import inline
from tracer.graph.model import Graph
from tracer.graph.names import node_path
from tracer.graph.stage_map import stage_map
from tracer.recorded import Run, Trace
from tracer.report.diff import DiffReport, diff_report
from tracer.report.sides import parse_sides
from tracer.store.load import load_run

Recorded = Callable[[str], Path]


def _diff(run: Run, before: str, after: str) -> DiffReport:
    return diff_report(run, run, parse_sides(before, after))


def _optimized(trace: Trace) -> Graph:
    graph = trace.stage("optimized")
    assert isinstance(graph, Graph)
    return graph


def _again(logdir: Path, scenario: str, *options: str) -> Run:
    done = trace_scenario("run", scenario, "--logdir", logdir, "--json", *options)
    assert done.returncode == 0, done.stderr
    return load_run(Path(json.loads(done.stdout)["run"]))


@pytest.mark.parametrize(
    "scenario", ["control_flow", "keras_fit", "train_step", "transformer_block", "rnn", "mobilenet_v2"]
)
def test_every_node_has_one_fate(recorded: Recorded, scenario: str) -> None:
    """Each traced node has one fate, and each optimised node is what a fate leads into, or added: never both."""
    run = load_run(recorded(scenario))
    traces = [trace for trace in run.traces if trace.stages["optimized"] == ""]
    assert traces

    for trace in traces:
        before, after = inline(trace.graph), inline(_optimized(trace))
        found = stage_map(before, after)
        into = {fate.into for fate in found.fates} - {""}
        added = [node.path for node in found.added]

        assert [fate.path for fate in found.fates] == before.nodes.names
        assert Counter([*into, *added]) == Counter(set(map(node_path, after.nodes.names)))
        assert sum(found.totals.values()) == len(before.nodes) + len(added)
        assert dict(found.scopes[0].counts) == {sort: number for sort, number in found.totals.items() if number}


def test_the_layers_of_a_network_are_fused(recorded: Recorded) -> None:
    """Matrix product, bias and activation of a layer became one op, which has the activation's name."""
    (trace,) = load_run(recorded("train_step")).traces
    found = stage_map(inline(trace.graph), inline(_optimized(trace)))

    assert {fate.path: fate.into for fate in found.fates if fate.fate == "fused"} == {
        "mlp/linear_0/matmul": "mlp/Relu",
        "mlp/linear_0/add": "mlp/Relu",
        "mlp/Relu": "mlp/Relu",
        "mlp/linear_1/matmul": "mlp/Relu_1",
        "mlp/linear_1/add": "mlp/Relu_1",
        "mlp/Relu_1": "mlp/Relu_1",
        "mlp/linear_2/matmul": "mlp/linear_2/add",
        "mlp/linear_2/add": "mlp/linear_2/add",
    }


@pytest.mark.parametrize("scenario", ["transformer_block", "keras_fit"])
def test_a_program_recorded_twice_is_equal(recorded: Recorded, tmp_path: Path, scenario: str) -> None:
    """Two runs of one program have equal graphs in every stage, and nothing about them was made otherwise."""
    before, after = load_run(recorded(scenario)), _again(tmp_path, scenario)

    for stage in ("traced", "optimized"):
        report = diff_report(before, after, parse_sides("a", "b", stage=stage))
        assert report.changes.items == ()
        assert report.config == ()


def test_a_parameter_is_named_and_the_scopes_that_it_splits(recorded: Recorded, tmp_path: Path) -> None:
    """`distinct=true` gives each module a scope of its own: they are renamed, and nothing else changed."""
    report = diff_report(
        load_run(recorded("nested_modules")), _again(tmp_path, "nested_modules", "-p", "distinct=true")
    )

    assert [(item.what, item.after) for item in report.config] == [("parameter distinct", "true")]
    assert [(item.kind, item.before, item.after) for item in report.changes.items] == [
        ("renamed", "pair/linear", "pair/first"),
        ("renamed", "pair/linear", "pair/second"),
    ]


def test_a_retrace_is_compared_with_the_trace_before(recorded: Recorded) -> None:
    """The second trace of a function differs from the first in what its new argument brought."""
    run = load_run(recorded("retracing"))
    (name, function) = next(item for item in run.functions.items() if len(item[1].traces) > 1)
    report = _diff(run, f"latest:{name}#1", "#2")

    assert [item.what for item in report.config] == [f"signature of {name}"]
    assert report.traces[0].before == function.traces[0]
    assert report.traces[0].after == function.traces[1]
    assert not report.equal
    assert _diff(run, f"latest:{name}#1", "#1").equal
