"""Where variables live."""

import dataclasses

from tests.helpers import graph
from tracer.graph.inline import inline
from tracer.graph.model import Kind, Node, Nodes, TensorType, Variable
from tracer.graph.variables import variable_homes

W = Variable("w:0", TensorType("float32", (2, 2)), trainable=True)


def homes(text, *captured, **functions):
    """Returns, by variable, the path of the node by which it is placed."""
    whole = dataclasses.replace(graph(text, **functions), captures=dict.fromkeys(captured, W))
    inlined = inline(whole)
    return [inlined.nodes.names[index] for index, _ in variable_homes(inlined)]


def test_a_variable_lives_where_it_is_used_first():
    """The forward pass comes before the gradient and the update, so the layer has the variable."""
    text = "w:Placeholder  net/dense/read:ReadVariableOp<-w  momentum/update:AssignSubVariableOp<-w"

    assert homes(text, "w") == ["net/dense/read"]


def test_a_loop_only_hands_a_variable_on():
    """A variable that a loop's body reads lives in the body, and not where the loop takes it."""
    found = homes(
        "w:Placeholder  loop:While@cond.c@body.b<-w",
        "w",
        c="(v) t:Less ->t:z:0",
        b="(v) net/read:ReadVariableOp<-v ->v",
    )

    assert found == ["loop/body/net/read"]


def test_a_variable_that_nothing_uses_lives_at_its_placeholder():
    """It is counted all the same."""
    assert homes("x:Placeholder  w:Placeholder", "w") == ["w"]


def test_a_variable_that_the_graph_makes_lives_there():
    """Graphs of TensorFlow 1 and SavedModels make their variables by a node, which says their name and type."""
    kind = Kind("VarHandleOp", {"dtype": "float32", "shape": (3,), "shared_name": "dense/w"})
    [(index, variable)] = variable_homes(
        inline(dataclasses.replace(graph(""), nodes=Nodes.of([Node("a", kind, (), "")])))
    )

    assert (index, variable) == (0, Variable("dense/w", TensorType("float32", (3,))))


def test_nodes_of_one_shared_name_make_one_variable():
    """A variable is counted once, however many handles there are."""
    kind = Kind("VarHandleOp", {"dtype": "float32", "shape": (3,), "shared_name": "w"})
    nodes = Nodes.of(Node(name, kind, (), "") for name in ("a", "b"))

    assert len(variable_homes(inline(dataclasses.replace(graph(""), nodes=nodes)))) == 1
