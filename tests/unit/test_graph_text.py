"""The file in which tests keep a graph, written and read."""

import dataclasses
import hashlib

import pytest

from tests.helpers import graph
from tracer.errors import Unreadable
from tracer.graph.diff import diff_graphs
from tracer.graph.inline import inline
from tracer.graph.model import FunctionName, Graph, Kind, Node, Nodes, Tensor, TensorType, Variable
from tracer.store.graph_text import check_not_newer, read_graph_text, write_graph_text

FILE = """\
trace-scenario graph 1
function step(x: float32[2, 4]) -> float32[2, 3]
nodes 3

x = Placeholder() -> float32[2, 4]
net/w = Placeholder() -> resource[] captures net/w:0 {"captured": "float32[4, 3], trainable"}
net/MatMul = MatMul(x, net/w, ^x) -> float32[2, 3], int32[?], float32[...] on /device:GPU:0 {"transpose_b": true}
"""


def read(content):
    """Returns the graph in a file."""
    return read_graph_text(content, "a.graph").graph


def of_nodes(*nodes):
    """Returns nodes as an inlined graph."""
    return inline(Graph(Nodes.of(nodes)))


def lines(inlined):
    """Returns the lines of a graph's nodes."""
    return write_graph_text(inlined, "f()").splitlines()[4:]


def test_a_file_is_read_to_nodes():
    """Each line is a node with its inputs, the types of its outputs, device, attributes, and what it captures."""
    found = read_graph_text(FILE, "a.graph")

    assert found.signature == "step(x: float32[2, 4]) -> float32[2, 3]"
    matmul = found.graph.nodes[2]
    assert (matmul.name, matmul.op, matmul.inputs) == ("net/MatMul", "MatMul", ("x", "net/w", "^x"))
    assert matmul.outputs == (("float32", (2, 3)), ("int32", (None,)), ("float32", None))
    assert (matmul.device, matmul.attributes) == ("/device:GPU:0", {"transpose_b": True})
    assert {path: variable.name for path, variable in found.graph.captures.items()} == {"net/w": "net/w:0"}


def test_a_file_is_what_its_graph_is_written_to():
    """A graph that was read, with what it captures, is written to the same lines."""
    kept = read(FILE)
    variable = Variable("net/w:0", TensorType("float32", (4, 3)), trainable=True)
    node = kept.nodes[1]
    nodes = [kept.nodes[0], node._replace(kind=graph("a:Placeholder=resource[]").nodes[0].kind), kept.nodes[2]]
    again = dataclasses.replace(kept, nodes=Nodes.of(nodes), captures={"net/w": variable})

    assert write_graph_text(again, "step(x: float32[2, 4]) -> float32[2, 3]") == FILE


@pytest.mark.parametrize(
    ("attributes", "kept"),
    [
        ({"transpose_a": False, "axis": 0, "name": "", "list": (), "nothing": None}, {}),
        ({"T": "float32", "Tout": ("float32", "int32"), "_output_shapes": ((2,),), "shape": (2, 3)}, {}),
        ({"_lower_using_switch_merge": True, "config_proto": "abc"}, {}),
        ({"f": FunctionName("__inference_step_12")}, {}),
        ({"_XlaMustCompile": True, "axis": -1, "rate": 0.5}, {"_XlaMustCompile": True, "axis": -1, "rate": 0.5}),
        # Of a resource, shape and dtype are not those of the handle; the number is the runtime's.
        (
            {"shared_name": "table_12", "shape": (2,), "dtype": "int32"},
            {"shared_name": "table", "shape": (2,), "dtype": "int32"},
        ),
        ({"value": Tensor("float32", (3,), 12, (1.0, 2.0, 2.0))}, {"value": "float32[3] 1.0, 2.0"}),
        ({"value": Tensor("string", (), 4, (b"a\n",))}, {"value": "string[] b'a\\n'"}),
        ({"note": 'a "b" \n {c}'}, {"note": 'a "b" \n {c}'}),
        ({"note": "x" * 401}, {"note": "401 characters, sha256 " + hashlib.sha256(b"x" * 401).hexdigest()[:16]}),
    ],
)
def test_attributes_are_kept_that_say_something(attributes, kept):
    """False, 0 and empty ones, those that outputs or inputs say, and private ones are left out."""
    written = write_graph_text(of_nodes(Node("a", Kind("Unknown", attributes), (), "")), "f()")

    assert dict(read(written).nodes[0].attributes) == kept


def test_a_function_that_stays_closed_is_named():
    """What a node runs stands in its place; where it cannot be followed, the function's name says what it is."""
    closed = inline(graph("a:Call@f", g="b:NoOp"))
    closed.nodes.kinds[0].attributes = {"f": FunctionName("__inference_step_12")}

    assert lines(closed) == ['a = Call() {"f": ["function", "step"]}']


@pytest.mark.parametrize("name", ["a b", "a(b)", 'a"b', "a,b", "ü\u2028x", "{x}", "a=b", "a@b", ""])
def test_any_name_is_read_as_it_was_written(name):
    """Names that could be read in another way stand in quotes."""
    node = Node(name, Kind(name or "NoOp"), (name, f"^{name}"), name)
    [found] = read(write_graph_text(of_nodes(node), "f()")).nodes

    assert (found.name, found.op, found.inputs, found.device) == (name, name or "NoOp", node.inputs, name)


def test_numbers_and_new_defaults_are_no_change():
    """A graph whose names have other numbers, and whose ops got attributes that are off, is the same as before."""
    before = lines(of_nodes(Node("x", Kind("Placeholder"), (), ""), Node("d_1/Tanh", Kind("Tanh"), ("x",), "")))
    kind = Kind("Tanh", {"new_in_this_version": False})
    after = lines(of_nodes(Node("x", Kind("Placeholder"), (), ""), Node("d_7/Tanh_2", kind, ("x",), "")))
    head = "trace-scenario graph 1\nfunction f()\nnodes 2\n\n"

    assert diff_graphs(read(head + "\n".join(before)), read(head + "\n".join(after))).equal


def test_large_constants_differ_by_their_content():
    """A constant too large to be kept stands by a digest of its content, the same in each process."""
    large = [
        Kind("Const", {"value": Tensor("float32", (99,), 396, None)}, (), (b"\n\x05value" + content,))
        for content in (b"one", b"other", b"one")
    ]
    one, other, again = (lines(of_nodes(Node("c", kind, (), ""))) for kind in large)
    digest = hashlib.sha256(b"\n\x05valueone").hexdigest()[:16]

    assert one == again == [f'c = Const() -> ?[99] {{"value": "float32[99] sha256 {digest}"}}']
    assert one != other


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "a.graph is empty"),
        (" \n\n", "a.graph is empty"),
        ('{"a": 1}\n', "a.graph is no graph of trace-scenario: its first line is '{\"a\": 1}'"),
        (FILE.replace("graph 1", "graph 0"), "a.graph has the format 0, and this version reads 1"),
        (FILE.replace("graph 1", "graph one"), "a.graph is no graph of trace-scenario"),
        ("trace-scenario graph 1\n", "a.graph is damaged: line 2 is not what a graph begins with"),
        (FILE.replace("nodes 3", "nodes ³"), "a.graph is damaged: line 2 is not what a graph begins with"),
        (FILE.rpartition("net/MatMul")[0], "a.graph is damaged: line 6 is the last, and there are 2 of 3 nodes"),
        (FILE[:-20], "a.graph is damaged: line 7 is no node: 'net/MatMul = MatMul("),
        (FILE.replace("x = Pl", "<<<<<<< HEAD\nx = Pl"), "a.graph is damaged: line 5 is no node: '<<<<<<< HEAD'"),
        (FILE.replace("true}", "true}}"), "a.graph is damaged: line 7 cannot be read: Extra data"),
        (FILE.replace("[2, 4]\nnet", "[2, four]\nnet"), "a.graph is damaged: line 5 cannot be read: invalid literal"),
        (FILE.replace("true}", "[" * 100_000 + "}"), "a.graph is damaged: line 7 cannot be read"),
        (FILE.replace("net/w = ", "x = "), "a.graph is damaged: line 6 has the path of another node: x"),
    ],
)
def test_what_is_no_such_file_is_refused(content, message):
    """An empty, foreign, cut off or damaged file is an error that names the line, and says what to do."""
    with pytest.raises(Unreadable) as caught:
        read(content)

    assert caught.value.message.startswith(message)
    assert caught.value.hint == "take it from version control again"


def test_a_newer_file_is_not_to_be_written_over():
    """A file of a newer version is told from a damaged one."""
    check_not_newer(FILE, "a.graph")
    check_not_newer("", "a.graph")
    with pytest.raises(Unreadable, match=r"a\.graph has the format 2, of a newer version") as caught:
        check_not_newer(FILE.replace("graph 1", "graph 2"), "a.graph")

    assert caught.value.hint == "pip install --upgrade trace-scenario: this version knows format 1"
