"""Optimised graphs in the traced graph's terms."""

from tests.helpers import graph
from tracer.graph.model import Graph, Kind, Node, Nodes, TensorType, Variable
from tracer.graph.optimized import in_traced_terms, readable_names


def shapes(nodes):
    """Returns the shapes that each node's outputs are said to have."""
    return {node.name: node.attributes.get("_output_shapes") for node in nodes}


def optimised(before, after):
    """Returns the nodes of an optimised graph in traced terms, from both graphs typed."""
    return in_traced_terms(graph(after), graph(before)).nodes


def text(nodes):
    """Returns nodes as they are typed, without their types."""
    return "  ".join(f"{n.name}:{n.op}" + (f"<-{','.join(n.inputs)}" if n.inputs else "") for n in nodes)


def test_executed_names_become_node_paths():
    """The numbers of the lowering go, in names and in inputs; two that would be equal keep theirs."""
    assert readable_names(["w/body/_5/x", "w/cond/_4/x"]) == ["w/body/x", "w/cond/x"]
    assert readable_names(["w/body/_5/x", "w/body/_6/x", "y"]) == ["w/body/_5/x", "w/body/_6/x", "y"]
    assert text(optimised("", "w/body/_5/x:Relu  y:Mul<-w/body/_5/x,^w/body/_5/x")) == (
        "w/body/x:Relu  y:Mul<-w/body/x,^w/body/x"
    )


def test_a_name_that_another_node_has_is_not_taken():
    """Where a node path would be the name of another node, nothing is renamed."""
    assert readable_names(["w/body/_5/x", "w/body/_5/x", "z"]) == ["w/body/_5/x", "w/body/_5/x", "z"]


def test_an_optimised_node_has_the_shape_that_it_had():
    """The shape comes from the traced node of the same path, op and outputs; also through the lowering's numbers."""
    nodes = optimised("w/body/x:Relu=float32[2,3]  y:Relu=float32[4]", "w/body/_5/x:Relu=float32  y:Relu=float32")

    assert shapes(nodes) == {"w/body/x": ((2, 3),), "y": ((4,),)}


def test_another_op_of_the_same_name_has_no_shape():
    """What Grappler put in a node's place is another node, unless it is a fusion, which keeps the result."""
    before = "x:Relu=float32[2]  y:Relu=float32[2]  z:Relu=float32[2]"

    nodes = optimised(before, "x:Mul=float32  y:_FusedMatMul=float32  z:Relu=float64")

    assert shapes(nodes) == {"x": None, "y": ((2,),), "z": None}


def test_a_lowered_loop_hands_its_shapes_on():
    """`Enter`, `Switch` and `Merge` have no traced node: their shape is that of what they hand on."""
    nodes = optimised(
        "a:Relu=float32[2]  b:Relu=float32[2]  c:Relu=float32[3]",
        "a:Relu=float32  b:Relu=float32  c:Relu=float32  e:Enter<-a  m:Merge<-e,b  s:Switch<-m,a  o:Merge<-a,c",
    )

    found = shapes(nodes)

    assert found["e"] == ((2,),)
    assert found["m"] == ((2,), ())
    assert found["s"][0] == (2,)
    assert found["o"] is None


def test_captures_are_the_last_arguments():
    """The runtime numbers a function's arguments, and those that it captured stand behind those that it was given."""
    w = Variable("w:0", TensorType("float32", (2, 2)))
    traced = Graph(graph("x:Placeholder  w:Placeholder  y:MatMul<-x,w").nodes, {}, {"w": w})
    arguments = Nodes.of(Node(name, Kind("_Arg", {"index": at}), (), "") for at, name in enumerate(("x", "y_resource")))

    assert in_traced_terms(Graph(arguments), traced).captures == {"y_resource": w}


def test_a_function_that_stays_closed_has_its_shapes_too():
    """What a dataset runs stands in the library before and after, under one name."""
    traced = graph("d:MapDataset@f", f="(x) y:Relu=float32[2]<-x ->y")
    after = in_traced_terms(graph("d:MapDataset@f  e:MapDataset@g", f="(x) y:Relu=float32<-x ->y", g="z:Relu"), traced)

    assert shapes(after.functions["f"].nodes) == {"y": ((2,),)}
    assert shapes(after.functions["g"].nodes) == {"z": None}
