"""Graphs that TensorFlow would not import."""

import pytest

from tests.helpers import graph
from tracer.graph.inline import inline
from tracer.graph.oddities import cycle, repeated_names


def of(nodes, **functions):
    """Returns the nodes of the inlined graph."""
    return inline(graph(nodes, **functions)).nodes


def test_names_of_several_nodes_are_counted():
    """Each name that more than one node has is told, with their number."""
    assert repeated_names(of("a:Add b:Add a:Mul c:Add a:Add c:Neg")) == {"a": 3, "c": 2}
    assert repeated_names(of("a:Add b:Add")) == {}


@pytest.mark.parametrize(
    ("nodes", "found"),
    [
        ("a:Add<-b b:Add<-a", ("a", "b")),
        ("x:Relu a:Add<-x,c:1 b:Add<-a c:Split<-^b d:Relu<-c", ("a", "b", "c")),
        ("a:Add<-a", ("a",)),
        ("a:Add<-b b:Add<-c c:Add", ()),  # only not in the order of its edges
        ("b:Add<-gone a:Add<-b,^b c:Add<-a:1", ()),
    ],
)
def test_a_cycle_is_told_in_the_order_of_its_edges(nodes, found):
    """Each node of it reads the one before, the first the last; what lies before and behind it is not told."""
    names = cycle(of(nodes))

    assert tuple(sorted(names)) == found
    reads = {node.name: [text.strip("^").partition(":")[0] for text in node.inputs] for node in of(nodes)}
    assert all(before in reads[name] for before, name in zip((*names[-1:], *names[:-1]), names, strict=True))


def test_a_loop_is_no_cycle():
    """TensorFlow 1 led what a loop computes back by `NextIteration`; the loops of TensorFlow 2 are functions."""
    one = "m:Merge<-x,n s:Switch<-m a:Add<-s:1 n:NextIteration<-a x:Enter"
    two = "w:While@body.b<-x x:Placeholder"

    assert cycle(of(one)) == ()
    assert cycle(of(two, b="(a) y:Add<-a ->y:z:0")) == ()
