"""Single files: what one is, by its content, and the run that it becomes."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from tracer.collector import paused_collector
from tracer.errors import Unreadable
from tracer.graph.model import Graph
from tracer.recorded import Run
from tracer.store.foreign.event_files import MARK, read_event_file
from tracer.store.foreign.keras_json import keras_graph
from tracer.store.foreign.saved_model import MODEL_FILE, saved_model_run
from tracer.store.foreign.values import Found, foreign_run, read_bytes, shown
from tracer.store.graph_def import graph_of, parse_message
from tracer.text import one_line

READS = (
    "event files (*tfevents*), GraphDef .pb and .pbtxt, MetaGraphDef .meta and .meta.pbtxt, saved_model.pb, "
    "the JSON of a Keras model"
)
_RECORD = "trace-scenario run FILE records it"
# First bytes, their offset, what a file with them is, and what to do about it.
_OTHERS = (
    (b"\x89HDF\r\n\x1a\n", 0, "an HDF5 file: Keras weights, or a whole model", _RECORD),
    (b"PK\x03\x04", 0, "a zip archive, such as Keras 3's .keras files", f"of a .keras file, {_RECORD}"),
    (b"TFL3", 4, "a TensorFlow Lite model: it holds no GraphDef", "read the SavedModel that it was made from"),
    (b"\x1f\x8b", 0, "compressed with gzip", "unpack it: gunzip FILE"),
)
# What a GraphDef or a MetaGraphDef as text begins with, comments apart.
_FIELD = re.compile(r"(?:\s|#[^\n]*\n)*(?P<name>node|library|versions|version|meta_info_def|graph_def)\s*[:{]")
_AGAIN = "the file is damaged, or of another kind"
_HEAD = 4096  # bytes that are looked at
_META = ("meta_info_def", "graph_def")


def read_file(path: Path) -> Run:
    """Returns the run of a single file: an event file by its name, anything else by its content.

    Raises:
      Unreadable: it may not be read, is damaged, or is of a kind that holds no graph; the message says which.
    """
    if MARK in path.name and path.is_file():
        return read_event_file(path)
    content = read_bytes(path)
    if not content:
        raise Unreadable(f"{path} is empty", hint="its writer was cut off; make the file again")
    for mark, offset, kind, hint in _OTHERS:
        if content[offset : offset + len(mark)] == mark:
            raise Unreadable(f"{path} is {kind}", hint=hint)
    if path.name.endswith(".xplane.pb"):
        raise Unreadable(f"{path} is a profile: it holds events, and no graph", hint="name the run that it belongs to")
    text = _as_text(content)
    return _read_text(path, text) if text is not None else _read_message(path, content)


def _read_message(path: Path, content: bytes) -> Run:
    """Reads a file of one message. All of them begin alike, so each kind is tried, and has to make sense."""
    problems = []
    for kind, read in _MESSAGES.items():
        try:
            message = parse_message(kind, content, path)
        except Unreadable as error:
            problems.append(error.message)
            continue
        run = read(path, message)
        if run is not None:
            return run
    if path.name == MODEL_FILE:
        raise Unreadable(
            next((text for text in problems if "SavedModel" in text), f"{path} is no SavedModel"), hint=_AGAIN
        )
    because = problems[0].partition(" is no GraphDef: ")[2] if problems else "its fields are of another message"
    raise Unreadable(
        f"{path} is no GraphDef, SavedModel or MetaGraphDef: {because}",
        hint=f"it is damaged, or of another kind; read are: {READS}",
    )


def _as_graph_def(path: Path, message: Any) -> Run | None:
    named = any(node.name and node.op for node in message.node)
    if not named and not any(function.signature.name for function in message.library.function):
        return None

    def read() -> Graph:
        with paused_collector():
            return graph_of(message)

    return _graph_run(path, read)


def _as_saved_model(path: Path, message: Any) -> Run | None:
    models = message.meta_graphs
    return saved_model_run(path, "SavedModel", models) if any(_has_graph(model) for model in models) else None


def _as_meta_graph(path: Path, message: Any) -> Run | None:
    return saved_model_run(path, "MetaGraphDef", [message]) if _has_graph(message) else None


def _has_graph(meta_graph: Any) -> bool:
    graph = meta_graph.graph_def
    return any(node.op for node in graph.node) or any(item.signature.name for item in graph.library.function)


_MESSAGES: dict[str, Callable[[Path, Any], Run | None]] = {
    "GraphDef": _as_graph_def,
    "SavedModel": _as_saved_model,
    "MetaGraphDef": _as_meta_graph,
}


def _graph_run(path: Path, read: Callable[[], Graph], kind: str = "GraphDef") -> Run:
    graph = cache(read)
    return foreign_run(path, kind, [Found(shown(path.stem), {"traced": graph}, f"a {kind} does not hold it")])


def _as_text(content: bytes) -> str | None:
    """Returns the content if it is text; a message has control characters in its first bytes."""
    head = content[:_HEAD]
    if any(byte == 127 or (byte < 32 and byte not in b"\t\n\r\f") for byte in head):
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _read_text(path: Path, text: str) -> Run:
    if text.lstrip().startswith("{"):
        graph = keras_graph(text.encode("utf-8", "surrogatepass"), path)
        return _graph_run(path, lambda: graph, "Keras model's JSON")
    begin = _FIELD.match(text)
    if not begin:
        raise Unreadable(f"{path} is text, but no GraphDef as text", hint=f"read are: {READS}")
    kind = "MetaGraphDef" if begin["name"] in _META else "GraphDef"
    return _read_message(path, _encoded(path, kind, text))


def _encoded(path: Path, kind: str, text: str) -> bytes:
    """Returns a message in protobuf's text format as bytes, which all else reads."""
    from google.protobuf import text_format
    from tensorboard.compat.proto import graph_pb2, meta_graph_pb2

    message = graph_pb2.GraphDef() if kind == "GraphDef" else meta_graph_pb2.MetaGraphDef()
    try:
        text_format.Parse(text, message)
    except (text_format.ParseError, RecursionError, UnicodeError) as error:
        raise Unreadable(f"{path} is no {kind} as text: {one_line(str(error), 200)}", hint=_AGAIN) from None
    return bytes(message.SerializeToString())
