"""Files that are empty, cut off, damaged, of another kind, or no files."""

import copy
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hostile import wire as w
from tests.hostile.graphs import NAMES, named
from tests.hostile.test_data import recorded
from tests.hostile.test_graphs import command
from tests.hostile.verbs import outcome, survives
from tests.unit.test_foreign_events import functions, scalar, tag, write
from tests.unit.test_foreign_keras import keras2, keras3, layer, model
from tests.unit.test_foreign_saved_model import meta_graph, saved_model
from tracer.errors import Unreadable
from tracer.store.events import GRAPH, KERAS
from tracer.store.graph_def import read_graph

NAMED = ("x.pb", "x.pbtxt", "x.json", "saved_model.pb", "events.out.tfevents.1", "x.xplane.pb", "x")
CONTENTS = {
    "empty": b"",
    "zeros": b"\0" * 1_000,
    "ones": b"\xff" * 3_000_000,  # one number, for who reads numbers without an end
    "fields": b"\x08\x01" * 300_000,
    "text": b"hello\n" * 10,
    "object": b"{}",
    "list": b"[]",
    "brace": b"{",
    "deep object": b'{"a":' * 100_000,
    "deep list": b"[" * 100_000,
    "deep text": b"node {" * 5_000,
    "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01",
    "zip": b"PK\x03\x04\x14\0\0\0\x08\0",
    "gzip": b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
    "elf": b"\x7fELF\x02\x01\x01" + bytes(57),
    "utf-16": "node { }".encode("utf-16"),
}
HEAVY = settings(max_examples=25)  # all commands on each


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder for files that are written again and again."""
    return tmp_path_factory.mktemp("files")


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize("name", NAMED)
def test_a_file_of_another_kind_is_unreadable(name, content, tmp_path):
    """Whatever its name says: the error names the file, and what is read."""
    path = tmp_path / name
    path.write_bytes(content)

    assert outcome(path) == "Unreadable"


def test_what_is_no_file_is_unreadable_or_not_found(tmp_path):
    """Pipes, devices, folders and links that lead nowhere end no command, and keep none waiting."""
    fifo, loop, dangling, inner = (tmp_path / name for name in ("fifo", "loop", "dangling", "folder/saved_model.pb"))
    os.mkfifo(fifo)
    loop.symlink_to(loop)
    dangling.symlink_to(tmp_path / "nowhere")
    inner.mkdir(parents=True)
    events = tmp_path / "events"
    events.mkdir()
    os.mkfifo(events / "events.out.tfevents.1")
    (events / "events.out.tfevents.2").symlink_to("/dev/zero")
    (events / "up").symlink_to("..")

    for path in (fifo, "/dev/zero", "/dev/null", inner, inner.parent, events):
        assert outcome(path) == "Unreadable"
    for path in (loop, dangling, tmp_path / "nowhere", "a\0b", "x" * 5_000, "\udcff"):
        assert outcome(path) == "NotFound"


@pytest.mark.parametrize("size", [(1 << 31) + 10, 5 << 30])
def test_a_message_that_no_reader_takes_is_refused_by_its_size(size, tmp_path):
    """More than 2 GB is refused before it is read; the file here is sparse, so it takes no space."""
    path = tmp_path / "large.pb"
    path.write_bytes(b"\x0a\xf0\xff\xff\xff\x07")
    os.truncate(path, size)

    done, seconds = command("show", path)
    assert done.returncode == 4
    assert "a protobuf message cannot have more than 2 GB" in done.stderr
    assert seconds < 5


def test_a_graph_that_is_cut_off_anywhere_is_unreadable_or_what_is_left():
    """At every byte: the nodes before it if it is between two of them, else an error that says where it ends."""
    nodes = [w.field(1, w.node(f"n{number}", "Relu", ("x",), T=w.a_type(1))) for number in range(4)]
    whole = b"".join(nodes)
    for end in range(1, len(whole)):
        if end % len(nodes[0]) == 0:
            assert len(read_graph(whole[:end], "graph.pb").nodes) == end // len(nodes[0])
        else:
            start = end // len(nodes[0]) * len(nodes[0])
            with pytest.raises(Unreadable, match=f"graph.pb is no GraphDef: it ends inside the field at byte {start}"):
                read_graph(whole[:end], "graph.pb")


@HEAVY
@given(st.data())
def test_a_damaged_event_file_is_told_or_shown(folder, data):
    """Bits that flip in a record with a right checksum, so that they get as far as they can."""
    metadata = functions(("x:_Arg  net/y:MatMul<-x  z:_Retval<-net/y", "x:_Arg  y:Mul<-x"))
    payloads = [tag("step", GRAPH, metadata), scalar(), tag("keras", KERAS, json.dumps(sequential()).encode())]
    chosen = data.draw(st.sampled_from((0, 2)))
    payloads[chosen] = data.draw(damaged(payloads[chosen]))
    survives(write(folder / "events.out.tfevents.1", *payloads))


@HEAVY
@given(st.data())
def test_a_damaged_saved_model_is_told_or_shown(folder, data):
    """Wherever the bits flip: in the graph, in a signature, among the objects."""
    path = saved_model(folder / "saved_model.pb", meta_graph())
    path.write_bytes(data.draw(damaged(path.read_bytes())))
    survives(path)


@HEAVY
@given(st.data())
def test_a_keras_model_with_other_values_is_told_or_shown(folder, data):
    """Each value of the JSON may be of another type, or gone."""
    facts = data.draw(st.sampled_from((sequential, functional, functional2)))()
    path = folder / "model.json"
    path.write_text(json.dumps(data.draw(mutated(facts))))
    survives(path)


@HEAVY
@given(st.data())
def test_a_damaged_run_is_told_or_shown(folder, data):
    """Each value of `run.json` and of `trace.json`, and each bit of the graph."""
    inner = folder / "logs"
    run = inner / "demo" / "20261123-021530"
    if not run.exists():
        recorded(inner)
    files = [run / "run.json", run / "functions/000-f/trace.json", run / "functions/000-f/graph.pb"]
    whole = [file.read_bytes() for file in files]
    try:
        for file, content in zip(files, whole, strict=True):
            if file.suffix == ".json":
                odd = {**json.loads(RUN if file.name == "run.json" else TRACE), **json.loads(content)}
                file.write_text(json.dumps(data.draw(st.one_of(st.just(odd), mutated(odd)))))
            else:
                file.write_bytes(data.draw(st.one_of(st.just(content), damaged(content))))
        survives(run, inner)
    finally:
        for file, content in zip(files, whole, strict=True):
            file.write_bytes(content)


@pytest.mark.parametrize("arguments", [["show"], ["lint"], ["export", "--format", "csv"]], ids=" ".join)
def test_a_terminal_gets_no_codes_of_a_file(arguments, tmp_path):
    """On a terminal, names of nodes and of the file cannot move the cursor or set a colour; ours can."""
    path = tmp_path / "\x1b[5mgraph.pb"
    path.write_bytes(named(NAMES["escape"]))

    shown = on_terminal(*arguments, path)
    assert b"\x1b[5m" not in shown
    assert b"\x1b]0;" not in shown
    assert b"\x1b[2J" not in shown
    assert b"graph.pb" in shown or b"red" in shown


def test_an_error_is_one_line_without_codes(tmp_path):
    """A file's name may hold line breaks and terminal codes, and may be as long as any name."""
    done, _ = command("show", tmp_path / ("\x1b[31mno\nsuch" + "x" * 3_000))
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 2
    assert "\x1b" not in done.stderr
    assert len(done.stderr.splitlines()[0]) < 1_100


def test_an_encoding_without_the_characters_is_no_error(tmp_path):
    """Where stdout is ASCII, what it cannot hold is escaped."""
    path = tmp_path / "graph.pb"
    path.write_bytes(named(NAMES["right to left"]))
    done = subprocess.run(
        [str(Path(sys.executable).with_name("trace-scenario")), "show", str(path)],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u05e9" in done.stdout


RUN = json.dumps(
    {
        "parameters": {"a": "1"},
        "versions": {"tensorflow": "2.21.0"},
        "host": {"cpus": 2},
        "seconds": 1.5,
        "window": {"steps": 5, "warmup": 1, "wall_ns": 100},
        "calls": [{"name": "f", "status": "raised", "error": "no"}],
        "warnings": [{"code": "no-profile", "message": "m", "hint": "h"}],
        "traces": {"000-f": {"calls": 1, "missing": {"hlo": "no"}}},
        "process": {"pid": 1, "started": 1, "host": "here"},
        "steps": 5,
        "functions": 1,
        "bytes": 100,
        "error": "",
        "traceback": "",
    }
)
TRACE = json.dumps(
    {
        "arguments": [{"name": "x", "type": "float32[3]"}],
        "captures": [{"node": "x", "name": "w:0", "type": "float32[3]", "trainable": True, "kind": "variable"}],
        "definition": {"file": "user.py", "line": 1, "function": "f"},
        "call_site": {"file": "user.py", "line": 3, "function": "<module>"},
        "seconds": 0.5,
        "kind": "inference",
        "origin": "user",
        "missing": {"hlo": "no"},
        "lines": {"files": ["user.py"], "frames": [[0, 2, "f"]], "stacks": [[0]], "nodes": {"": {"net/y": 0}}},
    }
)


def sequential():
    """Returns a Sequential model."""
    return model(layer("a", units=3, build=[None, 4]), layer("b", units=1, activation="relu"), kind="Sequential")


def functional():
    """Returns a functional model of Keras 3."""
    layers = [
        layer("a", "InputLayer", inbound=[]),
        layer("b", inbound=[keras3("a")]),
        layer("c", inbound=[keras3("b", "a")]),
    ]
    return model(*layers, input_layers=[["a", 0, 0]], output_layers=[["c", 0, 0]])


def functional2():
    """Returns a functional model of Keras 2."""
    layers = [
        layer("a", "InputLayer", inbound=[]),
        layer("b", inbound=[keras2("a")]),
        layer("c", inbound=[keras2("b", "a")]),
    ]
    return model(*layers, input_layers=[["a", 0, 0]], output_layers=[["c", 0, 0]])


def damaged(content):
    """Returns a strategy: the content with bits flipped, bytes gone or new ones in it."""
    places = st.integers(0, len(content) - 1)
    flips = st.lists(st.tuples(places, st.integers(0, 7)), min_size=1, max_size=5)
    return st.one_of(
        flips.map(lambda found: _flipped(content, found)),
        places.map(lambda at: content[:at]),
        st.tuples(places, st.binary(max_size=4)).map(
            lambda found: content[: found[0]] + found[1] + content[found[0] + 1 :]
        ),
    )


def _flipped(content, flips):
    changed = bytearray(content)
    for at, bit in flips:
        changed[at] ^= 1 << bit
    return bytes(changed)


ODD = (
    None,
    0,
    -1,
    1.5,
    1e308,
    2**70,
    True,
    "",
    "x",
    "\x1b[31m",
    "\ud800",
    [],
    {},
    [1],
    {"a": 1},
    [[]],
    [{}],
    "9" * 5_000,
)


@st.composite
def mutated(draw, facts):
    """JSON with one or two of its values replaced or gone."""
    facts = json.loads(json.dumps(facts))
    for _ in range(draw(st.integers(1, 2))):
        holder, key = draw(st.sampled_from(list(_places(facts))))
        if draw(st.booleans()):
            holder[key] = copy.deepcopy(draw(st.sampled_from(ODD)))
        else:
            del holder[key]
        if not facts:
            break
    return facts


def _places(value):
    rows = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in rows:
        yield value, key
        yield from _places(inner)


def on_terminal(*arguments):
    """Returns what the command writes to a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("trace-scenario")), *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    os.close(theirs)
    written = b""
    try:
        while True:
            part = os.read(ours, 65_536)
            if not part:
                break
            written += part
    except OSError:  # Linux says so that the other end is closed
        pass
    os.close(ours)
    process.wait(timeout=60)
    return written
