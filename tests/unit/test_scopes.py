from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import draw
from tracer.graph.scopes import Scope, scope_tree

names = st.text(st.sampled_from("ab01._é"), min_size=1, max_size=3)
all_paths = st.lists(st.lists(names, min_size=1, max_size=4).map("/".join), max_size=30)


def test_nodes_are_counted_up_the_scope_tree():
    """A scope's count is its own nodes plus everything below it."""
    tree = scope_tree(["x", "a/x", "a/b/y", "a/b/z", "c/w"])

    assert draw(tree) == "(graph) 5\n├─ a 3\n│  └─ b 2\n└─ c 1\n"


def test_a_call_counts_as_part_of_its_own_scope():
    """A node whose path is a scope lies in that scope and not beside it."""
    assert draw(scope_tree(["f", "f/x", "a"])) == "(graph) 3\n└─ f 2\n"


def test_a_graph_without_nodes_is_one_empty_scope():
    """There is always the row of the whole graph."""
    assert scope_tree([]) == (Scope("", 0, 0),)


def test_a_scope_is_not_torn_apart_by_a_name_that_sorts_between():
    """What lies below `a` follows `a`, although "a." sorts before "a/"."""
    tree = scope_tree(["a/b/x", "a.b/x", "a/x"])

    assert [scope.path for scope in tree] == ["", "a", "a/b", "a.b"]


def test_numbers_in_names_sort_as_numbers():
    """The tenth block comes after the second."""
    tree = scope_tree(["block_10_conv/x", "block_2_conv/x", "block/x", "block_1/x"])

    assert [scope.path for scope in tree] == ["", "block", "block_1", "block_2_conv", "block_10_conv"]


def test_names_that_are_the_same_number_stay_apart():
    """Below `a01` is only what is in it, also beside an `a1`."""
    tree = scope_tree(["a1/x/n", "a01/x/n"])

    assert [scope.path for scope in tree] == ["", "a01", "a01/x", "a1", "a1/x"]


def test_the_depth_of_a_scope_is_its_number_of_names():
    """Depths count from the whole graph, which is 0."""
    assert [(scope.path, scope.depth) for scope in scope_tree(["a/b/x"])] == [("", 0), ("a", 1), ("a/b", 2)]


@given(all_paths)
def test_the_total_is_the_number_of_paths(paths):
    """No node is lost or counted twice, whatever the names."""
    assert scope_tree(paths)[0].nodes == len(paths)


@given(all_paths)
def test_a_scope_stands_right_behind_its_parent_or_its_elder_siblings(paths):
    """Rows are a walk of the tree: a row's parent is the nearest row above it that is one level up."""
    above = {}
    for scope in scope_tree(paths):
        assert scope.depth == 0 or above[scope.depth - 1] == scope.path.rpartition("/")[0]
        above[scope.depth] = scope.path
