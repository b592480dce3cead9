"""The inlined paths of recorded graphs, and their ops, against the names that TensorFlow's executor really used."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from tests.integration.test_scenarios import SCENARIOS
from tracer.graph.inline import inline
from tracer.graph.model import Graph
from tracer.graph.names import node_path
from tracer.store.load import load_run

# The executor writes an event as `<node>:<op>`; other events have blanks, colons or paths in them.
EXECUTED = re.compile(r"(?P<node>[^\s:$][^\s:]*):(?P<op>_?[A-Z]\w*|__inference_\w+)")

# Why an executed node is in no recorded function's graph.
REASONS = {
    r"_send_.+:_Send": "Grappler evaluates constants in graphs of its own, and hands each result over",
    r"[^:]*Dataset(V\d+)?(/_\d+)?:\w+Dataset(V\d+)?": "a node of the tf.data pipeline itself, which no function holds",
    r"(?P<function>__inference_\w+):(?P=function)": "the call of a function that XLA compiled as a whole",
}


def executed(folder: Path) -> set[tuple[str, str]]:
    """Returns node and op of each event of the executor in a run's profile."""
    [file] = folder.glob("plugins/profile/*/*.xplane.pb")
    names = {
        plane.event_metadata[event.metadata_id].name
        for plane in xplane_pb2.XSpace.FromString(file.read_bytes()).planes
        for line in plane.lines
        for event in line.events
    }
    found = map(EXECUTED.fullmatch, names)
    return {(match["node"], match["op"]) for match in found if match}


def recorded_ops(folder: Path) -> dict[str, set[str]]:
    """Returns the ops at each node path of the traced and optimised graphs of a run."""
    found: dict[str, set[str]] = {}
    for trace in load_run(folder).traces:
        for stage in ("traced", "optimized"):
            graph = None if trace.stages[stage] else trace.stage(stage)
            for node in inline(graph).nodes if isinstance(graph, Graph) else ():
                found.setdefault(node_path(node.name), set()).add(node.op)
    return found


def is_run_of(executed_op: str, ops: set[str]) -> bool:
    """Tells whether an executed op is one of these, or what oneDNN has in its place.

    oneDNN comes after the export: `_FusedMatMul` becomes `_MklNativeFusedMatMul`, `Softmax` becomes `_MklSoftmax`.
    """
    plain = re.sub(r"^_Mkl(Native)?", "", executed_op)
    return executed_op in ops or (plain != executed_op and not ops.isdisjoint({plain, f"_{plain}"}))


@pytest.mark.parametrize("scenario", sorted(set(SCENARIOS) - {"eager_only"}))
def test_every_executed_node_is_in_a_graph(scenario: str, recorded: Callable[[str], Path]) -> None:
    """Each node that ran in the window stands with its op in the traced or optimised graph, or has a reason why not."""
    folder = recorded(scenario)
    ran = executed(folder)
    ops = recorded_ops(folder)
    absent = {f"{node}:{op}" for node, op in ran if not is_run_of(op, ops.get(node_path(node), set()))}

    assert ran
    assert {name for name in absent if not any(re.fullmatch(reason, name) for reason in REASONS)} == set()
    if scenario not in ("xla_mlp", "input_pipeline"):  # where XLA and tf.data run nodes of their own
        assert len(absent) < len(ran) / 10
