from collections import Counter

import pytest

from tests.profiles import host, plane, profile

CALL = "EagerLocalExecute: __inference_f_7"


def rows(found):
    """Returns each execution in one line: path, type, interval, self time."""
    return [f"{each.op.path}:{each.op.type} {each.start_ns}-{each.end_ns} self {each.self_ns}" for each in found]


def test_an_event_of_the_executor_is_an_execution():
    """`<node>:<op>` is one; events of TensorFlow's plumbing, of Python and of C++ classes are none."""
    found = profile(
        host(
            "worker  net/a:Mul 0-10  ThreadpoolListener::Record 1-1  convert_to_tensor 11-12  net/b:_FusedMatMul 20-30"
            "  Iterator::Root 31-32  $file.py:12 run 40-50  __inference_f_7:__inference_f_7 60-70  some thing:Add 80-90"
        )
    )

    assert rows(found) == ["net/a:Mul 0-10 self 10", "net/b:_FusedMatMul 20-30 self 10"]
    assert (found.events, found.lost) == (8, {})


def test_a_node_path_has_no_numbers_of_the_lowering():
    """Executed names lose the numbers that TensorFlow's lowering adds; the name itself is kept."""
    [found] = profile(host("worker  net/while/body/_5/net/while/Qr:Qr 0-10"))

    assert found.op.path == "net/while/body/net/while/Qr"
    assert found.op.name == "net/while/body/_5/net/while/Qr"


def test_nested_executions_leave_the_outer_ones_their_self_time():
    """What runs inside an execution on its thread is not its own time; on other threads it is nobody's business."""
    found = profile(host("one  a:MapDefun 0-100  b:Mul 10-30  c:Add 15-20  d:Mul 40-50", "two  e:Mul 0-100"))

    assert [each.self_ns for each in found] == [70, 15, 5, 10, 100]
    assert [each.parent for each in found] == [-1, 0, 1, 0, -1]


def test_events_need_not_be_in_the_order_of_time():
    """A line's events are sorted by start, of equal ones the longer first."""
    found = profile(host("worker  c:Mul 40-50  b:Mul 10-20  a:Mul 10-30"))

    assert rows(found) == ["a:Mul 10-30 self 10", "b:Mul 10-20 self 10", "c:Mul 40-50 self 10"]


def test_lines_have_clocks_of_their_own():
    """An event's time is its line's time stamp and its offset; part of a nanosecond is cut off."""
    found = profile(host("one  a:Mul 0.9-10.9", "two  b:Mul 0-10", at=(100, 1_795_439_465_318_026_279)))

    assert [(each.start_ns, each.end_ns) for each in found] == [
        (100, 110),
        (1_795_439_465_318_026_279, 1_795_439_465_318_026_289),
    ]


def test_an_event_without_an_end_is_a_call_without_time():
    """Where no end was written the duration is 0: it counts, and takes nothing."""
    found = profile(host("worker  a:Mul 0-100  b:Mul 50-50"))

    assert rows(found) == ["a:Mul 0-100 self 100", "b:Mul 50-50 self 0"]


def test_an_event_that_ends_before_it_begins_is_counted():
    """Clocks that jump back make no negative time."""
    found = profile(host("worker  a:Mul 50-20"))

    assert rows(found) == ["a:Mul 50-50 self 0"]
    assert found.lost == {"events that end before they begin": 1}


def test_an_event_without_a_name_is_counted():
    """A damaged file may refer to names that it does not have."""
    damaged = host("worker  a:Mul 0-10  b:Mul 20-30")
    damaged["event_metadata"] = damaged["event_metadata"][:1]
    found = profile(damaged)

    assert rows(found) == ["a:Mul 0-10 self 10"]
    assert found.lost == {"events without a name": 1}


def test_busy_time_is_the_union_of_threads():
    """Two threads at the same time are busy once."""
    found = profile(host("one  a:Mul 0-10  b:Mul 20-30", "two  c:Mul 5-25", "three  d:Mul 40-41"))

    assert found.busy_ns() == 31
    assert found.busy_ns([0, 2]) == 21
    assert sum(found.executions.self_ns) == 41


def test_executions_are_in_the_step_that_they_began_in():
    """Steps are markers with a number; on any thread the moment decides."""
    found = profile(
        host(
            "main  step{step_num=3,_r=1} 0-100  step{step_num=4,_r=1} 100-200",
            "worker  a:Mul 10-20  b:Mul 90-120  c:Mul 100-110  d:Mul 200-210",
        )
    )

    assert [(step.name, step.number, step.start_ns, step.end_ns) for step in found.steps] == [
        ("step", 3, 0, 100),
        ("step", 4, 100, 200),
    ]
    assert [each.step for each in found] == [0, 0, 1, -1]


def test_a_function_may_be_called_like_the_step():
    """Whether an event is a step, its stats say: a function named `step` shares the name."""
    found = profile(host("main  step{step_num=0,_r=1} 0-100  step{tf_function_call=traced-nonXla} 10-90"))

    assert [(step.start_ns, step.end_ns) for step in found.steps] == [(0, 100)]


def test_steps_inside_of_steps_are_the_outer_ones():
    """Keras marks batches as steps; in a step of a scenario that trains, the scenario's counts."""
    found = profile(host("main  step{step_num=0,_r=1} 0-100  train{epoch_num=1,step_num=7,_r=1} 10-50"))

    assert [step.number for step in found.steps] == [0]


def test_executions_know_the_function_that_python_called():
    """From the call over the number of its run to the threads that work on it."""
    found = profile(
        host(
            f"main  {CALL} 0-50  FunctionRun{{id=70}} 10-20  EagerLocalExecute: __inference_g_8 50-90"
            "  FunctionRun{id=80} 60-70",
            "worker  ExecutorState::Process{id=70} 15-30  a:Mul 20-25  ExecutorState::Process{id=80} 65-80"
            "  a:Mul 66-67  a:Mul 85-86",
        )
    )

    assert [each.run.function for each in found] == ["__inference_f_7", "__inference_g_8", ""]


def test_a_call_that_is_not_inlined_stands_before_the_names_inside():
    """Its nodes bear the names of their own function: the run has the path of the node that began it, at any depth."""
    found = profile(
        host(
            f"main  {CALL} 0-50  FunctionRun{{id=70}} 10-20",
            "worker  ExecutorState::Process{id=70} 15-40"
            "  ExecutorState::ProcessAsync::Start{name=call,kernel_type=PartitionedCall,_p=1} 16-30"
            "  FunctionRun{id=71} 20-25",
            "other  ExecutorState::Process{id=71} 26-60"
            "  ExecutorState::ProcessAsync::Start{name=in/call,kernel_type=PartitionedCall,_p=2} 27-30"
            "  FunctionRun{id=72} 28-29  a:Mul 31-32",
            "third  ExecutorState::Process{id=72} 26-60  b:Mul 31-32",
        )
    )

    assert [(each.run.function, each.run.prefix + each.op.path) for each in found] == [
        ("__inference_f_7", "call"),
        ("__inference_f_7", "call/in/call"),
        ("__inference_f_7", "call/a"),
        ("__inference_f_7", "call/in/call/b"),
    ]


def test_an_asynchronous_execution_is_done_later():
    """Its thread has time until it was started; its result is there when the end with its number comes."""
    found = profile(
        host(
            "worker  ExecutorState::ProcessAsync::Start{name=Next,kernel_type=IteratorGetNext,_p=5} 0-10",
            "other  ExecutorState::ProcessAsync::Done{name=Next,kernel_type=IteratorGetNext,_c=5} 100-110",
        )
    )

    assert rows(found) == ["Next:IteratorGetNext 0-10 self 10"]
    assert [each.done_ns for each in found] == [100]


def test_asynchronous_executions_at_the_edges_are_counted():
    """Of one that goes on at the end, and of one that was started before the profile, half is known."""
    found = profile(
        host(
            "worker  ExecutorState::ProcessAsync::Start{name=Next,kernel_type=IteratorGetNext,_p=5} 0-10"
            "  ExecutorState::ProcessAsync::Done{name=Next,kernel_type=IteratorGetNext,_c=4} 20-30"
        )
    )

    assert [each.done_ns for each in found] == [10]
    assert found.lost == {
        "asynchronous executions without an end": 1,
        "ends of asynchronous executions without a beginning": 1,
    }


def test_an_op_that_python_runs_is_what_runs_in_it():
    """Of an eager op the kernel counts, not the way there; a function's run is no execution."""
    found = profile(
        host(
            f"main  EagerLocalExecute: MatMul 0-100  EagerKernelExecute 50-90  KernelAndDeviceFunc::Run 60-80"
            f"  {CALL} 200-300  KernelAndDeviceFunc::Run 210-290"
        )
    )

    assert [(each.op.kind, *rows([each])) for each in found] == [("eager", "MatMul:MatMul 60-80 self 20")]


def test_an_eager_op_inside_of_a_node_is_not_the_nodes_time():
    """A `tf.py_function` runs ops: they are executions inside of its own."""
    found = profile(
        host(
            "worker  cubed:EagerPyFunc 0-100  EagerLocalExecute: Pow 10-60  EagerKernelExecute 20-50"
            "  KernelAndDeviceFunc::Run 30-50"
        )
    )

    assert rows(found) == ["cubed:EagerPyFunc 0-100 self 80", "Pow:Pow 30-50 self 20"]


def test_instructions_of_xla_are_executions():
    """They bear the instruction and its program; an end that comes later, on any thread, is when they were done."""
    found = profile(
        host(
            f"main  {CALL} 0-100  dot.1{{hlo_op==dot.1,hlo_module==a_inference_f_7__.2,_p=1}} 10-20"
            "  end: dot.1{_c=1} 19-20  sin{hlo_op==sin,hlo_module==a_inference_f_7__.2,_p=2} 30-40",
            "eigen  exp{hlo_op==exp,hlo_module==a_inference_f_7__.2,_p=3} 45-50  end: exp{_c=3} 49-50"
            "  end: sin{_c=2} 60-61",
        )
    )

    assert [(each.op.kind, each.op.name, each.op.module) for each in found] == [
        ("xla", name, "a_inference_f_7__.2") for name in ("dot.1", "sin", "exp")
    ]
    assert [(each.end_ns, each.done_ns) for each in found] == [(20, 20), (40, 60), (50, 50)]
    assert [each.run.function for each in found] == ["__inference_f_7"] * 3


def test_memory_is_what_allocators_hand_out_and_take_back():
    """Bytes with a sign, the node that asked, and what the allocator had in use."""
    found = profile(
        host(
            "main  step{step_num=0,_r=1} 0-100",
            "worker  ExecutorState::Process{id=7} 0-100"
            "  MemoryAllocation{allocator_name==mklcpu,allocation_bytes=512,requested_bytes=500,bytes_allocated=512,"
            "addr=64,tf_op==net/while/body/_1/a,id=7,shape==[2;3]} 10-10"
            "  MemoryDeallocation{allocator_name==GPU_0_bfc,allocation_bytes=512,bytes_allocated=0,addr=64} 120-120",
        )
    )
    taken, given = found.allocations

    assert (taken.time_ns, taken.bytes, taken.path, taken.in_use, taken.address, taken.shape, taken.step) == (
        *(10, 512, "net/while/body/a", 512, 64, "[2;3]", 0),
    )
    assert (given.time_ns, given.bytes, given.path, given.in_use, given.step) == (120, -512, "", 0, -1)
    assert (taken.device, given.device) == ("/device:CPU:0", "/device:GPU:0")


def test_a_kernel_is_of_the_node_that_launched_it():
    """The call with its correlation id was made inside an execution, which may be on any thread."""
    found = profile(
        plane("/device:GPU:0", "Stream #7  sgemm{correlation_id=42} 500-900  copy{correlation_id=43} 950-960"),
        plane("/host:CUPTI", "9  cuLaunchKernel{correlation_id=42} 20-25  cuMemcpy{correlation_id=43} 70-75", ids=(2,)),
        host(
            f"main  step{{step_num=5,_r=1}} 0-100  {CALL} 0-100  FunctionRun{{id=70}} 1-2",
            "worker  ExecutorState::Process{id=70} 5-90  net/a:MatMul 10-40  net/in:Mul 12-15",
        ),
    )
    kernels = [each for each in found if each.op.kind == "kernel"]

    assert [(each.op.path, each.op.type, each.thread.device) for each in kernels] == [
        ("net/a", "sgemm", "/device:GPU:0"),
        ("", "copy", "/device:GPU:0"),
    ]
    assert [(each.step, each.run.function, each.self_ns) for each in kernels] == [
        (0, "__inference_f_7", 400),
        (-1, "", 10),
    ]
    assert found.lost == {"kernels whose launch is not in the profile": 1}


def test_a_kernel_may_say_itself_what_it_is_for():
    """Without its launch a kernel has its node from `tf_op`, or its instruction from `hlo_op`."""
    found = profile(
        plane(
            "/device:GPU:0",
            "Stream #7  gemm{tf_op=net/while/body/_1/dot:MatMul} 0-10  fus{hlo_op=fusion.1,hlo_module=a_f_7} 20-30",
            "TensorFlow Ops  net/dot:MatMul 0-10",
        )
    )

    assert [(each.op.name, each.op.path, each.op.module) for each in found] == [
        ("net/while/body/_1/dot", "net/while/body/dot", ""),
        ("fusion.1", "", "a_f_7"),
    ]
    assert found.lost == {}


def test_streams_of_a_device_overlap():
    """Each stream is a thread of its own; together they are busy once."""
    found = profile(plane("/device:GPU:0", "one  a{tf_op=a:Mul} 0-10", "two  b{tf_op=b:Mul} 5-15"))

    assert [each.self_ns for each in found] == [10, 10]
    assert found.busy_ns() == 15


@pytest.mark.parametrize(("hosts", "name"), [(("worker-3",), "worker-3"), ((), "vm")])
def test_a_profile_has_a_host(hosts, name):
    """The file says it, or its name does."""
    assert profile(host("main  a:Mul 0-1"), path="logs/plugins/profile/1/vm.xplane.pb", hosts=hosts).host == name


def test_names_that_come_again_are_counted_each_time():
    """One op stands for all executions of the same node and kernel."""
    found = profile(host("one  a:Mul 0-1  a:Mul 2-3  b:Mul 4-5", "two  a:Mul 0-1  a:_MklMul 2-3"))

    assert Counter(each.op.name + ":" + each.op.type for each in found) == {"a:Mul": 3, "b:Mul": 1, "a:_MklMul": 1}
    assert len(found.ops) == 3


def test_steps_of_several_threads_may_overlap():
    """A long step of one thread lasts over short ones of another: where both go on, the later one counts."""
    found = profile(
        host(
            "one  step{step_num=0,_r=1} 0-100",
            "two  step{step_num=1,_r=1} 10-20  step{step_num=2,_r=1} 30-40",
            "worker  a:Mul 5-6  a:Mul 15-16  a:Mul 25-26  a:Mul 35-36  a:Mul 95-96  a:Mul 105-106",
        )
    )

    assert [found.steps[each.step].number if each.step >= 0 else None for each in found] == [0, 1, 0, 2, 0, None]


def test_many_threads_at_the_same_moment_are_apart():
    """Equal time stamps on hundreds of threads: each has its own self time, together they are busy once."""
    found = profile(host(*(f"thread {number}  a:Mul 0-10  b:Add 0-10  c:Sub 0-4" for number in range(300))))

    assert len(found.threads) == 300
    assert Counter(each.self_ns for each in found) == {0: 300, 6: 300, 4: 300}
    assert (found.busy_ns(), sum(found.executions.self_ns)) == (10, 3000)


def test_runs_of_one_function_are_apart():
    """Each run has a number of its own; all of them are the function's, also where they overlap."""
    found = profile(
        host(
            f"main  {CALL} 0-10  FunctionRun{{id=1}} 2-3  {CALL} 20-30  FunctionRun{{id=2}} 22-23",
            "worker  ExecutorState::Process{id=1} 4-26  a:Mul 5-6  a:Mul 24-25",
            "other  ExecutorState::Process{id=2} 24-40  a:Mul 25-27",
        )
    )

    assert [(each.run.number, each.run.function) for each in found] == [
        (1, "__inference_f_7"),
        (1, "__inference_f_7"),
        (2, "__inference_f_7"),
    ]


def test_what_a_thread_runs_is_in_its_own_step():
    """Where steps of two threads overlap, each has what its own thread did; the later one has the rest."""
    found = profile(
        host(
            "one  step{step_num=0,_r=1} 0-100  EagerLocalExecute: MatMul 20-40  KernelAndDeviceFunc::Run 22-38"
            "  MemoryAllocation{allocator_name=mklcpu,allocation_bytes=512,bytes_allocated=512} 30-31",
            "two  step{step_num=1,_r=1} 10-100",
            "pool  a:Mul 20-30  MemoryAllocation{allocator_name=mklcpu,allocation_bytes=64,bytes_allocated=64} 31-32",
        )
    )

    assert [(each.thread.name, found.steps[each.step].number) for each in found] == [("one", 0), ("pool", 1)]
    assert [(each.bytes, found.steps[each.step].number) for each in found.allocations] == [(512, 0), (64, 1)]


def test_steps_of_one_number_stay_apart():
    """A program that counts its steps anew, for each epoch, has each step as it marked it."""
    found = profile(host("main  step{step_num=0,_r=1} 0-10  step{step_num=1,_r=1} 20-30  step{step_num=0,_r=1} 40-50"))

    assert [(step.number, step.start_ns) for step in found.steps] == [(0, 0), (1, 20), (0, 40)]


def test_a_collective_is_one_execution():
    """What the executor began goes on on a thread of the collectives' own, under the same name: it is no second one."""
    node = "name=sum,kernel_type=CollectiveReduceV2"
    found = profile(
        host(
            f"worker  ExecutorState::ProcessAsync::Start{{{node},_p=3}} 10-12",
            "collective_ops/123  sum:CollectiveReduceV2 20-60",
            f"other  ExecutorState::ProcessAsync::Done{{{node},_c=3}} 70-72",
        )
    )

    assert rows(found) == ["sum:CollectiveReduceV2 10-12 self 2"]
    assert [each.done_ns for each in found] == [70]
