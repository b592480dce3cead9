"""The memory in use, moment by moment, and who held it at its peak."""

from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import graph, run, trace
from tests.profiles import host, profile
from tracer.profile.memory import in_use, peaks, peaks_of_hosts, while_running
from tracer.recorded import ModuleScope, Window
from tracer.render.text import times
from tracer.render.text.style import Style
from tracer.report.groups import groups_report
from tracer.report.memory import DevicePeak, Holder, memory_peaks, told
from tracer.report.ops import ops_report
from tracer.report.scopes import scope_rows
from tracer.timing.timing import read_timing

KIB = 1024


def taken(at, size, in_use, address, op="", allocator="mklcpu"):
    """Returns the event of a block that a node was given."""
    return (
        f"MemoryAllocation{{allocator_name={allocator},allocation_bytes={size},bytes_allocated={in_use},"
        f"addr={address},tf_op={op}:Mul,id=7}} {at}-{at}"
    )


def given_back(at, size, in_use, address, allocator="mklcpu"):
    """Returns the event of a block that was taken back."""
    return (
        f"MemoryDeallocation{{allocator_name={allocator},allocation_bytes={size},bytes_allocated={in_use},"
        f"addr={address},id=0}} {at}-{at}"
    )


# 100 KiB are there before. `a/x` takes 50 and 20, `b/y` 300, of which what `a/x` had second is not in use any more.
EVENTS = "  ".join(
    (
        "worker  step{step_num=3,_r=1} 0-1000  EagerLocalExecute: __inference_step_0 1-900  FunctionRun{id=7} 2-3",
        "ExecutorState::Process{id=7} 5-900",
        "a/x:Mul 10-40",
        taken(20, 50 * KIB, 150 * KIB, 1, "a/x"),
        taken(30, 20 * KIB, 170 * KIB, 2, "a/x"),
        "a/z:Mul 50-60",
        given_back(70, 20 * KIB, 150 * KIB, 2),
        "b/y:Mul 80-100",
        taken(90, 300 * KIB, 450 * KIB, 3, "b/y"),
        given_back(110, 300 * KIB, 150 * KIB, 3),
        given_back(120, 40 * KIB, 110 * KIB, 99),
        "b/late:Mul 130-140",
    )
)


def timing(events=EVENTS, files=("vm",), **facts):
    """Returns the timing of a step with these events: of one profile, or the same in each of several files."""
    by_file = dict.fromkeys(files, events) if isinstance(events, str) else dict(zip(files, events, strict=True))
    step = trace(
        "step",
        graphs={"traced": graph("x:Placeholder  a/x:Mul<-x  a/z:Mul<-a/x  b/y:Mul<-a/z  b/late:Mul<-b/y")},
        **facts,
    )
    return read_timing(
        run(
            step,
            profiles=files,
            window=Window(1, 0, 1000),
            _open_profile=lambda path: profile(host(by_file[path]), path=path),
        )
    )


def test_the_peak_is_that_of_the_allocators_counter():
    """Blocks from before the window are in it, and of those that were handed out in it what was still in use."""
    found = profile(host(EVENTS))
    [peak] = peaks(found)

    assert (peak.device, peak.bytes, peak.step, peak.time_ns) == ("/device:CPU:0", 450 * KIB, 3, 90)
    assert [found.allocations[number].path for number in peak.blocks] == ["a/x", "b/y"]
    assert peak.before_bytes == 100 * KIB


def test_a_node_knows_the_most_that_was_in_use_while_it_ran():
    """What was in use when it began counts, and what was taken until its end, by whomever; not what came later."""
    found = {node.time.path: node.time for node in timing().nodes}

    assert {path: time.peak_bytes // KIB for path, time in found.items()} == {
        "a/x": 170,
        "a/z": 170,
        "b/y": 450,
        "b/late": 110,
    }
    assert {path: time.held_bytes // KIB for path, time in found.items() if time.held_bytes} == {"a/x": 50, "b/y": 300}


def test_a_scope_has_the_peak_of_one_of_its_nodes_and_what_they_hold_together():
    """Peaks are no sums, what is held is: with what was there before it is the peak of the whole."""
    found = timing()
    tree = scope_rows(found.owners["000-step"]._traced, times=[node.time for node in found.nodes])
    rows = {row.path: row for row in map(tree.all.row, range(len(tree.all.depths)))}

    assert {path: (row.peak_bytes // KIB, row.held_bytes // KIB) for path, row in rows.items()} == {
        "": (450, 350),
        "a": (170, 50),
        "b": (450, 300),
    }
    by_op = groups_report(found, "op").groups.items[0].sums
    assert (by_op.peak_bytes, by_op.held_bytes) == (450 * KIB, 350 * KIB)


def test_the_peak_in_words_names_who_held_it():
    """Layers are named, and scopes where there is no layer; what was there before is named first."""
    found = memory_peaks(timing(modules=(ModuleScope("b", "net.dense", "Dense", "layer"),)))

    assert found == (
        DevicePeak(
            "/device:CPU:0", 1, 450 * KIB, 3, 100 * KIB, (Holder("net.dense", 300 * KIB), Holder("a", 50 * KIB))
        ),
    )
    assert told(found[0]) == (
        "450 KiB in use at the peak, in step 3: 100 KiB from before the window, 300 KiB by net.dense, 50.0 KiB by a"
    )


def test_windows_of_one_host_have_the_peak_of_one():
    """The largest counts, the first of several such, and what nodes held then; no window is a host of its own."""
    smaller = EVENTS.replace(str(450 * KIB), str(449 * KIB))
    found = timing((smaller, EVENTS, EVENTS), ("1/vm", "2/vm", "3/vm"))

    assert memory_peaks(found) == memory_peaks(timing())
    assert {node.time.path: node.time.held_bytes // KIB for node in found.nodes if node.time.held_bytes} == {
        "a/x": 50,
        "b/y": 300,
    }
    assert [number for number, peaks in enumerate(peaks_of_hosts(found.profiles)) if peaks] == [1]


def test_peaks_of_hosts_are_added_up():
    """Two processes have each its own memory, also on one machine: each writes a file of its own."""
    [peak] = memory_peaks(timing(files=("1/vm_1", "1/vm_2", "2/vm_1", "2/vm_2")))

    assert (peak.hosts, peak.peak_bytes, peak.before_bytes, peak.step) == (2, 900 * KIB, 200 * KIB, None)
    assert peak.holders == (Holder("b", 600 * KIB), Holder("a", 100 * KIB))


def test_what_found_no_owner_is_a_holder():
    """The parts of a peak are all of it: what no recorded node was given is named too, on its own device."""
    events = EVENTS.replace("b/y", "lost/y") + "  " + taken(140, 7 * KIB, 7 * KIB, 4, "a/x", allocator="GPU_0_bfc")
    found = timing(events)
    peak, other = memory_peaks(found)

    assert peak.holders == (Holder("(unattributed)", 300 * KIB), Holder("a", 50 * KIB))
    assert sum(row.held_bytes for row in found.unattributed) == 300 * KIB
    assert (other.device, other.holders) == ("/device:GPU:0", (Holder("a", 7 * KIB),))
    assert told(peak).endswith(": 100 KiB from before the window, 300 KiB by (unattributed), 50.0 KiB by a")


def test_many_holders_are_summed_up():
    """Three are named; the others are one number."""
    sizes = {"a/x": 40, "b/y": 30, "a/z": 20, "b/late": 10}
    held = [Holder(path, size) for path, size in sizes.items()]

    assert told(DevicePeak("/device:CPU:0", 2, 100, None, 0, tuple(held))) == (
        "100 B in use at the peak, of 2 hosts together: 40 B by a/x, 30 B by b/y, 20 B by a/z, 10 B by 1 other"
    )


def test_pages_say_what_was_in_use():
    """The head of each page has the peak, and a wide table who held it."""
    page = times.ops(ops_report(timing(), sort="held", top=1), Style())

    assert "memory    450 KiB in use at the peak, in step 3: 100 KiB from before the window, 300 KiB by b" in page
    assert page.splitlines()[5:8:2] == [
        " self      %   calls    each     bytes   at peak   op    node   line",
        "20 ns   28.6       1   20 ns   300 KiB   300 KiB   Mul   b/y    -",
    ]


def test_allocators_of_a_device_are_added_up_and_devices_are_not():
    """What an allocator had before its first event counts from the beginning."""
    events = "  ".join(
        (
            "worker  a:Mul 5-6",
            taken(10, 10, 110, 1),
            taken(20, 5, 1005, 2, allocator="cpu"),
            taken(30, 7, 7, 3, allocator="GPU_0_bfc"),
        )
    )
    found = profile(host(events))

    assert {device: list(memory.bytes) for device, memory in in_use(found).items()} == {
        "/device:CPU:0": [1100, 1110, 1115],
        "/device:GPU:0": [0, 7],
    }
    assert list(while_running(found)) == [1100]
    assert [(peak.device, peak.bytes, peak.before_bytes, peak.step) for peak in peaks(found)] == [
        ("/device:CPU:0", 1115, 1100, None),
        ("/device:GPU:0", 7, 0, None),
    ]


def test_a_window_that_only_gives_back_has_its_peak_at_its_beginning():
    """Nothing of it was handed out in the window."""
    [peak] = peaks(profile(host("worker  " + given_back(10, 64, 36, 1))))

    assert (peak.bytes, peak.blocks, peak.before_bytes, peak.step) == (100, (), 100, None)


def test_without_blocks_nothing_is_said():
    """That no block was reported is no peak of 0."""
    found = timing("worker  a/x:Mul 10-20")

    assert (memory_peaks(found), peaks(profile(host("worker  a:Mul 1-2")))) == ((), [])
    assert "memory" not in times.ops(ops_report(found), Style())


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 9)), min_size=1, max_size=40),
    st.lists(st.tuples(st.integers(0, 45), st.integers(0, 45)), max_size=20),
)
def test_the_most_between_two_moments_is_that_of_a_look_at_each(blocks, moments):
    """Whatever lies between: the value at the first moment, and after each event up to the last."""
    events, now = [], 0
    for number, (time, size) in enumerate(sorted(blocks)):
        now += size
        events.append(taken(time, size, now, number))
    memory = in_use(profile(host("worker  " + "  ".join(events))))["/device:CPU:0"]

    for one, other in moments:
        start, end = sorted((one, other))
        values = [sum(size for time, size in blocks if time <= moment) for moment in range(start, end + 1)]
        assert memory.most(start, end) == max(values)
