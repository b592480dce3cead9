"""The clean view."""

from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import graph
from tracer.graph.clean import clean
from tracer.graph.inline import inline
from tracer.graph.model import Graph, Kind, Node, Nodes, TensorType, Variable


def view(text, **functions):
    """Returns the clean view of a graph typed in one line."""
    return clean(inline(graph(text, **functions)))


def edges(seen):
    """Returns the nodes that stay, with what they read."""
    return {node.name: node.inputs for node in seen.graph.nodes}


def test_a_constant_becomes_a_badge_on_its_reader():
    """A constant goes, and its reader names it."""
    seen = view("x:Placeholder  two:Const  y:Mul<-x,two")

    assert edges(seen) == {"x": (), "y": ("x",)}
    assert seen.put_aside == {"two": "constant"}
    assert seen.badges == {"y": ("two",)}


def test_a_variables_read_becomes_a_badge_with_the_variable():
    """The read of a variable goes, and so does the variable: the reader names both."""
    plain = graph("x:Placeholder  w:Placeholder  r:ReadVariableOp<-w  y:MatMul<-x,r")
    captured = Graph(plain.nodes, captures={"w": Variable("w:0", TensorType("float32", (2, 2)))})
    seen = clean(inline(captured))

    assert edges(seen) == {"x": (), "y": ("x",)}
    assert seen.put_aside == {"r": "read of a variable", "w": "variable"}
    assert seen.badges == {"y": ("r", "w")}


def test_an_identity_becomes_a_plain_edge():
    """Who reads an `Identity` reads what it reads, with the same output."""
    seen = view("x:Split  i:Identity<-x:1  j:Identity<-i  y:Relu<-j")

    assert edges(seen) == {"x": (), "y": ("x:1",)}


def test_a_result_stays():
    """An `Identity` or a constant that nothing reads is a result, and stays."""
    assert edges(view("x:Relu  out:Identity<-x  lone:Const")) == {"x": (), "out": ("x",), "lone": ()}


def test_what_orders_goes():
    """`NoOp` and control edges say in which order, not what: they go."""
    seen = view("a:Print  n:NoOp<-^a  b:Relu<-a,^n")

    assert edges(seen) == {"a": (), "b": ("a",)}
    assert seen.put_aside == {"n": "no-op"}


def test_identities_in_a_circle_end():
    """A damaged graph whose identities read each other is shown, not followed for ever."""
    assert set(edges(view("a:Identity<-b  b:Identity<-a  y:Relu<-a"))) == {"y"}


OPS = st.sampled_from(["Const", "Identity", "NoOp", "ReadVariableOp", "Add", "VarHandleOp"])


@given(st.lists(st.tuples(OPS, st.lists(st.integers(0, 30), max_size=3)), max_size=30))
def test_nothing_is_lost(rows):
    """Each node stays or is put aside, never both; each data edge of the raw graph can be told from the clean view."""
    nodes = Nodes.of(
        Node(f"n{index}", Kind(op), tuple(f"n{at % len(rows)}" for at in inputs), "")
        for index, (op, inputs) in enumerate(rows)
    )
    seen = clean(inline(Graph(nodes)))
    stays = set(seen.graph.nodes.names)

    assert stays | set(seen.put_aside) == set(nodes.names)
    assert not stays & set(seen.put_aside)
    for node in nodes:
        for name in node.inputs:
            if node.name in stays:
                at = seen.graph.nodes.names.index(node.name)
                assert name in seen.graph.nodes.inputs[at] or name in seen.badges.get(node.name, ())
