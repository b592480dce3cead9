"""Profiles in the formats of other tools."""

import json

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers import graph, trace
from tests.profiles import host, plane, profile, space
from tests.timed import CALLED, recorded_step
from tests.unit.exports import HOSTILE
from tests.unit.profile_exports import launched, timed, two_hosts, with_memory
from tracer.errors import NotFound, Unreadable
from tracer.graph.lines import Frame, Lines
from tracer.profile.executions import read_profile
from tracer.render.profile import FORMATS
from tracer.render.profile.words import short_files
from tracer.report.profile import profile_view
from tracer.timing.timing import read_timing

# What github.com/jlfwong/speedscope/wiki/Importing-from-custom-sources and its file-format-spec.ts ask for, strictly.
_UNIT = {"enum": ["nanoseconds"]}
_FRAME = {
    "type": "object",
    "properties": {"name": {"type": "string", "minLength": 1}, "file": {"type": "string"}, "line": {"type": "integer"}},
    "required": ["name"],
    "additionalProperties": False,
}
_EVENT = {
    "type": "object",
    "properties": {"type": {"enum": ["O", "C"]}, "frame": {"type": "integer"}, "at": {"type": "integer"}},
    "required": ["type", "frame", "at"],
    "additionalProperties": False,
}
_COMMON = {
    "name": {"type": "string"},
    "unit": _UNIT,
    "startValue": {"type": "integer"},
    "endValue": {"type": "integer"},
}


def _profile(kind, **columns):
    properties = {"type": {"const": kind}, **_COMMON, **columns}
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


_INTEGERS = {"type": "array", "items": {"type": "integer", "minimum": 0}}
SPEEDSCOPE = {
    "type": "object",
    "properties": {
        "$schema": {"const": "https://www.speedscope.app/file-format-schema.json"},
        "shared": {
            "type": "object",
            "properties": {"frames": {"type": "array", "items": _FRAME}},
            "required": ["frames"],
            "additionalProperties": False,
        },
        "profiles": {
            "type": "array",
            "items": {
                "anyOf": [
                    _profile("sampled", samples={"type": "array", "items": _INTEGERS}, weights=_INTEGERS),
                    _profile("evented", events={"type": "array", "items": _EVENT}),
                ]
            },
        },
        "name": {"type": "string"},
        "activeProfileIndex": {"type": "integer"},
        "exporter": {"type": "string"},
    },
    "required": ["$schema", "shared", "profiles"],
    "additionalProperties": False,
}


def exported(run, format_, **options):
    """Returns a run's profile in a format."""
    return FORMATS[format_].render(profile_view(read_timing(run), **options))


def speedscope(run, **options):
    """Returns the object that speedscope reads, checked as it is checked there."""
    found = json.loads(exported(run, "speedscope", **options))
    jsonschema.validate(found, SPEEDSCOPE)
    frames = len(found["shared"]["frames"])
    for each in found["profiles"]:
        if each["type"] == "sampled":
            assert len(each["samples"]) == len(each["weights"])
            assert all(frame < frames for stack in each["samples"] for frame in stack)
        else:
            _check_events(each)
    return found


def _check_events(evented):
    """Times never go back, and a frame closes before the one that it was opened in."""
    opened, now = [], evented["startValue"]
    for event in evented["events"]:
        assert now <= event["at"] <= evented["endValue"]
        now = event["at"]
        if event["type"] == "O":
            opened.append(event["frame"])
        else:
            assert opened.pop() == event["frame"]
    assert opened == []


def packets(run, **options):
    """Returns the packets of a Perfetto trace, as Perfetto's own messages."""
    messages = pytest.importorskip("perfetto.protos.perfetto.trace.perfetto_trace_pb2", exc_type=ImportError)
    return messages.Trace.FromString(exported(run, "perfetto", **options)).packet


def test_folded_stacks_end_with_the_op_and_its_nanoseconds():
    """A line for each stack and op, the most expensive first; what found no node has its reason for a stack."""
    assert exported(timed(), "folded") == (
        "train.py:step:9;net.py:__call__:3;Mul 40\n"
        "train.py:step:12;Mul 10\n"
        "(unattributed);nodes that are in no recorded graph 7\n"
    )


def test_folded_stacks_of_a_function_are_its_own():
    """`--function` leaves out what is of other functions, and of none."""
    other = trace("other", 1, graphs={"traced": graph("elsewhere:Mul")})

    assert exported(timed(recorded_step(), other), "folded", function="other") == "(no line of yours);Mul 7\n"
    with pytest.raises(NotFound, match="no function named 'thother'"):
        exported(timed(), "folded", function="thother")


def test_no_name_breaks_a_folded_line():
    """Semicolons, line breaks and half characters in files and functions are shown as escapes."""
    frames = tuple(Frame(f"dir/{name}.py", 3, name) for name in HOSTILE if name)
    step = recorded_step(lines=Lines(frames, (tuple(range(len(frames))),), {"": {"net/mul": 0}}))
    lines = exported(timed(step), "folded").encode().decode().splitlines()

    assert [line.rpartition(" ")[2] for line in lines] == ["40", "10", "7"]
    assert lines[0].count(";") == len(frames)
    assert exported(timed(_of_frame("a;b\nc\udc80\u202ed.py")), "folded").startswith(
        "a\\x3bb\\nc\\udc80\\u202ed.py:step:1;Mul 40\n"
    )


def _of_frame(file):
    return recorded_step(lines=Lines((Frame(file, 1, "step"),), ((0,),), {"": {"net/mul": 0}}))


def test_files_are_told_by_as_little_of_their_path_as_tells_them_apart():
    """Two files of one name have their folders before it."""
    assert short_files(["/home/a/net.py", "/home/b/net.py", "/home/b/train.py", "/x/net.py"]) == {
        "/home/a/net.py": "a/net.py",
        "/home/b/net.py": "b/net.py",
        "/home/b/train.py": "train.py",
        "/x/net.py": "x/net.py",
    }
    assert short_files(["net.py", "/net.py", "a/net.py", ""]) == {
        "net.py": "net.py",
        "/net.py": "/net.py",
        "a/net.py": "a/net.py",
        "": "",
    }


def test_speedscope_has_the_stacks_with_their_self_time():
    """The first profile is sampled: its weights are nanoseconds, and add up to all of the self time."""
    found = speedscope(timed())
    frames, stacks = found["shared"]["frames"], found["profiles"][0]

    named = [[frames[number]["name"] for number in stack] for stack in stacks["samples"]]
    assert list(zip(named, stacks["weights"], strict=True)) == [
        (["step (train.py:9)", "__call__ (net.py:3)", "Mul"], 40),
        (["step (train.py:12)", "Mul"], 10),
        (["(unattributed)", "nodes that are in no recorded graph"], 7),
    ]
    assert stacks["endValue"] == 57
    assert frames[:2] == [
        {"name": "step (train.py:9)", "file": "train.py", "line": 9},
        {"name": "__call__ (net.py:3)", "file": "net.py", "line": 3},
    ]


def test_speedscope_has_the_executions_of_each_thread():
    """Each thread is an evented profile: a node opens and closes when it ran, one inside another between these."""
    nested = f"worker  {CALLED}  net/mul:Mul 20-60  elsewhere:Mul 30-60"
    found = speedscope(timed(profiles={"vm.xplane.pb": profile(host(nested, "other  net/mul:Mul 5-9"))}))
    frames, [_, worker, other] = found["shared"]["frames"], found["profiles"]

    assert [(event["type"], frames[event["frame"]]["name"], event["at"]) for event in worker["events"]] == [
        ("O", "net/mul", 20),
        ("O", "elsewhere", 30),
        ("C", "elsewhere", 60),
        ("C", "net/mul", 60),
    ]
    assert (worker["name"], other["name"]) == ("/device:CPU:0: worker", "/device:CPU:0: other")
    assert {"name": "net/mul", "file": "net.py", "line": 3} in frames


def test_what_is_open_too_long_closes_with_what_is_around_it():
    """Executions that overlap without nesting, as damaged files have them, still balance."""
    crossed = f"worker  {CALLED}  net/mul:Mul 20-60  elsewhere:Mul 30-80  net/mul:Mul 85-85"

    [_, worker] = speedscope(timed(profiles={"vm.xplane.pb": profile(host(crossed))}))["profiles"]
    assert [(event["type"], event["at"]) for event in worker["events"]] == [
        ("O", 20),
        ("O", 30),
        ("C", 60),
        ("C", 60),
        ("O", 85),
        ("C", 85),
    ]


def test_threads_of_several_hosts_have_their_host_before_them():
    """Names tell the hosts apart."""
    names = [each["name"] for each in speedscope(two_hosts())["profiles"]]

    assert names == ["stacks of Python", "one: /device:CPU:0: worker", "two: /device:CPU:0: worker"]


def test_a_function_has_its_own_executions_only():
    """What is of other functions, and of none, is on no timeline."""
    [_, worker] = speedscope(timed(), function="step")["profiles"]

    assert [event["at"] for event in worker["events"]] == [20, 30, 40, 70, 80, 85, 90, 95]


def test_perfetto_has_two_events_for_each_execution():
    """Slices add up to the executions' times, and refer to names that the first packet holds."""
    first, *rest = packets(timed())
    names = {entry.iid: entry.name for entry in first.interned_data.event_names}
    begun = [packet for packet in rest if packet.track_event.type == 1]
    ended = [packet for packet in rest if packet.track_event.type == 2]

    assert [(names[each.track_event.name_iid], each.timestamp) for each in begun] == [
        ("net/mul", 20),
        ("net/mul", 40),
        ("gradient_tape/net/mul/Mul", 80),
        ("gradient_tape/net/mul/Mul", 90),
        ("elsewhere", 100),
    ]
    assert sum(each.timestamp for each in ended) - sum(each.timestamp for each in begun) == 57
    assert (first.sequence_flags, {packet.sequence_flags for packet in begun}) == (1, {2})


def test_perfetto_tells_of_a_slice_what_is_known_of_its_node():
    """Details are annotations, the phase is the category, the line a source location."""
    first, *rest = packets(timed())
    data = first.interned_data
    names = {entry.iid: entry.name for entry in data.debug_annotation_names}
    texts = {entry.iid: entry.str.decode() for entry in data.debug_annotation_string_values}
    event = next(packet.track_event for packet in rest if packet.track_event.type == 1)

    assert {names[each.name_iid]: texts[each.string_value_iid] for each in event.debug_annotations} == {
        "node": "net/mul",
        "op": "Mul",
        "kind": "node",
        "function": "step",
        "line": "net.py:3",
        "layer": "net",
        "phase": "forward",
    }
    assert [entry.name for entry in data.event_categories if entry.iid in event.category_iids] == ["forward"]
    [place] = [entry for entry in data.source_locations if entry.iid == event.source_location_iid]
    assert (place.file_name, place.function_name, place.line_number) == ("net.py", "__call__", 3)


def test_perfetto_has_steps_and_memory_on_tracks_of_their_own():
    """A step is a slice, the memory in use a counter, both of the host's process."""
    found = packets(with_memory())
    tracks = {each.track_descriptor.uuid: each.track_descriptor for each in found if each.HasField("track_descriptor")}
    process = next(track.uuid for track in tracks.values() if track.HasField("process"))
    own = {track.name: track.uuid for track in tracks.values() if track.parent_uuid == process}

    assert list(own) == ["steps", "memory in use: cpu"]
    assert [(each.timestamp, each.track_event.counter_value) for each in found if each.track_event.type == 4] == [
        (220, 4096),
        (290, 1024),
    ]
    steps = [each.timestamp for each in found if each.track_event.track_uuid == own["steps"]]
    assert steps == [100, 900]


def test_perfetto_ties_a_kernel_to_its_launch_where_only_one_can_be_it():
    """The flow begins at the node's execution and ends at the kernel's."""
    events = [packet.track_event for packet in packets(launched()) if packet.track_event.type == 1]

    assert [list(event.flow_ids) for event in events] == [list(events[1].terminating_flow_ids), []]
    assert len(events[0].flow_ids) == 1


def test_a_kernel_of_a_node_that_ran_twice_has_no_launch():
    """Which of the two executions it was, nobody knows: no arrow is better than a wrong one."""
    events = f"worker  {CALLED}  net/mul:Mul 200-300  cuLaunchKernel{{correlation_id=5}} 210-220  net/mul:Mul 310-320"
    stream = plane("/device:GPU:0", "stream 1  mul_kernel{correlation_id=5} 500-600")
    found = packets(timed(profiles={"vm.xplane.pb": profile(host(events), stream)}))

    assert [list(packet.track_event.flow_ids) for packet in found if packet.track_event.flow_ids] == []


def test_any_names_are_written_and_read():
    """Names of nodes with anything in them are in all formats, which their own readers read."""
    names = [name for name in HOSTILE if name.isprintable() and name.strip() and ":" not in name and " " not in name]
    names += ["a;b", "\u202eabc", "\x01", "\x1b[31m"]
    events = "  ".join(f"{name}:Mul {index * 10}-{index * 10 + 5}" for index, name in enumerate(names))
    run = timed(profiles={"vm.xplane.pb": profile(host(f"worker  {events}"))})
    executed = len(read_timing(run).profiles[0])
    [_, worker] = speedscope(run)["profiles"]

    assert executed > 10
    assert sum(packet.track_event.type == 1 for packet in packets(run)) == executed
    assert len(worker["events"]) == 2 * executed
    assert sum(int(line.rpartition(" ")[2]) for line in exported(run, "folded").splitlines()) == 5 * executed


CONTENT = space(
    host(
        f"worker  train{{step_num=3,_r=1}} 100-900  {CALLED}  net/mul:Mul 200-300"
        "  cuLaunchKernel{correlation_id=5} 210-220"
        "  MemoryAllocation{allocation_bytes=4096,addr=1,allocator_name=cpu,bytes_allocated=4096} 220-221"
    ),
    plane("/device:GPU:0", "stream 1  mul_kernel{correlation_id=5} 500-600"),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(CONTENT) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_damaged_profile_is_refused_or_written(changes):
    """Whatever bytes are others, what can be read can be written, and its times add up."""
    content = bytearray(CONTENT)
    for at, byte in changes:
        content[at] = byte
    try:
        found = read_profile(bytes(content), "vm.xplane.pb")
    except Unreadable:
        return
    run = timed(profiles={"vm.xplane.pb": found})

    own = sum(found.executions.self_ns)
    stacks = speedscope(run)["profiles"][0]
    assert sum(stacks["weights"]) == own
    assert sum(int(line.rpartition(" ")[2]) for line in exported(run, "folded").splitlines()) == own
    assert sum(packet.track_event.type == 1 for packet in packets(run)) == len(found) + len(found.steps)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.text(), st.text(st.characters(codec=None)), st.integers()), min_size=1, max_size=5))
def test_any_lines_of_python_are_written(places):
    """Files and functions of any name, and lines of any number, break no format."""
    frames = tuple(Frame(file, line, function) for file, function, line in places)
    step = recorded_step(lines=Lines(frames, (tuple(range(len(frames))),), {"": {"net/mul": 0}}))
    run = timed(step)

    assert [line.rpartition(" ")[2] for line in exported(run, "folded").splitlines()] == ["40", "10", "7"]
    assert speedscope(run)["profiles"][0]["weights"] == [40, 10, 7]
    assert len(packets(run)) == 13
