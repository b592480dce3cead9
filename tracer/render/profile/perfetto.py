"""A Perfetto trace (perfetto.dev, protos/perfetto/trace): a track for each thread, for steps, and for memory."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from itertools import count, islice
from typing import Any

from tracer.graph.lines import Frame
from tracer.profile.model import Profile
from tracer.render.graph.words import visible
from tracer.render.profile.messages import CLEARED, COUNTER, NEEDED, SIZE_BYTES, SLICE_BEGIN, SLICE_END, message
from tracer.report.profile import ProfileView
from tracer.report.timeline import Label, Timeline

_SEQUENCE = 1  # the number of the writer: any but 0
_STEP = "step"  # category of the slices of steps
_CHUNK = 1024  # packets
_UINT32, _INT64 = (1 << 32) - 1, (1 << 63) - 1  # what a field holds: damaged files say more


def render(view: ProfileView) -> bytes:
    """Returns the file. Each host is a process, by its own clock; times count from where its profile begins."""
    texts, numbers = _Texts(), count(1)
    packets = (packet for timeline in view.timelines() for packet in _Host(timeline, texts, numbers).packets())
    events = list(_bytes(packets))  # before the texts, which they number
    first = message(
        "TracePacket",
        trusted_packet_sequence_id=_SEQUENCE,
        sequence_flags=CLEARED,
        interned_data=texts.message(),
    )
    return b"".join([*_bytes([first]), *events])


def _bytes(packets: Iterable[Any]) -> Iterator[bytes]:
    """Yields packets as parts of a trace: traces one after the other are one. Messages take ten times the memory."""
    rest = iter(packets)
    while chunk := list(islice(rest, _CHUNK)):
        yield message("Trace", packet=chunk).SerializeToString()


class _Texts:
    """The texts of a file, each with its number."""

    def __init__(self) -> None:
        self._numbers: dict[str, dict[str, int]] = {}
        self._places: dict[Frame, int] = {}

    def number(self, field: str, text: str) -> int:
        """Returns the number of a text in a field of InternedData."""
        known = self._numbers.setdefault(field, {})
        return known.setdefault(text, len(known) + 1)

    def place(self, frame: Frame) -> int:
        """Returns the number of a line of Python."""
        return self._places.setdefault(frame, len(self._places) + 1)

    def message(self) -> Any:
        """Returns all of them."""
        fields: dict[str, list[Any]] = {
            field: [message("Name", iid=number, name=_text(text)) for text, number in known.items()]
            for field, known in self._numbers.items()
        }
        fields["source_locations"] = [
            message(
                "SourceLocation",
                iid=number,
                file_name=_text(frame.file),
                function_name=_text(frame.function),
                line_number=_within(frame.line, 0, _UINT32),
            )
            for frame, number in self._places.items()
        ]
        return message("InternedData", **fields)


class _Host:
    """Writes what one host's profiler saw."""

    def __init__(self, timeline: Timeline, texts: _Texts, numbers: Iterator[int]) -> None:
        self._timeline = timeline
        self._profile = timeline.profile
        self._texts = texts
        self._numbers = numbers  # for tracks, processes, threads and flows, over all hosts
        self._pid = next(numbers)
        self._before = _earliest(timeline.profile)

    def packets(self) -> Iterator[Any]:
        """Yields its process, its threads, its steps and its memory."""
        process = {"pid": self._pid, "process_name": _text(self._profile.host)}
        yield _track(self._pid, process=message("ProcessDescriptor", **process))
        yield from self._steps()
        yield from self._memory()
        flows = {row: (next(self._numbers), launch) for row, launch in self._timeline.launches().items()}
        flow_events = _flow_events(flows)
        for thread, rows in self._timeline.rows().items():
            yield from self._thread(thread, rows, flow_events)

    def _thread(self, thread: int, rows: Iterable[int], flows: dict[int, bytes]) -> Iterator[Any]:
        track = next(self._numbers)
        told = self._profile.threads[thread]
        name = told.name if told.device in told.name else f"{told.name} ({told.device})"
        described = message("ThreadDescriptor", pid=self._pid, tid=track, thread_name=_text(name))
        yield _track(track, thread=described)
        end = _event(type=SLICE_END, track_uuid=track)
        begin = functools.cache(functools.partial(self._begin, track))
        columns = self._profile.executions
        for moment, row, opens in self._timeline.events(rows):
            event = end
            if opens:
                late = columns.done_ns[row] - columns.end_ns[row]
                # Fields that are written one after the other are fields of one message.
                event = begin(self._timeline.label[row]) + flows.get(row, b"") + (self._late(late) if late > 0 else b"")
            yield self._packet(moment, event)

    def _begin(self, track: int, number: int) -> bytes:
        label = self._timeline.labels[number]
        fields = {"source_location_iid": self._texts.place(label.stack[-1])} if label.stack else {}
        return _event(
            type=SLICE_BEGIN,
            track_uuid=track,
            name_iid=self._texts.number("event_names", label.name),
            category_iids=[self._texts.number("event_categories", label.phase)],
            debug_annotations=[self._annotation(name, text) for name, text in _facts(label) if text],
            **fields,
        )

    def _annotation(self, name: str, text: str) -> Any:
        return message(
            "DebugAnnotation",
            name_iid=self._texts.number("debug_annotation_names", name),
            string_value_iid=self._texts.number("debug_annotation_string_values", text),
        )

    def _late(self, duration: int) -> bytes:
        name = self._texts.number("debug_annotation_names", "done_after_end_ns")
        return _event(debug_annotations=[message("DebugAnnotation", name_iid=name, uint_value=duration)])

    def _steps(self) -> Iterator[Any]:
        tracks: dict[int, int] = {}
        category = [self._texts.number("event_categories", _STEP)] if self._profile.steps else []
        for step in self._profile.steps:
            if step.thread not in tracks:
                tracks[step.thread] = next(self._numbers)
                yield _track(tracks[step.thread], parent_uuid=self._pid, name=b"steps")
            track = tracks[step.thread]
            name = self._texts.number("event_names", f"{step.name} {step.number}")
            begin = _event(type=SLICE_BEGIN, track_uuid=track, name_iid=name, category_iids=category)
            yield self._packet(step.start_ns, begin)
            yield self._packet(step.end_ns, _event(type=SLICE_END, track_uuid=track))

    def _memory(self) -> Iterator[Any]:
        tracks: dict[str, int] = {}
        for each in self._profile.allocations:
            if each.allocator not in tracks:
                tracks[each.allocator] = next(self._numbers)
                unit = message("CounterDescriptor", unit=SIZE_BYTES)
                name = _text(f"memory in use: {each.allocator}")
                yield _track(tracks[each.allocator], parent_uuid=self._pid, name=name, counter=unit)
            value = _event(
                type=COUNTER, track_uuid=tracks[each.allocator], counter_value=_within(each.in_use, 0, _INT64)
            )
            yield self._packet(each.time_ns, value)

    def _packet(self, moment: int, event: bytes) -> Any:
        return message(
            "TracePacket",
            timestamp=_within(moment - self._before, 0, _INT64),  # Perfetto's clock, too, has a sign
            trusted_packet_sequence_id=_SEQUENCE,
            sequence_flags=NEEDED,
            track_event=event,
        )


def _facts(label: Label) -> Iterator[tuple[str, str]]:
    """Yields what the details of a slice tell, by the names that queries use: `debug.op`."""
    yield "node", ", ".join(label.nodes)
    yield "op", label.op
    yield "kernel", label.kernel
    yield "kind", label.kind
    yield "function", label.function
    yield "line", f"{label.stack[-1].file}:{label.stack[-1].line}" if label.stack else ""
    yield "layer", label.module
    yield "phase", label.phase
    yield "unattributed", label.reason


def _flow_events(flows: dict[int, tuple[int, int]]) -> dict[int, bytes]:
    """Returns what the events of kernels and of their launches have besides: arrows from the one to the other."""
    found = {kernel: _event(terminating_flow_ids=[flow]) for kernel, (flow, _) in flows.items()}
    for flow, launch in flows.values():
        found[launch] = found.get(launch, b"") + _event(flow_ids=[flow])
    return found


def _earliest(profile: Profile) -> int:
    """Returns when the profile begins, if that is before 0, which only damaged files do: a trace has no such times."""
    moments = (*profile.executions.start_ns, *(each.time_ns for each in profile.allocations[:1]))
    return min((0, *moments, *(step.start_ns for step in profile.steps[:1])))


def _track(uuid: int, **fields: Any) -> Any:
    described = message("TrackDescriptor", uuid=uuid, **fields)
    return message("TracePacket", trusted_packet_sequence_id=_SEQUENCE, track_descriptor=described)


def _event(**fields: Any) -> bytes:
    return message("TrackEvent", **fields).SerializeToString()  # type: ignore[no-any-return]  # protobuf's stubs say Any


def _within(value: int, least: int, most: int) -> int:
    return max(least, min(value, most))


def _text(text: str) -> bytes:
    return visible(text).encode()
