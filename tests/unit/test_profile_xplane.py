import contextlib

import pytest

from tests.profiles import host, space
from tracer.errors import Unreadable
from tracer.profile.executions import read_profile
from tracer.profile.xplane import read_planes

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

    assert (name, plane.name, [line.name for line in plane.lines]) == ("here", "/host:CPU", [b"main"])
    assert [plane.event_names[event.metadata_id] for event in plane.lines[0].events] == ["net/a:Mul", "net/b:Add"]
    assert plane.stats(plane.lines[0].events[1]) == {"x": 1}


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

    assert message.startswith("vm.xplane.pb: plane '/host:CPU' cannot be read: no field starts at byte ")
    assert " of the event at byte " in message
    assert " of the line at byte " in message


@pytest.mark.parametrize("flipped", range(0, len(CONTENT) * 8, 7))
def test_a_flipped_bit_is_read_or_refused(flipped):
    """Whatever bit is wrong: there is a profile, or an error of ours, and never more executions than events."""
    damaged = bytearray(CONTENT)
    damaged[flipped // 8] ^= 1 << flipped % 8
    found = 0
    with contextlib.suppress(Unreadable):
        found = len(read_profile(bytes(damaged), "vm.xplane.pb"))

    assert found <= 2


@pytest.mark.parametrize("content", [b"hello, world\n" * 9, b"\x89PNG\r\n\x1a\n", b"{}", bytes(100)])
def test_a_foreign_file_is_no_profile(content):
    """Texts, pictures and zeros are refused."""
    assert "vm.xplane.pb" in problem(content)


def test_a_graph_is_no_profile():
    """A GraphDef parses as an XSpace: its nodes are no planes of a profiler."""
    from tests.helpers import graph_def

    assert problem(graph_def("a/x:Add  y:Mul").SerializeToString()) == "vm.xplane.pb holds no plane of a profiler"
