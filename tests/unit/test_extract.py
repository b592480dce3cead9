import pytest

from tests.helpers import graph, graph_def
from tracer.graph.extract import call_path, extract
from tracer.graph.names import node_path
from tracer.store.graph_def import read_graph


@pytest.mark.parametrize(
    ("executed", "path"),
    [
        ("net/while/body/_5/net/while/Qr", "net/while/body/net/while/Qr"),
        ("net/while/cond/_4/net/while/Less", "net/while/cond/net/while/Less"),
        ("cond/then/_7/cond/else/_10/x", "cond/then/cond/else/x"),
        ("net/case/branch0/_0/net/case/Tanh", "net/case/branch0/net/case/Tanh"),
        ("net/body/_5", "net/body/_5"),
        ("net/mybody/_5/x", "net/mybody/_5/x"),
        ("net/layer/matmul", "net/layer/matmul"),
    ],
)
def test_the_lowerings_numbers_are_not_part_of_a_node_path(executed, path):
    """An executed name without the numbers that lowering put in is the node's path; other numbers stay."""
    assert node_path(executed) == path


def test_a_call_is_found_wherever_it_stands():
    """The path of the first call of a function, with the label of the body that it is."""
    net = graph("a:Mul  f:Call@g  w:While@cond.c@body.b", g="h1:Call@h", h="x:Relu", c="y:Less", b="z:Add")

    assert [call_path(net, name) for name in ("h", "b", "lost")] == ["f/h1", "w/body", None]


def test_what_became_of_a_function_bears_its_own_names():
    """The nodes below a call are taken out under the names that the callee gave them."""
    inlined = graph_def("x:Placeholder  f/a:Mul<-x,f/b:1  f/b:Relu<-^f/a  fg/c:Tanh<-f/a")

    part = extract(inlined, "f")

    assert read_graph(part.SerializeToString(), "part") == graph(
        "a:Mul<-caller/x,b:1  b:Relu<-^a  caller/x:Placeholder"
    )


def test_each_output_that_is_read_from_outside_is_a_placeholder_of_its_own():
    """Two outputs of one outer node stay two, a control input too, and nothing dangles."""
    inlined = graph_def("s:Split  f/a:Add<-s,s:1,^s")

    part = read_graph(extract(inlined, "f").SerializeToString(), "part")

    assert part == graph("a:Add<-caller/s,caller/s_1,^caller/s  caller/s:Placeholder  caller/s_1:Placeholder")
    assert {name.lstrip("^") for node in part.nodes for name in node.inputs} <= {node.name for node in part.nodes}


def test_a_lowered_body_is_found_by_its_path():
    """The numbers of the lowering do not hide a loop's body."""
    inlined = graph_def("w/body/_5/w/x:Add<-w/body/_5/w/y  w/body/_5/w/y:Const  w/cond/_4/z:Less")

    assert read_graph(extract(inlined, "w/body").SerializeToString(), "part") == graph("w/x:Add<-w/y  w/y:Const")
