"""Node paths."""

from tests.helpers import graph
from tracer.graph.inline import inline
from tracer.graph.model import Graph, Kind, Nodes


def paths(whole: Graph) -> list[str]:
    """Returns the node paths of a graph."""
    return inline(whole).nodes.names


def test_a_flat_graph_is_its_nodes():
    """Without functions a node's path is its name, in the order of the graph."""
    assert paths(graph("b:Mul  a/x:Add<-b")) == ["b", "a/x"]


def test_a_called_function_stands_under_the_call():
    """The nodes of a plain call's function follow the call, under its name alone."""
    assert paths(graph("call:PartitionedCall@f  y:Mul", f="x:Add")) == ["call", "call/x", "y"]


def test_a_labelled_body_adds_its_label():
    """A loop's condition and body keep apart by their labels, in the order of the node."""
    whole = graph("while:While@cond.c@body.b", c="Less:Less", b="Add:Add")

    assert paths(whole) == ["while", "while/cond/Less", "while/body/Add"]


def test_a_function_appears_once_for_each_call():
    """Two calls of one function give its nodes twice, under different paths."""
    assert paths(graph("p:Call@f  q:Call@f", f="x:Add")) == ["p", "p/x", "q", "q/x"]


def test_the_two_branches_may_be_one_function():
    """A node that runs one function as both of its branches shows it under both."""
    assert paths(graph("if:If@then.f@else.f", f="x:Add")) == ["if", "if/then/x", "if/else/x"]


def test_a_branch_may_call_the_function_of_its_sibling():
    """A function is only skipped where it is open above, not where it waits for its turn."""
    assert paths(graph("i:If@then.f@else.g", f="c:Call@g", g="x:Add")) == ["i", "i/then/c", "i/then/c/x", "i/else/x"]


def test_recursion_ends():
    """A function that is already open is not entered again, but its second call is still a node."""
    assert paths(graph("p:Call@f", f="x:Add  again:Call@f")) == ["p", "p/x", "p/again"]


def test_mutual_recursion_ends():
    """Two functions that call each other are each entered once."""
    assert paths(graph("p:Call@f", f="q:Call@g", g="r:Call@f")) == ["p", "p/q", "p/q/r"]


def test_a_function_that_is_not_in_the_library_is_a_leaf():
    """A call of a function that the graph does not hold is a node like any other."""
    assert paths(graph("p:Call@missing  x:Add")) == ["p", "x"]


def test_nests_may_be_deeper_than_python_recurses():
    """A chain of 5,000 functions is walked to its end."""
    library = {f"f{level}": f"c:Call@f{level + 1}" for level in range(5_000)}

    assert paths(graph("c:Call@f0", **library, f5000="x:Add"))[-1] == "c/" * 5_001 + "x"


def edges(whole: Graph) -> dict[str, tuple[str, ...]]:
    """Returns what each node of the inlined graph reads."""
    return {node.name: node.inputs for node in inline(whole).nodes}


def calling(op: str, inputs: str, function: str, **attributes: object) -> Graph:
    """Returns a graph in which one node `n` of this op runs `f`, with these attributes."""
    plain = graph(f"ds:TensorDataset  a:Const  b:Const  s:Const  n:{op}@f<-{inputs}", f=function)
    node = plain.nodes[4]
    kind = Kind(op, attributes, node.bodies)
    return Graph(Nodes.of([*plain.nodes[:4], node._replace(kind=kind)]), plain.functions)


def test_edges_go_through_a_call():
    """What the function takes it reads from the producers; the call reads what it returns, and its readers read it."""
    whole = graph(
        "x:Placeholder  c:PartitionedCall@f<-x,x:1  y:Neg<-c:1", f="(a,b) m:Mul<-b,a  s:Split ->m:z:0,s:output:1"
    )

    assert edges(whole) == {
        "x": (),
        "c": ("c/m", "c/s:1"),
        "c/m": ("x:1", "x"),
        "c/s": (),
        "y": ("c:1",),
    }


def test_a_branch_keeps_its_predicate():
    """The predicate stays with the node, and what follows is handed to the branches."""
    whole = graph("p:Less  x:Placeholder  i:If@then.t@else.e<-p,x", t="(a) y:Neg<-a ->y:y:0", e="(a) z:Exp<-a ->z:y:0")

    assert edges(whole)["i"] == ("p", "i/then/y", "i/else/z")
    assert edges(whole)["i/then/y"] == ("x",)


def test_a_control_edge_to_an_argument_leads_to_what_stands_for_it():
    """Waiting for an argument is waiting for its producer."""
    whole = graph("x:Split  c:PartitionedCall@f<-x:1", f="(a) y:Const<-^a ->y:output:0")

    assert edges(whole)["c/y"] == ("^x",)


def test_a_mapped_function_takes_an_element_and_what_it_captured():
    """Each part of an element is a node that reads the dataset; what was captured stands before the parallel calls."""
    mapped = calling(
        "ParallelMapDatasetV2", "ds,a,s", "(x,y,w) m:Mul<-x,y  v:Add<-m,w ->v:z:0", Targuments=("float32",)
    )

    assert edges(mapped)["n/x"] == edges(mapped)["n/y"] == ("ds",)
    assert edges(mapped)["n/m"] == ("n/x", "n/y")
    assert edges(mapped)["n/v"] == ("n/m", "a")


def test_the_parts_of_an_element_have_the_datasets_types():
    """What a function takes of a dataset has the dtype and the shape that the dataset's own node says."""
    mapped = calling("MapDataset", "ds", "(x,y) m:Mul<-x,y ->m:z:0")
    types = {"output_types": ("float32", "int64"), "output_shapes": ((2, None), ())}
    dataset = mapped.nodes[0]._replace(kind=Kind("TensorDataset", types))
    whole = Graph(Nodes.of([dataset, *list(mapped.nodes)[1:]]), mapped.functions)
    outputs = {node.name: node.outputs for node in inline(whole).nodes}

    assert outputs["n/x"] == (("float32", (2, None)),)
    assert outputs["n/y"] == (("int64", ()),)


def test_a_reduction_takes_its_state_before_the_element():
    """The state's first value comes first, then the element, then what was captured."""
    reduced = calling(
        "ReduceDataset",
        "ds,s,a",
        "(state,x,w) r:Sub<-state,x  v:Add<-r,w ->v:z:0",
        Tstate=("float32",),
        Targuments=("float32",),
    )

    assert edges(reduced)["n/r"] == ("s", "n/x")
    assert edges(reduced)["n/v"] == ("n/r", "a")
