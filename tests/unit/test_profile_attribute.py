import dataclasses

import pytest

from tests.helpers import graph
from tests.profiles import host, plane, profile
from tracer.graph.hlo import read_hlo
from tracer.graph.inline import inline
from tracer.profile.attribute import attribute
from tracer.profile.hlo_nodes import hlo_nodes, is_program_of
from tracer.profile.lookup import NO_NODE, Recorded
from tracer.profile.sums import each_step

PROGRAM = """HloModule a_inference_f_7__.2

%fused (p: f32[4]) -> f32[4] {
  %p = f32[4]{0} parameter(0)
  %sin = f32[4]{0} sine(%p), metadata={op_type="Sin" op_name="net/Sin"}
  %exp = f32[4]{0} exponential(%sin), metadata={op_type="Exp" op_name="net/Exp"}
  ROOT %cos = f32[4]{0} cosine(%exp), metadata={op_type="Cos" op_name="net/while/body/_3/Cos"}
}

ENTRY %main (x: f32[4]) -> f32[4] {
  %x = f32[4]{0} parameter(0)
  %copy.1 = f32[4]{0} copy(%x)
  %dot.2 = f32[4]{0} add(%copy.1, %x), metadata={op_type="MatMul" op_name="net/MatMul"}
  ROOT %sin_fusion = f32[4]{0} fusion(%dot.2), kind=kLoop, calls=%fused
}
"""
MODULE = "a_inference_f_7__.2"
TRACED = graph("net/MatMul:MatMul  net/Sin:Sin  net/Exp:Exp  net/while:While@body.b", b="Cos:Cos")
PATHS = {"net/MatMul", "net/Sin", "net/Exp", "net/while/body/Cos"}


def recorded(trace, function, *paths):
    """Returns a recorded trace with these node paths."""
    return Recorded(trace, function, frozenset(paths))


def run(function, number, *events):
    """Returns two threads: Python calls a function, and a thread of the executor runs these events for it."""
    return (
        f"main  EagerLocalExecute: {function} 0-1000  FunctionRun{{id={number}}} 1-2",
        f"worker  ExecutorState::Process{{id={number}}} 5-900  " + "  ".join(events),
    )


def nodes(found):
    """Returns each node in one line."""
    return [f"{node.trace} {node.path}: {node.calls} x, self {node.self_ns}, total {node.total_ns}" for node in found]


def test_a_node_has_the_time_of_its_executions():
    """Calls, self and total time are sums over all executions, the most self time first."""
    found = attribute(
        [profile(host(*run("f", 7, "a:MapDefun 10-110", "b:Mul 20-50", "b:Mul 60-70", "a:MapDefun 200-210")))],
        [recorded("000-f", "f", "a", "b")],
    )

    assert nodes(found.nodes) == ["000-f a: 2 x, self 70, total 110", "000-f b: 2 x, self 40, total 40"]
    assert (found.calls, found.self_ns, found.coverage_calls, found.coverage_time) == (4, 110, 1.0, 1.0)


def test_a_fused_kernel_is_the_time_of_the_node_that_it_bears():
    """What ran is kept beside the node: oneDNN's and Grappler's names."""
    found = attribute(
        [profile(host(*run("f", 7, "a/Relu:_MklNativeFusedMatMul 10-20", "a/Relu:_FusedMatMul 30-40")))],
        [recorded("000-f", "f", "a/Relu")],
    )

    assert [node.kernels for node in found.nodes] == [
        (("_FusedMatMul", 1, 10, ""), ("_MklNativeFusedMatMul", 1, 10, ""))
    ]


def test_a_call_inside_its_own_is_in_the_total_once():
    """Recursion does not count the same moments twice."""
    found = attribute(
        [profile(host(*run("f", 7, "a:Call 10-110", "b:Call 20-100", "a:Call 30-90")))],
        [recorded("000-f", "f", "a", "b")],
    )

    assert nodes(found.nodes) == ["000-f a: 2 x, self 80, total 100", "000-f b: 1 x, self 20, total 80"]


def test_the_function_that_was_called_decides_between_equal_paths():
    """Two traces of one function have the same node paths: each has its own executions."""
    traces = [recorded("000-f", "__inference_f_7", "a"), recorded("001-f", "__inference_f_8", "a")]
    found = attribute(
        [
            profile(host(*run("__inference_f_7", 1, "a:Mul 10-20"))),
            profile(host(*run("__inference_f_8", 2, "a:Mul 10-70"))),
        ],
        traces,
    )

    assert nodes(found.nodes) == ["001-f a: 1 x, self 60, total 60", "000-f a: 1 x, self 10, total 10"]


def test_hosts_and_sessions_add_up():
    """Profiles of several hosts and sessions are one sum; nothing is averaged."""
    one = profile(host(*run("f", 7, "a:Mul 10-20")), hosts=["one"])
    two = profile(host(*run("f", 9, "a:Mul 10-40")), hosts=["two"])

    assert nodes(attribute([one, two, one], [recorded("000-f", "f", "a")]).nodes) == ["000-f a: 3 x, self 50, total 50"]


def test_a_node_of_an_unknown_function_is_found_by_its_path():
    """What tf.data runs bears no call of Python's: the trace that has the path is taken."""
    found = attribute(
        [profile(host("pool  ExecutorState::Process{id=7} 0-90  a:Mul 10-20"))], [recorded("x", "f", "a")]
    )

    assert nodes(found.nodes) == ["x a: 1 x, self 10, total 10"]


def test_a_node_inside_of_a_call_has_the_calls_path():
    """The nodes of a call that is not inlined are at the call's path in the caller's graph."""
    found = attribute(
        [
            profile(
                host(
                    *run(
                        "f",
                        70,
                        "ExecutorState::ProcessAsync::Start{name=call,kernel_type=PartitionedCall,_p=1} 16-30",
                        "FunctionRun{id=71} 20-25",
                    ),
                    "other  ExecutorState::Process{id=71} 26-60  a:Mul 31-32"
                    "  ExecutorState::ProcessAsync::Done{_c=1} 50-51",
                )
            )
        ],
        [recorded("000-f", "f", "call", "call/a"), recorded("001-g", "g", "a")],
    )

    assert nodes(found.nodes) == ["000-f call: 1 x, self 14, total 34", "000-f call/a: 1 x, self 1, total 1"]


@pytest.mark.parametrize(
    ("events", "owner"),
    [
        ("ExecutorState::Process{id=-1} 0-90  a:Mul 10-20", ("runtime", "constant folding")),
        ("ExecutorState::Process{id=-1} 0-90  RangeDataset/_3:RangeDataset 10-20", ("input", "RangeDataset")),
        ("ExecutorState::Process{id=5} 0-90  x:MapAndBatchDataset 10-20", ("input", "MapAndBatchDataset")),
        ("EagerLocalExecute: Mul 0-90  KernelAndDeviceFunc::Run 10-20", ("eager", "Mul")),
        ("EagerLocalExecute: MakeIterator 0-90  KernelAndDeviceFunc::Run 10-20", ("input", "MakeIterator")),
        ("ExecutorState::Process{id=5} 0-90  _send_x_0:_Send 10-20", ("runtime", "transfers")),
    ],
)
def test_what_no_graph_holds_has_an_owner_of_its_own(events, owner):
    """Ops that Python runs, datasets, and what TensorFlow does for itself are known by what they are."""
    found = attribute([profile(host(f"main  {events}"))], [recorded("000-f", "__inference_f_7", "a")])
    [node] = found.nodes

    assert (node.kind, node.path, node.trace, node.calls, node.self_ns) == (*owner, "", 1, 10)
    assert (found.unattributed, found.coverage_calls, found.coverage_time) == ((), 1.0, 1.0)


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ("EagerLocalExecute: __inference_g_8 0-90  other:Mul 10-20", "functions that are not recorded"),
        ("EagerLocalExecute: __inference_f_7 0-90  other:Mul 10-20", "nodes that are in no recorded graph"),
        ("sin{hlo_op=sin,hlo_module=a_inference_g_8.1} 10-20", "XLA programs whose HLO is not recorded"),
    ],
)
def test_what_finds_no_owner_has_a_reason(events, reason):
    """Every execution without an owner is counted under the reason why, with its time and its name."""
    found = attribute([profile(host(f"main  {events}"))], [recorded("000-f", "__inference_f_7", "a")])
    [lost] = found.unattributed

    assert found.nodes == ()
    assert (lost.reason, lost.calls, lost.self_ns, len(lost.examples)) == (reason, 1, 10, 1)
    assert (found.coverage_calls, found.coverage_time) == (0.0, 0.0)


def test_executions_that_were_not_traced_count_against_the_coverage():
    """Where it is known how many are missing, the part of the nodes that was seen says so; times are what they are."""
    found = attribute([profile(host(*run("f", 7, "a:Mul 10-20")))], [recorded("000-f", "f", "a")])
    found = dataclasses.replace(found, untraced=3)

    assert (found.coverage_nodes, found.coverage_calls, found.coverage_time) == (0.25, 1.0, 1.0)


def test_a_node_that_tf_data_ran_is_known():
    """A function given to `map` is a recorded one; that the pipeline ran it, on any of its threads, is told."""
    found = attribute(
        [
            profile(
                host(
                    "pool  InstantiatedCapturedFunction::Run{id=9} 0-50",
                    "worker  ExecutorState::Process{id=9} 5-30  a:Mul 10-20  ExecutorState::Process{id=8} 50-70"
                    "  b:Mul 60-65",
                )
            )
        ],
        [recorded("x", "f", "a", "b")],
    )

    assert [(node.path, node.in_input) for node in found.nodes] == [("a", True), ("b", False)]


def test_an_instruction_is_shared_by_the_nodes_that_it_was_made_from():
    """A fusion's time goes to its nodes in equal parts, the rest to the first, and the sums stay what they were."""
    program = Recorded("000-f", "__inference_f_7", PATHS, hlo_nodes(read_hlo(PROGRAM), inline(TRACED)))
    stats = "{hlo_op==%s,hlo_module==a_inference_f_7__.2}"
    found = attribute(
        [
            profile(
                host(
                    f"main  sin_fusion{stats % 'sin_fusion'} 0-100  dot.2{stats % 'dot.2'} 200-220"
                    f"  copy.1{stats % 'copy.1'} 300-305  other.9{stats % 'other.9'} 400-405"
                )
            )
        ],
        [program],
    )

    assert [(*nodes([node]), node.shared) for node in found.nodes] == [
        ("000-f net/Sin: 1 x, self 34, total 34", True),
        ("000-f net/Exp: 1 x, self 33, total 33", True),
        ("000-f net/while/body/Cos: 1 x, self 33, total 33", True),
        ("000-f net/MatMul: 2 x, self 25, total 25", False),
    ]
    assert found.nodes[3].kernels == (("dot.2", 1, 20, MODULE), ("copy.1", 1, 5, MODULE))  # the most time first
    assert [(lost.reason, lost.self_ns, lost.examples) for lost in found.unattributed] == [
        ("instructions that XLA added, which name no node", 5, ("other.9",))
    ]
    assert found.self_ns == 130
    assert found.coverage_time == 1 - 5 / 130


def test_a_program_inside_of_a_function_is_at_the_calls_path():
    """XLA's program is of the inner function; its nodes stand in the graph of the one that Python called."""
    program = Recorded("001-f", "__inference_f_7", PATHS, hlo_nodes(read_hlo(PROGRAM), inline(TRACED)))
    outer = recorded("000-g", "__inference_g_8", *(f"call/{path}" for path in PATHS))
    found = attribute(
        [
            profile(
                host(
                    *run(
                        "__inference_g_8",
                        70,
                        "ExecutorState::ProcessAsync::Start{name=call,kernel_type=PartitionedCall} 16-90",
                        "dot{hlo_op=dot.2,hlo_module=a_inference_f_7__.2} 20-50",
                    ),
                    "eigen  dot{hlo_op=dot.2,hlo_module=a_inference_f_7__.2} 60-65",
                )
            )
        ],
        [outer, program],
    )

    assert nodes(found.nodes) == ["000-g call/net/MatMul: 2 x, self 35, total 35"]
    assert [(lost.reason, lost.self_ns) for lost in found.unattributed] == [("nodes that are in no recorded graph", 44)]


def test_what_tf_data_runs_is_of_its_functions():
    """A node of that name in a function that Python calls is another one, whichever was recorded first."""
    mapped = dataclasses.replace(recorded("001-Dataset_map_f", "Dataset_map_f_9", "Sum"), of_input=True)
    data = "data  InstantiatedCapturedFunction::Run{id=8} 0-100  ExecutorState::Process{id=8} 1-90  Sum:Sum 10-40"
    found = attribute([profile(host(data, *run("f", 7, "Sum:Sum 50-70")))], [recorded("000-f", "f", "Sum"), mapped])

    assert nodes(found.nodes) == [
        "001-Dataset_map_f Sum: 1 x, self 30, total 30",
        "000-f Sum: 1 x, self 20, total 20",
    ]


def test_what_tf_data_runs_is_never_of_a_function_that_python_calls():
    """Where the dataset's own function is not recorded, its nodes are nobody's, and not those of the step."""
    called = dataclasses.replace(recorded("000-f", "f", "mul"), called=True)
    data = "data  InstantiatedCapturedFunction::Run{id=8} 0-100  ExecutorState::Process{id=8} 1-90  mul:Mul 10-40"
    found = attribute([profile(host(data, *run("f", 7, "mul:Mul 50-70")))], [called])

    assert nodes(found.nodes) == ["000-f mul: 1 x, self 20, total 20"]
    assert [(lost.reason, lost.calls, lost.self_ns) for lost in found.unattributed] == [
        ("nodes that are in no recorded graph", 1, 30)
    ]


@pytest.mark.parametrize(
    ("source", "kind", "trace", "path"), [("b", "input", "", "Mul"), ("a", "node", "000-Dataset_map_a", "mul")]
)
def test_a_node_that_several_functions_of_datasets_have_is_the_pipelines(source, kind, trace, path):
    """TensorFlow does not say which function tf.data runs: only where all are of one Python function it is known."""
    one, two = (
        dataclasses.replace(recorded(f"{at:03d}-Dataset_map_{of}", f"{of}_{at}", "mul"), of_input=True, source=of)
        for at, of in enumerate(["a", source])
    )
    data = "data  InstantiatedCapturedFunction::Run{id=8} 0-100  ExecutorState::Process{id=8} 1-90  mul:Mul 10-40"
    [node] = attribute([profile(host(data))], [one, two]).nodes

    assert (node.kind, node.trace, node.path, node.calls, node.in_input) == (kind, trace, path, 1, True)


def test_a_function_that_tf_data_runs_may_have_any_name():
    """AutoGraph calls the body of a loop over a dataset by another name; Python does not call it."""
    called = dataclasses.replace(recorded("000-f", "f", "mul"), called=True)
    data = "data  InstantiatedCapturedFunction::Run{id=8} 0-100  ExecutorState::Process{id=8} 1-90  mul:Mul 10-40"
    found = attribute([profile(host(data))], [called, recorded("001-reduce_body", "reduce_body_9", "mul")])

    assert nodes(found.nodes) == ["001-reduce_body mul: 1 x, self 30, total 30"]


def test_what_tf_data_runs_inside_of_a_call_is_not_the_calls():
    """A dataset that a function reads runs its own nodes on the thread of that function, too."""
    called = dataclasses.replace(recorded("000-f", "f", "mul"), called=True)
    mapped = dataclasses.replace(recorded("001-Dataset_map_f", "Dataset_map_f_9", "mul"), of_input=True)
    inside = "InstantiatedCapturedFunction::Run{id=8} 9-100  ExecutorState::Process{id=8} 10-90  mul:Mul 11-40"
    found = attribute([profile(host(*run("f", 7, "next:IteratorGetNext 8-101", inside)))], [called, mapped])

    assert "001-Dataset_map_f mul: 1 x, self 29, total 29" in nodes(found.nodes)


@pytest.mark.parametrize("cut", ["", "  ExecutorState::Process{id=9} 201-290"])
def test_what_the_profiler_missed_the_begin_of_is_not_the_steps(cut):
    """An execution whose run the window's edge cut off is tf.data's where tf.data ran that op: calls are whole."""
    called = dataclasses.replace(recorded("000-f", "f", "mul", "add"), called=True)
    data = "InstantiatedCapturedFunction::Run{id=8} 0-100  ExecutorState::Process{id=8} 1-90  mul:Mul 10-40"
    late = "mul:Mul 210-240  add:AddV2 250-260"
    found = attribute([profile(host(*run("f", 7, "mul:Mul 8-9"), f"data  {data}{cut}  {late}"))], [called])

    assert nodes(found.nodes) == [
        "000-f add: 1 x, self 10, total 10",
        "000-f mul: 1 x, self 1, total 1",
    ]
    assert [(lost.reason, lost.calls) for lost in found.unattributed] == [(NO_NODE, 2)]


def test_what_python_runs_in_a_dataset_is_not_what_it_runs_in_the_step():
    """An op that a `tf.py_function` of a dataset runs is the input's; one of that type in the step is nobody else's."""
    data = "InstantiatedCapturedFunction::Run{id=8} 0-100  ExecutorState::Process{id=8} 1-90"
    mapped = "EagerLocalExecute: MatMul 5-50  KernelAndDeviceFunc::Run 10-20"
    step = "main  EagerLocalExecute: MatMul 200-300  KernelAndDeviceFunc::Run 210-280"
    found = attribute([profile(host(f"data  {data}  {mapped}", step))], [])

    assert [(node.kind, node.path, node.self_ns, node.in_input) for node in found.nodes] == [
        ("eager", "MatMul", 70, False),
        ("input", "MatMul", 10, True),
    ]


def test_devices_are_apart():
    """A node has a row for the thread that launched it and one for the device that it ran on."""
    found = attribute(
        [
            profile(
                plane("/device:GPU:0", "Stream #7  sgemm{correlation_id=42} 500-900"),
                host("main  one:Mul 0-1"),
                host(*run("f", 7, "a:MatMul 10-20", "cuLaunchKernel{correlation_id=42} 12-13")),
            )
        ],
        [recorded("000-f", "f", "a", "one")],
    )

    assert [(node.path, node.device, node.self_ns, node.kernels) for node in found.nodes] == [
        ("a", "/device:GPU:0", 400, (("sgemm", 1, 400, ""),)),
        ("a", "/device:CPU:0", 10, (("MatMul", 1, 10, ""),)),
        ("one", "/device:CPU:0", 1, (("Mul", 1, 1, ""),)),
    ]


def test_a_thread_of_the_host_works_for_the_device_that_the_node_was_placed_on():
    """The host's logical devices share its threads; what ran on an accelerator stays there."""
    launch = "cuLaunchKernel{correlation_id=42} 32-33"
    gpu = plane("/device:GPU:0", "Stream 1  sgemm{correlation_id=42,tf_op==c:MatMul} 50-90")
    placed = {"a": "/job:localhost/replica:0/task:0/device:CPU:1", "c": "/device:CPU:1", "d": "/device:GPU:0"}
    step = dataclasses.replace(recorded("000-f", "f", "a", "b", "c", "d"), device=lambda path: placed.get(path, ""))
    events = ("a:Mul 10-20", "b:Mul 20-25", f"c:MatMul 30-40  {launch}", "d:Mul 41-42")
    found = attribute([profile(host(*run("f", 7, *events)), gpu)], [step])

    assert sorted((node.path, node.device, node.self_ns) for node in found.nodes) == [
        ("a", "/device:CPU:1", 10),
        ("b", "/device:CPU:0", 5),
        ("c", "/device:CPU:1", 10),
        ("c", "/device:GPU:0", 40),
        ("d", "/device:CPU:0", 1),
    ]


def test_memory_is_the_bytes_that_a_node_allocated():
    """Bytes are added up over allocations; what is taken back is not taken off."""
    memory = "allocation_bytes=512,tf_op=a,id=7"
    found = attribute(
        [
            profile(
                host(
                    *run(
                        "f",
                        7,
                        "a:Mul 10-20",
                        f"MemoryAllocation{{{memory}}} 12-12",
                        f"MemoryAllocation{{{memory}}} 13-13",
                        "MemoryDeallocation{allocation_bytes=512,id=0} 30-30",
                        "MemoryAllocation{allocation_bytes=64,tf_op=__inference_g_8,id=0} 40-40",
                    )
                )
            )
        ],
        [recorded("000-f", "f", "a")],
    )

    assert [(node.kind, node.path, node.calls, node.bytes) for node in found.nodes] == [
        ("node", "a", 1, 1024),
        ("runtime", "XLA programs", 0, 64),
    ]


def test_memory_of_an_op_that_python_runs_is_its_own():
    """While such an op runs on a thread, what is allocated there is the op's, whatever its kernel is called."""
    found = attribute(
        [
            profile(
                host(
                    "main  EagerLocalExecute: MatMul 0-90  KernelAndDeviceFunc::Run 10-20"
                    "  MemoryAllocation{allocation_bytes=512,tf_op=_MklMatMul,id=0} 12-12"
                )
            )
        ],
        [],
    )

    assert [(node.kind, node.path, node.calls, node.bytes) for node in found.nodes] == [("eager", "MatMul", 1, 512)]


def test_steps_can_be_told_apart():
    """A node has a row for each step that is told apart; the sums are the same."""
    profiles = [
        profile(
            host(
                "python  step{step_num=3,_r=1} 0-100  step{step_num=4,_r=1} 100-200",
                *run("f", 7, "a:Mul 10-20", "a:Mul 30-50", "a:Mul 110-150", "a:Mul 210-211"),
            )
        )
    ]
    traces = [recorded("000-f", "f", "a")]

    found = attribute(profiles, traces, by_step=each_step)
    assert [(node.step, node.calls, node.self_ns) for node in found.nodes] == [(1, 1, 40), (0, 2, 30), (-1, 1, 1)]
    assert [(node.step, node.calls, node.self_ns) for node in attribute(profiles, traces).nodes] == [(-1, 4, 71)]


def test_nothing_is_covered_whole():
    """A profile without executions has no gaps."""
    found = attribute([profile(host("main"))], [])

    assert (found.nodes, found.unattributed, found.coverage_calls, found.coverage_time) == ((), (), 1.0, 1.0)


def test_a_fusion_is_made_from_what_its_instructions_name():
    """An instruction has the node that it names, a fusion those of the instructions inside it, in their order."""
    assert hlo_nodes(read_hlo(PROGRAM), inline(TRACED)) == {
        "dot.2": ("net/MatMul",),
        "sin_fusion": ("net/Sin", "net/Exp", "net/while/body/Cos"),
        "sin": ("net/Sin",),
        "exp": ("net/Exp",),
        "cos": ("net/while/body/Cos",),
        "copy.1": ("net/MatMul",),
        "x": ("net/MatMul",),
    }


@pytest.mark.parametrize(
    ("module", "function", "answer"),
    [
        ("a_inference_f_7__XlaMustCompile_true_.1", "__inference_f_7", True),
        ("a_inference_f_7.1", "__inference_f_7", True),
        ("a_inference_f_75__.1", "__inference_f_7", False),
        ("a_inference__lambda__238__.1", "__inference_<lambda>_238", True),
        ("cluster_0.1", "cluster_0", True),
        ("anything", "", False),
    ],
)
def test_a_module_has_the_name_of_its_function(module, function, answer):
    """As XLA writes names: no signs, no two underscores at the beginning, attributes and a number behind it."""
    assert is_program_of(module, function) is answer
