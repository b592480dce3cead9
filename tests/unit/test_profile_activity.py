import pytest

from tests.profiles import host, space
from tracer.errors import Unreadable
from tracer.profile.activity import read_activities

STEP = (
    "main  step{step_num=0,_r=1} 0-1000"
    "  f{tf_function_call=traced-nonXla} 100-900  tf.function-graph_building 110-300  convert_to_tensor 120-130"
    "  TFE_Py_ExecuteCancelable 400-800  EagerExecute 410-790  EagerLocalExecute: __inference_f_7 420-780"
    "  EagerKernelExecute 430-770  KernelAndDeviceFunc::Run 440-760  FunctionRun{id=7} 450-460"
    "  ThreadpoolListener::Record 455-455  TFE_DeleteTensorHandle 950-960"
)


def test_a_step_is_what_its_thread_did():
    """The self times of all kinds add up to the step."""
    found = read_activities(space(host(STEP)), "vm.xplane.pb")
    kinds = found.self_ns(0, 0, 1000)

    assert kinds == {
        "waiting": 310,
        "calling functions": 210,
        "python": 190,
        "tracing": 190,
        "launching": 90,
        "python of TensorFlow": 10,
    }
    assert sum(kinds.values()) == 1000


@pytest.mark.parametrize(
    ("events", "kinds"),
    [
        ("EagerLocalExecute: Mul 0-90  EagerKernelExecute 5-80  KernelAndDeviceFunc::Run 10-70", ["ops"]),
        ("net/a:Mul 0-10  sin{hlo_op=sin} 20-30  end: sin 29-30", ["ops", "ops", "ops"]),
        ("Iterator::Root::Prefetch 0-10  PrefetchConsume 5-6  MakeIterator::Range 20-30", ["input"] * 3),
        ("ExecutorState::Process{id=7} 0-10  ExecutorDoneCallback 20-30", ["scheduling"] * 2),
        ("__inference_f_7:__inference_f_7 0-90  dce 1-2  BlockUntilReady 80-85", ["launching", "compiling", "waiting"]),
        ("FusionCompiler::Compile 0-10  CSE 1-2  Canonicalizer 3-4", ["compiling"] * 3),
        ("my own event 0-10  $file.py:3 f 20-30", ["other", "python of TensorFlow"]),
    ],
)
def test_an_event_has_a_kind(events, kinds):
    """What a thread did at a moment is told by the event's name, its stats, and what it is inside of."""
    found = read_activities(space(host(f"main  {events}")), "vm.xplane.pb")

    assert [event.kind for event in found.events][-len(kinds) :] == kinds


def test_threads_and_parents_are_indexes():
    """An event has its thread and the event around it, counted over all threads."""
    found = read_activities(space(host("one  a:Mul 0-10", "two  b:Mul 0-10  c:Mul 2-5")), "vm.xplane.pb")

    assert [(event.name, event.thread, event.parent, event.self_ns) for event in found.events] == [
        ("a:Mul", 0, -1, 10),
        ("b:Mul", 1, -1, 7),
        ("c:Mul", 1, 1, 3),
    ]
    assert [thread.name for thread in found.threads] == ["one", "two"]


def test_bytes_that_are_no_profile_are_refused():
    """Damage is an error of ours here, too."""
    with pytest.raises(Unreadable):
        read_activities(b"no profile", "vm.xplane.pb")
