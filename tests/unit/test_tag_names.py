"""What the nodes of a graph are called in TensorBoard's tags."""

from tests.helpers import graph
from tracer.graph.inline import inline
from tracer.graph.model import Graph, TensorType, Variable
from tracer.store.tag_names import tag_names
from tracer.store.tags import tag_nodes


def captured(nodes, functions=None, **variables):
    """Returns an inlined graph; a node of it, named with `_` before it, stands for each variable."""
    captures = {node[1:]: Variable(name, TensorType("float32", ())) for node, name in variables.items()}
    whole = graph(nodes, **(functions or {}))
    return inline(Graph(whole.nodes, whole.functions, captures))


def test_a_call_is_called_as_its_function():
    """A function's box bears the Python function's name, and what stands in it stands there."""
    whole = graph(
        "net/StatefulPartitionedCall_3:StatefulPartitionedCall@__inference_layer_23  y:Neg",
        __inference_layer_23="c:PartitionedCall@__inference_own_4",
        __inference_own_4="x:Add",
    )

    assert tag_names(inline(whole)) == ["net/layer", "net/layer/c", "net/layer/c/x", "y"]


def test_names_that_are_taken_get_numbers():
    """Two calls of one function are two boxes, and neither takes the name of another node or scope."""
    calls = "PartitionedCall:PartitionedCall@__inference_f_1  PartitionedCall_1:PartitionedCall@__inference_f_1"

    assert tag_names(inline(graph(f"f:Add  f_1/x:Add  {calls}", __inference_f_1="x:Mul"))) == [
        "f",
        "f_1/x",
        "f_2",
        "f_2/x",
        "f_3",
        "f_3/x",
    ]


def test_a_gradient_is_told_from_its_function():
    """The function that a tape made of another says so."""
    whole = graph("PartitionedCall:PartitionedCall@__inference___backward_f_1_2", __inference___backward_f_1_2="x:Mul")

    assert tag_names(inline(whole)) == ["f_backward", "f_backward/x"]


def test_a_variable_with_a_number_for_a_name_is_called_as_itself():
    """A placeholder that has a name of its own keeps it, and so does a tensor's."""
    nodes = "832:Placeholder  net/r/resource:Placeholder  7:Placeholder  net/9:Placeholder"
    captures = {"832": "net/w:0", "net/r/resource": "net/r:0", "7": "", "net/9": "net/b:0"}
    variables = {node: Variable(name, TensorType("float32", ())) for node, name in captures.items()}

    names = tag_names(inline(Graph(graph(nodes).nodes, {}, variables)))

    assert names == ["net/w", "net/r/resource", "7", "net/b"]


def test_an_optimized_graph_is_called_as_the_traced_one():
    """Its nodes are at the same paths, and what stands for its variables is where the traced graph has that."""
    call = {"__inference_f_1": "(a) r:ReadVariableOp<-a"}
    traced = captured("832:Placeholder  PartitionedCall:PartitionedCall@__inference_f_1<-832", call, _832="w:0")
    optimized = captured("unknown:Placeholder  PartitionedCall/r:ReadVariableOp<-unknown", _unknown="w:0")

    assert tag_names(optimized, traced) == ["w", "f/r"]


def test_inputs_follow_the_names():
    """A tag's edges lead to the nodes under their new names, control edges and numbered outputs too."""
    call = {"__inference_f_1": "(a) r:ReadVariableOp<-a ->r:value:0"}
    nodes = "832:Placeholder  PartitionedCall:PartitionedCall@__inference_f_1<-832  y:Neg<-PartitionedCall:1,^832"

    drawn = {node.name: node.inputs for node in tag_nodes(captured(nodes, call, _832="net/w:0"))}

    assert drawn == {"net/w": (), "f": ("f/r",), "f/r": ("net/w",), "y": ("f:1", "^net/w")}
