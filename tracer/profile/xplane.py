"""Bytes of an `*.xplane.pb` to planes of events.

Read through message classes of our own, which leave what nobody may ask for as bytes: planes and their lines are parsed
one by one, so that the events of one line are in memory at a time, and texts only where they are used. Fields and
numbers are those of tensorflow/tsl/profiler/protobuf/xplane.proto.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from operator import lt
from typing import Any

from tracer.errors import Unreadable
from tracer.messages import MANY, ONE, ONE_OF, damage, message_classes

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
    def lines(self) -> Iterator[Any]:
        """Its lines: threads, or a device's streams; each is parsed when its turn comes.

        Each has `id`, `name`, `timestamp_ns`, and `events` with `metadata_id`, `offset_ps` since the line's time stamp,
        `duration_ps` and `stats`.

        Raises:
          Unreadable: a line is damaged.
        """
        for number, line in enumerate(self._message.lines):
            yield _parse("Line", line, f"{self._path}: line {number} of plane '{self.name}'")

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


def in_order(events: Sequence[Any]) -> tuple[list[int], Sequence[Any]]:
    """Returns the offsets of a line's events and the events, by start, of equal ones the longer first.

    The profiler writes them so: they are sorted only where it did not.
    """
    offsets = [event.offset_ps for event in events]
    if all(map(lt, offsets, islice(offsets, 1, None))):
        return offsets, events
    doubtful = [at for at, (one, other) in enumerate(pairwise(offsets)) if one >= other]
    if any(offsets[at] > offsets[at + 1] or events[at].duration_ps < events[at + 1].duration_ps for at in doubtful):
        events = sorted(events, key=lambda event: (event.offset_ps, -event.duration_ps))
        offsets.sort()
    return offsets, events


def text(content: bytes) -> str:
    """Returns a text of the file; bytes that are no UTF-8 are escaped."""
    return content.decode("utf-8", "backslashreplace")


def write_space(planes: Iterator[dict[str, Any]] | Sequence[dict[str, Any]], hosts: Sequence[str] = ()) -> bytes:
    """Returns planes as a serialized XSpace.

    Args:
      planes: each as the fields of the message: `{"name": b"/host:CPU", "lines": [...], ...}`.
      hosts: the names of the hosts.
    """
    space = messages()["Space"](hostnames=[host.encode() for host in hosts])
    for plane in planes:
        lines = [messages()["Line"](**line).SerializeToString() for line in plane.get("lines", ())]
        space.planes.append(messages()["Plane"](**{**plane, "lines": lines}).SerializeToString())
    return space.SerializeToString()  # type: ignore[no-any-return]  # protobuf's stubs say Any


def _parse(kind: str, content: bytes, where: str) -> Any:
    from google.protobuf.message import DecodeError

    try:
        return messages()[kind].FromString(content)
    except DecodeError:
        hint = "the file is cut off or damaged, or no profile (*.xplane.pb); record again"
        raise Unreadable(f"{where} cannot be read: {damage(content, kind, _MESSAGES)}", hint=hint) from None


_MESSAGES = {
    "Space": [("planes", 1, "bytes", MANY), ("hostnames", 4, "bytes", MANY)],
    "PlaneName": [("name", 2, "bytes", ONE)],
    "Plane": [
        ("id", 1, "int64", ONE),
        ("name", 2, "bytes", ONE),
        ("lines", 3, "bytes", MANY),
        ("event_metadata", 4, "Entry", MANY),
        ("stat_metadata", 5, "Entry", MANY),
    ],
    "Entry": [("key", 1, "int64", ONE), ("value", 2, "Metadata", ONE)],
    "Metadata": [("id", 1, "int64", ONE), ("name", 2, "bytes", ONE)],  # of an event or of a stat, as far as they agree
    "Line": [
        ("id", 1, "int64", ONE),
        ("name", 2, "bytes", ONE),
        ("timestamp_ns", 3, "int64", ONE),
        ("events", 4, "Event", MANY),
    ],
    "Event": [
        ("metadata_id", 1, "int64", ONE),
        ("offset_ps", 2, "int64", ONE),
        ("duration_ps", 3, "int64", ONE),
        ("stats", 4, "Stat", MANY),
    ],
    "Stat": [
        ("metadata_id", 1, "int64", ONE),
        ("double_value", 2, "double", ONE_OF),
        ("uint64_value", 3, "uint64", ONE_OF),
        ("int64_value", 4, "int64", ONE_OF),
        ("str_value", 5, "bytes", ONE_OF),
        ("bytes_value", 6, "bytes", ONE_OF),
        ("ref_value", 7, "uint64", ONE_OF),
    ],
}


@functools.cache
def messages() -> dict[str, Any]:
    """Returns the message classes, as they are in `_MESSAGES`: parts that not everybody asks for are bytes."""
    return message_classes("tracer.profile", _MESSAGES)
