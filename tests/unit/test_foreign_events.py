"""Event files and TensorBoard's log folders, as other tools write them."""

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.compat.proto import config_pb2, event_pb2, summary_pb2, tensor_pb2

from tests.helpers import graph, graph_def
from tracer.errors import TracerError, Unreadable
from tracer.recorded import Warned
from tracer.store import events
from tracer.store.foreign.event_files import event_files, read_event_file, read_event_folder

EAGER = "x:_Arg  Fill:Fill<-x  y:_Retval<-Fill"
KERAS_JSON = json.dumps({"class_name": "Sequential", "config": {"layers": [{"class_name": "ReLU", "config": {}}]}})


def tag(name, plugin, content, step=0):
    """Returns an event with one tag of a graph plugin."""
    tensor = tensor_pb2.TensorProto(dtype=7, string_val=[content])
    metadata = summary_pb2.SummaryMetadata(plugin_data={"plugin_name": plugin, "content": b"1"})
    value = summary_pb2.Summary.Value(tag=name, tensor=tensor, metadata=metadata)
    return event_pb2.Event(step=step, summary=summary_pb2.Summary(value=[value])).SerializeToString()


def functions(*pairs):
    """Returns a RunMetadata with the graph before and after Grappler of each function."""
    metadata = config_pb2.RunMetadata()
    for before, after in pairs:
        row = metadata.function_graphs.add()
        for message, text in ((row.pre_optimization_graph, before), (row.post_optimization_graph, after)):
            if text:
                message.CopyFrom(graph_def(text))
    return metadata.SerializeToString()


def scalar(name="loss"):
    """Returns an event with a scalar."""
    value = summary_pb2.Summary.Value(tag=name, simple_value=0.5)
    return event_pb2.Event(summary=summary_pb2.Summary(value=[value])).SerializeToString()


def write(path, *payloads):
    """Writes an event file with a version and these events."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = event_pb2.Event(wall_time=1_795_400_000.5, file_version="brain.Event:2").SerializeToString()
    path.write_bytes(b"".join(map(events._record, (head, *payloads))))
    return path


@pytest.fixture
def file(tmp_path):
    """Returns where the tests write an event file."""
    return tmp_path / "events.out.tfevents.1.host"


def names(run):
    """Returns the function names of a run and how many traces each has."""
    return {name: len(function.traces) for name, function in run.functions.items()}


def read_folder(folder):
    """Reads a log folder."""
    return read_event_folder(folder, *event_files(folder))


@pytest.mark.parametrize("plugin", ["graph_run_metadata", "graph_run_metadata_graph"])
def test_a_function_has_its_graph_before_and_after_grappler(file, plugin):
    """What trace_export writes is a trace named after its tag, traced and optimized."""
    run = read_event_file(write(file, tag("step", plugin, functions(("a/x:Mul  y:Add<-a/x", "y:Add")))))
    [trace] = run.traces

    assert (trace.id, trace.name, trace.calls, trace.seconds) == ("000-step", "step", None, None)
    assert (trace.graph, trace.stage("optimized")) == (graph("a/x:Mul  y:Add<-a/x"), graph("y:Add"))
    assert trace.stages["source"] == "an event file does not hold it"
    assert (run.path, run.status, run.scenario, run.started) == (
        str(file),
        "complete",
        "event file",
        "2026-11-23T02:13:20.500+00:00",
    )


def test_eager_operations_do_not_bury_the_function(file):
    """The functions come first, the largest at the front; what eager operations left is kept behind them."""
    content = functions((EAGER, ""), (EAGER, ""), ("x:Relu  z:Identity<-x", ""), ("a:Relu  b:Relu  c:Tanh", ""))
    run = read_event_file(write(file, tag("step", "graph_run_metadata", content)))

    assert names(run) == {"step": 1, "step (2)": 1, "step (Fill)": 2}
    assert [trace.graph.nodes.names for trace in run.traces][:2] == [["a", "b", "c"], ["x", "z"]]
    assert {(trace.origin, trace.cause) for trace in run.functions["step (Fill)"].traces} == {
        ("tensorflow", "eager operation")
    }


def test_a_function_of_one_node_is_no_eager_operation(file):
    """One node that is not named like its op, or stands alone, is a function."""
    run = read_event_file(write(file, tag("f", "graph_run_metadata", functions(("x:Relu", ""), ("Add:Add", "")))))

    assert names(run) == {"f": 1, "f (2)": 1}


def test_a_graph_may_be_there_in_one_stage_only(file):
    """A function without the graph before Grappler has no traced stage, and says why."""
    [trace] = read_event_file(write(file, tag("f", "graph_run_metadata", functions(("", "x:Add"))))).traces

    assert (trace.stages["traced"], trace.stage("optimized")) == ("an event file does not hold it", graph("x:Add"))


def test_a_keras_model_is_a_graph_of_layers(file):
    """The JSON that Keras' callback writes becomes the graph of its layers."""
    [trace] = read_event_file(write(file, tag("keras", "graph_keras_model", KERAS_JSON.encode()))).traces

    assert [(node.name, node.op) for node in trace.graph.nodes] == [("ReLU", "ReLU")]
    assert trace.stages["optimized"] == "a Keras model's JSON tells of layers, not of operations"


def test_the_run_graph_has_no_tag(file):
    """The graph of `tf.summary.graph` is shown under TensorBoard's name for it."""
    event = event_pb2.Event(graph_def=graph_def("x:Mul", f="y:Add").SerializeToString()).SerializeToString()

    assert [(t.name, t.graph) for t in read_event_file(write(file, event)).traces] == [
        ("run graph", graph("x:Mul", f="y:Add"))
    ]


def test_a_tag_that_is_written_again_is_another_trace(file):
    """Two steps of one tag are both there, where TensorBoard shows the last."""
    texts = ("x:Mul", "x:Add")
    run = read_event_file(write(file, *(tag("f", "graph_run_metadata", functions((text, ""))) for text in texts)))

    assert names(run) == {"f": 2}
    assert [trace.graph for trace in run.traces] == [graph("x:Mul"), graph("x:Add")]


def test_each_subfolder_is_a_run_of_its_own(tmp_path):
    """A graph's name begins with the subfolder that its file lies in."""
    write(tmp_path / "events.out.tfevents.1", tag("f", "graph_run_metadata", functions(("x:Mul", ""))))
    write(tmp_path / "b/train/events.out.tfevents.1", tag("keras", "graph_keras_model", KERAS_JSON.encode()), scalar())
    write(tmp_path / "b/validation/events.out.tfevents.1", scalar())
    (tmp_path / "b/train/notes.txt").write_text("not an event file")
    run = read_folder(tmp_path)

    assert (names(run), run.scenario, run.warnings) == ({"b/train/keras": 1, "f": 1}, "TensorBoard logs", ())


def test_graphs_are_read_when_they_are_asked_for(file, monkeypatch):
    """Opening decodes no graph that is larger than an eager operation's."""
    text = "  ".join(f"node_{number}:Add" for number in range(500))
    write(file, tag("f", "graph_run_metadata", functions((text, ""))), tag("k", "graph_keras_model", b"not read"))
    parsed = []
    monkeypatch.setattr("tracer.store.foreign.event_files.read_graph", lambda content, _: parsed.append(len(content)))
    run = read_event_file(file)
    assert parsed == []

    run.traces[0].stage("traced")
    assert len(parsed) == 1


def test_a_torn_tail_is_a_warning(file):
    """A file that its writer did not finish is shown as far as it goes."""
    write(file, tag("f", "graph_run_metadata", functions(("x:Mul", ""))))
    end = file.stat().st_size
    file.write_bytes(file.read_bytes() + events._record(scalar())[:-3])
    run = read_event_file(file)

    assert names(run) == {"f": 1}
    assert run.warnings == (
        Warned("torn", f"{file} ends inside the record at byte {end}", "its writer was cut off; the rest is good"),
    )


def test_a_wrong_checksum_names_file_and_offset(file):
    """What stands before the damage is shown, and the damage is a warning."""
    write(file, tag("f", "graph_run_metadata", functions(("x:Mul", ""))))
    begin = file.stat().st_size
    content = bytearray(file.read_bytes() + events._record(scalar()))
    content[begin + 14] ^= 1
    file.write_bytes(content)

    run = read_event_file(file)

    assert names(run) == {"f": 1}
    assert [(warned.code, warned.message) for warned in run.warnings] == [
        ("damaged", f"{file}: wrong checksum at byte {begin}")
    ]


def test_a_file_that_is_damaged_before_its_first_graph_is_unreadable(file):
    """Where nothing could be read, the damage is the error."""
    write(file, scalar(), tag("f", "graph_run_metadata", functions(("x:Mul", ""))))
    content = bytearray(file.read_bytes())
    content[14] ^= 1
    file.write_bytes(content)

    with pytest.raises(Unreadable) as caught:
        read_event_file(file)
    assert caught.value.message == f"{file}: wrong checksum at byte 0"


def test_a_damaged_file_beside_good_ones_is_a_warning(tmp_path):
    """The good files of a folder are shown; the bad one is named."""
    write(tmp_path / "a/events.out.tfevents.1", tag("f", "graph_run_metadata", functions(("x:Mul", ""))))
    bad = tmp_path / "b/events.out.tfevents.1"
    write(bad).write_bytes(b"\0" * 64)
    run = read_folder(tmp_path)

    assert names(run) == {"a/f": 1}
    assert [(warned.code, warned.message) for warned in run.warnings] == [
        ("damaged", f"{bad}: wrong checksum at byte 0")
    ]


def test_a_folder_of_damaged_files_is_unreadable(tmp_path):
    """Where no file is good, the first one's damage is the error."""
    bad = write(tmp_path / "events.out.tfevents.1")
    bad.write_bytes(b"\0" * 64)

    with pytest.raises(Unreadable) as caught:
        read_folder(tmp_path)
    assert caught.value.message == f"{bad}: wrong checksum at byte 0"


@pytest.mark.parametrize(
    ("payloads", "because"),
    [
        ([], "it has 1 event"),
        ([scalar(), b""], "it has 3 events"),
        ([tag("f", "graph_run_metadata", b"")], "tag 'f': its graph is empty"),
        (
            [tag("f", "graph_run_metadata", b"\xff")],
            "tag 'f': {file} is no RunMetadata: it ends inside the field at byte 0",
        ),
        ([tag("graph_x", "images", b"")], "it has 2 events"),
    ],
)
def test_an_event_file_without_a_graph_says_what_it_has(file, payloads, because):
    """Scalars alone, and tags whose graph is empty or damaged, are no run; the error says which."""
    write(file, *payloads)

    with pytest.raises(Unreadable) as caught:
        read_event_file(file)
    assert caught.value.message == f"{file} holds no graph: " + because.format(file=file)


def test_an_empty_event_file_holds_no_graph(file):
    """A file that its writer never came to fill is named as such."""
    file.touch()

    with pytest.raises(Unreadable) as caught:
        read_event_file(file)
    assert caught.value.message == f"{file} holds no graph: it has 0 events"


def test_a_damaged_tag_beside_good_ones_is_a_warning(file):
    """One tag that cannot be read takes no other with it."""
    good = tag("good", "graph_run_metadata", functions(("x:Mul", "")))
    run = read_event_file(write(file, tag("bad", "graph_run_metadata", b""), good))

    assert (names(run), run.warnings[0].message) == ({"good": 1}, "tag 'bad': its graph is empty")


@pytest.mark.parametrize("name", ["", "../../x", "a\nb", "<script>", "\u202eabc", "x" * 5000])
def test_a_tag_may_have_any_name(file, name):
    """Names come back as they are; ids stay file names."""
    [trace] = read_event_file(write(file, tag(name, "graph_run_metadata", functions(("x:Mul", ""))))).traces

    assert trace.name == name
    assert trace.id.startswith("000-")
    assert "/" not in trace.id
    assert len(trace.id) <= 64


def test_a_tag_that_is_no_utf8_is_escaped(file):
    """Bytes of a name that are no text are shown as such."""
    payload = tag("XX", "graph_run_metadata", functions(("x:Mul", ""))).replace(b"XX", b"\xff\xfe")

    assert list(read_event_file(write(file, payload)).functions) == ["\\xff\\xfe"]


def test_a_folder_name_that_is_no_utf8_is_escaped(tmp_path):
    """Files whose names are no text are read, and named so that they can be printed."""
    folder = os.fsdecode(os.fsencode(str(tmp_path)) + b"/\xff")
    os.mkdir(folder)  # noqa: PTH102  # the name is no text
    content = write(tmp_path / "x", tag("f", "graph_run_metadata", functions(("x:Mul", "")))).read_bytes()
    with open(f"{folder}/events.out.tfevents.1", "wb") as file:  # noqa: PTH123
        file.write(content)

    assert list(read_folder(tmp_path).functions) == ["\\xff/f"]


def test_a_link_that_leads_back_is_followed_once(tmp_path):
    """A loop of links ends, and each file is read once."""
    write(tmp_path / "a/events.out.tfevents.1", tag("f", "graph_run_metadata", functions(("x:Mul", ""))))
    (tmp_path / "a/loop").symlink_to(tmp_path)

    assert names(read_folder(tmp_path)) == {"a/f": 1}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_flipped_bit_is_an_error_of_ours(tmp_path_factory, data):
    """Whichever bit of an event file is wrong, it is named as damaged or torn, and the rest is shown."""
    path = tmp_path_factory.mktemp("flip") / "events.out.tfevents.1"
    write(
        path,
        tag("f", "graph_run_metadata", functions(("x:Mul", ""))),
        tag("k", "graph_keras_model", KERAS_JSON.encode()),
    )
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)

    try:
        run = read_event_file(path)
        found, [message] = names(run), [warned.message for warned in run.warnings]
    except Unreadable as error:
        found, message = {}, error.message

    assert "wrong checksum at byte" in message
    assert found in ({}, {"f": 1})  # the damage may be in the second tag


def outcome(path):
    """Returns what comes of reading all of a file: `read`, or the name of an error of ours."""
    try:
        for trace in read_event_file(path).traces:
            trace.stage("traced")
    except TracerError as error:
        return type(error).__name__
    return "read"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60))
def test_a_tag_of_any_content_is_read_or_an_error_of_ours(tmp_path_factory, content):
    """Whole records with senseless content give a run or an error of ours, at opening or at reading."""
    path = tmp_path_factory.mktemp("any") / "events.out.tfevents.1"
    write(path, *(tag("f", plugin, content) for plugin in ("graph_run_metadata", "graph_keras_model")), content)

    assert outcome(path) in ("read", "Unreadable", "NotFound")
