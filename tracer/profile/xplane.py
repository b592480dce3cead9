"""Bytes of an `*.xplane.pb` to planes of events.

Read through message classes of our own, which leave what nobody may ask for as bytes: planes are parsed one by one, and
texts only where they are used. Fields and numbers are those of tensorflow/tsl/profiler/protobuf/xplane.proto.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

from tracer.errors import Unreadable

_KNOWN = ("/", "#", "Task Environment", "Host CPUs", "Syscalls")  # how the profiler's planes begin


class Plane:
    """The events of a device, or of the threads of a host."""

    def __init__(self, name: str, content: bytes, path: str) -> None:
        self.name = name  # "/host:CPU", "/device:GPU:0"
        self._content = content
        self._path = path

    @functools.cached_property
    def _message(self) -> Any:
        return _parse("Plane", self._content, f"{self._path}: plane '{self.name}'")

    @property
    def lines(self) -> Sequence[Any]:
        """Its lines: threads, or a device's streams.

        Each has `id`, `name`, `timestamp_ns`, and `events` with `metadata_id`, `offset_ps` since the line's time stamp,
        `duration_ps` and `stats`.
        """
        return self._message.lines  # type: ignore[no-any-return]  # protobuf's stubs say Any

    @functools.cached_property
    def event_names(self) -> dict[int, str]:
        """What each `metadata_id` of an event means."""
        return {entry.key: text(entry.value.name) for entry in self._message.event_metadata}

    @functools.cached_property
    def stat_names(self) -> dict[int, str]:
        """What each `metadata_id` of a stat means, and each `ref_value`."""
        return {entry.key: text(entry.value.name) for entry in self._message.stat_metadata}

    @functools.cached_property
    def stat_ids(self) -> dict[str, int]:
        """The `metadata_id` of each stat by its name."""
        return {name: number for number, name in self.stat_names.items()}

    def stats(self, event: Any) -> dict[str, Any]:
        """Returns an event's stats: ints, floats, and texts."""
        return {self.stat_names.get(stat.metadata_id, ""): self.value(stat) for stat in event.stats}

    def value(self, stat: Any) -> Any:
        """Returns the value of a stat; a reference is the text that it refers to."""
        field = stat.WhichOneof("value")
        if field == "ref_value":
            return self.stat_names.get(stat.ref_value, "")
        found = getattr(stat, field) if field else None
        return text(found) if isinstance(found, bytes) else found


def read_planes(content: bytes, path: object) -> tuple[str, tuple[Plane, ...]]:
    """Returns the name of the host, empty if the file has none, and the planes of a serialized XSpace.

    Args:
      content: the bytes.
      path: where they come from, for messages.

    Raises:
      Unreadable: they are empty, cut off, damaged, or no profile; the message says where.
    """
    if not content:
        hint = "the profile was over 2 GB, or its writer was cut off; record fewer steps"
        raise Unreadable(f"{path} is empty", hint=hint)
    space = _parse("Space", content, str(path))
    planes = tuple(Plane(text(_parse("PlaneName", plane, str(path)).name), plane, str(path)) for plane in space.planes)
    if not any(plane.name.startswith(_KNOWN) for plane in planes):
        raise Unreadable(f"{path} holds no plane of a profiler", hint="it is no profile (*.xplane.pb), or damaged")
    return (text(space.hostnames[0]) if space.hostnames else ""), planes


def text(content: bytes) -> str:
    """Returns a text of the file; bytes that are no UTF-8 are escaped."""
    return content.decode("utf-8", "backslashreplace")


def write_space(planes: Iterator[dict[str, Any]] | Sequence[dict[str, Any]], hosts: Sequence[str] = ()) -> bytes:
    """Returns planes as a serialized XSpace.

    Args:
      planes: each as the fields of the message: `{"name": b"/host:CPU", "lines": [...], ...}`.
      hosts: the names of the hosts.
    """
    space = _classes()["Space"](hostnames=[host.encode() for host in hosts])
    for plane in planes:
        space.planes.append(_classes()["Plane"](**plane).SerializeToString())
    return space.SerializeToString()  # type: ignore[no-any-return]  # protobuf's stubs say Any


def _parse(kind: str, content: bytes, where: str) -> Any:
    from google.protobuf.message import DecodeError

    try:
        return _classes()[kind].FromString(content)
    except DecodeError:
        hint = "the file is cut off or damaged, or no profile (*.xplane.pb); record again"
        raise Unreadable(f"{where} cannot be read: {_damage(kind, content)}", hint=hint) from None


_MESSAGES = {
    "Space": [("planes", 1, "bytes", 3), ("hostnames", 4, "bytes", 3)],
    "PlaneName": [("name", 2, "bytes", 1)],
    "Plane": [
        ("id", 1, "int64", 1),
        ("name", 2, "bytes", 1),
        ("lines", 3, "Line", 3),
        ("event_metadata", 4, "Entry", 3),
        ("stat_metadata", 5, "Entry", 3),
    ],
    "Entry": [("key", 1, "int64", 1), ("value", 2, "Metadata", 1)],
    "Metadata": [("id", 1, "int64", 1), ("name", 2, "bytes", 1)],  # of an event or of a stat, as far as they agree
    "Line": [
        ("id", 1, "int64", 1),
        ("name", 2, "bytes", 1),
        ("timestamp_ns", 3, "int64", 1),
        ("events", 4, "Event", 3),
    ],
    "Event": [
        ("metadata_id", 1, "int64", 1),
        ("offset_ps", 2, "int64", 1),
        ("duration_ps", 3, "int64", 1),
        ("stats", 4, "Stat", 3),
    ],
    "Stat": [
        ("metadata_id", 1, "int64", 1),
        ("double_value", 2, "double", 0),
        ("uint64_value", 3, "uint64", 0),
        ("int64_value", 4, "int64", 0),
        ("str_value", 5, "bytes", 0),
        ("bytes_value", 6, "bytes", 0),
        ("ref_value", 7, "uint64", 0),
    ],
}
_SCALARS = {"double": 1, "int64": 3, "uint64": 4, "bytes": 12}  # numbers of descriptor.proto


@functools.cache
def _classes() -> dict[str, Any]:
    """Returns our message classes, in a pool of their own: XSpace may be registered only once in the shared one."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="tracer_profile.proto", package="tracer.profile", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        if any(label == 0 for *_, label in fields):
            message.oneof_decl.add(name="value")
        for field, number, kind, label in fields:
            added = message.field.add(name=field, number=number, label=label or 1, type=_SCALARS.get(kind, 11))
            if kind not in _SCALARS:
                added.type_name = f".tracer.profile.{kind}"
            if label == 0:
                added.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    get = pool.FindMessageTypeByName
    return {name: message_factory.GetMessageClass(get(f"tracer.profile.{name}")) for name in _MESSAGES}


def _damage(kind: str, content: bytes) -> str:
    """Returns at which byte of a message the first field is that makes no sense, looking into its parts."""
    inner = {number: part for _, number, part, _ in _MESSAGES[kind] if part in _MESSAGES}
    offset = 0
    while offset < len(content):
        start = offset
        try:
            tag, offset = _varint(content, offset)
            length = 0
            if tag & 7 == 0:
                _, offset = _varint(content, offset)
            elif tag & 7 == 2:
                length, offset = _varint(content, offset)
            elif tag & 7 in (1, 5):
                length = 8 if tag & 7 == 1 else 4
            else:
                return f"no field starts at byte {start}"
        except IndexError:
            return f"it ends inside the field at byte {start}"
        if offset + length > len(content):
            return f"it ends inside the field at byte {start}"
        part = inner.get(tag >> 3) if tag & 7 == 2 else None
        problem = _damage(part, content[offset : offset + length]) if part else ""
        if problem:
            return f"{problem} of the {part.lower() if part else ''} at byte {start}"
        offset += length
    return ""


def _varint(content: bytes, offset: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[offset]
        offset += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, offset
        shift += 7
