"""What holds for every graph, however odd, and for every damaged file."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers import run, trace
from tests.hostile import wire as w
from tests.hostile.verbs import check_export
from tracer.errors import Unreadable
from tracer.graph.clean import clean
from tracer.graph.diff import diff_graphs
from tracer.graph.inline import TooLarge, inline, inlined_nodes
from tracer.graph.scopes import scope_tree
from tracer.render.graph import FORMATS, render_view
from tracer.report.export import export_view
from tracer.report.show import show_report
from tracer.rules.run import lint
from tracer.store.graph_def import read_graph, write_graph

LIMIT = 2_000  # nodes; a generated graph that explodes is not looked at any further

PARTS = ("a", "b", "while", "body", "_5", "x_1", "", "é", "\u202e", "<b>", '"', "a:0", "\n", "\x1b[31m")
OPS = (
    "Relu",
    "AddV2",
    "Identity",
    "Const",
    "NoOp",
    "MatMul",
    "Placeholder",
    "VarHandleOp",
    "ReadVariableOp",
    "Odd",
    "g",
)
FUNCTIONS = ("f", "g", "h", "__inference_k_12")

names = st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map("/".join)
ports = st.sampled_from(("", "", "", ":0", ":1", ":z:0", ":99999999999", ":-1", ":"))
shapes = st.lists(st.integers(-1, 2**62), max_size=3).map(lambda dims: w.a_shape(*dims))
values = st.one_of(
    st.integers(-(2**63), 2**63 - 1).map(w.a_number),
    st.integers(-1, 40).map(w.a_type),
    st.sampled_from(PARTS).map(w.a_text),
    st.sampled_from(FUNCTIONS).map(w.a_function),
    shapes,
    st.lists(st.one_of(shapes, st.integers(0, 40).map(w.a_type)), max_size=3).map(lambda items: w.a_list(*items)),
    st.binary(max_size=8).map(lambda content: w.a_tensor(1, (2,), content)),
)
attributes = st.dictionaries(
    st.sampled_from(("T", "dtype", "shape", "value", "_output_shapes", "N", "shared_name", "Targuments", "f")), values
)
calls = st.sampled_from(
    (
        ("PartitionedCall", ("f",)),
        ("StatefulPartitionedCall", ("f",)),
        ("If", ("then_branch", "else_branch")),
        ("While", ("cond", "body")),
        ("MapDataset", ("f",)),
        ("OddCall", ("one", "other")),
    )
)


@st.composite
def node_lists(draw, most, *, unique):
    """A list of NodeDefs that read each other, calls among them."""
    chosen = draw(st.lists(names, max_size=most, unique=unique))
    inputs = st.lists(
        st.builds(
            lambda mark, name, port: f"{mark}{name}{port}",
            st.sampled_from(("", "", "^")),
            st.sampled_from([*chosen, "x", "gone"]),
            ports,
        ),
        max_size=4,
    )
    nodes = []
    for name in chosen:
        op, bodies = draw(st.one_of(st.sampled_from(OPS).map(lambda op: (op, ())), calls))
        given_attributes = {
            **draw(attributes),
            **{body: w.a_function(draw(st.sampled_from(FUNCTIONS))) for body in bodies},
        }
        nodes.append(w.node_with(name, op, draw(inputs), given_attributes, draw(st.sampled_from(("", "/cpu:0")))))
    return nodes


@st.composite
def graph_defs(draw, *, unique=False):
    """A GraphDef with up to four functions, which may call each other in rings."""
    library = [
        w.function(
            name,
            draw(node_lists(5, unique=unique)),
            draw(st.lists(st.sampled_from(("x", "y", "a")), max_size=3, unique=unique)),
            draw(st.dictionaries(st.sampled_from(("r", "s")), st.builds(lambda name, port: name + port, names, ports))),
        )
        for name in draw(st.lists(st.sampled_from(FUNCTIONS), max_size=4, unique=True))
    ]
    return w.graph([w.node("x", "Placeholder"), *draw(node_lists(10, unique=unique))], library)


def inlined(content):
    """Returns a graph with its functions in their places; None for one that explodes."""
    graph = read_graph(content, "graph.pb")
    try:
        return inline(graph, limit=LIMIT)
    except TooLarge:
        return None


@given(graph_defs())
def test_a_graph_that_is_written_reads_the_same(content):
    """Names, ops, inputs, devices and attributes come back, also those that make no sense."""
    nodes = read_graph(content, "graph.pb").nodes

    again = read_graph(write_graph(nodes), "again.pb").nodes
    assert list(map(repr, again)) == list(map(repr, nodes))  # NaN equals nothing, itself neither


@settings(max_examples=60)
@given(graph_defs())
def test_the_scopes_hold_each_node_once(content):
    """The totals of the scope tree are the nodes, in both views; only the root has no parent."""
    graph = inlined(content)
    if graph is None:
        return
    for raw in (False, True):
        tree = scope_tree(graph, raw=raw)
        own = tree.own([1] * len(graph.nodes))
        assert tree.total(own)[0] == len(graph.nodes) == sum(own)
        assert [scope for scope, parent in enumerate(tree.parents) if parent >= scope or parent < 0] == [0]


@settings(max_examples=60)
@given(graph_defs())
def test_the_clean_view_loses_nothing(content):
    """Each node either stays or is named among those put aside; badges name only these."""
    graph = inlined(content)
    if graph is None:
        return
    cleaned = clean(graph)

    stays = Counter(cleaned.graph.nodes.names)
    assert sum(stays.values()) == len(cleaned.stays)
    assert set(graph.nodes.names) == set(stays) | set(cleaned.put_aside)
    assert {path for badges in cleaned.badges.values() for path in badges} <= set(cleaned.put_aside)
    assert [graph.nodes.names[index] for index in cleaned.stays] == list(cleaned.graph.nodes.names)


@settings(max_examples=60)
@given(graph_defs(unique=True))
def test_edges_survive_inlining(content):
    """An input that named a node of its function names a node of the inlined graph."""
    source = read_graph(content, "graph.pb")
    graph = inlined(content)
    if graph is None:
        return
    known = set(graph.nodes.names)
    for index, node in enumerate(graph.nodes):
        place = graph.places[graph.place_of[index]]
        local = source.functions[place.function].nodes if place.function else source.nodes
        plain = {name for name in local.names if ":" not in name and not name.startswith("^")}
        read = next((found.inputs for found in local if found.name == graph.local_name(index)), ())
        kept = [text for text in read if text.lstrip("^").partition(":")[0] in plain and not node.bodies]
        arguments = source.functions[place.function].arguments if place.function else ()
        for text in kept:
            name = text.lstrip("^").partition(":")[0]
            if node.op not in source.functions and name not in arguments:
                assert place.prefix + name in known


@settings(max_examples=60)
@given(graph_defs())
def test_a_graph_equals_itself(content):
    """The difference between a graph and the same graph, read again, is nothing."""
    before, after = inlined(content), inlined(content)
    if before is None:
        return
    diff = diff_graphs(before, after)
    assert (diff.changes, diff.renamed, diff.same) == ((), (), len(before.nodes))


@settings(max_examples=60)
@given(graph_defs())
def test_every_format_reads_back(content):
    """Each export of any graph can be written as UTF-8 and read by its own reader."""
    if inlined(content) is None:
        return
    one = trace(graphs={"traced": read_graph(content, "graph.pb")})
    for raw in (False, True):
        view = export_view(one, raw=raw, limit=LIMIT)
        for name in FORMATS:
            check_export(render_view(view, name), name)


@settings(max_examples=60)
@given(graph_defs())
def test_the_rules_and_the_page_take_any_graph(content):
    """`lint` ends, and `show` counts as many nodes as there are."""
    graph = inlined(content)
    if graph is None:
        return
    source = read_graph(content, "graph.pb")
    recorded = run(trace(graphs={"traced": source}))
    lint(recorded)
    report = show_report(recorded, limit=LIMIT)
    assert report.tree.items[0].nodes == sum(name not in graph.added for name in graph.nodes.names)
    assert inlined_nodes(source) <= len(graph.nodes)  # it has a node for each argument that a call does not give


@settings(max_examples=150)
@given(graph_defs(), st.data())
def test_a_damaged_file_is_a_graph_or_unreadable(content, data):
    """Bits that flip, bytes that go or come: what is left is read as a graph, or refused, and works as any other."""
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(len(damaged) - 1, 0)))
        change = data.draw(st.sampled_from(("flip", "cut", "drop", "add")))
        if change == "flip" and damaged:
            damaged[at] ^= 1 << data.draw(st.integers(0, 7))
        elif change == "cut":
            del damaged[at:]
        elif change == "drop":
            del damaged[at : at + 3]
        else:
            damaged[at:at] = data.draw(st.binary(max_size=3))
    try:
        graph = inlined(bytes(damaged))
    except Unreadable:
        return
    if graph is not None:
        clean(graph)
        scope_tree(graph)
        diff_graphs(graph, graph)


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_no_graph(seed):
    """Random bytes are refused with the byte at which they stop making sense, or read as what they are."""
    noise = random.Random(seed).randbytes(50_000)
    with pytest.raises(Unreadable, match=r"byte|damaged"):
        read_graph(noise, "noise.pb")
