"""TensorBoard's log folders and event files.

Graphs stand in an event file in four ways, told apart by the plugin of their tag: `graph_run_metadata` and
`graph_run_metadata_graph` (what `tf.summary.trace_export` writes), `graph_keras_model` (a Keras model's JSON), and
`Event.graph_def` without a tag (`tf.summary.graph`, TensorFlow 1's `FileWriter`).
"""

from __future__ import annotations

import dataclasses
import datetime
import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from operator import itemgetter
from pathlib import Path

from tracer.errors import Unreadable
from tracer.graph.model import Graph
from tracer.graph.op_sets import FRAME_OPS
from tracer.recorded import Run, Warned
from tracer.store.events import GRAPH, GRAPH_AND_STATS, KERAS, TornTail, read_record, scan_records
from tracer.store.foreign.keras_json import keras_graph
from tracer.store.foreign.values import Found, foreign_run, shown
from tracer.store.graph_def import parse_message, read_graph
from tracer.text import plural

MARK = "tfevents"  # in the name of every event file (tensorboard/backend/event_processing/io_wrapper.py)
RUN_GRAPH = "run graph"  # what TensorBoard calls the graph that has no tag

_MISSING = "an event file does not hold it"
_SMALL = 4096  # bytes; the graph of one eager operation is smaller
_EMPTY = "trace_export has no graph of a function that ran before trace_on, or that is jit-compiled"
_SCALARS = "Keras writes a graph for Sequential and functional models only; record the program: trace-scenario run FILE"


@dataclasses.dataclass(slots=True)
class _Reading:
    """What was found in event files so far."""

    found: list[Found] = dataclasses.field(default_factory=list)
    warnings: list[Warned] = dataclasses.field(default_factory=list)
    damaged: list[Unreadable] = dataclasses.field(default_factory=list)
    started: float = 0.0  # the first event of all, in seconds since 1970
    records: int = 0


def event_files(folder: Path) -> tuple[list[Path], list[Warned]]:
    """Returns the event files in a folder and below it, by path, and which folders cannot be read.

    Links are followed, as TensorBoard does; a folder that two links lead to is read once.
    """
    files, seen, unread = [], set[tuple[int, int]](), list[OSError]()
    for parent, folders, names in os.walk(folder, onerror=unread.append, followlinks=True):
        status = Path(parent).stat()
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        folders.sort()
        seen.add((status.st_dev, status.st_ino))
        files += [path for name in names if MARK in name and (path := Path(parent, name)).is_file()]
    hint = "check its permissions"
    return sorted(files), [
        Warned("unread", f"cannot read {error.filename}: {error.strerror}", hint) for error in unread
    ]


def read_event_folder(folder: Path, files: Iterable[Path], warnings: Iterable[Warned] = ()) -> Run:
    """Returns the graphs of a log folder: each of its subfolders with event files is a run of TensorBoard's.

    Graphs are named after their tags, with the subfolder before it: `train/keras`. What stands before damage in a file
    is read, and the damage is a warning, as long as a graph was found.

    Raises:
      Unreadable: no graph was found; a damaged file is the reason, if there is one.
    """
    reading = _Reading(warnings=list(warnings))
    for file in files:
        below = shown(str(file.parent.relative_to(folder)))
        _read_file(reading, file, "" if below == "." else f"{below}/")
    return _run(folder, "TensorBoard logs", reading)


def read_event_file(path: Path) -> Run:
    """Returns the graphs of one event file, named after their tags.

    Raises:
      Unreadable: it holds no graph, or none before its damage.
    """
    reading = _Reading()
    _read_file(reading, path, "")
    return _run(path, "event file", reading)


def _run(path: Path, kind: str, reading: _Reading) -> Run:
    if not reading.found and reading.damaged:
        raise reading.damaged[0]
    if not reading.found:
        because = reading.warnings[0].message if reading.warnings else f"it has {plural(reading.records, 'event')}"
        raise Unreadable(f"{path} holds no graph: {because}", hint=_SCALARS)
    started = ""
    if 0 < reading.started < 1e11:  # what a damaged clock wrote is no date
        started = datetime.datetime.fromtimestamp(reading.started, datetime.timezone.utc).isoformat("T", "milliseconds")
    return foreign_run(path, kind, reading.found, warnings=reading.warnings, started=started)


def _read_file(reading: _Reading, path: Path, prefix: str) -> None:
    try:
        for offset, payload in scan_records(path):
            if not reading.records:
                reading.started = _wall_time(payload)
            reading.records += 1
            for found in _graphs(reading, path, offset, payload):
                reading.found.append(dataclasses.replace(found, name=prefix + found.name))
    except TornTail as torn:
        reading.warnings.append(Warned("torn", torn.message, torn.hint))
    except Unreadable as error:
        reading.damaged.append(error)
        reading.warnings.append(Warned("damaged", error.message, error.hint))


def _wall_time(payload: bytes) -> float:
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto import event_pb2

    try:
        return float(event_pb2.Event.FromString(payload).wall_time)
    except DecodeError:
        return 0.0


def _graphs(reading: _Reading, path: Path, offset: int, payload: bytes) -> Iterator[Found]:
    """Yields the graphs of one event; a tag whose content is damaged is a warning."""
    if not payload:
        return
    event = parse_message("Event", payload, path)
    if event.graph_def:
        yield Found(RUN_GRAPH, {"traced": partial(_run_graph, path, offset)}, _MISSING)
    if b"graph_" not in event.summary:  # scalars and images, of which there may be millions, are not looked into
        return
    for index, value in enumerate(parse_message("Summary", event.summary, path).value):
        read = _READERS.get(_plugin(value.metadata))
        if read is None:
            continue
        tag, place = _text(value.tag), _Place(path, offset, index)
        try:
            yield from read(tag, place, place.string(value.tensor))
        except Unreadable as error:
            reading.warnings.append(Warned("no-graph", f"tag '{tag}': {error.message}", error.hint))


@dataclasses.dataclass(frozen=True, slots=True)
class _Place:
    """Where a tag's content stands, so that it can be read again."""

    path: Path
    offset: int  # of the record
    index: int  # in the record's summary

    def content(self) -> bytes:
        """Reads it."""
        event = parse_message("Event", read_record(self.path, self.offset), self.path)
        return self.string(parse_message("Summary", event.summary, self.path).value[self.index].tensor)

    def string(self, tensor: bytes) -> bytes:
        """Returns the one string that a graph's summary has for its tensor."""
        from google.protobuf.message import DecodeError
        from tensorboard.compat.proto import tensor_pb2

        try:
            return bytes(tensor_pb2.TensorProto.FromString(tensor).string_val[0])
        except (DecodeError, IndexError):
            problem = f"{self.path}: the record at byte {self.offset} holds no graph"
            raise Unreadable(problem, hint="the file is damaged") from None


def _function_graphs(tag: str, place: _Place, content: bytes) -> Iterator[Found]:
    """Yields the functions of a tag, the largest first, and behind them what eager operations left."""
    functions, eager = [], []
    metadata = parse_message("RunMetadata", content, place.path) if content else None
    for number, pair in enumerate(metadata.function_graphs if metadata else ()):
        stages = {"traced": pair.pre_optimization_graph, "optimized": pair.post_optimization_graph}
        readers = {stage: partial(_function_graph, place, number, stage) for stage, data in stages.items() if data}
        op = _eager_op(pair.pre_optimization_graph, place.path)
        if op:
            facts = {"origin": "tensorflow", "cause": "eager operation"}
            eager.append(Found(f"{tag} ({op})", readers, _MISSING, facts))
        elif readers:
            functions.append((-max(map(len, stages.values())), number, readers))
    if not functions and not eager:
        raise Unreadable("its graph is empty", hint=_EMPTY)
    for position, (_, _, readers) in enumerate(sorted(functions, key=itemgetter(0, 1))):
        yield Found(f"{tag} ({position + 1})" if position else tag, readers, _MISSING)
    yield from eager


def _eager_op(content: bytes, path: Path) -> str:
    """Returns the op if the graph is what TensorFlow makes for one eager operation: one node, named like its op."""
    if len(content) >= _SMALL or not content:
        return ""
    nodes = parse_message("GraphDef", content, path).node
    inner = [node for node in nodes if _text(node.op) not in FRAME_OPS]
    alone = len(inner) == 1 and len(nodes) > 1 and inner[0].name == inner[0].op
    return _text(inner[0].op) if alone else ""


def _keras_model(tag: str, place: _Place, _: bytes) -> Iterator[Found]:
    def read() -> Graph:
        return keras_graph(place.content(), place.path)

    yield Found(tag, {"traced": read}, "a Keras model's JSON tells of layers, not of operations")


_READERS: dict[str, Callable[[str, _Place, bytes], Iterator[Found]]] = {
    GRAPH: _function_graphs,
    GRAPH_AND_STATS: _function_graphs,
    KERAS: _keras_model,
}


def _run_graph(path: Path, offset: int) -> Graph:
    return read_graph(parse_message("Event", read_record(path, offset), path).graph_def, path)


def _function_graph(place: _Place, number: int, stage: str) -> Graph:
    pair = parse_message("RunMetadata", place.content(), place.path).function_graphs[number]
    content = pair.pre_optimization_graph if stage == "traced" else pair.post_optimization_graph
    return read_graph(content, place.path)


def _plugin(metadata: bytes) -> str:
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto import summary_pb2

    try:
        return str(summary_pb2.SummaryMetadata.FromString(metadata).plugin_data.plugin_name)
    except DecodeError:
        return ""


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "backslashreplace")
