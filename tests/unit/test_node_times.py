"""What the nodes of a recording took, read while it ends."""

import dataclasses

import pytest

from tests.helpers import run
from tests.timed import timed
from tracer.capture.node_times import executed_nodes
from tracer.errors import Unreadable
from tracer.recorded import Warned


@pytest.fixture
def recording(tmp_path):
    """Returns the run of a step whose profile is a file of 100 bytes."""
    (tmp_path / "vm.xplane.pb").write_bytes(bytes(100))
    return dataclasses.replace(timed(), profiles=(str(tmp_path / "vm.xplane.pb"),))


def failing(recording, error):
    """Returns a recording whose profile cannot be read."""

    def opened(_):
        raise error

    return dataclasses.replace(recording, _open_profile=opened)


def test_each_trace_has_its_executed_nodes(recording):
    """What is in no graph has no box, and is left out."""
    warnings = []
    [(trace, executed)] = executed_nodes(recording, warnings).items()

    assert (trace, warnings) == ("000-step", [])
    assert [(each.paths, each.time.self_ns) for each in executed] == [
        (("net/mul",), 40),
        (("gradient_tape/net/mul/Mul",), 10),
    ]


def test_a_recording_without_a_profile_says_nothing_of_it():
    """That there is none was said where it was not recorded."""
    warnings = []

    assert (executed_nodes(run(), warnings), warnings) == ({}, [])


def test_a_profile_that_cannot_be_read_is_a_warning(recording):
    """The recording ends as if there were none; the advice is the error's own."""
    warnings = []

    assert executed_nodes(failing(recording, Unreadable("it is cut off", hint="record it again")), warnings) == {}
    assert executed_nodes(failing(recording, KeyError("net")), warnings) == {}
    gone = dataclasses.replace(recording, profiles=("gone",))
    assert executed_nodes(gone, warnings) == {}
    assert warnings == [
        Warned("no-node-times", "in TensorBoard nodes have no times: it is cut off", "record it again"),
        Warned("no-node-times", "in TensorBoard nodes have no times: KeyError: 'net'", "please report this"),
        Warned(
            "no-node-times",
            "in TensorBoard nodes have no times: cannot read gone: No such file or directory",
            "check the disk, and record the run again",
        ),
    ]


def test_a_large_profile_is_not_read(recording):
    """Reading takes time and memory of the program that is recorded."""
    warnings = []

    assert executed_nodes(recording, warnings, largest=99) == {}
    assert [warned.message for warned in warnings] == [
        "in TensorBoard nodes have no times: 100 B of profile are too much to read while the program waits"
    ]
    assert executed_nodes(recording, [], largest=100) != {}
