import pytest

from tests.helpers import graph
from tracer.graph.boundary import leaving
from tracer.graph.clean import clean
from tracer.graph.edges import edges_of
from tracer.graph.flops import graph_flops
from tracer.graph.inline import inline
from tracer.graph.model import Kind, TensorType
from tracer.graph.references import (
    CONTROL,
    by_name,
    data_of,
    find,
    in_graph,
    index_by_name,
    join,
    producer_of,
    renamed,
    split,
)
from tracer.graph.scopes import scope_tree
from tracer.graph.stage_map import stage_map


@pytest.mark.parametrize(
    ("reference", "name", "port"),
    [
        ("a", "a", 0),
        ("a:0", "a", 0),
        ("a:12", "a", 12),
        ("^a", "a", CONTROL),
        ("net/a/b_1:1", "net/a/b_1", 1),
        ("", "", 0),
        ("^", "", CONTROL),
        # What no graph of TensorFlow's has:
        ("a:", "a", 0),
        ("a:-1", "a", 0),
        ("a:9999999999", "a", 0),
        ("a:z:1", "a:z", 1),
        ("^a:1", "a:1", CONTROL),
    ],
)
def test_a_reference_is_a_name_and_an_output(reference, name, port):
    """A graph's reference has the output's number behind the last colon; a control edge has `^` before it, and none."""
    assert split(reference) == (name, port)
    assert producer_of(reference) == name


@pytest.mark.parametrize("reference", ["a", "a:1", "^a", "net/a:12"])
def test_a_reference_is_joined_as_it_was_split(reference):
    """`join` writes what `split` read."""
    assert join(*split(reference)) == reference


def test_control_edges_are_no_data():
    """What flows are the references without `^`, in their order."""
    assert data_of(("b:1", "^a", "a")) == ["b:1", "a"]


@pytest.mark.parametrize(
    ("reference", "found"),
    [("a", (1, 0)), ("a:1", (1, 1)), ("^a", (1, CONTROL)), ("b", (None, 0)), ("c:1", (3, 0)), ("^^d", (4, CONTROL))],
)
def test_a_node_that_is_named_like_a_reference_is_meant_by_it(reference, found):
    """A name with a colon, which TensorFlow would refuse, is found whole; one with `^` only behind another `^`."""
    assert find(reference, {"a": 1, "c": 2, "c:1": 3, "^d": 4}) == found
    assert find("^d", {"^d": 4}) == (None, CONTROL)


def test_a_new_name_keeps_the_rest_of_a_reference():
    """Port and control mark stay as they are, and so does what has no new name."""
    names = {"a": "net/a", "b:1": "b_1"}

    assert [renamed(text, names) for text in ("a", "a:1", "^a", "b:1", "c:1")] == [
        "net/a",
        "net/a:1",
        "^net/a",
        "b_1",
        "c:1",
    ]


def test_outputs_have_names_inside_functions():
    """An output's name counts with those before it; where the op is not known the number does; an argument has none."""
    kinds = {"s": Kind("SplitV", {"num_split": 2, "T": "float32"}), "u": Kind("Unique", {}), "odd": Kind("Odd")}

    references = ("s:output:1", "u:y:0", "u:idx:0", "odd:z:2", "x", "x:1", "x:0", "gone:z:0")

    assert [in_graph(text, kinds) for text in references] == ["s:1", "u", "u:1", "odd:2", "x", "x:1", "x", "gone"]


def test_of_two_nodes_of_one_name_the_first_is_meant():
    """TensorFlow refuses such a graph; here the first has the name."""
    names = ["a", "b", "a"]

    assert index_by_name(names) == {"a": 0, "b": 1}
    assert by_name(names, ["x", "y", "z"]) == {"a": "x", "b": "y"}


def test_every_analysis_means_the_first_of_two_nodes():
    """Edges, clean view, FLOPs, what leaves a scope and what became of a node agree in who is read."""
    nodes = "m/a:Relu=float32[2,3] m/a:Const=float32[7,9] w:Relu=float32[3,5] n/b:MatMul=float32[2,5]<-m/a,w"
    twice = inline(graph(nodes))
    tree = scope_tree(twice)
    left = leaving(twice, tree, tree.owners, most=1)

    assert edges_of(twice.nodes).data[3] == [(0, 0), (2, 0)]
    assert dict(clean(twice).put_aside) == {}  # the constant is not what `b` reads
    assert graph_flops(twice.nodes).per_node[3] == 2 * 2 * 5 * 3
    assert left[tree.find("m")][0] == (TensorType("float32", (2, 3)),)
    assert stage_map(twice, inline(graph("m/a:Relu=float32[2,3]"))).fates[0].became == "Relu"
