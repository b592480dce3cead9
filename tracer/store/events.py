"""TensorBoard's event files: TFRecords of `Event` messages.

A record is: length (uint64), masked CRC32C of the length (uint32), payload, masked CRC32C of the payload (uint32), all
little-endian. Source: tensorflow/core/lib/io/record_writer.h.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import google_crc32c

from tracer.errors import Unreadable
from tracer.store import layout
from tracer.store.files import write_bytes

# Plugin names that TensorBoard's graph dashboard reads (tensorboard/plugins/graph/metadata.py).
GRAPH = "graph_run_metadata_graph"  # a RunMetadata of which only the graph counts
GRAPH_AND_STATS = "graph_run_metadata"  # graph and step stats
KERAS = "graph_keras_model"  # the JSON of a Keras model


class TornTail(Unreadable):
    """The file ends in the middle of a record: its writer was cut off. What came before is good."""


def graph_events(
    graphs: dict[str, bytes], models: dict[str, str] | None = None, stats: Mapping[str, bytes] | None = None
) -> bytes:
    """Returns an event file with one tag for each graph, one function graph in each tag.

    Args:
      graphs: a serialized GraphDef for each tag, in the order of writing.
      models: the JSON of a Keras model for each further tag, from which TensorBoard draws a conceptual graph.
      stats: serialized StepStats, what the nodes took, for those of the graphs' tags of which it is known.
    """
    from tensorboard.compat.proto import event_pb2

    now = time.time()
    records = [_record(event_pb2.Event(wall_time=now, file_version="brain.Event:2").SerializeToString())]
    known = stats or {}
    records += [_record(_graph_event(now, tag, graph_def, known.get(tag, b""))) for tag, graph_def in graphs.items()]
    records += [_record(_event(now, tag, KERAS, json.encode())) for tag, json in (models or {}).items()]
    return b"".join(records)


def write_graph_events(
    folder: Path,
    graphs: dict[str, bytes],
    models: dict[str, str] | None = None,
    stats: Mapping[str, bytes] | None = None,
    *,
    host: str,
) -> Path:
    """Writes the event file of a run, as `graph_events` makes it, and returns its path."""
    path = folder / f"{layout.EVENT_PREFIX}{int(time.time())}.{layout.slug(host)}"
    write_bytes(path, graph_events(graphs, models, stats))
    return path


def read_records(path: Path) -> Iterator[bytes]:
    """Yields the payloads of a TFRecord file.

    Raises:
      TornTail: behind the last whole record, if a piece of another follows.
      Unreadable: a checksum is wrong, at the offset that the message names.
    """
    return (payload for _, payload in scan_records(path))


def scan_records(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yields offset and payload of each record; only one is held at a time. Raises as `read_records`."""
    with _opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        offset = 0
        while offset < size:
            payload = _record_at(file, path, offset, size)
            yield offset, payload
            offset += 16 + len(payload)


def read_record(path: Path, offset: int) -> bytes:
    """Returns the payload of the record at an offset that `scan_records` gave. Raises as `read_records`."""
    with _opened(path) as file:
        file.seek(offset)
        return _record_at(file, path, offset, os.fstat(file.fileno()).st_size)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb", buffering=1 << 20) as file:
            yield file
    except OSError as error:
        raise Unreadable(f"cannot read {path}: {error.strerror}", hint="check the path and its permissions") from error


def _record_at(file: BinaryIO, path: Path, offset: int, size: int) -> bytes:
    head = file.read(12)
    if len(head) < 12:
        raise _torn(path, offset)
    length, checksum = struct.unpack("<QI", head)
    if _masked_crc(head[:8]) != checksum:
        raise _corrupt(path, offset)
    if length > size - offset - 16:  # not read: a length may say anything
        raise _torn(path, offset)
    payload = file.read(length)
    if struct.pack("<I", _masked_crc(payload)) != file.read(4):
        raise _corrupt(path, offset)
    return payload


def read_graph_tags(path: Path) -> dict[str, Any]:
    """Returns the RunMetadata message of each tag of the graph plugins in an event file.

    Raises:
      Unreadable: as `read_records`, or its records are whole but no events.
    """
    from tensorboard.compat.proto import config_pb2

    return _tags(path, (GRAPH, GRAPH_AND_STATS), config_pb2.RunMetadata.FromString)


def read_model_tags(path: Path) -> dict[str, str]:
    """Returns the JSON of the Keras model in each tag that has one. Raises as `read_graph_tags`."""
    return _tags(path, (KERAS,), lambda content: content.decode("utf-8", "replace"))


def _tags(path: Path, plugins: Container[str], read: Callable[[bytes], Any]) -> dict[str, Any]:
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto import event_pb2

    tags = {}
    try:
        for payload in read_records(path):
            for value in event_pb2.Event.FromString(payload).summary.value:
                if value.metadata.plugin_data.plugin_name in plugins:
                    tags[value.tag] = read(value.tensor.string_val[0])
    except (DecodeError, IndexError):
        raise Unreadable(f"{path} holds records that are no events", hint="name an event file of TensorBoard") from None
    return tags


def _graph_event(wall_time: float, tag: str, graph_def: bytes, stats: bytes) -> bytes:
    from tensorboard.compat.proto import config_pb2

    metadata = config_pb2.RunMetadata()
    metadata.function_graphs.add().pre_optimization_graph.MergeFromString(graph_def)
    if stats:
        metadata.step_stats.MergeFromString(stats)
    return _event(wall_time, tag, GRAPH_AND_STATS if stats else GRAPH, metadata.SerializeToString())


def _event(wall_time: float, tag: str, plugin_name: str, content: bytes) -> bytes:
    from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2

    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=[content])
    plugin = summary_pb2.SummaryMetadata.PluginData(plugin_name=plugin_name, content=b"1")
    value = summary_pb2.Summary.Value(tag=tag, tensor=tensor, metadata=summary_pb2.SummaryMetadata(plugin_data=plugin))
    event = event_pb2.Event(wall_time=wall_time, step=0, summary=summary_pb2.Summary(value=[value]))
    return event.SerializeToString()  # type: ignore[no-any-return]  # protobuf's stubs say Any


def _record(payload: bytes) -> bytes:
    length = struct.pack("<Q", len(payload))
    return b"".join((length, struct.pack("<I", _masked_crc(length)), payload, struct.pack("<I", _masked_crc(payload))))


def _masked_crc(data: bytes) -> int:
    crc: int = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _torn(path: Path, offset: int) -> TornTail:
    return TornTail(f"{path} ends inside the record at byte {offset}", hint="its writer was cut off; the rest is good")


def _corrupt(path: Path, offset: int) -> Unreadable:
    return Unreadable(f"{path}: wrong checksum at byte {offset}", hint="the file is damaged; record the run again")
