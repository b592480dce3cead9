"""What TensorBoard's tags hold."""

from tests.helpers import graph
from tracer.graph.inline import inline
from tracer.graph.model import Graph, Kind, Node, Nodes, TensorType, Variable
from tracer.store.graph_def import read_graph, write_graph
from tracer.store.tags import LARGE, crowded, shown_as, tag_nodes, within


def written(nodes):
    """Returns nodes as they read back from a tag."""
    return read_graph(write_graph(nodes), "tag").nodes


def shapes(nodes):
    """Returns what a tag says of the shapes of each node's outputs."""
    return {node.name: node.attributes.get("_output_shapes") for node in written(nodes)}


def text(nodes):
    """Returns nodes as they are typed, without their types."""
    return "  ".join(f"{n.name}:{n.op}" + (f"<-{','.join(n.inputs)}" if n.inputs else "") for n in nodes)


def test_a_tag_says_the_shape_of_each_output():
    """A shape that is known by an op's own attributes is written where TensorBoard looks for it."""
    kind = Kind("Placeholder", {"dtype": "float32", "shape": (2, None)})

    nodes = tag_nodes(inline(graph("x:Relu=float32[2,?]")))
    alone = tag_nodes(inline(Graph(Nodes.of([Node("x", kind, (), "")]))))

    assert nodes[0].attributes["_output_shapes"] == ((2, None),)
    assert shapes(alone) == {"x": ((2, None),)}


def test_a_call_says_the_name_of_its_function():
    """The card of a call shows the Python function's name; a loop's body is told by its scope."""
    whole = graph("f:PartitionedCall@__inference_layer_23  w:While@body.b", __inference_layer_23="x:Add", b="y:Add")

    call, _, loop, _ = tag_nodes(inline(whole))

    assert call.attributes["function"] == "layer"
    assert "function" not in loop.attributes


def test_a_captured_variable_says_its_name():
    """The node that stands for a variable has a number for a name; its card shows the variable's."""
    captures = {"832": Variable("hidden/kernel:0", TensorType("float32", (4, 3)))}

    handle, read = tag_nodes(inline(Graph(graph("832:Placeholder  x:ReadVariableOp<-832").nodes, {}, captures)))

    assert handle.attributes["variable"] == "hidden/kernel:0"
    assert "variable" not in read.attributes


def test_a_large_constant_stays_out():
    """A constant's type and shape are in the tag, its content only if it is small."""
    from tensorboard.compat.proto import graph_pb2

    message = graph_pb2.GraphDef()
    for name, size in (("small", 8), ("large", LARGE)):
        tensor = message.node.add(name=name, op="Const").attr["value"].tensor
        tensor.dtype, tensor.tensor_content = 1, bytes(4 * size)
        tensor.tensor_shape.dim.add(size=size)
    read = read_graph(message.SerializeToString(), "graph")

    nodes = tag_nodes(inline(read))
    sizes = {node.name: node.attributes["value"].nbytes for node in written(nodes)}

    assert shapes(nodes) == {"small": ((8,),), "large": ((LARGE,),)}
    assert sizes["small"] > 32
    assert sizes["large"] < 16


def test_a_graph_within_the_limit_is_as_it_was():
    """Nothing is closed where all nodes can be drawn."""
    nodes = inline(graph("a/x:Mul  a/y:Add<-a/x")).nodes

    assert within(nodes, 2) is nodes


def test_a_larger_graph_closes_its_deepest_scopes():
    """A closed scope is one node with the number of its nodes; edges lead to it and from it, none inside it."""
    nodes = inline(graph("a/b/x:Mul<-c  a/b/y:Add<-a/b/x,c:1  c:Split  d:Neg<-a/b/y:1,^a/b/x  a/e:Exp<-a/b/y")).nodes

    closed = within(nodes, 4)

    assert text(closed) == "a/b:Scope<-c,c:1  c:Split  d:Neg<-a/b,^a/b  a/e:Exp<-a/b"
    assert written(closed)[0].attributes == {"nodes": 2}


def test_a_node_in_a_closed_scope_is_shown_as_the_scope():
    """What is left as it was keeps its name."""
    nodes = inline(graph("a/b/c/x:Mul  a/b/c/y:Add  a/b/d/z:Exp  a/b/d:Exp  c:Split")).nodes

    assert shown_as(nodes.names, within(nodes, 2)) == ["a/b", "a/b", "a/b", "a/b", "c"]
    assert shown_as(nodes.names, nodes) == list(nodes.names)


def test_a_scope_with_too_many_nodes_is_told():
    """Counted is what the page draws one by one: not constants, and not what it folds into a series."""
    nodes = inline(graph("a/x:Mul  a/y:Add  a/c:Const  a/m:Mul  a/m_1:Mul  a/m_2:Mul  a/b/z:Exp  a/b/w:Exp")).nodes

    assert crowded(nodes, 3) == {"a": 4}
    assert crowded(nodes, 4) == {}
