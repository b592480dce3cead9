"""Event files."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.compat.proto import event_pb2, step_stats_pb2

from tests.helpers import graph_def
from tracer.errors import Unreadable
from tracer.store import events
from tracer.store.events import TornTail, graph_events, read_graph_tags, read_records, write_graph_events


@pytest.fixture
def event_file(tmp_path: Path) -> Path:
    """Returns an event file with two graphs."""
    graphs = {"000-f": graph_def("x:Add").SerializeToString(), "001-g": graph_def("y:Mul").SerializeToString()}
    return write_graph_events(tmp_path, graphs, host="my host")


def ends(path: Path) -> list[int]:
    """Returns the offset behind each record."""
    offsets, at = [], 0
    for payload in read_records(path):
        at += 16 + len(payload)
        offsets.append(at)
    return offsets


def test_graphs_come_back_by_tag(event_file: Path):
    """What is written as one tag for each graph is read as such, in the order of writing."""
    tags = read_graph_tags(event_file)

    assert {tag: data.function_graphs[0].pre_optimization_graph for tag, data in tags.items()} == {
        "000-f": graph_def("x:Add"),
        "001-g": graph_def("y:Mul"),
    }
    assert list(tags) == ["000-f", "001-g"]


def test_tensorboards_own_reader_agrees(event_file: Path):
    """TensorBoard reads the same records: a version, then one summary for each graph, of the graph plugin."""
    events = list(EventFileLoader(str(event_file)).Load())

    assert [event.file_version for event in events] == ["brain.Event:2", "", ""]
    assert [
        (value.tag, value.metadata.plugin_data.plugin_name, value.metadata.plugin_data.content)
        for event in events
        for value in event.summary.value
    ] == [("000-f", "graph_run_metadata_graph", b"1"), ("001-g", "graph_run_metadata_graph", b"1")]


def test_a_tag_with_times_is_of_the_plugin_that_shows_them(tmp_path: Path):
    """Graph and times come back from one tag, for which TensorBoard offers its profile; a tag without has none."""
    times = step_stats_pb2.StepStats(dev_stats=[step_stats_pb2.DeviceStepStats(device="/device:CPU:0")])
    graphs = {tag: graph_def("x:Add").SerializeToString() for tag in ("f", "g")}
    path = write_graph_events(tmp_path, graphs, stats={"f": times.SerializeToString()}, host="host")

    found = read_graph_tags(path)
    values = [value for payload in read_records(path) for value in event_pb2.Event.FromString(payload).summary.value]

    assert [found["f"].step_stats, found["g"].HasField("step_stats")] == [times, False]
    assert [found[tag].function_graphs[0].pre_optimization_graph for tag in "fg"] == [graph_def("x:Add")] * 2
    assert [(value.tag, value.metadata.plugin_data.plugin_name) for value in values] == [
        ("f", "graph_run_metadata"),
        ("g", "graph_run_metadata_graph"),
    ]


def test_the_file_is_named_for_tensorboard(event_file: Path):
    """The name is what TensorBoard looks for, the host's made safe."""
    prefix, _, host = event_file.name.rpartition(".")

    assert (prefix.startswith("events.out.tfevents."), host) == (True, "my_host")


def test_a_torn_tail_leaves_what_came_before(event_file: Path):
    """Wherever the last record is cut, the records before it are read and then the cut is reported, at its offset."""
    content = event_file.read_bytes()
    begin = ends(event_file)[1]
    for cut in (begin + 1, begin + 11, begin + 12, begin + 13, len(content) - 5, len(content) - 1):
        event_file.write_bytes(content[:cut])
        records = read_records(event_file)
        assert event_pb2.Event.FromString(next(records)).file_version == "brain.Event:2"
        assert event_pb2.Event.FromString(next(records)).summary.value[0].tag == "000-f"
        with pytest.raises(TornTail) as caught:
            next(records)
        assert caught.value.message == f"{event_file} ends inside the record at byte {begin}"
        assert caught.value.hint == "its writer was cut off; the rest is good"


def test_a_file_cut_between_records_is_whole(event_file: Path):
    """A file that ends behind a record is not torn."""
    event_file.write_bytes(event_file.read_bytes()[: ends(event_file)[1]])

    assert len(list(read_records(event_file))) == 2


@pytest.mark.parametrize("place", [0, 7, 8, 11, 12, 40])
def test_a_flipped_bit_is_found_at_its_record(event_file: Path, place: int):
    """One wrong bit, in a length, a checksum or a payload, is an error that names the record's offset."""
    content = bytearray(event_file.read_bytes())
    begin = ends(event_file)[0]
    content[begin + place] ^= 0x10
    event_file.write_bytes(content)
    records = read_records(event_file)
    next(records)

    with pytest.raises(Unreadable) as caught:
        next(records)
    assert not isinstance(caught.value, TornTail)
    assert caught.value.message == f"{event_file}: wrong checksum at byte {begin}"


def test_a_flipped_bit_in_the_last_checksum_is_found(event_file: Path):
    """The checksum behind the last payload counts too."""
    content = bytearray(event_file.read_bytes())
    content[-1] ^= 0x01
    event_file.write_bytes(content)

    with pytest.raises(Unreadable, match=f"wrong checksum at byte {ends_before_last(content)}"):
        list(read_records(event_file))


def ends_before_last(content: bytes) -> int:
    """Returns the offset of the last record."""
    at = last = 0
    while at < len(content):
        last, at = at, at + 16 + int.from_bytes(content[at : at + 8], "little")
    return last


def test_an_empty_file_has_no_records(tmp_path: Path):
    """A file that its writer never came to fill is no error."""
    (tmp_path / "empty").touch()

    assert list(read_records(tmp_path / "empty")) == []


def test_a_missing_file_is_unreadable(tmp_path: Path):
    """A file that is not there is an error of ours, which names it."""
    with pytest.raises(Unreadable) as caught:
        list(read_records(tmp_path / "none"))
    assert caught.value.message == f"cannot read {tmp_path / 'none'}: No such file or directory"


@given(st.dictionaries(st.text(min_size=1), st.binary(max_size=0), max_size=4))
def test_any_tag_comes_back(tmp_path_factory: pytest.TempPathFactory, graphs: dict[str, bytes]):
    """Tags in any script are read as they were written."""
    path = tmp_path_factory.mktemp("events") / "file"
    path.write_bytes(graph_events(graphs))

    assert list(read_graph_tags(path)) == list(graphs)


def test_records_that_are_no_events_are_unreadable(tmp_path: Path):
    """A TFRecord file of something else has good checksums, and is an error of ours all the same."""
    payload = b"\xff\xff\xff"
    path = tmp_path / "data.tfrecord"
    path.write_bytes(events._record(payload))

    assert list(read_records(path)) == [payload]
    with pytest.raises(Unreadable) as caught:
        read_graph_tags(path)
    assert caught.value.message == f"{path} holds records that are no events"
