"""What leaves a scope."""

from tests.helpers import graph
from tracer.graph.boundary import leaving
from tracer.graph.inline import inline
from tracer.graph.scopes import scope_tree


def outputs(text):
    """Returns, by scope, the tensors that leave it with their shapes."""
    whole = inline(graph(text))
    tree = scope_tree(whole)
    found = leaving(whole, tree, tree.owners)
    return {tree.path(scope): {name: type_.shape for name, type_ in found[scope].items()} for scope in tree.walk()}


def test_a_tensor_leaves_the_scopes_that_its_reader_is_not_in():
    """What `b` reads of `a` leaves `a` and what is inside it, and not the scope around both."""
    assert outputs("net/a/deep/x:Relu=float32[2]  net/b/y:Relu=float32[3]<-net/a/deep/x") == {
        "": {"net/b/y": (3,)},
        "net": {"net/b/y": (3,)},
        "net/a": {"net/a/deep/x": (2,)},
        "net/a/deep": {"net/a/deep/x": (2,)},
        "net/b": {"net/b/y": (3,)},
    }


def test_a_tensor_that_is_read_inside_does_not_leave():
    """A scope's inner edges are its own affair, also where they lead into a scope below."""
    assert outputs("net/x:Relu=float32[2]  net/b/y:Relu=float32[3]<-net/x")["net"] == {"net/b/y": (3,)}


def test_a_tensor_leaves_once():
    """Two readers outside make one output; two outputs of one node are two."""
    assert outputs("a/x:Split=float32[2]  y:Relu<-a/x  z:Relu<-a/x,a/x:1")["a"] == {"a/x": (2,), "a/x:1": None}


def test_control_edges_carry_nothing():
    """A node that only waits for another reads nothing of it, so the other's output is a result."""
    assert outputs("a/x:Relu=float32[2]  b/y:Relu=float32[3]<-^a/x") == {
        "": {"a/x": (2,), "b/y": (3,)},
        "a": {"a/x": (2,)},
        "b": {"b/y": (3,)},
    }


def test_what_nobody_reads_is_a_result_unless_it_is_given():
    """An argument or a constant that is left unread comes out of nothing."""
    assert outputs("x:Placeholder=float32[2]  a/c:Const=float32[1]  a/y:Relu=float32[3]")[""] == {"a/y": (3,)}


def test_a_function_ends_with_its_identities():
    """Beside an `Identity` that nobody reads, what else is unread is dead, and no result."""
    assert outputs("a/dead:Relu=float32[2]  a/y:Relu=float32[3]  Identity:Identity=float32[3]<-a/y") == {
        "": {"Identity": (3,)},
        "a": {"a/y": (3,)},
    }


def test_what_the_runtime_returns_leaves_all_scopes():
    """An optimised graph hands its results to `_Retval`."""
    assert outputs("a/y:Relu=float32[3]  out:_Retval<-a/y")[""] == {"a/y": (3,)}
