"""Single files: graphs as bytes and as text, and what is none."""

import json
import os
import sys

import pytest
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers import graph, graph_def
from tracer.errors import Unreadable
from tracer.store.foreign import values
from tracer.store.foreign.graph_files import READS, read_file

TEXT = "x:Placeholder  c:Tanh<-x,^x"


def message():
    """Returns a GraphDef with a function."""
    return graph_def(TEXT, f="y:Relu")


def refusal(path):
    """Returns what the error says that opening a file ends with."""
    with pytest.raises(Unreadable) as caught:
        read_file(path)
    return caught.value


def test_a_graph_def_is_one_trace(tmp_path):
    """A frozen graph is a run with one trace, which is named after the file."""
    path = tmp_path / "model.pb"
    path.write_bytes(message().SerializeToString())
    run = read_file(path)
    [trace] = run.traces

    assert (run.path, run.name, run.scenario, run.target) == (str(path), "model.pb", "GraphDef", str(path))
    assert (trace.id, trace.name, trace.origin, trace.calls) == ("000-model", "model", "user", None)
    assert trace.graph == graph(TEXT, f="y:Relu")
    assert trace.stages["hlo"] == "a GraphDef does not hold it"


@pytest.mark.parametrize("begin", ["", "# a comment: node {\n\n", "\ufeff"])
@pytest.mark.parametrize("name", ["graph.pbtxt", "graph.pb"])
def test_a_graph_def_as_text_is_read(tmp_path, name, begin):
    """`tf.io.write_graph` writes text unless it is told otherwise, whatever the name."""
    (tmp_path / name).write_text(begin + text_format.MessageToString(message()), "utf-8")

    assert read_file(tmp_path / name).traces[0].graph == graph(TEXT, f="y:Relu")


def test_the_json_of_a_keras_model_is_read(tmp_path):
    """What `model.to_json()` gives is a graph of layers."""
    layers = [{"class_name": "ReLU", "config": {"name": "a"}}]
    (tmp_path / "model.json").write_text(json.dumps({"class_name": "Sequential", "config": {"layers": layers}}))
    run = read_file(tmp_path / "model.json")

    assert (run.scenario, run.traces[0].graph.nodes.names) == ("Keras model's JSON", ["a"])


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"\x89HDF\r\n\x1a\n\0\0", "is an HDF5 file: Keras weights, or a whole model"),
        (b"PK\x03\x04\0\0", "is a zip archive, such as Keras 3's .keras files"),
        (b"\x1c\0\0\0TFL3\0", "is a TensorFlow Lite model: it holds no GraphDef"),
        (b"\x1f\x8b\x08", "is compressed with gzip"),
        (b"hello\n", "is text, but no GraphDef as text"),
        ("grüße\n".encode("utf-16"), "is no GraphDef, SavedModel or MetaGraphDef: no field starts at byte 0"),
        (b"\0" * 64, "is no GraphDef, SavedModel or MetaGraphDef: a field in it is damaged"),
        (b"\x0a\x7f", "is no GraphDef, SavedModel or MetaGraphDef: it ends inside the field at byte 0"),
        (b"\x0f", "is no GraphDef, SavedModel or MetaGraphDef: no field starts at byte 0"),
        (b"\x22\x03\x08\x90\x0d", "is no GraphDef, SavedModel or MetaGraphDef: its fields are of another message"),
        (b"{", "holds a Keras model that is not valid JSON: Expecting property name enclosed in double quotes"),
        (b'node { name: "x" op: }', "is no GraphDef as text: 1:22 : 'node { name: \"x\" op: }': Expected string"),
        (b'node { colour: "x" }', "is no GraphDef as text: 1:8 : Message type "),
    ],
)
def test_what_is_no_graph_says_what_it_is(tmp_path, content, problem):
    """The error names the kind of file, or where it stops making sense."""
    path = tmp_path / "file.pb"
    path.write_bytes(content)

    assert refusal(path).message.startswith(f"{path} {problem}")
    assert refusal(path).hint


def test_the_hint_of_a_foreign_file_lists_what_is_read(tmp_path):
    """Who names something else learns what can be named."""
    (tmp_path / "notes.txt").write_text("hello")

    assert refusal(tmp_path / "notes.txt").hint == f"read are: {READS}"


def test_a_profile_is_no_graph(tmp_path):
    """An `.xplane.pb` is told by its name; one of another name has no node with name and op."""
    planes = b"\x0a\x0b\x08\x01\x12\x07/host:x"
    (tmp_path / "vm.xplane.pb").write_bytes(planes)
    (tmp_path / "other.pb").write_bytes(planes)

    assert refusal(tmp_path / "vm.xplane.pb").message.endswith("is a profile: it holds events, and no graph")
    assert refusal(tmp_path / "other.pb").message.endswith(": its fields are of another message")


def test_a_file_beyond_protobufs_limit_is_not_read(tmp_path, monkeypatch):
    """A message cannot have more than 2 GB: such a file is refused by its size."""
    monkeypatch.setattr(values, "MESSAGE_LIMIT", 10)
    (tmp_path / "g.pb").write_bytes(b"\0" * 11)

    assert refusal(tmp_path / "g.pb").message == (
        f"{tmp_path / 'g.pb'} has 11 B: a protobuf message cannot have more than 2 GB"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes")
@pytest.mark.parametrize("name", ["pipe.pb", "pipe.tfevents"])
def test_a_pipe_is_not_waited_for(tmp_path, name):
    """What is no file may never end: it is refused unread."""
    os.mkfifo(tmp_path / name)

    assert refusal(tmp_path / name).message == f"{tmp_path / name} is no file"


def test_a_file_that_may_not_be_read_says_why(tmp_path, monkeypatch):
    """The operating system's reason is in the error."""

    def denied(_):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "g.pb").write_bytes(message().SerializeToString())
    monkeypatch.setattr("pathlib.Path.read_bytes", denied)

    assert refusal(tmp_path / "g.pb").message == f"cannot read {tmp_path / 'g.pb'}: Permission denied"


def outcome(path):
    """Returns what comes of reading a file whole: `read`, or `Unreadable`."""
    try:
        for trace in read_file(path).traces:
            trace.stage("traced")
    except Unreadable:
        return "Unreadable"
    return "read"


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_damaged_graph_is_read_or_unreadable(tmp_path_factory, data):
    """Whichever bit is wrong, and wherever the file ends, it is a graph or an error of ours."""
    content = bytearray(message().SerializeToString())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path_factory.mktemp("flip") / "g.pb"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])

    assert outcome(path) in ("read", "Unreadable")


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=80).map(lambda text: f"node {{ {text}".encode()))
def test_any_content_is_read_or_unreadable(tmp_path_factory, content):
    """Any bytes at all are a graph or an error of ours."""
    path = tmp_path_factory.mktemp("any") / "g.pb"
    path.write_bytes(content)

    assert outcome(path) in ("read", "Unreadable")
