"""Real profiles against what is known of the programs: static counts, trip counts, stopwatches, XProf's own reader."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.helpers import run_python
from tests.integration.test_scenarios import SCENARIOS
from tracer.graph.hlo import read_hlo
from tracer.graph.inline import inline
from tracer.graph.lines import Frame
from tracer.graph.model import Graph
from tracer.graph.names import node_path
from tracer.profile.activity import read_timelines
from tracer.profile.attribute import Attribution, attribute
from tracer.profile.building import NO_END
from tracer.profile.coverage import bodies_of, executable, function_runs, seen, untraced
from tracer.profile.executions import read_profile
from tracer.profile.hlo_nodes import hlo_nodes
from tracer.profile.intervals import union
from tracer.profile.lookup import Recorded
from tracer.profile.model import Profile
from tracer.profile.names import executed
from tracer.profile.steps import step_accounts, step_threads
from tracer.recorded import Trace
from tracer.report.memory import memory_peaks
from tracer.store.load import load_run
from tracer.timing.timing import read_timing

STRAIGHT = ("attribute_module", "demo_module", "keras_sequential", "legacy_keras_sequential", "nested_modules")
STRAIGHT += ("py_function", "saved_model", "train_step", "transformer_block")
READS_AHEAD = ("input_pipeline", "keras_fit")  # tf.data may be at work when the profiler stops

# Owners other than nodes that there may be: what is done at a first run only may be before the window.
KINDS = {
    "add_print": {"node", "eager"},
    "eager_only": {"eager"},
    "input_pipeline": {"node", "eager", "input", "runtime"},
    "keras_fit": {"node", "eager", "input", "runtime"},
    "py_function": {"node", "eager"},
}

# A program whose time is known: a decomposition, and next to nothing beside it.
QR = """
import json, sys, time
import tensorflow as tf

@tf.function
def step(x):
    q, r = tf.linalg.qr(x)
    return tf.reduce_sum(q) + tf.reduce_sum(r)

x = tf.random.normal([700, 700])
step(x)
def steps():
    begin = time.perf_counter_ns()
    for number in range(8):
        with tf.profiler.experimental.Trace("step", step_num=number, _r=1):
            step(x).numpy()
    return time.perf_counter_ns() - begin
without = steps()
tf.profiler.experimental.start(sys.argv[1])
wall = steps()
tf.profiler.experimental.stop()
print(json.dumps([without, wall]))
"""

# A program whose memory is known: 4 MiB from before, then 16 MiB that are read once more when 1 MiB came to them.
MEMORY = """
import sys
import tensorflow as tf
import tracer
from tracer.capture.resident import Resident

@tf.function
def step(given):
    with tf.name_scope("large"):
        large = tf.matmul(tf.ones([2048, 1]) * given[:1, :1], tf.ones([1, 2048]))
    with tf.control_dependencies([large]), tf.name_scope("small"):
        small = tf.matmul(tf.ones([512, 1]) * given[:1, :1], tf.ones([1, 512]))
    with tf.control_dependencies([small]):
        return tf.reduce_sum(large) + tf.reduce_sum(small)

tf.random.normal([8, 8])
growth = Resident()
growth.start()
given = tf.random.normal([1024, 1024])
print(tracer.record(step, given, steps=3, warmup=1, logdir=sys.argv[1]).path)
growth.stop()
print(growth.grown)
"""

# Two replicas on two logical devices of one host.
MIRRORED = """
import sys
import tensorflow as tf
import tracer

cpus = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpus[0], [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

def replica(x):
    return tf.reduce_sum(tf.linalg.qr(x)[0])

@tf.function
def step(x):
    return strategy.reduce("SUM", strategy.run(replica, args=(x,)), axis=None)

print(tracer.record(step, tf.random.normal([64, 64]), steps=3, warmup=1, logdir=sys.argv[1]).path)
"""

# A loop long enough that TensorFlow knows its cheap nodes for cheap when the window begins.
LOOP = """
import sys
import tensorflow as tf
import tracer

def body(i, x, y):
    x = tf.tanh(x)
    y, _ = tf.linalg.qr(y)
    return i + 1, tf.cond(tf.reduce_sum(x) > 1e9, lambda: tf.sin(x), lambda: x), y

@tf.function
def step(x, y):
    return tf.while_loop(lambda i, x, y: i < 200, body, [tf.constant(0), x, y])

x, y = tf.ones([8, 8]), tf.random.normal([64, 64])
run = tracer.record(step, x, y, profile=False, logdir=sys.argv[1])
step(x, y)
tf.profiler.experimental.start(run.path)
step(x, y)
step(x, y)
tf.profiler.experimental.stop()
print(run.path)
"""


def content_of(folder: Path) -> bytes:
    """Returns the bytes of a run's only profile."""
    [file] = folder.glob("plugins/profile/*/*.xplane.pb")
    return file.read_bytes()


def profile_of(folder: Path) -> Profile:
    """Returns what is read of a run's only profile."""
    return read_profile(content_of(folder), "vm.xplane.pb")


def xprof(module: str) -> Any:
    """Returns a module of XProf, which comes with the profile plugin; the oldest that we take has none."""
    if version("tensorboard-plugin-profile").startswith("2.18."):
        pytest.skip("the profile plugin for TensorFlow 2.18 has no XProf")
    return import_module(f"xprof.{module}")


def xprof_table(folder: Path) -> list[dict[str, Any]]:
    """Returns the rows of XProf's own table of ops on the host."""
    theirs = xprof("convert.raw_to_tool_data")
    [file] = folder.glob("plugins/profile/*/*.xplane.pb")
    with TemporaryDirectory() as scratch:  # XProf keeps what it finds beside the file, and takes it for the next one's
        content, _ = theirs.xspace_to_tool_data([shutil.copy(file, scratch)], "framework_op_stats", {"tqx": "out:json"})
    table = json.loads(content)[0]
    columns = [column["id"] for column in table["cols"]]
    rows = [dict(zip(columns, [cell["v"] for cell in row["c"]], strict=True)) for row in table["rows"]]
    return [row for row in rows if row["type"] != "IDLE"]


def allocators(folder: Path) -> list[tuple[int, int, int]]:
    """Returns of each event of the host's allocator: bytes in use after it, at most ever, and by how many it grew."""
    [file] = folder.glob("plugins/profile/*/*.xplane.pb")
    found = []
    for plane in xprof("profile_data").ProfileData.from_file(str(file)).planes:
        for event in (event for line in plane.lines for event in line.events if event.name.startswith("Memory")):
            stats = dict(event.stats)
            sign = 1 if event.name == "MemoryAllocation" else -1
            wanted = ("bytes_allocated", "peak_bytes_in_use", "allocation_bytes")
            in_use, ever, size = (int(stats[name]) for name in wanted)
            row = (in_use, ever, sign * size)
            found.append((event.start_ns, row))
    return [row for _, row in sorted(found)]


def known(trace: Trace) -> Recorded:
    """Returns a recorded trace as executions are looked up in it."""
    graphs = [trace.stage(stage) for stage in ("traced", "optimized") if trace.stages.get(stage) == ""]
    paths = {node_path(name) for graph in graphs if isinstance(graph, Graph) for name in inline(graph).nodes.names}
    program = trace.stage("optimized_hlo") if trace.stages.get("optimized_hlo") == "" else ""
    instructions = hlo_nodes(read_hlo(program), inline(trace.graph)) if isinstance(program, str) and program else {}
    return Recorded(trace.id, trace.runtime_name, paths, instructions)


def attributed(folder: Path) -> Attribution:
    """Returns who used the time of a run's profile."""
    return attribute([profile_of(folder)], [known(trace) for trace in load_run(folder).traces])


@pytest.mark.parametrize("scenario", STRAIGHT)
def test_nodes_run_once_a_step(scenario: str, recorded: Callable[[str], Path]) -> None:
    """Without loops every node of a called function has as many calls as there were steps."""
    window = load_run(recorded(scenario)).window
    assert window
    calls = Counter(node.calls for node in attributed(recorded(scenario)).nodes)

    assert calls.keys() == {window.steps}
    assert calls[window.steps] >= 5


def test_a_loop_runs_as_often_as_the_sequence_is_long(recorded: Callable[[str], Path]) -> None:
    """The body of the GRU's loop runs 12 times a step, its condition once more."""
    window = load_run(recorded("rnn")).window
    assert window
    nodes = attributed(recorded("rnn")).nodes
    body = {node.calls for node in nodes if "/while/body/" in node.path}
    condition = {node.calls for node in nodes if "/while/cond/" in node.path}

    assert body == {12 * window.steps}
    assert condition == {13 * window.steps}


def test_nested_loops_run_as_often_as_newton_takes(recorded: Callable[[str], Path]) -> None:
    """The inner loop runs as often as the method takes for both positive numbers, the outer one three times."""
    window = load_run(recorded("control_flow")).window
    assert window
    turns = 0
    for number in (2.0, 9.0):
        root = 1.0 + number
        while root * root - number > 1e-5 * (1.0 + number):
            root, turns = 0.5 * (root + number / root), turns + 1
    calls = {node.path: node.calls for node in attributed(recorded("control_flow")).nodes}
    inner = "newton/while/body/newton/while/cond/else/newton/while/cond/while"

    assert calls["newton/while/cond/newton/while/Less"] == 4 * window.steps
    assert calls["newton/while/body/newton/while/Less"] == 3 * window.steps
    assert calls[f"{inner}/body/newton/while/cond/while/truediv"] == turns * window.steps
    assert calls[f"{inner}/cond/newton/while/cond/while/Greater"] == (turns + 2) * window.steps


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_sums_agree(scenario: str, recorded: Callable[[str], Path]) -> None:
    """Self times add up to each thread's busy time; nodes and what has none to all; busy time fits into the window."""
    window = load_run(recorded(scenario)).window
    assert window
    profile = profile_of(recorded(scenario))
    rows, found = profile.executions, attributed(recorded(scenario))
    for thread in range(len(profile.threads)):
        mine = [row for row in range(len(rows)) if rows.thread[row] == thread]
        intervals = [(rows.start_ns[row], rows.end_ns[row]) for row in mine]
        assert sum(rows.self_ns[row] for row in mine) == union(intervals) == profile.busy_ns([thread])

    assert len(rows)
    assert set(profile.lost) <= ({NO_END} if scenario in READS_AHEAD else set())
    assert {each.step for each in profile} <= set(range(window.steps))
    assert sum(node.self_ns for node in found.nodes) + sum(row.self_ns for row in found.unattributed) == found.self_ns
    assert found.self_ns == sum(rows.self_ns)
    assert profile.busy_ns() <= window.wall_ns
    assert all(step.end_ns - step.start_ns <= window.wall_ns for step in profile.steps)


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_every_execution_has_an_owner(scenario: str, recorded: Callable[[str], Path]) -> None:
    """What functions run is found to the last execution; what Python, tf.data and Grappler run is known for that."""
    found = attributed(recorded(scenario))

    assert found.unattributed == ()
    assert (found.coverage_nodes, found.coverage_time) == (1.0, 1.0)
    assert {node.kind for node in found.nodes} <= KINDS.get(scenario, {"node"})


@pytest.mark.parametrize("scenario", STRAIGHT)
def test_every_node_that_can_be_seen_is(scenario: str, recorded: Callable[[str], Path]) -> None:
    """In a short window TensorFlow has not stopped to trace cheap kernels: at least 95 of 100 nodes are there."""
    run, found = load_run(recorded(scenario)), attributed(recorded(scenario))
    paths = {node.path for node in found.nodes}
    called = {each.run.function for each in profile_of(recorded(scenario))}
    graphs = [trace.stage("optimized") for trace in run.traces if trace.runtime_name in called]
    assert graphs
    for graph in graphs:
        assert isinstance(graph, Graph)
        nodes = inline(graph).nodes
        rows = [(node_path(name), kind.op) for name, kind in zip(nodes.names, nodes.kinds, strict=True)]
        assert seen(rows, paths).coverage >= 0.95, seen(rows, paths).missing


@pytest.mark.parametrize("scenario", ["control_flow", "keras_fit", "mobilenet_v2", "rnn", "train_step"])
def test_events_are_those_that_xprof_reads(scenario: str, recorded: Callable[[str], Path]) -> None:
    """XProf's own reader finds as many events, as often under each executed name, with the same time."""
    theirs: Counter[str] = Counter()
    times: Counter[str] = Counter()
    events = 0
    for plane in xprof("profile_data").ProfileData.from_serialized_xspace(content_of(recorded(scenario))).planes:
        for line in plane.lines:
            for event in line.events:
                events += 1
                if executed(event.name):
                    theirs[event.name] += 1
                    times[event.name] += round(event.duration_ns)
    profile = profile_of(recorded(scenario))
    ours = [each for each in profile if each.op.kind == "node"]

    assert profile.events == events
    assert Counter(f"{each.op.name}:{each.op.type}" for each in ours) == theirs
    mine: Counter[str] = Counter()
    for each in ours:
        mine[f"{each.op.name}:{each.op.type}"] += each.end_ns - each.start_ns
    assert mine == times


@pytest.mark.parametrize("scenario", ["control_flow", "mobilenet_v2", "retracing", "rnn", "train_step"])
def test_xprof_counts_memory_as_executions(scenario: str, recorded: Callable[[str], Path]) -> None:
    """XProf's self times are ours, op by op; its occurrences are too high by the blocks of memory that an op took."""
    profile = profile_of(recorded(scenario))
    own: Counter[tuple[str, str]] = Counter()
    calls: Counter[str] = Counter()
    for each in profile:
        own[each.op.name, each.op.type] += each.self_ns
        calls[each.op.path] += 1
    calls.update(each.path for each in profile.allocations if each.bytes > 0)
    theirs = xprof_table(recorded(scenario))
    occurrences: Counter[str] = Counter()
    for row in theirs:
        occurrences[node_path(row["operation"])] += row["occurrences"]

    assert len(theirs) == min(len(own), 499)  # with "IDLE" it has 500 rows at most
    assert {row["operation"]: round(row["total_self_time"] * 1000) for row in theirs} == {
        row["operation"]: own[row["operation"], row["type"]] for row in theirs
    }
    assert occurrences == {path: calls[path] for path in occurrences}


def test_xprof_does_not_have_what_is_not_a_node(recorded: Callable[[str], Path]) -> None:
    """Of a program that XLA compiled it has one row; of ops that Python runs none."""
    [row] = xprof_table(recorded("xla_mlp"))

    assert row["operation"].startswith("__inference_")
    assert len(attributed(recorded("xla_mlp")).nodes) > 1
    assert xprof_table(recorded("eager_only")) == []


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_a_steps_wall_time_has_parts(scenario: str, recorded: Callable[[str], Path]) -> None:
    """What a step's time went into adds up to it to the nanosecond, and next to nothing of it is unknown."""
    profile = profile_of(recorded(scenario))
    timelines = read_timelines(content_of(recorded(scenario)), "vm.xplane.pb", step_threads(profile))
    accounts = step_accounts(profile, timelines)
    window = load_run(recorded(scenario)).window

    assert window
    assert len(accounts) == window.steps
    assert sum(account.calls for account in accounts) <= len(profile)
    for account in accounts:
        assert sum(account.parts.values()) == account.wall_ns
        # TensorFlow's event of a call says that it is one when it returns: one that raises stays unknown.
        assert account.parts.get("other", 0) <= (0.2 if scenario == "add_print" else 0.01) * account.wall_ns
        assert account.parts.get("ops", 0) <= account.self_ns
        assert account.parts.get("launch", 0) > 0


def test_a_profile_without_steps_has_one_account(recorded: Callable[[str], Path]) -> None:
    """Where nothing marks steps the whole window has the ops of all of them."""
    profile = profile_of(recorded("train_step"))
    timelines = read_timelines(content_of(recorded("train_step")), "vm.xplane.pb")
    [window] = step_accounts(dataclasses.replace(profile, steps=()), timelines)

    assert (window.name, window.calls, window.parts["ops"]) == ("window", len(profile), profile.busy_ns())
    assert profile.threads[window.thread] == profile.threads[profile.steps[0].thread]


@pytest.mark.parametrize(
    "scenario", ["control_flow", "keras_fit", "mobilenet_v2", "nested_modules", "rnn", "train_step"]
)
def test_nothing_is_missing_in_a_short_window(scenario: str, recorded: Callable[[str], Path]) -> None:
    """Loops, branches that are taken now and then, and folded constants are not mistaken for what was not traced."""
    runs = function_runs(profile_of(recorded(scenario)))
    nodes = attributed(recorded(scenario)).nodes
    called = [trace for trace in load_run(recorded(scenario)).traces if trace.runtime_name in runs]

    assert called
    for trace in called:
        graph = trace.stage("optimized")
        assert isinstance(graph, Graph)
        calls = {node.path: node.calls for node in nodes if node.trace == trace.id}
        bodies = bodies_of(inline(trace.graph))
        assert untraced(executable(inline(graph)), calls, bodies, runs[trace.runtime_name]) == ()


def test_cheap_nodes_of_a_long_loop_are_known_to_be_missing(tmp_path: Path) -> None:
    """TensorFlow traces each `Qr` and no `Tanh`, which it knows for cheap; that both ran as often, the graph tells."""
    folder = Path(run_python(LOOP, tmp_path, TF_CPP_MIN_LOG_LEVEL="3").splitlines()[-1])
    [trace] = load_run(folder).traces
    graph = trace.stage("optimized")
    assert isinstance(graph, Graph)
    found = attributed(folder)
    calls = {node.path: node.calls for node in found.nodes}
    runs = function_runs(profile_of(folder))[trace.runtime_name]
    missing = untraced(executable(inline(graph)), calls, bodies_of(inline(trace.graph)), runs)
    by_op = {row.op: row for row in missing}

    assert runs == 2
    assert sum(number for path, number in calls.items() if path.endswith("/Qr")) == 400
    assert by_op["Tanh"].calls + by_op["Tanh"].missing == 400
    assert by_op["Tanh"].missing > 300
    assert "Qr" not in by_op
    assert "Sin" not in by_op  # its branch was not taken
    assert {row.runs for row in missing} <= {2, 400, 402}


def test_xla_has_its_time_and_its_nodes(recorded: Callable[[str], Path]) -> None:
    """A compiled function's instructions are found, each as often as there were steps, and lead to traced nodes."""
    window = load_run(recorded("xla_mlp")).window
    assert window
    profile, found = profile_of(recorded("xla_mlp")), attributed(recorded("xla_mlp"))
    instructions = Counter(each.op.name for each in profile)

    assert {each.op.kind for each in profile} == {"xla"}
    assert set(instructions.values()) == {window.steps}
    assert {node.path.rpartition("/")[2].split("_")[0] for node in found.nodes} >= {"matmul"}
    assert found.unattributed == ()


def test_memory_is_that_of_large_outputs(recorded: Callable[[str], Path]) -> None:
    """TensorFlow reports blocks from 256 KiB on; the allocator's account of itself goes with them."""
    profile = profile_of(recorded("mobilenet_v2"))
    taken = [each for each in profile.allocations if each.bytes > 0]

    assert taken
    assert min(each.bytes for each in taken) >= 256 * 1024
    assert all(each.path and each.in_use >= each.bytes for each in taken)
    assert sum(node.bytes for node in attributed(recorded("mobilenet_v2")).nodes) == sum(each.bytes for each in taken)


def test_the_peak_is_what_the_program_holds(tmp_path: Path) -> None:
    """Blocks of known sizes are held by their scopes, those from before by nobody; together they are the peak."""
    path, grown = run_python(MEMORY, tmp_path, TF_CPP_MIN_LOG_LEVEL="3").splitlines()[-2:]
    timing = read_timing(load_run(Path(path)))
    [peak] = memory_peaks(timing)
    held = {holder.name: holder.bytes for holder in peak.holders}
    most = {node.time.path: node.time.peak_bytes for node in timing.nodes}

    assert held == {"large": 16 << 20, "small": 1 << 20}
    assert (peak.peak_bytes, peak.before_bytes) == (21 << 20, 4 << 20)
    assert peak.peak_bytes < int(grown)
    assert (most["large/MatMul"], most["small/MatMul"]) == (20 << 20, 21 << 20)


def test_the_peak_is_what_the_allocator_says(recorded: Callable[[str], Path]) -> None:
    """Its counter agrees with the blocks, one by one, and never had less in use at most; what is held adds up."""
    folder = recorded("mobilenet_v2")
    timing = read_timing(load_run(folder))
    counters = allocators(folder)
    [peak] = memory_peaks(timing)
    held = sum(node.time.held_bytes for node in timing.nodes) + sum(rest.held_bytes for rest in timing.unattributed)

    assert all(one[0] + size == other for one, (other, _, size) in pairwise(counters))
    assert peak.peak_bytes == max(in_use for in_use, _, _ in counters) <= max(ever for _, ever, _ in counters)
    assert held + peak.before_bytes == peak.peak_bytes
    assert max(node.time.peak_bytes for node in timing.nodes) == peak.peak_bytes


def test_replicas_run_on_their_own_devices(tmp_path: Path) -> None:
    """Their nodes are on their logical devices, though the threads of the host are the same, and at the user's line."""
    file = tmp_path / "replicas.py"
    file.write_text(MIRRORED)  # AutoGraph rewrites what has a source
    start = "import runpy, sys; del sys.argv[0]; runpy.run_path(sys.argv[0])"
    path = run_python(start, file, tmp_path, TF_CPP_MIN_LOG_LEVEL="3").splitlines()[-1]
    timing = read_timing(load_run(Path(path)))
    nodes = [node for node in timing.nodes if node.op == "Qr"]

    assert {node.time.path: node.time.device for node in nodes} == {
        "Qr": "/device:CPU:0",
        "replica_1/Qr": "/device:CPU:1",
    }
    assert {node.owner.stack[-1] for node in nodes} == {Frame(str(file), 11, "replica")}
    assert {Path(frame.file).name for node in timing.nodes for frame in node.owner.stack} == {"replicas.py"}


def test_a_decomposition_takes_what_a_stopwatch_says(tmp_path: Path) -> None:
    """Where `Qr` is all there is to do, it has the calls, and most of the time, of the steps."""
    without, wall = json.loads(run_python(QR, tmp_path, TF_CPP_MIN_LOG_LEVEL="3").splitlines()[-1])
    profile = profile_of(tmp_path)
    [qr] = [node for node in attribute([profile], [Recorded("f", "", {"Qr"})]).nodes if node.path == "Qr"]

    assert (qr.calls, len(profile.steps)) == (8, 8)
    assert 0.5 * wall < qr.self_ns < wall
    assert qr.self_ns > 0.9 * sum(profile.executions.self_ns)
    assert qr.self_ns > 0.3 * without  # the same work, on a machine that does other things, too
    [row] = [row for row in xprof_table(tmp_path) if row["type"] == "Qr"]
    assert row["occurrences"] >= 2 * qr.calls  # it counts the memory, too: its average is half of the truth at most
    assert round(row["total_self_time"] * 1000) == qr.self_ns
