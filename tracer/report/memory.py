"""The most memory that a window had in use, and who held it then."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import NamedTuple

from tracer import text
from tracer.profile.lookup import OF_NODE
from tracer.profile.model import HOST
from tracer.report.timed import UNATTRIBUTED
from tracer.timing.timing import TimedNode, Timing

_NAMED = 3  # holders that a sentence names
_LEAST = 0.01  # of the peak: what is less is not named
_NAME = 50  # characters of a name


class Holder(NamedTuple):
    """Who held memory: a layer, a scope, ops of Python's; `UNATTRIBUTED` for what found no owner."""

    name: str
    bytes: int


@dataclasses.dataclass(frozen=True, slots=True)
class DevicePeak:
    """The peak of a device; of several hosts that have it, their peaks together, each at its own moment."""

    device: str
    hosts: int
    peak_bytes: int
    step: int | None  # the program's number of the step in which it was; None outside of all, and of several hosts
    before_bytes: int  # of them blocks from before the window, as weights are
    holders: tuple[Holder, ...]  # of the rest, the most first: together they are all of it


def memory_peaks(timing: Timing) -> tuple[DevicePeak, ...]:
    """Returns the peak of each device of which the profiles tell, the largest first."""
    found = []
    for device in dict.fromkeys(peak.device for peak in timing.peaks):
        peaks = [peak for peak in timing.peaks if peak.device == device]
        most, before = sum(peak.bytes for peak in peaks), sum(peak.before_bytes for peak in peaks)
        found.append(
            DevicePeak(
                device=device,
                hosts=len(peaks),
                peak_bytes=most,
                step=peaks[0].step if len(peaks) == 1 else None,
                before_bytes=before,
                holders=_holders(timing, device, most - before),
            )
        )
    return tuple(sorted(found, key=lambda peak: (-peak.peak_bytes, peak.device)))


def told(peak: DevicePeak) -> str:
    """Returns a peak in words: `34.0 MiB in use at the peak, in step 3: 20.0 MiB by net.dense, ...`."""
    where = f", in step {peak.step}" if peak.step is not None else ""
    where += f", of {peak.hosts} hosts together" if peak.hosts > 1 else ""
    parts = [f"{text.byte_size(peak.before_bytes)} from before the window"] if peak.before_bytes else []
    named = [each for each in peak.holders[:_NAMED] if each.bytes >= _LEAST * peak.peak_bytes]
    parts += [f"{text.byte_size(each.bytes)} by {text.shortened(each.name, _NAME)}" for each in named]
    rest = peak.holders[len(named) :]
    if rest:
        parts.append(f"{text.byte_size(sum(each.bytes for each in rest))} by {text.plural(len(rest), 'other')}")
    return f"{text.byte_size(peak.peak_bytes)} in use at the peak{where}: {', '.join(parts)}"


def _holders(timing: Timing, device: str, whole: int) -> tuple[Holder, ...]:
    """Returns who held the blocks of a device, which have `whole` bytes together; one of them is who is not known."""
    held: Counter[str] = Counter()
    for node in timing.nodes:
        if node.time.held_bytes and _memory_of(node.time.device) == _memory_of(device):
            held[_name(node)] += node.time.held_bytes
    if whole > held.total():
        held[UNATTRIBUTED] = whole - held.total()
    return tuple(Holder(name, held[name]) for name in sorted(held, key=lambda name: (-held[name], name)))


def _memory_of(device: str) -> str:
    """Returns whose memory a device takes: all devices of the host take the host's."""
    return HOST if device.startswith(HOST) else device


def _name(node: TimedNode) -> str:
    """Returns the layer or module of a node, else the scope that it stands in; of what is no node, what it is."""
    if node.owner.module and node.owner.module.name:
        return node.owner.module.name
    if node.time.kind != OF_NODE:
        return f"{node.time.path} ({node.time.kind})"
    return node.time.path.rpartition("/")[0] or node.time.path
