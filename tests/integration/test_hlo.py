"""HLO as TensorFlow really prints it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.helpers import run_python
from tracer.graph.hlo import read_hlo
from tracer.graph.inline import inline
from tracer.graph.model import Graph, Nodes
from tracer.store.load import load_run

STAGES = ("hlo", "optimized_hlo")

# Loops, branches, comparators, scatters, custom calls, a recurrent layer and its gradient: what the scenario has not.
PROGRAM = """
import sys, tensorflow as tf
from pathlib import Path

w, v = tf.Variable(tf.ones([5, 5])), tf.Variable(tf.ones([3, 3, 2, 4]))

def recurrent(x):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.scan(lambda state, row: tf.tanh(state @ w + row), x, tf.zeros([2, 5])))
    return tape.gradient(loss, w)

def convolution(x):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.nn.max_pool2d(tf.nn.relu(tf.nn.conv2d(x, v, 2, "SAME")), 2, 2, "SAME"))
    return tape.gradient(loss, v)

square = tf.ones([8, 8])
programs = {
    "loop": (lambda x: tf.while_loop(lambda i, y: i < 10, lambda i, y: (i + 1, tf.tanh(y @ y)), [0, x])[1], square),
    "branches": (lambda x: tf.cond(tf.reduce_sum(x) > 0, lambda: x * 2, lambda: tf.sin(x)), square),
    "sort": (lambda x: tf.sort(x), square),
    "scatter": (lambda x: tf.tensor_scatter_nd_add(x, [[1], [2]], tf.ones([2, 8])), square),
    "custom call": (lambda x: tf.math.top_k(x, 3), square),
    "decomposition": (lambda x: tf.linalg.qr(x), square),
    "recurrent": (recurrent, tf.ones([7, 2, 5])),
    "convolution": (convolution, tf.ones([1, 8, 8, 2])),
}
for name, (program, argument) in programs.items():
    print_ir = tf.function(program, jit_compile=True).experimental_get_compiler_ir(argument)
    for stage in ("hlo", "optimized_hlo"):
        Path(sys.argv[1], f"{name}.{stage}.txt").write_text(print_ir(stage=stage))
"""


@pytest.fixture(scope="module")
def texts(recorded: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """HLO by the program and the stage that it is from."""
    folder = tmp_path_factory.mktemp("hlo")
    run_python(PROGRAM, folder, TF_CPP_MIN_LOG_LEVEL="3")
    functions = recorded("xla_mlp") / "functions"
    scenario = {f"xla_mlp.{stage}": path for stage in STAGES for path in functions.glob(f"*/{stage}.txt")}
    files = {**scenario, **{path.stem: path for path in folder.glob("*.txt")}}
    assert len(files) == 18
    return {name: path.read_text() for name, path in files.items()}


def _parts(graph: Graph) -> Iterable[Nodes]:
    return [graph.nodes, *(function.nodes for function in graph.functions.values())]


def test_every_instruction_is_read(texts: dict[str, str]) -> None:
    """Each line with an instruction is a node or an argument, with the opcode that stands before its first operand."""
    for name, text in texts.items():
        graph = read_hlo(text, name)
        instructions = re.findall(r"(?m)^  (?:ROOT )?%\S+ = (.*)", re.sub(r"/\*.*?\*/", "", text))
        opcodes = Counter(re.search(r"(?:^|\s)([a-z][\w-]*)\(", line)[1] for line in instructions)
        ours = Counter(kind.op for nodes in _parts(graph) for kind in nodes.kinds)
        ours["parameter"] += sum(len(each.attributes["parameter_types"]) for each in graph.functions.values())

        assert opcodes == ours, name
        assert len(re.findall(r"(?m)^\S.*\{$", text)) == 1 + len(graph.functions), name


def test_every_edge_has_a_producer(texts: dict[str, str]) -> None:
    """Also when all computations stand in their places, there is no edge from nowhere, and every output has a type."""
    for name, text in texts.items():
        inlined = inline(read_hlo(text, name))
        producers = dict(zip(inlined.nodes.names, inlined.nodes.kinds, strict=True))

        assert inlined.not_followed == {}, name
        for path, inputs in zip(inlined.nodes.names, inlined.nodes.inputs, strict=True):
            for edge in inputs:
                producer, _, port = edge.removeprefix("^").partition(":")
                assert producer in producers, f"{name}: {path} reads {edge}"
                assert int(port or 0) < len(producers[producer].outputs), f"{name}: {path} reads {edge}"


def test_types_are_what_the_entry_layout_says(texts: dict[str, str]) -> None:
    """The module's first line says the types of the arguments a second time."""
    names = {"float32": "f32", "int32": "s32"}
    for name, text in texts.items():
        layout = re.sub(r"\{[\d,]*\}|/\*.*?\*/|\s", "", re.findall(r"entry_computation_layout=\{\((.*)\)->", text)[0])
        parameters = [node for node in read_hlo(text, name).nodes if node.op == "parameter"]
        parameters.sort(key=lambda node: node.attributes["parameter_number"])
        types = [output for node in parameters for output in node.outputs]

        assert layout == ",".join(f"{names[t.dtype]}[{','.join(map(str, t.shape or ()))}]" for t in types), name


def test_instructions_lead_back_to_the_traced_graph(recorded: Callable[[str], Path]) -> None:
    """Every `op_name` of the scenario is a node path of the traced graph, but for XLA's own arguments and results."""
    trace = load_run(recorded("xla_mlp")).traces[0]
    traced = dict(zip((nodes := inline(trace.graph).nodes).names, (kind.op for kind in nodes.kinds), strict=True))

    for stage in STAGES:
        graph = read_hlo((recorded("xla_mlp") / "functions" / trace.id / f"{stage}.txt").read_text())
        found = {
            (kind.attributes["op_name"], kind.attributes.get("op_type"))
            for part in _parts(graph)
            for kind in part.kinds
            if "op_name" in kind.attributes and not kind.attributes["op_name"].startswith("XLA_")
        }

        assert len(found) >= 6
        assert {(name, traced.get(name)) for name, _ in found} == found


def test_loops_and_branches_have_their_bodies(texts: dict[str, str]) -> None:
    """The parts of a loop, a branch, a sort and a gradient stand under their labels."""
    labels = {
        name: {body.label for nodes in _parts(read_hlo(text)) for kind in nodes.kinds for body in kind.bodies}
        for name, text in texts.items()
    }

    assert labels["loop.hlo"] >= {"cond", "body"}
    assert labels["branches.hlo"] >= {"then", "else"}
    assert labels["sort.hlo"] == {"to_apply"}
    assert labels["xla_mlp.optimized_hlo"] == {"fused"}
    assert labels["convolution.hlo"] >= {"select", "scatter"}
