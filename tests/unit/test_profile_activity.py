import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import host, plane, space
from tracer.errors import Unreadable
from tracer.profile.activity import read_timelines
from tracer.profile.intervals import union

STEP = (
    "main  step{step_num=0,_r=1} 0-1000"
    "  f{tf_function_call=traced-nonXla} 100-900  tf.function-graph_building 110-300  convert_to_tensor 120-130"
    "  TFE_Py_ExecuteCancelable 400-800  EagerExecute 410-790  EagerLocalExecute: __inference_f_7 420-780"
    "  EagerKernelExecute 430-770  KernelAndDeviceFunc::Run 440-760  FunctionRun{id=7} 450-460"
    "  ThreadpoolListener::Record 455-455  TFE_DeleteTensorHandle 950-960"
)


def timeline(events):
    """Returns what a thread with these events did."""
    return read_timelines(space(host(f"main  {events}")), "vm.xplane.pb")[0]


def test_a_step_is_what_its_thread_did():
    """The times of all kinds add up to the step."""
    times = read_timelines(space(host(STEP)), "vm.xplane.pb")[0].times(0, 1000)

    assert times == {"scheduling": 310, "launch": 300, "python": 200, "tracing": 190}
    assert sum(times.values()) == 1000


@pytest.mark.parametrize(
    ("events", "kinds"),
    [
        (
            "EagerLocalExecute: Mul 0-90  EagerKernelExecute 5-80  KernelAndDeviceFunc::Run 10-70",
            ["launch", "launch", "ops", "launch", "launch"],
        ),
        ("net/a:Mul 0-10  sin{hlo_op=sin} 10-20  end: sin 20-21", ["ops", "ops", "ops"]),
        (
            "Iterator::Root::Prefetch 0-10  PrefetchConsume 5-6  MakeIterator::Range 10-20",
            ["input", "input", "input", "input"],
        ),
        ("ExecutorState::Process{id=7} 0-10  ExecutorDoneCallback 10-20", ["scheduling", "scheduling"]),
        (
            "__inference_f_7:__inference_f_7 0-90  dce 1-2  BlockUntilReady 80-90",
            ["launch", "compiling", "launch", "scheduling"],
        ),
        ("FusionCompiler::Compile 0-10  CSE 1-2  Canonicalizer 2-10", ["compiling"] * 3),
        ("my own event 0-10  $file.py:3 f 10-20", ["other", "python"]),
    ],
)
def test_an_event_has_a_kind(events, kinds):
    """What a thread did at a moment is told by the event's name, its stats, and what it is inside of."""
    spans = [kind for start, end, kind in timeline(events).spans(0, 1000) if start < end]

    assert spans == [*kinds, "idle"]


def test_a_stretch_of_time_is_cut_out():
    """Spans have no gaps, begin and end where they are asked to, and are idle where nothing was."""
    assert list(timeline("a:Mul 10-20  b:Mul 30-40").spans(15, 50)) == [
        (15, 20, "ops"),
        (20, 30, "idle"),
        (30, 40, "ops"),
        (40, 50, "idle"),
    ]


def test_threads_are_those_of_the_profile():
    """A timeline stands under the number of its thread; only those are read that are wanted."""
    content = space(plane("/device:GPU:0", "Stream #1  k 0-5"), host("one  a:Mul 0-10", "two  b:Mul 0-10"))

    assert {number: line.thread.name for number, line in read_timelines(content, "x").items()} == {0: "one", 1: "two"}
    assert list(read_timelines(content, "x", {1})) == [1]


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(1, 10), st.sampled_from(["a:Mul", "$f.py:1 f", "TFE_X", "mine"]))
    )
)
def test_each_moment_belongs_to_one_kind(events):
    """However events lie, overlapping or nested: the times of the kinds add up to the union of the events."""
    text = "  ".join(f"{name} {start}-{start + length}" for start, length, name in events)
    times = timeline(text).times(0, 100)
    idle = times.pop("idle")

    assert sum(times.values()) == union((start, start + length) for start, length, _ in events) == 100 - idle


def test_bytes_that_are_no_profile_are_refused():
    """Damage is an error of ours here, too."""
    with pytest.raises(Unreadable):
        read_timelines(b"no profile", "vm.xplane.pb")
