import pytest
from tensorboard.compat.proto import graph_pb2

from benchmarks import graph_files, profile_files
from benchmarks.measure import Comparison, Cost, Outcome, Program, run
from benchmarks.report import page, tables
from tests.profiles import host, space
from tracer.graph.inline import inline
from tracer.graph.scopes import scope_tree
from tracer.profile.executions import read_profile
from tracer.store import layout
from tracer.store.graph_def import parse_message, read_graph
from tracer.store.load import load_run
from tracer.store.writer import RunWriter
from tracer.timing.timing import read_timing

STEP = graph_pb2.GraphDef()
STEP.node.add(name="x", op="Placeholder")
STEP.node.add(name="net/relu", op="Relu", input=["x", "^x"])
STEP.node[1].attr["_output_shapes"].list.shape.add().dim.add(size=8)

# A step of one run of the executor, in which two nodes are executed on one thread and one again on another.
TRAIN = "main  step{step_num=0,_r=1} 0-100  FunctionRun{id=7} 5-6"
WORKERS = (
    "a  ExecutorState::Process{id=7} 10-60  net/x:Mul 10-20  net/y:Add 30-50",
    "b  ExecutorState::Process{id=7} 60-90  net/x:Mul 70-80",
)


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
    program = Program("p", ("echo", '{"seconds": 2.5, "bytes": 7, "count": 3}'), prints_cost=True)

    assert run(program) == Cost(2.5, 7, 3)


def test_the_table_of_graphs_tells_time_by_node_and_memory():
    """Times below a tenth of a second are in milliseconds."""
    row = tables([outcome([Cost(0.05, 4_000_000, 1000)], [Cost(0.02, 2_000_000)], graph="1,000 nodes")]).splitlines()[2]

    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[:7] == ["case", "1,000 nodes", "50.0 ms", "50,000 ns", "them", "20.0 ms", "2.50x"]
    assert cells[8:11] == ["4.0 MB", "2.0 MB", "2.00x"]


def executed(content):
    """Returns step, run, node and start of each execution, by start."""
    found = read_profile(content, "vm.xplane.pb")
    rows = ((each.start_ns, found.steps[each.step].number, each.run.number, each.op.path) for each in found)
    return sorted(rows)


def test_a_profile_is_repeated_later_with_numbers_of_its_own():
    """A copy's steps and runs are others, and it ends with the event at which there are enough."""
    found = executed(profile_files.repeated(space(host(TRAIN, *WORKERS)), 7 + 5))

    assert found == [
        (10, 0, 7, "net/x"),
        (30, 0, 7, "net/y"),
        (70, 0, 7, "net/x"),
        (1080, 1, 7 ^ 1 << 32, "net/x"),
        (1100, 1, 7 ^ 1 << 32, "net/y"),
    ]
    assert read_profile(profile_files.repeated(space(host(TRAIN, *WORKERS)), 7 + 5), "p").events == 7 + 5


def test_a_profile_with_each_node_once_has_it_in_each_scope():
    """What a node did before is one execution in each scope, and nothing else is left."""
    found = read_profile(profile_files.once(space(host(TRAIN, *WORKERS)), ["s_0/", "s_1/"]), "vm.xplane.pb")

    assert sorted(each.op.path for each in found) == ["s_0/net/x", "s_0/net/y", "s_1/net/x", "s_1/net/y"]
    assert found.events == 4


def recorded(tmp_path):
    """Returns a run's folder as the scenario `mobilenet_v2` leaves it, in little."""
    writer = RunWriter(tmp_path / "logs", "mobilenet_v2", {"target": "mobilenet_v2", "host": {"name": "vm"}})
    stages = {"traced": STEP.SerializeToString(), "optimized": STEP.SerializeToString()}
    lines = {"files": ["net.py"], "frames": [[0, 3, "train"]], "stacks": [[0]], "nodes": {"": {"net/relu": 0}}}
    modules = [{"scope": "net", "name": "net", "class": "Net", "kind": "module"}]
    writer.add_trace("infer", {"runtime_name": "__inference_infer_1"}, stages)
    facts = {"runtime_name": "__inference_train_2", "lines": lines, "modules": modules}
    writer.add_trace("train", facts, stages)
    file = writer.path / layout.PROFILES / "now" / "vm.xplane.pb"
    file.parent.mkdir(parents=True)
    events = "a  EagerLocalExecute: __inference_train_2 0-9  FunctionRun{id=7} 1-2  ExecutorState::Process{id=7} 3-8"
    file.write_bytes(space(host(f"{events}  net/relu:Relu 4-5  net/relu:Relu 6-7")))
    writer.finish("complete", warnings=[])
    return writer.path


def test_a_run_of_so_many_events_is_the_run_with_another_profile(tmp_path):
    """Its graphs are there, and its nodes have the calls of all copies."""
    run = load_run(profile_files.make_run(recorded(tmp_path), tmp_path / "more", 3 * 5))
    timing = read_timing(run)

    assert timing.profiles[0].events == 15
    assert [(node.time.path, node.time.calls, node.owner.stack[-1].line) for node in timing.nodes] == [
        ("net/relu", 6, 3)
    ]


def test_a_wide_run_has_each_node_in_each_scope_with_its_line_and_module(tmp_path):
    """Copies of the graph, of its lines, of its modules and of its executions agree on their scopes."""
    timing = read_timing(load_run(profile_files.make_wide_run(recorded(tmp_path), tmp_path / "wide", 3)))

    assert [
        (node.time.path, node.time.calls, node.owner.stack[-1].line, node.owner.module.name) for node in timing.nodes
    ] == [("step_0/net/relu", 1, 3, "net"), ("step_1/net/relu", 1, 3, "net")]


def test_a_run_of_many_traces_has_those_that_ran_too(tmp_path):
    """The others are there, can be read, and none of them is in the profile."""
    run = load_run(profile_files.make_run_of_many(recorded(tmp_path), tmp_path / "many", 2))

    assert [(trace.name, len(trace.graph.nodes)) for trace in run.traces] == [
        ("infer", 2),
        ("train", 2),
        ("other_0", 100),
        ("other_1", 100),
    ]
    assert {node.function for node in read_timing(run).nodes} == {"train"}


def test_a_budget_of_events_a_second_is_missed_below_it():
    """The median of our times counts, and the events of one round."""
    ours, theirs = [Cost(2.0, 400, 1000)] * 3, [Cost(1.0, 100)] * 3

    assert outcome(ours, theirs, least_rate=500.0).within is True
    assert outcome(ours, theirs, least_rate=501.0).within is False


def test_a_budget_of_bytes_is_ours_alone():
    """It does not matter what the other took."""
    assert outcome([Cost(1.0, 400)], [Cost(1.0, 100)], most_bytes=400).within is True
    assert outcome([Cost(1.0, 400)], [Cost(1.0, 900)], most_bytes=399).within is False


def test_the_table_of_profiles_tells_events_a_second():
    """Times below a thousandth of a second are in microseconds."""
    costs = [Cost(0.05, 4_000_000, 1000)], [Cost(0.0002, 2_000_000)]
    row = tables([outcome(*costs, profile="1,000 events", least_rate=9_000.0)]).splitlines()[2]

    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[:6] == ["case", "1,000 events", "50.0 ms", "20,000", "them", "200 us"]
    assert cells[11:] == ["9,000 a second", "yes"]


def test_a_page_keeps_the_part_that_was_not_measured():
    """`--only graphs` replaces that part alone, and the parts stand in their order."""
    old = page("", {"recording": "## Recording\n\nold\n", "graphs": "## Graphs\n\nold\n"})

    new = page(old, {"graphs": "## Graphs\n\nnew\n"})

    assert new == page("", {"graphs": "## Graphs\n\nnew\n", "recording": "## Recording\n\nold\n"})
