import pytest
from tensorboard.compat.proto import graph_pb2

from benchmarks import graph_files
from benchmarks.measure import Comparison, Cost, Outcome, Program, run
from benchmarks.report import page, tables
from tracer.graph.inline import inline
from tracer.graph.scopes import scope_tree
from tracer.store.graph_def import parse_message, read_graph

STEP = graph_pb2.GraphDef()
STEP.node.add(name="x", op="Placeholder")
STEP.node.add(name="net/relu", op="Relu", input=["x", "^x"])
STEP.node[1].attr["_output_shapes"].list.shape.add().dim.add(size=8)


def made(tmp_path, shape, nodes):
    """Returns a graph of a shape as it is read back, inlined."""
    content = graph_files.make_file(tmp_path, shape, nodes, STEP.SerializeToString()).read_bytes()
    return inline(read_graph(content, "graph.pb"))


def outcome(ours, theirs, **budget):
    """Returns the outcome of a comparison with a budget."""
    comparison = Comparison("case", Program("ours", ()), Program("them: small", ()), **budget)
    return Outcome(comparison, tuple(ours), tuple(theirs))


def test_copies_of_a_step_lie_in_scopes_of_their_own_and_end_at_the_size(tmp_path):
    """Each copy reads its own nodes, control edges too, and the last copy is cut off."""
    nodes = made(tmp_path, graph_files.STEP, 3).nodes

    assert nodes.names == ["step_0/x", "step_0/net/relu", "step_1/x"]
    assert nodes.inputs == [(), ("step_0/x", "^step_0/x"), ()]


def test_varied_copies_have_batch_sizes_of_their_own(tmp_path):
    """The first size of every recorded shape grows by one from copy to copy."""
    nodes = made(tmp_path, graph_files.VARIED, 4).nodes

    assert [nodes[index].attributes["_output_shapes"] for index in (1, 3)] == [((8,),), ((9,),)]


@pytest.mark.parametrize(
    ("shape", "nodes", "inlined"),
    [
        (graph_files.CHAIN, 7, 7),
        (graph_files.READERS, 7, 7),
        (graph_files.CALLS, 300, 304),
        (graph_files.DEEP, 600, 600),
    ],
)
def test_each_odd_shape_has_the_nodes_that_it_says(tmp_path, shape, nodes, inlined):
    """Calls count with the nodes that they run, themselves, and what the first one reads."""
    assert len(made(tmp_path, shape, nodes).nodes) == inlined


def test_the_deep_shape_is_500_scopes_deep(tmp_path):
    """Its last scope lies 500 levels below the whole graph."""
    assert max(scope_tree(made(tmp_path, graph_files.DEEP, 600)).depths) == 500


def test_a_tag_holds_the_bytes_of_its_graph(tmp_path):
    """What TensorBoard is given and what we are given is the same graph."""
    file = graph_files.make_file(tmp_path, graph_files.STEP, 2, STEP.SerializeToString())
    metadata = parse_message("RunMetadata", graph_files.make_tag(file).read_bytes(), "tag")

    inner = metadata.function_graphs[0].pre_optimization_graph
    assert read_graph(inner, "tag").nodes == read_graph(file.read_bytes(), "file").nodes


def test_a_budget_of_memory_is_missed_where_the_median_is_above_it():
    """Time and memory are judged apart, and both must be kept."""
    ours, theirs = [Cost(1.0, 400)] * 3, [Cost(1.0, 100)] * 3

    assert outcome(ours, theirs, most_ratio=3.0).within is True
    assert outcome(ours, theirs, most_ratio=3.0, most_memory_ratio=3.0).within is False


def test_a_program_that_prints_its_cost_is_believed():
    """Its own numbers count, not the wall time of its process."""
    program = Program("p", ("echo", '{"seconds": 2.5, "bytes": 7, "nodes": 3}'), prints_cost=True)

    assert run(program) == Cost(2.5, 7, 3)


def test_the_table_of_graphs_tells_time_by_node_and_memory():
    """Times below a tenth of a second are in milliseconds."""
    row = tables([outcome([Cost(0.05, 4_000_000, 1000)], [Cost(0.02, 2_000_000)], graph="1,000 nodes")]).splitlines()[2]

    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[:7] == ["case", "1,000 nodes", "50.0 ms", "50,000 ns", "them", "20.0 ms", "2.50x"]
    assert cells[8:11] == ["4.0 MB", "2.0 MB", "2.00x"]


def test_a_page_keeps_the_part_that_was_not_measured():
    """`--only graphs` replaces that part alone, and the parts stand in their order."""
    old = page("", {"recording": "## Recording\n\nold\n", "graphs": "## Graphs\n\nold\n"})

    new = page(old, {"graphs": "## Graphs\n\nnew\n"})

    assert new == page("", {"graphs": "## Graphs\n\nnew\n", "recording": "## Recording\n\nold\n"})
