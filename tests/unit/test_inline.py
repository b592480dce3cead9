"""Node paths."""

from tests.helpers import graph
from tracer.graph.inline import inline
from tracer.graph.model import Graph


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
