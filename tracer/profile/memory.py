"""Memory in use: how much at each moment, at most, and by whom.

What is believed is an allocator's own counter, which each of its events tells: it has the blocks from before the
profile, too.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from tracer.profile.model import Allocation, Executions, Profile


class Peak(NamedTuple):
    """The moment at which the allocators of a device had the most in use together, the first if there are several."""

    host: str
    device: str
    bytes: int  # in use then
    time_ns: int
    step: int | None  # the program's number of the step in which it was; None outside of all
    blocks: tuple[int, ...]  # of them those that were handed out in the profile: indices into `Profile.allocations`
    before_bytes: int  # of them what was handed out before, as weights are


class InUse:
    """How many bytes the allocators of a device had in use together, moment by moment."""

    def __init__(self, events: Sequence[tuple[int, Allocation]]) -> None:
        """Takes the events of all its allocators by time, and their numbers."""
        first: dict[str, int] = {}
        for _, each in events:
            first.setdefault(each.allocator, each.in_use - each.bytes)
        now, total = dict(first), sum(first.values())
        self.events = [number for number, _ in events]
        self.times = array("q")
        self.bytes = array("q", [total])  # before the first event, and after each
        for _, each in events:
            total += each.in_use - now[each.allocator]
            now[each.allocator] = each.in_use
            self.times.append(each.time_ns)
            self.bytes.append(total)
        self._most = [self.bytes]  # of 1, 2, 4, ... values from each on

    def most(self, start_ns: int, end_ns: int) -> int:
        """Returns the most that was in use between two moments."""
        first = bisect_right(self.times, start_ns)
        if first == len(self.times) or self.times[first] > end_ns:  # nothing happened
            return self.bytes[first]
        return self._maximum(first, bisect_right(self.times, end_ns, first) + 1)

    def _maximum(self, first: int, last: int) -> int:
        power = (last - first).bit_length() - 1
        while len(self._most) <= power:
            before = self._most[-1]
            self._most.append(array("q", map(max, before, islice(before, 1 << (len(self._most) - 1), None))))
        most = self._most[power]
        return max(most[first], most[last - (1 << power)])


def in_use(profile: Profile) -> Mapping[str, InUse]:
    """Returns the memory in use on each device of which the profile has events."""
    events: dict[str, list[tuple[int, Allocation]]] = {}
    for number, each in enumerate(profile.allocations):
        events.setdefault(each.device, []).append((number, each))
    return {device: InUse(of_device) for device, of_device in sorted(events.items())}


def while_running(profile: Profile) -> Sequence[int]:
    """Returns for each execution the most bytes in use on its device while it ran; 0 where nothing is known."""
    rows = profile.executions
    most = array("q", bytes(rows.start_ns.itemsize * len(rows)))
    devices = in_use(profile)
    for number, thread in enumerate(profile.threads):
        if thread.device in devices:
            first, last = bisect_left(rows.thread, number), bisect_right(rows.thread, number)
            _fill(most, rows, devices[thread.device], first, last)
    return most


def _fill(most: array[int], rows: Executions, memory: InUse, first: int, last: int) -> None:
    """Fills in what is known of the executions of one thread: all that begin between two events at once."""
    starts, times = rows.start_ns, memory.times
    while first < last:
        event = bisect_right(times, starts[first])
        until = bisect_left(starts, times[event], first, last) if event < len(times) else last
        most[first:until] = array("q", [memory.bytes[event]]) * (until - first)
        if event < len(times):
            for row, done in enumerate(rows.done_ns[first:until], first):
                if done >= times[event]:
                    most[row] = memory.most(starts[row], done)
        first = until


def peaks(profile: Profile) -> list[Peak]:
    """Returns the peak of each device."""
    return [_peak(profile, device, of_device) for device, of_device in in_use(profile).items()]


def peaks_of_hosts(profiles: Sequence[Profile]) -> list[list[Peak]]:
    """Returns for each profile its peaks; a device has only the largest of all windows of its host."""
    largest: dict[tuple[str, str], tuple[int, Peak]] = {}  # by host and device
    for number, profile in enumerate(profiles):
        for peak in peaks(profile):
            key = (profile.host_file, peak.device)
            if key not in largest or peak.bytes > largest[key][1].bytes:
                largest[key] = (number, peak)
    return [[peak for of, peak in largest.values() if of == number] for number in range(len(profiles))]


def _peak(profile: Profile, device: str, of_device: InUse) -> Peak:
    most = max(of_device.bytes)
    after = of_device.bytes.index(most)  # so many events
    held: dict[tuple[str, int], int] = {}
    for number in of_device.events[:after]:
        each = profile.allocations[number]
        if each.bytes > 0:
            held[each.allocator, each.address] = number
        else:
            held.pop((each.allocator, each.address), None)
    at = profile.allocations[of_device.events[max(after - 1, 0)]]
    known = sum(profile.allocations[number].bytes for number in held.values())
    return Peak(
        host=profile.host,
        device=device,
        bytes=most,
        time_ns=at.time_ns,
        step=profile.steps[at.step].number if after and at.step >= 0 else None,
        blocks=tuple(held.values()),
        before_bytes=most - known,
    )
