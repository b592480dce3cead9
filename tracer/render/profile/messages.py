"""The messages of a Perfetto trace, as far as they are written (protos/perfetto/trace/perfetto_trace.proto).

What comes again and again, the events, are bytes to the packets that hold them: they are put together once.
"""

from __future__ import annotations

import functools
from typing import Any

from tracer.messages import MANY, ONE, message_classes

# Names, numbers and types of fields. Texts are bytes here: what they are is the writer's to see to.
_MESSAGES = {
    "Trace": [("packet", 1, "TracePacket", MANY)],
    "TracePacket": [
        ("timestamp", 8, "uint64", ONE),
        ("trusted_packet_sequence_id", 10, "uint32", ONE),
        ("track_event", 11, "bytes", ONE),
        ("interned_data", 12, "InternedData", ONE),
        ("sequence_flags", 13, "uint32", ONE),
        ("track_descriptor", 60, "TrackDescriptor", ONE),
    ],
    "TrackDescriptor": [
        ("uuid", 1, "uint64", ONE),
        ("name", 2, "bytes", ONE),
        ("process", 3, "ProcessDescriptor", ONE),
        ("thread", 4, "ThreadDescriptor", ONE),
        ("parent_uuid", 5, "uint64", ONE),
        ("counter", 8, "CounterDescriptor", ONE),
    ],
    "ProcessDescriptor": [("pid", 1, "int32", ONE), ("process_name", 6, "bytes", ONE)],
    "ThreadDescriptor": [("pid", 1, "int32", ONE), ("tid", 2, "int32", ONE), ("thread_name", 5, "bytes", ONE)],
    "CounterDescriptor": [("unit", 3, "int32", ONE)],
    "TrackEvent": [
        ("category_iids", 3, "uint64", MANY),
        ("debug_annotations", 4, "DebugAnnotation", MANY),
        ("type", 9, "int32", ONE),
        ("name_iid", 10, "uint64", ONE),
        ("track_uuid", 11, "uint64", ONE),
        ("counter_value", 30, "int64", ONE),
        ("source_location_iid", 34, "uint64", ONE),
        ("flow_ids", 47, "fixed64", MANY),
        ("terminating_flow_ids", 48, "fixed64", MANY),
    ],
    "DebugAnnotation": [
        ("name_iid", 1, "uint64", ONE),
        ("uint_value", 3, "uint64", ONE),
        ("string_value_iid", 17, "uint64", ONE),
    ],
    "InternedData": [
        ("event_categories", 1, "Name", MANY),
        ("event_names", 2, "Name", MANY),
        ("debug_annotation_names", 3, "Name", MANY),
        ("source_locations", 4, "SourceLocation", MANY),
        ("debug_annotation_string_values", 29, "Name", MANY),
    ],
    "Name": [("iid", 1, "uint64", ONE), ("name", 2, "bytes", ONE)],  # EventName and the like: they agree
    "SourceLocation": [
        ("iid", 1, "uint64", ONE),
        ("file_name", 2, "bytes", ONE),
        ("function_name", 3, "bytes", ONE),
        ("line_number", 4, "uint32", ONE),
    ],
}
SLICE_BEGIN, SLICE_END, COUNTER = 1, 2, 4  # TrackEvent.Type
SIZE_BYTES = 3  # CounterDescriptor.Unit
CLEARED, NEEDED = 1, 2  # TracePacket.SequenceFlags: interned texts begin anew; the packet refers to them


def message(kind: str, **fields: Any) -> Any:
    """Returns a message of this kind with these fields."""
    return _classes()[kind](**fields)


@functools.cache
def _classes() -> dict[str, Any]:
    return message_classes("tracer.perfetto", _MESSAGES, syntax="proto2")  # a 0 is written if it is given
