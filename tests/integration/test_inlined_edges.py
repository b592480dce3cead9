"""The edges of inlined graphs against those of TensorFlow's own inlining of the same functions.

With Grappler off, the optimised graph that TensorFlow exports is the traced one after its own inlining of calls and
lowering of branches and loops, and nothing else. Each input of each node must come from the same nodes in both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.helpers import run_python
from tracer.graph.inline import Inlined, inline
from tracer.graph.model import Graph, Node
from tracer.graph.names import node_path
from tracer.graph.references import data_of, producer_of, split
from tracer.recorded import Trace
from tracer.store.load import load_run

NESTED = str(Path(__file__).with_name("nested_calls.py"))
RECORD = """
import sys
import tensorflow as tf

tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
import tracer

for target in sys.argv[2:]:
    print(tracer.run(target, logdir=sys.argv[1]).path, file=sys.stderr)
"""
Output = tuple[str, int]  # a node's path, and which of its outputs


class Ours:
    """Where values come from in an inlined graph: behind the nodes that run functions, whose results these give."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.inlined: Inlined = inline(graph)
        self.nodes: Mapping[str, Node] = {node.name: node for node in self.inlined.nodes}

    def sources(self, reference: str) -> frozenset[Output]:
        """Returns the outputs that an input may be; of a loop's result that of its body."""
        name, port = split(reference)
        node = self.nodes[name]
        if not node.bodies:
            return frozenset({(name, port)})
        given = data_of(node.inputs)
        lengths = [len(self.graph.functions[body.function].returns) for body in node.bodies]
        at, found = len(given) - sum(lengths), frozenset[Output]()
        for body, length in zip(node.bodies, lengths, strict=True):
            found |= frozenset() if body.label == "cond" else self.sources(given[at + port])
            at += length
        return found


class Theirs:
    """The same in TensorFlow's graph: behind the nodes that it put there in the calls', branches' and loops' places."""

    def __init__(self, graph: Graph, ours: Ours) -> None:
        self._nodes = {node_path(node.name): node for node in graph.nodes}
        self._path_of = {node.name: node_path(node.name) for node in graph.nodes}
        self._ours = ours
        self._arguments = [node.name for node in ours.graph.nodes if node.op == "Placeholder"]

    def inputs(self, path: str) -> list[frozenset[Output]] | None:
        """Returns the outputs that each data input of a node may be; None if the node is not there."""
        node = self._nodes.get(path)
        return [self.sources(text) for text in data_of(node.inputs)] if node else None

    def sources(self, reference: str, *, left: bool = False) -> frozenset[Output]:
        """Returns the outputs that an input may be.

        Args:
          reference: the input.
          left: a loop is left that way: its value is that of its body, and not the one that it began with.
        """
        name, port = split(reference)
        path = self._path_of[name]
        node, own = self._nodes[path], self._ours.nodes.get(path)
        if node.op == "_Arg":
            return frozenset({(self._arguments[node.attributes["index"]], 0)})
        if own is not None and not own.bodies:
            return frozenset({(path, port)})
        read = data_of(node.inputs)
        if node.op == "Merge":
            turns = [text for text in read if self._nodes[self._path_of[producer_of(text)]].op == "NextIteration"]
            read = turns if turns and left else [text for text in read if text not in turns]
            return frozenset().union(*map(self.sources, read))
        assert node.op in ("Identity", "IdentityN", "Switch", "_SwitchN", "Enter", "Exit", "NextIteration"), node
        at = port if node.op == "IdentityN" else 0
        return self.sources(read[at], left=node.op == "Exit" or (left and node.op == "Switch"))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[Trace]]:
    """Returns what gives the traces of a target, recorded without Grappler; all are recorded at once."""
    logdir = tmp_path_factory.mktemp("logs")
    run_python(RECORD, logdir, "control_flow", "rnn", "keras_fit", NESTED, TF_CPP_MIN_LOG_LEVEL="3")

    def traces(scenario: str) -> list[Trace]:
        [folder] = (logdir / scenario).iterdir()
        return list(load_run(folder).traces)

    return traces


@pytest.mark.parametrize(
    ("scenario", "function", "ops"),
    [
        ("control_flow", "square_roots", {"StatelessWhile", "StatelessIf"}),
        ("rnn", "read", {"While"}),
        ("keras_fit", "multi_step_on_iterator", {"StatefulPartitionedCall"}),
        ("nested_calls", "step", {"PartitionedCall", "StatelessWhile", "StatelessIf", "StatelessCase"}),
    ],
)
def test_edges_are_those_of_tensorflows_inlining(
    scenario: str, function: str, ops: set[str], plain: Callable[[str], list[Trace]]
) -> None:
    """Each data input of each node comes from the same outputs as after TensorFlow's own inlining and lowering."""
    trace = next(trace for trace in plain(scenario) if trace.name == function and not trace.stages["optimized"])
    lowered = trace.stage("optimized")
    assert isinstance(lowered, Graph)
    ours = Ours(trace.graph)
    theirs = Theirs(lowered, ours)
    found = {
        node.name: [ours.sources(text) for text in data_of(node.inputs)]
        for node in ours.inlined.nodes
        if not node.bodies and node.op != "Placeholder"
    }

    assert {node.op for node in ours.inlined.nodes if node.bodies} == ops
    assert {path: theirs.inputs(path) for path in found} == found
