import time
from pathlib import Path

import pytest

from tests.profiles import host, plane, space
from tracer.errors import Unreadable
from tracer.profile.activity import read_timelines
from tracer.profile.attribute import attribute
from tracer.profile.executions import read_profile
from tracer.profile.lookup import Recorded
from tracer.profile.steps import step_accounts
from tracer.profile.sums import each_step
from tracer.profile.xplane import read_planes

DATA = Path(__file__).parents[1] / "data" / "profiles"

CONTENT = space(host("main  net/a:Mul 0-10  net/b:Add{x=1} 20-30"), hosts=["here"])


def problem(content):
    """Returns what is said of bytes that cannot be read."""
    with pytest.raises(Unreadable) as caught:
        read_profile(content, "vm.xplane.pb")
    assert caught.value.hint
    return caught.value.message


def test_a_profile_is_planes_of_named_events():
    """Host, planes, lines and events are read with their names."""
    name, [plane] = read_planes(CONTENT, "vm.xplane.pb")

    [line] = plane.lines

    assert (name, plane.name, line.name) == ("here", "/host:CPU", b"main")
    assert [plane.event_names[event.metadata_id] for event in line.events] == ["net/a:Mul", "net/b:Add"]
    assert plane.stats(line.events[1]) == {"x": 1}


def test_an_empty_file_says_what_it_is():
    """0 bytes are what TensorFlow leaves of a profile over 2 GB."""
    assert problem(b"") == "vm.xplane.pb is empty"


@pytest.mark.parametrize("size", [1, 5, len(CONTENT) // 2, len(CONTENT) - 1])
def test_a_cut_file_says_where_it_ends(size):
    """A file that was cut off names the byte of the field that is not whole."""
    message = problem(CONTENT[:size])

    assert "it ends inside the field at byte" in message
    assert message.startswith("vm.xplane.pb cannot be read")


def test_a_flipped_bit_is_found_in_its_place():
    """Damage inside a line is named with the bytes of plane and line."""
    at = CONTENT.index(b"\x10\xa0\x9c\x01")  # the field `offset_ps` of the second event, 20,000 ps
    message = problem(CONTENT[:at] + b"\x16" + CONTENT[at + 1 :])

    assert message.startswith("vm.xplane.pb: line 0 of plane '/host:CPU' cannot be read: no field starts at byte ")
    assert " of the event at byte " in message


# All that is read of a profile: steps, calls, runs inside of runs, ops of Python's, XLA, tf.data, memory, and a device.
EVERYTHING = space(
    plane("/device:GPU:0", "Stream #7  sgemm{correlation_id=42} 500-900  f{hlo_op=fusion.1,hlo_module=a_f_7} 920-930"),
    plane("/host:CUPTI", "9  cuLaunchKernel{correlation_id=42} 20-25", ids=(2,)),
    host(
        "main  step{step_num=5,_r=1} 0-1000  EagerLocalExecute: __inference_f_7 0-100  FunctionRun{id=70} 1-2"
        "  EagerLocalExecute: Mul 110-150  KernelAndDeviceFunc::Run 115-140"
        "  sin{hlo_op==sin,hlo_module==a_f_7,_p=3} 200-210  end: sin{_c=3} 209-210",
        "worker  ExecutorState::Process{id=70} 5-90  net/a:MatMul 10-40  net/in:Mul 12-15"
        "  ExecutorState::ProcessAsync::Start{name=Next,kernel_type=IteratorGetNext,_p=5} 50-52"
        "  FunctionRun{id=71} 51-52"
        "  MemoryAllocation{allocator_name==mklcpu,allocation_bytes=512,bytes_allocated=512,tf_op==a,id=70} 60-60",
        "pool  InstantiatedCapturedFunction::Run{id=71} 0-50  ExecutorState::ProcessAsync::Done{_c=5} 70-71"
        "  ExecutorState::Process{id=71} 75-80  b:Sin 76-77",
        at=10**18,
    ),
)


def check(content):
    """Reads a profile in every way there is: the sums agree, or an error of ours says why it cannot be read."""
    try:
        profile = read_profile(content, "vm.xplane.pb")
        timelines = read_timelines(content, "vm.xplane.pb")
    except Unreadable:
        return False
    found = attribute([profile], [Recorded("000-f", "__inference_f_7", {"net/a"})], by_step=each_step)
    own = sum(node.self_ns for node in found.nodes) + sum(row.self_ns for row in found.unattributed)
    assert own == found.self_ns == sum(profile.executions.self_ns)
    assert found.calls == len(profile) <= profile.events
    assert all(sum(each.parts.values()) == each.wall_ns for each in step_accounts(profile, timelines))
    return True


def test_a_flipped_bit_is_read_or_refused():
    """Whatever byte is wrong, in its highest bit or another: a profile whose sums agree, or an error of ours."""
    for at in range(len(EVERYTHING)):
        for bit in (7, at % 7):
            damaged = bytearray(EVERYTHING)
            damaged[at] ^= 1 << bit
            check(bytes(damaged))


def test_a_file_may_be_cut_anywhere():
    """Each beginning of a file is refused, but for those that end behind a plane."""
    assert sum(check(EVERYTHING[:size]) for size in range(len(EVERYTHING))) == 2
    assert check(EVERYTHING)


def test_a_newer_format_is_read_as_far_as_it_is_known():
    """Fields that nobody knew when this was written change nothing."""
    newer = CONTENT + b"\xfa\x3e\x03abc\xc0\x3e\x05"

    assert list(read_profile(newer, "vm.xplane.pb")) == list(read_profile(CONTENT, "vm.xplane.pb"))


@pytest.mark.parametrize("file", sorted(DATA.iterdir()), ids=lambda file: file.name)
def test_what_was_a_crash_is_read_or_refused(file):
    """Each file broke the reader once."""
    assert check(file.read_bytes()) is not file.name.startswith("refused")


def _events(count, text):
    return "main  " + "  ".join(text(number) for number in range(count))


@pytest.mark.parametrize(
    "text",
    [
        lambda number: f"a:Mul {number}-{number + 5000}",
        lambda number: f"{'abc'[number % 3]}:Mul {number}-{10_000 - number}",
        lambda number: f"a:Mul {5000 - number}-{5001 - number}",
        lambda number: "a:Mul 5-6",
        lambda number: f"step{{step_num={number}}} {number}-{number + 5000}",
        lambda number: (
            f"ExecutorState::Process{{id={number}}} {10 * number}-{10 * number + 9}"
            f"  ExecutorState::ProcessAsync::Start{{name=call,kernel_type=Call}} {10 * number + 1}-{10 * number + 8}"
            f"  FunctionRun{{id={number + 1}}} {10 * number + 2}-{10 * number + 3}"
        ),
    ],
    ids=[
        "each overlaps all",
        "each inside the one before",
        "last first",
        "all the same",
        "steps",
        "runs inside of runs",
    ],
)
def test_events_may_lie_in_any_way(text):
    """The time to read them grows with their number, however they overlap: 5,000 take a fraction of a second."""
    content = space(host(_events(5000, text)))
    begin = time.process_time()

    assert check(content)
    assert time.process_time() - begin < 2


@pytest.mark.parametrize("content", [b"hello, world\n" * 9, b"\x89PNG\r\n\x1a\n", b"{}", bytes(100)])
def test_a_foreign_file_is_no_profile(content):
    """Texts, pictures and zeros are refused."""
    assert "vm.xplane.pb" in problem(content)


def test_a_graph_is_no_profile():
    """A GraphDef parses as an XSpace: its nodes are no planes of a profiler."""
    from tests.helpers import graph_def

    assert problem(graph_def("a/x:Add  y:Mul").SerializeToString()) == "vm.xplane.pb holds no plane of a profiler"
