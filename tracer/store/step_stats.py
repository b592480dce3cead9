"""What nodes took, as TensorBoard's tags hold it: `StepStats`, from which its page colours boxes by time and memory.

The page (2.21) gives a box the time from the first start in it to the last end, whatever lies between, and adds up
bytes. So here nodes are laid end to end, scope by scope: then that span is the sum of the nodes' times. These are self
times over the whole window in whole microseconds, one at least of what ran; when it ran they do not say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tracer.graph.model import Kind, Nodes
from tracer.graph.optimized import SHAPES

if TYPE_CHECKING:
    from tracer.profile.attribute import NodeTime

_BEGIN = 1  # microseconds; text leaves out what is 0, and then the page reads no number at all
_NUMBERED = re.compile(r"(\D*)(\d+)")  # names that the page folds into a series: "Add_1" to "Add_9"
_DIGITS = 9  # of a number in a name; Python refuses to read one of thousands

_Place = tuple[tuple[str, ...], str, str, int]  # scope, op, stem and number: see `_place`


class Executed(NamedTuple):
    """What a node took, and which nodes of a graph that may be."""

    paths: tuple[str, ...]  # its node path, then those of what is executed with it; the first that a graph has counts
    time: NodeTime


def step_stats(nodes: Nodes, executed: Iterable[Executed], names: Mapping[str, str]) -> bytes:
    """Returns the serialized `StepStats` of a tag, with a `DeviceStepStats` for each device; empty if nothing ran.

    What is executed and in no node of the tag is left out: the page has no box for it.

    Args:
      nodes: of the tag.
      executed: what was executed of its trace.
      names: what the node of a path is called in the tag.
    """
    from tensorboard.compat.proto import step_stats_pb2

    found = step_stats_pb2.StepStats()
    devices: dict[str, Any] = {}
    kinds = dict(zip(nodes.names, nodes.kinds, strict=True))
    shapes = {kind: _shapes(kind) for kind in set(nodes.kinds)}
    now = _BEGIN
    for name, device, sums in _laid_out(_summed(executed, names), kinds):
        if device not in devices:
            devices[device] = found.dev_stats.add(device=device)
        node = devices[device].node_stats.add(node_name=name, all_start_micros=now)
        node.op_end_rel_micros = node.all_end_rel_micros = sums.micros
        now += sums.micros
        if sums.bytes:
            node.memory.add(total_bytes=sums.bytes)
        _add_outputs(node, shapes[kinds[name]])
    return found.SerializeToString()  # type: ignore[no-any-return]  # protobuf's stubs say Any


def _add_outputs(node: Any, shapes: Iterable[Sequence[int]]) -> None:
    for slot, sizes in enumerate(shapes):
        shape = node.output.add(slot=slot).tensor_description.shape
        shape.SetInParent()  # the page reads it, be it empty
        for size in sizes:
            shape.dim.add(size=size)


def _shapes(kind: Kind) -> Sequence[Sequence[int]]:
    """Returns the shapes of a node's outputs; none if one of them is not known, or has a 0, which text leaves out."""
    shapes = kind.attributes.get(SHAPES) or ()
    if not isinstance(shapes, tuple) or not all(isinstance(shape, tuple) and all(shape) for shape in shapes):
        return ()
    return shapes


class _Sums:
    """What a node of a tag took on a device."""

    __slots__ = ("bytes", "calls", "self_ns")

    def __init__(self) -> None:
        self.bytes = self.calls = self.self_ns = 0

    def add(self, time: NodeTime) -> None:
        """Adds what a node of the run took."""
        self.bytes += time.bytes
        self.calls += time.calls
        self.self_ns += time.self_ns

    @property
    def micros(self) -> int:
        """The self time; 0 only of what did not run, but has memory."""
        return max(round(self.self_ns / 1000), 1) if self.calls or self.self_ns else 0


def _summed(executed: Iterable[Executed], names: Mapping[str, str]) -> dict[str, dict[str, _Sums]]:
    """Returns what each node took, by name and device."""
    found: dict[str, dict[str, _Sums]] = {}
    for each in executed:
        path = next((path for path in each.paths if path in names), None)
        if path is not None:
            found.setdefault(names[path], {}).setdefault(each.time.device, _Sums()).add(each.time)
    return found


def _laid_out(sums: Mapping[str, Mapping[str, _Sums]], kinds: Mapping[str, Kind]) -> Iterator[tuple[str, str, _Sums]]:
    """Yields node, device and sums in an order in which those of one box of the page are next to each other."""
    scopes = _scopes(kinds) if sums else set()
    for name in sorted(sums, key=lambda name: _place(name, kinds[name].op, scopes)):
        for device, each in sorted(sums[name].items()):
            yield name, device, each


def _scopes(names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for name in names:
        scope = name.rpartition("/")[0]
        while scope and scope not in found:
            found.add(scope)
            scope = scope.rpartition("/")[0]
    return found


def _place(name: str, op: str, scopes: set[str]) -> _Place:
    """Returns a node's place: its scope, then what makes a series of it, the nodes right in a scope before others.

    A node whose name is a scope's stands in that scope.
    """
    parts = tuple(name.split("/"))
    scope, own = (parts, "") if name in scopes else (parts[:-1], parts[-1])
    series = _NUMBERED.fullmatch(own)
    if series and len(series[2]) <= _DIGITS:
        return scope, op, series[1], int(series[2])
    return scope, op, own, -1
