"""The scope tree, and the blocks that repeat in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import draw, graph
from tracer.errors import NotFound
from tracer.graph.inline import inline
from tracer.graph.model import Graph, Kind, Node, Nodes
from tracer.graph.repeats import find_repeats
from tracer.graph.scopes import named_scope, scope_tree

names = st.text(st.sampled_from("ab01._é"), min_size=0, max_size=3)
all_paths = st.lists(st.lists(names, min_size=1, max_size=4).map("/".join), max_size=30)


def of(*paths):
    """Returns the inlined graph of nodes with these paths."""
    return inline(Graph(Nodes.of(Node(path, Kind("Add"), (), "") for path in paths)))


def test_nodes_are_counted_up_the_scope_tree():
    """A scope's count is its own nodes plus everything below it."""
    tree = scope_tree(of("x", "a/x", "a/b/y", "a/b/z", "c/w"))

    assert draw(tree) == "(graph) 5\n├─ a 3\n│  └─ b 2\n└─ c 1\n"


def test_scopes_stand_in_the_order_of_the_program():
    """Siblings follow each other as the graph has them, which is as the program made them."""
    assert draw(scope_tree(of("net/b/x", "net/a/x", "net/b/y"))) == "(graph) 3\n└─ net 3\n   ├─ b 2\n   └─ a 1\n"


def test_a_call_counts_as_part_of_its_own_scope():
    """A node whose path is a scope lies in that scope and not beside it."""
    tree = scope_tree(inline(graph("f:PartitionedCall@g  a:Add", g="x:Add")))

    assert draw(tree) == "(graph) 3\n└─ f 2\n"


def test_what_is_left_of_a_loop_is_part_of_its_scope():
    """An optimised graph has a node of the loop's name, which is no op with inputs of its own."""
    nodes = Nodes.of(Node(path, Kind(op), (), "") for path, op in (("w", "Identity"), ("w/body/x", "Add")))

    assert draw(scope_tree(inline(Graph(nodes)))) == "(graph) 2\n└─ w 2\n   └─ body 1\n"


def test_the_scope_of_a_single_op_is_folded():
    """What TensorFlow makes for the inputs of an op lies beside it, unless the raw tree is asked for."""
    whole = of("net/add/y", "net/add", "net/mul/x/deep", "net/mul")

    assert draw(scope_tree(whole)) == "(graph) 4\n└─ net 4\n"
    assert draw(scope_tree(whole, raw=True)) == "(graph) 4\n└─ net 4\n   ├─ add 2\n   └─ mul 2\n      └─ x 1\n"


def test_a_graph_without_nodes_is_one_empty_scope():
    """There is always the row of the whole graph."""
    assert draw(scope_tree(of())) == "(graph) 0\n"


def test_an_empty_name_is_a_scope_of_its_own():
    """Names that begin with a slash, or have two of them, lie below a scope of the empty name."""
    assert draw(scope_tree(of("/x/n", "x/n", "a//n"))) == ("(graph) 3\n├─  1\n│  └─ x 1\n├─ x 1\n└─ a 1\n   └─  1\n")


def test_a_scope_is_found_by_its_path():
    """Path and number lead to each other; a path that is no scope leads nowhere."""
    tree = scope_tree(of("a/b/x"))

    assert [tree.path(scope) for scope in tree.walk()] == ["", "a", "a/b"]
    assert [tree.find("a/b"), tree.find(""), tree.find("a/c"), tree.find("b")] == [2, 0, None, None]


def test_an_argument_of_the_name_of_a_scope_leaves_the_scope():
    """An argument has no inputs of its own that could be folded; what only begins with the name of an op has."""
    whole = inline(graph("x:Placeholder  x/MatMul:MatMul<-x  y:Shape  y/r:ReadVariableOp"))

    assert draw(scope_tree(whole)) == "(graph) 4\n└─ x 1\n"


LOOP = inline(
    graph(
        "net/while:While@cond.c@body.b<-x  x:Placeholder",
        b="(a) net/while/add:Add<-a net/while/cell/mul:Mul<-a net/while/inner:While@body.i<-a ->net/while/add:z:0",
        c="(a) net/while/less:Less<-a ->net/while/less:z:0",
        i="(a) net/while/inner/cell/neg:Neg<-a ->net/while/inner/cell/neg:y:0",
    )
)


def test_what_only_repeats_where_a_loop_stands_is_known():
    """In the body of a loop the scopes begin again with the loop's own; what the body makes does not repeat."""
    tree = scope_tree(LOOP)

    assert sorted(map(tree.path, tree.repeated)) == [
        "net/while/body/net",
        "net/while/body/net/while",
        "net/while/body/net/while/inner/body/net",
        "net/while/body/net/while/inner/body/net/while",
        "net/while/body/net/while/inner/body/net/while/inner",
        "net/while/cond/net",
        "net/while/cond/net/while",
    ]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("net/while/body/cell", "net/while/body/net/while/cell"),
        ("while/body/cell", "net/while/body/net/while/cell"),
        ("body/inner/body/cell", "net/while/body/net/while/inner/body/net/while/inner/cell"),
        ("body/net/while/cell", "net/while/body/net/while/cell"),
        ("while/body", "net/while/body"),  # it holds the other loop's
        ("while", "net/while"),
    ],
)
def test_what_repeats_in_a_path_may_be_left_out(name, path):
    """A scope below a loop is named as the tree shows it, or by its whole path; of several, it is the one around."""
    assert (tree := scope_tree(LOOP)).path(named_scope(tree, name, LOOP.nodes.names)) == path


NAMED = of(
    "net/dense/x", "net/dense_1/x", "net/dense_1/add/y", "net/dense_1/add", "head/dense/x", "head/net/dense/x/z", "w"
)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("", ""),
        ("net/dense", "net/dense"),
        ("net/dense/", "net/dense"),
        ("dense_1", "net/dense_1"),
        ("head/dense", "head/dense"),
        ("net/dense/x", "net/dense"),  # a node; a scope's path ends so too
        ("dense/x", "head/net/dense/x"),
        ("w", ""),
        ("net/dense_1/add", "net/dense_1"),
        ("net/dense_1/add/y", "net/dense_1"),
    ],
)
def test_a_scope_has_the_names_that_users_give_it(name, path):
    """Its path, a slash behind it or not, the end of its path where that is one scope's only, or a node's in it."""
    tree = scope_tree(NAMED)

    assert tree.path(named_scope(tree, name, NAMED.nodes.names)) == path


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("dense", "several scopes are named 'dense'", "name one of them whole: net/dense, head/dense, head/net/dense"),
        ("net/dens", "no scope named 'net/dens'", "did you mean 'net/dense' or 'net/dense_1' or 'head/net/dense'?"),
        (
            "zzz",
            "no scope named 'zzz'",
            "it has: net, net/dense, net/dense_1, head, head/dense, head/net, head/net/dense, head/net/dense/x",
        ),
    ],
)
def test_a_name_of_no_scope_or_of_several_says_which_there_are(name, message, hint):
    """The hint names the scopes that may be meant."""
    with pytest.raises(NotFound) as caught:
        named_scope(scope_tree(NAMED), name, NAMED.nodes.names)

    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_a_hint_names_only_the_first_of_many_scopes():
    """Of scopes of one name in each of ten blocks the hint counts those that it does not name."""
    with pytest.raises(NotFound) as caught:
        named_scope(scope_tree(of(*(f"b{number}/dense/x" for number in range(10)))), "dense")

    assert caught.value.hint == (
        "name one of them whole: b0/dense, b1/dense, b2/dense, b3/dense, b4/dense, b5/dense, b6/dense, b7/dense"
        " and 2 more"
    )


def test_a_hundred_thousand_levels_are_shown():
    """A name of 100,000 scopes makes a tree as deep, in time that does not grow with the square."""
    tree = scope_tree(of("a/" * 100_000 + "x"))

    assert len(tree) == 100_001
    assert tree.depths[-1] == 100_000
    assert tree.total(tree.own([1]))[0] == 1


def test_the_upper_scopes_of_a_deep_nest_are_those_of_nodes_higher_up():
    """A scope is one, whether a node far below it or one right in it comes first."""
    tree = scope_tree(of("s/" * 600 + "x", "s/y", "s/" * 550 + "z", "s/" * 499 + "w"))

    assert tree.depths == list(range(601))
    assert tree.owners == [600, 1, 550, 499]


def test_a_single_node_has_no_scope_at_any_depth_that_models_reach():
    """What stands in the scope of a single node lies beside it, also a scope; a call of the same path keeps its own."""
    nest = "s/" * 200
    whole = inline(graph(f"{nest}a:Add  {nest}a/y:Const  {nest}a/b/z:Const  {nest}c:PartitionedCall@f", f="x:Relu"))
    tree = scope_tree(whole)

    assert draw(tree).count("s 5") == 200
    assert tree.names[201:] == ["c"]
    assert tree.owners == [200, 200, 200, 201, 201]


@given(all_paths)
def test_the_total_is_the_number_of_paths(paths):
    """No node is lost or counted twice, whatever the names, in the tree and in the raw one."""
    for raw in (False, True):
        tree = scope_tree(of(*paths), raw=raw)
        assert tree.total(tree.own([1] * len(paths)))[0] == len(paths)


@given(all_paths)
def test_parents_come_first(paths):
    """The walk gives each scope right behind its parent, or what is below its elder siblings."""
    tree = scope_tree(of(*paths), raw=True)
    above = {}
    for scope in tree.walk():
        if scope:
            assert above[tree.depths[scope] - 1] == tree.parents[scope]
        above[tree.depths[scope]] = scope


def repeats_of(*paths):
    """Returns the groups of alike scopes, by path."""
    whole = of(*paths)
    tree = scope_tree(whole)
    found = find_repeats(tree, [kind.op for kind in whole.nodes.kinds])
    return {tree.path(scope): [tree.path(member) for member in members] for scope, members in found.groups.items()}


def test_blocks_of_one_structure_are_one_group():
    """Four siblings whose names differ by their numbers only, with the same ops below, are one group."""
    blocks = [f"net/block_{number}/{node}" for number in range(1, 5) for node in ("dense/x", "y")]

    assert repeats_of(*blocks) == {"net/block_1": [f"net/block_{number}" for number in range(1, 5)]}


def test_keras_first_layer_has_no_number():
    """`dense` is the elder sibling of `dense_1`."""
    layers = ["dense", "dense_1", "dense_2", "dense_3"]

    assert repeats_of(*(f"{layer}/x" for layer in layers)) == {"dense": layers}


def test_three_blocks_are_no_group():
    """A few siblings are shown as they are, with the numbers of each."""
    assert repeats_of("block_1/x", "block_2/x", "block_3/x") == {}


def test_another_structure_is_not_in_the_group():
    """A block with one op more stands for itself."""
    assert repeats_of("b1/x", "b2/x", "b2/y", "b3/x", "b4/x", "b5/x") == {"b1": ["b1", "b3", "b4", "b5"]}


def test_a_group_knows_how_many_siblings_have_such_names():
    """From the first to the last member, those of another structure counted, those behind the last not."""
    whole = of("b1/x", "b2/x", "b2/y", "other/x", "b3/x", "b4/x", "b5/x", "b6/x", "b6/y")
    tree = scope_tree(whole)

    assert find_repeats(tree, ["Add"] * 9).spans == {tree.find("b1"): 5}


def test_groups_within_a_group_are_found():
    """The layers of repeated blocks repeat too; the numbers of all that a scope stands for add up."""
    whole = of(*(f"block_{block}/layer_{layer}/x" for block in range(5) for layer in range(4)))
    tree = scope_tree(whole)
    found = find_repeats(tree, ["Add"] * 20)
    totals = found.total(tree.total(tree.own([1] * 20)))

    assert {tree.path(scope): len(members) for scope, members in found.groups.items()} == {
        "block_0": 5,
        "block_0/layer_0": 4,
    }
    assert [totals[tree.find(path)] for path in ("", "block_0", "block_0/layer_0", "block_1")] == [20, 20, 20, 0]
