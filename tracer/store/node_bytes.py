"""Names and inputs of nodes, taken from the bytes of a NodeDef by hand.

A message object for each of a million nodes costs more than all that is read from them. TensorFlow writes the fields of
a node in the order of their numbers: the name, the op, the inputs, and then what most nodes have in common with others.
Here nothing else is understood; a node that is written in another way is left to protobuf.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

# Tags of fields, numbers times 8 and 2 for "with a length": tensorflow/core/framework/node_def.proto.
_NAME, _OP, _INPUT = 0x0A, 0x12, 0x1A
_LONG = 0x80  # lengths from here on take a second byte, and from 1 << 14 on a third: no name is so long


def heads(nodes: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yields, for each node, its name and its bytes behind that without the inputs: the op, and what follows them.

    Both are empty for a node that does not begin with name, op and inputs; `split` takes the bytes apart. What follows
    may still hold a second name, op or input.
    """
    for node in nodes:
        try:
            start, length = 2, node[1]
            if length >= _LONG:
                start, length = 3, _long(length, node[2])
            op = start + length
            at = behind = op + 2 + node[op + 1]
            size = len(node)
            while at < size and node[at] == _INPUT:
                length = node[at + 1]
                at += 2 + length if length < _LONG else 3 + _long(length, node[at + 2])
            known = node[0] == _NAME and node[op] == _OP and node[op + 1] < _LONG and at <= size
        except (IndexError, ValueError):
            known = False
        if known:
            yield node[start:op].decode("utf-8", "backslashreplace"), node[op:behind] + node[at:]
        else:
            yield "", b""


def split(rest: bytes) -> tuple[bytes, bytes]:
    """Returns the op and what follows the inputs, of the bytes that `heads` gives."""
    end = 2 + rest[1]
    return rest[2:end], rest[end:]


def inputs(node: bytes) -> tuple[str, ...]:
    """Returns the inputs of a node that `heads` understands."""
    op = 2 + node[1] if node[1] < _LONG else 3 + _long(node[1], node[2])
    at = op + 2 + node[op + 1]
    found = []
    while at < len(node) and node[at] == _INPUT:
        length = node[at + 1]
        at += 2
        if length >= _LONG:
            length = _long(length, node[at])
            at += 1
        found.append(node[at : at + length].decode("utf-8", "backslashreplace"))
        at += length
    return tuple(found)


def _long(first: int, second: int) -> int:
    """Returns the length in two bytes, seven bits in each, the lower ones first."""
    if second >= _LONG:
        raise ValueError("a length of more than two bytes")
    return first & 0x7F | second << 7
