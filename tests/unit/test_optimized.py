"""Optimised graphs in the traced graph's terms."""

from tests.helpers import graph
from tracer.graph.model import Graph, Kind, Node, Nodes, TensorType, Variable
from tracer.graph.optimized import in_traced_terms, readable_names

SWITCH = Kind("_SwitchN", {"T": "float32", "num_outs": 3})


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


def test_what_goes_round_a_loop_unchanged_has_the_shape_that_it_came_with():
    """Such a `Merge` reads itself; one that something of another shape comes back to has none."""
    loop = "e:Enter<-a  m:Merge<-e,n  s:Switch<-m,p  n:NextIteration<-{}  o:Exit<-s"
    nodes = "a:Relu=float32{}  b:Relu=float32{}  p:Relu=float32{}  "
    traced = nodes.format("[2]", "[3]", "[]")

    assert shapes(optimised(traced, nodes.format("", "", "") + loop.format("s:1")))["o"] == ((2,),)
    assert shapes(optimised(traced, nodes.format("", "", "") + loop.format("b")))["o"] is None


def test_a_switch_of_many_branches_hands_its_shape_to_each():
    """`_SwitchN` has as many outputs as there are branches."""
    nodes = Nodes.of([*graph("a:Relu=float32  i:Relu=int32").nodes, Node("s", SWITCH, ("a", "i"), "")])
    traced = graph("a:Relu=float32[2]  i:Relu=int32[]")

    assert shapes(in_traced_terms(Graph(nodes), traced).nodes)["s"] == ((2,), (2,), (2,))


def test_what_optimizers_make_anew_has_the_shape_of_what_it_replaces():
    """The last node of a rewritten pattern has the result of the traced one; a part of a sum has its inputs'."""
    nodes = optimised(
        "x:Relu=float32[2,3]  b:Relu=float32[3]  n/s:AddV2=float32[2,3]<-x,b  q:RealDiv=float32[2,3]<-n/s,b",
        "x:Relu=float32  b:Relu=float32  n/ArithmeticOptimizer/AddOpsRewrite_Leaf_0_s:AddN=float32<-b,b  "
        "n/ArithmeticOptimizer/AddOpsRewrite_s:AddV2=float32<-x,n/ArithmeticOptimizer/AddOpsRewrite_Leaf_0_s  "
        "q:Mul=float32<-n/ArithmeticOptimizer/AddOpsRewrite_s,b",
    )

    assert list(shapes(nodes).values()) == [((2, 3),), ((3,),), ((3,),), ((2, 3),), ((2, 3),)]


def test_what_is_read_from_the_caller_is_an_argument_or_a_variable():
    """A function that was cut out of its caller has its captures, told by the nodes that read them."""
    w = Variable("w:0", TensorType("float32", (2, 2)))
    traced = graph("x:Placeholder=float32[2,2]  w:Placeholder=resource[]  r:ReadVariableOp<-w  y:MatMul<-x,r")
    cut = graph("caller/a:Placeholder  caller/b:Placeholder  r:ReadVariableOp<-caller/b  y:MatMul<-caller/a,r")
    found = in_traced_terms(cut, Graph(traced.nodes, {}, {"w": w}))

    assert found.captures == {"caller/b": w}
    assert found.nodes[0].outputs == (TensorType("float32", (2, 2)),)
