"""What leaves a scope."""

import hypothesis
from hypothesis import strategies

from tests.helpers import graph
from tracer.graph.boundary import leaving
from tracer.graph.inline import inline
from tracer.graph.scopes import scope_tree


def outputs(text, most=8):
    """Returns, by scope, the shapes of the types that leave it, and how many tensors do."""
    whole = inline(graph(text))
    tree = scope_tree(whole)
    found = leaving(whole, tree, tree.owners, most=most)
    return {tree.path(scope): ([type_.shape for type_ in found[scope][0]], found[scope][1]) for scope in tree.walk()}


def test_a_tensor_leaves_the_scopes_that_its_reader_is_not_in():
    """What `b` reads of `a` leaves `a` and what is inside it, and not the scope around both."""
    assert outputs("net/a/deep/x:Relu=float32[2]  net/b/y:Relu=float32[3]<-net/a/deep/x") == {
        "": ([(3,)], 1),
        "net": ([(3,)], 1),
        "net/a": ([(2,)], 1),
        "net/a/deep": ([(2,)], 1),
        "net/b": ([(3,)], 1),
    }


def test_a_tensor_that_is_read_inside_does_not_leave():
    """A scope's inner edges are its own affair, also where they lead into a scope below."""
    assert outputs("net/x:Relu=float32[2]  net/b/y:Relu=float32[3]<-net/x")["net"] == ([(3,)], 1)


def test_a_tensor_leaves_once():
    """Two readers outside make one output; two outputs of one node are two."""
    assert outputs("a/x:Split=float32[2]  y:Relu<-a/x  z:Relu<-a/x,a/x:1")["a"] == ([(2,), None], 2)


def test_a_tensor_leaves_once_however_far():
    """A reader further away adds the scopes between, and counts again where the tensor has left before."""
    assert outputs("a/b/x:Relu=float32[2]  a/y:Relu<-a/b/x  z:Relu=float32[1]<-a/b/x,a/y") == {
        "": ([(1,)], 1),
        "a": ([(2,), None], 2),
        "a/b": ([(2,)], 1),
    }


def test_equal_types_are_named_once():
    """Types stand in the order in which their first tensor is read, and of many only the first few."""
    text = "a/x:Relu=float32[2]  a/y:Relu=float32[3]  a/z:Relu=float32[3]  b/end:Relu=float32[1]<-a/z,a/x,a/y"

    assert outputs(text)["a"] == ([(3,), (2,)], 3)
    assert outputs(text, most=1)["a"] == ([(3,)], 3)


def test_control_edges_carry_nothing():
    """A node that only waits for another reads nothing of it, so the other's output is a result."""
    assert outputs("a/x:Relu=float32[2]  b/y:Relu=float32[3]<-^a/x") == {
        "": ([(2,), (3,)], 2),
        "a": ([(2,)], 1),
        "b": ([(3,)], 1),
    }


def test_what_nobody_reads_is_a_result_unless_it_is_given():
    """An argument or a constant that is left unread comes out of nothing."""
    assert outputs("x:Placeholder=float32[2]  a/c:Const=float32[1]  a/y:Relu=float32[3]")[""] == ([(3,)], 1)


def test_a_function_ends_with_its_identities():
    """Beside an `Identity` that nobody reads, what else is unread is dead, and no result."""
    assert outputs("a/dead:Relu=float32[2]  a/y:Relu=float32[3]  Identity:Identity=float32[3]<-a/y") == {
        "": ([(3,)], 1),
        "a": ([(3,)], 1),
    }


def test_what_the_runtime_returns_leaves_all_scopes():
    """An optimised graph hands its results to `_Retval`."""
    assert outputs("a/y:Relu=float32[3]  out:_Retval<-a/y")[""] == ([(3,)], 1)


def around(tree, scope):
    """Returns a scope and those that it lies in."""
    return [scope, *around(tree, tree.parents[scope])] if scope >= 0 else []


def walked(whole, tree, most):
    """Returns the same as `leaving`, by walking up from each tensor for each of its readers."""
    left = [{} for _ in range(len(tree))]
    index = {name: at for at, name in enumerate(whole.nodes.names)}
    read = {index[text] for inputs in whole.nodes.inputs for text in inputs}
    ways = [(index[text], tree.owners[at]) for at, node in enumerate(whole.nodes) for text in node.inputs]
    for at, reader in [*ways, *((at, -1) for at in range(len(index)) if at not in read)]:
        inside = around(tree, reader)
        for scope in around(tree, tree.owners[at]):
            if scope not in inside:
                left[scope].setdefault(at, whole.nodes[at].outputs[0])
    return [(tuple(dict.fromkeys(tensors.values()))[:most], len(tensors)) for tensors in left]


@hypothesis.given(strategies.data())
def test_ways_that_tensors_share_are_walked_for_each(data):
    """Grouping tensors of one way and type loses none of them, and keeps the order of the types."""
    scope = strategies.sampled_from(["", "a/", "a/b/", "a/b/c/", "a/d/", "e/"])
    scopes = data.draw(strategies.lists(scope, min_size=1))
    nodes = []
    for at, around_it in enumerate(scopes):
        read = data.draw(strategies.sets(strategies.integers(0, at - 1), max_size=3)) if at else ()
        size = data.draw(strategies.integers(1, 3))
        inputs = ",".join(f"{scopes[other]}n{other}" for other in sorted(read))
        nodes.append(f"{around_it}n{at}:Relu=float32[{size}]" + (f"<-{inputs}" if inputs else ""))
    whole = inline(graph("  ".join(nodes)))
    tree = scope_tree(whole)

    assert leaving(whole, tree, tree.owners, most=2) == walked(whole, tree, 2)
