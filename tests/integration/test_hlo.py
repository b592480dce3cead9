"""HLO as TensorFlow really prints it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.helpers import run_python
from tests.integration.conftest import trace_scenario
from tracer.graph.hlo import read_hlo
from tracer.graph.hlo_map import hlo_map
from tracer.graph.hlo_origins import named_origins
from tracer.graph.inline import inline
from tracer.graph.model import Graph, Nodes
from tracer.profile.lookup import NO_PROGRAM
from tracer.recorded import Run
from tracer.store.load import load_run
from tracer.timing.timing import read_timing

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

# Jitted functions with loops, branches, calls and their gradients, and one whose gradient is another program.
CONTROL = """
import keras, tensorflow as tf

w, square, series = tf.Variable(tf.ones([8, 8]) * 0.1, name="w"), tf.ones([8, 8]), tf.ones([2, 5, 3])
gru = keras.Sequential([keras.Input((5, 3)), keras.layers.GRU(4)])

def looped(x):
    with tf.name_scope("net"):
        step = lambda i, y: (i + 1, tf.tanh(y @ w))
        return tf.while_loop(lambda i, y: i < 5, step, [0, x], maximum_iterations=5)[1]

@tf.function
def inner(x):
    with tf.name_scope("in"):
        return tf.tanh(x @ w)

def branched(x):
    x = tf.cond(tf.reduce_sum(x) > 0, lambda: tf.exp(x @ w), lambda: tf.sin(x @ w))
    return tf.switch_case(tf.constant(1) * int(x.shape[0] > 9), [lambda: inner(x), lambda: inner(inner(x))])

def gradient(function):
    def of(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            result = tf.reduce_sum(function(x))
        return tape.gradient(result, x)
    return of

loop, branch, series_gru, loop_grad, branch_grad, gru_grad = [
    tf.function(function, jit_compile=True, reduce_retracing=True)
    for function in (looped, branched, gru, gradient(looped), gradient(branched), gradient(gru))
]

@tf.function(jit_compile=True)
def small_branch(x):
    total = tf.reduce_sum(x)
    return tf.cond(total > 0, lambda: total * 2.0, lambda: total + 3.0) * x

@tf.function(jit_compile=True)
def of_variable(x, variable, unused=None, times=3):
    return x @ variable * times

@tf.function(jit_compile=True)
def of_number(x, unused=None, times=3):
    return inner(x) * times

def main():
    for function in loop, branch, loop_grad, branch_grad, small_branch:
        function(square)
    for function in series_gru, gru_grad:
        function(series)
    of_variable(square, w)
    gradient(of_number)(square)
"""


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of functions with control flow that XLA compiles."""
    folder = tmp_path_factory.mktemp("control")
    (folder / "control.py").write_text(CONTROL)
    done = trace_scenario("run", "control.py:main", "--eager", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return load_run(Path(json.loads(done.stdout)["run"]))


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


def test_names_of_instructions_lead_into_loops_branches_and_calls(control: Run) -> None:
    """Each instruction that names a node has it, of the op that XLA says; of equal names in opened branches both."""
    programs, of_several = 0, set()
    for trace in control.traces:
        for stage in STAGES:
            if trace.stages.get(stage):
                continue
            programs += 1
            traced, program = inline(trace.graph), inline(read_hlo(str(trace.stage(stage))))
            for kind, nodes in zip(program.nodes.kinds, named_origins(traced, program), strict=True):
                name, op = kind.attributes.get("op_name", "XLA_"), kind.attributes.get("op_type")
                ops = {traced.nodes.kinds[node].op for node in nodes}
                assert ops == (set() if name.startswith("XLA_") else {op}), f"{trace.id} {stage}: {name}"
                if len(nodes) > 1:
                    assert len(nodes) == 2, name
                    of_several.add(name)

    assert programs == 20
    last = {name.rpartition(";")[2] for name in of_several}  # older versions of XLA name what it was fused with before
    assert {name.partition("switch_case")[0] for name in last} == {"", "gradient_tape/"}


def test_a_node_in_a_loop_is_lowered_into_what_computes_it(control: Run) -> None:
    """Of the body's nodes each has the opcode that one expects, and the loop is a loop."""
    trace = control.functions["looped"].traces[0]
    fates = hlo_map(inline(trace.graph), inline(read_hlo(str(trace.stage("optimized_hlo"))))).fates

    assert {fate.path: fate.became for fate in fates if fate.fate == "lowered"}.items() >= {
        ("net/while", "while"),
        ("net/while/body/net/while/matmul", "dot"),
        ("net/while/body/net/while/Tanh", "tanh"),
        ("net/while/body/net/while/add_1", "add"),
    }
    assert [fate.path for fate in fates if fate.fate == "removed" and not fate.reason] == []


def test_time_of_programs_with_control_flow_has_its_nodes(control: Run) -> None:
    """What XLA adds itself, as the copies of what a loop changes, has nodes too; only what has no HLO has none."""
    timing = read_timing(control)
    inside = {node.time.path for node in timing.nodes if "/body/" in node.time.path}

    assert [left.reason for left in timing.unattributed] == [NO_PROGRAM]  # of `of_variable`
    assert timing.coverage_time > 0.9
    assert {"net/while/body/net/while/matmul", "net/while/body/net/while/Tanh"} <= inside


def test_gradients_have_programs_of_their_own_and_resources_none(control: Run) -> None:
    """A gradient that Python asks for is compiled by itself. XLA cannot be told of a variable that is an argument."""
    numbers = [trace for trace in control.traces if trace.name == "of_number"]
    [variable] = [trace for trace in control.traces if trace.name == "of_variable"]

    assert {trace.kind: trace.stages["optimized_hlo"] for trace in numbers} == {
        "inference": "",
        "forward": "",
        "backward": "",
    }
    assert variable.stages["hlo"] == (
        "XLA was not asked: its argument variable is a variable, a list of tensors or another resource"
    )
