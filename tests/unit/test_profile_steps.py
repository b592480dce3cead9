import pytest

from tests.profiles import host, plane, space
from tracer.profile.activity import read_timelines
from tracer.profile.executions import read_profile
from tracer.profile.steps import step_accounts, step_threads

CALL = "EagerLocalExecute: __inference_f_7"


def accounts(*planes):
    """Returns the accounts of the steps in planes."""
    content = space(*planes)
    profile = read_profile(content, "vm.xplane.pb")
    found = step_accounts(profile, read_timelines(content, "vm.xplane.pb", step_threads(profile)))
    assert all(sum(each.parts.values()) == each.wall_ns for each in found)
    return found


def parts(*planes):
    """Returns the parts of the only step in planes."""
    [found] = accounts(*planes)
    return found.parts


def test_ops_on_any_thread_come_before_what_the_steps_thread_did():
    """While a node runs anywhere the step is in ops; of the rest its own thread tells, however many threads ran."""
    assert parts(
        host(
            f"main  step{{step_num=0,_r=1}} 0-100  tf.function-graph_building 10-30  {CALL} 40-90"
            "  KernelAndDeviceFunc::Run 50-80",
            "one  a:Mul 55-65",
            "two  b:Mul 60-70  c:Mul 68-69  d:Mul 20-22",
        )
    ) == {"python": 30, "launch": 20, "tracing": 18, "ops": 17, "scheduling": 15}


def test_what_runs_beyond_the_step_is_cut_off():
    """An op that began before a step, or ends after it, is in its wall time as far as it reaches into it."""
    assert parts(host("main  step{step_num=0,_r=1} 100-200", "one  a:Mul 90-110  b:Mul 195-300")) == {
        "python": 85,
        "ops": 15,
    }


def test_waiting_for_an_element_is_input():
    """From the moment that an element is asked for until it is there, as far as no op of the step runs meanwhile."""
    assert parts(
        host(
            f"main  step{{step_num=0,_r=1}} 0-100  {CALL} 0-100  KernelAndDeviceFunc::Run 0-100"
            "  FunctionRun{id=7} 1-2",
            "one  ExecutorState::Process{id=7} 5-90"
            "  ExecutorState::ProcessAsync::Start{name=Next,kernel_type=IteratorGetNext,_p=5} 10-12  a:Mul 20-30",
            "two  ExecutorState::ProcessAsync::Done{name=Next,kernel_type=IteratorGetNext,_c=5} 60-61",
        )
    ) == {"scheduling": 49, "input": 40, "ops": 10, "launch": 1}


def test_what_tf_data_computes_ahead_is_no_part_of_the_step():
    """The nodes of its functions run on other threads while the step does something else."""
    pipeline = (
        "pool  MapAndBatchProduce 5-50  InstantiatedCapturedFunction::RunAsync{id=9} 6-49  FunctionRun{id=9} 7-48",
        "worker  ExecutorState::Process{id=9} 10-45  map/Sin:Sin 10-40",
    )
    [found] = accounts(host("main  step{step_num=0,_r=1} 0-100", *pipeline))

    assert found.parts == {"python": 100}
    assert (found.calls, found.self_ns) == (1, 30)
    assert parts(
        host(
            "main  step{step_num=0,_r=1} 0-100  EagerLocalExecute: IteratorGetNext 0-60  EagerKernelExecute 2-58"
            "  KernelAndDeviceFunc::Run 5-55",
            *pipeline,
        )
    ) == {"input": 50, "python": 40, "launch": 10}


def test_kernels_on_a_device_are_ops():
    """A step that waits for the GPU is in ops while it works."""
    assert parts(
        host("main  step{step_num=0,_r=1} 0-100"), plane("/device:GPU:0", "Stream #1  gemm{tf_op=a:MatMul} 40-80")
    ) == {"python": 60, "ops": 40}


def test_each_step_has_its_own_account():
    """Number, wall time, executions and their self time are those of the step that they began in."""
    found = accounts(
        host(
            "main  step{step_num=3,_r=1} 0-100  step{step_num=4,_r=1} 110-150",
            "w  a:Mul 0-10  b:Mul 5-8  a:Mul 120-125",
        )
    )

    assert [(each.name, each.number, each.wall_ns, each.calls, each.self_ns) for each in found] == [
        ("step", 3, 100, 2, 10),
        ("step", 4, 40, 1, 5),
    ]


def test_of_steps_inside_of_steps_the_outer_ones_count():
    """The time of an inner marker is the outer step's, and Python's."""
    [found] = accounts(host("main  step{step_num=0,_r=1} 0-100  train{step_num=7,_r=1} 10-50"))

    assert (found.number, found.parts) == (0, {"python": 100})


def test_steps_that_overlap_on_several_threads_have_each_their_own_time():
    """An op that runs in both is in both: the accounts do not add up to the profile."""
    found = accounts(
        host("one  step{step_num=0,_r=1} 0-100", "two  step{step_num=1,_r=1} 50-80", "worker  a:Mul 60-70"),
    )

    assert [(each.number, each.thread, dict(each.parts)) for each in found] == [
        (0, 0, {"python": 90, "ops": 10}),
        (1, 1, {"python": 20, "ops": 10}),
    ]


def test_without_steps_the_whole_profile_is_one_account():
    """The window is that of all events, of the thread that launched most; where that is in nothing it is idle."""
    [found] = accounts(
        host("pool  Iterator::Root 5-30", f"main  {CALL} 10-20  {CALL} 40-50", "worker  a:Mul 12-15  a:Mul 60-70")
    )

    assert (found.name, found.number, found.thread, found.start_ns, found.end_ns) == ("window", -1, 1, 5, 70)
    assert found.parts == {"idle": 35, "launch": 17, "ops": 13}
    assert (found.calls, found.self_ns) == (2, 13)


@pytest.mark.parametrize("planes", [(), (host("main"),), (plane("/device:GPU:0", "Steps  1 0-5"),)])
def test_a_profile_in_which_nothing_happened_has_no_account(planes):
    """Planes without threads, and threads without events, make no window."""
    assert accounts(plane("#Chip"), *planes) == ()
