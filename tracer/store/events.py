"""TensorBoard's event files: TFRecords of `Event` messages.

A record is: length (uint64), masked CRC32C of the length (uint32), payload, masked CRC32C of the payload (uint32), all
little-endian. Source: tensorflow/core/lib/io/record_writer.h.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import google_crc32c

from tracer.errors import Unreadable
from tracer.store import layout
from tracer.store.files import write_bytes

# Plugin names that TensorBoard's graph dashboard reads (tensorboard/plugins/graph/metadata.py).
GRAPH = "graph_run_metadata_graph"  # a RunMetadata of which only the graph counts
GRAPH_AND_STATS = "graph_run_metadata"  # graph and step stats


class TornTail(Unreadable):
    """The file ends in the middle of a record: its writer was cut off. What came before is good."""


def graph_events(graphs: dict[str, bytes]) -> bytes:
    """Returns an event file with one tag for each graph, one function graph in each tag.

    Args:
      graphs: a serialized GraphDef for each tag, in the order of writing.
    """
    from tensorboard.compat.proto import event_pb2

    now = time.time()
    records = [_record(event_pb2.Event(wall_time=now, file_version="brain.Event:2").SerializeToString())]
    records += [_record(_graph_event(now, tag, graph_def)) for tag, graph_def in graphs.items()]
    return b"".join(records)


def write_graph_events(folder: Path, graphs: dict[str, bytes], *, host: str) -> Path:
    """Writes the event file of a run and returns its path."""
    path = folder / f"{layout.EVENT_PREFIX}{int(time.time())}.{layout.slug(host)}"
    write_bytes(path, graph_events(graphs))
    return path


def read_records(path: Path) -> Iterator[bytes]:
    """Yields the payloads of a TFRecord file.

    Raises:
      TornTail: behind the last whole record, if a piece of another follows.
      Unreadable: a checksum is wrong, at the offset that the message names.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Unreadable(f"cannot read {path}: {error.strerror}") from error
    offset = 0
    while offset < len(content):
        head = content[offset : offset + 12]
        if len(head) < 12:
            raise _torn(path, offset)
        length, checksum = struct.unpack("<QI", head)
        if _masked_crc(head[:8]) != checksum:
            raise _corrupt(path, offset)
        payload = content[offset + 12 : offset + 12 + length]
        tail = content[offset + 12 + length : offset + 16 + length]
        if len(payload) < length or len(tail) < 4:
            raise _torn(path, offset)
        if struct.pack("<I", _masked_crc(payload)) != tail:
            raise _corrupt(path, offset)
        yield payload
        offset += 16 + length


def read_graph_tags(path: Path) -> dict[str, Any]:
    """Returns the RunMetadata message of each tag of the graph plugins in an event file.

    Raises:
      Unreadable: as `read_records`, or its records are whole but no events.
    """
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto import config_pb2, event_pb2

    tags = {}
    try:
        for payload in read_records(path):
            for value in event_pb2.Event.FromString(payload).summary.value:
                if value.metadata.plugin_data.plugin_name in (GRAPH, GRAPH_AND_STATS):
                    tags[value.tag] = config_pb2.RunMetadata.FromString(value.tensor.string_val[0])
    except (DecodeError, IndexError):
        raise Unreadable(f"{path} holds records that are no events", hint="name an event file of TensorBoard") from None
    return tags


def _graph_event(wall_time: float, tag: str, graph_def: bytes) -> bytes:
    from tensorboard.compat.proto import config_pb2, event_pb2, summary_pb2, tensor_pb2, types_pb2

    metadata = config_pb2.RunMetadata()
    metadata.function_graphs.add().pre_optimization_graph.MergeFromString(graph_def)
    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=[metadata.SerializeToString()])
    plugin = summary_pb2.SummaryMetadata.PluginData(plugin_name=GRAPH, content=b"1")
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
