"""Protobuf messages of our own, from tables of their fields, and where the bytes of a message are damaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

ONE_OF, ONE, MANY = 0, 1, 3  # how often a field comes: one of those of a message that are `ONE_OF`, once, repeatedly

# Name, number, type and how often it comes of each field, by message; a type is a scalar or another of the messages.
Messages = Mapping[str, Sequence[tuple[str, int, str, int]]]

# Numbers of google/protobuf/descriptor.proto.
_SCALARS = {"double": 1, "int64": 3, "uint64": 4, "int32": 5, "fixed64": 6, "string": 9, "bytes": 12, "uint32": 13}
_MESSAGE = 11
_LOOKED_AT = 1_000_000  # fields of a damaged message; a second


def message_classes(package: str, messages: Messages, *, syntax: str = "proto3") -> dict[str, Any]:
    """Returns a class for each message, by its name.

    They are in a pool of their own: a name may be registered only once in the shared one, where TensorFlow's are.
    """
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax=syntax)
    for name, fields in messages.items():
        described = file.message_type.add(name=name)
        if any(often == ONE_OF for *_, often in fields):
            described.oneof_decl.add(name="value")
        for field, number, kind, often in fields:
            added = described.field.add(
                name=field, number=number, label=often or ONE, type=_SCALARS.get(kind, _MESSAGE)
            )
            if kind not in _SCALARS:
                added.type_name = f".{package}.{kind}"
            if often == ONE_OF:
                added.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    get = pool.FindMessageTypeByName
    return {name: message_factory.GetMessageClass(get(f"{package}.{name}")) for name in messages}


def damage(content: bytes, kind: str = "", messages: Messages | None = None) -> str:
    """Returns at which byte of a message the first field is that makes no sense.

    Args:
      content: the bytes of the message.
      kind: its name in `messages`, to look into its parts too.
      messages: the fields of the messages.
    """
    return _damage(content, kind, messages or {}, count()) or "a field in it is damaged"


def _damage(content: bytes, kind: str, messages: Messages, seen: count[int]) -> str:
    """Returns the same; empty if each field makes sense, or if there are more than are looked at."""
    parts = {number: part for _, number, part, _ in messages.get(kind, ()) if part in messages}
    offset = 0
    while offset < len(content) and next(seen) < _LOOKED_AT:
        start = offset
        try:
            tag, offset = _varint(content, offset)
            offset, end = _value(content, offset, tag & 7)
        except IndexError:
            return f"it ends inside the field at byte {start}"
        except ValueError:
            return f"no field starts at byte {start}"
        part = parts.get(tag >> 3, "") if tag & 7 == 2 else ""
        problem = _damage(content[offset:end], part, messages, seen) if part else ""
        if problem:
            return f"{problem} of the {part.lower()} at byte {start}"
        offset = end
    return ""


def _value(content: bytes, offset: int, wire_type: int) -> tuple[int, int]:
    """Returns where the content of a field's value begins and ends.

    Raises:
      IndexError: it ends behind the message.
      ValueError: there is no such type.
    """
    if wire_type == 0:
        end = _varint(content, offset)[1]
    elif wire_type == 2:
        length, offset = _varint(content, offset)
        end = offset + length
    elif wire_type in (1, 5):
        end = offset + (8 if wire_type == 1 else 4)
    else:
        raise ValueError(wire_type)
    if end > len(content):
        raise IndexError(end)
    return offset, end


def _varint(content: bytes, offset: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if shift > 63:
            raise ValueError(shift)  # no number is longer; to read one as long as a damaged file takes for ever
        byte = content[offset]
        offset += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, offset
        shift += 7
